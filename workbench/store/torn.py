"""Telling a torn copy: a file whose pages are of several moments, as when it was copied while something wrote to it.

SQLite cannot see it: every page is whole. The audit can: it says how many rows each table must hold and hashes them.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from workbench.errors import StorageError
from workbench.store.audit import NUMBERED, chain_faults, content_of, entries, has_audit, uncovered
from workbench.store.connection import opened_to_read, storage_faults

ADVICE = "nothing was changed; copy it again while nothing writes to it, or see what `workbench verify` says of it"


def evidence(driver: sqlite3.Connection, *, deep: bool = False) -> str:
    """Return what shows that a file is no copy of one moment, "" where nothing does.

    Parameters
    ----------
    deep : bool
        Hash every row anew, and let SQLite check every page and reference; without it rows are only counted.
    """
    if not has_audit(driver):
        return _gaps(driver) or (_checked(driver) if deep else "")
    broken = next((words for _, words in chain_faults(driver)), "")
    if broken:
        return f"{broken} in its audit"
    for table, (said, there) in uncovered(driver).items():
        return f"it holds {there:,} rows of {table} where its audit accounts for {said:,}"
    if deep:
        for entry in entries(driver):
            if content_of(driver, entry) != entry.content:
                return f"the rows that entry {entry.id} of its audit names are others than were written"
        return _checked(driver)
    return ""


def _gaps(driver: sqlite3.Connection) -> str:
    """Compare how many rows there are with their largest number: none is ever taken away."""
    for table in NUMBERED:
        count, largest = driver.execute(f"SELECT count(*), coalesce(max(id), 0) FROM {table}").fetchone()
        if count != largest:
            return f"it holds {count:,} rows of {table} that are numbered up to {largest:,}"
    return ""


def _checked(driver: sqlite3.Connection) -> str:
    (found,) = driver.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        return f"SQLite finds: {found}"
    lost = driver.execute("PRAGMA foreign_key_check").fetchone()
    return f"a row of {lost[0]} refers to a row of {lost[2]} that is not there" if lost else ""


def refuse_torn(path: Path, driver: sqlite3.Connection, *, deep: bool = False) -> None:
    """Refuse a file that is no copy of one moment; `driver` reads it, in no transaction.

    Raises
    ------
    StorageError
        Saying what shows it.
    """
    with storage_faults(path):
        driver.execute("BEGIN")
        try:
            found = evidence(driver, deep=deep)
        finally:
            driver.rollback()
    if found:
        raise StorageError(f"{path}: this copy is torn, or its rows were changed by hand: {found}; {ADVICE}")


def ask_again(path: Path) -> None:
    """Refuse a file that is no copy of one moment, after all its rows were hashed anew; see `refuse_torn`."""
    with storage_faults(path), opened_to_read(path) as driver:
        refuse_torn(path, driver, deep=True)
