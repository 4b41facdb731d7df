"""What two databases say differently of the same thing: the same run with other results, above all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

import workbench.store.tables as tables
from workbench.errors import CheckFailed, Problem, shorten
from workbench.store.damage import SHOWN
from workbench.store.merge_rows import candidates, is_numbered, joined, mapped, match, primary, tables_there

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
class Found:
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
