"""Making the page: from a stored sweep to one file, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.analysis.selection import Selection, select
from workbench.errors import StorageError
from workbench.report.content import Page

if TYPE_CHECKING:
    from jinja2 import Environment

    from workbench.store import Results

TEMPLATE = "page.html.j2"


def build_report(
    source: Results | str | Path, output: str | Path, *, sweep: int | None = None, force: bool = False
) -> Path:
    """Write one self-contained HTML page about a stored sweep and return its path.

    Parameters
    ----------
    source : open results, or path of a database
    output : path of the page; its folder must exist
    sweep : int, optional
        The one worked on last unless named.
    force : bool
        Replace an existing file.

    Raises
    ------
    StorageError
        If the page exists already (without `force`), or cannot be written.
    UsageError
        If there is no such sweep.
    """
    target = Path(output)
    refuse_existing(target, force=force)
    write_whole(target, render(select(source, sweep)))
    return target


def refuse_existing(target: Path, *, force: bool) -> None:
    """Raise where a page must not be written: onto a folder, or onto a page that is there (without `force`)."""
    if target.is_dir():
        raise StorageError(f"{target}: is a directory; nothing was written; name a file")
    if target.exists() and not force:
        raise StorageError(f"{target}: exists already; it was left unchanged; --force replaces it")


def render(selection: Selection) -> str:
    """Return the page's HTML; the same stored rows give the same text."""
    return environment().get_template(TEMPLATE).render(page=Page(selection)) + "\n"


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


def write_whole(target: Path, text: str) -> None:
    """Write beside the target and rename, so that there is a whole file or none."""
    try:
        handle, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as fault:
        raise StorageError(f"{target}: cannot be written ({fault.strerror}); nothing was written") from fault
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # Temporary files are private; a page is as readable as any other new file.
        mask = os.umask(0)
        os.umask(mask)
        Path(draft).chmod(0o666 & ~mask)
        Path(draft).replace(target)
    except OSError as fault:
        raise StorageError(f"{target}: cannot be written ({fault.strerror}); nothing was written") from fault
    finally:
        Path(draft).unlink(missing_ok=True)
