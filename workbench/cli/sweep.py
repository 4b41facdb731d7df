"""``workbench sweep``: compute what is missing and store it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.faults import as_objects, explain_stop, note_lines
from workbench.cli.options import AsJson, LockTimeout, Workers
from workbench.cli.output import print_line, print_note, print_object, print_text, print_wrapped
from workbench.cli.progress_bar import counted, duration, forecast_lines, watcher
from workbench.cli.why import why_object
from workbench.errors import StorageError, UsageError, shorten
from workbench.files import command_line, plain_path, quote_argument, refuse_irregular, refuse_unwritable

if TYPE_CHECKING:
    from workbench.execution.pilot import RunForecast
    from workbench.execution.runner import Request, SweepResult

FAILED = 4


def sweep(
    context: typer.Context,
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario file.")],
    db: Annotated[
        str | None,
        typer.Option(
            "--db", metavar="FILE", help="Database, continued if it exists; data/results/NAME.db if not given."
        ),
    ] = None,
    workers: Workers = None,
    subjects: Annotated[
        int | None, typer.Option("--subjects", metavar="N", min=1, help="Subjects in each study.")
    ] = None,
    arm: Annotated[list[str] | None, typer.Option("--arm", metavar="NAME", help="Only this arm; repeatable.")] = None,
    study: Annotated[
        list[str] | None, typer.Option("--study", metavar="NAME", help="Only this study; repeatable.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Set a value everywhere; may be repeated.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", min=0, help="Seed to use instead of the file's.")
    ] = None,
    report: Annotated[
        str | None,
        typer.Option("--report", metavar="FILE", help="Also write the page; a page of the same database is replaced."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace any file in the page's place.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would run and how long it would take; write nothing.")
    ] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop after the first block with a failed run.")
    ] = False,
    max_points: Annotated[
        int, typer.Option("--max-points", metavar="N", min=1, help="Largest study allowed.")
    ] = 1_000_000,
    executor: Annotated[
        str, typer.Option("--executor", metavar="KIND", help="Who computes: local, or dask.")
    ] = "local",
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help="Dask scheduler, or the file that it wrote; one is started here if not given.",
        ),
    ] = None,
    mixed_machines: Annotated[
        bool,
        typer.Option("--mixed-machines", help="Let workers compute whose processor rounds differently from this one."),
    ] = False,
    lock_timeout: LockTimeout = 30.0,
    as_json: AsJson = False,
) -> int:
    """Compute and store what a scenario asks for.

    What is already stored is not computed again: after a stop, the same command continues where it left off.
    """
    from workbench.execution import runner as execution

    request = execution.prepare(
        scenario,
        db,
        workers=workers,
        subjects=subjects,
        arms=arm or (),
        studies=study or (),
        settings=read_pairs(set_ or ()),
        seed=seed,
        max_points=max_points,
        executor=executor,
        scheduler=scheduler,
        mixed_machines=mixed_machines,
    )
    _refuse_page(report, request.db, force)
    if not as_json:
        for line in note_lines(request.plan.notes):
            print_note(line)
    if dry_run:
        return _say(execution.forecast(request), request, as_json)
    command = command_line(["workbench", *context.obj])
    with explain_stop(command), watcher(quiet=as_json) as progress:
        result = execution.carry_out(
            request, fail_fast=fail_fast, progress=progress, command=command, lock_timeout=lock_timeout
        )
    page = _page(result, report)
    code = exit_code(result)
    if as_json:
        print_object({**_summary(result, code, page), "notes": as_objects(request.plan.notes)})
    else:
        _print_end(result, command, page)
    return code


def read_pairs(texts: Iterable[str]) -> dict[str, str]:
    """Return ``path=value`` texts as a mapping."""
    pairs: dict[str, str] = {}
    faults = []
    for text in texts:
        path, sign, value = text.partition("=")
        path = path.strip()
        if not sign or not path:
            faults.append(f"{shorten(text)}: expected PATH=VALUE")
        elif path in pairs:
            faults.append(f"{shorten(path)}: given twice")
        pairs.setdefault(path, value.strip())
    if faults:
        raise UsageError(f"--set {'; --set '.join(dict.fromkeys(faults))}")
    return pairs


def exit_code(result: SweepResult) -> int:
    """Return 0, 4 when a run failed, or 128 + signal when it was stopped."""
    if result.stopped:
        return 128 + result.stopped
    return FAILED if result.failed else 0


def _refuse_page(report: str | None, db: Path, force: bool) -> None:
    """Refuse a page that could not be written, before anything is computed.

    A page of the same database is replaced, since the sweep goes on; any other file belongs to someone.
    """
    if report is None:
        return
    target = Path(report)
    refuse_irregular(target, kept="nothing was computed")
    refuse_unwritable(target, kept="nothing was computed")
    if target.exists() and not force:
        from workbench.report.page import is_page_of

        if not is_page_of(target, db):
            what = f"already exists and is not a page of {db}; nothing was computed"
            raise StorageError(f"{target}: {what}; --force replaces it")


def _page(result: SweepResult, report: str | None) -> Path | None:
    if report is None or result.stopped:
        return None
    from workbench.report import build_report

    return build_report(result.db, Path(report), sweep=result.sweep, force=True)


def _say(forecast: RunForecast, request: Request, as_json: bool) -> int:
    if as_json:
        print_object(
            {
                "ok": True,
                "dry_run": True,
                "scenario": request.plan.scenario.name,
                "db": str(request.db),
                "notes": as_objects(request.plan.notes),
                "why": why_object(forecast.why),
                "expected": request.plan.expected,
                "reused": forecast.reused,
                "missing": forecast.left,
                "run_steps_per_second": forecast.rate,
                "seconds": forecast.seconds,
                "database_bytes": forecast.database_bytes,
            }
        )
    else:
        print_wrapped([*forecast_lines(forecast), f"dry run: nothing was written to {request.db}"])
    return 0


def _summary(result: SweepResult, code: int, page: Path | None) -> dict[str, Any]:
    return {
        "ok": code == 0,
        "exit": code,
        "sweep": result.sweep,
        "scenario": result.scenario,
        "db": str(result.db),
        "report": None if page is None else str(page),
        "expected": result.expected,
        "stored": result.stored,
        "failed": result.failed,
        "lost": result.lost,
        "reused": result.reused,
        "missing": result.missing,
        "run_steps": result.run_steps,
        "seconds": result.seconds,
        "write_seconds": result.write_seconds,
        "draw_seconds": result.draw_seconds,
        "workers": result.workers,
        "why": why_object(result.why),
    }


def _print_end(result: SweepResult, command: str, page: Path | None) -> None:
    db = quote_argument(result.db)
    rate = result.run_steps / result.seconds / 1e6 if result.seconds else 0.0
    print_text(
        f"{counted(result.expected, 'run')} = {result.stored:,} stored + {result.failed:,} failed"
        f" + {result.reused:,} reused + {result.missing:,} missing,\n  in {duration(result.seconds)}"
        f" ({rate:.3g} million run-steps/s, {result.write_seconds / max(result.seconds, 1e-9):.0%} of the time writing)"
    )
    print_line(f"database: {result.db} (sweep {result.sweep})")
    if page is not None:
        print_line(f"page: {page}")
    if result.missing:
        print_note(f"not finished: {result.missing:,} runs are missing; go on with: {command}")
        return
    if result.failed:
        print_note(f'{counted(result.failed, "run")} failed; see: workbench query {db} "select * from failures"')
    if result.lost:
        again = "the same command computes it again" if result.lost == 1 else "the same command computes them again"
        print_note(f"of these, {result.lost:,} lost with the process that computed it; {again}: {command}")
    print_line(f"next: workbench compare {db}")
    print_text(
        "\nimport pandas as pd, sqlite3\n"
        f'outcomes = pd.read_sql("select * from outcomes where sweep = {result.sweep}",'
        f" sqlite3.connect({plain_path(result.db)!r}))\n"
        'print(outcomes.groupby(["study", "arm", "outcome"])["value"].agg(["count", "mean", "std"]))'
    )


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(sweep)
