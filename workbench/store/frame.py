"""Rows of a query as pandas columns, a stretch at a time, so that Python objects do not pile up."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

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
LOSABLE = "run"
"""A column of whole numbers that may yet be NULL: a run that was lost has no number."""
REAL = frozenset({"value", "baseline_value", "difference", "time", "number", "low", "high"})


def fetch(connection: sqlite3.Connection, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> pd.DataFrame:
    """Return the rows of a query with the types that SQLite gives, NULL or not: whole numbers stay whole.

    Of columns of one name the second is called ``name:1``, as SQLite calls them in a view.
    """
    cursor = connection.execute(sql, values)
    return build_frame(names_of(cursor), _stretches(cursor))


def names_of(cursor: sqlite3.Cursor) -> list[str]:
    """Return the names of the columns of an answer, each once."""
    if cursor.description is None:
        raise UsageError("this statement returns no rows; the database is open for reading only")
    return _unique([column[0] for column in cursor.description])


def build_frame(names: Sequence[str], stretches: Iterable[Sequence[tuple[Any, ...]]]) -> pd.DataFrame:
    """Return columns that come in stretches as one table, with the types that SQLite gives."""
    import pandas as pd

    parts: list[list[_Part]] = [[] for _ in names]
    for columns in stretches:
        for part, column in zip(parts, columns, strict=True):
            part.append(_Part.of(column))
    found = {name: _joined(part, nothing="object") for name, part in zip(names, parts, strict=True)}
    return pd.DataFrame(found, columns=list(names))


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
    # Names become integers while rows arrive: a long column of texts would need many times the memory.
    codes = {name: _Codes(listed.get(name, ())) for name in names if name in NAMES & ours}
    parts: dict[str, list[Any]] = {name: [] for name in names}
    for columns in _stretches(cursor):
        for name, column in zip(names, columns, strict=True):
            if name in codes:
                parts[name].append(np.fromiter(map(codes[name].__getitem__, column), dtype=np.int32, count=len(column)))
            elif name in (WHOLE | REAL) & ours and name != LOSABLE:
                parts[name].append(np.array(column, dtype="int64" if name in WHOLE else "float64"))
            else:
                parts[name].append(_Part.of(column))
    frame: dict[str, Any] = {}
    for name in names:
        if parts[name] and isinstance(parts[name][0], _Part):
            frame[name] = _joined(parts[name], nothing="float64")
            continue
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


@dataclass(frozen=True)
class _Part:
    """A stretch of a column: what it holds apart from NULL, its values, and where it is NULL."""

    kind: Literal["nothing", "whole", "real", "mixed"]
    values: NDArray[Any]
    null: NDArray[np.bool_]

    @classmethod
    def of(cls, column: tuple[Any, ...]) -> _Part:
        kinds = set(map(type, column))
        null = np.array([value is None for value in column]) if type(None) in kinds else np.zeros(len(column), bool)
        kinds -= {type(None)}
        if kinds == {int}:
            return cls("whole", np.array([0 if value is None else value for value in column], dtype=np.int64), null)
        if kinds == {float}:
            return cls("real", np.array(column, dtype=np.float64), null)
        kept = np.empty(len(column), dtype=object)
        kept[:] = column
        return cls("mixed" if kinds else "nothing", kept, null)

    def plain(self) -> NDArray[Any]:
        """Return the values as Python has them, None for NULL."""
        kept = self.values.astype(object)
        kept[self.null] = None
        return kept


def _joined(parts: Sequence[_Part], nothing: str) -> Any:
    """Return a column; one of NULLs alone has the type `nothing`."""
    import pandas as pd

    kinds = {part.kind for part in parts} - {"nothing"}
    null = np.concatenate([part.null for part in parts]) if parts else np.zeros(0, bool)
    if kinds == {"whole"}:
        values = np.concatenate([p.values if p.kind == "whole" else np.zeros(len(p.null), np.int64) for p in parts])
        # A float column would lose digits of whole numbers beyond 2^53, such as seeds.
        return pd.arrays.IntegerArray(values, null) if null.any() else values
    if kinds == {"real"} or (not kinds and nothing == "float64" and parts):
        return np.concatenate([p.values if p.kind == "real" else np.full(len(p.null), np.nan) for p in parts])
    return np.concatenate([part.plain() for part in parts]) if parts else np.array([], dtype=object)


def _unique(names: Sequence[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        number, unique = 0, name
        while unique in found:
            number += 1
            unique = f"{name}:{number}"
        found.append(unique)
    return found


def _empty(name: str) -> str:
    return "int32" if name in NAMES else "int64" if name in WHOLE else "float64" if name in REAL else "object"
