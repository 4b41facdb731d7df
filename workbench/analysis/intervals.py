"""Intervals of a mean over simulated subjects: the calculation error, never the spread between subjects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workbench.component.arrays import Array


LEVEL = 0.95
BOOTSTRAP_LIMIT = 2_000
RESAMPLES = 2_000
SEED = 20_110_904
ROUNDING = 1e-12
_AT_ONCE = 4_000_000

BOOTSTRAP, CENTRAL_LIMIT = "bootstrap BCa", "central limit"
ONE_SUBJECT, NO_SPREAD, NO_SUBJECT = "one subject", "no spread", "no subject"


def mean_intervals(rows: Sequence[Array]) -> list[tuple[float | None, float | None, str]]:
    """Return (low, high, method) of the mean of each row at 95 %.

    Up to 2,000 values the interval is SciPy's bias-corrected and accelerated bootstrap with a fixed generator, so
    that a row's interval does not depend on the rows beside it; above, the normal approximation. A row of one value
    has no interval; a row of equal values has an interval of no width; `method` says so in words.
    """
    found: list[tuple[float | None, float | None, str]] = [(None, None, NO_SUBJECT)] * len(rows)
    resampled: dict[int, list[int]] = {}
    for i, row in enumerate(rows):
        if row.size == 0:
            continue
        if row.size == 1:
            found[i] = (None, None, ONE_SUBJECT)
        elif agree_within_rounding(row):
            found[i] = (float(row.mean()), float(row.mean()), NO_SPREAD)
        elif row.size > BOOTSTRAP_LIMIT:
            found[i] = (*_central_limit(row), CENTRAL_LIMIT)
        else:
            resampled.setdefault(row.size, []).append(i)
    for size, places in resampled.items():
        for place, (low, high) in zip(places, _bootstrap(np.stack([rows[i] for i in places]), size), strict=True):
            found[place] = (low, high, BOOTSTRAP)
    return found


def agree_within_rounding(row: Array) -> bool:
    """Return whether the values differ by no more than rounding."""
    return bool(np.ptp(row) <= ROUNDING * np.abs(row).max())


def _central_limit(row: Array) -> tuple[float, float]:
    from scipy.special import ndtri  # what scipy.stats.norm.ppf calls, without half a second of imports

    half = float(ndtri(0.5 + LEVEL / 2)) * row.std(ddof=1) / np.sqrt(row.size)
    return float(row.mean() - half), float(row.mean() + half)


def _bootstrap(stacked: Array, size: int) -> list[tuple[float, float]]:
    """Resample rows of one length together; each row sees the same resamples as it would alone."""
    from scipy.stats import bootstrap

    # Sizes depend on the row length alone, so that neither a row's resamples nor memory depend on the other rows.
    rows_at_once = max(1, _AT_ONCE // size**2)
    batch = max(1, min(RESAMPLES, _AT_ONCE // (size * min(rows_at_once, 16))))
    bounds: list[tuple[float, float]] = []
    for start in range(0, len(stacked), rows_at_once):
        part = stacked[start : start + rows_at_once]
        # Scaled to 1: the acceleration of BCa cubes deviations, which would underflow for very small outcomes.
        scale = np.abs(part).max(axis=1, keepdims=True)
        result = bootstrap(
            (part / scale,),
            np.mean,
            axis=1,
            confidence_level=LEVEL,
            n_resamples=RESAMPLES,
            batch=batch,
            method="BCa",
            rng=SEED,
        )
        low, high = result.confidence_interval
        bounds += [(float(a), float(b)) for a, b in zip(low * scale[:, 0], high * scale[:, 0], strict=True)]
    return bounds


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
    # A spread of rounding errors alone would make any difference look enormous.
    if pooled <= ROUNDING * max(np.abs(one).max(), np.abs(other).max()):
        return float("nan")
    # Hedges' approximation to the exact correction by gamma functions; the two differ by less than 0.001 from ten
    # people on.
    unbiased = 1.0 - 3.0 / (4.0 * freedom - 1.0)
    return unbiased * float(one.mean() - other.mean()) / pooled
