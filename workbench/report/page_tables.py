"""Tables of text: every number that a figure shows stands in one, on the page and as a CSV file."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import StorageError
from workbench.files import guard_cell, refuse_existing, refuse_unwritable
from workbench.report.words import MINUS, Wording, number, percent, row_records, signed
from workbench.terms import BETTER, CALCULATION_ERROR, DIFFERENCE, EFFECT_D_AV, heading, spread

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.maps import Grid


LEAST_RESPONSE = "at least "


SMALL, NARROW = 10, 13
"""A table of up to so many rows and columns is shown beside its figure; a larger one is folded."""


@dataclass(frozen=True)
class PageTable:
    """A table of text with a caption; `look` is "" for prose, "wide" for many columns, "grid" for cells of numbers.

    `name` is that of its query and its CSV file, `query` the question whose answer it shows or sums up.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    look: str = ""
    name: str = ""
    query: str = ""

    def of(self, name: str, query: str) -> PageTable:
        """Return the table under a name, with the question behind it."""
        return replace(self, name=name, query=query)

    @property
    def small(self) -> bool:
        """Whether it may stand open."""
        return len(self.rows) <= SMALL and len(self.columns) <= NARROW


def span(low: object, high: object) -> str:
    """Return a range in words, or why there is none."""
    ends = number(low, even=True), number(high, even=True)
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def differences(words: Wording, rows: pd.DataFrame, caption: str, *, named: bool) -> PageTable:
    """Every comparison of some outcomes; `named` adds the outcome's name to each row."""
    columns: tuple[str, ...] = ("Arm", "Compared with", "Mean", "Mean there", heading(DIFFERENCE),
               heading(CALCULATION_ERROR), heading(spread(words.who)), heading(BETTER), heading(EFFECT_D_AV),
               "n", "How made; remarks")  # fmt: skip
    cells: tuple[tuple[str, ...], ...] = tuple(
        (
            words.arm(r.arm), words.arm(r.baseline), number(r.mean, even=True), number(r.baseline_mean, even=True),
            signed(r.difference), span(r.low, r.high), span(r.p10, r.p90), percent(r.better), signed(r.effect),
            str(r.n),
            "; ".join(part for part in (r.method, r.note) if part),
        )
        for r in row_records(rows)
    )  # fmt: skip
    if named:
        columns = ("Outcome", *columns)
        cells = tuple((words.measure("outcome", o), *c) for o, c in zip(rows.outcome, cells, strict=True))
    return PageTable(caption, columns, cells, look="wide")


def course_table(words: Wording, frame: pd.DataFrame, caption: str, time: str) -> PageTable:
    """Means with the middle 80 % of subjects: times down, arms across."""
    arms = list(dict.fromkeys(frame.arm))
    cell = {(r.arm, r.time): f"{number(r.mean, even=True)} ({span(r.p10, r.p90)})" for r in row_records(frame)}
    times = sorted(set(frame.time))
    rows = tuple((number(t), *(cell.get((arm, t), "no run finished") for arm in arms)) for t in times)
    return PageTable(caption, (time, *(words.arm(a) for a in arms)), rows, look="wide")


def timing_table(words: Wording, frame: pd.DataFrame, unit: str) -> PageTable:
    """Onset and half-times, with how many subjects never reached them."""
    named = {
        "onset": "first above 1.3 times the comparison",
        "benefit": "half of the benefit reached",
        "relapse": "half of the benefit lost",
    }
    rows = tuple(
        (
            words.arm(r.arm),
            words.arm(r.baseline),
            named[r.what],
            number(r.median),
            span(r.p10, r.p90),
            str(r.reached),
            str(r.never),
        )
        for r in row_records(frame)
    )
    columns = (
        "Arm",
        "Compared with",
        "What",
        f"Median ({unit})",
        heading(spread(words.who)),
        "Reached it",
        "Never reached it",
    )
    return PageTable(
        f"When things happen, in {unit} counted from the start of practice, of the treatment, or from its end",
        columns,
        rows,
    )


def line_table(
    words: Wording,
    caption: str,
    axis: str,
    rows: Iterable[tuple[str, str, str, object, object, object, object, object]],
) -> PageTable:
    """Points of line figures: outcome, line, x, mean, low, high, n and spread (or "")."""
    columns = ("Outcome", "Line", axis, "Mean", heading(CALCULATION_ERROR), heading(spread(words.who)), "n")
    cells = tuple(
        (o, line, x, number(m, even=True), span(low, high), str(spread), str(n))
        for o, line, x, m, low, high, n, spread in rows
    )
    return PageTable(caption, columns, cells)


def grid_table(words: Wording, grid: Grid, caption: str) -> PageTable:
    """The cells of one map: second axis down, first axis across; failed runs are named in their cell."""
    across = tuple(_level(v) for v in grid.x.levels)
    rows = []
    for i in reversed(range(len(grid.y.levels))):
        cells = (_cell(grid.mean[i, j], int(grid.failed[i, j])) for j in range(len(grid.x.levels)))
        rows.append((_level(grid.y.levels[i]), *cells))
    return PageTable(
        caption, (f"{words.axis(grid.y.path, '')} ↓ {words.axis(grid.x.path, '')} →", *across), tuple(rows), look="grid"
    )


def _level(value: float | str) -> str:
    return value if isinstance(value, str) else number(value)


def _cell(mean: float, failed: int) -> str:
    lost = f" ({failed} failed)" if failed else ""
    return ("no run finished" if np.isnan(mean) else number(mean, even=True)) + lost


def responder_table(words: Wording, frame: pd.DataFrame, caption: str) -> PageTable:
    """Shares of subjects who improve by at least X %."""
    limits = sorted(set(frame.threshold))
    rows = []
    for (arm, base), group in frame.groupby(["arm", "baseline"], sort=False):
        share = dict(zip(group.threshold, group.share, strict=True))
        n, lost = int(group.n.iloc[0]), int(group.left_out.iloc[0])
        rows.append(
            (words.arm(str(arm)), words.arm(str(base)), *(percent(share[x]) for x in limits), str(n), str(lost))
        )
    columns: tuple[str, ...] = ("Arm", "Compared with", *(f"{LEAST_RESPONSE}{x} %" for x in limits), "n", "Left out")
    return PageTable(caption, columns, tuple(rows), look="wide")


_NUMBER = re.compile(rf"[{MINUS}+-]?[\d,]*\.?\d+(e[+-]?\d+)?")


def refuse_no_folder(folder: Path) -> None:
    """Raise where tables cannot be written, before a page is drawn.

    Raises
    ------
    StorageError
        If something else has the folder's name, a link to nowhere included, or it can neither be made nor written.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise StorageError(f"{folder}: is not a folder; nothing was written")
    refuse_unwritable(folder / "table.csv" if folder.is_dir() else folder)


def table_files(tables: Iterable[PageTable], folder: Path, force: bool) -> dict[Path, str]:
    """Return the text of each file by its path.

    Raises
    ------
    StorageError
        If the folder holds one of the files already (without `force`).
    """
    files = {folder / f"{table.name}.csv": _text(table) for table in tables}
    for file in files:
        refuse_existing(file, force=force)
    return files


def _text(table: PageTable) -> str:
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow([_csv_cell(column) for column in table.columns])
    rows.writerows([_csv_cell(cell) for cell in row] for row in table.rows)
    return written.getvalue()


def _csv_cell(text: str) -> str:
    """Return a number as machines read it; any other text so that no spreadsheet takes it for a formula."""
    if _NUMBER.fullmatch(text):
        return text.replace(MINUS, "-").replace(",", "").removeprefix("+")
    return guard_cell(text)
