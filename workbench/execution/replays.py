"""Simulate one stored run again, from the scenario and parameters that its database holds, and record everything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from workbench.errors import CheckFailed
from workbench.solver.batch import Declared, Structure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.declaration import Component
    from workbench.component.registry import Registry
    from workbench.plan import BatchPlan, Plan
    from workbench.scenario.model import Scenario
    from workbench.solver.batch import Failure
    from workbench.store import Results
    from workbench.store.read import Placed

EVENT_TIMES = 500
"""Recorded values of the longest phase that runs in hours."""


@dataclass(frozen=True)
class Replay:
    """One run, seen again.

    Attributes
    ----------
    outcomes, stored : mapping name -> float
        As simulated now, and as stored; equal bit for bit on the same machine class.
    series : mapping name -> array (times,)
        Recorded courses.
    times : mapping name -> tuple
        Times of each series: trials, or hours on the event clock.
    failure
        Why the run could not be finished, if it could not.
    """

    run: int
    sweep: int
    study: str
    arm: str
    point: int
    subject: int
    outcomes: Mapping[str, float]
    stored: Mapping[str, float]
    series: Mapping[str, NDArray[np.float64]]
    times: Mapping[str, tuple[float, ...]]
    failure: Failure | None

    @property
    def equal(self) -> bool:
        """Whether every stored outcome came out the same, bit for bit."""
        return all(self.outcomes.get(name) == value for name, value in self.stored.items())


def replay(
    db: str | Path,
    run: int,
    *,
    record: Literal["declared", "all"] = "all",
    components: Iterable[type[Component]] = (),
) -> Replay:
    """Simulate run number `run` of a database again.

    Parameters
    ----------
    record
        "declared" for the courses that the study keeps; "all" for a value at every trial (or at many times of the
        event clock) of every readout that the study names, as outcome or as course.
    components
        Component classes that are not installed, if the sweep used some.

    Raises
    ------
    CheckFailed
        If today's code or components no longer ask for this run: its identity has changed.
    """
    from workbench.solver.run import solve
    from workbench.store import open_results

    results = open_results(db)
    place = results.placed(run)
    scenario, registry = stored_scenario(results, place.sweep, components)
    chunk, row = _found(results, _planned(scenario, place), place)
    batch = chunk.batch.take(np.array([row]))
    if record == "all":
        batch = replace(batch, structure=record_everything(batch.structure, registry))
    result = solve(batch, registry)
    failure = result.failures.get(0)
    return Replay(
        run=run,
        sweep=place.sweep,
        study=place.study,
        arm=place.arm,
        point=place.point,
        subject=place.subject,
        outcomes={} if failure else {name: float(values[0]) for name, values in result.outcomes.items()},
        stored=results.outcomes_of(run),
        series={name: values[:, 0] for name, values in result.courses.items()},
        times=result.times,
        failure=failure,
    )


def record_everything(structure: Structure, registry: Registry) -> Structure:
    """Return the structure with every readout recorded all the time; what happens in it stays the same.

    Readouts that differ only in their windows are one series, named after the readout. One that is a single number for
    a stretch of time (a peak, an area) has none.
    """
    phases = [table for table in structure.tables if table.section == "phase"]
    lengths = [float(phase.field("length")) for phase in phases if "length" in dict(phase.fields)]
    often = {"every": 1} if len(lengths) < len(phases) else {"interval": max(lengths) / EVENT_TIMES}
    series: dict[str, Declared] = {}
    for table in structure.recordings:
        if not registry.get("outcome", table.component).at_moments:  # type: ignore[attr-defined]
            continue
        fields = {**dict(table.fields), "window": None, "every": 0, "interval": 0.0, **often}
        course = replace(table, section="course", name=table.component, fields=tuple(sorted(fields.items())))
        if course.name in series and series[course.name] != course:
            course = replace(course, name=f"{table.component}.{table.name}")
        # The same series under a second name would be computed twice.
        if replace(course, name=table.component) not in series.values():
            series[course.name] = course
    outcomes = [table for table in structure.tables if table.section != "course"]
    return Structure((*outcomes, *series.values()))


def stored_scenario(results: Results, sweep: int, components: Iterable[type[Component]]) -> tuple[Scenario, Registry]:
    """Read the stored bytes, with the stored parameter set in place of any file; tables lie beside the database."""
    from workbench.component.registry import registry
    from workbench.scenario import parse_scenario
    from workbench.store.origins import remembering

    name, parameter_set = results.scenario_names(sweep)
    known = remembering(registry().extended(components), results, sweep)
    kept = results.parameter_text(sweep) if parameter_set else None
    beside = results.path.absolute().parent
    return parse_scenario(results.scenario_text(sweep), f"{name}.toml", beside, known, parameters=kept), known


def _planned(scenario: Scenario, place: Placed) -> Plan:
    from workbench.plan import plan

    return plan(
        scenario,
        subjects=place.subject + 1,
        arms=(place.arm,),
        settings=place.settings,
        seed=place.seed,
        studies=(place.study,),
    )


def _found(results: Results, plan: Plan, place: Placed) -> tuple[BatchPlan, int]:
    """Return the chunk that holds the run, and its row."""
    from workbench.solver.run import width_for
    from workbench.store.origins import changed

    for chunk in plan.chunks(lambda structure: width_for(structure, plan.scenario.registry)):
        rows = np.flatnonzero((chunk.batch.subjects == place.subject) & (chunk.points == place.point))
        if len(rows) and chunk.batch.keys[rows[0]] == place.key:
            return chunk, int(rows[0])
    used = (table.component for tables in plan.scenario.tables.values() for table in tables.values())
    why = "; ".join(changed(results, place.sweep, used)) or "a component or the engine has changed since it was stored"
    raise CheckFailed(
        f"run {place.run} is {place.study}, {place.arm}, point {place.point}, subject {place.subject}; "
        f"today's components ask for another run there: {why}"
    )
