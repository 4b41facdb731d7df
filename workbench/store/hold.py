"""Holding a database for writing: its lease, its connection, and transactions that go in whole or not at all."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy.exc import DBAPIError

import workbench.store.connection as database
from workbench.errors import MigrationNote, StorageError
from workbench.store.audit import Written, driver_of
from workbench.store.killed import end_killed
from workbench.store.lease import Lease
from workbench.store.migrations import keep_old, migrate
from workbench.store.whole import ask_again, refuse_damaged

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


class Hold:
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
        self._lease = Lease(path, lock_timeout)
        try:
            with _writing_faults(path):
                self._prepare(command)
                self._connection = self._opened(lock_timeout, command)
        except BaseException:
            self._lease.release()
            raise
        if self.kept is not None:
            told = f"{path}: was of database version {self.was}, is now of {database.SCHEMA_VERSION}"
            warnings.warn(f"{told}; as it was it is kept as {self.kept}", MigrationNote, stacklevel=3)

    def _prepare(self, command: str) -> None:
        """Make the database if there is none; its lease is held."""
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
            self._lease.release()

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
    """Turn complaints about the file, SQLAlchemy's too, into `StorageError`; other errors pass."""
    try:
        with database.storage_faults(path):
            yield
    except DBAPIError as fault:
        if isinstance(fault.orig, sqlite3.IntegrityError):  # our own rows never break a rule of the tables
            ask_again(path)
        explained = database.explain(path, fault.orig) if isinstance(fault.orig, sqlite3.Error) else None
        raise explained or fault from fault
