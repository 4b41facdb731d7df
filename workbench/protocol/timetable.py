"""When sessions begin and end, run by run, without a step of any clock in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.component.moments import TOGETHER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value
    from workbench.protocol.schedule import Recurrence

    Runs = NDArray[np.intp]


class Timetable:
    """Sessions at equal intervals, each run's its own.

    Each begins at a moment of the recurrence and lasts `duration` hours; `held` says in which runs there are any.
    Nothing is remembered from call to call, so that looks at several moments leave no trace.
    """

    def __init__(self, recurrence: Recurrence, duration: Value, held: Any, length: float) -> None:
        runs = np.shape(held)
        self._first, self._every, self._duration = (
            np.broadcast_to(np.asarray(x), runs) for x in (recurrence.first, recurrence.every, duration)
        )
        self._count = np.where(held, np.broadcast_to(np.asarray(recurrence.number_in(length)), runs), 0.0)
        most = int(self._count.max(initial=0.0))
        number, run = np.nonzero(np.arange(most)[:, None] < self._count)
        begins = self._first[run] + number * self._every[run]
        order = np.argsort(begins, kind="stable")
        self._begins, self._runs = begins[order], run[order]
        self._ends = self._begins + self._duration[self._runs]
        self._longest = float(self._duration.max(initial=0.0))

    def among(self, start: float, stop: float) -> Runs:
        """Return the runs in which any part of a session lies between two moments."""
        low, high = np.searchsorted(self._begins, (start - self._longest - TOGETHER, stop - TOGETHER))
        if low == high:
            return self._runs[:0]
        found: Runs = self._runs[low:high][self._ends[low:high] > start + TOGETHER]
        return found

    def at(self, time: Array, runs: Runs) -> tuple[NDArray[np.bool_], Array]:
        """Return whether a session of each run is on just after its `time`, and the next moment at which that ends."""
        first, every = self._first[runs], self._every[runs]
        number = np.maximum(np.floor((time - first) / every + TOGETHER), 0.0)
        begin = first + number * every
        end = begin + self._duration[runs]
        there = number < self._count[runs]
        on = there & (begin <= time + TOGETHER) & (time < end - TOGETHER)
        later = np.where(time < begin - TOGETHER, begin, begin + every)
        left = np.where(time < begin - TOGETHER, number, number + 1.0) < self._count[runs]
        return on, np.where(on, end, np.where(left, later, np.inf))
