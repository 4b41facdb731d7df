"""The earlier sweep that is most alike, and why runs are new that it does not have."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import StorageError, UsageError
from workbench.execution.why import Cause, Explanation, Place, explain
from workbench.store.asked import Asked, Value, planned, stored
from workbench.store.connection import reading
from workbench.store.register import FACTOR, identity

if TYPE_CHECKING:
    from workbench.design import Plan

LOOKED_AT = 8
"""Earlier sweeps that are compared, the latest first."""


@dataclass(frozen=True)
class RunContent:
    """What the key of one stored run is made of, and why it is not the run of an earlier sweep.

    Attributes
    ----------
    made : list of (table, component, revision)
    numbers : list of (path, Value)
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
    numbers: list[tuple[str, Value]]
    traits: Mapping[str, float]
    against: int | None
    explanation: Explanation | None


def why_new(db: Path, plan: Plan, places: Mapping[Place, int], held: bool) -> Explanation | None:
    """Return why a plan has runs at `places` that a database does not hold; None where no other sweep is alike."""
    if not places:
        return None
    with reading(db) as connection:
        known = connection.execute(
            "SELECT sweep.id, sweep.identity FROM sweep JOIN scenario ON scenario.id = sweep.scenario"
            " WHERE scenario.name = ? ORDER BY sweep.id DESC",
            (plan.scenario.name,),
        ).fetchall()
        mine = identity(plan)
        for sweep, key in known:
            if bytes(key) == mine and _begun(connection, sweep):
                return None  # goes on with what it was asked for
        others = [sweep for sweep, key in known if bytes(key) != mine]
        if not others:
            return None
        asked = planned(plan)
        found = [(other, explain(asked, other, places, held)) for other in _readable(connection, others, db)]
    if not found:
        return None
    against, causes = min(found, key=lambda one: (len(one[1]), -one[0].sweep))
    return Explanation(str(db), sum(places.values()), plan.expected, against.sweep, against.created, causes)


def changed_since(db: Path, plan: Plan) -> tuple[Cause, ...]:
    """Return what a plan asks for otherwise than the sweep of the same identity: what its texts do not hold."""
    with reading(db) as connection:
        row = connection.execute("SELECT id FROM sweep WHERE identity = ?", (identity(plan),)).fetchone()
        if row is None:
            return ()
        every = {(study.name, arm): 1 for study in plan.studies for arm in study.arms}
        return explain(planned(plan), stored(connection, row[0], db), every)


def why_sweep(db: Path, sweep: int | None = None, against: int | None = None) -> Explanation | None:
    """Return why a stored sweep has runs that an earlier one does not have.

    Raises
    ------
    UsageError
        If there is no such sweep.
    """
    with reading(db) as connection:
        chosen = _latest(connection, db) if sweep is None else _known(connection, db, sweep)
        others = _earlier(connection, chosen) if against is None else [_known(connection, db, against)]
        if not others:
            return None
        asked = stored(connection, chosen, db)
        found = [_between(connection, db, asked, stored(connection, other, db)) for other in others]
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
        others = _earlier(connection, place.sweep) if against is None else [_known(connection, db, against)]
        asked = stored(connection, place.sweep, db)
        swept = _swept(connection, place.sweep, place.study, place.point)
        found: list[tuple[Explanation, int]] = []
        for number in others:
            other = _same_place(connection, number, place.study, place.arm, place.subject, swept, place.point)
            if other is None or other != run:
                causes = explain(asked, stored(connection, number, db), {(place.study, place.arm): 1})
                created = connection.execute("SELECT created FROM sweep WHERE id = ?", (number,)).fetchone()[0]
                found.append((Explanation(str(db), 1, 1, number, created, causes), other or 0))
        nearest = min(found, key=lambda one: (not one[1], len(one[0].causes), -one[0].against), default=None)
        traits = connection.execute(
            "SELECT trait.name, v.value FROM trait JOIN trait_value AS v ON v.trait = trait.id"
            " WHERE trait.sweep = ? AND v.subject = ? ORDER BY trait.name",
            (place.sweep, place.subject),
        ).fetchall()
        made, engine = _made_of(connection, run)
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
        traits=dict(traits),
        against=nearest[1] or None if nearest else None,
        explanation=nearest[0] if nearest else None,
    )


def _readable(connection: sqlite3.Connection, sweeps: list[int], db: Path) -> Iterator[Asked]:
    """Yield what the latest of some sweeps asked for; one whose texts are damaged stops no other."""
    for sweep in sweeps[:LOOKED_AT]:
        with suppress(StorageError):
            yield stored(connection, sweep, db)


def _between(connection: sqlite3.Connection, db: Path, asked: Asked, other: Asked) -> Explanation:
    rows = connection.execute(
        """SELECT study.name, arm.name, count(*),
            sum(EXISTS (SELECT 1 FROM sweep_run AS o WHERE o.run = s.run AND o.sweep = :other))
        FROM study JOIN sweep_run AS s ON s.study = study.id JOIN arm ON arm.id = s.arm
        WHERE study.sweep = :sweep GROUP BY s.study, s.arm""",
        {"sweep": asked.sweep, "other": other.sweep},
    ).fetchall()
    places = {(study, arm): count - shared for study, arm, count, shared in rows if count > shared}
    total = sum(count for _, _, count, _ in rows)
    causes = explain(asked, other, places) if places else ()
    return Explanation(str(db), sum(places.values()), total, other.sweep, other.created, causes)


def _begun(connection: sqlite3.Connection, sweep: int) -> bool:
    asked = "SELECT 1 FROM study JOIN sweep_run AS s ON s.study = study.id WHERE study.sweep = ? LIMIT 1"
    return connection.execute(asked, (sweep,)).fetchone() is not None


def _latest(connection: sqlite3.Connection, db: Path) -> int:
    row = connection.execute("SELECT max(id) FROM sweep").fetchone()
    if row[0] is None:
        raise UsageError(f"{db}: no sweep is stored in this database")
    return int(row[0])


def _known(connection: sqlite3.Connection, db: Path, sweep: int) -> int:
    known = [number for (number,) in connection.execute("SELECT id FROM sweep ORDER BY id")]
    if sweep not in known:
        raise UsageError(f"there is no sweep {sweep} in {db} (known: {', '.join(map(str, known)) or 'none'})")
    return sweep


def _earlier(connection: sqlite3.Connection, sweep: int) -> list[int]:
    """Return the sweeps of the same scenario that were asked for before, the latest first."""
    rows = connection.execute(
        """SELECT other.id FROM sweep JOIN scenario ON scenario.id = sweep.scenario
            JOIN scenario AS same ON same.name = scenario.name JOIN sweep AS other ON other.scenario = same.id
        WHERE sweep.id = ? AND other.id < sweep.id ORDER BY other.id DESC LIMIT ?""",
        (sweep, LOOKED_AT),
    )
    return [number for (number,) in rows]


def _swept(connection: sqlite3.Connection, sweep: int, study: str, point: int) -> dict[tuple[str, bool], Any]:
    """Return the swept values of a point, by path and whether they are factors."""
    rows = connection.execute(
        """SELECT axis.path, axis.meaning, coalesce(v.number, v.text)
        FROM study JOIN point ON point.study = study.id JOIN point_value AS v ON v.point = point.id
            JOIN axis ON axis.id = v.axis
        WHERE study.sweep = ? AND study.name = ? AND point.ordinal = ?""",
        (sweep, study, point),
    )
    return {(path, meaning.endswith(FACTOR)): value for path, meaning, value in rows}


def _same_place(
    connection: sqlite3.Connection,
    sweep: int,
    study: str,
    arm: str,
    subject: int,
    swept: Mapping[tuple[str, bool], Any],
    point: int,
) -> int | None:
    """Return the run of another sweep at the same study, arm and subject, and at the point of the same values."""
    rows = connection.execute(
        """SELECT point.ordinal, s.run FROM sweep_run AS s JOIN study ON study.id = s.study
            JOIN arm ON arm.id = s.arm JOIN point ON point.id = s.point
        WHERE study.sweep = ? AND study.name = ? AND arm.name = ? AND s.subject = ?""",
        (sweep, study, arm, subject),
    ).fetchall()
    runs = dict(rows)
    if not swept:
        return runs.get(point)
    order = sorted(runs, key=lambda ordinal: ordinal != point)  # it is mostly the same
    return next((runs[p] for p in order if _swept(connection, sweep, study, p) == swept), None)


def _made_of(connection: sqlite3.Connection, run: int) -> tuple[list[tuple[str, str, int]], int | None]:
    import json

    from workbench.store.asked import engines_of

    sha, text = connection.execute(
        "SELECT structure.sha256, structure.specification FROM run JOIN structure ON structure.id = run.structure"
        " WHERE run.id = ?",
        (run,),
    ).fetchone()
    tables = json.loads(text)
    engines = engines_of(bytes(sha), tables)
    made = [(f"{section}.{name}", component, revision) for section, name, component, revision, *_ in tables]
    return made, engines[0] if engines else None


def _at_point(path: str, value: Value, swept: Mapping[tuple[str, bool], Any]) -> Value:
    """Return a value at a point: what is swept there, or multiplied there."""
    for name in dict.fromkeys((path, f"parameter.{value.parameter}")):
        if (name, False) in swept:
            at = swept[name, False]
            number, text = (None, at) if isinstance(at, str) else (at, None)
            if name == path:
                return Value(number, text, value.unit, "sweep", traits=value.traits)
            return Value(None, f"{name} = {at}", "", "sweep", value.parameter, value.traits)
        if (name, True) in swept and value.number is not None:
            return Value(value.number * swept[name, True], None, value.unit, "sweep", value.parameter, value.traits)
    return value
