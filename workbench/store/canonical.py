"""The canonical bytes of stored rows: what each entry of the audit hashes, ids replaced by keys and names.

An entry names its rows by table, in ranges of ids. The same bytes come from the file and from what a chunk holds in
memory while it is stored, so that storing need not read back what it has just written.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Spans = list[list[int]]
"""Whole numbers as [first, last] ranges, ascending."""
Named = Mapping[str, Any]
"""The rows of an entry by table, as JSON holds them; see `content`."""
Places = tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]", Sequence[bytes]]
"""Subjects, ids of arms, ids of points and keys of runs, in that order of sorting."""
Batches = Iterable[Sequence[Sequence[Any]]]
"""Rows as batches of columns."""

AT_ONCE = 8192
"""Rows in one batch of columns; part of the canonical form."""

_OF_SWEEP = "WHERE x.sweep BETWEEN ? AND ? ORDER BY"
_BY_ID = "WHERE x.id BETWEEN ? AND ? ORDER BY x.id"
QUERIES: Mapping[str, Mapping[str, str]] = {
    "scenario": {
        "scenario": f"""SELECT x.sha256, x.name, x.title, x.bytes, x.parameter_set, x.parameter_version,
            x.parameter_sha256, x.parameter_bytes FROM scenario AS x {_BY_ID}"""
    },
    "axis": {"axis": f"SELECT x.path, x.unit, x.meaning FROM axis AS x {_BY_ID}"},
    "whole_axis": {
        "whole_axis": f"SELECT x.path, x.unit, x.meaning FROM whole_axis AS w JOIN axis AS x ON x.id = w.axis {_BY_ID}"
    },
    "sweep": {
        "sweep": f"""SELECT s.sha256, s.parameter_sha256, s.name, x.identity, x.seed, x.subjects, x.expected,
            x.settings, x.created, x.command FROM sweep AS x JOIN scenario AS s ON s.id = x.scenario {_BY_ID}""",
        "study": f"""SELECT s.identity, x.ordinal, x.name, x.title
            FROM study AS x JOIN sweep AS s ON s.id = x.sweep {_OF_SWEEP} x.id""",
        "arm": f"""SELECT s.identity, x.ordinal, x.name, x.title, x.words, x.condition, b.name
            FROM arm AS x JOIN sweep AS s ON s.id = x.sweep LEFT JOIN arm AS b ON b.id = x.baseline
            {_OF_SWEEP} x.id""",
        "point": f"""SELECT x.name, p.ordinal
            FROM study AS x JOIN point AS p ON p.study = x.id {_OF_SWEEP} p.id""",
        "point_value": f"""SELECT p.ordinal, a.path, a.unit, a.meaning, v.number, v.text
            FROM study AS x JOIN point AS p ON p.study = x.id JOIN point_value AS v ON v.point = p.id
            JOIN axis AS a ON a.id = v.axis {_OF_SWEEP} p.id, a.path, a.unit, a.meaning""",
        "setting": f"""SELECT a.name, x.path, x.number, x.text, x.unit, x.status, x.source, x.origin, x.parameter,
            x.traits, x.low, x.high FROM setting AS x JOIN arm AS a ON a.id = x.arm {_OF_SWEEP} a.id, x.path""",
        "trait": f"""SELECT s.identity, x.name, x.path, x.distribution, x.unit
            FROM trait AS x JOIN sweep AS s ON s.id = x.sweep {_OF_SWEEP} x.id""",
        "trait_value": f"""SELECT x.name, v.subject, v.value
            FROM trait AS x JOIN trait_value AS v ON v.trait = x.id {_OF_SWEEP} x.id, v.subject""",
    },
    "measure": {
        "measure": f"""SELECT x.kind, x.name, x.sha256, x.readout, x.unit, x.meaning, x.better, x.specification
            FROM measure AS x {_BY_ID}"""
    },
    "clock": {
        "clock": f"SELECT x.sha256, x.unit FROM clock AS x {_BY_ID}",
        "clock_time": f"""SELECT x.sha256, t.ordinal, t.time
            FROM clock AS x JOIN clock_time AS t ON t.clock = x.id {_BY_ID}, t.ordinal""",
    },
    "structure": {"structure": f"SELECT x.sha256, x.specification FROM structure AS x {_BY_ID}"},
    "run": {
        "run": f"""SELECT x.key, s.sha256, x.seed, x.subject, x.steps, x.status
            FROM run AS x JOIN structure AS s ON s.id = x.structure {_BY_ID}"""
    },
    "failure": {
        "failure": f"""SELECT x.key, f.reason, f.step, f.time
            FROM run AS x JOIN failure AS f ON f.run = x.id {_BY_ID}"""
    },
    "calibration": {
        "calibration": f"""SELECT s.sha256, s.parameter_sha256, s.name, x.identity, x.findings_sha256, x.source_sha256,
            x.engine_sha256, x.seed, x.subjects, x.created
            FROM calibration AS x JOIN scenario AS s ON s.id = x.scenario {_BY_ID}""",
        "calibration_parameter": f"""SELECT x.identity, p.ordinal, p.name, p.unit, p.shipped, p.low, p.high
            FROM calibration AS x JOIN calibration_parameter AS p ON p.calibration = x.id {_BY_ID}, p.ordinal""",
        "calibration_criterion": f"""SELECT x.identity, c.ordinal, c.finding, c.words, c.fitted, c.unit, c.published,
            c.error, c.low, c.high
            FROM calibration AS x JOIN calibration_criterion AS c ON c.calibration = x.id {_BY_ID}, c.ordinal""",
    },
    "candidate": {
        "candidate": f"""SELECT c.identity, x.ordinal, x.budget, x.batch, x.search, x.step, x.loss
            FROM candidate AS x JOIN calibration AS c ON c.id = x.calibration {_BY_ID}""",
        "candidate_parameter": f"""SELECT x.ordinal, p.ordinal, p.number
            FROM candidate AS x JOIN candidate_parameter AS p ON p.candidate = x.id {_BY_ID}, p.ordinal""",
        "candidate_criterion": f"""SELECT x.ordinal, c.ordinal, c.number, c.mc_error
            FROM candidate AS x JOIN candidate_criterion AS c ON c.candidate = x.id {_BY_ID}, c.ordinal""",
    },
    "invocation": {
        "invocation": f"""SELECT s.identity, x.started, x.command, x.workers
            FROM invocation AS x JOIN sweep AS s ON s.id = x.sweep {_BY_ID}""",
        "provenance": f"""SELECT p.key, p.value
            FROM invocation AS x JOIN provenance AS p ON p.invocation = x.id {_BY_ID}, p.key""",
    },
    "ending": {
        "ending": f"""SELECT s.identity, x.started, x.status, x.seconds, x.computed, x.reused, x.failed, x.run_steps,
            x.write_seconds, x.draw_seconds FROM invocation AS x JOIN sweep AS s ON s.id = x.sweep {_BY_ID}"""
    },
}
"""By what an entry names (ranges of ids): the tables whose rows that means, and the canonical columns of each."""

TABLES = (*(t for group in QUERIES.values() for t in group if t != "ending"), "sweep_measure", "outcome", "course")
TABLES = (*TABLES, "sweep_run", "lost_run")
"""Every table whose rows some entry covers."""


@dataclass
class RowCache:
    """What is in memory of rows that are being stored, so that they need not be read back.

    Attributes
    ----------
    run : columns of the run's query, or None
    outcome, course, sweep_run : dict
        By the place in the entry's list: (keys, values), columns, and `Places`.
    """

    run: Sequence[Sequence[Any]] | None = None
    outcome: dict[int, tuple[Sequence[bytes], NDArray[np.float64]]] = field(default_factory=dict)
    course: dict[int, Sequence[Sequence[Any]]] = field(default_factory=dict)
    sweep_run: dict[int, Places] = field(default_factory=dict)


def spans(numbers: Iterable[int] | NDArray[np.int64]) -> Spans:
    """Return whole numbers as ascending [first, last] ranges.

    >>> spans([3, 1, 2, 7])
    [[1, 3], [7, 7]]
    """
    sorted_numbers = np.unique(np.asarray(numbers if isinstance(numbers, np.ndarray) else list(numbers), np.int64))
    if not len(sorted_numbers):
        return []
    last = np.flatnonzero(np.append(np.diff(sorted_numbers) > 1, True))
    first = np.append(0, last[:-1] + 1)
    return np.stack([sorted_numbers[first], sorted_numbers[last]], axis=1).tolist()  # type: ignore[no-any-return]


def numbers_in(ranges: Spans) -> list[int]:
    """Return the whole numbers of some ranges."""
    return [number for first, last in ranges for number in range(first, last + 1)]


def content(driver: sqlite3.Connection, named: Named, held: RowCache | None = None) -> tuple[bytes, dict[str, int]]:
    """Return the SHA-256 over the canonical form of the rows that an entry names, and how many there are by table.

    Parameters
    ----------
    named : mapping
        For each key of `QUERIES` the ranges of ids. ``sweep_measure``: list of [study, ranges of measures].
        ``outcome`` and ``course``: list of [ranges of runs, ranges of measures], every run with every measure.
        ``lost_run``: list of [study, subject, arm, point, invocation].
        ``sweep_run``: list of [study, ranges of subjects, list of [arm, ranges of points]], every subject at
        every place.
    held
        What of it is in memory.
    """
    total, counts, held = hashlib.sha256(), Counter[str](), held or RowCache()

    def section(table: str, batches: Batches) -> None:
        # A section begins with its table's name between NULs, so that rows moved from one table to another give
        # another hash.
        total.update(b"\0" + table.encode() + b"\0")
        for columns in batches:
            counts[table] += len(columns[0])
            for column in columns:
                _feed(total, column)

    for table, batches in chain(_rows_by_id(driver, named, held), _rows_by_place(driver, named, held)):
        section(table, batches)
    return total.digest(), {table: n for table, n in sorted(counts.items()) if n and " " not in table}


def _rows_by_id(driver: sqlite3.Connection, named: Named, held: RowCache) -> Iterator[tuple[str, Batches]]:
    """Yield (table, columns in batches) of the rows that an entry names by ranges of their own ids."""
    for name, queries in QUERIES.items():
        if name == "run" and named.get(name) and held.run is not None:
            yield "run", _cut(held.run)
            continue
        for table, sql in queries.items() if named.get(name) else ():
            yield from ((table, _read(driver, sql, (first, last))) for first, last in named[name])
    for study, measures in named.get("sweep_measure", ()):
        yield from (("sweep_measure", _read(driver, _SWEEP_MEASURE, (study, *ends))) for ends in measures)
    yield from (("lost_run", _read(driver, _LOST_RUN, row)) for row in named.get("lost_run", ()))


def _rows_by_place(driver: sqlite3.Connection, named: Named, held: RowCache) -> Iterator[tuple[str, Batches]]:
    """Yield (part, columns in batches) of outcomes, courses and places, from memory where they are held."""
    for i, (runs, measures) in enumerate(named.get("outcome", ())):
        yield "outcome of", _measures(driver, measures)
        known = held.outcome.get(i)
        yield "outcome by", _cut([known[0]]) if known else _keys(driver, runs)
        yield "outcome", _values(known[1]) if known else _read_values(driver, runs, measures)
    for i, (runs, measures) in enumerate(named.get("course", ())):
        columns = held.course.get(i)
        yield "course", _cut(columns) if columns else _courses(driver, runs, measures)
    for i, place in enumerate(named.get("sweep_run", ())):
        found = held.sweep_run[i] if i in held.sweep_run else _places(driver, *place)
        yield "sweep_run", _place_columns(driver, place[0], found)


_SWEEP_MEASURE = """SELECT s.identity, t.name, m.sha256, x.title
FROM sweep_measure AS x JOIN sweep AS s ON s.id = x.sweep JOIN study AS t ON t.id = x.study
    JOIN measure AS m ON m.id = x.measure
WHERE x.study = ? AND x.measure BETWEEN ? AND ? ORDER BY x.measure"""
_LOST_RUN = """SELECT s.identity, t.name, x.subject, a.name, p.ordinal, i.started, x.key, x.reason
FROM lost_run AS x JOIN sweep AS s ON s.id = x.sweep JOIN study AS t ON t.id = x.study JOIN arm AS a ON a.id = x.arm
    JOIN point AS p ON p.id = x.point JOIN invocation AS i ON i.id = x.invocation
WHERE x.study = ? AND x.subject = ? AND x.arm = ? AND x.point = ? AND x.invocation = ?"""
_COURSE = """SELECT r.key, m.sha256, c.sha256, x.points
FROM course AS x JOIN run AS r ON r.id = x.run JOIN measure AS m ON m.id = x.measure JOIN clock AS c ON c.id = x.clock
WHERE x.run BETWEEN ? AND ? AND x.measure IN ({}) ORDER BY x.run, x.measure"""
_VALUE = "SELECT value FROM outcome WHERE run BETWEEN ? AND ? AND measure IN ({}) ORDER BY run, measure"


def _feed(total: hashlib._Hash, column: Sequence[Any] | NDArray[Any]) -> None:
    """Add one column: its type, then numbers as their eight bytes, and text with the length of each piece."""
    if isinstance(column, np.ndarray):
        kinds: set[type] = {float if column.dtype == np.float64 else int}
    else:
        kinds = set(map(type, column))
    # A column at a time, with its type and lengths: as fast as hashing bytes can be, and no two different contents
    # have one encoding.
    if kinds == {int}:
        total.update(b"i" + np.asarray(column, "<i8").tobytes())
    elif kinds == {type(None)}:
        total.update(b"n" + len(column).to_bytes(8, "little"))
    elif kinds == {float}:
        total.update(b"f" + (np.asarray(column, "<f8") + 0.0).tobytes())  # SQLite has no minus zero
    elif kinds in ({bytes}, {str}):
        pieces = column if kinds == {bytes} else [text.encode("utf-8", "surrogatepass") for text in column]
        total.update(b"b" if kinds == {bytes} else b"t")
        total.update(np.array(list(map(len, pieces)), "<i8").tobytes())
        total.update(b"".join(pieces))
    else:
        # Columns that mix types (a number or a text) are rare enough for JSON; floats in hexadecimal keep every bit.
        exact = [[type(v).__name__, v.hex() if isinstance(v, bytes | float) else v] for v in column]
        total.update(b"m" + json.dumps(exact).encode())


def _cut(columns: Sequence[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    for start in range(0, len(columns[0]), AT_ONCE):
        yield [column[start : start + AT_ONCE] for column in columns]


def _read(driver: sqlite3.Connection, sql: str, values: Sequence[Any]) -> Iterator[list[Sequence[Any]]]:
    cursor = driver.execute(sql, values)
    while rows := cursor.fetchmany(AT_ONCE):
        yield list(zip(*rows, strict=True))


def _measures(driver: sqlite3.Connection, measures: Spans) -> Iterator[list[Sequence[Any]]]:
    for first, last in measures:
        yield from _read(driver, "SELECT sha256 FROM measure WHERE id BETWEEN ? AND ? ORDER BY id", (first, last))


def _keys(driver: sqlite3.Connection, runs: Spans) -> Iterator[list[Sequence[Any]]]:
    # Cut as a chunk in memory is, whatever the ranges.
    rows: list[bytes] = []
    for first, last in runs:
        for (key,) in driver.execute("SELECT key FROM run WHERE id BETWEEN ? AND ? ORDER BY id", (first, last)):
            rows.append(key)
            if len(rows) == AT_ONCE:
                yield [rows]
                rows = []
    if rows:
        yield [rows]


def _values(values: NDArray[np.float64]) -> Iterator[list[Any]]:
    flat = values.ravel()
    for start in range(0, len(flat), AT_ONCE):
        yield [flat[start : start + AT_ONCE]]


def _read_values(driver: sqlite3.Connection, runs: Spans, measures: Spans) -> Iterator[list[Sequence[Any]]]:
    yield from _joined(driver, _VALUE, runs, measures)


def _courses(driver: sqlite3.Connection, runs: Spans, measures: Spans) -> Iterator[list[Sequence[Any]]]:
    yield from _joined(driver, _COURSE, runs, measures)


def _joined(driver: sqlite3.Connection, sql: str, runs: Spans, measures: Spans) -> Iterator[list[Sequence[Any]]]:
    """Yield the answers of all ranges of runs, cut as if they were one."""
    asked = sql.format(", ".join(str(int(number)) for number in numbers_in(measures)))
    rows: list[tuple[Any, ...]] = []
    for first, last in runs:
        cursor = driver.execute(asked, (first, last))
        # Batches are cut by number of rows alone, never at the end of a range: the same rows give the same hash
        # however their ids happen to lie.
        while more := cursor.fetchmany(AT_ONCE - len(rows)):
            rows += more
            if len(rows) == AT_ONCE:
                yield list(zip(*rows, strict=True))
                rows = []
    if rows:
        yield list(zip(*rows, strict=True))


def _places(driver: sqlite3.Connection, study: int, subjects: Spans, places: list[list[Any]]) -> Places:
    """Return what is stored of every subject at every place."""
    arms = ", ".join(str(int(arm)) for arm, _ in places)
    asked = f"""SELECT s.subject, s.arm, s.point, run.key FROM sweep_run AS s JOIN run ON run.id = s.run
        JOIN study ON study.id = s.study AND study.sweep = s.sweep
        WHERE s.study = ? AND s.subject BETWEEN ? AND ? AND s.arm IN ({arms}) ORDER BY s.subject, s.arm, s.point"""
    wanted = {(arm, point) for arm, points in places for point in numbers_in(points)}
    rows = [
        row
        for first, last in subjects
        for row in driver.execute(asked, (study, first, last))
        if (row[1], row[2]) in wanted
    ]
    numbers = np.array([row[:3] for row in rows], dtype=np.int64).reshape(-1, 3)
    return numbers[:, 0], numbers[:, 1], numbers[:, 2], [row[3] for row in rows]


def _place_columns(driver: sqlite3.Connection, study: int, found: Places) -> Iterator[list[Sequence[Any]]]:
    """Yield places with the sweep, the study and the arms by name, and points by number."""
    subjects, arms, points, keys = found
    asked = "SELECT s.identity, x.name FROM study AS x JOIN sweep AS s ON s.id = x.sweep WHERE x.id = ?"
    named = driver.execute(asked, (study,)).fetchone() or (b"", "")
    (zero,) = driver.execute("SELECT min(id) FROM point WHERE study = ?", (study,)).fetchone()
    ids, which = np.unique(arms, return_inverse=True)
    names = [driver.execute("SELECT name FROM arm WHERE id = ?", (int(arm),)).fetchone() or ("",) for arm in ids]
    head = json.dumps([named[0].hex(), named[1], [name for (name,) in names]])
    for start in range(0, len(keys), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        yield [keys[part], subjects[part], which[part].astype(np.int64), points[part] - (zero or 0), [head]]  # type: ignore[list-item]
