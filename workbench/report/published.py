"""What was published beside what the model gives: misses first, what was fitted apart from what was tested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.findings.ledger import natural_order
from workbench.findings.wording import (
    accepted,
    calculation_error,
    horizon_words,
    pace_words,
    range_words,
    role_words,
    severity_words,
    smallest_words,
    undecided_words,
)
from workbench.report.page_tables import PageTable
from workbench.report.words import number, sentence
from workbench.terms import CALCULATION_ERROR, PLAUSIBLE, heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.findings.ledger import CriterionRow, LedgerRow


def findings_summary(rows: Sequence[LedgerRow]) -> str:
    """Say how many published findings the model meets and misses, counting only those that nothing was set with.

    What theory says of the equations is no observation and is counted apart.
    """
    theory = [row for row in rows if row.role == "theory"]
    published = [row for row in rows if row.role != "theory"]
    right = sum(bool(row.met) for row in theory)
    checks = f"Of {len(theory)} checks against theory {right} are right, {len(theory) - right} are not"
    undecided = _published(published) if published else []
    return " ".join(sentence(text) for text in (*undecided, *([checks] if theory else [])))


def _published(rows: Sequence[LedgerRow]) -> list[str]:
    tested = [row for row in rows if row.role == "test"]
    others = len(rows) - len(tested)
    met, missed, *rest = (sum(row.verdict == v for row in tested) for v in ("met", "missed", "undecided", "not run"))
    undecided = "".join(f", {n} {word}" for n, word in zip(rest, ("undecided", "not run"), strict=True) if n)
    text = (
        f"Of {len(rows)} published findings about this scenario {len(tested)} can test it, because no number was "
        f"fitted to them and they could fail: {met} met, {missed} missed{undecided}"
    )
    lost = [row for row in rows if row.role in ("fit", "built_in") and row.verdict == "missed"]
    sure = sum(row.could_not_fail for row in rows)
    words = ["were fitted", "are true by construction", *(["could not fail here"] if sure else [])]
    left = f"The other {others} {', '.join(words)} or are expected to fail" if others else ""
    return [text, left + (f"; {len(lost)} of them are missed" if lost else "")] if left else [text]


def findings_tables(rows: Sequence[LedgerRow], query: str) -> list[PageTable]:
    """Every criterion of every finding, misses first: those that test the model apart from those it was set with."""
    tested = [row for row in rows if row.role == "test"]
    theory = [row for row in rows if row.role == "theory"]
    others = [row for row in rows if row.role not in ("test", "theory")]
    captions = (
        "Findings that can test the model, misses first",
        "Findings that cannot: fitted, true by construction, or met by nearly every assumed parameter set",
        "Checks against theory: of the engine, not of a brain",
    )
    names = ("findings_test", "findings_other", "findings_theory")
    named = zip(names, captions, (tested, others, theory), strict=True)
    return [_table(caption, part).of(name, query) for name, caption, part in named if part]


def _table(caption: str, rows: Sequence[LedgerRow]) -> PageTable:
    cells = []
    for row in rows:
        for criterion in row.criteria or (None,):
            cells.append(
                (
                    f"{row.finding.name}: {row.finding.title}",
                    _role(row, criterion),
                    f"{row.finding.published} ({', '.join(row.finding.source)})",
                    _horizon(row),
                    criterion.words if criterion else "",
                    accepted(criterion.criterion.accept, number) if criterion else "",
                    smallest_words(criterion, number) if criterion else "",
                    number(criterion.value) if criterion else "",
                    number(calculation_error(criterion)) if criterion else "",
                    range_words(criterion, number) if criterion else "",
                    severity_words(criterion) if criterion and row.role != "theory" else "",
                    _verdict(row, criterion),
                )
            )
    columns = ("Finding", "Role", "Published", "When", "What is taken", "Accepted", "Smallest effect", "Model",
               heading(CALCULATION_ERROR), f"Over {PLAUSIBLE}", "Severity", "Verdict")  # fmt: skip
    return PageTable(caption, columns, tuple(cells), look="wide")


def _role(row: LedgerRow, criterion: CriterionRow | None) -> str:
    """Say what agreement is worth: of the criterion, where it is worth less than its finding."""
    if criterion is not None and not criterion.judged:
        return f"beside, not judged: {criterion.criterion.beside}"
    if criterion is not None and criterion.demoted:
        return f"not counted: {criterion.demoted}"
    return "; ".join((role_words(row), *row.chosen))


def _horizon(row: LedgerRow) -> str:
    return horizon_words(row, number)


def _verdict(row: LedgerRow, criterion: CriterionRow | None) -> str:
    """Return the verdict, why it must or may fail, how it moves with the trials a day, and what would decide it."""
    if criterion is None:
        return row.verdict
    why = f": {row.why}" if row.why and (row.role == "stress" or row.finding.must_fail) else ""
    paces = pace_words(criterion, number)
    more = [f"by trials a day: {paces}" if paces else "", undecided_words(criterion)]
    return "; ".join([criterion.verdict + why, *(words for words in more if words)])


def unchecked_sentence(parameter_set: Mapping[str, Any]) -> str:
    """Say, where no finding is about the scenario, what its numbers were fitted to elsewhere."""
    text = "No published finding is held against this scenario itself, so nothing here tests the model."
    values = list(parameter_set.get("parameter", {}).values())
    for condition in parameter_set.get("condition", {}).values():
        values += [value for value in condition.values() if isinstance(value, dict)]
    names = sorted({name for value in values for name in value.get("fitted_to", ())}, key=natural_order)
    if names:
        text += (
            f" Its numbers were fitted to {len(names)} findings ({', '.join(names)}) in other scenarios on the same "
            "parameter set; “workbench findings” compares those with what was published."
        )
    return text
