"""The standardised difference of two groups, as trials print it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.interval import ROUNDING

if TYPE_CHECKING:
    from workbench.component.arrays import Array


def hedges_g(one: Array, other: Array) -> float:
    """Return the standardised difference of two independent groups, `one` minus `other`; NaN without a spread.

    g = J (mean - mean) / pooled standard deviation, with J = 1 - 3 / (4 df - 1) and df = n + n - 2 (Hedges 1981).
    That the same simulated subjects may be in both groups is left out of account, as a trial of two groups must.
    """
    if len(one) < 2 or len(other) < 2:
        return float("nan")
    freedom = len(one) + len(other) - 2
    squares = (len(one) - 1) * one.var(ddof=1) + (len(other) - 1) * other.var(ddof=1)
    pooled = float(np.sqrt(squares / freedom))
    if pooled <= ROUNDING * max(np.abs(one).max(), np.abs(other).max()):
        return float("nan")
    unbiased = 1.0 - 3.0 / (4.0 * freedom - 1.0)
    return unbiased * float(one.mean() - other.mean()) / pooled
