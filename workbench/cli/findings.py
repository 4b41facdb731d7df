"""``workbench findings``: what was published, what the model gives, met or missed."""

from __future__ import annotations

import math
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.faults import explain_stop
from workbench.cli.options import AsFormat, AsJson, ForRuns, Workers
from workbench.cli.output import Format, print_frame, print_object, print_text
from workbench.cli.progress_bar import watcher
from workbench.errors import CheckFailed
from workbench.files import command_line
from workbench.terms import CALCULATION_ERROR, PLAUSIBLE
from workbench.text_tables import NOTHING

if TYPE_CHECKING:
    from workbench.findings.ledger import CriterionRow, Ledger, LedgerRow
    from workbench.findings.standing import Severity

HEADER = ("id", "role", "verdict", "model", "accepted")
INDENT = "    "
NARROWEST = 60
"""The narrowest width that is used, however narrow the terminal."""


def findings(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DB|SCENARIO|FOLDER]...", help="Databases to read; scenarios to run first."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 5 unless every counted row is met.")] = False,
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
    decide: Annotated[
        int | None,
        typer.Option(
            "--decide",
            metavar="N",
            min=1,
            help="Add people to undecided findings, up to N in each study; run separately, in NAME.decided.db.",
        ),
    ] = None,
    workers: Workers = None,
    form: AsFormat = Format.text,
    as_json: AsJson = False,
) -> int:
    """Hold the model against published findings.

    A scenario is run first where runs are missing. Rows that parameters were fitted to are not successes.
    """
    from workbench.findings.collection import findings as hold
    from workbench.findings.ledger import table

    quiet = as_json or form is not Format.text
    command = command_line(["workbench", *context.obj])
    with explain_stop(command):
        found = hold(
            *(targets or ()),
            db=db,
            subjects=subjects,
            workers=workers,
            watch=lambda: watcher(quiet=quiet),
            command=command,
            decide=decide,
        )
    code = CheckFailed.exit_code if strict and not found.strictly_met else 0
    if as_json or form is Format.json:
        listed = [_as_object(row) for row in found.rows]
        about = {"about": list(found.about)} if found.about else {}
        print_object({"ok": code == 0, "findings": listed, "counts": _counts(found), **about})
    elif form is Format.text:
        print_text("\n".join(_lines(found)))
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
        "could_not_fail": row.could_not_fail,
        "severity": _severity(row.severity),
        "no_severity": row.unmeasured,
        "treatment_days": finding.treatment,
        "treatment_note": finding.treatment_note,
        "chosen": list(row.chosen),
        "why": row.why,
        "note": finding.note,
        "db": row.db,
        "sweep": row.sweep,
        "remark": row.note,
        "criteria": [_criterion(c) for c in row.criteria],
    }


def _criterion(row: CriterionRow) -> dict[str, Any]:
    c = row.criterion
    smallest = None
    if c.smallest is not None:
        smallest = {
            "effect": c.effect,
            "no_effect": c.smallest.no_effect,
            "because": c.smallest.because,
            "source": c.smallest.source,
        }
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
        "interval_excludes_model": row.excludes_own,
        "verdict": row.verdict,
        "role": row.role,
        "counts": row.counts,
        "not_counted": row.demoted,
        "beside": c.beside,
        "severity": _severity(row.severity),
        "no_severity": row.unmeasured,
        "smallest": smallest,
        "paces": [{"pace": p.pace, "unit": p.unit, "verdict": p.verdict, "model": p.value} for p in row.paces],
        "subjects": row.subjects,
        "subjects_needed": row.needed or None,
        "note": row.note,
    }


def _severity(found: Severity | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "held": found.held,
        "sets": found.sets,
        "study": found.study,
        "bits": found.bits,
        "label": found.label,
    }


def _ends(accept: tuple[float, float]) -> list[float | None]:
    """Return a range with null for an open end."""
    return [end if math.isfinite(end) else None for end in accept]


def _lines(found: Ledger) -> Iterator[str]:
    """Yield the findings, misses first, one block each that fits the terminal, and what counts."""
    width = max(NARROWEST, shutil.get_terminal_size((80, 24)).columns)
    for said in found.about:
        yield from wrapped(said, "  ", width)
    if found.about and found.rows:
        yield ""
    if not found.rows:
        return
    heads = [_head(row) for row in found.rows]
    widths = [max(map(len, column)) for column in zip(HEADER, *heads, strict=True)]
    yield _joined(HEADER, widths)
    for row, head in zip(found.rows, heads, strict=True):
        line = _joined(head, widths)
        yield from [line] if len(line) <= width else wrapped(line, "", width)
        yield from _block(row, width)
    yield ""
    for note, names in _shared(found).items():
        yield from wrapped(f"{', '.join(names)}: {note}", "  ", width)
    for role, verdicts in found.counts.items():
        total = sum(verdicts.values())
        if total:
            noted = ", ".join(f"{count} {verdict}" for verdict, count in reversed(verdicts.items()) if count)
            yield from wrapped(f"{role}: {noted}, of {total}", "  ", width)
    tests = sum(found.counts["test"].values())
    if tests:
        yield f"successes: {found.successes} of {tests} test findings (no other row counts as one)"
    else:
        yield "successes: none, because no row is a published test"
        yield "  (theory checks the engine, not a brain)"


def wrapped(text: str, indent: str, width: int) -> list[str]:
    """Return a text in lines of at most `width`, the later ones indented; no word is broken."""
    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )  # fmt: skip


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _head(row: LedgerRow) -> tuple[str, ...]:
    """Return the cells of a finding's first line: of the criterion that decides."""
    from workbench.findings.wording import accepted

    deciding = row.deciding
    head = (row.finding.name, row.role, row.verdict)
    if deciding is None:
        return (*head, NOTHING, NOTHING)
    return (*head, _model(deciding), accepted(deciding.criterion.accept, _value))


def _block(row: LedgerRow, width: int) -> Iterator[str]:
    """Yield what stands below a finding's first line: what was published, and each criterion with its remarks."""
    from workbench.findings.wording import accepted, horizon_words, remarks

    yield from _indented(f"published: {row.finding.published}", width)
    if horizon := horizon_words(row, _value):
        yield from _indented(horizon, width)
    deciding = row.deciding
    for criterion in [*([deciding] if deciding else []), *(c for c in row.criteria if c is not deciding)]:
        line = criterion.words
        if criterion is not deciding:
            judged = criterion.verdict if criterion.judged else f"beside ({criterion.verdict})"
            line = f"{judged}, {_model(criterion)}, accepted {accepted(criterion.criterion.accept, _value)}: {line}"
        yield from _indented(line, width)
        for label, words in remarks(criterion, _value):
            if label != "note":
                yield from _indented(f"{label}: {words}", width, 2)
        if criterion.interval is not None:
            yield from _indented(f"{PLAUSIBLE}: {_range(criterion)}", width, 2)
    if row.role in ("test", "built_in") and sum(c.judged for c in row.criteria) > 1:
        words = row.severity.words if row.severity is not None else f"not measured: {row.unmeasured}"
        yield from _indented(f"all of it: {words}", width)
    for chosen in row.chosen:
        yield from _indented(chosen, width)


def _indented(text: str, width: int, depth: int = 1) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=INDENT * depth,
        subsequent_indent=INDENT * depth + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _range(row: CriterionRow) -> str:
    from workbench.findings.wording import range_words

    return range_words(row, _value)


def _model(row: CriterionRow) -> str:
    """Return the model's value with its calculation error."""
    from workbench.findings.wording import calculation_error

    error = calculation_error(row)
    return _value(row.value) + (f" ± {_value(error, 2)}" if row.value is not None and error is not None else "")


def _value(value: float | None, digits: int = 3) -> str:
    if value is None:
        return NOTHING
    return f"{value + 0.0:.{digits}g}" if abs(value) < 1000 else f"{value:.0f}"


def _shared(found: Ledger) -> dict[str, list[str]]:
    """Return the remarks that a reader needs, each once, with the findings that it is about."""
    shared: dict[str, list[str]] = {}
    for row in found.rows:
        noted = [row.note, *(c.note for c in row.criteria)]
        noted += [f"no {PLAUSIBLE}: {c.without}" for c in row.criteria if c.without]
        for note in dict.fromkeys(note for note in noted if note):
            shared.setdefault(note, []).append(row.finding.name)
        if row.why:
            word = _word(row)
            shared.setdefault(f"{word}: {row.why}", []).append(row.finding.name)
    if any(c.value is not None for row in found.rows for c in row.criteria):
        shared[f"{CALCULATION_ERROR}, from the number of simulated subjects: 95 % interval"] = ["±"]
    return shared


def _word(row: LedgerRow) -> str:
    if row.finding.must_fail:
        return "must fail"
    return "true by construction" if row.finding.by_construction else "expected to fail"


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(findings)
