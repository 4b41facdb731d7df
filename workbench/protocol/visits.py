"""The visits of one assessment while a block runs: which are due, what was scored, who decides on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from workbench.component.moments import TOGETHER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array


@dataclass
class Visits:
    """The visits of one assessment in one block.

    Attributes
    ----------
    hours : array (visits, runs)
        When each visit falls, in the phase.
    scores : array (visits, runs)
        What was scored; NaN before the visit.
    listeners : list of functions (visit, runs it was taken in, hours of the phase)
        Who decides something on what was scored.
    """

    phase: str
    hours: Array
    scores: Array
    score: Callable[[int], Array]
    open: list[int] = field(default_factory=list)
    soonest: float = np.inf
    listeners: list[Callable[[int, NDArray[np.bool_], float], None]] = field(default_factory=list)
    _fresh: list[tuple[int, NDArray[np.bool_]]] = field(default_factory=list)

    def begin(self, phase: str) -> None:
        """Await the visits of a phase."""
        self.open = list(range(len(self.hours))) if phase == self.phase else []
        self._await()

    def due(self, stop: float) -> bool:
        """Whether any run has a visit up to `stop` that was not taken yet."""
        return self.soonest <= stop + TOGETHER

    def take(self, stop: float) -> None:
        """Score the visits up to `stop` that were not taken yet."""
        for visit in [v for v in self.open if float(np.min(self.hours[v])) <= stop + TOGETHER]:
            now = (self.hours[visit] <= stop + TOGETHER) & np.isnan(self.scores[visit])
            self.scores[visit][now] = self.score(visit)[now]
            self._fresh.append((visit, now))
            if not np.any(self.hours[visit] > stop + TOGETHER):
                self.open.remove(visit)
        self._await()

    def tell(self, stop: float) -> None:
        """Let decide who decides on the visits just taken; all visits of one moment are scored before."""
        fresh, self._fresh = self._fresh, []
        for visit, now in fresh:
            for listener in self.listeners:
                listener(visit, now, stop)

    def _await(self) -> None:
        waiting = (np.where(np.isnan(self.scores[visit]), self.hours[visit], np.inf) for visit in self.open)
        self.soonest = min((float(np.min(hours)) for hours in waiting), default=np.inf)
