"""Looking through a result database, as far as the file alone can tell; nothing is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.store.audit import NO_AUDIT, NUMBERED, Entry, chain_faults, content_of, entries, has_audit, uncovered
from workbench.store.canonical import numbers_in
from workbench.store.connection import (
    SCHEMA_VERSION,
    inspect,
    lost_tables,
    opened_to_read,
    storage_faults,
    strange,
    version_of,
)
from workbench.store.damage import Ask, Check, Damage, readable, unescaped
from workbench.store.digest import digest_of
from workbench.store.read import Results
from workbench.store.row_rules import hashes, rows, texts
from workbench.store.views import VIEWS, column_rows, view_queries


@dataclass(frozen=True)
class Snapshot:
    """A database as it was at one moment, whatever is written meanwhile."""

    path: Path
    connection: sqlite3.Connection

    def ask(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Put one question."""
        return self.connection.execute(sql, values)

    @property
    def results(self) -> Results:
        """The same rows as frames."""
        return Results.over(self.path, self.connection)

    def digest(self, sweep: int | None = None) -> str:
        """Return the digest of all sweeps, or of one."""
        return digest_of(self.connection, sweep)


@contextmanager
def snapshot(path: Path) -> Iterator[Snapshot]:
    """Open a database that may hold anything; texts that are no UTF-8 can be read.

    Raises
    ------
    StorageError
        If it is missing, no workbench database, cut short or too new.
    """
    inspect(path)
    with storage_faults(path), opened_to_read(path) as connection:
        connection.text_factory = unescaped
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        yield Snapshot(path, connection)


def file_checks(seen: Snapshot) -> tuple[list[Check], set[int]]:
    """Return what was found in the file by itself, and the runs to suspect: those of entries that do not fit.

    Where its pages are damaged, nothing else is looked at.
    """
    ask: Ask = seen.ask
    whole = pages(ask)
    if not whole.well:
        return [whole], set()
    audited, suspects = audit(seen.connection)
    checks = [
        whole,
        tables(ask, seen.connection),
        texts(ask),
        views(ask, seen.connection),
        hashes(ask),
        rows(ask, has_audit(seen.connection)),
        audited,
    ]
    return checks, suspects


def sweeps(ask: Ask) -> list[int]:
    """Return the ids of all sweeps."""
    return [number for (number,) in ask("SELECT id FROM sweep ORDER BY id")]


def run_count(ask: Ask) -> int:
    """Return how many runs there are."""
    return int(ask("SELECT count(*) FROM run").fetchone()[0])


def sample(ask: Ask, listed: Sequence[int], most: int | None) -> set[int]:
    """Return some runs of the sweeps `listed`, the same each time; all if `most` is None.

    They are spread evenly over sweeps, studies and arms, and in each of these over points and subjects.
    """
    if most is None:
        return {run for sweep in listed for (run,) in ask("SELECT run FROM sweep_run WHERE sweep = ?", (sweep,))}
    groups = [
        group
        for sweep in listed
        for group in ask(
            "SELECT s.study, s.arm, count(*) FROM sweep_run AS s WHERE s.sweep = ? GROUP BY s.study, s.arm", (sweep,)
        ).fetchall()
    ]
    found: set[int] = set()
    for (study, arm, count), share in zip(groups, _shares([n for *_, n in groups], most), strict=True):
        places = sorted({(2 * i + 1) * count // (2 * share) for i in range(share)})
        if places:
            listed_places = ", ".join(map(str, places))
            picked = ask(
                f"""SELECT run FROM (SELECT run, row_number() OVER (ORDER BY point, subject) - 1 AS place
                FROM sweep_run WHERE study = ? AND arm = ?) WHERE place IN ({listed_places})""",
                (study, arm),
            )
            found.update(run for (run,) in picked)
    more = most - len(found)  # where arms share runs
    if more > 0:
        rest = sorted(sample(ask, listed, None) - found)
        found.update(rest[(2 * i + 1) * len(rest) // (2 * more)] for i in range(min(more, len(rest))) if rest)
    return found


def _shares(counts: Sequence[int], most: int) -> list[int]:
    """Return how many of each group are taken: one of each in turn, or of some groups if there are more than `most`."""
    if most < len(counts):
        chosen = {(2 * i + 1) * len(counts) // (2 * most) for i in range(most)}
        return [int(i in chosen) for i in range(len(counts))]
    shares, left = [0] * len(counts), min(most, sum(counts))
    while left:
        for i in (i for i, count in enumerate(counts) if shares[i] < count):
            if left:
                shares[i] += 1
                left -= 1
    return shares


@dataclass(frozen=True)
class StoredPlace:
    """One place of a sweep, and the run that fills it."""

    arm: str
    point: int
    subject: int
    run: int
    key: bytes


_PLACES = """SELECT arm.name, point.ordinal, s.subject, s.run, run.key
    FROM study JOIN sweep_run AS s ON s.study = study.id JOIN arm ON arm.id = s.arm
    JOIN point ON point.id = s.point JOIN run ON run.id = s.run WHERE study.sweep = ? AND study.name = ?"""


def places(ask: Ask, sweep: int, study: str, first: int, last: int) -> Iterator[StoredPlace]:
    """Yield the places of the subjects `first` to `last` of a study."""
    for row in ask(f"{_PLACES} AND s.subject BETWEEN ? AND ?", (sweep, study, first, last)):
        yield StoredPlace(*row)


def places_outside(
    ask: Ask, sweep: int, study: str, arms: Sequence[str], points: int, subjects: int
) -> Iterator[StoredPlace]:
    """Yield the places of a study of other arms, points or subjects than these."""
    marks = ", ".join("?" * len(arms))
    outside = f"s.subject NOT BETWEEN 0 AND ? OR point.ordinal NOT BETWEEN 0 AND ? OR arm.name NOT IN ({marks})"
    asked = f"{_PLACES} AND ({outside})"
    for row in ask(asked, (sweep, study, subjects - 1, points - 1, *arms)):
        yield StoredPlace(*row)


def was_filled(ask: Ask, sweep: int) -> bool:
    """Return whether a command has finished that filled every place of a sweep, and no run was lost."""
    can_lose = ask("SELECT 1 FROM sqlite_schema WHERE name = 'lost_run'").fetchone()
    if can_lose and ask("SELECT 1 FROM lost_run WHERE sweep = ? LIMIT 1", (sweep,)).fetchone():
        return False
    asked = """SELECT 1 FROM sweep AS x JOIN invocation AS i ON i.sweep = x.id WHERE x.id = ?
        AND i.status = 'finished' AND i.computed + i.reused >= x.expected"""
    return ask(asked, (sweep,)).fetchone() is not None


@dataclass(frozen=True)
class StoredRun:
    """How a run ended."""

    status: str
    steps: int
    failure: tuple[str, int, str] | None


def ending(ask: Ask, run: int) -> StoredRun:
    """Return how a run ended."""
    asked = """SELECT run.status, run.steps, failure.reason, failure.step, failure.time
        FROM run LEFT JOIN failure ON failure.run = run.id WHERE run.id = ?"""
    status, steps, *failure = ask(asked, (run,)).fetchone()
    return StoredRun(status, steps, None if failure[0] is None else tuple(failure))


def measured(ask: Ask, run: int, sweep: int, study: str) -> tuple[dict[str, float], dict[str, str]]:
    """Return the outcomes, and the courses as JSON, that a study records of a run."""
    asked = """SELECT measure.name, x.{column} FROM study JOIN sweep_measure AS r ON r.study = study.id
        JOIN measure ON measure.id = r.measure JOIN {table} AS x ON x.run = ? AND x.measure = r.measure
        WHERE study.sweep = ? AND study.name = ? ORDER BY measure.name"""
    outcomes = ask(asked.format(table="outcome", column="value"), (run, sweep, study))
    courses = ask(asked.format(table="course", column="points"), (run, sweep, study))
    return dict(outcomes), dict(courses)


def largest(ask: Ask, sweep: int) -> dict[str, float]:
    """Return the largest size of each outcome of a sweep."""
    asked = """SELECT measure.name, max(abs(outcome.value)) FROM sweep_run AS s JOIN outcome ON outcome.run = s.run
        JOIN measure ON measure.id = outcome.measure WHERE s.sweep = ? GROUP BY measure.name"""
    return dict(ask(asked, (sweep,)))


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
            yield Damage("", "database", f"its version is {version}, which no workbench writes")
        for kind, name in strange(connection):
            yield Damage("sqlite_schema", f"{kind} {name!r}", "it is not what a workbench puts there")
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
            yield Damage("sqlite_schema", f"view {view!r}", "it selects something else than this workbench writes")
    if not set(VIEWS) <= stored.keys():
        return
    kept = {row[:2]: row[2:] for row in ask("SELECT view, name, path, unit, meaning FROM columns")}
    made = {row[:2]: row[2:] for row in column_rows(rows)}
    for key in sorted(kept.keys() | made.keys()):
        if kept.get(key) != made.get(key):
            what = "missing" if key not in kept else "of no view" if key not in made else "described otherwise"
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
            check.notes.append(f"{NO_AUDIT}: values that were changed are found only where they are computed again")
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
            message = "rows that it wrote are not as they were then"
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
