"""``workbench gallery``: one page of many small scenarios and their checks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.faults import explain_stop
from workbench.cli.options import AsJson, ForRuns, Workers
from workbench.cli.output import print_line, print_note, print_object
from workbench.cli.progress_bar import watcher
from workbench.errors import Problem, ScenarioError
from workbench.files import command_line, make_folder, refuse_existing, refuse_replacing, refuse_unwritable

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

    Of each scenario that findings are about: picture, equation, checks, file. One with a mistake, or with a component
    that is not installed, is refused before anything runs.

    What is missing is run first. One file with its figures inside: no network, no script.
    """
    from workbench.findings.collection import expand_targets
    from workbench.findings.collection import findings as hold
    from workbench.report.gallery_page import build_gallery

    page = Path(output) if output else DEFAULT
    refuse_existing(page, force=force)
    files = [file for target in targets for file in expand_targets(Path(target))]
    refuse_replacing(page, [*files, *([Path(db)] if db else [])])
    _refuse_unreadable(files, db)
    if output is None:
        make_folder(page.parent, "--output")
    refuse_unwritable(page)
    command = command_line(["workbench", *context.obj])
    with explain_stop(command):
        found = hold(*targets, db=db, workers=workers, watch=lambda: watcher(quiet=as_json), command=command)
    about = {row.finding.scenario for row in found.rows}
    left_out = [file.name for file in files if file.stem not in about]
    written = build_gallery(found.rows, files, page, force=force)
    if as_json:
        print_object({"ok": True, "page": str(written), "findings": len(found.rows), "left_out": left_out})
    else:
        if left_out:
            print_note(f"left out, because no finding is about them: {', '.join(left_out)}")
        print_line(str(written))
    return 0


def _refuse_unreadable(files: Iterable[Path], db: str | None) -> None:
    """Refuse unreadable files, all at once: those that no finding is about are read nowhere else."""
    from workbench.execution.runner import read_scenario

    problems: list[Problem] = []
    for file in files:
        try:
            read_scenario(file, db=db)
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(problems)


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(gallery)
