"""CSV files beside the scenario: listed points, observed traits, records of doses; one reader, one grammar of cells."""

from __future__ import annotations

import csv
import io
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from workbench.errors import Problem, shorten
from workbench.files import read_regular
from workbench.scenario.conformity import show
from workbench.scenario.dose_words import word
from workbench.scenario.names import name_fault
from workbench.scenario.text.document import Document, listed
from workbench.scenario.text.syntax import Keys

MAX_ROWS = 1_000_000
MAX_PEOPLE = 100_000
"""Rows of a table of people."""
MAX_COLUMNS = 1_000
MAX_CELLS = 1_000_000
"""Cells that are held as text at once: read and refused within 2 s and 300 MB."""
BATCH = 4096
MAX_BYTES = 1 << 25
SHOWN = 50
"""Problems of one column that are reported."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
"""A number in a cell: decimal digits and a point. What Python also takes (1_0, inf, nan, digits of other scripts) is
no number in any table."""
WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
MISSING = (".", "", "NA", "NaN")
"""Cells that count as empty."""
MARKED = re.compile(r"[CcIi]\s*[-+.\d][-+.\deE]*", re.ASCII)
"""An ID whose row is left out: the mark of a comment stands before its number."""
NO_NUMBER = "expected a number such as 12, 0.5 or 1e-3, got {}"
PARTED = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""What separates cells in other kinds of tables."""
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)


class TableError(ValueError):
    """A CSV file is missing, has no header, or a row has another number of cells; `line` and `column` say where.

    `more` are further faults of the same line, each with its column.
    """

    def __init__(self, message: str, line: int = 0, column: int = 1, more: Sequence[tuple[str, int]] = ()) -> None:
        super().__init__(message)
        self.line, self.column, self.more = line, column, more


@dataclass(frozen=True)
class CsvTable:
    """A CSV file as text.

    Attributes
    ----------
    file : str
        Its path, for messages.
    columns : mapping header -> cells
    written : mapping header -> cells
        The same with the spaces around them; the first is the header.
    lines : sequence of int
        Line of each row in the file.
    """

    file: str
    columns: Mapping[str, list[str]]
    written: Mapping[str, list[str]]
    lines: Sequence[int]

    def problem(self, header: str, row: int, message: str) -> Problem:
        """Return a problem with the cell of one row (from 0) in the column called `header`."""
        return Problem(self.file, self.lines[row], self.start(header, row + 1), "", f"{shorten(header)}: {message}")

    def start(self, header: str, row: int = 0) -> int:
        """Return where a cell begins in its line, from 1; row 0 is that of the headers."""
        cells = (cells[row] for cells in self.written.values())
        return list(starts_of(cells))[list(self.columns).index(header)]

    def numbers(self, header: str) -> Iterator[tuple[float | None, Problem | None]]:
        """Yield the number of each row in one column, or what is wrong with the cell."""
        for row, cell in enumerate(self.columns[header]):
            number = number_in(cell)
            fault = "the cell is empty" if not cell else no_number(cell)
            yield number, None if number is not None else self.problem(header, row, fault)


def no_number(cell: str) -> str:
    """Return the message for a cell that holds no number; for a decimal comma, with what to write."""
    complaint = NO_NUMBER.format(shorten(repr(cell)))
    return (
        f"{complaint} (a number has a point: {cell.replace(',', '.')})" if DECIMAL_COMMA.fullmatch(cell) else complaint
    )


def parting_fault(cells: Sequence[str], columns: int = 0) -> tuple[str, int] | None:
    """Return the fault of a line whose cells are not separated by commas, and its column; None if there is none.

    Parameters
    ----------
    cells : sequence of str
        The line, split at commas.
    columns : int
        How many there are; 0 for the header line itself.
    """
    text = ",".join(cells)
    for separator, name in PARTED.items():
        many = text.count(separator)
        if many and (many + 1 == columns if columns else many >= len(cells)):
            complaint = f"its {'cells' if columns else 'columns'} are separated by {name}; use commas"
            return f"{complaint}, and its numbers have a point (0.5)", text.index(separator) + 1
    words = text.split()
    bare = len(cells) == 1 and len(words) > 1 and not any(word[:1] in '["#' for word in words)
    if bare and (not columns or len(words) == columns):
        complaint = f"its {'cells' if columns else 'columns'} are separated by spaces; use commas"
        return complaint, text.index(words[0]) + len(words[0]) + 1
    if columns and len(cells) > columns and sum(cell.strip().isdigit() for cell in cells) > columns:
        return f"{len(cells)} cells, but there are {columns} columns (a number has a point: 0.5, not 0,5)", 1
    return None


def number_in(cell: str) -> float | None:
    """Return the number that a cell holds, None if it holds none."""
    number = float(cell) if NUMBER.fullmatch(cell) else None
    return None if number is None or abs(number) == float("inf") else number


def table_text(file: Path) -> str:
    """Return the text of a CSV file; without a byte-order mark.

    Raises
    ------
    TableError
        If it cannot be read, is larger than any table needs to be, or is no UTF-8.
    """
    try:
        data = read_regular(file, MAX_BYTES)
    except OSError as error:
        raise TableError(f"{file.name} cannot be read: {error.strerror or error}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise TableError(f"{file.name} cannot be read: it is not UTF-8", line) from None


def read_columns(file: Path, max_rows: int = MAX_ROWS) -> CsvTable:
    """Return the cells of each column by its header, as text, without the spaces around them.

    Raises
    ------
    TableError
        If the file cannot be read, a header is missing or repeated, a row has too few or too many cells, or there
        are more than `max_rows` rows.
    """
    # A text stream over bytes: StringIO would hold four bytes a letter.
    lines = io.TextIOWrapper(io.BytesIO(table_text(file).encode()), "utf-8", newline="")
    reader = csv.reader(lines, strict=True)
    try:
        return _columns(str(file), reader, max_rows)
    except csv.Error as error:
        raise TableError(f"{file.name} cannot be read: {error}", reader.line_num) from None


class ColumnReader:
    """Reads the columns that traits name, and notes the columns of their files that no trait names."""

    def __init__(self, document: Document, base: Path, shared: str = "") -> None:
        self._document, self._base, self._shared = document, base, shared
        self._tables: dict[str, tuple[Keys, CsvTable | None]] = {}
        self._read: set[tuple[str, str]] = set()

    def numbers(self, raw: Mapping[str, Any], keys: Keys) -> list[float]:
        """Return the numbers of ``column`` in the CSV file ``table`` beside the scenario; [] after a report."""
        table, column = self._table(raw, keys), raw.get("column", "")
        if table is None or not self._has(table, raw, keys):
            return []
        found = list(table.numbers(column))
        self._document.problems.extend([problem for _, problem in found if problem is not None][:SHOWN])
        numbers = [number for number, _ in found if number is not None]
        return numbers if len(numbers) == len(found) else []

    def of_people(self, raw: Mapping[str, Any], keys: Keys) -> list[float]:
        """Return the number of each person in ``column``: of each ID in order of appearance, or of each row.

        Rows of an ID may leave the cell empty (a point); all others must agree. [] after a report.
        """
        table, column = self._table(raw, keys), raw.get("column", "")
        if table is None or not self._has(table, raw, keys):
            return []
        named = self.ids(raw, keys)
        if named is None:
            return self.numbers(raw, keys)
        found: dict[Decimal | str, set[float]] = {person: set() for person in named if person is not None}
        sound = True
        for row, (person, cell) in enumerate(zip(named, table.columns[column], strict=True)):
            number = None if cell in MISSING else number_in(cell)
            if person is not None and number is not None:
                found[person].add(number)
            elif person is not None and cell not in MISSING:
                self._document.problems.append(table.problem(column, row, no_number(cell)))
                sound = False
        for person, several in found.items():
            if len(several) != 1 and sound:
                what = "is not given" if not several else f"is {' and '.join(f'{x:g}' for x in sorted(several)[:3])}"
                more = "; covariates that change over time are not supported" if several else ""
                message = (
                    f"{shorten(column)} of ID {shorten(str(person))} {what}: each person needs exactly one number{more}"
                )
                self._document.report((*keys, "column"), message)
                sound = False
        self._document.people[(*keys, "table")] = tuple(found)
        return [next(iter(several)) for several in found.values()] if sound else []

    def ids(self, raw: Mapping[str, Any], keys: Keys) -> list[Decimal | str | None] | None:
        """Return whose row each is, None for one that is marked as left out; None where there is no column of IDs."""
        table = self._table(raw, keys)
        heading = next((name for name in table.columns if word(name).name == "ID"), None) if table else None
        if table is None or heading is None:
            return None
        self._read.add((str(raw.get("table") or self._shared), heading))
        cells = table.columns[heading]
        left_out = [cell[:1] in "#@" or bool(MARKED.fullmatch(cell)) for cell in cells]
        # 1, 1.0 and 01 are one person where IDs are numbers, but three where they are names.
        numeric = any(NUMBER.fullmatch(cell) for cell, out in zip(cells, left_out, strict=True) if not out)
        return [None if out else Decimal(cell) if numeric and NUMBER.fullmatch(cell) else cell
                for cell, out in zip(cells, left_out, strict=True)]  # fmt: skip

    def _table(self, raw: Mapping[str, Any], keys: Keys) -> CsvTable | None:
        name = str(raw.get("table") or self._shared)
        if name not in self._tables:
            place = (*keys, "table") if raw.get("table") else ("subjects", "table")
            self._tables[name] = place, named_table(self._document, self._base, name, place, MAX_PEOPLE)
        return self._tables[name][1]

    def _has(self, table: CsvTable, raw: Mapping[str, Any], keys: Keys) -> bool:
        name, column = str(raw.get("table") or self._shared), raw.get("column", "")
        self._read.add((name, column))
        if column not in table.columns:
            known = listed(table.columns)
            self._document.report((*keys, "column"), f"no column {show(column)} in {name} (columns: {known})")
        return column in table.columns

    def tell(self) -> None:
        """Note the columns that were ignored."""
        for name, (place, table) in self._tables.items():
            left = [column for column in (table.columns if table else ()) if (name, column) not in self._read]
            if left:
                self._document.note(place, f"columns of {name} that no trait uses: {listed(left)}")


def named_table(document: Document, base: Path, name: str, keys: Keys, max_rows: int = MAX_ROWS) -> CsvTable | None:
    """Return the CSV file called `name` in the folder `base`, or None after a report."""
    fault = name_fault(name, file=True)
    if not fault:
        try:
            return read_columns(base / name, max_rows)
        except TableError as error:
            if error.line:
                complaint = [(str(error), error.column), *error.more]
                document.problems += [Problem(str(base / name), error.line, at, "", text) for text, at in complaint]
                return None
            fault = str(error)
    document.report(keys, f"{fault} (a CSV file beside the scenario)")
    return None


def refuse_width(columns: int) -> None:
    """Raise for a table with too many columns: a long line of separators would make millions of them."""
    if columns > MAX_COLUMNS:
        raise TableError(f"the table has {columns:,} columns (at most {MAX_COLUMNS:,})", 1)


def starts_of(cells: Iterable[str]) -> Iterator[int]:
    """Yield where each cell of a line begins, from 1."""
    at = 1
    for cell in cells:
        yield at
        at += len(cell) + 1


def _column_names(header: Sequence[str]) -> list[str]:
    """Return the names of the columns, each of which has one of its own."""
    names = [cell.strip(" \t") for cell in header]
    faults: list[tuple[str, int]] = []
    for place, (name, start) in enumerate(zip(names, starts_of(header), strict=True)):
        if not name:
            faults.append(("this column has no name (the first row names every column)", start))
        elif names.index(name) < place:
            faults.append((f"two columns are called {shorten(name)}", start))
    if fault := parting_fault(header):
        raise TableError(fault[0], 1, fault[1])
    if faults:
        raise TableError(faults[0][0], 1, faults[0][1], faults[1:SHOWN])
    if not names:
        raise TableError("the table is empty; the first row names every column", 1)
    return names


def _columns(file: str, reader: Any, max_rows: int) -> CsvTable:
    header: list[str] = next(reader, [])
    refuse_width(len(header))
    # Eight bytes a row; a list of ints would take four times that for a million rows.
    lines = array("q")
    names = _column_names(header)
    columns: dict[str, list[str]] = {name: [] for name in names}
    written = {name: [cell] for name, cell in zip(names, header, strict=True)}
    rows: list[list[str]] = []

    def keep() -> None:
        for name, cells in zip(names, zip(*rows, strict=True), strict=False):
            written[name] += cells
            columns[name] += [cell.strip(" \t") for cell in cells]
        rows.clear()

    width, most = len(names), MAX_CELLS // len(names)
    limit = min(most, max_rows)
    for row in reader:
        if not row:
            continue
        if len(lines) >= limit:
            if most < max_rows:
                complaint = f"the table has more than {most:,} rows of {width:,} columns (at most {MAX_CELLS:,} cells)"
                raise TableError(complaint, reader.line_num)
            more = "" if max_rows == MAX_PEOPLE else "; --max-points raises the limit"
            message = f"the table has more than {max_rows:,} rows{more}"
            raise TableError(message, reader.line_num)
        if len(row) != width:
            complaint = f"{len(row)} cells, but there are {width} columns"
            message, column = parting_fault(row, width) or (complaint, 1)
            raise TableError(message, reader.line_num, column)
        rows.append(row)
        lines.append(reader.line_num)
        # Turned into columns a batch at a time: all rows at once would be held twice.
        if len(rows) == BATCH:
            keep()
    keep()
    if not lines:
        raise TableError("the table has no rows", 1)
    return CsvTable(file, columns, written, lines)
