"""``workbench report``: one self-contained page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import AsJson, Database, Sweep
from workbench.cli.output import print_line, print_object
from workbench.files import make_folder

DEFAULT_FOLDER = Path("reports")


def report(
    db: Database,
    sweep: Sweep = None,
    output: Annotated[str | None, typer.Option("--output", help="The page; reports/NAME.html if not given.")] = None,
    tables: Annotated[str | None, typer.Option("--tables", help="A folder for every table as a CSV file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing page.")] = False,
    as_json: AsJson = False,
) -> int:
    """Write one HTML page from a database.

    One file with its figures inside: no network, no script.
    """
    from workbench.report import build_report

    target = Path(output) if output else _default_page(Path(db))
    page = build_report(Path(db), target, sweep=sweep, force=force, tables=tables)
    if as_json:
        print_object({"ok": True, "db": db, "report": str(page), "tables": tables})
    else:
        print_line(str(page))
    return 0


def _default_page(db: Path) -> Path:
    from workbench.store import open_results

    open_results(db)  # no folder is made for a database that is not there
    make_folder(DEFAULT_FOLDER, "--output")
    return DEFAULT_FOLDER / f"{db.stem}.html"


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(report)
