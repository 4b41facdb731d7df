"""The drivers: how a phase of each clock walks through its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import AssemblyError
from workbench.protocol.schedule import event_hours
from workbench.quantities import HOURS_PER_DAY
from workbench.solver.drive import Drive
from workbench.solver.steps import EVENT_STAGES, Step

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.solver.block import Block
    from workbench.solver.recorder import Read, Recorder
    from workbench.solver.watch import Watch


class Trials:
    """The trial clock: one map per trial; drugs and what they drive move only where a dosing interval ends."""

    def __init__(self, block: Block, recorder: Recorder, watch: Watch) -> None:
        self._block, self._recorder, self._watch = block, recorder, watch
        ordered = block.steps("trial")
        self._drive = Drive(block, [s for s in ordered if s.stage == "drive"])
        # A trial is an inner loop over plain functions: looking anything up in it would cost more than small blocks
        # compute.
        self._fast = [s.function for s in ordered if s.stage != "drive"]

    def run(self, name: str, phase: Any, done: int) -> int:
        """Run one phase; `done` trials of the protocol went before. Return the trials done after it."""
        block, fast, after = self._block, self._fast, self._recorder.after
        hours = HOURS_PER_DAY / phase.trials_per_day
        changes = self._changes(phase.trials, hours)
        block.phase = name
        for draws in block.draws:
            # A stream of its own for each phase: lengthening one phase leaves the draws of the others as they were.
            draws.begin(block.phase_stream(name))
        for begin in range(0, phase.trials, block.piece):
            # Noise is drawn a piece at a time: one call to the generator for many trials, with a table that still
            # fits the cache.
            steps = min(block.piece, phase.trials - begin)
            block.trial = begin
            block.begin_piece(steps)
            for t in range(steps):
                trial = begin + t
                block.trial = trial
                if trial in changes:
                    self._expose(name, trial, changes[trial], hours)
                for function in fast:
                    function(t)
                marks = after.get(done + trial + 1)
                if marks:
                    for read in marks:
                        read()
            # Divergence is looked for once a piece and not once a trial: NaN and infinity persist, so nothing is
            # missed.
            self._watch.look(done + begin + steps, f"trial {begin + steps} of {name}")
        trials: int = phase.trials
        return done + trials

    def _changes(self, trials: int, hours: float) -> dict[int, int]:
        """Return, for each trial that opens a dosing interval, the trial that ends it.

        Without drugs a phase is one interval.
        """
        resolution = min((e.resolution for e in self._block.exposures), default=None)
        if resolution is None:
            return {0: trials}
        # Drugs move slowly against trials, so concentrations are averaged over as many trials as the finest regimen
        # allows.
        per = max(1, round(resolution / hours))
        return {start: min(start + per, trials) for start in range(0, trials, per)}

    def _expose(self, phase: str, trial: int, until: int, hours: float) -> None:
        """Go on to the dosing interval that a trial opens."""
        moved = [e.advance(phase, trial * hours, until * hours, average=True) for e in self._block.exposures]
        if trial == 0:
            self._drive.begin()
        elif any(moved):
            self._drive.follow()


class Events:
    """The event clock: from event to event by closed form.

    Runs may have their events at different times, even in a different order: each slot holds, for every run, its own
    next event, and 0/1 signals say which kind is due for whom.
    """

    def __init__(self, block: Block, recorder: Recorder, watch: Watch) -> None:
        self._block, self._recorder, self._watch = block, recorder, watch
        ordered = block.steps("event")
        self._slow = [s.function for s in ordered if s.stage == "drive"]
        self._by_kind = {kind: _of_kind(ordered, kind, stages) for kind, stages in EVENT_STAGES.items()}

    def run(self, name: str, phase: Any, done: int) -> int:
        """Run one phase and return the number of slots taken."""
        block = self._block
        for left in block.forgetting:
            left.clear()
        times, kinds, reads = self.calendar(name)
        # All moments are known beforehand, so exposures can prepare the transfers between them for all runs at once.
        block.ahead[name] = _in_turn(times, float(phase.length))
        for exposure in block.exposures:
            exposure.advance(name, 0.0, 0.0, average=False)
        for function in self._slow:
            function(0)
        now: Any = 0.0
        # Stable: events at one moment keep the order of their names, and readings come after them. Times may differ
        # between runs, so each run has an order of its own.
        order = np.argsort(times, axis=0, kind="stable") if times.ndim == 2 else np.argsort(times, kind="stable")
        for slot in range(len(times)):
            which = order[slot]
            # In slot k every run is at its own k-th event: runs stay in step in number of events, not in time.
            then = np.take_along_axis(times, which[None], axis=0)[0] if times.ndim == 2 else float(times[which])
            self._move(name, now, then)
            now = then
            self._happen(kinds, which, reads)
            self._watch.look(done + slot + 1, f"event {slot + 1} of {name}")
        self._move(name, now, float(phase.length))
        return done + len(times)

    def _move(self, phase: str, start: Any, stop: Any) -> None:
        self._block.hours = stop
        moved = [e.advance(phase, start, stop, average=False) for e in self._block.exposures]
        if any(moved):
            for function in self._slow:
                function(0)

    def _happen(self, kinds: list[str], which: Any, reads: list[Read | None]) -> None:
        block = self._block
        for kind, functions in self._by_kind.items():
            mine = [i for i, k in enumerate(kinds) if k == kind]
            # Functions run for the whole block and are masked by `due`: splitting the block would change its width,
            # and with it the order in which NumPy adds.
            due = np.isin(which, mine)
            if not np.any(due):
                continue
            np.copyto(block.due(kind), due.astype(np.float64))
            for function in functions:
                function(0)
        for i in np.unique(which).tolist():
            read = reads[i]
            if read is not None:
                read(np.broadcast_to(which == i, (block.runs,)))

    def calendar(self, phase: str) -> tuple[Array, list[str], list[Read | None]]:
        """Return times (events,) or (events, runs) in hours, the kind of each, and what to read there.

        Equal times keep this order: activity, reinforcement, reading.
        """
        times: list[Any] = []
        kinds: list[str] = []
        reads: list[Read | None] = []
        events = [e for _, e in self._block.all("event") if e.phase == phase]
        for event in sorted(events, key=lambda e: e.name):
            for hours in event_hours(event.at, event.every, event.count):
                times.append(hours)
                kinds.append(event.name)
                reads.append(None)
        for hours, read in sorted(self._recorder.moments.get(phase, ()), key=lambda m: m[0]):
            times.append(hours)
            kinds.append("reading")
            reads.append(read)
        if any(np.ndim(t) for t in times):
            stacked = np.stack([np.broadcast_to(np.asarray(t, dtype=np.float64), (self._block.runs,)) for t in times])
            return stacked, kinds, reads
        return np.asarray(times, dtype=np.float64), kinds, reads


def _in_turn(times: Array, length: float) -> Array:
    """Return the moments that a phase goes to, ``(moments, runs or 1)``: its beginning, its events, and its end."""
    events = np.sort(times if times.ndim == 2 else times[:, None], axis=0)
    begin, end = np.zeros((1, events.shape[1])), np.full((1, events.shape[1]), length)
    return np.concatenate([begin, events, end])


def _of_kind(ordered: list[Step], kind: str, stages: tuple[str, ...]) -> list[Callable[[int], object]]:
    return [s.function for s in ordered if s.kind == kind or (s.kind is None and s.stage in stages)]


class Flows:
    """Walks from reading to reading; rules advance their weights by exact solution, or on a grid of their own."""

    def __init__(self, block: Block, recorder: Recorder, watch: Watch) -> None:
        self._block, self._recorder, self._watch = block, recorder, watch
        ordered = block.steps("flow")
        flowing = [s for s in ordered if s.clock == "flow"]
        self._slow = [s.function for s in ordered if s.stage == "drive"]
        self._functions = [s.function for s in flowing]
        able = {s.owner for s in flowing}
        for name in block.names("plasticity"):
            if f"plasticity.{name}" not in able:
                raise AssemblyError(f"plasticity.{name}", "its rule has no mean field, which the flow clock needs")

    def run(self, name: str, phase: Any, done: int) -> int:
        """Run one phase; `done` trials of the protocol went before. Return the trials done after it."""
        block, after = self._block, self._recorder.after
        block.phase = name
        for function in self._slow:  # what drives from outside stands still during a flow
            function(0)
        self._advance(0.0, 0.0)
        edges = sorted({at - done for at in after if done < at <= done + phase.trials} | {phase.trials})
        begin = 0
        for edge in edges:
            self._advance(float(begin), float(edge))
            self._watch.look(done + edge, f"trial {edge} of {name}")
            for read in after.get(done + edge, ()):
                read()
            begin = edge
        return done + int(phase.trials)

    def _advance(self, begin: float, stop: float) -> None:
        self._block.span = (begin, stop)
        for function in self._functions:
            function(0)
