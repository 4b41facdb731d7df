"""Simulate a list of points in memory: what a notebook, a calibration or a sensitivity analysis asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import Problem, ScenarioError, StorageError, shorten
from workbench.execution.crew import Crew, solve_each
from workbench.execution.executors import crew
from workbench.execution.fitness import refuse_unfit
from workbench.execution.runner import Request, read_scenario
from workbench.execution.signals import StoppedAtOnce, StopSignal
from workbench.scenario.model import Axis, Quantity, Scenario, Study

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from workbench.component.declaration import Component
    from workbench.plan import BatchPlan
    from workbench.solver.batch import BatchResult


STUDY = "simulate"


def simulate_columns(
    scenario: Scenario | str | Path,
    points: Mapping[str, Sequence[Any]] | None = None,
    *,
    arms: Iterable[str] = (),
    subjects: int | None = None,
    seed: int | None = None,
    settings: Mapping[str, str] | None = None,
    components: Iterable[type[Component]] = (),
    workers: int = 1,
) -> dict[str, NDArray[Any]]:
    """Run every arm at every point for every subject; nothing is stored.

    Parameters
    ----------
    points : mapping path -> column
        Row i of all columns is point i: numbers in the path's own unit, or quantities as text. None is the
        scenario's own single point.

    Returns
    -------
    mapping name -> array (runs,)
        ``arm``, ``point``, ``subject``, one column for each path, one for each outcome (NaN where the run
        failed), and ``failure`` (the reason, else ""); ordered by point, arm and subject.
    """
    document, _ = read_scenario(scenario, components)
    columns = points if points is not None else {}
    asked = points_request(
        document, columns, arms=arms, subjects=subjects, seed=seed, settings=settings, workers=workers
    )
    return solve_points(asked, columns)


def points_request(
    scenario: Scenario,
    columns: Mapping[str, Sequence[Any]],
    *,
    arms: Iterable[str] = (),
    subjects: int | None = None,
    seed: int | None = None,
    settings: Mapping[str, str] | None = None,
    workers: int = 1,
) -> Request:
    """Return the runs of every arm at the points that `columns` list, for every subject."""
    from workbench.plan import plan

    document, registry = read_scenario(scenario)
    asked = _with_points(document, columns)
    planned = plan(asked, subjects=subjects, arms=tuple(arms) or None, settings=settings or {}, seed=seed)
    refuse_unfit(planned, registry)
    return Request(planned, Path(), 1 if registry is not None else max(workers, 1), registry)


def solve_points(
    asked: Request, columns: Mapping[str, Sequence[Any]], hands: Crew | None = None
) -> dict[str, NDArray[Any]]:
    """Run what `points_request` laid out, equal runs once; see `simulate_columns`.

    `hands` solve if the caller keeps a crew for several calls; signals are the caller's then.

    Raises
    ------
    StorageError
        If the caller's crew lost a run: what is made of the answer would not be what the model gives.
    """
    places = ((chunk, *_distinct_rows(chunk)) for chunk in asked.chunks())
    blocks = (((chunk, back), chunk.batch.take(first)) for chunk, first, back in places)
    with _at_work(hands, asked) as (solvers, stop):
        parts = []
        for (chunk, back), result in solve_each(blocks, solvers, stop):
            if hands is not None:
                _refuse_lost(result)
            parts.append(_part(chunk, back, result, columns))
        if stop.requested:
            raise StoppedAtOnce(stop.requested)
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((joined["subject"], joined["arm"], joined["point"]))
    names = np.array(asked.plan.studies[0].arms, dtype=object)
    return {name: values[order] if name != "arm" else names[values[order]] for name, values in joined.items()}


def _refuse_lost(result: BatchResult) -> None:
    for failure in result.failures.values():
        if failure.lost:
            raise StorageError(
                f"a run was lost: {failure.reason}; what was stored is kept; give the same command again"
            )


@contextmanager
def _at_work(hands: Crew | None, asked: Request) -> Iterator[tuple[Crew, StopSignal]]:
    if hands is not None:
        yield hands, StopSignal()
    else:
        with StopSignal() as stop, crew(asked.workers, asked.registry) as own:
            yield own, stop


def _distinct_rows(chunk: BatchPlan) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first row of each different run, and which of these each row of the chunk is."""
    seen: dict[bytes, int] = {}
    back = np.array([seen.setdefault(key, len(seen)) for key in chunk.batch.keys], dtype=np.int64)
    return np.unique(back, return_index=True)[1], back


def _with_points(scenario: Scenario, columns: Mapping[str, Sequence[Any]]) -> Scenario:
    """Return the scenario with one study: all arms at the points that `columns` list."""
    axes = tuple(_axis(scenario, path, columns[path]) for path in columns)
    study = Study(STUDY, "", tuple(scenario.arms), scenario.subjects.count, axes, record=False)
    return replace(scenario, studies={STUDY: study})


def _axis(scenario: Scenario, path: str, column: Sequence[Any]) -> Axis:
    from workbench.plan.overrides import read_settings, unit_of

    unit = unit_of(scenario, path)
    values = []
    for number, value in enumerate(column):
        text = value if isinstance(value, str) or unit == "1" else f"{value!r} {unit}"
        try:
            read = read_settings(scenario, {path: str(text)})[path]
        except ScenarioError as error:
            raise ScenarioError(
                [Problem("points", 0, 0, f"{shorten(p.key)}[{number}]", p.message, p.hint) for p in error.problems]
            ) from None
        values.append(read.number if isinstance(read, Quantity) else read)
    return Axis(path, tuple(values), unit, zip=STUDY)


def _part(
    chunk: BatchPlan, back: NDArray[np.int64], result: BatchResult, columns: Mapping[str, Sequence[Any]]
) -> dict[str, NDArray[Any]]:
    reasons = np.full(len(result.keys), "", dtype=object)
    for row, failure in result.failures.items():
        reasons[row] = f"{failure.reason} at {failure.time}"
    swept = {path: np.asarray(columns[path])[chunk.points] for path in columns}
    place = {"arm": chunk.arms, "point": chunk.points, "subject": chunk.batch.subjects}
    outcomes = {name: values[back] for name, values in result.outcomes.items()}
    return {**place, **swept, **outcomes, "failure": reasons[back]}


def simulate(scenario: Scenario | str | Path, points: pd.DataFrame | None = None, **options: Any) -> pd.DataFrame:
    """Simulate every arm of `scenario` at every row of `points`, in memory.

    Parameters
    ----------
    points
        One column for each path (``"plasticity.cortex_d1.balance"``), one row for each point; None is the scenario
        as it stands.
    options
        `arms`, `subjects`, `seed`, `settings`, `components`, `workers` as for `run_sweep`; `workers` is 1 unless given.

    Returns
    -------
    DataFrame
        One row per run: arm, point, subject, the swept values, one column per outcome (NaN where the run failed), and
        the reason of a failure.
    """
    import pandas as pd

    columns = None if points is None else {str(path): points[path].to_list() for path in points.columns}
    return pd.DataFrame(simulate_columns(scenario, columns, **options))
