"""Making the page: from a stored sweep to one file, whole or not at all."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.analysis.selection import select
from workbench.errors import StorageError
from workbench.files import (
    quote_argument,
    read_regular,
    refuse_existing,
    refuse_replacing,
    refuse_unwritable,
    write_whole,
)
from workbench.report.content import Page
from workbench.report.page_tables import refuse_no_folder, table_files

if TYPE_CHECKING:
    from jinja2 import Environment

    from workbench.store import Results

TEMPLATE = "page.html.j2"
MADE = "Made from stored results alone, with <code>workbench report</code>."
"""What every page says at its end."""
LARGEST = 1 << 27
"""Bytes of a file beyond which it cannot be a page of ours."""


def build_report(
    source: Results | str | Path,
    output: str | Path,
    *,
    sweep: int | None = None,
    force: bool = False,
    tables: str | Path | None = None,
) -> Path:
    """Write one self-contained HTML page about a stored sweep and return its path.

    Parameters
    ----------
    source : open results, or path of a database
    output : path of the page; its folder must exist
    sweep : int, optional
        The one worked on last unless named.
    force : bool
        Replace existing files.
    tables : path, optional
        A folder in which every table of the page is written as a CSV file too; made if it is missing.

    Raises
    ------
    StorageError
        If the page already exists (without `force`), or cannot be written.
    UsageError
        If there is no such sweep.
    """
    target = Path(output)
    db = Path(source) if isinstance(source, str | Path) else source.path
    refuse_replacing(target, [db])
    refuse_existing(target, force=force)
    refuse_unwritable(target)
    if tables is not None:
        refuse_no_folder(Path(tables))
    page = Page(select(source, sweep))
    files = table_files(page.tables, Path(tables), force) if tables is not None else {}
    for file in files:
        refuse_replacing(file, [db, target])
    write_whole(target, render(page))
    if tables is not None:
        _make_folder(Path(tables))
    for file, text in files.items():
        write_whole(file, text)
    return target


def is_page_of(target: Path, db: Path) -> bool:
    """Return whether a file is a page that was made from a database of this name, so that it may be made anew."""
    from markupsafe import escape

    try:
        text = read_regular(target, LARGEST).decode()
    except (OSError, ValueError):
        return False
    asked = f"workbench query {escape(quote_argument(Path(db.name)))} "
    lines = (line for line in text.splitlines() if 'data-statement="tables_counted"' in line)
    return text.startswith("<!DOCTYPE html>\n<html") and MADE in text and any(asked in line for line in lines)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as fault:
        raise StorageError(f"{folder}: cannot be made ({fault.strerror}); the page was written, no table") from fault


def render(page: Page) -> str:
    """Return the page's HTML; the same stored rows give the same text."""
    return environment().get_template(TEMPLATE).render(page=page) + "\n"


@cache
def environment() -> Environment:
    """Return where templates are found, and how they are filled in."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("workbench.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
