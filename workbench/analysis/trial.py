"""The same comparison as a trial would see it: two separate groups, no one their own control."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.analysis.intervals import hedges_g

if TYPE_CHECKING:
    from workbench.component.arrays import Array


LEVEL = 1.96


@dataclass(frozen=True)
class BetweenGroups:
    """Hedges' g of two groups with its 95 % interval; None where the groups do not vary or are too small."""

    g: float | None
    low: float | None = None
    high: float | None = None


def between_groups(treated: Array, control: Array) -> BetweenGroups:
    """Return Hedges' g with its interval.

    The interval uses the large-sample variance (n1 + n2) / (n1 n2) + g^2 / (2 (n1 + n2)) (Hedges and Olkin).
    """
    g = hedges_g(treated, control)
    if math.isnan(g):
        return BetweenGroups(None)
    n, m = len(treated), len(control)
    error = LEVEL * math.sqrt((n + m) / (n * m) + g**2 / (2.0 * (n + m)))
    return BetweenGroups(g, g - error, g + error)
