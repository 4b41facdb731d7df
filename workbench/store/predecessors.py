"""What the rows say of a sweep, of the earlier sweeps of its scenario, and of the runs that they have in common."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.errors import UsageError
from workbench.store.asked import engines_of
from workbench.store.register import FACTOR


def has_begun(connection: sqlite3.Connection, sweep: int) -> bool:
    """Return whether any place of a sweep has its run."""
    asked = "SELECT 1 FROM study JOIN sweep_run AS s ON s.study = study.id WHERE study.sweep = ? LIMIT 1"
    return connection.execute(asked, (sweep,)).fetchone() is not None


def latest_sweep(connection: sqlite3.Connection, db: Path) -> int:
    """Return the sweep that was asked for last.

    Raises
    ------
    UsageError
        If there is none.
    """
    row = connection.execute("SELECT max(id) FROM sweep").fetchone()
    if row[0] is None:
        raise UsageError(f"{db}: no sweep is stored in this database")
    return int(row[0])


def known_sweep(connection: sqlite3.Connection, db: Path, sweep: int) -> int:
    """Return the number of a sweep that is there.

    Raises
    ------
    UsageError
        If it is not; lists those that are.
    """
    known = [number for (number,) in connection.execute("SELECT id FROM sweep ORDER BY id")]
    if sweep not in known:
        raise UsageError(f"there is no sweep {sweep} in {db} (known: {', '.join(map(str, known)) or 'none'})")
    return sweep


def earlier_sweeps(connection: sqlite3.Connection, sweep: int, most: int) -> list[int]:
    """Return at most some sweeps of the same scenario that were asked for before, the latest first."""
    rows = connection.execute(
        """SELECT other.id FROM sweep JOIN scenario ON scenario.id = sweep.scenario
            JOIN scenario AS same ON same.name = scenario.name JOIN sweep AS other ON other.scenario = same.id
        WHERE sweep.id = ? AND other.id < sweep.id ORDER BY other.id DESC LIMIT ?""",
        (sweep, most),
    )
    return [number for (number,) in rows]


def swept_values(connection: sqlite3.Connection, sweep: int, study: str, point: int) -> dict[tuple[str, bool], Any]:
    """Return the swept values of a point, by path and whether they are factors."""
    rows = connection.execute(
        """SELECT axis.path, axis.meaning, coalesce(v.number, v.text)
        FROM study JOIN point ON point.study = study.id JOIN point_value AS v ON v.point = point.id
            JOIN axis ON axis.id = v.axis
        WHERE study.sweep = ? AND study.name = ? AND point.ordinal = ?""",
        (sweep, study, point),
    )
    return {(path, meaning.endswith(FACTOR)): value for path, meaning, value in rows}


def run_at(
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
    return next((runs[p] for p in order if swept_values(connection, sweep, study, p) == swept), None)


def made_of(connection: sqlite3.Connection, run: int) -> tuple[list[tuple[str, str, int]], int | None]:
    """Return the tables of a run with component and revision, and the engine's revision where it is known."""
    sha, text = connection.execute(
        "SELECT structure.sha256, structure.specification FROM run JOIN structure ON structure.id = run.structure"
        " WHERE run.id = ?",
        (run,),
    ).fetchone()
    tables = json.loads(text)
    engines = engines_of(bytes(sha), tables)
    made = [(f"{section}.{name}", component, revision) for section, name, component, revision, *_ in tables]
    return made, engines[0] if engines else None


def created(connection: sqlite3.Connection, sweep: int) -> str:
    """Return when a sweep was first asked for, for people to read."""
    (found,) = connection.execute("SELECT created FROM sweep WHERE id = ?", (sweep,)).fetchone()
    return str(found)


def traits_of(connection: sqlite3.Connection, sweep: int, subject: int) -> dict[str, float]:
    """Return the traits of one subject by name."""
    rows = connection.execute(
        "SELECT trait.name, v.value FROM trait JOIN trait_value AS v ON v.trait = trait.id"
        " WHERE trait.sweep = ? AND v.subject = ? ORDER BY trait.name",
        (sweep, subject),
    )
    return dict(rows.fetchall())


def runs_shared(connection: sqlite3.Connection, sweep: int, other: int) -> list[tuple[str, str, int, int]]:
    """Return study, arm, the number of places, and how many of their runs stand in another sweep too."""
    return connection.execute(
        """SELECT study.name, arm.name, count(*),
            sum(EXISTS (SELECT 1 FROM sweep_run AS o WHERE o.run = s.run AND o.sweep = :other))
        FROM study JOIN sweep_run AS s ON s.study = study.id JOIN arm ON arm.id = s.arm
        WHERE study.sweep = :sweep GROUP BY s.study, s.arm""",
        {"sweep": sweep, "other": other},
    ).fetchall()


def sweeps_of(connection: sqlite3.Connection, scenario: str) -> list[tuple[int, bytes]]:
    """Return number and identity of every sweep of the scenarios of a name, the latest first."""
    return connection.execute(
        "SELECT sweep.id, sweep.identity FROM sweep JOIN scenario ON scenario.id = sweep.scenario"
        " WHERE scenario.name = ? ORDER BY sweep.id DESC",
        (scenario,),
    ).fetchall()


def sweep_of(connection: sqlite3.Connection, identity: bytes) -> int | None:
    """Return the number of the sweep of an identity, None if there is none."""
    row = connection.execute("SELECT id FROM sweep WHERE identity = ?", (identity,)).fetchone()
    return None if row is None else int(row[0])
