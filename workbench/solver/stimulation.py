"""What stimulates one projection on the tick clock, and the traces that this leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.quantities import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value


SIDES = ("ltp", "ltd")


class Stimulation:
    """The traces of both sides of one rule, while stimulation switches on and off.

    Traces are linear in what leaves them: a drive that begins at one moment and ends at another leaves what a lasting
    drive leaves less what one from the second moment on would. So each side remembers its changes only, and areas
    are exact over any step.

    Attributes
    ----------
    seconds : float
        Length of the current step.
    low : float
        1 while low-frequency stimulation runs, else 0.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget everything (a phase begins)."""
        self.seconds = self.low = self._start = self._stop = 0.0
        self._drive: dict[str, Value] = dict.fromkeys(SIDES, 0.0)
        self._changes: dict[str, list[tuple[float, Value]]] = {side: [] for side in SIDES}

    def drive(self, ltp: Value, ltd: Value, low: float) -> None:
        """From now on leave traces at these rates (1/s)."""
        self.low = low
        for side, rate in zip(SIDES, (ltp, ltd), strict=True):
            change = rate - self._drive[side]
            # Only changes are kept: the sum over them is exact, and its length does not grow with the steps.
            if np.any(change):
                self._changes[side].append((self._stop, change))
            self._drive[side] = rate if isinstance(rate, float) else np.array(rate)

    def next(self, start: float, stop: float) -> None:
        """Come to the step from `start` to `stop` (seconds of the phase)."""
        self._start, self._stop, self.seconds = start, stop, stop - start

    def area(self, side: str, eligibility: Any) -> Callable[[], Value]:
        """Return a function that gives the area (s) under one side's trace over the current step.

        Without eligibility the trace is the drive itself.
        """

        def area() -> Value:
            if eligibility is None:
                return self._drive[side] * self.seconds
            # The area of a lasting drive, less what its traces have yet to make up: exact for any kernel with an
            # integral, and without a state for each exponential.
            found: Value = self._drive[side] * eligibility.total() * self.seconds
            for since, change in self._changes[side]:
                grown = eligibility.remaining(self._stop - since) - eligibility.remaining(self._start - since)
                found = found + change * grown
            # Differences of nearly equal remainders may fall below zero in their last digit.
            return np.maximum(found, 0.0)

        return area


class EligibilityTraces:
    """What all activity events so far have left at the synapses of one rule, for one side of it.

    Eligibility is linear, so several events add up exactly whatever the shape of the response.

    Parameters
    ----------
    now : function
        Gives the present time in hours, a number or one for each run.
    due : array (runs,)
        1 for the runs for which activity is due.
    total : array (..., runs)
        Where the sum is put, in the shape of the weights.
    """

    def __init__(self, eligibility: Any, now: Callable[[], Any], due: Array, total: Array) -> None:
        self._eligibility, self._now, self._due, self._sum = eligibility, now, due, total
        self._left: list[tuple[Array, Array]] = []

    def clear(self) -> None:
        """Forget everything (a phase begins)."""
        self._left.clear()

    def leave(self, drive: Array) -> None:
        """Mark the synapses of the runs for which activity is due now."""
        self._left.append((np.array(self._now(), dtype=np.float64), drive * self._due))

    def read(self) -> Array:
        """Return what is left of all traces now, in the shape of the weights."""
        self._sum[...] = 0.0
        for when, mark in self._left:
            self._sum += mark * self._eligibility.response((self._now() - when) * SECONDS_PER_HOUR)
        return self._sum
