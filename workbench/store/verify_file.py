"""Whether a file is whole as a database: its pages, its references, and its tables and views."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING

from workbench.store.connection import SCHEMA_VERSION, lost_tables, strange, version_of
from workbench.store.damage import Ask, Check, Finding, readable
from workbench.store.views import VIEWS, column_rows, view_queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

OLDEST_VERSION = 1


def pages(ask: Ask) -> Check:
    """Look at every page, index and reference between tables."""
    check = Check("pages")

    def look() -> Iterator[Finding]:
        (count,), (size,) = ask("PRAGMA page_count").fetchone(), ask("PRAGMA page_size").fetchone()
        check.looked = f"{count:,} pages of {size:,} bytes, {count * size:,} bytes in all; indexes and references"
        for (line,) in ask("PRAGMA integrity_check"):
            if line != "ok":
                yield Finding("", "database", " ".join(str(line).split()))
        for table, row, other, _ in ask("PRAGMA foreign_key_check"):
            named = table if row is None else f"row {row} of {table}"
            yield Finding(table, named, f"it refers to a row of {other} that does not exist")

    return readable(check, look)


def tables(ask: Ask, connection: sqlite3.Connection) -> Check:
    """Look at every table, index, view and trigger: are they what this workbench makes, and nothing else?"""
    check = Check("tables")

    def look() -> Iterator[Finding]:
        version = version_of(connection)
        kinds = dict(ask("SELECT type, count(*) FROM sqlite_schema GROUP BY type").fetchall())
        words = {"table": "tables", "view": "views", "index": "indexes", "trigger": "triggers"}
        check.looked = f"version {version}: " + ", ".join(
            f"{kinds[k]} {word}" for k, word in words.items() if k in kinds
        )
        if version < OLDEST_VERSION:
            yield Finding("", "database", f"its version is {version}, which no workbench writes")
        for kind, name in strange(connection):
            yield Finding("sqlite_schema", f"{kind} {name!r}", "it is not what a workbench puts there")
        for name in lost_tables(connection):
            yield Finding("sqlite_schema", f"table {name!r}", "it is not there")

    return readable(check, look)


def views(ask: Ask, connection: sqlite3.Connection) -> Check:
    """Look at what every view selects, and at the table that says what their columns mean."""
    if version_of(connection) < SCHEMA_VERSION:
        return Check(
            "views", notes=["an older workbench wrote them; they are written again when this one stores a run"]
        )
    check = Check("views", f"what {len(VIEWS)} views select, and what their columns are said to mean")
    return readable(check, lambda: changed_views(ask))


def changed_views(ask: Ask) -> Iterator[Finding]:
    """Yield the views, and the rows of ``columns``, that are not what this version of the workbench writes."""

    def rows(sql: str) -> Sequence[Sequence[Any]]:
        return ask(sql).fetchall()

    stored = dict(ask("SELECT name, sql FROM sqlite_schema WHERE type = 'view'").fetchall())
    wanted = view_queries(rows)
    for view in VIEWS:
        if view not in stored:
            yield Finding("sqlite_schema", f"view {view!r}", "it is missing")
        elif stored[view] != f"CREATE VIEW {view} AS {wanted[view]}":
            yield Finding("sqlite_schema", f"view {view!r}", "it selects something else than this workbench writes")
    if not set(VIEWS) <= stored.keys():
        return
    kept = {row[:2]: row[2:] for row in ask("SELECT view, name, path, unit, meaning FROM columns")}
    made = {row[:2]: row[2:] for row in column_rows(rows)}
    for key in sorted(kept.keys() | made.keys()):
        if kept.get(key) != made.get(key):
            what = "missing" if key not in kept else "of no view" if key not in made else "described otherwise"
            yield Finding("columns", f"column {key[1]!r} of {key[0]}", f"it is {what}", kept.get(key), made.get(key))
