"""The page's tables as files: one CSV each, the same cells as on the page."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable
from pathlib import Path

from workbench.errors import StorageError
from workbench.files import guarded, refuse_existing, refuse_unwritable
from workbench.report.tables import Table
from workbench.report.words import MINUS

_NUMBER = re.compile(rf"[{MINUS}+-]?[\d,]*\.?\d+(e[+-]?\d+)?")


def refuse_no_folder(folder: Path) -> None:
    """Raise where tables cannot be written, before a page is drawn.

    Raises
    ------
    StorageError
        If something else has the folder's name, a link to nowhere included, or it can neither be made nor written.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise StorageError(f"{folder}: is no folder; nothing was written")
    refuse_unwritable(folder / "table.csv" if folder.is_dir() else folder)


def table_files(tables: Iterable[Table], folder: Path, force: bool) -> dict[Path, str]:
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


def _text(table: Table) -> str:
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow([_cell(column) for column in table.columns])
    rows.writerows([_cell(cell) for cell in row] for row in table.rows)
    return written.getvalue()


def _cell(text: str) -> str:
    """Return a number as machines read it; any other text so that no spreadsheet takes it for a formula."""
    if _NUMBER.fullmatch(text):
        return text.replace(MINUS, "-").replace(",", "").removeprefix("+")
    return guarded(text)
