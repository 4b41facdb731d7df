"""What stimulates one projection on the tick clock, and the marks that this leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from workbench.arrays import Value

SIDES = ("ltp", "ltd")


class Stimulation:
    """The marks of both sides of one rule, while stimulation switches on and off.

    Marks are linear in what leaves them: a drive that begins at one moment and ends at another leaves what a lasting
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
        """From now on leave marks at these rates (1/s)."""
        self.low = low
        for side, rate in zip(SIDES, (ltp, ltd), strict=True):
            change = rate - self._drive[side]
            if np.any(change):
                self._changes[side].append((self._stop, change))
            self._drive[side] = rate if isinstance(rate, float) else np.array(rate)

    def next(self, start: float, stop: float) -> None:
        """Come to the step from `start` to `stop` (seconds of the phase)."""
        self._start, self._stop, self.seconds = start, stop, stop - start

    def area(self, side: str, eligibility: Any) -> Callable[[], Value]:
        """Return a function that gives the area (s) under one side's mark over the current step.

        Without eligibility the mark is the drive itself.
        """

        def area() -> Value:
            if eligibility is None:
                return self._drive[side] * self.seconds
            found: Value = self._drive[side] * eligibility.total() * self.seconds
            for since, change in self._changes[side]:
                grown = eligibility.remaining(self._stop - since) - eligibility.remaining(self._start - since)
                found = found + change * grown
            return np.maximum(found, 0.0)

        return area
