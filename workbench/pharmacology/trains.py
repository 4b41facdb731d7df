"""Equal doses at equal intervals: what every regimen comes down to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workbench.arrays import Value

SAME = 1e-9
"""Two moments closer than this share of an interval are one."""
DAILY = 24.0
"""Hours between two doses where no interval is given and none is needed."""


def doses_before(stop: Value, first: Value, every: Value) -> Value:
    """Return how many doses begin before `stop`, all in hours of a phase."""
    found: Value = np.maximum(np.ceil((stop - first) / every - SAME), 0.0)
    return found


@dataclass(frozen=True)
class Train:
    """Doses of one amount, for each run.

    Attributes
    ----------
    during : str
        Their phase; `first` (h) counts from its start.
    full : Value
        Amount of each, mg.
    every, duration : Value
        Hours between two, and hours over which each flows in.
    count : Value
        How many there are at most; 0 for runs that get none.
    steady_state : bool
        Whether the phase begins as if they had been given for ever.
    """

    during: str
    first: Value
    full: Value
    every: Value
    duration: Value
    count: Value
    steady_state: bool = False
    missed: tuple[float, ...] = ()
    rising: float = 0.0

    def amount_of(self, index: Value) -> Value:
        """Return the amount of a dose in mg, by its number."""
        return self.full

    def number_in(self, length: float) -> Value:
        """Return how many a phase of `length` hours holds."""
        return np.minimum(doses_before(length, self.first, self.every), self.count)
