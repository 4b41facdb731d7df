"""What is left of one drug between two dose events, in those runs alone in which it still matters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.component.arrays import select_runs
from workbench.component.moments import as_float
from workbench.pharmacology.drug_state import DrugState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value
    from workbench.pharmacology.linear import Amounts


FEW = 64
"""To part from so many runs takes longer than to compute them too."""


@dataclass(frozen=True)
class Remaining:
    """One drug up to its next dose event, looked at in many moments and in some runs at once.

    Every number is computed run by run, so that no bit depends on which runs are looked at together.

    Attributes
    ----------
    runs : array of int
        The runs, in order.
    body : DrugState
        What is in their bodies since the last dose event.
    inputs : mapping compartment -> Value
        Rates (mg/h) at which the drug flows in until the next.
    """

    runs: NDArray[np.intp]
    body: DrugState
    inputs: Amounts

    @classmethod
    def after(cls, body: DrugState, runs: int) -> Remaining:
        """Return what is left in all runs after the last dose event of `body`."""
        return cls(np.arange(runs), body, body.inputs())

    @classmethod
    def joined(cls, parts: Sequence[Remaining]) -> Remaining:
        """Return several stretches of one phase as one: the runs of each behind those of the one before."""
        runs, first = len(parts[0].runs), parts[0].body

        def behind(values: Iterable[Value]) -> Array:
            return np.concatenate([np.broadcast_to(value, runs) for value in values])

        amounts: Amounts = {row: behind(part.body.amounts[row] for part in parts) for row in first.amounts}
        entries = dict.fromkeys(entry for part in parts for entry in part.inputs)
        inputs: Amounts = {entry: behind(part.inputs.get(entry, 0.0) for part in parts) for entry in entries}
        places = np.tile(np.arange(runs), len(parts))
        body = DrugState(first.transfers.of(places), amounts, behind(part.body.at for part in parts))
        return cls(np.arange(len(places)), body, inputs)

    def where(self, mask: NDArray[np.bool_]) -> Remaining:
        """Return what is left in those of its runs that are marked, if it pays to part from the rest."""
        mine = np.flatnonzero(mask)
        if len(mine) > 0 and (not self.body.divides or len(self.runs) - len(mine) < FEW):
            return self
        if not len(mine):
            return Remaining(mine, self.body, {})
        inputs = {entry: select_runs(rate, mine) for entry, rate in self.inputs.items()}
        return Remaining(self.runs[mine], self.body.of(mine), inputs)

    def flowing(self) -> Any:
        """Return in which of its runs the drug flows in."""
        found: Any = np.zeros(len(self.runs), dtype=bool)
        for rate in self.inputs.values():
            found = found | (np.asarray(rate) != 0.0)
        return found

    def most(self, amounts: Amounts) -> Value:
        """Return the concentration (ng/mL) that no site exceeds later if nothing flows in."""
        held = self.body.transfers.scale * self.body.transfers.drug.reaching(amounts)
        return np.maximum(held, amounts["effect"]) if self.body.transfers.delayed else held

    def rows(self, hours: Value, *, seen: bool = False) -> Amounts:
        """Return the rows so many hours ``(..., its runs)`` after the last event, as `DrugState.later` does."""
        return self.body.later(as_float(np.asarray(hours)), self.inputs, seen=seen)

    def acting(self, times: Value) -> Array:
        """Return the concentration that acts at moments ``(..., its runs)``."""
        rows = self.rows(np.maximum(times - self.body.at, 0.0), seen=True)
        return np.asarray(self.body.acting(rows))

    def spread(self, found: Any, moments: int, runs: int) -> Array:
        """Return what was found in its runs for all of them, ``(moments, runs)``; 0 in the others."""
        whole = np.zeros((moments, runs))
        whole[:, self.runs if len(self.runs) < runs else slice(None)] = found
        return whole
