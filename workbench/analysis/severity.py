"""How hard a published row was to meet: the share of assumed parameter sets in which it holds.

A row that holds in nearly all sets that anybody would have tried could not have failed here; meeting it says nothing
of the shipped set. The evidence of a row that is met is at most -log2(share) bits, whatever the shipped set gives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.terms import ENOUGH_SETS

LEVEL = 0.95
SURE = 0.90
"""A row could not fail if the lower end of the interval of its share lies above this."""
WEAK, RISKY = 0.5, 0.1
"""Shares above which a row is a weak test, and up to which it is a risky one."""

Label = Literal["could not fail here", "weak test", "could fail", "risky test", "not measured"]


@dataclass(frozen=True)
class Severity:
    """In how many of the sets of a study over assumed ranges a row holds."""

    held: int
    sets: int
    study: str

    @property
    def share(self) -> float:
        """Share of sets in which it holds."""
        return self.held / self.sets

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of the share at 95 %."""
        from scipy.stats import binomtest

        found = binomtest(self.held, self.sets).proportion_ci(LEVEL, method="wilson")
        return float(found.low), float(found.high)

    @property
    def could_not_fail(self) -> bool:
        """Whether it holds in so many sets that meeting it says nothing; 40 of 40 are enough."""
        return self.interval[0] > SURE

    @property
    def label(self) -> Label:
        """What meeting the row is worth; only "could not fail here" is said of fewer than 200 sets."""
        if self.could_not_fail:
            return "could not fail here"
        if self.sets < ENOUGH_SETS:
            return "not measured"
        if self.share > WEAK:
            return "weak test"
        return "could fail" if self.share > RISKY else "risky test"

    @property
    def bits(self) -> float:
        """The most evidence that meeting it can give; where no set meets it, that of the upper end of the interval."""
        return abs(math.log2(self.share or self.interval[1]))

    @property
    def words(self) -> str:
        """Say it in one clause: ``holds in 131 of 256 sets, at most 1 bit: weak test``."""
        counted = f"holds in {self.held} of {self.sets} assumed sets"
        if self.label == "not measured":
            return f"{counted}: too few for more ({ENOUGH_SETS} are needed)"
        bits = f"{abs(self.bits):.1f}"
        return f"{counted}, at most {bits} bit{'s' if bits != '1.0' else ''}: {self.label}"


def together(held: Sequence[Sequence[bool]], study: str) -> Severity | None:
    """Return the severity of several rows at once: the sets in which all of them hold; None without sets."""
    if not held or not held[0]:
        return None
    every = [all(row) for row in zip(*held, strict=True)]
    return Severity(sum(every), len(every), study)
