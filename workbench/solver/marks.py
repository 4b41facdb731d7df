"""Marks of past activity on the event clock, added up by superposition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from workbench.declaration import Array
    from workbench.solver.block import Block

SECONDS = 3600.0


class Marks:
    """What all activity events so far have left at the synapses of one rule, for one side of it.

    Eligibility is linear, so several events add up exactly whatever the shape of the response.
    """

    def __init__(self, block: Block, eligibility: Any, shape: tuple[int, ...], due: Array) -> None:
        self._block, self._eligibility, self._due = block, eligibility, due
        self._left: list[tuple[Array | float, Array]] = []
        self._sum = block.empty(*shape)

    def clear(self) -> None:
        """Forget everything (a phase begins)."""
        self._left.clear()

    def leave(self, drive: Array) -> None:
        """Mark the synapses of the runs for which activity is due now."""
        now = np.array(self._block.hours, dtype=np.float64)
        self._left.append((now, drive * self._due))

    def read(self) -> Array:
        """Return what is left of all marks now, in the shape of the weights."""
        self._sum[...] = 0.0
        for when, mark in self._left:
            self._sum += mark * self._eligibility.response((self._block.hours - when) * SECONDS)
        return self._sum
