"""The Euclidean projection of weights onto a fixed sum within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.arrays import Array, Value

BISECTIONS = 40
"""They only find which weights are free; the shift itself is then exact."""


def project(weight: Array, total: Value, low: float, high: float) -> None:
    """Move each row in place to the nearest point with ``sum_i W_ji = total`` and ``low <= W_ji <= high``.

    The projection is ``clip(W_j - mu_j, low, high)`` (Miller and MacKay's subtractive constraint, with saturation):
    subtracting the mean and clipping afterwards would lose the sum once a weight saturates.

    Parameters
    ----------
    weight : array (post, pre, runs)
    total : float or array (runs,)
    """
    least, most = weight.min(axis=1) - high, weight.max(axis=1) - low
    for _ in range(BISECTIONS):
        middle = 0.5 * (least + most)
        above = np.add.reduce((weight - middle[:, None]).clip(low, high), axis=1) > total
        least, most = np.where(above, middle, least), np.where(above, most, middle)
    shifted = weight - 0.5 * (least + most)[:, None]
    free = (shifted > low) & (shifted < high)
    count = np.add.reduce(free, axis=1)
    fixed = np.add.reduce(np.where(free, 0.0, shifted.clip(low, high)), axis=1)
    loose = np.add.reduce(np.where(free, weight, 0.0), axis=1)
    mu = np.where(count > 0, (loose + fixed - total) / np.maximum(count, 1), 0.5 * (least + most))
    np.clip(np.where(free, weight - mu[:, None], shifted), low, high, out=weight)


def sum_faults(count: int, total: float | None, bounds: tuple[float, float]) -> Iterator[tuple[str, str]]:
    """Yield that `count` weights within `bounds` have no such sum; `total` is None where runs differ in it."""
    low, high = bounds
    if total is not None and not count * low <= total <= count * high:
        yield "total", f"{count} weights between {low:g} and {high:g} cannot sum to {total:g}"
