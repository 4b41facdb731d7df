"""``workbench calibrate``: refit the parameters that name findings, and compare the fit with the shipped set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.faults import resumable, stopped
from workbench.cli.options import AsJson, LockTimeout, Workers
from workbench.cli.output import print_object, tell
from workbench.cli.progress import display
from workbench.files import command_line, make_folder, refuse_unwritable

if TYPE_CHECKING:
    from workbench.scenario.model import Scenario

FOLDER = Path("data") / "parameters"
"""Where refitted sets go when no path is given, below the working folder."""
CANDIDATES = "every stored candidate"
"""What is kept of a refit that was stopped."""


def calibrate(
    context: typer.Context,
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario file that findings are about.")],
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="FILE", help="The new set; data/parameters/NAME-refit.toml if not given."),
    ] = None,
    db: Annotated[
        str | None,
        typer.Option(
            "--db", metavar="FILE", help="Database that keeps every candidate; data/results/NAME.db if not given."
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", metavar="NAME", help="Only this parameter; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of the search.")] = 1,
    budget: Annotated[
        int, typer.Option("--budget", metavar="N", min=1, help="Candidates to simulate at most.")
    ] = 1_000,
    subjects: Annotated[
        int | None, typer.Option("--subjects", metavar="N", min=1, help="Subjects of each candidate.")
    ] = None,
    workers: Workers = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    lock_timeout: LockTimeout = 30.0,
    as_json: AsJson = False,
) -> int:
    """Refit parameters to the findings that they name.

    Writes a new parameter set, with bounds from the ranges, and never changes the old one. Every candidate is kept:
    after a stop, the same command goes on where it was.
    """
    from workbench.calibration.candidates import Stopped
    from workbench.calibration.parameter_set import refuse_target
    from workbench.calibration.refit import calibrate as refit
    from workbench.cli.refit import CandidateWords, as_object, lines
    from workbench.execution.threads import available_cores
    from workbench.scenario import load_scenario

    document = load_scenario(Path(scenario))
    target, path = _places(document, to, db)
    refuse_target(target, document.parameters.name, force)
    command = command_line(["workbench", *context.obj])
    try:
        with resumable(command, CANDIDATES), display(CandidateWords(), quiet=as_json) as progress:
            found = refit(
                document,
                parameters=parameter or (),
                seed=seed,
                budget=budget,
                subjects=subjects,
                workers=available_cores() if workers is None else max(workers, 1),
                db=path,
                to=target,
                force=force,
                progress=progress,
                command=command,
                lock_timeout=lock_timeout,
            )
    except Stopped as stop:
        raise stopped(stop.number, command, CANDIDATES, "between two batches") from None
    if as_json:
        print_object(as_object(found, target))
    else:
        tell(lines(found, target))
    return 0


def _places(document: Scenario, to: str | None, db: str | None) -> tuple[Path, Path]:
    """Return the files of the new set and of the candidates; the folders of our own choice are made."""
    from workbench.execution.runner import RESULTS

    target = Path(to) if to is not None else FOLDER / f"{document.parameters.name}-refit.toml"
    path = Path(db) if db is not None else RESULTS / f"{document.name}.db"
    for folder, place, option in ((FOLDER, target, "--to"), (RESULTS, path, "--db")):
        if folder == place.parent:
            make_folder(folder, option)
    refuse_unwritable(target)
    return target, path


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(calibrate)
