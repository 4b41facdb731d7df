"""The order of one step: named stages, and inside a stage by dependency, then by name."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass

STAGES = (
    "event",
    "drive",
    "input",
    "activity",
    "outcome",
    "trace",
    "threshold",
    "rule",
    "bounds",
    "scaling",
    "readout",
)
"""One documented sequence. What drives the circuit from outside comes before activity; what a step causes (reward,
error, dopamine) after it; thresholds move before weights; bounds and scaling follow the rule."""

EVENT_STAGES = {
    "activity": ("input", "activity", "trace"),
    "reinforcement": ("outcome", "rule", "bounds"),
}
"""Which stages an event of the event clock runs."""

Function = Callable[[int], object]


@dataclass(frozen=True)
class Step:
    """One registered function: where it belongs, and which signals it reads, writes and updates.

    `clock` is "trial", "event" or None (both); `kind` ties an event-clock step to one kind of event.
    A step with `on_demand` is dropped where nobody reads what it writes.
    """

    stage: str
    owner: str
    order: int
    function: Function
    reads: frozenset[str]
    writes: frozenset[str]
    updates: frozenset[str]
    clock: str | None = None
    kind: str | None = None
    on_demand: bool = False


def in_order(steps: Iterable[Step], settled: Iterable[str]) -> list[Step]:
    """Return `steps` in the order in which they run.

    Parameters
    ----------
    settled : names
        Signals that hold a value before the step begins: states, parameters, constants.

    Raises
    ------
    ValueError
        If a step reads a signal before this step has written it, or steps of one stage wait for each other.
    """
    kept = list(steps)
    wanted = {name for step in kept for name in step.reads | step.updates}
    kept = [s for s in kept if not s.on_demand or s.writes & wanted]
    produced = {name for step in kept for name in step.writes}
    known = set(settled) - produced
    ordered: list[Step] = []
    for stage in STAGES:
        for step in _sorted_stage([s for s in kept if s.stage == stage]):
            early = sorted((step.reads | step.updates) - known - step.writes & produced)
            if early := [name for name in early if name in produced]:
                raise ValueError(f"{step.owner} reads {', '.join(early)} in stage {stage!r} before this step writes it")
            known |= step.writes
            ordered.append(step)
    return ordered


def _sorted_stage(steps: list[Step]) -> list[Step]:
    """Sort one stage: writers, then those who update, then readers; ties by owner's name."""
    waits: dict[int, set[int]] = {i: set() for i in range(len(steps))}
    for i, step in enumerate(steps):
        for j, other in enumerate(steps):
            if i == j:
                continue
            if other.writes & (step.reads | step.updates):
                waits[i].add(j)
            if other.updates & (step.reads - step.updates - step.writes):
                waits[i].add(j)
    ready = [(steps[i].owner, steps[i].order, i) for i in waits if not waits[i]]
    heapq.heapify(ready)
    done: list[Step] = []
    left = {i: set(w) for i, w in waits.items()}
    while ready:
        *_, at = heapq.heappop(ready)
        done.append(steps[at])
        for i, waiting in left.items():
            if at in waiting:
                waiting.discard(at)
                if not waiting:
                    heapq.heappush(ready, (steps[i].owner, steps[i].order, i))
    if len(done) != len(steps):
        stuck = sorted({steps[i].owner for i, w in left.items() if w})
        raise ValueError(f"these wait for each other within one step: {', '.join(stuck)}")
    return done
