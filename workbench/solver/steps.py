"""The order of one step: named stages, and inside a stage by dependency; names decide nothing visible."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
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

STRETCHES = (("event",), ("drive",), ("input", "activity"), *((stage,) for stage in STAGES[4:]))
"""Stages that are put in order together."""

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


class Unorderable(Exception):
    """Steps that cannot be put in order.

    Attributes
    ----------
    circle : tuple of Step
        Steps of which each waits for the one before it, and the first for the last; or the one step that reads too
        early.
    reason : str
        What is wrong, by the steps' owners.
    """

    def __init__(self, circle: tuple[Step, ...], reason: str) -> None:
        self.circle, self.reason = circle, reason
        super().__init__(reason)


def in_order(steps: Iterable[Step], settled: Iterable[str]) -> list[Step]:
    """Return `steps` in the order in which they run.

    Input and activity are one stretch: a unit that thresholds its input must have answered before the units that it
    drives sum theirs, however deep the circuit is.

    Parameters
    ----------
    settled : names
        Signals that hold a value before the step begins: states, parameters, constants.

    Raises
    ------
    Unorderable
        If a step reads a signal before this step has written it, or steps wait for each other.
    """
    kept = list(steps)
    wanted = {name for step in kept for name in step.reads | step.updates}
    # Copying a pattern to all runs is expensive, so it only happens where a step reads the copy.
    kept = [s for s in kept if not s.on_demand or s.writes & wanted]
    produced = {name for step in kept for name in step.writes}
    known = set(settled) - produced
    ordered: list[Step] = []
    for stretch in STRETCHES:
        for step in _sorted([s for s in kept if s.stage in stretch]):
            early = sorted((step.reads | step.updates) - known - step.writes & produced)
            if early := [name for name in early if name in produced]:
                reason = f"{step.owner} reads {', '.join(early)} in stage {step.stage!r} before this step writes it"
                raise Unorderable((step,), reason)
            known |= step.writes
            ordered.append(step)
    return ordered


def _sorted(steps: list[Step]) -> list[Step]:
    """Sort one stretch: writers, then those who update, then readers; ties by stage, then by owner's name."""
    waits = _waits(steps)
    behind: dict[int, list[int]] = {}
    for i, ahead in waits.items():
        for j in ahead:
            behind.setdefault(j, []).append(i)
    rank = [(STAGES.index(step.stage), step.owner, step.order, i) for i, step in enumerate(steps)]
    # A heap by stage, owner and order of registration: among several valid orders this is always the same one, so
    # that bits do not depend on the order of tables in the file.
    ready = [rank[i] for i in waits if not waits[i]]
    heapq.heapify(ready)
    done: list[Step] = []
    left = {i: set(w) for i, w in waits.items()}
    while ready:
        *_, at = heapq.heappop(ready)
        done.append(steps[at])
        for i in behind.get(at, ()):
            left[i].discard(at)
            if not left[i]:
                heapq.heappush(ready, rank[i])
    if len(done) != len(steps):
        circle = tuple(steps[i] for i in _circle({i: w for i, w in left.items() if w}))
        chain = " -> ".join(step.owner for step in (*circle, circle[0]))
        raise Unorderable(circle, f"these wait for each other within one step: {chain}")
    return done


def _waits(steps: Sequence[Step]) -> dict[int, set[int]]:
    """Return for each step those after which it runs; looked up by signal, as there may be thousands of steps."""
    writers: dict[str, set[int]] = {}
    updaters: dict[str, set[int]] = {}
    for j, other in enumerate(steps):
        for name in other.writes:
            writers.setdefault(name, set()).add(j)
        for name in other.updates:
            updaters.setdefault(name, set()).add(j)
    place = [STAGES.index(step.stage) for step in steps]
    waits: dict[int, set[int]] = {}
    for i, step in enumerate(steps):
        # Who writes a signal comes before who changes it in place, and both before who only reads it.
        found = {j for name in step.reads | step.updates for j in writers.get(name, ())}
        found |= {j for name in step.reads - step.updates - step.writes for j in updaters.get(name, ())}
        # Two that change the same signal in one stage commute by contract, so only the stage orders them: projections
        # add to an input, which Inputs keeps in a fixed order.
        found |= {j for name in step.updates for j in updaters.get(name, ()) if place[j] < place[i]}
        found.discard(i)
        if step.stage == "input" and step.reads & step.updates:  # it would add to what it is still reading
            found.add(i)
        waits[i] = found
    return waits


MOST_LOOKS = 100_000
"""How often a step is looked at for the sake of a shorter circle, once one is known."""


def _circle(waits: dict[int, set[int]]) -> list[int]:
    """Return a circle among steps that wait, each behind the one that it waits for; every one waits.

    Of a few hundred steps it is a shortest one; of thousands it is the shortest of those that are soon found.
    """
    ahead = {i: sorted(found & waits.keys()) for i, found in waits.items()}
    sure = min(waits)
    for _ in waits:  # from wherever it begins, such a walk ends on a circle
        sure = ahead[sure][0]
    best: list[int] = []
    # Breadth first from every step: the shortest circle is the one that a reader can mend.
    known, looks = _circle_through(sure, ahead)
    for start in ahead:
        found, further = _circle_through(start, ahead)
        if found and (not best or len(found) < len(best)):
            best = found
        looks += further
        if looks > MOST_LOOKS:
            return min((one for one in (best, known) if one), key=len)
    return best


def _circle_through(start: int, ahead: dict[int, list[int]]) -> tuple[list[int], int]:
    """Return a shortest circle through a step, empty if it is on none, and how many steps were looked at."""
    behind: dict[int, int] = {}
    edge, looks = [start], 0
    while edge and start not in behind:
        found = [(i, j) for i in edge for j in ahead[i] if j not in behind]
        looks += len(found) + len(edge)
        for i, j in found:
            behind.setdefault(j, i)
        edge = list(dict.fromkeys(j for _, j in found))
    if start not in behind:
        return [], looks
    path = [start]
    while (step := behind[path[-1]]) != start:
        path.append(step)
    return path, looks
