"""``workbench why``: what makes the runs of a sweep new, and what one run's key is made of."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import AsJson, Database
from workbench.cli.output import print_object, print_text
from workbench.errors import UsageError, shorten
from workbench.files import quote_argument
from workbench.text_tables import align_prose, line_width, wrap_lines

if TYPE_CHECKING:
    from workbench.execution.earlier import RunContent
    from workbench.execution.reasons import Explanation

Sweep = Annotated[int | None, typer.Option("--sweep", min=1, help="Which sweep; the newest if not given.")]


def why(
    db: Database,
    sweep: Sweep = None,
    run: Annotated[int | None, typer.Option("--run", min=1, help="One run: what its key is made of.")] = None,
    against: Annotated[
        int | None, typer.Option("--against", min=1, help="The earlier sweep; the most similar if not given.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Say why runs were computed anew.

    Which keys differ from an earlier sweep of the same scenario: of the scenario, its parameter set, the command line,
    the data files, components or the engine. With --run, everything that one run's key is made of. What a sweep would
    compute, and why, is printed by `workbench sweep SCENARIO --dry-run`.
    """
    from workbench.execution import earlier

    if run is not None and sweep is not None:
        raise UsageError("--run names one run, whose sweep is already known: leave --sweep out")
    if run is not None:
        content = earlier.why_run(Path(db), run, against)
        if as_json:
            print_object(_run_object(content))
        else:
            print_text("\n".join(_run_lines(content)))
        return 0
    found = earlier.why_sweep(Path(db), sweep, against)
    if as_json:
        print_object({"ok": True, "db": db, "why": why_object(found)})
    elif found is None:
        print_text("no earlier sweep of this scenario is in the database: every run was new")
    else:
        print_text("\n".join(wrap_lines(why_lines(found, None))))
    return 0


def why_lines(found: Explanation, most: int | None) -> list[str]:
    """Return why runs are new in a line, or in one for each of `most` reasons and a count of the others."""
    runs = f"{found.new:,} of {found.asked:,} runs are new"
    if not found.causes:
        return [f"why: none of {found.asked:,} runs is new: sweep {found.against} has the same"]
    if len(found.causes) == 1:
        whole = f"why: {runs}: {found.causes[0]}"
        return [whole] if len(whole) <= line_width() else [f"why: {runs}:", f"  {found.causes[0]}"]
    shown = found.causes if most is None else found.causes[:most]
    lines = [f"why: {runs}, compared with sweep {found.against} of {found.created.replace('T', ' ')[:16]}:"]
    lines += [f"  {cause}" for cause in shown]
    left = len(found.causes) - len(shown)
    return lines + ([f"  and {left} more: workbench why {quote_argument(Path(found.db))}"] if left else [])


def why_object(found: Explanation | None) -> dict[str, Any] | None:
    """Return the same as data."""
    return None if found is None else dataclasses.asdict(found)


def _run_lines(content: RunContent) -> list[str]:
    engine = "" if content.engine is None else f", engine revision {content.engine}"
    lines = [
        f"run {content.run}: sweep {content.sweep}, {content.study}, {content.arm}, point {content.point}",
        f"key: {content.key.hex()}",
        f"seed {content.seed}, subject {content.subject}{engine}",
        "components:",
        *align_prose([(table, component, f"revision {revision}") for table, component, revision in content.made], "  "),
        "values:",
    ]
    rows = []
    for path, value in content.numbers:
        behind = f"{value.origin} ({value.parameter})" if value.parameter else value.origin
        differs = f", differs from subject to subject by {value.traits}" if value.traits else ""
        rows.append((path, f"{shorten(str(value))}  ({behind}{differs})"))
    lines += align_prose(rows, "  ") if rows else []
    if content.traits:
        lines += ["traits of the subject:", *align_prose([(n, repr(v)) for n, v in content.traits.items()], "  ")]
    found = content.explanation
    if found is None:
        return [*lines, "no earlier sweep has another run at this place"]
    other = f"run {content.against} of sweep {found.against}" if content.against else f"sweep {found.against}"
    there = "" if content.against else ", which has none at this place"
    return [*lines, *wrap_lines([f"compared with {other}{there}:", *(f"  {cause}" for cause in found.causes)])]


def _run_object(content: RunContent) -> dict[str, Any]:
    found = {f.name: getattr(content, f.name) for f in dataclasses.fields(content)}
    return {
        "ok": True,
        **found,
        "key": content.key.hex(),
        "made": [{"table": t, "component": c, "revision": r} for t, c, r in content.made],
        "numbers": [{"path": path, **dataclasses.asdict(value)} for path, value in content.numbers],
        "explanation": why_object(content.explanation),
    }


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(why)
