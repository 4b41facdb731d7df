"""``workbench gallery``: one page of many small scenarios and their checks."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.faults import resumable
from workbench.cli.options import AsJson, ForRuns, Workers
from workbench.cli.output import print_object, put
from workbench.cli.progress import watcher

DEFAULT = Path("reports/gallery.html")


def gallery(
    context: typer.Context,
    targets: Annotated[list[str], typer.Argument(metavar="SCENARIO|FOLDER...", help="Scenario files, or folders.")],
    output: Annotated[str | None, typer.Option("--output", help="The page; reports/gallery.html if not given.")] = None,
    db: ForRuns = None,
    workers: Workers = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing page.")] = False,
    as_json: AsJson = False,
) -> int:
    """Write one HTML page of many scenarios and their checks.

    Of each scenario that findings are about: picture, equation, checks, file.

    What is missing is run first. One file with its figures inside: no network, no script.
    """
    from workbench.analysis.findings import expanded
    from workbench.analysis.findings import findings as hold
    from workbench.report.gallery import build_gallery
    from workbench.report.page import refuse_existing

    page = Path(output) if output else DEFAULT
    if output is None:
        page.parent.mkdir(exist_ok=True)
    refuse_existing(page, force=force)
    command = shlex.join(["workbench", *context.obj])
    with resumable(command):
        found = hold(*targets, db=db, workers=workers, watch=lambda: watcher(quiet=as_json), command=command)
    files = [file for target in targets for file in expanded(Path(target))]
    written = build_gallery(found.rows, files, page, force=force)
    if as_json:
        print_object({"ok": True, "page": str(written), "findings": len(found.rows)})
    else:
        put(str(written))
    return 0


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(gallery)
