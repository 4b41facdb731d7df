"""Marks and dopamine that both linger: what they write between two events, by closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.plasticity.traces import modes_of
from workbench.quantities import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from workbench.arrays import Value
    from workbench.assembly import Assembly
    from workbench.plasticity.three_factor import ThreeFactor


class Lingering:
    """The event form of a `three_factor` rule: ``dW = rate integral of D(t) e(t)``, exact over any stretch.

    Every exponential of the mark times the exponential of dopamine is one exponential, so a stretch of length s adds
    ``size e D tau (1 - exp(-s / tau))`` with ``1 / tau = 1 / tau_e + 1 / tau_D``. A pulse without a decay acts at once.
    Time constants are read anew each time: a drug may move them.
    """

    resolution = 1_000_000_000

    def __init__(self, rule: ThreeFactor, block: Assembly, name: str) -> None:
        self._rule, self._block, self._name = rule, block, name
        self._third: Any = block.component("modulator", rule.third_factor)
        self._eligibility: Any = block.component("eligibility", str(rule.trace))
        weight = block.signals[f"projection.{name}.weight"]
        shape = weight.shape[:-1]
        self._weight = weight
        self._marks = [
            block.state(f"plasticity.{name}.mark_{i + 1}", *shape) for i in range(len(modes_of(self._eligibility)))
        ]
        self._level = block.state(f"plasticity.{name}.level")
        cleared = self._eligibility.name == "cleared"
        self._left: Value = self._eligibility.left(block) if cleared else 1.0
        self._decay: Value = getattr(self._third, "decay", 0.0)
        self._bounds = block.component("projection", name).bounds

    def register(self) -> None:
        """Register marks at activity, pulses at reinforcement, and what happens in between."""
        block, rule = self._block, self._rule
        drive, due = rule.mark(block, self._name), block.due("activity")
        for i in range(len(self._marks)):
            block.update(f"plasticity.{self._name}.mark_{i + 1}")

        def mark(t: int) -> None:
            left = np.where(due > 0.0, self._left, 1.0)
            for state in self._marks:
                state *= left
                state += drive() * due

        block.on("activity", "trace", mark)
        burst = block.read(f"modulator.{rule.third_factor}.burst")
        dip = block.read(f"modulator.{rule.third_factor}.dip")
        block.update(f"projection.{self._name}.weight")
        block.update(f"plasticity.{self._name}.level")

        def fire(t: int) -> None:
            amplitude = burst - dip
            lasting = np.asarray(self._decay) > 0.0
            self._level += np.where(lasting, amplitude, 0.0)
            at_once = np.where(lasting, 0.0, amplitude) * rule.rate
            for (size, _), state in zip(modes_of(self._eligibility), self._marks, strict=True):
                self._weight += size * at_once * state
            self._bound()

        block.on("reinforcement", "rule", fire)
        block.exposures.append(self)
        block.forgetting.append(self)

    def clear(self) -> None:
        """Begin a phase with nothing left."""
        for state in (*self._marks, self._level):
            state[...] = 0.0

    def advance(self, phase: str, start: Any, stop: Any, *, average: bool, look: bool = False) -> bool:
        """Advance marks, dopamine and weights from `start` to `stop` hours of a phase on the event clock."""
        if average or look:
            return False
        seconds = (np.asarray(stop) - start) * SECONDS_PER_HOUR
        lasting = np.asarray(self._decay) > 0.0
        fading = np.where(lasting, 1.0 / np.where(lasting, self._decay, 1.0), 0.0)
        for (size, decay), state in zip(modes_of(self._eligibility), self._marks, strict=True):
            speed = 1.0 / decay + fading
            self._weight += self._rule.rate * size * self._level * state * (-np.expm1(-seconds * speed) / speed)
            state *= np.exp(-seconds / decay)
        self._level *= np.exp(-seconds * fading)
        self._bound()
        return False

    def _bound(self) -> None:
        if self._bounds is not None:
            self._weight.clip(*self._bounds, out=self._weight)
