"""Solve a batch: one block, its phases in order, outcomes out."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from workbench.component.registry import Registry, registry
from workbench.solver.batch import Batch, BatchResult, Structure
from workbench.solver.block import Block
from workbench.solver.clocks import Events, Flows, Trials
from workbench.solver.probe import Probe
from workbench.solver.recorder import Recorder
from workbench.solver.ticks import Ticks
from workbench.solver.watch import Deadline, DeadlinePassed, Watch

Phases = list[tuple[str, Any]]
DRIVERS: dict[str, Any] = {"trial": Trials, "event": Events, "tick": Ticks, "flow": Flows}
"""What walks through a phase, by its clock."""

NARROWEST = 8
"""A block of one run reduces in another order; a single run is padded with copies of itself."""
# Beyond the widest, wider blocks gain nothing; below the narrow one the overhead of Python calls dominates.
WIDEST, NARROW = 6144, 16
LARGE_BLOCK = 2**24
"""From so many bytes on as well."""
MEASURED = 2
"""Runs in the block that is put together to be measured; it takes no step."""
LARGE = 512
"""From this many runs on, a block's arrays are worth a collection."""
BLOCK_BYTES = 8 * 1024 * 1024
"""A few times a core's second-level cache: what a step touches at once is much less than the whole block. Measured on
the 4-muscle circuit with 578 conditions a subject, in ns of a run-step: 86 in 1,156 runs, 65 in 2,890, 59 in 4,046 and
52 in 5,780."""
DRAWN_BYTES = 48 * 1024 * 1024
"""What is drawn and shown comes on top, subject by subject. With both, Python and NumPy, a worker whose every run is a
subject of its own takes 170 MB in the widest block of that circuit, however many runs there are."""


def solve(batch: Batch, components: Registry | None = None) -> BatchResult:
    """Advance all runs of `batch` through the protocol.

    Parameters
    ----------
    components : Registry, optional
        Where component names are looked up; by default those installed.

    Returns
    -------
    BatchResult
        In the order of the batch. The bits of a run do not depend on its neighbours or the width.
    """
    result = _solve(batch, components or registry())
    if len(batch) >= LARGE:
        gc.collect()  # a block's closures refer to each other: without this, several blocks of arrays lie about
    return result


def _assembled(batch: Batch, components: Registry) -> tuple[Block, Phases, Recorder]:
    if len(batch) < NARROWEST:
        # NumPy reduces very narrow arrays in another order, so a run alone would differ in its last bits from the
        # same run among others.
        batch = batch.take(np.minimum(np.arange(NARROWEST), len(batch) - 1))
    block = Block(batch, components)
    block.build_all()
    phases = sorted(block.all("phase"), key=lambda p: (p[1].order, p[0]))
    return block, phases, Recorder(block, phases)


def _solve(batch: Batch, components: Registry) -> BatchResult:
    started = time.perf_counter()
    wanted = len(batch)
    with np.errstate(all="ignore"):  # a diverging run may overflow; Watch finds it, neighbours are untouched
        block, phases, recorder = _assembled(batch, components)
        watch = Watch(block)
        steps = _run_phases(block, recorder, watch, phases)
    for name, value in recorder.outcomes.items():
        watch.undefined(name, value, steps)
    for name, values in recorder.courses.items():
        for value in values:
            watch.undefined(name, value, steps)
    # The copies that pad a narrow batch fail with their originals and are dropped here.
    failures = {run: failure for run, failure in watch.failures.items() if run < wanted}
    lost = sorted(failures)
    outcomes = {name: value[:wanted].astype(np.float64) for name, value in recorder.outcomes.items()}
    courses = {name: np.stack(values)[:, :wanted].astype(np.float64) for name, values in recorder.courses.items()}
    for recorded in (*outcomes.values(), *courses.values()):
        # A run that diverged has numbers up to that step; none of them may pass for a result.
        recorded[..., lost] = np.nan
    return BatchResult(
        keys=batch.keys[:wanted],
        outcomes=outcomes,
        courses=courses,
        times={name: tuple(times) for name, times in recorder.times.items()},
        failures=failures,
        steps=steps,
        seconds=time.perf_counter() - started,
        draw_seconds=block.draw_seconds,
    )


def rehearse(batch: Batch, seconds: float, components: Registry | None = None) -> float:
    """Advance `batch` for about `seconds`; return the time of one step of the whole block. Nothing is kept."""
    with np.errstate(all="ignore"):
        block, phases, recorder = _assembled(batch, components or registry())
        started = time.perf_counter()
        try:
            done = _run_phases(block, recorder, Deadline(block, started + seconds), phases)
        except DeadlinePassed as passed:
            done = passed.step
    return (time.perf_counter() - started) / max(done, 1)


def _steps(block: Block, recorder: Recorder, phases: Phases) -> int:
    """Return how many steps a run takes from beginning to end."""
    watch = Watch(block)
    events, ticks = Events(block, recorder, watch), Ticks(block, recorder, watch)
    steps = recorder.trials + sum(len(events.calendar(name)[0]) for name, p in phases if p.clock == "event")
    return steps + sum(ticks.steps(name, p) for name, p in phases if p.clock == "tick")


def _run_phases(block: Block, recorder: Recorder, watch: Watch, phases: Phases) -> int:
    clocks: dict[str, Any] = {}
    done = dict.fromkeys(DRIVERS, 0)  # trials and the trials' worth of a flow are counted together
    for read in recorder.after.get(0, ()):
        read()
    for name, phase in phases:
        if phase.clock not in clocks:
            clocks[phase.clock] = DRIVERS[phase.clock](block, recorder, watch)
        counted = "trial" if phase.clock == "flow" else phase.clock
        done[counted] = clocks[phase.clock].run(name, phase, done[counted])
    return sum(done.values())


@dataclass(frozen=True)
class BlockShape:
    """How runs of one structure are laid out.

    Attributes
    ----------
    width : int
        Runs in a block, at most: as many as keep its buffers within 8 MB. A tuning number; results do not depend on
        it.
    subjects : int
        Subjects in a block, at most: as many as keep what is drawn for them within 48 MB.
    outcomes : int
        How many outcomes a run has.
    samples : tuple of int
        Values that each of its courses holds.
    steps : int
        Steps that a run takes from beginning to end.
    drawn : bool
        Whether chance has a part in its steps.
    """

    width: int
    subjects: int
    outcomes: int
    samples: tuple[int, ...]
    steps: int
    drawn: bool = False


@cache
def shape_of(structure: Structure, components: Registry | None = None) -> BlockShape:
    """Put `structure` together once, and measure it.

    Raises
    ------
    AssemblyError
        If a table asks for something that no other table makes.
    """
    known = components or registry()
    values: dict[str, float] = {}
    for table in structure.tables:
        given = dict(table.fields)
        for field, parameter in known.get(table.section, table.component).parameters().items():
            if not parameter.structural and field not in given:
                left_open = parameter.required or parameter.default is None
                # Any number will do: only shapes are measured, and no step is taken.
                values[f"{table.section}.{table.name}.{field}"] = 1.0 if left_open else float(parameter.default)
    batch = Batch(structure, 0, np.zeros(MEASURED, dtype=np.int64), values, (b"",) * MEASURED)
    block = Probe(batch, known)
    with np.errstate(all="ignore"):
        block.build_all()
        taken, drawn_for = block.bytes, block.reserved - block.bytes
        for clock in block.clocks:
            block.steps(clock)
        phases = sorted(block.all("phase"), key=lambda p: (p[1].order, p[0]))
        recorder = Recorder(block, phases)
        steps = _steps(block, recorder, phases)
        block.refuse_still()
    outcomes, samples = len(block.names("outcome")), tuple(recorder.samples.values())
    drawn = bool(block.draws)
    if MEASURED * taken > LARGE_BLOCK:
        del block, recorder
        gc.collect()  # as in `solve`
    width = min(max(BLOCK_BYTES // taken, NARROW), WIDEST)
    subjects = max(DRAWN_BYTES // max(drawn_for, 1), 1)
    return BlockShape(width, subjects, outcomes, samples, steps, drawn)


def width_for(structure: Structure, components: Registry | None = None) -> int:
    """Return the block width of `structure`; raises as `shape_of`."""
    return shape_of(structure, components).width
