"""``workbench sweep``: compute what is missing and store it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.faults import as_objects, explain_stop, note_lines
from workbench.cli.options import AsJson, LockTimeout, Workers
from workbench.cli.output import print_line, print_note, print_object, print_text, print_wrapped
from workbench.cli.progress_bar import counted, duration, forecast_lines, watcher
from workbench.cli.why import why_object
from workbench.errors import Problem, ScenarioError, StorageError, UsageError, shorten
from workbench.files import (
    command_line,
    plain_path,
    quote_argument,
    refuse_irregular,
    refuse_replacing,
    refuse_unwritable,
)
from workbench.quantities import QuantityError, to_unit

if TYPE_CHECKING:
    from workbench.execution.pilot import RunForecast
    from workbench.execution.runner import Request, SweepResult

FAILED = 4
BYTES = {"MB": 1e6, "GB": 1e9, "TB": 1e12}
SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(MB|GB|TB)")


def sweep(
    context: typer.Context,
    scenarios: Annotated[list[str], typer.Argument(metavar="SCENARIO...", help="Scenario files.")],
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
    max_time: Annotated[
        str | None,
        typer.Option("--max-time", metavar="TIME", help='Stop after this time, such as "90 min"; may be continued.'),
    ] = None,
    max_memory: Annotated[
        str | None,
        typer.Option(
            "--max-memory", metavar="SIZE", help='Stop when more memory is held, such as "4 GB"; may be continued.'
        ),
    ] = None,
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
    """Compute and store what scenarios ask for.

    What is already stored is not computed again: after a stop, the same command continues where it left off. Several
    scenarios are all read first, and then computed one after the other, each into its own database.
    """
    from workbench.execution import runner as execution
    from workbench.execution.limits import Limits

    if len(scenarios) > 1:
        _refuse_shared({"--db": db, "--report": report}, len(scenarios))
    limits = Limits(_seconds(max_time), _bytes(max_memory))
    prepare = partial(
        execution.prepare,
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
    wanted = _prepared(scenarios, lambda scenario: prepare(scenario, db))
    for request in wanted:
        _refuse_page(report, request.db, Path(request.plan.scenario.file), force)
    if not as_json:
        for line in (line for request in wanted for line in note_lines(request.plan.notes)):
            print_note(line)
    if dry_run:
        objects = [_say(execution.forecast(request), request, as_json) for request in wanted]
        if as_json:
            _print_objects(objects, {"dry_run": True}, ok=True)
        return 0
    limits.refuse_too_small()
    command = command_line(["workbench", *context.obj])
    results: list[SweepResult] = []
    summaries: list[dict[str, Any]] = []
    for request in wanted:
        with explain_stop(command), watcher(quiet=as_json) as progress:
            result = execution.carry_out(
                request, fail_fast=fail_fast, progress=progress, command=command, lock_timeout=lock_timeout,
                limits=limits,
            )  # fmt: skip
        page = _page(result, report)
        results.append(result)
        summaries.append({**_summary(result, exit_code(result), page), "notes": as_objects(request.plan.notes)})
        if not as_json:
            _print_end(result, command, page)
        if result.stopped or (fail_fast and result.failed):
            break
    code = max(map(exit_code, results))
    if as_json:
        _print_objects(summaries, {"exit": code}, ok=code == 0)
    elif len(wanted) > 1:
        _print_all(wanted, results)
    return code


def _prepared(scenarios: Iterable[str], prepare: Callable[[str], Request]) -> list[Request]:
    """Return what each scenario asks for; the mistakes of all are told at once."""
    wanted: list[Request] = []
    problems: list[Problem] = []
    for scenario in scenarios:
        try:
            wanted.append(prepare(scenario))
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(problems)
    return wanted


def _refuse_shared(given: Mapping[str, str | None], count: int) -> None:
    """Refuse options that name one file where there are several scenarios, which have one each."""
    shared = [option for option, value in given.items() if value is not None]
    if shared:
        raise UsageError(f"{' and '.join(shared)} can be given with one scenario only, not with {count}")


def _seconds(text: str | None) -> float:
    if text is None:
        return math.inf
    try:
        seconds = to_unit(text, "s")
    except QuantityError as error:
        raise UsageError(f"--max-time: {shorten(text)}: {error}") from None
    if seconds <= 0:
        raise UsageError(f"--max-time: {shorten(text)}: must be above 0")
    return seconds


def _bytes(text: str | None) -> float:
    if text is None:
        return math.inf
    match = SIZE.fullmatch(text.strip())
    if match is None or float(match[1]) <= 0:
        raise UsageError(f'--max-memory: {shorten(text)}: expected a size above 0 in MB, GB or TB, such as "4 GB"')
    return float(match[1]) * BYTES[match[2]]


def _print_objects(found: list[dict[str, Any]], shared: dict[str, Any], ok: bool) -> None:
    """Print the object of one scenario, or one object with those of several."""
    print_object(found[0] if len(found) == 1 else {"ok": ok, **shared, "sweeps": found})


def _print_all(wanted: Sequence[Request], results: Sequence[SweepResult]) -> None:
    """Say where every scenario of the command stands."""
    lines = []
    for place, request in enumerate(wanted):
        name = request.plan.scenario.name
        if place >= len(results):
            lines.append(f"{name}: not begun")
            continue
        counts = results[place]
        there = counts.stored + counts.reused
        lines.append(
            f"{name}: {there:,} of {counted(counts.expected, 'run')}, {counts.failed:,} failed,"
            f" {counts.missing:,} missing; {counts.db}"
        )
    print_wrapped(["", "all scenarios of this command:", *(f"  {line}" for line in lines)])


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


def _refuse_page(report: str | None, db: Path, scenario: Path, force: bool) -> None:
    """Refuse a page that could not be written, before anything is computed.

    A page of the same database is replaced, since the sweep goes on; any other file belongs to someone.
    """
    if report is None:
        return
    target = Path(report)
    refuse_replacing(target, (db, scenario), kept="nothing was computed")
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


def _say(forecast: RunForecast, request: Request, as_json: bool) -> dict[str, Any]:
    """Tell people a forecast, and return it as an object."""
    if not as_json:
        print_wrapped([*forecast_lines(forecast), f"dry run: nothing was written to {request.db}"])
    return {
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
        "limit": result.limit,
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
    if result.limit:
        print_note(f"stopped: {result.limit}")
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
