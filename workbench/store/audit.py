"""The audit: which command wrote what, when and with which versions; entries chained by hashes, never changed.

Each transaction that writes rows of results appends one entry, in the same transaction. An entry names the rows, holds
a SHA-256 over their canonical form (`workbench.store.canonical`) and the hash of the entry before it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.store.canonical import TABLES, Named, Places, RowCache, content, spans
from workbench.store.provenance import versions

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy.engine import Connection

    Numbers = NDArray[np.int64]

START = bytes(32)
"""The previous hash of the first entry."""
NUMBERED = (
    *("scenario", "axis", "sweep", "measure", "clock", "structure", "run"),
    *("calibration", "candidate", "invocation"),
)
"""Tables whose new rows are those with the ids above the largest that was there."""
NO_AUDIT = "no audit before version 2 of the database"


@dataclass(frozen=True)
class Entry:
    """One row of the audit."""

    id: int
    at: str
    command: str
    versions: str
    entry: str
    content: bytes
    previous: bytes
    sha256: bytes

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What the entry says: ``kind``, ``rows`` (see `canonical.content`), ``counts`` by table, and more by kind.

        Empty where the text is not what an entry holds.
        """
        try:
            found = json.loads(self.entry)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def hashed(self) -> bytes:
        """Return the hash that `sha256` must be."""
        text = json.dumps([self.id, self.at, self.command, self.versions, self.entry])
        # Each entry covers the hash of the one before it, so none can be changed, removed or exchanged without
        # breaking all that follow.
        return hashlib.sha256(text.encode() + self.content + self.previous).digest()


def driver_of(connection: Connection) -> sqlite3.Connection:
    """Return the driver's own connection beneath SQLAlchemy's; it is in the same transaction."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def has_audit(driver: sqlite3.Connection) -> bool:
    """Return whether the file keeps an audit: those of version 1 do not."""
    asked = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'audit'"
    return driver.execute(asked).fetchone() is not None


def entries(driver: sqlite3.Connection) -> Iterator[Entry]:
    """Yield the entries in order; none where the file keeps no audit."""
    if has_audit(driver):
        columns = "id, at, command, versions, entry, content, previous, sha256"
        for row in driver.execute(f"SELECT {columns} FROM audit ORDER BY id"):
            yield Entry(*row)


def chain_faults(driver: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Walk the chain and yield the number of each entry that does not fit, with what is wrong."""
    previous, number = START, 0
    for entry in entries(driver):
        number += 1
        if entry.id != number:
            yield entry.id, f"entry {number} is missing"
            number = entry.id
        if entry.previous != previous:
            yield entry.id, f"entry {entry.id} does not follow the entry before it"
        if entry.sha256 != entry.hashed():
            yield entry.id, f"entry {entry.id} was changed after it was written"
        previous = entry.sha256


def content_of(driver: sqlite3.Connection, entry: Entry) -> bytes:
    """Return the hash over the rows that an entry names, as they are now; it must equal `Entry.content`."""
    return content(driver, entry.facts.get("rows", {}))[0]


def uncovered(driver: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """Return by table how many rows the entries account for and how many there are, where the two differ."""
    counted: dict[str, int] = defaultdict(int)
    for entry in entries(driver):
        for table, number in entry.facts.get("counts", {}).items():
            counted[table] += number
    there = {t: int(driver.execute(f"SELECT count(*) FROM {t}").fetchone()[0]) for t in TABLES}
    return {t: (counted[t], there[t]) for t in TABLES if counted[t] != there[t]}


class Written:
    """What one transaction writes; begun before its first row, and appended as one entry after the last.

    New rows of the tables in `NUMBERED` (and of those that belong to them) are found by ids; others are passed in.

    Attributes
    ----------
    facts : dict
        What the entry also says, to be filled in.
    """

    def __init__(self, driver: sqlite3.Connection) -> None:
        self._driver = driver
        self._before = _largest(driver)
        self._named: dict[str, list[Any]] = defaultdict(list)
        self._held = RowCache()
        self.facts: dict[str, Any] = {}

    def axis_of_whole_numbers(self, axis: int) -> None:
        """Note a row of ``whole_axis``."""
        self._named["whole_axis"] += spans([axis])

    def recorded(self, study: int, measures: Sequence[int]) -> None:
        """Note rows of ``sweep_measure``."""
        if measures:
            self._named["sweep_measure"].append([study, spans(measures)])

    def ended(self, invocation: int) -> None:
        """Note that an invocation's row has its last state."""
        self._named["ending"] += spans([invocation])

    def runs(self, columns: Sequence[Sequence[Any]]) -> None:
        """Give all new rows of ``run`` in the order of their ids, as columns: they need not be read back."""
        self._held.run = columns

    def failed(self, runs: Sequence[int]) -> None:
        """Note rows of ``failure``."""
        self._named["failure"] += spans(runs)

    def lost(self, rows: Iterable[Sequence[int]]) -> None:
        """Note rows of ``lost_run``: study, subject, arm, point and invocation."""
        self._named["lost_run"] += [list(row) for row in rows]

    def outcomes(
        self,
        runs: Sequence[int] | Numbers,
        measures: Sequence[int],
        held: tuple[Sequence[bytes], NDArray[np.float64]] | None = None,
    ) -> None:
        """Note outcomes: every run with every measure; `held` has the keys and the values (runs, measures)."""
        self._measured("outcome", runs, measures)
        if held is not None and len(runs):
            self._held.outcome[len(self._named["outcome"]) - 1] = held

    def courses(
        self,
        runs: Sequence[int] | Numbers,
        measures: Sequence[int],
        held: Sequence[Sequence[Any]] | None = None,
    ) -> None:
        """Note courses: every run with every measure; `held` has the columns key, measure, clock and points."""
        self._measured("course", runs, measures)
        if held is not None and len(runs):
            self._held.course[len(self._named["course"]) - 1] = held

    def _measured(self, table: str, runs: Sequence[int] | Numbers, measures: Sequence[int]) -> None:
        if len(runs) and measures:
            self._named[table].append([spans(runs), spans(measures)])

    def places(
        self, study: int, places: Sequence[tuple[int, ...]] | Numbers, keys: Sequence[bytes] | None = None
    ) -> None:
        """Note rows of ``sweep_run``: subject, arm and point of each, and the keys of the runs if they are at hand."""
        if not len(places):
            return
        columns = np.asarray(places, dtype=np.int64)
        # Sorted, so that the entry does not depend on the order in which results came back from the workers.
        order = np.lexsort(columns.T[::-1])
        columns = columns[order]
        # Subjects that have the same arms and points are named together: a whole sweep then takes a line instead of
        # one per run.
        for same in _alike(columns):
            part = columns[same]
            first = part[part[:, 0] == part[0, 0]]
            listed = [[int(arm), spans(first[first[:, 1] == arm, 2])] for arm in np.unique(first[:, 1])]
            self._named["sweep_run"].append([study, spans(part[:, 0]), listed])
            if keys is not None:
                found: Places = (part[:, 0], part[:, 1], part[:, 2], [keys[i] for i in order[same].tolist()])
                self._held.sweep_run[len(self._named["sweep_run"]) - 1] = found

    def everything(self) -> None:
        """Note all rows that are in the file: what an older version wrote before there was an audit."""
        d = self._driver
        self._before = dict.fromkeys(NUMBERED, 0)
        self._named.clear()
        self._named["whole_axis"] = spans(n for (n,) in d.execute("SELECT axis FROM whole_axis"))
        self._named["ending"] = spans(n for (n,) in d.execute("SELECT id FROM invocation WHERE status <> 'running'"))
        self._named["failure"] = spans(n for (n,) in d.execute("SELECT run FROM failure"))
        self.lost(d.execute("SELECT study, subject, arm, point, invocation FROM lost_run"))
        for (study,) in d.execute("SELECT id FROM study ORDER BY id").fetchall():
            measures = d.execute("SELECT measure FROM sweep_measure WHERE study = ?", (study,))
            self.recorded(study, [n for (n,) in measures])
            places = d.execute("SELECT subject, arm, point FROM sweep_run WHERE study = ?", (study,))
            self.places(study, places.fetchall())
        for table, note in (("outcome", self.outcomes), ("course", self.courses)):
            alike: dict[str, list[int]] = defaultdict(list)
            ordered = f"SELECT run, measure FROM {table} ORDER BY run, measure"
            for run, listed in d.execute(f"SELECT run, group_concat(measure) FROM ({ordered}) GROUP BY run"):
                alike[listed].append(run)
            for listed, runs in sorted(alike.items()):
                note(runs, [int(number) for number in listed.split(",")])

    def append(self, command: str, kind: str, **facts: Any) -> bool:
        """Append the entry, unless nothing was written; say whether it was.

        Entries of the kinds "created", "migrated" and "finished" are appended whatever rows there are.
        """
        named = self._all_named()
        # A transaction without new rows leaves no entry: the audit would grow with every command that finds
        # everything stored.
        if not named and kind not in ("created", "migrated", "finished"):
            return False
        digest, counts = content(self._driver, named, self._held)
        text = json.dumps({"kind": kind, **facts, **self.facts, "counts": counts, "rows": named})
        last = self._driver.execute("SELECT id, sha256 FROM audit ORDER BY id DESC LIMIT 1").fetchone() or (0, START)
        entry = Entry(last[0] + 1, _now(), command, json.dumps(versions()), text, digest, last[1], b"")
        row = (entry.id, entry.at, entry.command, entry.versions, text, digest, last[1], entry.hashed())
        self._driver.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return True

    def _all_named(self) -> Named:
        new = {
            table: [[self._before[table] + 1, last]]
            for table, last in _largest(self._driver).items()
            if last > self._before[table]
        }
        return {**new, **{name: rows for name, rows in self._named.items() if rows}}


def _largest(driver: sqlite3.Connection) -> dict[str, int]:
    return {t: driver.execute(f"SELECT coalesce(max(id), 0) FROM {t}").fetchone()[0] for t in NUMBERED}


def _alike(rows: Numbers) -> Iterator[Numbers]:
    """Yield the indices of rows (subject, arm, point), sorted, whose subjects stand at the same arms and points."""
    starts = np.flatnonzero(np.append(True, np.diff(rows[:, 0]) != 0))
    sizes = np.diff(np.append(starts, len(rows)))
    places = np.ascontiguousarray(rows[:, 1:])
    if (sizes == sizes[0]).all() and (places.reshape(len(starts), -1) == places[: sizes[0]].ravel()).all():
        yield np.arange(len(rows))
        return
    alike: dict[bytes, list[Numbers]] = defaultdict(list)
    for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
        alike[places[start : start + size].tobytes()].append(np.arange(start, start + size))
    for parts in alike.values():
        yield np.concatenate(parts)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
