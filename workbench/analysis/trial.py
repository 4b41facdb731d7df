"""The same comparison as a trial would see it: two separate groups, no one their own control."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LEVEL = 1.96


@dataclass(frozen=True)
class BetweenGroups:
    """Hedges' g of two groups with its 95 % interval; None where the groups do not vary or are too small."""

    g: float | None
    low: float | None = None
    high: float | None = None


def between_groups(treated: Array, control: Array) -> BetweenGroups:
    """Return Hedges' g: mean difference over the pooled standard deviation, corrected for small groups.

    The interval uses the large-sample variance (n1 + n2) / (n1 n2) + g^2 / (2 (n1 + n2)) (Hedges and Olkin).
    """
    n, m = len(treated), len(control)
    if min(n, m) < 2:
        return BetweenGroups(None)
    pooled = np.sqrt(((n - 1) * treated.var(ddof=1) + (m - 1) * control.var(ddof=1)) / (n + m - 2))
    scale = max(float(np.abs(treated).max()), float(np.abs(control).max()))
    if pooled <= 1e-12 * scale:
        return BetweenGroups(None)
    correction = 1.0 - 3.0 / (4.0 * (n + m - 2) - 1.0)
    g = float(correction * (treated.mean() - control.mean()) / pooled)
    error = LEVEL * float(np.sqrt((n + m) / (n * m) + g**2 / (2.0 * (n + m))))
    return BetweenGroups(g, g - error, g + error)
