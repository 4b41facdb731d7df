"""How a population's input is put together: its own noise and baseline first, then every projection.

What depends only on the subject (noise, baseline, what the task shows) is computed once per subject for a whole
piece of steps and gathered to the runs; where a parameter differs between a subject's runs, the
same operations are done per run, in the same order, with the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from workbench.declaration import Array, Value
    from workbench.solver.block import Block

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

    def __init__(self, block: Block) -> None:
        self._block = block
        self._populations: dict[str, _Population] = {}

    def own(self, signal: str, size: int, baseline: Value, noise: Value, *, quiet: bool) -> None:
        """Declare a population's own input."""
        self._populations[signal] = _Population(signal, size, baseline, noise, quiet)

    def add(
        self, post: str, name: str, contribute: Contribute, *, early: bool = False, writes: tuple[str, ...] = ()
    ) -> None:
        """Add a projection; `contribute` adds to the input in place. Sources come first (`early`)."""
        reads = self._block.take_reads()
        owner = self._of(post)
        owner.projections.append((not early, name, contribute, reads, writes))

    def per_subject(self, post: str, name: str, pre: str, weight: Value, overlap: Value, accumulate: np.ufunc) -> bool:
        """Try to add a one-to-one projection from a task-driven source at subject level.

        Returns False, and adds nothing, where a parameter differs between the runs of one subject.
        """
        block, population = self._block, self._of(post)
        levels = [block.by_subject(v) for v in (weight, overlap, population.baseline, population.noise)]
        if not block.is_task_driven(pre) or any(level is None for level in levels):
            return False
        strength, share = levels[0], levels[1]
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
            self._register_own(population)
            drive = self._block.signals[population.signal]
            for late, name, contribute, reads, writes in sorted(population.projections, key=lambda p: p[:2]):
                self._block.add_step(
                    "input",
                    f"{int(late)}.projection.{name}",
                    lambda t, c=contribute, d=drive: c(d),
                    reads=reads,
                    writes=writes,
                    updates=(population.signal,),
                )

    def _register_own(self, population: _Population) -> None:
        block, signal = self._block, population.signal
        drive = block.signals[signal]
        sole = block.sole_writer(signal)
        if sole:
            return
        levels = [block.by_subject(v) for v in (population.baseline, population.noise)]
        silent = isinstance(population.noise, float) and population.noise == 0.0
        if silent and not population.per_subject:
            baseline = population.baseline
            block.add_step("input", "-" + signal, lambda t: np.copyto(drive, baseline), writes=(signal,))
            return
        # No task and no noise on the event clock: an event starts from the baseline.
        block.add_step(
            "input", "-" + signal, lambda t: np.copyto(drive, population.baseline), writes=(signal,), clock="event"
        )
        draws = None if silent else block.normal("noise:" + signal.rsplit(".", 1)[0], population.size)
        table = draws.table if draws is not None else np.empty((block.piece, population.size, len(block.subjects)))
        index = block.subject_index
        if not any(level is None for level in levels):
            baseline_level, noise_level = levels

            def prepare(steps: int) -> None:
                part = table[:steps]
                if draws is None:
                    part[...] = baseline_level
                else:
                    np.multiply(part, noise_level, out=part)
                    np.add(part, baseline_level, out=part)
                for _, contribute in sorted(population.per_subject, key=lambda p: p[0]):
                    contribute(steps, part)

            block.every_piece(prepare, late=True)
            block.add_step(
                "input", "-" + signal, lambda t: table[t].take(index, 1, drive, "clip"), writes=(signal,), clock="trial"
            )
            return
        baseline, noise = population.baseline, population.noise

        def draw(t: int) -> None:
            table[t].take(index, 1, drive, "clip")
            np.multiply(drive, noise, out=drive)
            np.add(drive, baseline, out=drive)

        block.add_step("input", "-" + signal, draw, writes=(signal,), clock="trial")
