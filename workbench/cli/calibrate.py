"""``workbench calibrate``: refit the parameters that name findings, and compare the fit with the shipped set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.output import AsJson, print_object, put
from workbench.cli.tables import Number, aligned
from workbench.errors import StorageError

if TYPE_CHECKING:
    from workbench.analysis.calibration import Calibration, Fitted
    from workbench.analysis.search import Refit

FOLDER = Path("data") / "parameters"
"""Where refitted sets go when no path is given, below the working folder."""
DIGITS = 6
PARAMETERS = ("parameter", "shipped", "refit", "range", "unit", "left open", "the targets")
CRITERIA = ("finding", "published", "accept", "shipped", "refit", "errors off", "what is taken")


def calibrate(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario file that findings are about.")],
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="FILE", help="The new set; data/parameters/NAME-refit.toml if not given."),
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", metavar="NAME", help="Only this parameter; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of the starting points.")] = 1,
    budget: Annotated[
        int, typer.Option("--budget", metavar="N", min=1, help="Candidates to simulate at most.")
    ] = 1_000,
    subjects: Annotated[
        int | None, typer.Option("--subjects", metavar="N", min=1, help="Subjects of each candidate.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=0, help="Worker processes.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: AsJson = False,
) -> int:
    """Refit parameters to the findings that they name.

    Writes a new parameter set, with bounds from the ranges, and never changes the old one.
    """
    from workbench.analysis.calibration import calibrate as refit
    from workbench.scenario import load_scenario

    document = load_scenario(Path(scenario))
    target = Path(to) if to is not None else FOLDER / f"{document.parameters.name}-refit.toml"
    _refuse_target(target, document.parameters.name, force)
    found = refit(
        document, parameters=parameter or (), seed=seed, budget=budget, subjects=subjects, workers=max(workers, 1)
    )
    _write(target, _text(found, target.stem))
    if as_json:
        print_object(_as_object(found, target))
    else:
        put("\n".join(_lines(found, target)))
    return 0


def _refuse_target(target: Path, name: str, force: bool) -> None:
    """Refuse before anything is computed what could not be written at the end."""
    from workbench.scenario.names import name_fault

    if target.suffix != ".toml" or name_fault(target.stem):
        raise StorageError(f"{target}: a parameter set is a file NAME.toml; nothing was computed")
    if target.stem == name:
        raise StorageError(f"{target}: a refitted set needs a name of its own, not {name!r}; nothing was computed")
    if target.is_dir() or (target.exists() and not force):
        raise StorageError(f"{target}: exists already; nothing was computed; use --force to replace it")
    if target.parent == FOLDER:
        FOLDER.mkdir(parents=True, exist_ok=True)
    if not target.absolute().parent.is_dir():
        raise StorageError(f"{target}: the folder {target.parent} does not exist; nothing was computed")


def _text(found: Calibration, name: str) -> bytes:
    from workbench.scenario.rewrite import rewritten

    values = {refit.free.name: rounded(refit.value) for refit in found.parameters}
    return rewritten(found.scenario.parameters, values, name=name, provenance=_provenance(found))


def rounded(value: float) -> float:
    """Return a value with the digits that are written: more would claim what no search can know."""
    return float(f"{value:.{DIGITS}g}")


def _provenance(found: Calibration) -> dict[str, str | int | float]:
    """Return how the values came about; no clock, so that the same search writes the same file."""
    from workbench.store.provenance import provenance

    scenario, versions = found.scenario, provenance()
    kept = {key: versions[key] for key in ("workbench", "source_sha256", "python", "numpy", "scipy")}
    return {
        "from": f"{scenario.parameters.name} {scenario.parameters.version}",
        "from_sha256": scenario.parameters.sha256,
        "scenario": scenario.name,
        "scenario_sha256": scenario.sha256,
        "findings": ", ".join(dict.fromkeys(row.target.finding for row in found.rows if row.fitted)),
        "seed": found.seed,
        "budget": found.budget,
        "candidates": found.candidates,
        "loss_before": rounded(found.loss[0]),
        "loss_after": rounded(found.loss[1]),
        **kept,
    }


def _write(target: Path, text: bytes) -> None:
    """Write the file whole or not at all."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.write_bytes(text)
        draft.replace(target)
    except OSError as fault:
        draft.unlink(missing_ok=True)
        raise StorageError(f"{target}: cannot be written ({fault.strerror})") from None


def _as_object(found: Calibration, target: Path) -> dict[str, Any]:
    return {
        "ok": True,
        "scenario": found.scenario.name,
        "to": str(target),
        "loss": {"before": found.loss[0], "after": found.loss[1]},
        "candidates": found.candidates,
        "seed": found.seed,
        "parameters": [
            {
                "name": p.free.name,
                "shipped": p.free.value,
                "refit": rounded(p.value),
                "range": [p.free.low, p.free.high],
                "unit": p.free.unit,
                "left": p.left,
                "identified": p.identified,
                "at_bound": p.at_bound,
                "fitted_to": list(p.free.findings),
            }
            for p in found.parameters
        ],
        "frozen": [{"name": name, "why": why} for name, why in found.frozen],
        "eigenvalues": found.eigenvalues,
        "criteria": [_criterion(row) for row in found.rows],
        "left_out": [{"finding": name, "why": why} for name, why in found.left_out],
        "provenance": _provenance(found),
    }


def _criterion(row: Fitted) -> dict[str, Any]:
    before, after = row.residuals
    return {
        "finding": row.target.finding,
        "criterion": row.target.words,
        "fitted": row.fitted,
        "published": row.target.criterion.target,
        "error": row.target.scale,
        "before": row.before,
        "after": row.after,
        "residual_before": before,
        "residual_after": after,
        "inside_before": row.target.inside(row.before),
        "inside_after": row.target.inside(row.after),
    }


def _lines(found: Calibration, target: Path) -> Iterator[str]:
    """Yield both tables and what they mean."""
    yield from aligned(PARAMETERS, map(_parameter, found.parameters))
    yield from (f"not moved: {name}: {why}" for name, why in found.frozen)
    yield ""
    yield from aligned(CRITERIA, map(_row, (row for row in found.rows if row.fitted)))
    yield from (f"not fitted to: {name}: {why}" for name, why in found.left_out)
    yield ""
    others = [row for row in found.rows if not row.fitted]
    if others:
        yield "rows that nothing was fitted to, with both sets"
        yield from aligned(CRITERIA, map(_row, others))
        yield ""
    unit = "in published errors, or halves of the accepted range"
    yield f"loss: {found.loss[0]:.4g} shipped, {found.loss[1]:.4g} refit (sum of squares, {unit})"
    targets = sum(row.fitted for row in found.rows)
    if found.loss[0] < targets:
        yield f"the shipped set lies within the published errors already (below {targets}, one for each criterion)"
    yield f"eigenvalues of J'J: {', '.join(f'{e:.2g}' for e in found.eigenvalues)} (below 1: a direction left open)"
    yield _told(found)
    yield f"{found.candidates:,} candidates, seed {found.seed}"
    yield f'parameter set: {target} (use it with: parameters = "{target.stem}")'


def _parameter(p: Refit) -> tuple[Any, ...]:
    said = "identify it" if p.identified else "do not identify it"
    return (
        p.free.name,
        Number(f"{p.free.value:.4g}"),
        Number(f"{p.value:.4g}"),
        f"{p.free.low:g} to {p.free.high:g}",
        "" if p.free.unit == "1" else p.free.unit,
        Number(f"{p.left:.0%}"),
        f"{said}; at the end of its range" if p.at_bound else said,
    )


def _row(row: Fitted) -> tuple[Any, ...]:
    from workbench.analysis.ledger import span

    before, after = row.residuals
    target = row.target.criterion.target
    return (
        row.target.finding,
        Number("-" if target is None else f"{target:g}"),
        span(row.target.criterion.accept),
        Number(_marked(row, row.before)),
        Number(_marked(row, row.after)),
        Number(f"{before:.2f} -> {after:.2f}"),
        row.target.words,
    )


def _marked(row: Fitted, value: float) -> str:
    return f"{value:.4g}" if row.target.inside(value) else f"{value:.4g} missed"


def _told(found: Calibration) -> str:
    """Say what improved and what stayed missed."""
    fitted = [row for row in found.rows if row.fitted]
    better = _names([r for r in fitted if abs(r.residuals[1]) < abs(r.residuals[0])])
    missed = _names([r for r in found.rows if not r.target.inside(r.after)])
    lost = _names([r for r in found.rows if r.target.inside(r.before) and not r.target.inside(r.after)])
    return f"nearer: {better}; missed with the refit: {missed}; newly missed: {lost}"


def _names(rows: list[Fitted]) -> str:
    return ", ".join(dict.fromkeys(row.target.finding for row in rows)) or "none"


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(calibrate)
