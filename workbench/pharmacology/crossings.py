"""Where curves turn and cross a level: in many runs at once, each by its own way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array

ITERATIONS = 60
CLOSE = 1e-9
"""A step of Newton's method below this share leaves an error below its square."""
LAST_PLACE = 4e-16
WORTH = 64
"""To part from so many runs that have arrived pays for itself."""


class SlopedCurve(Protocol):
    """A quantity and its slope in some runs."""

    def __call__(self, hours: Array) -> tuple[Array, Array]:
        """Return both at moments ``(..., runs)``."""

    def where(self, mask: NDArray[np.bool_]) -> Self:
        """Return the same in those runs that are marked."""


def one_by_one(chosen: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.intp]]]:
    """Yield, for the first, second ... mark of every run: which runs have it, and its place as (1, runs)."""
    left = chosen.copy()
    while np.any(left):
        first = np.argmax(left, axis=0)[None]
        yield np.any(left, axis=0), first
        np.put_along_axis(left, first, False, 0)


def hours_above(
    times: Array, values: Array, threshold: Array, crossing_at: Callable[[Array, Array, NDArray[np.bool_]], Array]
) -> Array:
    """Return the hours above a level, from points ``(points, runs)`` between which a curve does not turn.

    `crossing_at` gives the moment of a crossing from both ends of its bracket and whether the curve rises there; a run
    without one has two equal ends.
    """
    over = values > threshold
    total: Array = np.sum(np.where(over[:-1] & over[1:], np.diff(times, axis=0), 0.0), axis=0)
    for crossing, first in one_by_one(over[:-1] != over[1:]):
        low, high = (np.take_along_axis(times, place, 0)[0] for place in (first, first + 1))
        rising = ~np.take_along_axis(over, first, 0)[0]
        at = crossing_at(low, np.where(crossing, high, low), rising)
        total = total + np.where(crossing, np.where(rising, high - at, at - low), 0.0)
    return total


def root(curve: SlopedCurve, low: Array, high: Array, rising: NDArray[np.bool_]) -> Array:
    """Return where a curve crosses 0 between `low` and `high`; `rising` says that it is negative at `low`.

    Where `high` is not above `low` nothing is looked for.

    Newton's method; a step that leaves the bracket is replaced by halving it. A run that has arrived stays where it
    is, so that it does not depend on how long its neighbours take; once most have, the others go on alone.
    """
    low, high = np.array(low), np.array(high)
    found = at = 0.5 * (low + high)
    mine, open_ = np.arange(len(at)), high > low
    for _ in range(ITERATIONS):
        value, slope = curve(at)
        below = (value < 0.0) == rising
        low, high = np.where(open_ & below, at, low), np.where(open_ & ~below, at, high)
        # An infinite slope makes the step 0 instead of dividing by zero; bisection then takes over.
        newton = at - value / np.where(slope == 0.0, np.inf, slope)
        inside = (newton > low) & (newton < high)
        # Newton's step where it stays in the bracket, else bisection: fast near the root, and it cannot leave.
        better = np.where(inside, newton, 0.5 * (low + high))
        moved = np.where(open_, np.abs(better - at), 0.0)
        at = np.where(open_, better, at)
        open_ = open_ & ~((inside & (moved <= CLOSE * high)) | (high - low <= LAST_PLACE * high))
        going = int(np.count_nonzero(open_))
        if not going:
            break
        if len(at) - going >= max(WORTH, going):
            found[mine] = at
            mine, low, high, rising, at = mine[open_], low[open_], high[open_], rising[open_], at[open_]
            curve, open_ = curve.where(open_), np.ones(going, dtype=bool)
    found[mine] = at
    return found
