"""How far a shipped scenario's results may lie apart between processors, as it was measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from workbench.scenario.shipped_files import data_folder
from workbench.scenario.text.document import outline

if TYPE_CHECKING:
    from workbench.analysis.selection import Selection


FILE = "tolerances.toml"
FLOOR, MARGIN = 1e-12, 10.0
AMPLIFIES = 1e-9
"""Share of an outcome's largest value: what a unit in the last place moves by more than this amplifies rounding."""


@dataclass(frozen=True)
class Amplified:
    """One outcome of one arm that amplifies rounding; shares of the outcome's largest value in its scenario.

    Attributes
    ----------
    measured : float
        The largest difference of any run's outcome between two processors, or after a nudge.
    tolerance : float
        What two machines may differ by.
    """

    arm: str
    outcome: str
    measured: float
    tolerance: float


@dataclass(frozen=True)
class Rounding:
    """The same for all other outcomes of a scenario, and those that amplify."""

    scenario: str
    measured: float
    tolerance: float
    amplified: tuple[Amplified, ...]

    def of(self, arm: str, outcome: str) -> float:
        """Return the tolerance of one outcome of one arm."""
        found = (one.tolerance for one in self.amplified if (one.arm, one.outcome) == (arm, outcome))
        return next(found, self.tolerance)

    @property
    def widest(self) -> float:
        """The largest of its tolerances."""
        return max((self.tolerance, *(one.tolerance for one in self.amplified)))


def tolerance_for(measured: float) -> float:
    """Return the tolerance where so much was measured: the power of ten above ten times that, and not below 1e-12."""
    return max(FLOOR, float(f"1e{math.ceil(math.log10(MARGIN * measured))}")) if measured > 0.0 else FLOOR


def read_tolerances(file: Path) -> dict[str, Rounding]:
    """Return what a file states, by scenario."""
    raw: Mapping[str, Any] = outline(file.read_bytes())["scenario"]
    return {
        name: Rounding(
            name, one["measured"], one["tolerance"], tuple(Amplified(**more) for more in one.get("amplified", ()))
        )
        for name, one in raw.items()
    }


@cache
def tolerances() -> Mapping[str, Rounding]:
    """Return what is stated of the shipped scenarios, by name."""
    return MappingProxyType(read_tolerances(data_folder() / FILE))


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


def describe_agreement(selection: Selection) -> str:
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
