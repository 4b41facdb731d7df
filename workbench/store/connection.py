"""Opening a result database: is it ours, whole, and not too new? Nothing is changed before that is known."""

from __future__ import annotations

import os
import re
import sqlite3
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from json import JSONDecodeError
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from workbench.errors import StorageError
from workbench.files import open_regular, refuse_loop, sync_folder

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

APPLICATION_ID = 0x57424348
"""'WBCH', in the header of every database of ours."""

SCHEMA_VERSION = 2
"""Stored as ``user_version``; a file with a larger number is refused."""

READ_TIMEOUT = 30.0
CACHE_KIB = 16_384
LISTEN = 100_000
"""Steps of SQLite's virtual machine between two checks for signals: a few milliseconds."""
_MAGIC = b"SQLite format 3\0"
KEPT = "every chunk stored so far is kept"
_ADVICE = {
    "SQLITE_CORRUPT": "the file is damaged and cannot be trusted; restore a copy,"
    " or save what can be read with `sqlite3 FILE .recover`",
    "SQLITE_NOTADB": "the file is damaged or not a database; restore a copy",
    "SQLITE_FULL": f"the disk is full; {KEPT}; free some space and give the same command again",
    "SQLITE_READONLY_ROLLBACK": "a command that wrote was cut off; its file and folder must be writable once more to be"
    " read",
    "SQLITE_READONLY": "the file or its folder is read-only; nothing was changed",
    "SQLITE_BUSY": f"another program holds a lock on it; {KEPT}; close that program and try again",
    "SQLITE_CANTOPEN": "cannot be opened; after an interrupted sweep the folder must be writable once to read it again",
    "SQLITE_IOERR": f"reading or writing failed; {KEPT}; check the disk and give the same command again",
}


def behind_links(path: Path) -> Path:
    """Return the file that a link of this name leads to, else `path`: one file has one lock, whatever it is called.

    Raises
    ------
    StorageError
        If links form a loop.
    """
    refuse_loop(path)
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def explain(path: Path, fault: sqlite3.Error) -> StorageError | None:
    """Return the storage error that says what `fault` means, or None if it is not the file's fault."""
    name = getattr(fault, "sqlite_errorname", "") or ""
    for code, advice in _ADVICE.items():
        if name.startswith(code):
            return StorageError(f"{path}: {advice} ({fault})")
    if str(fault).startswith("Could not decode to UTF-8"):  # the driver's own words; SQLite does not look
        return StorageError(f"{path}: {_ADVICE['SQLITE_CORRUPT']} (a stored text is not valid UTF-8)")
    return None


@contextmanager
def storage_faults(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the file into `StorageError`; other errors pass.

    A query that a signal ended, which SQLite reports as its own error, becomes a KeyboardInterrupt again.
    """
    try:
        yield
    except UnicodeDecodeError as fault:  # of a name in the schema, or of SQLite's message about it
        raise StorageError(f"{path}: {_ADVICE['SQLITE_CORRUPT']} (a name in it is not valid UTF-8)") from fault
    except JSONDecodeError as fault:
        raise StorageError(f"{path}: {_ADVICE['SQLITE_CORRUPT']} (a stored list or table is not whole)") from fault
    except sqlite3.Error as fault:
        if getattr(fault, "sqlite_errorname", "") == "SQLITE_INTERRUPT":
            raise KeyboardInterrupt from fault
        explained = explain(path, fault)
        if explained is None:
            raise
        raise explained from fault


def inspect(path: Path) -> None:
    """Check the file's header without opening it as a database.

    Raises
    ------
    StorageError
        If it is missing, no workbench database, damaged, or written by a newer version.
    """
    if path.is_dir():
        raise StorageError(f"{path}: is a directory, not a workbench database")
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            header = file.read(100)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise StorageError(f"{path}: no such file") from None
    except OSError as fault:
        raise StorageError(f"{path}: cannot be read ({fault.strerror})") from fault
    if len(header) < 100 or not header.startswith(_MAGIC):
        raise StorageError(f"{path}: not a workbench database; it was left unchanged")
    # Read from the header itself: opening the file with SQLite could roll back a journal, and so change a file that
    # is not ours.
    (version,) = struct.unpack_from(">I", header, 60)
    (application,) = struct.unpack_from(">I", header, 68)
    if application != APPLICATION_ID:
        raise StorageError(
            f"{path}: not a workbench database (it belongs to another application); it was left unchanged"
        )
    refuse_newer(path, version)
    _check_length(path, header, size)


def refuse_newer(path: Path, version: int) -> None:
    if version > SCHEMA_VERSION:
        raise StorageError(
            f"{path}: written with database version {version}, and this workbench reads up to {SCHEMA_VERSION};"
            " it was left unchanged; use a newer workbench"
        )


def _check_length(path: Path, header: bytes, size: int) -> None:
    # While a write-ahead log exists, pages may still be on their way into the main file.
    if Path(f"{path}-wal").exists():
        return
    (page_size,) = struct.unpack_from(">H", header, 16)
    # The header has two bytes for it, so the file format writes 65536 as 1.
    page_size = 65536 if page_size == 1 else page_size
    (pages,) = struct.unpack_from(">I", header, 28)
    if page_size < 512 or size < pages * page_size:
        raise StorageError(
            f"{path}: damaged: {size} bytes where {pages * page_size} belong; it was left unchanged;"
            " restore a copy, or save what can be read with `sqlite3 FILE .recover`"
        )


@contextmanager
def opened_to_read(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file for reading, by whatever name, and look at nothing."""
    if Path(f"{path}-journal").exists():
        _roll_back(path)
    connection = _opened(path, "ro")
    try:
        yield connection
    finally:
        connection.close()


def listen() -> int:
    # Python acts on a signal as soon as any of its functions runs; SQLite ends the question if that raises.
    return 0


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    # As a URI, the only way to ask for read-only; with mode=ro SQLite still waits for locks and reads the log.
    return sqlite3.connect(_address(path, mode), uri=True, timeout=READ_TIMEOUT)


def _address(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


def _roll_back(path: Path) -> None:
    """Let SQLite undo the unfinished work of a process that was killed while it switched its log on or off.

    A read-only connection cannot do that and would be refused until the next sweep. Where a running process is at
    that point, its lock says so, and nothing is touched.
    """
    with suppress(sqlite3.Error):
        connection = _opened(path, "rw")
        try:
            # The first read of a writable connection makes SQLite replay or undo a hot journal, which a read-only one
            # cannot.
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        finally:
            connection.close()


def refuse_other_files(action: int, *_: str | None) -> int:
    # SQL from a user may read this database and nothing else on the disk.
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK


def create(path: Path, command: str = "") -> None:
    """Create an empty database at `path`, whole or not at all.

    It is built under a temporary name and renamed, so that a process killed here leaves no half-made
    file that the next one would have to refuse as foreign.
    """
    from workbench.store.audit import Written, driver_of
    from workbench.store.schema import metadata
    from workbench.store.views import write_views

    with drafted(path) as draft:
        connection = _connect(draft, 0.0)
        try:
            with connection.begin():
                metadata.create_all(connection)
                write_views(connection)
                connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
                Written(driver_of(connection)).append(command, "created")
        finally:
            connection.close()
            connection.engine.dispose()
        draft.replace(path)
        sync_folder(path.absolute().parent)


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path` for a file that will be renamed to it; a leftover is removed afterwards.

    The caller holds the lock of `path`.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        remove_drafts(path)
        yield draft
    except OSError as fault:
        raise StorageError(
            f"{path}: cannot be made ({fault.strerror}); nothing was written; choose another --db"
        ) from fault
    finally:
        discard(draft)


def publish(draft: Path, path: Path) -> None:
    """Give a draft the name of `path`, once all of it is on the disk."""
    with draft.open("rb+") as file:
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.absolute().parent)


def discard(draft: Path) -> None:
    """Remove a draft of ours, and what SQLite laid beside it, as far as the system lets us."""
    for left in (draft, draft.with_name(f"{draft.name}-journal")):
        with suppress(OSError):
            left.unlink(missing_ok=True)


def remove_drafts(path: Path) -> None:
    """Remove the drafts that killed processes left beside `path`."""
    # Whoever creates the database holds its lease, so that a draft of this name is what a killed process left.
    drafts = re.compile(rf"{re.escape(path.name)}(\.\d+\.new)+(-journal)?")
    for entry in os.scandir(path.absolute().parent):
        if drafts.fullmatch(entry.name) and not entry.is_dir(follow_symlinks=False):
            Path(entry.path).unlink(missing_ok=True)


def writing(path: Path, timeout: float) -> Connection:
    """Open an existing database for writing; the caller holds the lock.

    Every commit waits for the disk: what is reported as stored survives a killed process and a power cut.
    `refuse_planted` comes before.
    """
    return _connect(
        path,
        timeout,
        # With a write-ahead log readers see the last commit while a sweep writes, and a commit costs one flush.
        "PRAGMA journal_mode = WAL",
        # FULL flushes the log at every commit: with NORMAL a power cut could lose runs that were reported as stored.
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
        f"PRAGMA cache_size = -{CACHE_KIB}",
    )


def drafting(draft: Path) -> Connection:
    """Open a draft that is thrown away if anything goes wrong, so that nothing in it needs to be undone."""
    return _connect(
        draft,
        0.0,
        # A draft is thrown away if anything fails and gets its name only once it is complete, so neither a journal
        # nor flushes are needed while it is written.
        "PRAGMA journal_mode = OFF",
        "PRAGMA synchronous = OFF",
        "PRAGMA foreign_keys = ON",
        f"PRAGMA cache_size = -{CACHE_KIB}",
    )


@contextmanager
def attached(driver: sqlite3.Connection, path: Path, name: str) -> Iterator[None]:
    """Let a connection read another file as well, its tables called `name`.table; the file cannot be changed by it."""
    driver.execute(f"ATTACH ? AS {name}", (_address(path, "ro"),))
    driver.set_progress_handler(listen, LISTEN)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)
        with suppress(sqlite3.Error):  # where a transaction is still being given up, closing the connection does it
            driver.execute(f"DETACH {name}")


LATER: Mapping[str, int] = {"whole_axis": 1, "lost_run": 1, "audit": 2}
"""Tables that came after the first file was written, and the version whose files may hold each."""


def refuse_planted(path: Path) -> int:
    """Refuse a file whose tables do not have our columns, or that holds triggers, views or tables which are not ours.

    Such a file acts on what is stored in ways that no result row shows: a trigger may delete what a sweep keeps.

    Returns
    -------
    int
        The version of the file's schema.

    Raises
    ------
    StorageError
        Naming the object, or both versions where the file's is newer than ours.
    """
    inspect(path)
    with opened_to_read(path) as driver:
        version = version_of(driver)
        refuse_newer(path, version)
        for kind, name in foreign_objects(driver):
            raise StorageError(
                f"{path}: the {kind} {name!r} does not come from a workbench; nothing was changed; keep your own"
                " tables, views and triggers in a database of your own, or choose another --db"
            )
        for name in lost_tables(driver):
            raise StorageError(f"{path}: damaged: the table {name!r} is missing; nothing was changed; restore a copy")
    return version


def version_of(driver: sqlite3.Connection) -> int:
    """Return the version of a file's schema; its header may say an older one while a write-ahead log is left."""
    return int(driver.execute("PRAGMA user_version").fetchone()[0])


def foreign_objects(driver: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Yield kind and name of every table, view, index and trigger that does not come from a workbench."""
    ours = _shapes_of(version_of(driver))
    rows = driver.execute("SELECT type, name, tbl_name FROM sqlite_schema ORDER BY name").fetchall()
    found = {(k, t if k == "index" else n): (n, _shape(driver, n) if k == "table" else ()) for k, n, t in rows}
    for (kind, key), (name, shape) in found.items():
        if not name.startswith("sqlite_") and ours.get((kind, key)) != shape:
            yield kind, name


def lost_tables(driver: sqlite3.Connection) -> list[str]:
    """Return the tables that every file of this version holds, and this one does not."""
    version = version_of(driver)
    there = {name for (name,) in driver.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    # Version 1 was written by several builds: a table that came later may be missing from such a file without being
    # lost.
    ours = (name for kind, name in _shapes_of(version) if kind == "table")
    return sorted(name for name in ours if name not in there and (name not in LATER or version == SCHEMA_VERSION))


def _shapes_of(version: int) -> Mapping[tuple[str, str], tuple[object, ...]]:
    return {place: shape for place, shape in _shapes().items() if LATER.get(place[1], 0) <= version}


@contextmanager
def in_memory() -> Iterator[Connection]:
    """Open a new database without views that exists only in memory."""
    from workbench.store.schema import metadata

    empty = _connect(None, 0.0)
    try:
        with empty.begin():
            metadata.create_all(empty)
        yield empty
    finally:
        empty.close()
        empty.engine.dispose()


@cache
def _shapes() -> Mapping[tuple[str, str], tuple[object, ...]]:
    """Return what a new database holds: (kind, name) -> columns and keys; an index goes by its table's name."""
    from workbench.store.schema import metadata
    from workbench.store.views import VIEWS

    with in_memory() as empty:
        driver = empty.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        found: dict[tuple[str, str], tuple[object, ...]] = {
            ("table", name): _shape(driver, name) for name in metadata.tables
        }
    indexed = {("index", name): () for name, table in metadata.tables.items() if table.indexes}
    return {**found, **indexed, **{("view", name): () for name in VIEWS}}


def _shape(driver: sqlite3.Connection, table: str) -> tuple[object, ...]:
    """Return a table's columns with type, order and keys, and its references to other tables."""
    columns = driver.execute('SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?)', (table,))
    keys = driver.execute('SELECT "from", "table", "to" FROM pragma_foreign_key_list(?) ORDER BY 1, 2, 3', (table,))
    kind = driver.execute("SELECT wr, strict FROM pragma_table_list WHERE schema = 'main' AND name = ?", (table,))
    return (*columns.fetchall(), *keys.fetchall(), *kind.fetchall())


def close(connection: Connection) -> None:
    """Close a writing connection; back to one file that can be sent, unless a reader still holds it open.

    A second call does nothing.
    """
    from sqlalchemy.exc import DBAPIError

    if connection.closed:
        return
    try:
        connection.rollback()
        driver = connection.connection.driver_connection
        if isinstance(driver, sqlite3.Connection):
            driver.execute("PRAGMA busy_timeout = 200")
            # Back to one file without a log beside it, so that a user may copy or send it; a short timeout, since a
            # reader may keep the log for as long as it likes.
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            driver.execute("PRAGMA journal_mode = DELETE")
    except (sqlite3.Error, DBAPIError, MemoryError):
        # A reader, a full disk or a failing one is in the way: everything is committed, and the next writer tidies up.
        pass
    finally:
        connection.close()
        connection.engine.dispose()


def _connect(path: Path | None, timeout: float, *pragmas: str) -> Connection:
    """Connect to a file, or to a database in memory alone (None)."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import StaticPool

    def connect() -> sqlite3.Connection:
        # A whole path: "file:x.db" and ":memory:" are names of files here, and not what SQLite means by them.
        name = ":memory:" if path is None else path.absolute()
        driver = sqlite3.connect(name, timeout=timeout, isolation_level=None, uri=True)  # for `attached`
        for pragma in pragmas:
            driver.execute(pragma)
        return driver

    # Nothing is rolled back on the way into the pool: the driver closes next, and a fault there would be logged whole.
    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool, pool_reset_on_return=None)

    @event.listens_for(engine, "begin")
    def begin_immediate(connection: Connection) -> None:
        # The driver would take the write lock only at the first insert, when waiting is no longer possible.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine.connect()
