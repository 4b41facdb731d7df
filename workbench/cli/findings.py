"""``workbench findings``: what was published, what the model gives, met or missed."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.faults import resumable
from workbench.cli.options import AsFormat, AsJson, ForRuns, Workers
from workbench.cli.output import Format, print_frame, print_object, put
from workbench.cli.progress import watcher
from workbench.cli.tables import NOTHING, Number, aligned
from workbench.errors import CheckFailed

if TYPE_CHECKING:
    from workbench.analysis.ledger import CriterionRow, Ledger, LedgerRow

HEADER = ("id", "role", "verdict", "published", "accept", "model", "MC error", "5-95 %", "what is taken")
WIDEST = 34
"""Letters of a published result in the table; the whole text is in the other formats."""


def findings(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DB|SCENARIO|FOLDER]...", help="Databases to read; scenarios to run first."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 5 unless every row counted is met.")] = False,
    db: ForRuns = None,
    subjects: Annotated[
        int | None,
        typer.Option(
            "--subjects",
            metavar="N",
            min=1,
            help="Run scenarios with N subjects in each study, and only what the findings are about.",
        ),
    ] = None,
    workers: Workers = None,
    form: AsFormat = Format.text,
    as_json: AsJson = False,
) -> int:
    """Hold the model against published findings.

    A scenario is run first where runs are missing. Rows that parameters were fitted to are not successes.
    """
    from workbench.analysis.findings import findings as hold
    from workbench.analysis.ledger import table

    quiet = as_json or form is not Format.text
    command = shlex.join(["workbench", *context.obj])
    with resumable(command):
        found = hold(
            *(targets or ()),
            db=db,
            subjects=subjects,
            workers=workers,
            watch=lambda: watcher(quiet=quiet),
            command=command,
        )
    code = CheckFailed.exit_code if strict and not found.strictly_met else 0
    if as_json or form is Format.json:
        listed = [_as_object(row) for row in found.rows]
        print_object({"ok": code == 0, "findings": listed, "counts": _counts(found)})
    elif form is Format.text:
        put("\n".join(_lines(found)))
    else:
        print_frame(table(found.rows), form, as_json)
    return code


def _counts(found: Ledger) -> dict[str, Any]:
    return {**{str(role): verdicts for role, verdicts in found.counts.items()}, "successes": found.successes}


def _as_object(row: LedgerRow) -> dict[str, Any]:
    """Return one row for machines; the plain fields are those of the criterion that decides."""
    finding, deciding = row.finding, row.deciding
    return {
        "id": finding.name,
        "role": row.role,
        "published": finding.published,
        "accept": _ends(deciding.criterion.accept) if deciding else None,
        "model": deciding.value if deciding else None,
        "mc_error": deciding.mc_error if deciding else None,
        "interval": deciding.interval if deciding else None,
        "met": row.met,
        "source": list(finding.source),
        "verdict": row.verdict,
        "title": finding.title,
        "scenario": finding.scenario,
        "preparation": finding.preparation,
        "unit": finding.unit,
        "checked": finding.checked,
        "why": row.why,
        "note": finding.note,
        "db": row.db,
        "sweep": row.sweep,
        "remark": row.note,
        "criteria": [_criterion(c) for c in row.criteria],
    }


def _criterion(row: CriterionRow) -> dict[str, Any]:
    c = row.criterion
    return {
        "criterion": row.words,
        "statistic": c.statistic,
        c.kind: c.measure,
        "arms": list(c.arms),
        "study": c.study,
        "accept": _ends(c.accept),
        "unit": c.unit,
        "model": row.value,
        "mc_error": row.mc_error,
        "interval": row.interval,
        "no_interval": row.without,
        "verdict": row.verdict,
        "subjects": row.subjects,
        "note": row.note,
    }


def _ends(accept: tuple[float, float]) -> list[float | None]:
    """Return a range with null for an open end."""
    return [end if math.isfinite(end) else None for end in accept]


def _lines(found: Ledger) -> Iterator[str]:
    """Yield the table, misses first, one line a criterion, and what counts."""
    yield from aligned(HEADER, (cells for row in found.rows for cells in _cells(row)))
    yield ""
    yield from _notes(found)
    for role, verdicts in found.counts.items():
        total = sum(verdicts.values())
        if total:
            told = ", ".join(f"{count} {verdict}" for verdict, count in reversed(verdicts.items()) if count)
            yield f"{role}: {told}, of {total}"
    tests = sum(found.counts["test"].values())
    if tests:
        yield f"successes: {found.successes} of {tests} test findings (no other row counts as one)"
    else:
        yield "successes: none, since no row is a published test (theory checks the engine, not a brain)"


def _cells(row: LedgerRow) -> Iterator[tuple[Any, ...]]:
    """Yield one line for the criterion that decides, then the finding's others."""
    deciding = row.deciding
    head = (row.finding.name, row.role, row.verdict, _short(row.finding.published))
    if deciding is None:
        yield (*head, NOTHING, NOTHING, NOTHING, NOTHING, row.note)
        return
    yield (*head, *_numbers(deciding))
    for other in row.criteria:
        if other is not deciding:
            yield ("", "", other.verdict, "", *_numbers(other))


def _numbers(row: CriterionRow) -> tuple[Any, ...]:
    from workbench.analysis.ledger import span

    return (
        span(row.criterion.accept),
        Number(_value(row.value)),
        Number(_value(row.mc_error, 2)),
        NOTHING if row.interval is None else f"{_value(row.interval[0])} to {_value(row.interval[1])}",
        row.words,
    )


def _value(value: float | None, digits: int = 3) -> str:
    return NOTHING if value is None else f"{value:.{digits}g}" if abs(value) < 1000 else f"{value:.0f}"


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 3] + "..."


def _notes(found: Ledger) -> Iterator[str]:
    """Yield what a reader must know beside the numbers; what several rows share is said once."""
    shared: dict[str, list[str]] = {}
    for row in found.rows:
        told = [row.note, *(c.note for c in row.criteria)]
        told += [f"no interval over parameters: {c.without}" for c in row.criteria if c.without]
        for note in dict.fromkeys(note for note in told if note):
            shared.setdefault(note, []).append(row.finding.name)
        if row.why:
            word = _word(row)
            shared.setdefault(f"{word}: {row.why}", []).append(row.finding.name)
    for note, names in shared.items():
        yield f"{', '.join(names)}: {note}"


def _word(row: LedgerRow) -> str:
    if row.finding.must_fail:
        return "must fail"
    return "true by construction" if row.finding.by_construction else "expected to fail"


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(findings)
