"""The tick clock: constant stimulation between changes, cut into steps that advance by closed form."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.quantities import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from workbench.protocol.stimuli import Train
    from workbench.solver.block import Block
    from workbench.solver.recorder import Read, Recorder
    from workbench.solver.watch import Watch

LOOK = 64
"""Steps between two looks for runs that diverge."""
DIGITS = 9
"""Moments that agree to a nanosecond are one: minutes and hours do not turn into seconds without rounding."""


class Ticks:
    """Walks through a phase from change to change; all runs of a block share its changes.

    The steps follow from stimuli and phase alone. What is recorded inside a step is looked up on a way of its own, from
    the step's start to that moment, so that a run's bits do not depend on what is recorded.
    """

    def __init__(self, block: Block, recorder: Recorder, watch: Watch) -> None:
        self._block, self._recorder, self._watch = block, recorder, watch
        ordered = block.steps("tick")
        self._slow = [s.function for s in ordered if s.stage == "drive"]
        self._rules = [s.function for s in ordered if s.clock == "tick"]
        self._everyone = np.ones(block.runs, dtype=bool)

    def run(self, name: str, phase: Any, done: int) -> int:
        """Run one phase; `done` steps went before. Return the steps done after it."""
        block, reads = self._block, self._reads(name)
        block.phase = name
        for stimulation in block.stimulations.values():
            stimulation.begin()
        for visits in block.visits.values():
            visits.begin(name)
        # Stimulation is constant between two edges, and its area is exact there; a step across an edge would be of
        # first order.
        stretches = [_cut(start, stop, phase.step) for start, stop in pairwise(self._changes(name, phase))]
        middles = [_middle(before, after) for edges in stretches for before, after in pairwise(edges)]
        block.ahead[name] = np.array([0.0, *middles])[:, None] / SECONDS_PER_HOUR
        self._drive(0.0, 0.0, first=True)
        self._look(0.0, 0.0, reads.pop(0.0, []))
        trains = self._trains(name)
        for edges in stretches:
            stop = edges[-1]
            self._stimulate(trains, _middle(edges[0], stop))
            for before, after in pairwise(edges):
                # Recording must not change the run: the state is taken to the moment in a copy, and the step is then
                # done as a whole.
                for moment in sorted(m for m in reads if before < m < after):
                    self._glimpse(before, moment, reads.pop(moment))
                self._step(before, after)
                self._look(before, after, reads.pop(after, []))
                done += 1
                # Looking at every state costs about as much as a step of a small circuit.
                if done % LOOK == 0 or after == stop:
                    self._watch.look(done, f"{after:g} s of {name}")
        return done

    def steps(self, name: str, phase: Any) -> int:
        """Return how many steps the phase takes."""
        return sum(_pieces(start, stop, phase.step) for start, stop in pairwise(self._changes(name, phase)))

    def _trains(self, name: str) -> list[Train]:
        return [train for _, train in self._block.all("stimulus") if train.phase == name]

    def _reads(self, name: str) -> dict[float, list[Read]]:
        found: dict[float, list[Read]] = {}
        for hours, read in self._recorder.moments.get(name, ()):
            found.setdefault(_moment(hours * SECONDS_PER_HOUR), []).append(read)
        return found

    def _changes(self, name: str, phase: Any) -> list[float]:
        """Return the moments, in seconds, between which stimulation is constant."""
        edges = {_moment(edge) for train in self._trains(name) for span in train.spans() for edge in span}
        end = _moment(phase.length * SECONDS_PER_HOUR)
        return sorted({0.0, end, *(edge for edge in edges if edge < end)})

    def _stimulate(self, trains: list[Train], seconds: float) -> None:
        """Set what stimulates each projection at a moment."""
        for projection, stimulation in self._block.stimulations.items():
            ltp: Any = 0.0
            ltd: Any = 0.0
            low = 0.0
            for train in trains:
                if train.projection == projection and any(a < seconds < b for a, b in train.spans()):
                    opening = self._block.driven(f"bath.{train.bath}")
                    ltp, ltd, low = (0.0, 0.0, 1.0) if train.low else (opening, 1.0 - opening, 0.0)
            stimulation.drive(ltp, ltd, low)

    def _step(self, start: float, stop: float, *, look: bool = False) -> None:
        """Advance traces and weights under what drugs do in the middle of the step."""
        block = self._block
        # A step takes drugs as they are at its middle: the error then falls with the square of the step.
        self._drive(start, _middle(start, stop), look=look)
        for stimulation in block.stimulations.values():
            stimulation.next(start, stop)
        block.span = start / SECONDS_PER_HOUR, stop / SECONDS_PER_HOUR
        for function in self._rules:
            function(0)

    def _drive(self, start: float, moment: float, *, first: bool = False, look: bool = False) -> None:
        """Show drugs, and what they drive, at a moment of the step that began at `start`."""
        block = self._block
        hours = start / SECONDS_PER_HOUR, moment / SECONDS_PER_HOUR
        moved = [exposure.advance(block.phase, *hours, average=False, look=look) for exposure in block.exposures]
        if first or any(moved):
            for function in self._slow:
                function(0)

    def _look(self, start: float, moment: float, reads: list[Read]) -> None:
        """Take visits and readings of a moment, with drugs as they are then."""
        hours = moment / SECONDS_PER_HOUR
        due = [visits for visits in self._block.visits.values() if visits.due(hours)]
        if not due and not reads:
            return
        self._block.hours = hours
        self._drive(start, moment, look=True)
        # First all visits read, then all are acted on: no visit sees what another one of its moment decides.
        for visits in due:
            visits.take(hours)
        for visits in due:
            visits.tell(hours)
        for read in reads:
            read(self._everyone)

    def _glimpse(self, start: float, moment: float, reads: list[Read]) -> None:
        """Read at a moment inside a step that began at `start`, and come back."""
        # All signals, not only states: rules leave intermediate values in theirs, which the true step must not see.
        kept = [(array, array.copy()) for array in self._block.signals.values()]
        self._step(start, moment, look=True)
        self._drive(start, moment, look=True)
        self._block.hours = moment / SECONDS_PER_HOUR
        for read in reads:
            read(self._everyone)
        # Into the same arrays: every function holds on to those that it fetched when it was built.
        for array, copy in kept:
            array[...] = copy


def _moment(seconds: float) -> float:
    return round(float(seconds), DIGITS)


def _middle(start: float, stop: float) -> float:
    return 0.5 * (start + stop)


def _pieces(start: float, stop: float, longest: float) -> int:
    # A stretch that is longer by rounding alone is not cut once more.
    return max(1, math.ceil((stop - start) / longest - 1e-9))


def _cut(start: float, stop: float, longest: float) -> list[float]:
    """Return the edges of equal steps, none longer than `longest`."""
    count = _pieces(start, stop, longest)
    return [_moment(start + (stop - start) * k / count) for k in range(count)] + [stop]
