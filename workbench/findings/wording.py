"""The words for findings that terminal and pages share; numbers are formatted by the caller."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

from workbench.findings.finding import ROLES

if TYPE_CHECKING:
    from workbench.findings.ledger import CriterionRow, LedgerRow, PaceRow

    Write = Callable[[Any], str]

COULD_NOT_FAIL = "could not fail here, so agreement is no success"
"""The role in words of what nobody fitted and what nearly every assumed parameter set meets."""

HALF_WIDTH = 1.96
"""Standard errors from a value to the end of its 95 % interval."""


def role_words(row: LedgerRow) -> str:
    """Say what agreement with a finding is worth."""
    return COULD_NOT_FAIL if row.could_not_fail else ROLES[row.role]


def accepted(accept: tuple[float, float], write: Write) -> str:
    """Return an accepted range in words: ``at least 0.9``, ``50 to 70``."""
    low, high = accept
    if math.isinf(low):
        return f"at most {write(high)}"
    return f"at least {write(low)}" if math.isinf(high) else f"{write(low)} to {write(high)}"


def calculation_error(row: CriterionRow) -> float | None:
    """Return the calculation error of a value: half the width of its 95 % interval over simulated subjects."""
    return None if row.mc_error is None else HALF_WIDTH * row.mc_error


def severity_words(row: CriterionRow) -> str:
    """Say how hard a criterion was to meet, or why that is not known."""
    if row.severity is None:
        return f"not measured: {row.unmeasured}" if row.unmeasured else ""
    return row.severity.words


def range_words(row: CriterionRow, write: Write) -> str:
    """Return the range over assumed parameter sets, marked where it excludes the model's own figure, or why not."""
    if row.interval is None:
        return f"none: {row.without}" if row.without else ""
    text = f"{write(row.interval[0])} to {write(row.interval[1])}"
    return f"{text}, without the model's own figure" if row.excludes_own else text


def horizon_words(row: LedgerRow, write: Write) -> str:
    """Say after which time of treatment a finding was published, and the model is read."""
    days = row.finding.treatment
    if days is None:
        return ""
    length = f"{write(24 * days)} h" if days < 1 else "1 day" if days == 1 else f"{write(days)} days"
    text = f"after {length} of treatment"
    return f"{text}. {row.finding.treatment_note}" if row.finding.treatment_note else text


def smallest_words(row: CriterionRow, write: Write) -> str:
    """Say from where on an effect counts, and why."""
    smallest = row.criterion.smallest
    if smallest is None or row.criterion.effect is None:
        return ""
    source = f" ({smallest.source})" if smallest.source else ""
    return f"{write(row.criterion.effect)} from no effect at {write(smallest.no_effect)}: {smallest.because}{source}"


def pace_words(row: CriterionRow, write: Write) -> str:
    """Say how the verdict moves with the number of trials a day."""

    def part(verdict: str, paces: list[PaceRow]) -> str:
        many = ", ".join(f"{write(p.pace)} ({write(p.value)})" for p in paces)
        return f"{verdict} at {many}"

    grouped = ((verdict, list(some)) for verdict, some in groupby(row.paces, key=lambda p: p.verdict))
    return "; ".join(part(verdict, paces) for verdict, paces in grouped)


def undecided_words(row: CriterionRow) -> str:
    """Say how many people would decide what is undecided because too few were run."""
    if not row.needed:
        return ""
    return f"{row.subjects:,} people leave it open; about {_rounded(row.needed):,} would decide it, if it stays"


def _rounded(count: int) -> int:
    """Return a count with two digits, rounded up."""
    step: int = 10 ** max(0, len(str(count)) - 2)
    return -(-count // step) * step


def remarks(row: CriterionRow, write: Write) -> Iterator[tuple[str, str]]:
    """Yield what stands below a criterion: a label and what it says."""
    if row.criterion.beside:
        yield "beside", f"shown and not judged: {row.criterion.beside}"
    if row.demoted:
        yield "not counted", row.demoted
    for label, words in (
        ("severity", severity_words(row) if row.role in ("test", "built_in") and row.judged else ""),
        ("smallest effect", smallest_words(row, write) if row.counts else ""),
        ("trials a day", pace_words(row, write)),
        ("people", undecided_words(row)),
        ("note", row.note),
    ):
        if words and words != row.demoted:
            yield label, words
