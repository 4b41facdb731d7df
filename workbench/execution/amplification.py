"""How strongly outcomes depend on rounding: runs solved again with every number moved in its last digit.

The same runs with every number moved by a unit in its last place: what moves much more amplifies rounding.

Processors round products, exponentials and logarithms differently in the last place, which is as if the numbers of a
scenario were other ones by that much. Most outcomes move as little; one that settles by which of two ways a run falls,
or that grows apart exponentially, moves by more the longer it runs, and has other digits on every processor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from workbench.execution.runner import prepare

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array
    from workbench.component.declaration import Component
    from workbench.plan.run_plans import Plan
    from workbench.scenario.model import Scenario
    from workbench.solver.batch import Batch, Structure

    Values = Mapping[tuple[str, str], Array]
    """By arm and outcome, the values of the runs."""

SUBJECTS = 8
EACH = 12
"""Runs of one arm and structure that are looked at, at most: evenly spread over its points and subjects."""


@dataclass(frozen=True)
class OutcomeShift:
    """How far one outcome of one arm moves, as a share of the outcome's largest value in all arms."""

    arm: str
    outcome: str
    share: float


def measure_rounding(
    scenario: Scenario | str | Path,
    *,
    arms: Iterable[str] = (),
    subjects: int | None = None,
    nudge: int = 1,
    components: Iterable[type[Component]] = (),
) -> list[OutcomeShift]:
    """Return how far a unit in the last place of every number moves each outcome of each arm, the farthest first.

    Parameters
    ----------
    subjects : int, optional
        How many are looked at; `SUBJECTS` if not given.
    nudge : int
        Draws which numbers go up and which go down.
    """
    from workbench.solver.run import solve

    count = SUBJECTS if subjects is None else subjects
    request = prepare(scenario, arms=arms, subjects=count, workers=1, components=components)
    here: dict[tuple[str, str], list[Array]] = {}
    there: dict[tuple[str, str], list[Array]] = {}
    for batch, of in sample_runs(request.plan):
        for found, one in ((here, batch), (there, nudge_numbers(batch, nudge))):
            add(found, of, solve(one, request.registry).outcomes)
    moved = differences(join_studies(here), join_studies(there))
    found_shares = [OutcomeShift(arm, outcome, share) for (arm, outcome), share in moved.items()]
    return sorted(found_shares, key=lambda one: (-one.share, one.arm, one.outcome))


def sample_runs(
    planned: Plan, wanted: Callable[[Structure], bool] | None = None, each: int = EACH
) -> Iterator[tuple[Batch, list[str]]]:
    """Yield runs of every structure that is `wanted`, at most `each` of an arm, with the arm of each run."""
    for chunk in planned.chunks(lambda structure: planned.expected):
        if wanted is not None and not wanted(chunk.batch.structure):
            continue
        study = next(study for study in planned.studies if study.name == chunk.study)
        rows: list[int] = []
        for arm in np.unique(chunk.arms):
            mine = np.flatnonzero(chunk.arms == arm)
            rows += mine[np.unique(np.linspace(0, len(mine) - 1, min(len(mine), each)).astype(int))].tolist()
        index = np.array(sorted(rows), dtype=np.int64)
        yield chunk.batch.take(index), [study.arms[i] for i in chunk.arms[index]]


def add(found: dict[tuple[str, str], list[Array]], of: list[str], numbers: Mapping[str, Array]) -> None:
    """Sort what was read, ``(..., runs)``, by the arm of each run."""
    for arm in dict.fromkeys(of):
        mine = np.array([one == arm for one in of])
        for name, read in numbers.items():
            found.setdefault((arm, name), []).append(np.ravel(np.atleast_2d(read)[:, mine]))


def join_studies(found: Mapping[tuple[str, str], list[Array]]) -> dict[tuple[str, str], Array]:
    """Return the values of all studies of an arm as one array."""
    return {key: np.concatenate(parts) for key, parts in found.items()}


def differences(one: Values, other: Values) -> dict[tuple[str, str], float]:
    """Return the largest difference of any run by arm and outcome, as a share of the outcome's largest value.

    It is infinite where a run has come to its end in one of the two alone.
    """
    largest: dict[str, float] = {}
    for (_, outcome), read in one.items():
        finite = np.abs(read[np.isfinite(read)])
        largest[outcome] = max(largest.get(outcome, 0.0), float(finite.max(initial=0.0)))
    found: dict[tuple[str, str], float] = {}
    for key, read in one.items():
        ended = np.isfinite(read)
        apart = float(np.abs(read[ended] - other[key][ended]).max(initial=0.0))
        lost = bool(np.any(ended != np.isfinite(other[key])))
        found[key] = math.inf if lost else apart / (largest[key[1]] or 1.0)
    return found


WHEN = frozenset({"phase", "event", "stimulus", "dose", "session", "assessment"})
"""Sections whose numbers say when something happens: what falls on one moment must stay there."""


def nudge_numbers(batch: Batch, seed: int) -> Batch:
    """Return the same runs with each number up or down by a unit in its last place; which way is drawn by `seed`.

    A number that all runs share moves alike in all. Zeros stay: they say that something is absent.
    """
    moved: dict[str, float | NDArray[np.float64]] = {}
    for path, value in batch.values.items():
        if path.partition(".")[0] in WHEN:
            moved[path] = value
            continue
        rng = np.random.default_rng([seed, crc32(path.encode())])
        shape = np.shape(value)
        ways = np.where(rng.random(shape) < 0.5, -np.inf, np.inf)
        found = np.where(np.asarray(value) == 0.0, value, np.nextafter(value, ways))
        moved[path] = found if shape else float(found)
    return replace(batch, values=moved)
