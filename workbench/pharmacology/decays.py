"""The rates at which compartments around a central one decay together, each to its last digit on every processor.

Every rate `r` solves ``r (1 + sum over compartments of out / (back - r)) = elimination``. There is one below the
smallest rate back, one between each two neighbours, and one above the largest. The left side grows with `r` all the
way, so that halving finds it; measured from the nearer end of its interval, no difference loses digits. A last step of
Newton's method, whose residual is summed in twice the digits, leaves nothing but the rounding of the result.
Only sums, products and quotients are used, which every processor rounds alike; an eigenproblem of a library is solved
with other roundings on each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workbench.component.arrays import Array

    Pair = tuple[Array, Array]
    """A number in twice the digits: its rounded value, and what that leaves."""

HALVINGS = 63
"""As many as a number has bits beside its sign: then no other number lies between the two ends."""
TOGETHER = 2.0**-200
"""Rates back that are equal are held apart by this share of them, far below the last digit of any difference."""
SPLIT = 2.0**27 + 1.0


def decay_mode(mode: int, leaving: Array, outs: Array, backs: Array) -> tuple[Array, Array]:
    """Return one rate of decay ``(runs,)`` and the distances ``back - rate`` ``(compartments, runs)``.

    Parameters
    ----------
    mode : int
        Which: 0 is the slowest, the number of compartments the fastest.
    leaving : array (runs,)
        Rate of elimination.
    outs, backs : array (compartments, runs)
        Rates from the central compartment and back, above 0 and sorted by the second.
    """
    size = len(backs)
    if not size:
        return leaving, backs
    total = sum(outs, leaving)
    if mode == size:
        start, away, forward = backs[-1], _distances(size - 1, backs), np.ones(leaving.shape, dtype=np.bool_)
        longest = total + total + backs[-1]
    else:
        low = backs[mode - 1] if mode else np.zeros_like(leaving)
        up, down = _distances(mode - 1, backs) if mode else backs.copy(), _distances(mode, backs)
        longest = 0.5 * up[mode]
        forward = _residual(low, longest, up, leaving, outs) > 0.0
        start, away = np.where(forward, low, backs[mode]), np.where(forward, up, down)
    sign = np.where(forward, 1.0, -1.0)
    near, far = np.zeros(leaving.shape, dtype=np.int64), longest.copy().view(np.int64)
    for _ in range(HALVINGS):  # numbers above 0 are in the order of their bits
        middle = near + (far - near) // 2
        beyond = (_residual(start, sign * middle.view(np.float64), away, leaving, outs) > 0.0) == forward
        near, far = np.where(beyond, near, middle), np.where(beyond, middle, far)
    step = sign * far.view(np.float64)
    left, apart = _residual_in_pairs(start, step, away, leaving, outs), away - step
    last = -left / (1.0 + sum(outs * backs / (apart * apart)))
    rate, lost = _add(start, step)
    return rate + (lost + last), apart - last


def _distances(place: int, backs: Array) -> Array:
    """Return how far each rate back lies above the one at `place`; of equal ones the later lies further."""
    apart = backs - backs[place]
    share = TOGETHER * np.arange(-place, len(backs) - place)[:, None]
    found: Array = np.where(apart == 0.0, share * backs[place], apart)
    return found


def _residual(start: Array, step: Array, away: Array, leaving: Array, outs: Array) -> Array:
    # `sum` adds row by row; how NumPy adds along an axis may depend on the number of runs.
    found: Array = (start + step) * (1.0 + sum(outs / (away - step))) - leaving
    return found


def _residual_in_pairs(start: Array, step: Array, away: Array, leaving: Array, outs: Array) -> Array:
    """Return the same, rounded once."""
    whole, rest = np.ones_like(leaving), np.zeros_like(leaving)
    for out, distance in zip(outs, away, strict=True):
        apart, lost = _add(distance, -step)
        share = out / apart
        product, less = _multiply(share, apart)
        whole, more = _add(whole, share)
        rest = rest + (more + ((out - product) - less - share * lost) / apart)
    rate, lost = _add(start, step)
    product, less = _multiply(rate, whole)
    return (product - leaving) + (less + (rate * rest + lost * whole))


def _add(a: Array, b: Array) -> Pair:
    """Return a sum and what its rounding leaves (Knuth)."""
    found = a + b
    part = found - a
    return found, (a - (found - part)) + (b - part)


def _multiply(a: Array, b: Array) -> Pair:
    """Return a product and what its rounding leaves (Dekker)."""
    found = a * b
    (high, low), (top, bottom) = _halves(a), _halves(b)
    return found, ((high * top - found) + high * bottom + low * top) + low * bottom


def _halves(a: Array) -> Pair:
    shifted = SPLIT * a
    high = shifted - (shifted - a)
    return high, a - high
