"""``workbench calibrate``: refit the parameters that name findings, and compare the fit with the shipped set."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.output import AsJson, print_object, put
from workbench.cli.progress import display
from workbench.errors import WorkbenchError

FOLDER = Path("data") / "parameters"
"""Where refitted sets go when no path is given, below the working folder."""


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
    workers: Annotated[
        int | None,
        typer.Option("--workers", metavar="N", min=0, help="Worker processes; every core if not given."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    lock_timeout: Annotated[
        float,
        typer.Option("--lock-timeout", metavar="SECONDS", min=0, help="Patience while another command writes."),
    ] = 30.0,
    as_json: AsJson = False,
) -> int:
    """Refit parameters to the findings that they name.

    Writes a new parameter set, with bounds from the ranges, and never changes the old one. Every candidate is kept:
    after a stop, the same command goes on where it was.
    """
    from workbench.analysis.calibration import calibrate as refit
    from workbench.analysis.candidates import Stopped
    from workbench.analysis.refit_set import refuse_target
    from workbench.cli.refit import CandidateWords, as_object, lines
    from workbench.execution.signals import StoppedAtOnce
    from workbench.execution.sweep import RESULTS
    from workbench.execution.threads import available_cores
    from workbench.scenario import load_scenario

    document = load_scenario(Path(scenario))
    target = Path(to) if to is not None else FOLDER / f"{document.parameters.name}-refit.toml"
    path = Path(db) if db is not None else RESULTS / f"{document.name}.db"
    for folder in {FOLDER, RESULTS} & {target.parent, path.parent}:
        folder.mkdir(parents=True, exist_ok=True)
    refuse_target(target, document.parameters.name, force)
    command = shlex.join(["workbench", *context.obj])
    try:
        with display(CandidateWords(), quiet=as_json) as progress:
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
    except (Stopped, StoppedAtOnce) as stopped:
        once = "at once" if isinstance(stopped, StoppedAtOnce) else "between two batches"
        error = WorkbenchError(f"stopped {once}; every stored candidate is kept; go on with: {command}")
        error.exit_code = 128 + stopped.number
        raise error from None
    if as_json:
        print_object(as_object(found, target))
    else:
        put("\n".join(lines(found, target)))
    return 0


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(calibrate)
