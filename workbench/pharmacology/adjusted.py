"""What visits have made of the doses of one regimen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.component.moments import TOGETHER

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value


class Adjusted:
    """A factor on the amount of each dose, by run and by when the dose is given.

    A change at a moment holds for doses given after it. A dose that was given before, or at that moment, keeps its
    amount for good: whoever looks back, or goes the same way twice, finds the same amounts.

    Attributes
    ----------
    parts : mapping name -> array (runs,)
        The factor of each adjustment now.
    ended : array (runs,)
        Who gets no more doses, whatever a later visit finds.
    """

    def __init__(self, runs: int) -> None:
        self.parts: dict[str, Array] = {}
        self.ended = np.zeros(runs, dtype=bool)
        self._runs = runs
        self._changes: list[tuple[Value, Array]] = []

    def change(self, name: str, factor: Array, after: float) -> None:
        """Let the adjustment `name` have a factor for doses given after an hour of the protocol."""
        if np.all(factor == self.parts.get(name, 1.0)):
            return
        self.parts[name] = factor
        product: Any = np.ones(self._runs)
        for part in self.parts.values():
            product = product * part
        self._changes.append((after, product))

    def factor(self, given: Value) -> Value:
        """Return the factor of the doses given at an hour of the protocol, in each run."""
        found: Value = 1.0
        for after, factor in self._changes:
            found = np.where(np.asarray(given) > after + TOGETHER, factor, found)
        return found
