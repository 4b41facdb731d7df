"""Outcomes and courses: running sums of signals, read at the edges of windows.

One running sum per signal serves every window: a window's sum is the difference of two snapshots, so the cost
does not grow with the number of windows, and a value does not depend on which others are recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import AssemblyError
from workbench.protocol.span import parse_span
from workbench.solver.steps import Function

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array
    from workbench.readouts.reading import Reading
    from workbench.solver.block import Block

Read = Callable[["NDArray[np.bool_]"], None]
"""Reads a moment of a phase in hours for the runs for which it has come."""


class Recorder:
    """Everything that is recorded in one block.

    Attributes
    ----------
    after : mapping trials done -> functions
        What to read after so many trials of the whole protocol.
    moments : mapping phase -> list of (hours, function)
        What to read at a moment of a phase that runs in hours (event or tick clock).
    trials : int
        Trials of the whole protocol.
    samples : mapping course -> int
        How many values each course will hold.
    """

    def __init__(self, block: Block, phases: list[tuple[str, Any]]) -> None:
        self.outcomes: dict[str, Array] = {}
        self.courses: dict[str, list[Array]] = {}
        self.times: dict[str, list[float]] = {}
        self.after: dict[int, list[Callable[[], None]]] = {}
        self.moments: dict[str, list[tuple[float, Read]]] = {}
        self.samples: dict[str, int] = {}
        self._block, self._phases, self._named = block, phases, dict(phases)
        self._flowing = next((name for name, phase in phases if phase.clock == "flow"), "")
        self._sums: dict[str, Array] = {}
        self._starts: dict[str, int] = {}
        total = 0
        for name, phase in phases:
            if counts_trials(phase):
                self._starts[name] = total
                total += phase.trials
        self.trials = total
        for section, plan in (("outcome", self._plan_outcome), ("course", self._plan_course)):
            for name, readout in block.all(section):
                try:
                    plan(name, readout)
                except AssemblyError as error:
                    raise AssemblyError(error.path or f"{section}.{name}", error.reason) from None
        self._refuse_within_steps()

    def _refuse_within_steps(self) -> None:
        """Refuse the first reading that falls within a step of a phase that goes in steps.

        Raises
        ------
        AssemblyError
            At the step.
        """
        for name, phase in self._phases:
            for at in sorted(self.after) if name in self._block.gridded else ():
                trials = at - self._starts[name]
                # Reading within a step would cut it, and results would depend on what is recorded.
                if 0 < trials < phase.trials and trials % phase.step:
                    what = f"something is read after {trials} trials, within a step of {phase.step}"
                    raise AssemblyError(f"phase.{name}.step", what)

    def _sums_of(self, reading: Reading) -> tuple[Array, ...]:
        if reading.signals and self._flowing:
            reason = f"is summed trial by trial, and phase {self._flowing} (flow clock) has no trials; read the weights"
            raise AssemblyError("", reason)
        for signal in reading.signals:
            if signal not in self._sums:
                # A readout that averages over trials needs one running sum, shared with every other readout of the
                # same signal; each span is a difference of two snapshots.
                total = self._sums[signal] = self._block.empty()
                source = self._block.read(signal)
                self._block.step("readout", _adder(total, source), clock="trial")
        return tuple(self._sums[signal] for signal in reading.signals)

    def _span(self, words: str | None) -> tuple[int, int] | tuple[str, float]:
        """Return (start, stop) in trials of the whole protocol, or (phase, hours) where a phase runs in hours."""
        if words is None:
            last, phase = self._phases[-1]
            return (0, self.trials) if self._starts else (last, float(phase.length))
        span = parse_span(words)
        if span.phase == "":
            return span.bounds(self.trials, 1.0)
        phase = self._named[span.phase]
        if not counts_trials(phase):
            return span.phase, float(phase.length) if span.hours is None else span.hours
        start, stop = span.bounds(phase.trials, phase.trials_per_day)
        return self._starts[span.phase] + start, self._starts[span.phase] + stop

    def _plan_outcome(self, name: str, readout: Any) -> None:
        reading = readout.reading(self._block)
        sums, span = self._sums_of(reading), self._span(readout.window)
        if isinstance(span[0], str):
            phase, hours = span
            self.outcomes[name] = np.zeros(self._block.runs)
            self.moments.setdefault(phase, []).append((float(hours), partial(_read, reading, self.outcomes[name])))
            return
        self._plan_window(sums, int(span[0]), int(span[1]), partial(self._keep, name, reading))

    def _plan_course(self, name: str, readout: Any) -> None:
        reading = readout.reading(self._block)
        sums = self._sums_of(reading)
        self.courses[name], self.times[name] = [], []
        if readout.interval > 0.0:
            self._plan_moments(name, reading, readout.interval)
            return
        start, stop = (int(edge) for edge in self._span(readout.window))
        self.samples[name] = -(-(stop - start) // readout.every)
        self._block.reserve(self.samples[name])
        course = _Bins(sums, start, readout.every, stop, partial(self._append, name, reading))
        for edge in (*range(start, stop, readout.every), stop):
            self.after.setdefault(edge, []).append(course.turn)

    def _plan_moments(self, name: str, reading: Reading, interval: float) -> None:
        """Read at fixed intervals of every phase that runs in hours; times count from the start of the first."""
        before = 0.0
        for phase_name, phase in self._phases:
            if counts_trials(phase):
                continue
            moments = self.moments.setdefault(phase_name, [])
            # The slack keeps a last moment that rounding put just beyond the end of the phase.
            count = int(np.floor(phase.length / interval + 1e-9)) + 1
            self._block.reserve(count)
            for k in range(count):
                # Compared with slack, since the end of a phase and a multiple of the interval are computed
                # differently.
                if k == 0 and before > 0.0 and self.times[name][-1] > before - 1e-9 * interval:
                    continue  # the end of one phase is the start of the next
                self.times[name].append(before + k * interval)
                self.courses[name].append(np.zeros(self._block.runs))
                moments.append((k * interval, partial(_read, reading, self.courses[name][-1])))
            before += phase.length
        self.samples[name] = len(self.times[name])

    def _plan_window(
        self, sums: tuple[Array, ...], start: int, stop: int, keep: Callable[[tuple[Array, ...], int], None]
    ) -> None:
        before: list[Array] = []

        def open_window() -> None:
            # Copied, since the running sum goes on in the same array.
            before.extend(total.copy() for total in sums)

        def close_window() -> None:
            keep(tuple(total - first for total, first in zip(sums, before, strict=True)), stop - start)
            before.clear()

        self.after.setdefault(stop, []).append(close_window)
        if sums:
            self.after.setdefault(start, []).append(open_window)

    def _keep(self, name: str, reading: Reading, sums: tuple[Array, ...], trials: int) -> None:
        self.outcomes[name] = self._spread(reading.value(sums, trials))

    def _append(self, name: str, reading: Reading, sums: tuple[Array, ...], time: float, trials: int) -> None:
        self.courses[name].append(self._spread(reading.value(sums, trials)))
        self.times[name].append(time)

    def _spread(self, value: Array | float) -> Array:
        """Return a copy for all runs; what never moves in a scenario is one number."""
        return np.array(np.broadcast_to(value, (self._block.runs,)))


class _Bins:
    """The bins of a course, one after the other: `keep` is given the sums over each, its end and its trials."""

    def __init__(self, sums: tuple[Array, ...], start: int, every: int, stop: int, keep: Callable[..., None]) -> None:
        self._sums, self._every, self._stop, self._keep = sums, every, stop, keep
        self._at = start
        self._before: tuple[Array, ...] | None = None

    def turn(self) -> None:
        """Close the bin that ends here, and open the next."""
        if self._before is not None:
            end = min(self._at + self._every, self._stop)
            within = tuple(total - first for total, first in zip(self._sums, self._before, strict=True))
            self._keep(within, float(end), end - self._at)
            self._at = end
        self._before = tuple(total.copy() for total in self._sums)


def counts_trials(phase: Any) -> bool:
    """Return whether a phase is measured in trials (trial and flow clock), not in hours."""
    return hasattr(phase, "trials")


def _adder(total: Array, source: Array) -> Function:
    return lambda t: np.add(total, source, out=total)


def _read(reading: Reading, into: Array, due: NDArray[np.bool_]) -> None:
    into[due] = np.broadcast_to(reading.value((), 0), into.shape)[due]
