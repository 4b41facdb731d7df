"""The tick clock: constant stimulation between changes, cut into steps that advance by closed form."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from workbench.protocol.stimuli import Train
    from workbench.solver.block import Block
    from workbench.solver.recorder import Recorder
    from workbench.solver.watch import Watch

SECONDS_PER_HOUR = 3600.0
LOOK = 64
"""Steps between two looks for runs that diverge."""
DIGITS = 9
"""Moments that agree to a nanosecond are one: minutes and hours do not turn into seconds without rounding."""


class Ticks:
    """Walks through a phase from change to change; all runs of a block share its changes."""

    def __init__(self, block: Block, recorder: Recorder, watch: Watch) -> None:
        self._block, self._recorder, self._watch = block, recorder, watch
        ordered = block.steps("tick")
        self._slow = [s.function for s in ordered if s.stage == "drive"]
        self._rules = [s.function for s in ordered if s.clock == "tick"]

    def run(self, name: str, phase: Any, done: int) -> int:
        """Run one phase; `done` steps went before. Return the steps done after it."""
        block, everyone = self._block, np.ones(self._block.runs, dtype=bool)
        for stimulation in block.stimulations.values():
            stimulation.begin()
        for exposure in block.exposures:
            exposure.advance(name, 0.0, 0.0, average=False)
        for function in self._slow:
            function(0)
        reads = self._reads(name)
        for read in reads.get(0.0, ()):
            read(everyone)
        trains = [train for _, train in block.all("stimulus") if train.phase == name]
        for start, stop in pairwise(self._changes(name, phase)):
            self._stimulate(trains, 0.5 * (start + stop))
            done = self._stretch(name, start, stop, phase.step, done)
            for read in reads.get(stop, ()):
                read(everyone)
        return done

    def steps(self, name: str, phase: Any) -> int:
        """Return how many steps the phase takes."""
        return sum(_count(stop - start, phase.step) for start, stop in pairwise(self._changes(name, phase)))

    def _reads(self, name: str) -> dict[float, list[Callable[..., None]]]:
        found: dict[float, list[Callable[..., None]]] = {}
        for hours, read in self._recorder.moments.get(name, ()):
            found.setdefault(_moment(hours * SECONDS_PER_HOUR), []).append(read)
        return found

    def _changes(self, name: str, phase: Any) -> list[float]:
        """Return the moments, in seconds, between which nothing changes from outside."""
        trains = [train for _, train in self._block.all("stimulus") if train.phase == name]
        edges = {_moment(edge) for train in trains for span in train.spans() for edge in span}
        end = _moment(phase.length * SECONDS_PER_HOUR)
        return sorted({0.0, end, *self._reads(name), *(edge for edge in edges if edge < end)})

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

    def _stretch(self, name: str, start: float, stop: float, longest: float, done: int) -> int:
        """Step through a stretch of constant stimulation."""
        block, count = self._block, _count(stop - start, longest)
        edges = [start + (stop - start) * k / count for k in range(count)] + [stop]
        for k, (before, after) in enumerate(pairwise(edges)):
            for stimulation in block.stimulations.values():
                stimulation.next(before, after)
            for function in self._rules:
                function(k)
            hours = before / SECONDS_PER_HOUR, after / SECONDS_PER_HOUR
            moved = [exposure.advance(name, *hours, average=False) for exposure in block.exposures]
            if any(moved):
                for function in self._slow:
                    function(0)
            done += 1
            if done % LOOK == 0 or k == count - 1:
                self._watch.look(done, f"{after:g} s of {name}")
        return done


def _moment(seconds: float) -> float:
    return round(float(seconds), DIGITS)


def _count(length: float, longest: float) -> int:
    return max(1, math.ceil(length / longest - 1e-9))
