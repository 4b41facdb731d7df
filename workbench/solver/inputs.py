"""How a population's input is put together: its own noise and baseline first, then every projection.

What depends only on the subject (noise, baseline, what the task shows) is computed once per subject for a whole
piece of steps and gathered to the runs; where a parameter differs between a subject's runs, the
same operations are done per run, in the same order, with the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from workbench.solver.steps import Function

if TYPE_CHECKING:
    from workbench.arrays import Array, Value
    from workbench.assembly import Assembly

    class Host(Assembly, Protocol):
        """The block, with what only the engine's own rooms may ask of it."""

        def is_task_driven(self, population: str) -> bool: ...
        def by_subject(self, value: Value) -> Value | None: ...
        def has_row(self, signal: str) -> bool: ...
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


@dataclass
class _Population:
    signal: str
    size: int
    baseline: Value
    noise: Value
    quiet: bool
    per_subject: list[tuple[str, Callable[[int, Any], None]]] = field(default_factory=list)
    projections: list[tuple[bool, str, Contribute, frozenset[str], tuple[str, ...]]] = field(default_factory=list)


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
        owner = self._of(post)
        owner.projections.append((not early, name, contribute, reads, writes))

    def per_subject(self, post: str, name: str, pre: str, weight: Value, overlap: Value, accumulate: np.ufunc) -> bool:
        """Try to add a one-to-one projection from a task-driven source at subject level.

        Returns False, and adds nothing, where a parameter differs between the runs of one subject.
        """
        block = self._block
        if block.is_source(post) or not block.is_task_driven(pre):
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

        population.per_subject.append((name, contribute))
        return True

    def _of(self, population: str) -> _Population:
        signal = f"population.{population}.input"
        if signal not in self._populations:
            self._block.build("population", population)
        return self._populations[signal]

    def register(self) -> None:
        """Register one step per contribution, in order."""
        for population in self._populations.values():
            if not self._block.has_row(population.signal):
                self._register_own(population)
            for late, name, contribute, reads, writes in sorted(population.projections, key=lambda p: p[:2]):
                self._block.add_step(
                    "input",
                    f"{int(late)}.projection.{name}",
                    _into(self._block.signals[population.signal], contribute),
                    reads=reads,
                    writes=writes,
                    updates=(population.signal,),
                )

    def _register_own(self, population: _Population) -> None:
        block, signal = self._block, population.signal
        drive, baseline, noise = block.signals[signal], population.baseline, population.noise
        silent = isinstance(noise, float) and noise == 0.0

        def rest(t: int) -> None:
            np.copyto(drive, baseline)

        if silent and not population.per_subject:
            self._write(signal, rest)
            return
        self._write(signal, rest, clock="event")  # no task and no noise there: an event starts from the baseline
        draws = None if silent else block.normal("noise:" + signal.rsplit(".", 1)[0], population.size)
        table = draws.table if draws is not None else np.empty((block.piece, population.size, len(block.subjects)))
        spread = block.lanes.spreader(drive)
        by_subject = block.by_subject(baseline), block.by_subject(noise)

        def gather(t: int) -> None:
            spread(table[t])

        def gather_and_scale(t: int) -> None:
            spread(table[t])
            np.multiply(drive, noise, out=drive)
            np.add(drive, baseline, out=drive)

        if by_subject[0] is None or by_subject[1] is None:
            self._write(signal, gather_and_scale, clock="trial")
            return
        block.every_piece(_prepare(population, table, by_subject[0], by_subject[1], drawn=draws is not None), late=True)
        self._write(signal, gather, clock="trial")

    def _write(self, signal: str, function: Function, clock: str | None = None) -> None:
        self._block.add_step("input", "-" + signal, function, writes=(signal,), clock=clock)


def _into(drive: Array, contribute: Contribute) -> Function:
    return lambda t: contribute(drive)


def _prepare(
    population: _Population, table: Array, baseline: Value, noise: Value, *, drawn: bool
) -> Callable[[int], None]:
    """Return the hook that turns a piece of draws into own input plus what the task shows, per subject."""
    contributions = [contribute for _, contribute in sorted(population.per_subject, key=lambda p: p[0])]

    def prepare(steps: int) -> None:
        part = table[:steps]
        if drawn:
            np.multiply(part, noise, out=part)
            np.add(part, baseline, out=part)
        else:
            part[...] = baseline
        for contribute in contributions:
            contribute(steps, part)

    return prepare
