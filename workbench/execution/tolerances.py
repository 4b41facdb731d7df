"""How far a shipped scenario's results may lie apart between processors, as it was measured."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from workbench.scenario.library import data_folder

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


def allowed(measured: float) -> float:
    """Return the tolerance where so much was measured: the power of ten above ten times that, and not below 1e-12."""
    return max(FLOOR, float(f"1e{math.ceil(math.log10(MARGIN * measured))}")) if measured > 0.0 else FLOOR


def read_tolerances(file: Path) -> dict[str, Rounding]:
    """Return what a file states, by scenario."""
    raw: Mapping[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))["scenario"]
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
