"""Rows of a query as pandas columns, a stretch at a time so that Python objects never pile up."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

ROWS_AT_ONCE = 50_000
WHOLE = frozenset(
    {"sweep", "point", "subject", "run", "seed", "subjects", "expected", "stored", "failed", "step", "runs"}
)
NAMES = frozenset(
    {"study", "arm", "baseline", "outcome", "course", "unit", "time_unit", "status", "reason", "trait", "kind"}
)
REAL = frozenset({"value", "baseline_value", "difference", "time", "number", "low", "high"})


def fetch(connection: sqlite3.Connection, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> pd.DataFrame:
    """Return the rows of a query with the types that SQLite gives."""
    import pandas as pd

    cursor = connection.execute(sql, values)
    if cursor.description is None:
        raise UsageError("this statement returns no rows; the database is open for reading only")
    return pd.DataFrame(cursor.fetchall(), columns=[column[0] for column in cursor.description])


def fetch_typed(
    connection: sqlite3.Connection,
    sql: str,
    values: Sequence[Any],
    listed: Mapping[str, Sequence[str]],
    fixed: Collection[str] | None = None,
) -> pd.DataFrame:
    """Return the rows of one of our views: names as categories, whole numbers as int64, the rest as float64.

    Parameters
    ----------
    listed : mapping column -> names
        The order of the categories; other names come in the order of the rows.
    fixed : collection of str, optional
        The columns that are typed by their name; all if None. What a scenario swept or measured may have any name.
    """
    import pandas as pd

    cursor = connection.execute(sql, values)
    names = [column[0] for column in cursor.description]
    ours = set(names) if fixed is None else set(fixed)
    codes = {name: _Codes(listed.get(name, ())) for name in names if name in NAMES & ours}
    parts: dict[str, list[Any]] = {name: [] for name in names}
    for columns in _stretches(cursor):
        for name, column in zip(names, columns, strict=True):
            if name in codes:
                parts[name].append(np.fromiter(map(codes[name].__getitem__, column), dtype=np.int32, count=len(column)))
            elif name in (WHOLE | REAL) & ours:
                parts[name].append(np.array(column, dtype="int64" if name in WHOLE else "float64"))
            else:
                parts[name].append(_plain(column))
    frame: dict[str, Any] = {}
    for name in names:
        joined = (
            np.concatenate(parts[name])
            if parts[name]
            else np.array([], dtype=_empty(name) if name in ours else "object")
        )
        frame[name] = _categories(joined, codes[name].names()) if name in codes else joined
    return pd.DataFrame(frame, columns=names)


def _categories(codes: NDArray[np.int32], names: list[str]) -> pd.Categorical:
    import pandas as pd

    return pd.Categorical.from_codes(codes, pd.Index(names, dtype="str"))


class _Codes(dict[Any, int]):
    """Name -> position, growing with each new name; NULL is -1."""

    def __init__(self, listed: Sequence[str]) -> None:
        super().__init__({name: i for i, name in enumerate(listed)} | {None: -1})

    def __missing__(self, name: str) -> int:
        self[name] = code = len(self) - 1
        return code

    def names(self) -> list[str]:
        return [name for name in self if name is not None]


def _stretches(cursor: sqlite3.Cursor) -> Iterator[Sequence[tuple[Any, ...]]]:
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        yield list(zip(*rows, strict=True))


def _plain(column: tuple[Any, ...]) -> Any:
    numeric = all(value is None or type(value) is float for value in column)
    return np.array(column, dtype="float64" if numeric else object)


def _empty(name: str) -> str:
    return "int32" if name in NAMES else "int64" if name in WHOLE else "float64" if name in REAL else "object"
