"""What was published beside what the model gives: misses first, what was fitted apart from what was tested."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.analysis.ledger import natural
from workbench.report.tables import Table
from workbench.report.words import number, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.analysis.ledger import CriterionRow, LedgerRow

ROLES = {
    "test": "tested: nothing was set with it",
    "fit": "fitted: numbers were set with it, so agreement is no success",
    "built_in": "true by construction, so agreement is no success",
    "stress": "expected to fail, and shown for that",
    "theory": "theory: a check of the engine, not of a brain",
    "unchecked": "quoted from memory; no target",
}


def findings_summary(rows: Sequence[LedgerRow]) -> str:
    """Say how many published findings the model meets and misses, counting only those that nothing was set with.

    What theory says of the equations is no observation and is counted apart.
    """
    theory = [row for row in rows if row.role == "theory"]
    published = [row for row in rows if row.role != "theory"]
    right = sum(bool(row.met) for row in theory)
    checks = f"Of {len(theory)} checks against theory {right} are right, {len(theory) - right} are not"
    told = _published(published) if published else []
    return " ".join(sentence(text) for text in (*told, *([checks] if theory else [])))


def _published(rows: Sequence[LedgerRow]) -> list[str]:
    tested = [row for row in rows if row.role == "test"]
    others = len(rows) - len(tested)
    met, missed = (sum(row.verdict == v for row in tested) for v in ("met", "missed"))
    open_ = len(tested) - met - missed
    text = (
        f"Of {len(rows)} published findings about this scenario {len(tested)} can test it, because nothing was set "
        f"with them: {met} met, {missed} missed" + (f", {open_} undecided or not run" if open_ else "")
    )
    lost = [row for row in rows if row.role in ("fit", "built_in") and row.verdict == "missed"]
    rest = f"The other {others} were fitted, are true by construction or are expected to fail" if others else ""
    return [text, rest + (f"; {len(lost)} of them are missed" if lost else "")] if rest else [text]


def findings_tables(rows: Sequence[LedgerRow], query: str) -> list[Table]:
    """Every criterion of every finding, misses first: those that test the model apart from those it was set with."""
    tested = [row for row in rows if row.role == "test"]
    theory = [row for row in rows if row.role == "theory"]
    others = [row for row in rows if row.role not in ("test", "theory")]
    captions = (
        "Findings that can test the model, misses first",
        "Findings that cannot: fitted, true by construction",
        "Checks against theory: of the engine, not of a brain",
    )
    names = ("findings_test", "findings_other", "findings_theory")
    named = zip(names, captions, (tested, others, theory), strict=True)
    return [_table(caption, part).of(name, query) for name, caption, part in named if part]


def _table(caption: str, rows: Sequence[LedgerRow]) -> Table:
    cells = []
    for row in rows:
        for criterion in row.criteria or (None,):
            cells.append(
                (
                    f"{row.finding.name}: {row.finding.title}",
                    ROLES[row.role],
                    f"{row.finding.published} ({', '.join(row.finding.source)})",
                    criterion.words if criterion else "",
                    _range(criterion.criterion.accept) if criterion else "",
                    number(criterion.value) if criterion else "",
                    number(criterion.mc_error) if criterion else "",
                    _interval(criterion),
                    (criterion.verdict if criterion else row.verdict)
                    + (f": {row.why}" if row.why and (row.role == "stress" or row.finding.must_fail) else ""),
                )
            )
    columns = ("Finding", "Role", "Published", "What is taken", "Accepted", "Model", "Calculation error",
               "Range over plausible parameters", "Verdict")  # fmt: skip
    return Table(caption, columns, tuple(cells), look="wide")


def _range(accept: tuple[float, float]) -> str:
    low, high = accept
    if math.isinf(low):
        return f"at most {number(high)}"
    return f"at least {number(low)}" if math.isinf(high) else f"{number(low)} to {number(high)}"


def _interval(criterion: CriterionRow | None) -> str:
    if criterion is None:
        return ""
    if criterion.interval is None:
        return criterion.without
    return f"{number(criterion.interval[0])} to {number(criterion.interval[1])}"


def unchecked_sentence(parameter_set: Mapping[str, Any]) -> str:
    """Say, where no finding is about the scenario, what its numbers were fitted to elsewhere."""
    text = "No published finding is held against this scenario itself, so that nothing here tests the model."
    values = list(parameter_set.get("parameter", {}).values())
    for condition in parameter_set.get("condition", {}).values():
        values += [value for value in condition.values() if isinstance(value, dict)]
    names = sorted({name for value in values for name in value.get("fitted_to", ())}, key=natural)
    if names:
        text += (
            f" Its numbers were fitted to {len(names)} findings ({', '.join(names)}) in other scenarios on the same "
            "parameter set; “workbench findings” holds those against what was published."
        )
    return text
