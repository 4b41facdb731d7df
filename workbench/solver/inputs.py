"""How a population's input is put together: its own noise and baseline first, then every projection.

What depends only on the subject (noise, baseline, what the task shows) is computed once per subject for a whole
piece of steps and gathered to the runs; where a parameter differs between a subject's runs, the
same operations are done per run, in the same order, with the same bits.

The order of the sum is that of what projections are, never of their names: those from sources first, excitation before
inhibition, and then by kind. Projections that only their names tell apart add up among themselves: two in a sum that
has no order, more of them from the smallest contribution to the largest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from workbench.component.arrays import operand
from workbench.solver.steps import Function

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly

    class Host(Assembly, Protocol):
        """The block, with what only the engine's own rooms may ask of it."""

        def is_task_driven(self, population: str) -> bool: ...
        def by_subject(self, value: Value) -> Value | None: ...
        def has_row(self, signal: str) -> bool: ...
        def sources_of(self, population: str) -> int: ...
        def kin(self, projection: str) -> tuple[str, str]: ...
        def take_reads(self) -> frozenset[str]: ...
        def build(self, section: str, name: str) -> None: ...
        def add_step(
            self,
            stage: str,
            owner: str,
            function: Function,
            reads: Iterable[str] = (),
            writes: Iterable[str] = (),
            updates: Iterable[str] = (),
            clock: str | None = None,
        ) -> None: ...


Contribute = Callable[["Array"], object]


@dataclass(frozen=True)
class _Contribution:
    """What one projection adds: `order` is its place in the sum, `reads` and `writes` its signals."""

    order: tuple[bool, str, str]
    projection: str
    contribute: Contribute
    reads: frozenset[str]
    writes: tuple[str, ...]


@dataclass
class _Population:
    signal: str
    size: int
    baseline: Value
    noise: Value
    quiet: bool
    per_subject: Callable[[int, Any], None] | None = None
    projections: list[_Contribution] = field(default_factory=list)


class Inputs:
    """Collects contributions while components are built; `register` turns them into steps."""

    def __init__(self, block: Host) -> None:
        self._block = block
        self._populations: dict[str, _Population] = {}

    def own(self, signal: str, size: int, baseline: Value, noise: Value, *, quiet: bool) -> None:
        """Declare a population's own input."""
        self._populations[signal] = _Population(signal, size, baseline, noise, quiet)

    def add(
        self, post: str, name: str, contribute: Contribute, *, early: bool = False, writes: tuple[str, ...] = ()
    ) -> None:
        """Add a projection; `contribute` adds to the input in place. Sources come first (`early`).

        Onto a source nothing is added: its activity is given from outside (a teacher).
        """
        reads = self._block.take_reads()
        if self._block.is_source(post):
            return
        order = (not early, *self._block.kin(name))
        self._of(post).projections.append(_Contribution(order, name, contribute, reads, writes))

    def per_subject(self, post: str, name: str, pre: str, weight: Value, overlap: Value, accumulate: np.ufunc) -> bool:
        """Try to add a one-to-one projection from a task-driven source at subject level.

        Returns False, and adds nothing, where a parameter differs between the runs of one subject, and where several
        sources reach the population: the order of their sum must not depend on who shares a block.
        """
        block = self._block
        if block.is_source(post) or not block.is_task_driven(pre):
            return False
        if block.sources_of(post) > 1:
            return False
        population = self._of(post)
        strength, share, *own = (block.by_subject(v) for v in (weight, overlap, population.baseline, population.noise))
        if strength is None or share is None or any(level is None for level in own):
            return False
        pattern = block.pattern(pre, population.size)

        def contribute(steps: int, table: Any) -> None:
            shown = pattern[:steps]
            if isinstance(share, float) and share == 0.0:
                term = shown * strength
            else:
                term = np.add.reduce(shown, axis=1)[:, None] - shown
                term *= share
                term += shown
                term *= strength
            accumulate(table, term, out=table)

        population.per_subject = contribute
        return True

    def _of(self, population: str) -> _Population:
        signal = f"population.{population}.input"
        if signal not in self._populations:
            self._block.build("population", population)
        return self._populations[signal]

    def register(self) -> None:
        """Register one step per contribution, in order: each waits for the one before it, whatever is there first."""
        for population in self._populations.values():
            if not self._block.has_row(population.signal):
                self._register_own(population)
            before: tuple[str, ...] = ()
            ordered = sorted(population.projections, key=lambda c: (c.order, c.projection))
            for place, (_, alike) in enumerate(groupby(ordered, key=lambda c: c.order)):
                done = f"{population.signal}.{place}"
                self._add(population, list(alike), before, done)
                before = (done,)

    def _add(self, population: _Population, alike: list[_Contribution], before: tuple[str, ...], done: str) -> None:
        """Register what adds contributions of one place in the sum; it waits for `before` and then says `done`."""
        block, signal = self._block, population.signal
        drive = block.signals[signal]
        if len(alike) == 1:
            (one,) = alike
            step = _into(drive, one.contribute)
            owner = f"projection.{one.projection}"
            block.add_step("input", owner, step, (*one.reads, *before), (*one.writes, done), (signal,))
            return
        terms, total = block.empty(len(alike), population.size), block.empty(population.size)
        made = [f"{done}.{i}" for i in range(len(alike))]
        for one, term, name in zip(alike, terms, made, strict=True):
            step = _alone(term, one.contribute)
            block.add_step("input", f"projection.{one.projection}", step, one.reads, (*one.writes, name))

        def add_up(t: int) -> None:
            if len(terms) > 2:
                terms.sort(axis=0)
            np.add.reduce(terms, axis=0, out=total)
            np.add(drive, total, out=drive)

        block.add_step("input", signal.rpartition(".")[0], add_up, (*made, *before), (done,), (signal,))

    def _register_own(self, population: _Population) -> None:
        block, signal = self._block, population.signal
        drive, baseline, noise = block.signals[signal], population.baseline, population.noise
        # Only a plain 0 for good: an array may be moved by a link, and needs its draws from the start.
        silent = isinstance(noise, float) and noise == 0.0

        rest = _resting(drive, baseline)
        if silent and population.per_subject is None:
            self._write(signal, rest)
            return
        self._write(signal, rest, clock="event")  # no task and no noise there: an event starts from the baseline
        draws = None if silent else block.normal("noise:" + signal.rsplit(".", 1)[0], population.size)
        table = draws.table if draws is not None else np.empty((block.piece, population.size, len(block.subjects)))
        spread = block.lanes.spreader(drive)
        by_subject = block.by_subject(baseline), block.by_subject(noise)

        def gather(t: int) -> None:
            spread(table[t])

        factor, offset = operand(noise), operand(baseline)

        def gather_and_scale(t: int) -> None:
            spread(table[t])
            np.multiply(drive, factor, out=drive)
            np.add(drive, offset, out=drive)

        if by_subject[0] is None or by_subject[1] is None:
            self._write(signal, gather_and_scale, clock="trial")
            return
        block.every_piece(_prepare(population, table, by_subject[0], by_subject[1], drawn=draws is not None), late=True)
        self._write(signal, gather, clock="trial")

    def _write(self, signal: str, function: Function, clock: str | None = None) -> None:
        self._block.add_step("input", "-" + signal, function, writes=(signal,), clock=clock)


def _resting(drive: Array, baseline: Value) -> Function:
    if isinstance(baseline, float):
        return lambda t: drive.fill(baseline)
    return lambda t: np.copyto(drive, baseline)


def _into(drive: Array, contribute: Contribute) -> Function:
    return lambda t: contribute(drive)


def _alone(term: Array, contribute: Contribute) -> Function:
    def alone(t: int) -> None:
        term.fill(0.0)
        contribute(term)

    return alone


def _prepare(
    population: _Population, table: Array, baseline: Value, noise: Value, *, drawn: bool
) -> Callable[[int], None]:
    """Return the hook that turns a piece of draws into own input plus what the task shows, per subject."""
    contribute = population.per_subject

    def prepare(steps: int) -> None:
        part = table[:steps]
        if drawn:
            np.multiply(part, noise, out=part)
            np.add(part, baseline, out=part)
        else:
            part[...] = baseline
        if contribute is not None:
            contribute(steps, part)

    return prepare
