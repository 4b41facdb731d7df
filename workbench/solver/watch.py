"""Watching for runs that leave the finite numbers: they are stored as failed, never as NaN."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from workbench.solver.batch import Failure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array
    from workbench.solver.block import Block


class DeadlinePassed(Exception):
    """The time limit has passed; `step` is the number of steps done."""

    def __init__(self, step: int) -> None:
        super().__init__(step)
        self.step = step


class Watch:
    """Looks at all states once a piece; a diverged run is noted and set to rest, its neighbours untouched."""

    def __init__(self, block: Block) -> None:
        self._states = [(name, state.reshape(-1, block.runs)) for name, state in sorted(block.states.items())]
        self._layers = [(name, layer.reshape(block.runs, -1)) for name, layer in sorted(block.layers.items())]
        self._moved, self._strayed = block.moved, block.strayed
        self.failures: dict[int, Failure] = {}

    def look(self, step: int, time: str) -> None:
        """Note runs with a state that is not finite. Summing is the cheapest test: one bad value spoils the sum."""
        for name, state in self._states:
            # One sum over the units is not finite if any of them is not: cheaper than testing each, and no finite
            # state of the model comes near the overflow of a sum.
            total: Array = np.add.reduce(state, axis=0)
            bad = np.flatnonzero(~np.isfinite(total))
            if len(bad):
                self._note(bad.tolist(), f"{name} is no longer finite", step, time)
                # Set to rest, not left as it is: NaN makes arithmetic slow on some processors, and would spread
                # through a shared sum.
                state[:, bad] = 0.0
        for name, layer in self._layers:
            bad = np.flatnonzero(~np.isfinite(np.add.reduce(layer, axis=1)))
            if len(bad):
                self._note(bad.tolist(), f"{name} is no longer finite", step, time)
                layer[bad] = 0.0
        for path, (value, low, high) in self._moved.items():
            self._left(path, np.flatnonzero((value < low) | (value > high)), step, time)
        for table, fields in self._strayed.items():
            for field, wrong in fields.items():
                self._left(f"{table}.{field}", np.flatnonzero(wrong), step, time)

    def _left(self, path: str, runs: NDArray[np.intp], step: int, time: str) -> None:
        if len(runs):
            self._note(runs.tolist(), f"links have moved {path} out of its range", step, time)

    def undefined(self, name: str, value: Array, step: int) -> None:
        """Note runs whose outcome has no finite value."""
        bad = np.flatnonzero(~np.isfinite(value))
        self._note(bad.tolist(), f"outcome {name} is undefined for this run", step, "end of protocol")

    def _note(self, runs: list[int], reason: str, step: int, time: str) -> None:
        for run in runs:
            # The first reason is kept: later ones are its consequences.
            self.failures.setdefault(run, Failure(reason, step, time))


class Deadline(Watch):
    """A watch that stops once a moment (`time.perf_counter`) has passed."""

    def __init__(self, block: Block, until: float) -> None:
        super().__init__(block)
        self._until = until

    def look(self, step: int, time: str) -> None:
        """Look, then raise `DeadlinePassed` if it is time."""
        super().look(step, time)
        if perf_counter() > self._until:
            raise DeadlinePassed(step)
