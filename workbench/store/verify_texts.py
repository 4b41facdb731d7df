"""Whether the texts of a file are texts, and those that were stored with their SHA-256 still have it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from workbench.store.damage import Ask, Check, Finding, is_clean, readable
from workbench.store.provenance import OFFERED, UNPACKAGED

REVISIONS = 100
"""Revisions of a component, and of the engine, that a stored hash is tried with: which one it was is not stored."""
CHECKED = frozenset({("run", "status")})
"""Columns whose few words the table itself prescribes; there are too many of them to read each."""
OBJECTS = (
    ("sweep", "settings", dict, "id"),
    ("measure", "specification", dict, "id"),
    ("structure", "specification", list, "id"),
)
"""Columns that hold JSON: table, column, what it is, and what names the row."""


HASHED = {"scenario": "scenarios and their parameter sets", "clock": "clocks", "measure": "measures"}
"""Tables whose rows hold their own SHA-256."""


def texts(ask: Ask) -> Check:
    """Look at all texts and time courses."""
    check = Check("texts")

    def look() -> Iterator[Finding]:
        yield from broken_texts(ask)
        yield from broken_courses(ask)
        (courses,) = ask("SELECT count(*) FROM course").fetchone()
        check.looked = f"every text is UTF-8; {courses:,} time courses are numbers, one for each time"

    return readable(check, look)


def hashes(ask: Ask) -> Check:
    """Look at everything that is stored with its own SHA-256."""
    check = Check("hashes")

    def look() -> Iterator[Finding]:
        counts = [ask(f"SELECT count(*) FROM {table}").fetchone()[0] for table in HASHED]
        listed = ", ".join(f"{words} {n:,}" for words, n in zip(HASHED.values(), counts, strict=True) if n)
        check.looked = f"every stored SHA-256: {listed or 'none'}"
        yield from broken_scenarios(ask)
        yield from broken_clocks(ask)
        yield from broken_measures(ask)

    return readable(check, look)


def broken_texts(ask: Ask) -> Iterator[Finding]:
    """Yield every text that is no UTF-8, and everything that is to be JSON and is not."""
    tables = [name for (name,) in ask("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()]
    for table in (name for name in tables if not name.startswith("sqlite_")):
        described = ask("SELECT name, type, pk FROM pragma_table_info(?)", (table,)).fetchall()
        columns = [name for name, kind, _ in described if kind == "TEXT" and (table, name) not in CHECKED]
        if not columns or (table, "points") in [(table, name) for name in columns]:
            continue
        keys = [name for name, _, place in described if place]
        listed = ", ".join(f'"{name}"' for name in (*columns, *keys))
        for row in ask(f'SELECT {listed} FROM "{table}"'):
            for name, text in zip(columns, row, strict=False):
                if text is not None and not is_clean(text):
                    named = ", ".join(str(key).encode("ascii", "replace").decode() for key in row[len(columns) :])
                    yield Finding(table, f"row {named} of {table}", f"its {name} is no text (not UTF-8)")
    for table, column, kind, key in OBJECTS:
        for row, text in ask(f"SELECT {key}, {column} FROM {table}"):
            if not isinstance(_json(text), kind):
                yield Finding(table, f"row {row} of {table}", f"its {column} is not the JSON that belongs there")


def broken_courses(ask: Ask) -> Iterator[Finding]:
    """Yield every time course that is not a finite number for each time of its clock."""
    asked = """SELECT course.run, measure.name, course.points, (SELECT count(*) FROM clock_time
    WHERE clock_time.clock = course.clock) FROM course LEFT JOIN measure ON measure.id = course.measure"""
    lengths = dict(ask("SELECT clock, count(*) FROM clock_time GROUP BY clock").fetchall())
    asked = """SELECT course.run, measure.name, course.points, course.clock
    FROM course LEFT JOIN measure ON measure.id = course.measure"""
    for run, name, text, clock in ask(asked):
        values, times = _json(text), lengths.get(clock, 0)
        if not isinstance(values, list) or not all(type(v) is float and math.isfinite(v) for v in values):
            yield Finding("course", f"course of run {run}", "it is not a list of numbers", run=run, outcome=name)
        elif len(values) != times:
            message = "it has not one value for each time"
            yield Finding("course", f"course of run {run}", message, len(values), times, run, name)


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except (ValueError, TypeError):
        return None


UNEQUAL = "its SHA-256 is not the stored one"


def broken_scenarios(ask: Ask) -> Iterator[Finding]:
    """Yield every scenario or parameter set whose bytes have another hash."""
    for row, *pairs in ask("SELECT id, bytes, sha256, parameter_bytes, parameter_sha256 FROM scenario"):
        for what, text, kept in (("scenario", *pairs[:2]), ("parameter set", *pairs[2:])):
            found = hashlib.sha256(text).digest()
            if found != kept:
                yield Finding("scenario", f"{what} of row {row} of scenario", UNEQUAL, kept.hex(), found.hex())


def broken_clocks(ask: Ask) -> Iterator[Finding]:
    """Yield every clock whose times have another hash."""
    for row, unit, kept in ask("SELECT id, unit, sha256 FROM clock").fetchall():
        times = [time for (time,) in ask("SELECT time FROM clock_time WHERE clock = ? ORDER BY ordinal", (row,))]
        content = json.dumps([unit, [float(time).hex() for time in times]])
        found = hashlib.sha256(content.encode("utf-8", "surrogateescape")).digest()
        if found != kept:
            yield Finding("clock", f"clock {row}", UNEQUAL, kept.hex(), found.hex())


def broken_measures(ask: Ask) -> Iterator[Finding]:
    """Yield every measure that has another hash under any revision of its component."""
    sources = _sources(ask)
    for row, kind, name, readout, specification, kept in ask(
        "SELECT id, kind, name, readout, specification, sha256 FROM measure"
    ):
        tried = (
            json.dumps([kind, name, readout, revision, source, specification])
            for revision in range(REVISIONS)
            for source in sources
        )
        if not any(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest() == kept for text in tried):
            yield Finding("measure", f"{kind} {name!r} (row {row} of measure)", UNEQUAL, kept.hex())


def _sources(ask: Ask) -> Iterable[str]:
    """Return the hashes of source that components have; those of the workbench itself have none."""
    kept = ask("SELECT key, value FROM provenance").fetchall()
    other = (value.rpartition(" ")[2] for key, value in kept if key.startswith((OFFERED, UNPACKAGED)))
    return tuple(dict.fromkeys(("", *other)))
