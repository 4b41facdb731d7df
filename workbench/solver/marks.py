"""Marks of past activity on the event clock, added up by superposition."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.quantities import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from workbench.arrays import Array


class Marks:
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
        """Return what is left of all marks now, in the shape of the weights."""
        self._sum[...] = 0.0
        for when, mark in self._left:
            self._sum += mark * self._eligibility.response((self._now() - when) * SECONDS_PER_HOUR)
        return self._sum
