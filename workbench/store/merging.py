"""Several result databases in one: equal rows once, and the file is whole before and after, whenever the process ends.

What is merged into no file yet goes into a draft, which is renamed in the end. A file that is there goes on in one
transaction; where there are several sources, they are brought together in a draft first, so that there is only one.
Nothing is written before every source was looked through and compared with what is there.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import workbench.store.connection as database
import workbench.store.schema as tables
from workbench.errors import Problem, StorageError, UsageError
from workbench.store.audit import Written, driver_of, entries
from workbench.store.damage import damaged
from workbench.store.integrity import file_checks, snapshot
from workbench.store.merge_rows import (
    FoundConflicts,
    MergeConflicts,
    added,
    conflicts,
    forget,
    held_by,
    insert_missing,
    match,
)
from workbench.store.session import WriteSession, refuse_held
from workbench.store.views import write_views

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


COUNTED = ("sweep", "sweep_run", "run", "outcome", "course", "failure", "candidate")
Tell = Callable[[str], None]


@dataclass(frozen=True)
class MergeSource:
    """A file to bring in, and what it was when it was looked through.

    Attributes
    ----------
    runs : int
        How many it holds.
    head : str
        The hash of the last entry of its audit; "" for a file without one.
    """

    path: Path
    runs: int
    head: str
    stamp: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Merged:
    """What a merge did.

    Attributes
    ----------
    before, after : dict
        Rows of the target by table.
    """

    into: Path
    sources: tuple[MergeSource, ...]
    before: dict[str, int]
    after: dict[str, int]


class SourceFaults(StorageError):
    """Files to merge that are missing, foreign, damaged, too new, or being written to: `problems` has one for each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.message for problem in problems))

    def __reduce__(self) -> tuple[type, tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


def merge(
    sources: Sequence[str | Path],
    into: str | Path,
    *,
    command: str = "",
    lock_timeout: float = 30.0,
    tell: Tell = lambda _: None,
) -> Merged:
    """Bring what several databases hold into one, which is created if it is not there.

    Sweeps of one identity become one sweep with the runs of all, and a run of one key is stored once, with the outcomes
    and courses of all. The sources are only read, those of older versions too.

    Parameters
    ----------
    tell
        Is given a line about each step.

    Raises
    ------
    MergeConflicts
        If two files contradict each other: a run of one key with other bits, a place with another run.
    StorageError
        If a source or the target is damaged, foreign, too new, or in use. Whatever is raised, the target is unchanged.
    UsageError
        If a file is named twice.
    """
    listed, target = [Path(source) for source in sources], Path(into)
    _refuse_twice(listed, target)
    seen = _check_sources(listed, lock_timeout, tell)
    with _Merger(seen, target, command, lock_timeout, tell) as merger:
        return merger.merged()


def _refuse_twice(sources: Sequence[Path], into: Path) -> None:
    for place, path in enumerate(sources):
        if any(_same(path, other) for other in sources[:place]):
            raise UsageError(f"{path} is named twice (name each file once)")
        if _same(path, into):
            raise UsageError(f"{path} is both a source and the target: name it only after --into, and it is continued")


def _same(one: Path, other: Path) -> bool:
    with suppress(OSError):
        # By inode: links and other spellings of a path are one file.
        return one.samefile(other)
    return False


def _check_sources(paths: Sequence[Path], timeout: float, tell: Tell) -> tuple[MergeSource, ...]:
    """Return the sources, each of them whole and as it was written; everything that is wrong is reported at once."""
    seen, problems = [], []
    for path in paths:
        try:
            seen.append(_source(path, timeout, tell))
        except StorageError as fault:
            problems.append(Problem("", 0, 0, "", str(fault)))
    if problems:
        raise SourceFaults(problems)
    return tuple(seen)


def _source(path: Path, timeout: float, tell: Tell) -> MergeSource:
    database.inspect(path)
    # A source that is being written to would be merged half; waiting and refusing are both better.
    refuse_held(database.behind_links(path), timeout)
    with database.storage_faults(path):
        database.refuse_planted(path)
    stamp, head = _stamp(path), ""
    with snapshot(path) as seen:
        (runs,) = seen.ask("SELECT count(*) FROM run").fetchone()
        tell(f"looking through {path}: {runs:,} runs")
        # Python handles a signal only between its own instructions; without this a question of minutes would be deaf
        # to Ctrl-C.
        seen.connection.set_progress_handler(lambda: 0, database.LISTEN)
        checks, _ = file_checks(seen)
        if first := next((finding for check in checks for finding in check.findings), None):
            raise damaged(path, first)
        for entry in entries(seen.connection):
            head = entry.sha256.hex()
    return MergeSource(path, runs, head, stamp)


def _stamp(path: Path) -> tuple[tuple[int, ...], ...]:
    """Return what changes whenever a file or its log is written to."""
    path, found = database.behind_links(path), []
    for name in (path, Path(f"{path}-wal")):
        with suppress(OSError):
            there = name.stat()
            if there.st_size or name == path:  # readers make an empty log, and take it away
                found.append((there.st_ino, there.st_size, there.st_mtime_ns))
    return tuple(found)


class _Merger(WriteSession):
    """Holds the target while sources are brought in."""

    def __init__(
        self, sources: Sequence[MergeSource], into: Path, command: str, lock_timeout: float, tell: Tell
    ) -> None:
        self._sources, self._command, self._tell = tuple(sources), command, tell
        self._before: dict[str, int] = dict.fromkeys(COUNTED, 0)
        self._incoming: Path | None = None
        with ExitStack() as self._drafts:
            super().__init__(into, lock_timeout, command)

    def _prepare(self, command: str) -> None:
        """Compare all, and bring the sources together; a target that is there is only read so far."""
        there, found = self.path.exists(), FoundConflicts()
        if there:
            self._compare(found)
        draft = self._drafts.enter_context(database.drafted(self.path))
        if not there or len(self._sources) > 1:
            database.create(draft, command)
            self._gather(draft, found)
        if found.total:
            raise MergeConflicts(str(self.path), found.kept, found.total)
        if there:
            # A single source needs no draft: its rows go straight into the target.
            self._incoming = draft if draft.exists() else self._sources[0].path
        else:
            self._refuse_changed()
            database.publish(draft, self.path)

    def _compare(self, found: FoundConflicts) -> None:
        """Look for conflicts with the target as it is."""
        with database.opened_to_read(self.path) as driver:
            driver.isolation_level = None
            self._before = _counts(driver)
            for source in self._sources:
                with database.attached(driver, source.path, "src"):
                    match(driver)
                    found.add(conflicts(driver, str(source.path), str(self.path)))
                    forget(driver)

    def _gather(self, draft: Path, found: FoundConflicts) -> None:
        """Bring all sources into a draft; where two differ the first stays, and the draft is of no use."""
        connection = database.drafting(draft)
        driver = driver_of(connection)
        try:
            for place, source in enumerate(self._sources):
                self._tell(f"merging {source.path}")
                unlike = FoundConflicts()
                # SQLite detaches no file inside a transaction, so the transaction is the inner of the two.
                with database.attached(driver, source.path, "src"), connection.begin():
                    match(driver)
                    unlike.add(conflicts(driver, str(source.path), ""))
                    self._bring(connection, [source], audited=not unlike.total)
                    forget(driver)
                if unlike.total:
                    self._name(driver, unlike, self._sources[:place])
                    found.add(iter(unlike.kept))
                    found.total += unlike.total - len(unlike.kept)
        finally:
            connection.close()
            connection.engine.dispose()

    def _name(self, driver: sqlite3.Connection, unlike: FoundConflicts, earlier: Sequence[MergeSource]) -> None:
        """Say of conflicts with a draft which file it had the other value from."""
        for source in earlier:
            nameless = [place for place, conflict in enumerate(unlike.kept) if not conflict.other_file]
            with database.attached(driver, source.path, "src"):
                holding = list(held_by(driver, [unlike.kept[place] for place in nameless]))
                forget(driver)
            for place in (place for place, holds in zip(nameless, holding, strict=True) if holds):
                unlike.kept[place] = replace(unlike.kept[place], other_file=str(source.path))

    def _opened(self, lock_timeout: float, command: str) -> Connection:
        """Open the target; one that was there gets what is new, in one transaction."""
        connection = super()._opened(lock_timeout, command)
        try:
            if self._incoming is not None:
                self._tell(f"merging into {self.path}")
                driver = driver_of(connection)
                with database.attached(driver, self._incoming, "src"), connection.begin():
                    match(driver)
                    self._bring(connection, self._sources)
                    forget(driver)
                    self._refuse_changed()
        except BaseException:
            database.close(connection)
            raise
        return connection

    def _bring(self, connection: Connection, sources: Sequence[MergeSource], audited: bool = True) -> None:
        driver = driver_of(connection)
        written, before = (
            Written(driver),
            {name: _last(driver, name) for name in ("axis", "study", "run", "invocation")},
        )
        insert_missing(driver)
        if not audited:
            return
        write_views(connection)
        note(driver, before, written)
        listed = [{"file": source.path.name, "runs": source.runs, "audit": source.head or None} for source in sources]
        written.append(self._command, "merged", sources=listed)

    def _refuse_changed(self) -> None:
        for source in self._sources:
            if _stamp(source.path) != source.stamp:
                raise StorageError(
                    f"{source.path}: was changed while it was being merged; {self.path} was left unchanged; try again"
                )

    def merged(self) -> Merged:
        """Return what was done."""
        return Merged(self.path, self._sources, self._before, _counts(driver_of(self._connection)))


def _last(driver: sqlite3.Connection, table: str) -> int:
    return int(driver.execute(f"SELECT coalesce(max(id), 0) FROM main.{table}").fetchone()[0])


def _counts(driver: sqlite3.Connection) -> dict[str, int]:
    return {name: int(driver.execute(f"SELECT count(*) FROM main.{name}").fetchone()[0]) for name in COUNTED}


AT_ONCE = 16_384
"""Places that are noted at once, and a subject's more: what is held in memory does not grow with their number."""


def note(driver: sqlite3.Connection, before: Mapping[str, int], written: Written) -> None:
    """Note the rows that `merge_rows.insert_missing` has inserted.

    Parameters
    ----------
    before : mapping
        The largest id of ``axis``, ``study``, ``run`` and ``invocation`` before that.
    """
    d, run, study = driver, before["run"], before["study"]
    wholes = d.execute("SELECT axis FROM main.whole_axis WHERE axis > ?", (before["axis"],))
    for (axis,) in (*wholes, *added(d, tables.whole_axis)):
        written.axis_of_whole_numbers(axis)
    recorded: dict[int, list[int]] = defaultdict(list)
    fresh = d.execute("SELECT study, measure FROM main.sweep_measure WHERE study > ?", (study,))
    for number, measure in (*fresh, *added(d, tables.sweep_measure)):
        recorded[number].append(measure)
    for number, listed in recorded.items():
        written.recorded(number, listed)
    for (number,) in d.execute("SELECT id FROM main.invocation WHERE id > ?", (before["invocation"],)):
        written.ended(number)
    written.failed([number for (number,) in d.execute("SELECT run FROM main.failure WHERE run > ?", (run,))])
    keys = "study, subject, arm, point, invocation"
    written.lost(d.execute(f"SELECT {keys} FROM main.lost_run WHERE study > ? ORDER BY {keys}", (study,)))
    written.lost(added(d, tables.lost_run))
    _places(
        written,
        d.execute(
            "SELECT study, subject, arm, point FROM main.sweep_run WHERE study > ? ORDER BY study, subject, arm, point",
            (study,),
        ),
    )
    _places(written, added(d, tables.sweep_run))
    for table, take in ((tables.outcome, written.outcomes), (tables.course, written.courses)):
        asked = f"SELECT run, measure FROM main.{table.name} WHERE run > ? ORDER BY run, measure"
        for rows in (d.execute(asked, (run,)), added(d, table)):
            for measures, runs in _alike(rows):
                take(runs, measures)


def _places(written: Written, rows: Iterable[tuple[int, ...]]) -> None:
    """Note places, ordered by study and subject, in parts that end with a subject."""
    part: list[tuple[int, ...]] = []
    for row in rows:
        if part and (row[0] != part[-1][0] or (len(part) >= AT_ONCE and row[1] != part[-1][1])):
            written.places(part[0][0], [place[1:] for place in part])
            part = []
        part.append(row)
    if part:
        written.places(part[0][0], [place[1:] for place in part])


def _alike(rows: Iterable[tuple[int, ...]]) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """Yield the runs that got the same measures, with these; `rows` are ordered by run and measure."""
    found: dict[tuple[int, ...], array[int]] = defaultdict(lambda: array("q"))
    run, measures = 0, list[int]()
    for number, measure in rows:
        if number != run:
            if measures:
                found[tuple(measures)].append(run)
            run, measures = number, []
        measures.append(measure)
    if measures:
        found[tuple(measures)].append(run)
    for alike in sorted(found):
        yield alike, np.array(found[alike], dtype=np.int64)
