"""Columns of numbers in a CSV file beside the scenario: listed points, observed traits."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.scenario.conformity import show
from workbench.scenario.document import Document, listed
from workbench.scenario.names import name_fault
from workbench.scenario.syntax import Keys

MAX_ROWS = 1_000_000


class TableError(ValueError):
    """A CSV file is missing, has no header, or a row has another number of cells."""


def read_columns(file: Path, max_rows: int = MAX_ROWS) -> dict[str, list[str]]:
    """Return the cells of each column by its header, as text.

    Raises
    ------
    TableError
        If the file cannot be read, a header is missing or doubled, a row has too few or too many cells, or there
        are more than `max_rows` rows.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return _columns(csv.reader(stream, strict=True), max_rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise TableError(f"{file.name} cannot be read: {reason}") from None


def column_of(document: Document, base: Path, raw: Mapping[str, Any], keys: Keys) -> list[float]:
    """Return the numbers of ``column`` in the CSV file ``table`` beside the scenario; [] after a report."""
    name, column = raw["table"], raw.get("column", "")
    columns = named_table(document, base, name, (*keys, "table"))
    if columns is None:
        return []
    if column not in columns:
        document.report((*keys, "column"), f"no column {show(column)} in {name} (columns: {listed(columns)})")
        return []
    try:
        return [float(cell) for cell in columns[column]]
    except ValueError as error:
        document.report((*keys, "column"), f"column {show(column)} of {name}: {error}")
        return []


def named_table(
    document: Document, base: Path, name: str, keys: Keys, max_rows: int = MAX_ROWS
) -> dict[str, list[str]] | None:
    """Return the columns of the CSV file called `name` in the folder `base`, or None after a report."""
    fault = name_fault(name, file=True)
    if not fault:
        try:
            return read_columns(base / name, max_rows)
        except TableError as error:
            fault = str(error)
    document.report(keys, f"{fault} (a CSV file beside the scenario)")
    return None


def _columns(rows: Iterator[list[str]], max_rows: int) -> dict[str, list[str]]:
    header = [name.strip() for name in next(rows, [])]
    if not header or "" in header or len(set(header)) < len(header):
        raise TableError("the first row must name every column, each differently")
    columns: dict[str, list[str]] = {name: [] for name in header}
    for number, row in enumerate((row for row in rows if row), 1):
        if number > max_rows:
            raise TableError(f"the table has more than {max_rows:,} rows; --max-points raises the limit")
        if len(row) != len(header):
            raise TableError(f"row {number} has {len(row)} cells, but there are {len(header)} columns")
        for name, cell in zip(header, row, strict=True):
            columns[name].append(cell.strip())
    if not columns[header[0]]:
        raise TableError("the table has no rows")
    return columns
