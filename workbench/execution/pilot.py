"""How long a sweep will take and how large its database will be: a small part of it, timed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.execution.progress import Forecast, Progress, RunCounts

if TYPE_CHECKING:
    from workbench.component.registry import Registry
    from workbench.execution.reasons import Explanation
    from workbench.plan import BatchPlan, Plan
    from workbench.solver.batch import Batch, Structure

TIMED, WIDE = 6, 512
"""How many structures are timed, and how many runs of each at most."""
DISPATCH = 500
"""What the dispatch of a step costs, in runs: 100 to 800 as measured. It matters where a block is not timed whole."""
PATIENCE = 0.6
"""Seconds for all that is timed; long enough for some hundred steps each, too short to matter."""

EMPTY_BYTES = 220_000
"""What a database takes that holds a small scenario and no run: a page at least for each of 45 tables and indexes."""
RUN_BYTES, OUTCOME_BYTES, COURSE_BYTES, SAMPLE_BYTES = 110, 17, 24, 20
"""What a run with its place and key, an outcome, a course, and one of its values (kept as text) take in the database,
as measured."""


@dataclass(frozen=True, kw_only=True)
class RunForecast(Forecast):
    """What a sweep will do: runs of its plan, at a rate of run-steps a second.

    Attributes
    ----------
    database_bytes : float
        Size of the runs that are left, in the database.
    why
        Why runs are new that an earlier sweep of the scenario does not have; None where there is no other sweep.
    """

    plan: Plan
    database_bytes: float = 0.0
    why: Explanation | None = None


@dataclass(frozen=True)
class Work:
    """What is to be computed of one structure."""

    structure: Structure
    runs: int
    blocks: int


def estimate_work(
    work: Iterable[Work], block_of: Callable[[Structure], BatchPlan], workers: int, registry: Registry | None
) -> tuple[float, float]:
    """Return the run-steps of `work`, and the seconds that all workers together need; `block_of` returns a block.

    The longest structure on each clock is timed, and then the next longest; what is left costs what the longest on the
    same clocks does; 0 where nothing could be timed. A block is one worker's: it takes its time, however many workers
    there are.
    """
    from workbench.solver.run import shape_of

    parts = [(part, shape_of(part.structure, registry).steps) for part in work]
    parts.sort(key=lambda part: -_load(*part))
    leading = {_clocks(part.structure): part.structure for part, _ in reversed(parts)}
    timed = dict.fromkeys([*leading.values(), *(part.structure for part, _ in parts)][: max(TIMED, len(leading))])
    costs: dict[Structure, float] = {}
    for one in timed:
        with suppress(Exception):  # a component that breaks is told by the sweep, which keeps what others computed
            costs[one] = _cost_of(block_of(one).batch, PATIENCE / len(timed), registry)
    if not costs:
        return 0.0, 0.0
    seconds, longest = 0.0, 0.0
    for part, steps in parts:
        like = costs.get(leading[_clocks(part.structure)], max(costs.values()))
        needed = costs.get(part.structure, like) * _load(part, steps)
        seconds, longest = seconds + needed, max(longest, needed / part.blocks)
    return float(sum(part.runs * steps for part, steps in parts)), max(seconds / workers, longest)


def _load(part: Work, steps: int) -> float:
    return float(steps) * (part.runs + DISPATCH * part.blocks)


def _clocks(structure: Structure) -> frozenset[str]:
    return frozenset(table.component for table in structure.tables if table.section == "phase")


def _cost_of(batch: Batch, patience: float, registry: Registry | None) -> float:
    """Return the seconds of a step for one run, of which a block has `DISPATCH` more than it holds."""
    from workbench.solver.run import rehearse

    width = min(WIDE, len(batch))
    return rehearse(batch.take(np.arange(width)), patience, registry) / (width + DISPATCH)


def bytes_of(structure: Structure, registry: Registry | None) -> float:
    """Return what one run of `structure` takes in the database."""
    from workbench.solver.run import shape_of

    shape = shape_of(structure, registry)
    courses = sum(COURSE_BYTES + SAMPLE_BYTES * samples for samples in shape.samples)
    return RUN_BYTES + OUTCOME_BYTES * shape.outcomes + courses


RunProgress = Progress[RunForecast, RunCounts]
"""An observer of a sweep's progress."""
