"""What is left at the end of a chain of first-order stages: the one function that all linear kinetics are made of.

A unit amount put into the first stage leaves it at `rates[0]` and enters the second, and so on. The amount in the last
stage is a divided difference of the exponential. Written as ``sum of weights exp(-rate t)`` it loses all digits where
two rates come close; here it keeps them, equal rates included, because near differences are summed as a series.
A rate of 0 is a stage that collects, so the same function gives areas (one 0) and areas of infusions (two).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value

NEAR = 4.0
"""Rates whose spread times the length is below this are summed as a series; above, a difference loses few digits."""
EXCHANGED = 3
"""Up to this many rates are sorted by exchanges."""
TERMS = 36
"""Terms of the series: the next one is below ``4**36 / 36!``, less than a unit in the last place."""


def chained(length: Value, *rates: Value) -> Value:
    """Return the amount in the last of the stages, `length` after a unit amount entered the first, all empty.

    Parameters
    ----------
    length : float or array (runs,)
        Not negative.
    *rates : float or array (runs,)
        Rate at which each stage is left, 0 or above; their order does not matter.
    """
    with np.errstate(all="ignore"):
        found = _difference(_in_order([np.asarray(rate * length) for rate in rates]), 0, len(rates) - 1, {})
        for _ in rates[1:]:
            found = found * length
    return float(found) if np.ndim(found) == 0 else found


def _in_order(nodes: list[Array]) -> Sequence[Array]:
    """Return the nodes sorted, run by run: a few by exchanges, which take a third of the time of a sort."""
    if len(nodes) > EXCHANGED:
        return list(np.sort(np.stack(np.broadcast_arrays(*nodes)), axis=0))
    for last in range(1, len(nodes)):
        for i in range(last, 0, -1):
            nodes[i - 1], nodes[i] = np.minimum(nodes[i - 1], nodes[i]), np.maximum(nodes[i - 1], nodes[i])
    return nodes


def _difference(nodes: Sequence[Array], first: int, last: int, known: dict[tuple[int, int], Array]) -> Array:
    """Return the divided difference of ``exp(-x)`` over the sorted `nodes` first to last, without its sign."""
    if (first, last) in known:
        return known[first, last]
    low, spread = nodes[first], nodes[last] - nodes[first]
    if last == first:
        found = np.exp(-low)
    elif last == first + 1:
        found = np.exp(-low) * np.where(spread > 0.0, -np.expm1(-spread) / spread, 1.0)
    else:
        near: NDArray[np.bool_] = spread < NEAR
        found = _series(nodes[first : last + 1]) if np.any(near) else spread
        if not np.all(near):
            above = _difference(nodes, first, last - 1, known)
            below = _difference(nodes, first + 1, last, known)
            found = np.where(near, found, (above - below) / spread)
    known[first, last] = np.asarray(found)
    return known[first, last]


def _series(nodes: Sequence[Array]) -> Array:
    """Return the same for nodes that lie near each other: complete symmetric polynomials of their distances."""
    order = len(nodes) - 1
    apart = [np.minimum(node - nodes[0], NEAR) for node in nodes[1:]]
    powers = [np.ones_like(nodes[0]), *[np.zeros_like(nodes[0])] * (TERMS - 1)]
    for distance in apart:
        for k in range(1, TERMS):
            powers[k] = powers[k] + distance * powers[k - 1]
    total = np.zeros_like(nodes[0])
    for k in reversed(range(TERMS)):
        total = total + powers[k] * ((-1.0) ** k / math.factorial(order + k))
    return np.asarray(np.exp(-nodes[0]) * total)
