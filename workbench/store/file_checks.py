"""Whether a file is whole as a database, and its audit the chain that was written with the rows that it names."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from workbench.store.audit import NO_AUDIT, NUMBERED, Entry, chain_faults, content_of, entries, has_audit, uncovered
from workbench.store.canonical import numbers_in
from workbench.store.connection import (
    SCHEMA_VERSION,
    foreign_objects,
    lost_tables,
    version_of,
)
from workbench.store.damage import Ask, Check, Damage, readable
from workbench.store.views import VIEWS, column_rows, view_queries

OLDEST_VERSION = 1


def pages(ask: Ask) -> Check:
    """Look at every page, index and reference between tables."""
    check = Check("pages")

    def look() -> Iterator[Damage]:
        (count,), (size,) = ask("PRAGMA page_count").fetchone(), ask("PRAGMA page_size").fetchone()
        check.looked = f"{count:,} pages of {size:,} bytes, {count * size:,} bytes in all; indexes and references"
        for (line,) in ask("PRAGMA integrity_check"):
            if line != "ok":
                yield Damage("", "database", " ".join(str(line).split()))
        for table, row, other, _ in ask("PRAGMA foreign_key_check"):
            named = table if row is None else f"row {row} of {table}"
            yield Damage(table, named, f"it refers to a row of {other} that does not exist")

    return readable(check, look)


def tables(ask: Ask, connection: sqlite3.Connection) -> Check:
    """Look at every table, index, view and trigger: are they what this workbench makes, and nothing else?"""
    check = Check("tables")

    def look() -> Iterator[Damage]:
        version = version_of(connection)
        kinds = dict(ask("SELECT type, count(*) FROM sqlite_schema GROUP BY type").fetchall())
        words = {"table": "tables", "view": "views", "index": "indexes", "trigger": "triggers"}
        check.looked = f"version {version}: " + ", ".join(
            f"{kinds[k]} {word}" for k, word in words.items() if k in kinds
        )
        if version < OLDEST_VERSION:
            yield Damage("", "database", f"its version is {version}, which no workbench uses")
        for kind, name in foreign_objects(connection):
            yield Damage("sqlite_schema", f"{kind} {name!r}", "it does not come from a workbench")
        for name in lost_tables(connection):
            yield Damage("sqlite_schema", f"table {name!r}", "it is not there")

    return readable(check, look)


def views(ask: Ask, connection: sqlite3.Connection) -> Check:
    """Look at what every view selects, and at the table that says what their columns mean."""
    if version_of(connection) < SCHEMA_VERSION:
        return Check(
            "views", notes=["an older workbench wrote them; they are written again when this one stores a run"]
        )
    check = Check("views", f"what {len(VIEWS)} views select, and what their columns are said to mean")
    return readable(check, lambda: changed_views(ask))


def changed_views(ask: Ask) -> Iterator[Damage]:
    """Yield the views, and the rows of ``columns``, that are not what this version of the workbench writes."""

    def rows(sql: str) -> Sequence[Sequence[Any]]:
        return ask(sql).fetchall()

    stored = dict(ask("SELECT name, sql FROM sqlite_schema WHERE type = 'view'").fetchall())
    wanted = view_queries(rows)
    for view in VIEWS:
        if view not in stored:
            yield Damage("sqlite_schema", f"view {view!r}", "it is missing")
        elif stored[view] != f"CREATE VIEW {view} AS {wanted[view]}":
            yield Damage("sqlite_schema", f"view {view!r}", "it differs from the view that this workbench writes")
    if not set(VIEWS) <= stored.keys():
        return
    kept = {row[:2]: row[2:] for row in ask("SELECT view, name, path, unit, meaning FROM columns")}
    made = {row[:2]: row[2:] for row in column_rows(rows)}
    for key in sorted(kept.keys() | made.keys()):
        if kept.get(key) != made.get(key):
            what = "missing" if key not in kept else "of no view" if key not in made else "described differently"
            yield Damage("columns", f"column {key[1]!r} of {key[0]}", f"it is {what}", kept.get(key), made.get(key))


def audit(driver: sqlite3.Connection) -> tuple[Check, set[int]]:
    """Look at every entry of the audit.

    Returns
    -------
    (Check, set)
        What was found, and the runs of the entries whose rows are not as they were.
    """
    check, suspects = Check("audit"), set[int]()

    def look() -> Iterator[Damage]:
        if not has_audit(driver):
            check.notes.append(f"{NO_AUDIT}: changed values are found only where runs are computed again")
            yield from _gaps(driver)
            return
        (number,) = driver.execute("SELECT count(*) FROM audit").fetchone()
        check.looked = f"{number:,} entries, each chained to the one before, and the rows that they name"
        for finding, entry in broken_entries(driver):
            if entry is not None:
                suspects.update(_runs(entry))
            yield finding

    return readable(check, look), suspects


def broken_entries(
    driver: sqlite3.Connection, after: int = 0, contents: bool = True
) -> Iterator[tuple[Damage, Entry | None]]:
    """Yield what is wrong with the audit, with the entry where its rows are not as they were.

    Where the file keeps no audit, the numbers of its rows are asked instead.

    Parameters
    ----------
    after : int
        The rows of entries up to this one are not read again.
    contents : bool
        Whether the rows of the others are.
    """
    if not has_audit(driver):
        yield from ((finding, None) for finding in _gaps(driver))
        return
    torn = set()
    for number, words in chain_faults(driver):
        torn.add(number)
        yield Damage("audit", f"entry {number} of the audit", words), None
    for entry in entries(driver):
        if entry.id in torn or entry.id <= after or not contents:
            continue
        found = content_of(driver, entry)
        if found != entry.content:
            message = "rows that it wrote were changed afterwards"
            values = entry.content.hex(), found.hex()
            yield Damage("audit", f"entry {entry.id} of the audit ({_words(entry)})", message, *values), entry
    if not torn:
        for table, (counted, there) in uncovered(driver).items():
            message = f"it holds {there:,} rows where the audit accounts for {counted:,}"
            yield Damage(table, f"table {table}", message, there, counted), None


def _gaps(driver: sqlite3.Connection) -> Iterator[Damage]:
    """Compare how many rows there are with their largest number: none is ever taken away."""
    for table in NUMBERED:
        count, largest = driver.execute(f"SELECT count(*), coalesce(max(id), 0) FROM {table}").fetchone()
        if count != largest:
            message = f"it holds {count:,} rows that are numbered up to {largest:,}"
            yield Damage(table, f"table {table}", message, count, largest)


def _words(entry: Entry) -> str:
    facts = entry.facts
    named = [f"{key} {facts[key]}" for key in ("sweep", "study", "calibration") if key in facts]
    rows = sum(facts.get("counts", {}).values())
    return ", ".join([str(facts.get("kind", "?")), *named, f"{rows:,} row{'s' if rows != 1 else ''}"])


def _runs(entry: Entry) -> Iterator[int]:
    """Yield the runs that an entry names."""
    rows = entry.facts.get("rows", {})
    yield from numbers_in(rows.get("run", []))
    yield from numbers_in(rows.get("failure", []))
    for table in ("outcome", "course"):
        for runs, _ in rows.get(table, []):
            yield from numbers_in(runs)
