"""Refuses to read a file that no longer holds what was written into it, as far as its own hashes show."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from workbench.store.audit import has_audit
from workbench.store.connection import (
    LISTEN,
    SCHEMA_VERSION,
    inspect,
    listen,
    opened_to_read,
    refuse_newer,
    refuse_other_files,
    storage_faults,
    version_of,
)
from workbench.store.damage import Check, Damage, damaged, decode_text, readable
from workbench.store.file_checks import broken_entries, changed_views, pages
from workbench.store.row_rules import broken_clocks, broken_courses, broken_rules, broken_scenarios, broken_texts

CHECKED_BYTES = 256 * 2**20
"""Of a larger file, pages and rows are left to `verify`: looking at them takes some seconds."""


@dataclass(frozen=True)
class _State:
    """A file as it was when it was looked at, and the last entry of its audit."""

    signs: tuple[tuple[int, ...] | None, ...]
    last: tuple[int, bytes]
    views: bool


NONE = 0, b""
"""The last entry of a file that has none."""
_seen: dict[Path, _State] = {}


def refuse_damaged(path: Path, connection: sqlite3.Connection, *, anew: bool = False) -> bool:
    """Refuse a file whose pages, texts or rows are not as they were written; each state of a file is looked at once.

    A file copied while something wrote to it has whole pages of several moments: SQLite cannot see that, the audit can.
    With an audit every stored row has a hash; without one (version 1) only texts, courses and what rows must keep
    between them can be asked.

    Parameters
    ----------
    connection
        Open for reading, in no transaction.
    anew : bool
        Look at everything, whatever was seen of the file before and however large it is.

    Returns
    -------
    bool
        Whether the views of the file are those that this workbench writes.

    Raises
    ------
    StorageError
        Naming the first row.
    """
    place = Path(os.path.realpath(path))
    # Inode, size and times of file and log: cheap to compare, and every commit changes at least one of them.
    signs = _change_stamp(place)
    known = _seen.get(place)
    if known is not None and known.signs == signs and not anew:
        return known.views
    factory, connection.text_factory = connection.text_factory, decode_text
    connection.execute("BEGIN")  # a writer may commit between two questions: all are of one state
    try:
        state = _check_once(path, connection, signs, None if anew else known, anew)
    finally:
        connection.rollback()
        connection.text_factory = factory
    _seen[place] = state
    return state.views


def ask_again(path: Path) -> None:
    """Refuse a file that is not as it was written, all of it looked at anew; see `refuse_damaged`."""
    with storage_faults(path), opened_to_read(path) as driver:
        refuse_damaged(path, driver, anew=True)


def _check_once(
    path: Path,
    connection: sqlite3.Connection,
    signs: tuple[tuple[int, ...] | None, ...],
    known: _State | None,
    anew: bool,
) -> _State:
    """Look at a file that was not seen in this state, or at what has been added since it was."""
    main = signs[0]
    large = not anew and main is not None and main[1] > CHECKED_BYTES
    check = Check("file")
    last = NONE
    after = 0

    def ends() -> Iterator[Damage]:
        nonlocal last, after
        last = _last_entry(connection)
        # The audit is a chain: if the entry seen last is still there unchanged, only what came after it needs to be
        # looked at.
        if known is not None and 0 < known.last[0] < last[0] and _entry(connection, known.last[0]) == known.last[1]:
            after = known.last[0]
        yield from ()

    readable(check, ends)
    if check.well and not after and not large:
        check.add(pages(connection.execute).findings)
    if check.well:
        readable(check, lambda: _changed_rows(connection, after, not large))
    if not check.well:
        raise damaged(path, next(_rows_named(connection, check), check.findings[0]))
    ours = version_of(connection) < SCHEMA_VERSION  # older ones have views of their own, which ours cannot stand for
    return _State(signs, last, ours or readable(Check("views"), lambda: changed_views(connection.execute)).well)


def _changed_rows(connection: sqlite3.Connection, after: int, contents: bool) -> Iterator[Damage]:
    yield from (finding for finding, _ in broken_entries(connection, after, contents))
    if contents and not has_audit(connection):
        yield from _broken(connection)


def _broken(connection: sqlite3.Connection) -> Iterator[Damage]:
    """Yield what is wrong with texts and rows, without an audit."""
    ask = connection.execute
    yield from broken_texts(ask)
    yield from broken_scenarios(ask)
    yield from broken_clocks(ask)
    yield from broken_courses(ask)
    yield from broken_rules(ask, audited=False)


def _rows_named(connection: sqlite3.Connection, found: Check) -> Iterator[Damage]:
    """Yield the row to blame, where the pages are whole and the row says so itself; the audit knows entries only."""
    if found.findings[0].table == "audit":
        yield from readable(Check("rows"), lambda: islice(_broken(connection), 1)).findings


def _change_stamp(place: Path) -> tuple[tuple[int, ...] | None, ...]:
    """Return what changes when a file, or the log of what is still to go into it, is written."""
    found: list[tuple[int, ...] | None] = []
    for name in (place, place.with_name(f"{place.name}-wal")):
        try:
            stat = name.stat()
        except OSError:
            found.append(None)
        else:
            found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
    return tuple(found)


def _last_entry(connection: sqlite3.Connection) -> tuple[int, bytes]:
    if not has_audit(connection):
        return NONE
    row = connection.execute("SELECT id, sha256 FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    return NONE if row is None else (int(row[0]), bytes(row[1]))


def _entry(connection: sqlite3.Connection, number: int) -> bytes | None:
    row = connection.execute("SELECT sha256 FROM audit WHERE id = ?", (number,)).fetchone()
    return None if row is None else bytes(row[0])


@contextmanager
def reading(path: Path, *, whole: bool = True) -> Iterator[sqlite3.Connection]:
    """Open the database for reading only; it may be in the middle of a sweep.

    What the file's own hashes say is damaged is refused, unless `whole` is False. Views are then those of this
    workbench, whatever the file has.
    """
    from workbench.store.views import shadow_views

    inspect(path)
    with storage_faults(path), opened_to_read(path) as connection:
        refuse_newer(path, version_of(connection))
        connection.set_progress_handler(listen, LISTEN)
        if whole and not refuse_damaged(path, connection):
            shadow_views(connection)
        connection.execute("PRAGMA query_only = ON")
        connection.set_authorizer(refuse_other_files)
        yield connection
