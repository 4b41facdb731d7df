"""``workbench calibrate``: refit the parameters that name findings, and compare the fit with the shipped set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.faults import explain_stop, stop_error
from workbench.cli.options import AsJson, LockTimeout, Workers
from workbench.cli.output import print_object, print_wrapped
from workbench.cli.progress_bar import SETTLED, counted, display, duration
from workbench.errors import shorten
from workbench.files import command_line, make_folder, refuse_replacing, refuse_unwritable
from workbench.text_tables import FormattedNumber, fit_table

if TYPE_CHECKING:
    from workbench.calibration.candidates import CandidateCounts, CandidateForecast
    from workbench.calibration.fit import Calibration, Fitted
    from workbench.calibration.search import Refit
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
        int, typer.Option("--budget", metavar="N", min=1, help="The largest number of candidates to simulate.")
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
    after a stop, the same command continues where it left off.
    """
    from workbench.calibration.candidates import Stopped
    from workbench.calibration.parameter_set import refuse_target
    from workbench.calibration.refit import calibrate as refit
    from workbench.execution.threads import available_cores
    from workbench.scenario import load_scenario

    document = load_scenario(Path(scenario))
    target, path = _places(document, to, db)
    refuse_target(target, document.parameters.name, force)
    command = command_line(["workbench", *context.obj])
    try:
        with explain_stop(command, CANDIDATES), display(CandidateWords(), quiet=as_json) as progress:
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
        raise stop_error(stop.number, command, CANDIDATES, "between two batches") from None
    if as_json:
        print_object(as_object(found, target))
    else:
        print_wrapped(lines(found, target))
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
    refuse_replacing(target, (Path(document.file), path), kept="nothing was computed")
    return target, path


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(calibrate)


PARAMETERS = ("parameter", "shipped", "refit", "range", "unit", "left open", "the targets")
CRITERIA = ("finding", "published", "accept", "shipped", "refit", "MC error", "errors off", "change", "what is taken")
DIRECTIONS = 5
"""Open directions that are printed; the object has them all."""


class CandidateWords:
    """Words for a refit."""

    def __init__(self) -> None:
        self._first: CandidateCounts | None = None

    def before(self, forecast: CandidateForecast) -> list[str]:
        """Say what will be simulated, and about how long that takes."""
        moved, wanted = counted(forecast.parameters, "parameter"), counted(forecast.targets, "target")
        runs = counted(forecast.arms * forecast.subjects, "run")
        arms, subjects = counted(forecast.arms, "arm"), counted(forecast.subjects, "subject")
        most = counted(forecast.expected, "candidate")
        found = [
            f"{forecast.file}: {shorten(forecast.title)}",
            f"  {moved} to {wanted}; each candidate {arms} x {subjects} = {runs}, at most {most}",
        ]
        if forecast.db is not None:
            found.append(f"  {forecast.db}: {forecast.said}, {counted(forecast.reused, 'candidate')} stored")
        if forecast.rate:
            workers = counted(forecast.workers, "worker")
            found.append(
                f"pilot: {forecast.rate:.3g} candidates/s with {workers}: at most {duration(forecast.seconds)}"
            )
        return found

    def already(self, forecast: CandidateForecast) -> tuple[int, int]:
        """Return the budget; what the log holds is counted when the search asks for it."""
        return forecast.expected, 0

    def now(self, counts: CandidateCounts) -> str:
        """Say how many candidates were looked at, and the least loss."""
        first = self._first = self._first or counts
        seconds, made = counts.seconds - first.seconds, counts.computed - first.computed
        left = (
            f"at most about {duration(counts.missing * seconds / made)} left"
            if made and seconds > SETTLED
            else "timing"
        )
        done = counts.expected - counts.missing
        stored = f" ({counts.reused:,} from the log)" if counts.reused else ""
        return f"{done:,} of {counts.expected:,} candidates{stored}, least loss {counts.least:.4g}, {left}"


def as_object(found: Calibration, target: Path) -> dict[str, Any]:
    """Return all that a refit found, for JSON."""
    from workbench.calibration.parameter_set import origin

    return {
        "ok": True,
        "scenario": found.scenario.name,
        "to": str(target),
        "db": None if found.db is None else str(found.db),
        "calibration": found.calibration,
        "log": found.said,
        "loss": {"before": found.loss[0], "after": found.loss[1]},
        "candidates": found.candidates,
        "computed": found.computed,
        "reused": found.candidates - found.computed,
        "subjects": found.subjects,
        "seed": found.seed,
        "parameters": [_parameter_object(p) for p in found.parameters],
        "frozen": [{"name": name, "why": why} for name, why in found.frozen],
        "eigenvalues": found.eigenvalues,
        "directions": [{"parts": dict(d.parts), "left": d.left, "words": d.words} for d in found.directions],
        "criteria": [_criterion_object(row) for row in found.rows],
        "left_out": [{"finding": name, "criterion": words, "why": why} for name, words, why in found.left_out],
        "warnings": found.warnings,
        "provenance": origin(found),
    }


def _parameter_object(p: Refit) -> dict[str, Any]:
    return {
        "name": p.free.name,
        "shipped": p.free.value,
        "refit": p.value,
        "range": [p.free.low, p.free.high],
        "unit": p.free.unit,
        "left": p.left,
        "identified": p.identified,
        "at_bound": p.at_bound,
        "fitted_to": list(p.free.findings),
    }


def _criterion_object(row: Fitted) -> dict[str, Any]:
    before, after = row.residuals
    return {
        "finding": row.target.finding,
        "criterion": row.target.words,
        "fitted": row.fitted,
        "published": row.target.criterion.target,
        "error": row.target.scale,
        "accept": row.target.criterion.accept,
        "before": row.before,
        "after": row.after,
        "residual_before": before,
        "residual_after": after,
        "inside_before": row.target.inside(row.before),
        "inside_after": row.target.inside(row.after),
        "mc_error_before": row.error_before,
        "mc_error_after": row.error_after,
        "mc_share_of_width": row.noise,
        "change": row.change,
    }


def lines(found: Calibration, target: Path) -> Iterator[str]:
    """Yield both tables and what they mean."""
    from workbench.calibration.fit import CHANGES

    yield from fit_table(PARAMETERS, map(_parameter, found.parameters))
    yield from (f"not moved: {name}: {why}" for name, why in found.frozen)
    yield ""
    yield "what was fitted to"
    yield from fit_table(CRITERIA, map(_row, found.fitted))
    yield ""
    if found.shown:
        yield "what nothing was fitted to, with both sets"
        yield from fit_table(CRITERIA, map(_row, found.shown))
        yield ""
    yield from (f"not evaluated: {name}: {words}: {why}" for name, words, why in found.left_out)
    unit = "in published errors, or halves of the accepted range"
    yield f"loss: {found.loss[0]:.4g} shipped, {found.loss[1]:.4g} refit (sum of squares, {unit})"
    if found.loss[0] < len(found.fitted):
        yield (
            "the shipped set lies within the published errors already"
            f" (below {len(found.fitted)}, one for each criterion)"
        )
    for change in CHANGES:
        yield f"{change}: {_names(row for row in found.fitted if row.change == change)}"
        others = [row for row in found.shown if row.change == change]
        if others:
            yield f"{change}, not fitted to: {_names(others)}"
    yield from _identified(found)
    yield from (f"warning: {words}" for words in found.warnings)
    yield (
        f"{found.candidates:,} candidates ({found.computed:,} computed now) of {counted(found.subjects, 'subject')}"
        f" each, the same in all; seed {found.seed}"
    )
    if found.db is not None:
        yield f"candidates: {found.db} (calibration {found.calibration})"
    yield f'parameter set: {target} (use it with: parameters = "{target.stem}")'


def _identified(found: Calibration) -> Iterator[str]:
    """Say which parameters and combinations the targets leave open."""
    open_ = [p.free.name for p in found.parameters if not p.identified]
    yield f"not identified by the targets: {', '.join(open_) or 'none'}"
    most_open = f", the {DIRECTIONS} most open of them" if len(found.directions) > DIRECTIONS else ""
    yield f"directions that the targets leave open: {len(found.directions)} of {len(found.parameters)}{most_open}"
    for direction in found.directions[:DIRECTIONS]:
        yield f"left open ({direction.left:.0%}): {direction.words}"
    values = ", ".join(f"{e:.2g}" for e in found.eigenvalues)
    yield f"eigenvalues of J'J: {values} (far below 12: a direction left open)"


def _parameter(p: Refit) -> tuple[Any, ...]:
    said = "identify it" if p.identified else "do not identify it"
    return (
        p.free.name,
        FormattedNumber(f"{p.free.value:.4g}"),
        FormattedNumber(f"{p.value:.4g}"),
        f"{p.free.low:g} to {p.free.high:g}",
        "" if p.free.unit == "1" else p.free.unit,
        FormattedNumber(f"{p.left:.0%}"),
        f"{said}; at the end of its range" if p.at_bound else said,
    )


def _row(row: Fitted) -> tuple[Any, ...]:
    from workbench.findings.ledger import span

    before, after = row.residuals
    target = row.target.criterion.target
    return (
        row.target.finding,
        FormattedNumber("-" if target is None else f"{target:g}"),
        span(row.target.criterion.accept),
        FormattedNumber(_marked(row, row.before)),
        FormattedNumber(_marked(row, row.after)),
        FormattedNumber("-" if row.noise is None else f"{row.noise:.0%} of width"),
        FormattedNumber(f"{before:.2f} -> {after:.2f}"),
        row.change,
        row.target.words,
    )


def _marked(row: Fitted, value: float) -> str:
    return f"{value:.4g}" if row.target.inside(value) else f"{value:.4g} missed"


def _names(rows: Iterable[Fitted]) -> str:
    return ", ".join(dict.fromkeys(row.target.finding for row in rows)) or "none"
