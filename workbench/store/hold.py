"""Holding a database for writing: its lease, its connection, and transactions that go in whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy.exc import DBAPIError

import workbench.store.connection as database
from workbench.errors import StorageError
from workbench.store.audit import Written, driver_of
from workbench.store.lease import Lease
from workbench.store.migrations import keep_old, migrate

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
    kept : Path or None
        The copy of the file as it was, if it was of an older version.

    Raises
    ------
    StorageError
        If the file is not ours, damaged, too new, read-only, or held by another writer.
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
                if not path.exists():
                    database.create(path, command)
                version = database.refuse_planted(path)
                self.kept = keep_old(path, version) if version < database.SCHEMA_VERSION else None
                self._connection = database.writing(path, lock_timeout)
                if self.kept is not None:
                    try:
                        migrate(self._connection, version, command, self.kept)
                    except BaseException:
                        database.close(self._connection)
                        raise
        except BaseException:
            self._lease.release()
            raise

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
        explained = database.explain(path, fault.orig) if isinstance(fault.orig, sqlite3.Error) else None
        raise explained or fault from fault
