"""A writing session: one writer at a time, its connection, and transactions that go in whole or not at all.

One writer at a time: an operating-system lock on a small file beside the database.

The kernel lets go of the lock when its holder dies, however it dies, so a dead writer never blocks
the next one and a recycled process number cannot pass for a living writer. The file's text (process
number and start) only serves the message to whoever waits.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import stat
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

import workbench.store.connection as database
import workbench.store.schema as tables
from workbench.errors import MigrationNote, StorageError
from workbench.files import open_regular
from workbench.store.audit import Written, driver_of
from workbench.store.migrations import keep_old, migrate
from workbench.store.whole import ask_again, refuse_damaged

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


class WriteSession:
    """Base of what writes into one database, which nobody else may do until `close`; a context manager.

    The database is created if there is none.

    Parameters
    ----------
    lock_timeout : float, seconds
        How long to wait while another process writes.
    command : str
        What is asked, for the audit of a new file.

    Attributes
    ----------
    was : int
        The version of the database when it was opened.
    kept : Path or None
        The copy of the file as it was, if it was of an older version.

    Raises
    ------
    StorageError
        If the file is not ours, damaged, too new, read-only, or held by another writer.

    Warns
    -----
    MigrationNote
        If the file was of an older version.
    """

    def __init__(self, path: Path, lock_timeout: float, command: str = "") -> None:
        self.path = path = database.behind_links(path)
        if path.exists():
            database.inspect(path)
        elif not path.absolute().parent.is_dir():
            raise StorageError(f"{path}: the folder {path.parent} does not exist; create it or choose another --db")
        # Locked before the file is opened: two commands that start together must not both create it.
        self._lock = WriterLock(path, lock_timeout)
        try:
            with _writing_faults(path):
                self._prepare(command)
                self._connection = self._opened(lock_timeout, command)
        # Also on a signal: a lock that outlives the command would turn away the next one until this process ends.
        except BaseException:
            self._lock.release()
            raise
        if self.kept is not None:
            upgraded = f"{path}: had database version {self.was}, now has version {database.SCHEMA_VERSION}"
            warnings.warn(f"{upgraded}; the old file is kept as {self.kept}", MigrationNote, stacklevel=3)

    def _prepare(self, command: str) -> None:
        """Make the database if there is none; its lock is held."""
        if not self.path.exists():
            database.create(self.path, command)

    def _opened(self, lock_timeout: float, command: str) -> Connection:
        """Open the file, bring it up to date, and note which earlier commands were killed."""
        self.was = database.refuse_planted(self.path)
        with database.opened_to_read(self.path) as driver:
            refuse_damaged(self.path, driver, anew=self.was < database.SCHEMA_VERSION)
        self.kept = keep_old(self.path, self.was) if self.was < database.SCHEMA_VERSION else None
        connection = database.writing(self.path, lock_timeout)
        try:
            if self.kept is not None:
                migrate(connection, self.was, command, self.kept)
            end_killed(connection)
        except BaseException:
            database.close(connection)
            raise
        return connection

    def close(self) -> None:
        """Close the database and let the next writer in."""
        try:
            database.close(self._connection)
        finally:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """All or nothing: what is done within survives any end of the process once this is left."""
        with _writing_faults(self.path), self._connection.begin():
            yield self._connection

    @contextmanager
    def _recording(self, command: str, kind: str, **facts: Any) -> Iterator[tuple[Connection, Written]]:
        """A transaction that says in the audit what it wrote, if it wrote any row of results.

        What the block puts into `Written.facts` is added to the entry.
        """
        with self._transaction() as connection:
            written = Written(driver_of(connection))
            yield connection, written
            written.append(command, kind, **facts)


@contextmanager
def _writing_faults(path: Path) -> Iterator[None]:
    """Turn errors about the file, SQLAlchemy's too, into `StorageError`; other errors pass."""
    try:
        with database.storage_faults(path):
            yield
    except DBAPIError as fault:
        if isinstance(fault.orig, sqlite3.IntegrityError):  # our own rows never break a rule of the tables
            ask_again(path)
        explained = database.explain(path, fault.orig) if isinstance(fault.orig, sqlite3.Error) else None
        raise explained or fault from fault


if sys.platform == "win32":
    import msvcrt

    # Windows locks byte ranges and forbids reading them: lock one byte far behind the text.
    _FAR = 1 << 20

    def _try_lock(handle: int) -> None:
        os.lseek(handle, _FAR, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


POLL_SECONDS = 0.05
TEXT = b"process 0, started 0-0-0T0:0:0Z"
"""All that a lock file of ours ever says, each number as 0."""


def _is_ours(text: bytes) -> bool:
    """Whether a lock file of ours may say this: all of its text, or as much as a full disk or a power cut has left."""
    return TEXT.startswith(re.sub(rb"[0-9]+", b"0", text.rstrip(b"\0")))


class WriterLock:
    """The right to write to `database`; held until `release` or the end of the process.

    Parameters
    ----------
    database : Path
        The database file; the lock file is ``<database>.lock``.
    timeout : float, seconds
        How long to wait for another writer.

    Raises
    ------
    StorageError
        If another writer still holds the lock at the end, naming its process and start; if the folder cannot be
        written; or if a file that is not our lock file has its name, which is left as it is.
    """

    def __init__(self, database: Path, timeout: float) -> None:
        self._database = database
        self._path = database.with_name(database.name + ".lock")
        self._handle = self._wait(time.monotonic() + timeout)
        try:
            # The text only tells people who holds the lock; the lock itself is the kernel's, and goes with the
            # process however it ends.
            os.ftruncate(self._handle, 0)
            os.lseek(self._handle, 0, os.SEEK_SET)
            started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            os.write(self._handle, f"process {os.getpid()}, started {started}".encode())
        except OSError as fault:
            self.release()
            raise StorageError(
                f"{database}: {self._path.name} beside it cannot be written ({fault.strerror}); nothing was changed;"
                " free some space, or choose another --db"
            ) from fault

    def _wait(self, deadline: float) -> int:
        while True:
            handle = self._open()
            try:
                _try_lock(handle)
            except (BlockingIOError, PermissionError):
                os.close(handle)
            except OSError as fault:
                os.close(handle)
                raise StorageError(
                    f"{self._database}: this folder cannot hold a lock file ({fault.strerror})"
                ) from fault
            else:
                if self._is_current(handle):
                    self._refuse_foreign(handle)
                    return handle
                # We hold the lock of a file that has lost its name: whoever opens the name now would lock another one.
                os.close(handle)
                continue
            if time.monotonic() >= deadline:
                raise StorageError(
                    f"{self._database}: another command is writing to it ({self._holder()}); nothing was changed;"
                    " wait for it to end or give a longer --lock-timeout"
                )
            # Polled, since a blocking lock cannot be given a deadline without signals, which belong to the command.
            time.sleep(POLL_SECONDS)

    def _open(self) -> int:
        # Neither follow a link that someone laid here nor wait for the other end of a pipe.
        careful = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            if not self._path.is_symlink() and (not self._path.exists() or stat.S_ISREG(self._path.lstat().st_mode)):
                return os.open(self._path, os.O_RDWR | os.O_CREAT | careful, 0o644)
            raise self._foreign()
        except OSError as fault:
            raise StorageError(
                f"{self._database}: cannot be written ({fault.strerror}: {self._path.name});"
                " nothing was changed; choose another --db"
            ) from fault

    def _foreign(self) -> StorageError:
        return StorageError(
            f"{self._database}: {self._path.name} beside it is not a lock file of a workbench; it was left unchanged;"
            " move it away or choose another --db"
        )

    def _refuse_foreign(self, handle: int) -> None:
        """Refuse to write over a file that says what no lock file says, or that has another name as well."""
        found = os.fstat(handle)
        os.lseek(handle, 0, os.SEEK_SET)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1 or not _is_ours(os.read(handle, 200)):
            os.close(handle)
            raise self._foreign()

    def _is_current(self, handle: int) -> bool:
        # The former holder may have removed the file between our open and our lock.
        try:
            return os.path.samestat(os.fstat(handle), self._path.stat())
        except FileNotFoundError:
            return False

    def _holder(self) -> str:
        try:
            return self._path.read_text(encoding="utf-8").strip() or "holder unknown"
        except OSError:
            return "holder unknown"

    def release(self) -> None:
        """Give the lock back and remove the lock file; a second call does nothing."""
        if self._handle < 0:
            return
        # A lock file that stays, its folder closed meanwhile, is in nobody's way: the next writer takes it over.
        # Unlinked while still locked: a waiter that opened the old file finds it no longer current, and opens anew.
        if sys.platform != "win32":
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
        os.close(self._handle)
        self._handle = -1
        if sys.platform == "win32":
            # Another writer may already have opened it; then the file is theirs.
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def refuse_held(database: Path, timeout: float) -> None:
    """Refuse a database that another command is writing to; nothing is written beside it.

    Raises
    ------
    StorageError
        If its writer has not ended after `timeout` seconds.
    """
    lock, deadline = database.with_name(database.name + ".lock"), time.monotonic() + timeout
    while True:
        try:
            handle = open_regular(lock)
        except OSError:  # nobody writes, or nobody of ours
            return
        try:
            _try_lock(handle)
        except OSError:
            if time.monotonic() >= deadline:
                holder = os.read(handle, 200).decode(errors="replace").strip() or "holder unknown"
                raise StorageError(
                    f"{database}: another command is writing to it ({holder}); nothing was changed;"
                    " wait for it to end or give a longer --lock-timeout"
                ) from None
        else:
            return
        finally:
            os.close(handle)
        time.sleep(POLL_SECONDS)


RUNNING, KILLED = "running", "killed"


def end_killed(connection: Connection) -> None:
    """Mark as killed what still counts as running.

    There is one writer at a time, and its lock ends with its process: the caller, who has the lock, is the only one
    alive. The rows that were stored stay as they are.
    """
    i, c = tables.invocation, tables.calibration
    invocations = select(i.c.id, i.c.sweep, i.c.command).where(i.c.status == RUNNING).order_by(i.c.id)
    calibrations = select(c.c.id, c.c.command).where(c.c.status == RUNNING).order_by(c.c.id)
    with connection.begin():
        for number, sweep, command in connection.execute(invocations).all():
            written = Written(driver_of(connection))
            connection.execute(update(i).where(i.c.id == number).values(status=KILLED))
            written.ended(number)
            written.append(command, "finished", sweep=sweep, invocation=number, status=KILLED)
        for number, command in connection.execute(calibrations).all():
            written = Written(driver_of(connection))
            connection.execute(update(c).where(c.c.id == number).values(status=KILLED))
            written.append(command, "finished", calibration=number, status=KILLED)
