"""Tables for people: text to the left, numbers to the right, no wider than the terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from workbench.errors import shorten

NOTHING = "-"
GAP = "  "
NARROWEST = 40
"""The narrowest width that tables are laid out for."""
PROSE = 24
"""A last column of prose that would be narrower than this is put below its row."""


def line_width() -> int:
    """Return how many columns a line may have: those of the terminal or of COLUMNS, else 80."""
    return max(shutil.get_terminal_size((80, 24)).columns, NARROWEST)


def fold(text: str, indent: str = "", width: int | None = None, first: str | None = None) -> list[str]:
    """Return `text` in lines of at most `width` letters, broken between words only; a longer word stands alone.

    `indent` begins each line, `first` the first one if it is given.
    """
    room = line_width() if width is None else width
    return textwrap.wrap(
        text,
        room,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def wrap_lines(lines: Iterable[str], width: int | None = None) -> list[str]:
    """Return lines of prose at most `width` wide: longer ones continue below, indented further."""
    room = line_width() if width is None else width
    found: list[str] = []
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        found += [line] if len(line) <= room else fold(line.strip(), indent + GAP, room, first=indent)
    return found


def format_cell(value: Any) -> str:
    """Return one value as text: four digits of a number, no control characters, at most 80 letters."""
    if value is None or (not isinstance(value, str) and str(value) in ("nan", "<NA>", "NaT")):
        return NOTHING
    return f"{value:.4g}" if isinstance(value, float) else shorten(str(value))


def align_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """Return the lines of a table; a column of numbers stands to the right, below its name."""
    rows = [list(row) for row in rows]
    texts = [[format_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *texts, strict=True)]
    right = [all(_is_number(value) for value in column) for column in zip(*rows, strict=True)] or [False] * len(header)
    return [
        GAP.join(text.rjust(width) if number else text.ljust(width) for text, width, number in parts).rstrip()
        for parts in (zip(line, widths, right, strict=True) for line in (list(header), *texts))
    ]


def fit_table(header: Sequence[str], rows: Iterable[Sequence[Any]], width: int | None = None) -> list[str]:
    """Return the lines of a table that is at most `width` wide, as far as its words allow.

    A table that is too wide as it is gives its first column a line of its own above each row; one that is too wide
    even then becomes a list, a line for each value.
    """
    rows = [list(row) for row in rows]
    room = line_width() if width is None else width
    lines = align_table(header, rows)
    if _widest(lines) <= room or not rows:
        return lines
    below = align_table(["", *header[1:]], [["", *row[1:]] for row in rows]) if len(header) > 2 else lines
    if _widest(below) <= room:
        headings = [header[0], *(format_cell(row[0]) for row in rows)]
        return [line for text, line in zip(headings, below, strict=True) for line in (text, line)]
    names = max(map(len, header))
    records = [
        [
            line
            for name, value in zip(header, row, strict=True)
            for line in _listed(f"{name.ljust(names)}  ", value, room)
        ]
        for row in rows
    ]
    return [line for place, record in enumerate(records) for line in ([""] if place else []) + record]


def _listed(name: str, value: Any, room: int) -> list[str]:
    return fold(format_cell(value), " " * len(name), room, first=name)


def _widest(lines: Sequence[str]) -> int:
    return max(map(len, lines), default=0)


def align_prose(rows: Sequence[Sequence[str]], indent: str = "", width: int | None = None) -> list[str]:
    """Return rows of texts in columns, each line begun with `indent`; the last column, prose, is broken between words.

    Columns that leave prose no room stand above it.
    """
    room = line_width() if width is None else width
    texts = list(zip(*rows, strict=True))[:-1]
    widths = [max(map(len, column)) for column in texts]
    left = len(indent) + sum(widths) + len(GAP) * len(widths)
    lines: list[str] = []
    for row in rows:
        if room - left >= PROSE:
            start = indent + "".join(text.ljust(size) + GAP for text, size in zip(row, widths, strict=False))
            lines += fold(row[-1], " " * left, room, first=start) if row[-1] else [start.rstrip()]
        else:
            lines += fold(GAP.join(text for text in row[:-1] if text), indent + GAP, room, first=indent)
            lines += fold(row[-1], indent + 2 * GAP, room) if row[-1] else []
    return [line.rstrip() for line in lines]


class FormattedNumber(str):
    """A number that is already formatted as text."""


def _is_number(value: Any) -> bool:
    return format_cell(value) == NOTHING or isinstance(value, FormattedNumber) or hasattr(value, "__float__")
