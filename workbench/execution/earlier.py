"""The earlier sweep that is most alike, and why runs are new that it does not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.execution.reasons import Cause, Explanation, Place, explain
from workbench.store.asked import Asked, ResolvedValue, planned, readable, stored
from workbench.store.predecessors import (
    created,
    earlier_sweeps,
    has_begun,
    known_sweep,
    latest_sweep,
    made_of,
    run_at,
    runs_shared,
    sweep_of,
    sweeps_of,
    swept_values,
    traits_of,
)
from workbench.store.register import identity
from workbench.store.whole import reading

if TYPE_CHECKING:
    from workbench.plan import Plan

LOOKED_AT = 8
"""Earlier sweeps that are compared, the latest first."""


@dataclass(frozen=True)
class RunContent:
    """What the key of one stored run is made of, and why it is not the run of an earlier sweep.

    Attributes
    ----------
    made : list of (table, component, revision)
    numbers : list of (path, ResolvedValue)
        At the point of the run; what traits change is said with its value for the subject.
    explanation
        None where no earlier sweep has another run at this place.
    """

    run: int
    key: bytes
    sweep: int
    study: str
    arm: str
    point: int
    subject: int
    seed: int
    engine: int | None
    made: list[tuple[str, str, int]]
    numbers: list[tuple[str, ResolvedValue]]
    traits: Mapping[str, float]
    against: int | None
    explanation: Explanation | None


def why_new(db: Path, plan: Plan, places: Mapping[Place, int], held: bool) -> Explanation | None:
    """Return why a plan has runs at `places` that a database does not hold; None where no other sweep is alike."""
    if not places:
        return None
    with reading(db) as connection:
        known = sweeps_of(connection, plan.scenario.name)
        mine = identity(plan)
        for sweep, key in known:
            if bytes(key) == mine and has_begun(connection, sweep):
                return None  # goes on with what it was asked for
        others = [sweep for sweep, key in known if bytes(key) != mine]
        if not others:
            return None
        asked = planned(plan)
        found = [(other, explain(asked, other, places, held)) for other in readable(connection, others[:LOOKED_AT], db)]
    if not found:
        return None
    # The fewest causes, then the latest: the shortest true answer helps most.
    against, causes = min(found, key=lambda one: (len(one[1]), -one[0].sweep))
    return Explanation(str(db), sum(places.values()), plan.expected, against.sweep, against.created, causes)


def changed_since(db: Path, plan: Plan) -> tuple[Cause, ...]:
    """Return what a plan asks for otherwise than the sweep of the same identity: what its texts do not hold."""
    with reading(db) as connection:
        same = sweep_of(connection, identity(plan))
        if same is None:
            return ()
        every = {(study.name, arm): 1 for study in plan.studies for arm in study.arms}
        return explain(planned(plan), stored(connection, same, db), every)


def why_sweep(db: Path, sweep: int | None = None, against: int | None = None) -> Explanation | None:
    """Return why a stored sweep has runs that an earlier one does not have.

    Raises
    ------
    UsageError
        If there is no such sweep.
    """
    with reading(db) as connection:
        chosen = latest_sweep(connection, db) if sweep is None else known_sweep(connection, db, sweep)
        others = (
            earlier_sweeps(connection, chosen, LOOKED_AT) if against is None else [known_sweep(connection, db, against)]
        )
        if not others:
            return None
        asked = stored(connection, chosen, db)
        found = [
            _between(db, asked, stored(connection, other, db), runs_shared(connection, chosen, other))
            for other in others
        ]
        return min(found, key=lambda one: (len(one.causes), one.new, -one.against))


def why_run(db: Path, run: int, against: int | None = None) -> RunContent:
    """Return what the key of a run is made of, and why it is another run than that of an earlier sweep.

    Raises
    ------
    UsageError
        If there is no such run or sweep.
    """
    from workbench.store import open_results

    place = open_results(db).placed(run)
    with reading(db) as connection:
        others = (
            earlier_sweeps(connection, place.sweep, LOOKED_AT)
            if against is None
            else [known_sweep(connection, db, against)]
        )
        asked = stored(connection, place.sweep, db)
        swept = swept_values(connection, place.sweep, place.study, place.point)
        found: list[tuple[Explanation, int]] = []
        for number in others:
            other = run_at(connection, number, place.study, place.arm, place.subject, swept, place.point)
            if other is None or other != run:
                causes = explain(asked, stored(connection, number, db), {(place.study, place.arm): 1})
                first_reason = Explanation(str(db), 1, 1, number, created(connection, number), causes)
                found.append((first_reason, other or 0))
        nearest = min(found, key=lambda one: (not one[1], len(one[0].causes), -one[0].against), default=None)
        traits = traits_of(connection, place.sweep, place.subject)
        made, engine = made_of(connection, run)
    numbers = [(path, _at_point(path, value, swept)) for path, value in sorted(asked.values[place.arm].items())]
    return RunContent(
        run=run,
        key=place.key,
        sweep=place.sweep,
        study=place.study,
        arm=place.arm,
        point=place.point,
        subject=place.subject,
        seed=place.seed,
        engine=engine,
        made=made,
        numbers=numbers,
        traits=traits,
        against=nearest[1] or None if nearest else None,
        explanation=nearest[0] if nearest else None,
    )


def _between(db: Path, asked: Asked, other: Asked, rows: Sequence[tuple[str, str, int, int]]) -> Explanation:
    """Explain one stored sweep by another; `rows` say what runs they share, see `runs_shared`."""
    places = {(study, arm): count - shared for study, arm, count, shared in rows if count > shared}
    total = sum(count for _, _, count, _ in rows)
    causes = explain(asked, other, places) if places else ()
    return Explanation(str(db), sum(places.values()), total, other.sweep, other.created, causes)


def _at_point(path: str, value: ResolvedValue, swept: Mapping[tuple[str, bool], Any]) -> ResolvedValue:
    """Return a value at a point: what is swept there, or multiplied there."""
    for name in dict.fromkeys((path, f"parameter.{value.parameter}")):
        if (name, False) in swept:
            at = swept[name, False]
            number, text = (None, at) if isinstance(at, str) else (at, None)
            if name == path:
                return ResolvedValue(number, text, value.unit, "sweep", traits=value.traits)
            return ResolvedValue(None, f"{name} = {at}", "", "sweep", value.parameter, value.traits)
        if (name, True) in swept and value.number is not None:
            return ResolvedValue(
                value.number * swept[name, True], None, value.unit, "sweep", value.parameter, value.traits
            )
    return value
