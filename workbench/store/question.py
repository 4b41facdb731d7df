"""A user's SQL query: answered in stretches, within limits, and ended by Ctrl-C at any moment."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError
from workbench.store.connection import explain
from workbench.store.frame import build_frame, names_of
from workbench.store.whole import reading

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

READ_ONLY = "; the database is open for reading only"
MOST_ROW = 48 * 1024 * 1024
"""What one row may hold, shared out equally among its cells: SQLite builds each at once, and no signal stops it."""
MOST_BYTES = 64 * 1024 * 1024
"""The largest answer that is held as a whole; a number counts as eight bytes."""
STRETCH_ROWS, STRETCH_BYTES = 50_000, 16 * 1024 * 1024
HINT = "\nhint: --format csv writes one row at a time and has no limit"


@dataclass(frozen=True)
class Answer:
    """The columns of an answer by name, and its rows, a stretch at a time."""

    names: list[str]
    rows: Iterator[list[tuple[Any, ...]]]

    def tables(self) -> Iterator[pd.DataFrame]:
        """Yield the answer as tables of some rows each; at least one, which may have none."""
        for rows in self.rows:
            yield build_frame(self.names, [list(zip(*rows, strict=True))] if rows else [])

    def table(self) -> pd.DataFrame:
        """Return the whole answer.

        Raises
        ------
        UsageError
            If it is too large to be held.
        """
        return build_frame(self.names, (list(zip(*rows, strict=True)) for rows in self._held() if rows))

    def _held(self) -> Iterator[list[tuple[Any, ...]]]:
        size = 0
        for rows in self.rows:
            size += sum(map(_size, rows))
            if size > MOST_BYTES:
                raise UsageError(f"the answer has more than {MOST_BYTES // 2**20} MiB; narrow the query{HINT}")
            yield rows


@contextmanager
def answer_question(path: Path, sql: str, max_rows: int | None = None) -> Iterator[Answer]:
    """Ask one question.

    Raises
    ------
    UsageError
        If the text is no valid question, tries to change something, or its answer has more than `max_rows` rows; the
        first `max_rows` have come by then.
    """
    with reading(path) as connection, question_faults(path):
        # The limit is per cell; shared out over the cells of a row, a wide answer cannot take more than a long one.
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_ROW // _width(connection, sql))
        cursor = connection.execute(sql)
        yield Answer(names_of(cursor), _limited(_stretches(cursor), max_rows))


@contextmanager
def question_faults(path: Path) -> Iterator[None]:
    """Separate faults of the query's text from faults of the file or the system."""
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning) as fault:
        name = getattr(fault, "sqlite_errorname", "")
        if name == "SQLITE_TOOBIG":
            raise UsageError(
                f"{fault} (a row holds at most {MOST_ROW // 2**20} MiB, an equal share in each cell)"
            ) from fault
        readonly = name == "SQLITE_READONLY"
        outer = name == "SQLITE_INTERRUPT" or (isinstance(fault, sqlite3.Error) and explain(path, fault))
        if outer and not readonly:
            raise
        raise UsageError(f"{fault}{READ_ONLY if readonly else ''}") from fault


def _width(connection: sqlite3.Connection, sql: str) -> int:
    """Return how many cells a row of the answer has, before any is made; 1 where SQLite does not explain the text."""
    try:
        # SQLite's own program says how many cells a row has before the first one is computed.
        steps = connection.execute(f"EXPLAIN {sql}").fetchall()
    except (sqlite3.Error, sqlite3.Warning):
        return 1  # whatever is wrong is told when it is asked
    return max([cells for _, name, _, cells, *_ in steps if name == "ResultRow"], default=1)


def _size(row: tuple[Any, ...]) -> int:
    return sum(len(value) if isinstance(value, (str, bytes)) else 8 for value in row)


def _stretches(cursor: sqlite3.Cursor) -> Iterator[list[tuple[Any, ...]]]:
    rows: list[tuple[Any, ...]] = []
    size, last = 0, None
    for row in cursor:
        rows.append(row)
        size += _size(row)
        if len(rows) >= STRETCH_ROWS or size >= STRETCH_BYTES:
            yield rows
            last, rows, size = rows, [], 0
    # An answer without rows still yields once, so that its header is printed.
    if rows or last is None:
        yield rows


def _limited(stretches: Iterator[list[tuple[Any, ...]]], most: int | None) -> Iterator[list[tuple[Any, ...]]]:
    count = 0
    for rows in stretches:
        if most is not None and count + len(rows) > most:
            yield rows[: most - count]
            raise UsageError(
                f"the answer has more than {most:,} rows; ask for fewer, or give a larger --max-rows{HINT}"
            )
        count += len(rows)
        yield rows
