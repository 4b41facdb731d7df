"""Rows of one database in the words of another: its ids are mapped, by what names each row, to those over there.

A connection has the database that grows as ``main`` and the one that is brought in attached as ``src``. For each table
with ids, ``temp.of_TABLE`` says which id of ``src`` is which id of ``main``, and whether the row is new there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from sqlalchemy import Column, Table

import workbench.store.schema as tables
from workbench.errors import CheckFailed, Problem, shorten
from workbench.store.damage import SHOWN
from workbench.store.session import KILLED, RUNNING

KEYS: Mapping[str, tuple[str, ...]] = {
    "scenario": ("sha256", "parameter_sha256", "name"),
    "sweep": ("identity",),
    "study": ("sweep", "ordinal"),
    "arm": ("sweep", "ordinal"),
    "axis": ("path", "unit", "meaning"),
    "point": ("study", "ordinal"),
    "trait": ("sweep", "name"),
    "measure": ("sha256",),
    "clock": ("sha256",),
    "structure": ("sha256",),
    "run": ("key",),
    "calibration": ("identity",),
}
"""What names a row of each table, whatever its id; a table comes after those that it refers to."""
LISTED = ("invocation", "candidate")
"""Tables whose rows are equal where all that they say is."""
OWNED: Mapping[str, str] = {
    "point_value": "point",
    "setting": "arm",
    "trait_value": "trait",
    "clock_time": "clock",
    "failure": "run",
    "calibration_parameter": "calibration",
    "calibration_criterion": "calibration",
    "candidate_parameter": "candidate",
    "candidate_criterion": "candidate",
    "provenance": "invocation",
}
"""Tables whose rows come with their owner, all or none."""
UNITED: Mapping[str, str] = {
    "whole_axis": "axis",
    "sweep_measure": "study",
    "sweep_run": "study",
    "outcome": "run",
    "course": "run",
    "lost_run": "study",
    "cache_step_error": "study",
}
"""Tables of which a row may be new although its owner is there."""


def tables_there(driver: sqlite3.Connection) -> set[str]:
    """Return the tables of ``src``: an older version lacks some."""
    return {name for (name,) in driver.execute("SELECT name FROM src.sqlite_schema WHERE type = 'table'")}


def primary(table: Table) -> list[str]:
    """Return the columns of a table's primary key."""
    return [column.name for column in table.primary_key.columns]


def is_numbered(table: Table) -> bool:
    """Return whether a table's rows have ids of their own."""
    return "id" in table.c


def mapped(table: Table, column: Column[Any]) -> str:
    """Return what a column of ``src`` is in ``main``, within what `joined` selects from."""
    if column.name == "id":
        return "own.dst"
    if column.foreign_keys:
        return f"by_{column.name}.dst"
    if column.name == "status" and table.name in ("invocation", "calibration"):
        # Nobody writes there: a command that never said how it ended was killed.
        return f"CASE x.status WHEN '{RUNNING}' THEN '{KILLED}' ELSE x.status END"
    return f'x."{column.name}"'


def owner_of(table: Table) -> str:
    """Return the column that refers to a row's owner; "id" for rows with an id."""
    return "id" if is_numbered(table) else {**OWNED, **UNITED}[table.name]


def joined(table: Table) -> str:
    """Return the FROM of all rows of a table of ``src`` whose owner is mapped, with what they refer to beside them.

    What a key refers to is there; anything else that a row refers to may have no counterpart in ``main`` yet.
    """
    own, keys = owner_of(table), primary(table)
    alias = "own" if own == "id" else f"by_{own}"
    owner = table.name if own == "id" else _target(table.c[own])
    parts = [f"temp.of_{owner} AS {alias} CROSS JOIN src.{table.name} AS x ON x.{own} = {alias}.src"]
    for column in table.columns:
        if column.foreign_keys and column.name != own:
            how = "JOIN" if column.name in keys else "LEFT JOIN"
            other = f"by_{column.name}"
            parts.append(f"{how} temp.of_{_target(column)} AS {other} ON {other}.src = x.{column.name}")
    return " ".join(parts)


def _target(column: Column[Any]) -> str:
    (key,) = column.foreign_keys
    return key.column.table.name


def match(driver: sqlite3.Connection) -> None:
    """Map the rows of ``src`` that ``main`` holds as well."""
    forget(driver)
    for name in (*KEYS, *LISTED):
        driver.execute(
            f"CREATE TEMP TABLE of_{name} (src INTEGER PRIMARY KEY, dst INTEGER NOT NULL, new INTEGER NOT NULL)"
        )
    for name, keys in KEYS.items():
        table, parts, alike = tables.metadata.tables[name], [f"src.{name} AS x"], []
        for key in keys:
            column = table.c[key]
            if column.foreign_keys:
                parts.append(f"JOIN temp.of_{_target(column)} AS by_{key} ON by_{key}.src = x.{key}")
            alike.append(f"y.{key} = {mapped(table, column)}")
        parts.append(f"JOIN main.{name} AS y ON {' AND '.join(alike)}")
        driver.execute(f"INSERT INTO temp.of_{name} SELECT x.id, y.id, 0 FROM {' '.join(parts)}")
    _match_invocations(driver)
    _match_candidates(driver)


def _match_invocations(driver: sqlite3.Connection) -> None:
    table = tables.invocation
    names = [c.name for c in table.columns if c.name != "id"]
    here = f"SELECT id, {', '.join(names)} FROM main.invocation"
    known = _by_content(here, "SELECT key, value FROM main.provenance WHERE invocation = ? ORDER BY key", driver)
    said = ", ".join(mapped(table, table.c[name]) for name in names)
    there = f"SELECT x.id, {said} FROM src.invocation AS x JOIN temp.of_sweep AS by_sweep ON by_sweep.src = x.sweep"
    found = _by_content(there, "SELECT key, value FROM src.provenance WHERE invocation = ? ORDER BY key", driver)
    _match_equal(driver, "invocation", known, found)


def _match_candidates(driver: sqlite3.Connection) -> None:
    _match_equal(driver, "candidate", *(candidates(driver, schema) for schema in ("main", "src")))


def candidates(driver: sqlite3.Connection, schema: str) -> dict[tuple[Any, ...], list[int]]:
    """Return the ids of the candidates of calibrations that both hold, by all that is said of each."""
    of = "temp.of_calibration AS m ON m.{} = c.calibration".format("dst" if schema == "main" else "src")
    asked = f"""SELECT c.id, m.dst, c.budget, c.batch, c.search, c.step, c.loss FROM {schema}.candidate AS c
        JOIN {of} ORDER BY c.calibration, c.ordinal"""
    numbers = f"""SELECT 0, p.ordinal, p.number, NULL FROM {schema}.candidate_parameter AS p WHERE p.candidate = ?1
        UNION ALL SELECT 1, k.ordinal, k.number, k.mc_error FROM {schema}.candidate_criterion AS k
        WHERE k.candidate = ?1 ORDER BY 1, 2"""
    return _by_content(asked, numbers, driver)


def _by_content(asked: str, more: str, driver: sqlite3.Connection) -> dict[tuple[Any, ...], list[int]]:
    found: dict[tuple[Any, ...], list[int]] = {}
    for number, *row in driver.execute(asked).fetchall():
        found.setdefault((*row, *driver.execute(more, (number,))), []).append(number)
    return found


def _match_equal(
    driver: sqlite3.Connection,
    name: str,
    known: Mapping[tuple[Any, ...], Sequence[int]],
    found: Mapping[tuple[Any, ...], Sequence[int]],
) -> None:
    # As many as both hold: a command that ran twice within a second stays twice.
    pairs = (pair for content, ids in found.items() for pair in zip(ids, known.get(content, ()), strict=False))
    driver.executemany(f"INSERT INTO temp.of_{name} VALUES (?, ?, 0)", pairs)


def insert_missing(driver: sqlite3.Connection) -> None:
    """Insert what ``main`` lacks, after `match`; ``temp.added_TABLE`` holds the keys of rows whose owner was there."""
    there = tables_there(driver)
    ordered = [t for t in tables.metadata.sorted_tables if t.name in there and t.name not in ("audit", "columns")]
    for table in ordered:  # all ids first: an arm may be compared with one that comes later
        if is_numbered(table):
            driver.execute(
                f"""INSERT INTO temp.of_{table.name}
                SELECT x.id, (SELECT coalesce(max(id), 0) FROM main.{table.name}) + row_number() OVER (ORDER BY x.id), 1
                FROM src.{table.name} AS x WHERE x.id NOT IN (SELECT src FROM temp.of_{table.name})"""
            )
    # Arms refer to arms and rows of one table come in any order, so references hold at the commit only.
    driver.execute("PRAGMA defer_foreign_keys = ON")
    _continue_calibrations(driver)
    for table in ordered:
        owner = "own" if is_numbered(table) else f"by_{owner_of(table)}"
        if table.name in UNITED:
            _add(driver, table)
        _insert(driver, table, f"{joined(table)} WHERE {owner}.new")


def _insert(driver: sqlite3.Connection, table: Table, rows: str) -> None:
    names = ", ".join(f'"{c.name}"' for c in table.columns)
    values = ", ".join(mapped(table, c) for c in table.columns)
    if table.name == "candidate":
        before = "(SELECT count(*) FROM main.candidate AS y WHERE y.calibration = by_calibration.dst)"
        place = "row_number() OVER (PARTITION BY x.calibration ORDER BY x.ordinal) - 1"
        values = values.replace('x."ordinal"', f"{before} + {place}")
    driver.execute(f"INSERT INTO main.{table.name} ({names}) SELECT {values} FROM {rows}")


def _add(driver: sqlite3.Connection, table: Table) -> None:
    """Insert the rows that are new of owners that were there, and keep their keys."""
    name, keys = table.name, primary(table)
    alike = " AND ".join(f"y.{key} = {mapped(table, table.c[key])}" for key in keys)
    lacking = f"by_{owner_of(table)}.new = 0 AND NOT EXISTS (SELECT 1 FROM main.{name} AS y WHERE {alike})"
    driver.execute(f"CREATE TEMP TABLE added_{name} ({', '.join(keys)}, PRIMARY KEY ({', '.join(keys)})) WITHOUT ROWID")
    chosen = ", ".join(mapped(table, table.c[key]) for key in keys)
    driver.execute(f"INSERT INTO temp.added_{name} SELECT {chosen} FROM {joined(table)} WHERE {lacking}")
    if driver.execute(f"SELECT 1 FROM temp.added_{name} LIMIT 1").fetchone():
        _insert(driver, table, f"{joined(table)} WHERE {lacking}")


def _continue_calibrations(driver: sqlite3.Connection) -> None:
    """Let a calibration stand as where it went on the longest: no result, but what `calibrate` says of it."""
    t = tables.calibration
    asked = f"""SELECT own.dst, x.budget, {mapped(t, t.c.status)}, x.command FROM temp.of_calibration AS own
        JOIN src.calibration AS x ON x.id = own.src WHERE NOT own.new"""
    for number, budget, status, command in driver.execute(asked).fetchall():
        driver.execute(
            """UPDATE main.calibration SET budget = ?2, status = ?3, command = ?4 WHERE id = ?1
            AND (budget < ?2 OR (budget = ?2 AND status <> 'finished' AND ?3 = 'finished'))""",
            (number, budget, status, command),
        )


def forget(driver: sqlite3.Connection) -> None:
    """Drop what `match` and `insert_missing` have noted."""
    for (name,) in driver.execute("SELECT name FROM sqlite_temp_schema WHERE type = 'table'").fetchall():
        driver.execute(f"DROP TABLE temp.{name}")


def added(driver: sqlite3.Connection, table: Table) -> Iterator[tuple[int, ...]]:
    """Yield the keys of a table's new rows whose owner was there before, in order."""
    if driver.execute("SELECT 1 FROM sqlite_temp_schema WHERE name = ?", (f"added_{table.name}",)).fetchone():
        keys = ", ".join(primary(table))
        yield from driver.execute(f"SELECT {keys} FROM temp.added_{table.name} ORDER BY {keys}")


COMPARED: Mapping[str, tuple[str, ...]] = {
    "scenario": ("title", "bytes", "parameter_set", "parameter_version", "parameter_bytes"),
    "sweep": ("scenario", "seed", "subjects", "expected", "settings"),
    "study": ("name", "title"),
    "arm": ("name", "title", "condition", "baseline"),
    "point_value": ("number", "text"),
    "setting": ("number", "text", "parameter", "traits"),
    "trait": ("path", "distribution", "unit"),
    "trait_value": ("value",),
    "measure": ("kind", "name", "readout", "specification"),
    "clock": ("unit",),
    "structure": ("specification",),
    "run": ("structure", "seed", "subject", "steps", "status"),
    "sweep_run": ("run",),
    "failure": ("reason", "step", "time"),
    "outcome": ("value",),
    "course": ("clock", "points"),
    "calibration": ("scenario", "findings_sha256", "source_sha256", "engine_sha256", "seed", "subjects"),
    "calibration_parameter": ("name", "unit", "shipped", "low", "high"),
    "calibration_criterion": ("finding", "fitted", "unit", "published", "error", "low", "high"),
}
"""What must be equal where the key is. The rest is when and by whom, or words that a newer workbench may choose."""
_RUN = """SELECT lower(hex(r.key)), z.name, t.name, a.name, p.ordinal, s.subject
FROM main.run AS r LEFT JOIN main.sweep_run AS s ON s.run = r.id LEFT JOIN main.sweep AS w ON w.id = s.sweep
    LEFT JOIN main.scenario AS z ON z.id = w.scenario LEFT JOIN main.study AS t ON t.id = s.study
    LEFT JOIN main.arm AS a ON a.id = s.arm LEFT JOIN main.point AS p ON p.id = s.point
WHERE r.id = ? ORDER BY s.sweep, s.study, s.arm, s.point LIMIT 1"""
_PLACE = """SELECT lower(hex(r.key)), z.name, t.name, a.name, p.ordinal, s.subject
FROM main.sweep_run AS s JOIN main.run AS r ON r.id = s.run JOIN main.sweep AS w ON w.id = s.sweep
    JOIN main.scenario AS z ON z.id = w.scenario JOIN main.study AS t ON t.id = s.study
    JOIN main.arm AS a ON a.id = s.arm JOIN main.point AS p ON p.id = s.point
WHERE s.study = ? AND s.subject = ? AND s.arm = ? AND s.point = ?"""


@dataclass(frozen=True)
class Conflict:
    """Two values of one thing.

    Attributes
    ----------
    table, column : str
        What is not the same.
    file, value
        Where it was found, and what it is there.
    other_file, other_value
        Where the same thing was before that, and what it is there.
    row : str
        The thing in words, if it is no run.
    run : str
        The key of the run, if it is one; and then its place and outcome.
    key : tuple of int
        The row's primary key in the database that was compared.
    """

    table: str
    column: str
    file: str
    value: Any
    other_file: str
    other_value: Any
    row: str = ""
    run: str = ""
    scenario: str | None = None
    study: str | None = None
    arm: str | None = None
    point: int | None = None
    subject: int | None = None
    outcome: str | None = None
    key: tuple[int, ...] = ()

    def __str__(self) -> str:
        here, there = (shorten(v.hex() if isinstance(v, bytes) else v) for v in (self.value, self.other_value))
        named = f"{self.table} {self.outcome!r}" if self.outcome else f"its {self.column}"
        what = f"run {self.run}" if self.run else self.row
        place = f" ({self.scenario}, {self.study}, {self.arm}, point {self.point}, subject {self.subject})"
        where = place if self.run and self.study is not None else ""
        return f"{self.file}: {what}{where}: {named} is {here} here and {there} in {self.other_file}"


@dataclass
class FoundConflicts:
    """All conflicts counted, the first of them kept."""

    kept: list[Conflict] = field(default_factory=list)
    total: int = 0

    def add(self, conflicts: Iterator[Conflict]) -> None:
        """Take conflicts in."""
        for conflict in conflicts:
            self.total += 1
            if len(self.kept) < SHOWN:
                self.kept.append(conflict)


class MergeConflicts(CheckFailed):
    """Files to merge hold different results of the same run, or something like it; `found` counts them all."""

    def __init__(self, into: str, kept: Sequence[Conflict], found: int) -> None:
        self.into, self.conflicts, self.found = into, tuple(kept), found
        self.problems = tuple(Problem("", 0, 0, "", str(conflict)) for conflict in kept)
        more = f" ({found - len(kept):,} more)" if found > len(kept) else ""
        super().__init__("\n".join(map(str, kept)) + more)

    def __reduce__(self) -> tuple[type, tuple[str, tuple[Conflict, ...], int]]:
        return type(self), (self.into, self.conflicts, self.found)


def conflicts(driver: sqlite3.Connection, file: str, other: str) -> Iterator[Conflict]:
    """Yield what ``src``, which is `file`, says otherwise than ``main``; right after `match`."""
    there = tables_there(driver)
    for name, columns in COMPARED.items():
        if name in there:
            yield from _of_table(driver, name, columns, file, other)
    yield from _of_candidates(driver, file, other)


def _of_table(
    driver: sqlite3.Connection, name: str, columns: Sequence[str], file: str, other: str
) -> Iterator[Conflict]:
    table = tables.metadata.tables[name]
    keys = primary(table)
    # What both call by ids is shown by name.
    shown = [(_named("src", table.c[c], f'x."{c}"'), _named("main", table.c[c], f'y."{c}"')) for c in columns]
    unlike = " OR ".join(f'{mapped(table, table.c[c])} IS NOT y."{c}"' for c in columns)
    asked = f"""SELECT {", ".join(f"y.{key}" for key in keys)}, {", ".join(f"{a}, {b}" for a, b in shown)}
        FROM {_both(table)} WHERE {unlike}"""
    for row in driver.execute(asked):
        key, values = row[: len(keys)], row[len(keys) :]
        for place, column in enumerate(columns):
            here, before = values[2 * place : 2 * place + 2]
            if here != before and not (column == "points" and _same_course(here, before)):
                found = Conflict(name, column, file, here, other, before, key=tuple(key))
                yield _placed(driver, found)


def _both(table: Any) -> str:
    """Return the FROM of the rows of ``src`` beside the same rows of ``main``."""
    alike = " AND ".join(f"y.{key} = {mapped(table, table.c[key])}" for key in primary(table))
    return f"{joined(table)} JOIN main.{table.name} AS y ON {alike}"


def _named(schema: str, column: Any, value: str) -> str:
    if not column.foreign_keys:
        return value
    (reference,) = column.foreign_keys
    target = reference.column.table
    by = next(c.name for c in target.columns if c.name in ("key", "sha256", "identity", "name"))
    return f"(SELECT z.{by} FROM {schema}.{target.name} AS z WHERE z.id = {value})"


def _same_course(one: str, other: str) -> bool:
    """Return whether two texts of a course hold the same bits: versions may write the same number differently."""
    return [float(v).hex() for v in orjson.loads(one)] == [float(v).hex() for v in orjson.loads(other)]


def _placed(driver: sqlite3.Connection, found: Conflict) -> Conflict:
    """Return a conflict with the place of its run, or with its row in words."""
    names = ("run", "scenario", "study", "arm", "point", "subject")
    if found.table == "sweep_run":
        return replace(found, **_row(names, driver.execute(_PLACE, found.key).fetchone()))
    if found.table in ("run", "failure", "outcome", "course"):
        place = _row(names, driver.execute(_RUN, found.key[:1]).fetchone())
        if found.table in ("outcome", "course"):
            asked = "SELECT name FROM main.measure WHERE id = ?"
            place["outcome"] = driver.execute(asked, found.key[1:]).fetchone()[0]
        return replace(found, **place)
    table = tables.metadata.tables[found.table]
    keys = primary(table)
    alike = " AND ".join(f"y.{key} = ?" for key in keys)
    parts = [_named("main", table.c[key], f"y.{key}") for key in keys]
    if is_numbered(table):
        parts = [next(f"y.{c.name}" for c in table.columns if c.name in ("name", "identity", "sha256"))]
    row = driver.execute(f"SELECT {', '.join(parts)} FROM main.{found.table} AS y WHERE {alike}", found.key).fetchone()
    said = (v.hex() if isinstance(v, bytes) else str(v) for v in row)
    return replace(found, row=f"{found.table.replace('_', ' ')} {', '.join(said)}")


def _row(names: Sequence[str], values: Sequence[Any] | None) -> dict[str, Any]:
    return dict(zip(names, values, strict=True)) if values else {}


def _of_candidates(driver: sqlite3.Connection, file: str, other: str) -> Iterator[Conflict]:
    """Yield candidates of the same parameters that answered otherwise, as far as both were asked."""
    known: dict[tuple[Any, ...], tuple[int, list[tuple[Any, ...]]]] = {}
    for content, (number, *_) in candidates(driver, "main").items():
        asked, answers = _candidate(content)
        known.setdefault(asked, (number, answers))
    for content in candidates(driver, "src"):
        asked, answers = _candidate(content)
        number, before = known.get(asked, (0, answers))
        for one, two in zip(answers, before, strict=False):
            if one != two:
                words = f"candidate {', '.join(map(repr, asked[2:]))} of search {asked[1]!r}"
                values = file, one[2], other, two[2]
                yield Conflict("candidate_criterion", f"criterion {one[1]}", *values, row=words, key=(number, one[1]))


def _candidate(content: Sequence[Any]) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
    """Return what was asked of a candidate, and what it answered."""
    calibration, _, _, search, _, _, *rows = content
    numbers = (row[2] for row in rows if row[0] == 0)
    return (calibration, search, *numbers), [row for row in rows if row[0] == 1]


def held_by(driver: sqlite3.Connection, found: Sequence[Conflict]) -> Iterator[bool]:
    """Yield for each conflict whether ``src`` holds the thing in question."""
    match(driver)
    for conflict in found:
        table = tables.metadata.tables[conflict.table]
        alike = " AND ".join(f"y.{key} = ?" for key in primary(table))
        yield driver.execute(f"SELECT 1 FROM {_both(table)} WHERE {alike}", conflict.key).fetchone() is not None
