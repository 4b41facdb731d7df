"""Rows of one database in the words of another: its ids are mapped, by what names each row, to those over there.

A connection has the database that grows as ``main`` and the one that is brought in attached as ``src``. For each table
with ids, ``temp.of_TABLE`` says which id of ``src`` is which id of ``main``, and whether the row is new there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Table

import workbench.store.tables as tables
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


def bring(driver: sqlite3.Connection) -> None:
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
    """Drop what `match` and `bring` have noted."""
    for (name,) in driver.execute("SELECT name FROM sqlite_temp_schema WHERE type = 'table'").fetchall():
        driver.execute(f"DROP TABLE temp.{name}")


def added(driver: sqlite3.Connection, table: Table) -> Iterator[tuple[int, ...]]:
    """Yield the keys of a table's new rows whose owner was there before, in order."""
    if driver.execute("SELECT 1 FROM sqlite_temp_schema WHERE name = ?", (f"added_{table.name}",)).fetchone():
        keys = ", ".join(primary(table))
        yield from driver.execute(f"SELECT {keys} FROM temp.added_{table.name} ORDER BY {keys}")
