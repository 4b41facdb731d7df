"""Looking through a result database, as far as the file alone can tell; nothing is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.store.audit import has_audit
from workbench.store.connection import (
    inspect,
    opened_to_read,
    storage_faults,
)
from workbench.store.damage import Ask, Check, decode_text
from workbench.store.file_checks import audit, pages, tables, views
from workbench.store.read import Results
from workbench.store.result_digest import digest_of
from workbench.store.row_rules import hashes, rows, texts


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
        connection.text_factory = decode_text
        connection.execute("BEGIN")
        # BEGIN alone takes no snapshot: SQLite fixes the state at the first read.
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
        # The middles of equal stretches: spread evenly, the same each time, and never only the first or last runs of
        # an arm.
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
    placeholders = ", ".join("?" * len(arms))
    outside = f"s.subject NOT BETWEEN 0 AND ? OR point.ordinal NOT BETWEEN 0 AND ? OR arm.name NOT IN ({placeholders})"
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
