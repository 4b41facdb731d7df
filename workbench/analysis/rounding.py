"""What is the same where: how far a shipped scenario's results may lie apart between processors, in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from workbench.execution.tolerances import Amplified, tolerances

if TYPE_CHECKING:
    from workbench.analysis.selection import Selection


def amplified(selection: Selection, outcomes: Iterable[str] | None = None) -> list[Amplified]:
    """Return which outcomes of which arms of a sweep amplify rounding, as measured of the shipped scenario.

    Parameters
    ----------
    outcomes : names, optional
        Only these.
    """
    stated = tolerances().get(str(selection.facts["scenario"]))
    if stated is None:
        return []
    here = {row.name for row in _outcomes(selection)}
    here = here if outcomes is None else here.intersection(outcomes)
    return [one for one in stated.amplified if one.outcome in here and one.arm in selection.arms.index]


def between_processors(selection: Selection, outcomes: Iterable[str] | None = None) -> list[str]:
    """Return one sentence for each outcome that amplifies rounding, with the arms in which it does."""
    titles = {row.name: row.title or row.name for row in _outcomes(selection)}
    by_outcome: dict[str, list[Amplified]] = {}
    for one in amplified(selection, outcomes):
        by_outcome.setdefault(one.outcome, []).append(one)
    said = []
    for outcome, arms in by_outcome.items():
        where = ", ".join(str(selection.arms.title[one.arm] or one.arm) for one in arms)
        share = max(one.measured for one in arms)
        said.append(
            f"{titles[outcome]} amplifies rounding (in: {where}): with the numbers as shipped, processors differ by "
            f"{share:.0e} of its largest value."
        )
    return said


def agreement(selection: Selection) -> str:
    """Return how far processors agree in all that amplifies nothing, "" where that was not measured."""
    stated = tolerances().get(str(selection.facts["scenario"]))
    if stated is None:
        return ""
    return (
        f"With the numbers as shipped, outcomes are the same on every processor to {stated.tolerance:.0e} of their "
        f"largest value (measured: {stated.measured:.0e})."
    )


def _outcomes(selection: Selection) -> Iterable[Any]:
    measures = selection.measures
    return measures[measures.kind == "outcome"].itertuples()
