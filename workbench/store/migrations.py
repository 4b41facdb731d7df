"""From an older schema to today's: numbered steps, done only when something is to be written.

The old file is first kept beside, whole. All steps then are one transaction: a file is of the old version or of the
new one, whenever the process ends. Each step stands as it was when its version was published, whatever the tables of
`workbench.store.schema` become later.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import workbench.store.connection as database
from workbench.store.audit import Written, driver_of
from workbench.store.views import write_views

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


@dataclass(frozen=True)
class Migration:
    """The step from one version to the next.

    Attributes
    ----------
    version : int
        The version that the file has afterwards.
    words : str
        What it brings.
    """

    version: int
    words: str
    statements: tuple[str, ...]


STEPS = (
    Migration(
        2,
        "an audit of what each command writes; axes that count whole things; runs lost with their process",
        (
            # Later builds of version 1 have these two tables already.
            """CREATE TABLE IF NOT EXISTS whole_axis (
    axis INTEGER NOT NULL,
    PRIMARY KEY (axis),
    FOREIGN KEY(axis) REFERENCES axis (id)
) STRICT""",
            """CREATE TABLE IF NOT EXISTS lost_run (
    sweep INTEGER NOT NULL,
    study INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    arm INTEGER NOT NULL,
    point INTEGER NOT NULL,
    invocation INTEGER NOT NULL,
    "key" BLOB NOT NULL CHECK (length("key") = 32),
    reason TEXT NOT NULL,
    PRIMARY KEY (study, subject, arm, point, invocation),
    FOREIGN KEY(sweep) REFERENCES sweep (id),
    FOREIGN KEY(study) REFERENCES study (id),
    FOREIGN KEY(arm) REFERENCES arm (id),
    FOREIGN KEY(point) REFERENCES point (id),
    FOREIGN KEY(invocation) REFERENCES invocation (id)
) STRICT, WITHOUT ROWID""",
            """CREATE TABLE audit (
    id INTEGER NOT NULL,
    at TEXT NOT NULL,
    command TEXT NOT NULL,
    versions TEXT NOT NULL,
    entry TEXT NOT NULL,
    content BLOB NOT NULL CHECK (length(content) = 32),
    previous BLOB NOT NULL CHECK (length(previous) = 32),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (id),
    UNIQUE (sha256)
) STRICT""",
        ),
    ),
)


def keep_old(path: Path, version: int) -> Path:
    """Write a copy of an older file beside it, whole or not at all, and return its path.

    A copy from a command that ended before it migrated is used again.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    database.remove_drafts(path)
    try:
        with database.opened_to_read(path) as source, closing(sqlite3.connect(draft.absolute())) as copy:
            # SQLite's backup reads one consistent state even with a log beside the file; a plain copy might miss what
            # is only in the log.
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        kept, number = _named(path, version, 1), 1
        while kept.is_symlink() or kept.exists():
            if kept.is_file() and not kept.is_symlink() and _same(draft, kept):
                return kept
            number += 1
            kept = _named(path, version, number)
        draft.replace(kept)
    finally:
        database.discard(draft)
    return kept


COUNTERS = ((18, 20), (24, 28), (92, 100))
"""Where a database's header counts its changes and says how they are logged."""


def _same(one: Path, other: Path) -> bool:
    """Return whether two databases hold the same pages, however often either was opened for writing."""
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as first, other.open("rb") as second:
        heads = bytearray(first.read(100)), bytearray(second.read(100))
        # Opening a file for writing changes these counters and nothing else, so they must not make two copies differ.
        for start, end in COUNTERS:
            for head in heads:
                head[start:end] = bytes(end - start)
        return heads[0] == heads[1] and all(a == b for a, b in zip(_pieces(first), _pieces(second), strict=True))


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(1 << 20), b"")


def _named(path: Path, version: int, number: int) -> Path:
    more = f".{number}" if number > 1 else ""
    return path.with_name(f"{path.stem}.version-{version}{more}{path.suffix}")


def migrate(connection: Connection, version: int, command: str, kept: Path) -> None:
    """Take an open database from an older version to today's, all steps in one transaction."""
    with connection.begin():
        for step in STEPS:
            if step.version > version:
                for statement in step.statements:
                    connection.exec_driver_sql(statement)
        write_views(connection)
        connection.exec_driver_sql(f"PRAGMA user_version = {database.SCHEMA_VERSION}")
        written = Written(driver_of(connection))
        written.everything()
        about = {"from": version, "to": database.SCHEMA_VERSION, "kept": kept.name}
        written.append(command, "migrated", **about)
