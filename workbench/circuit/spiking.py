"""Units that spike by chance, the more likely the higher their potential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.arrays import ZERO, operand
from workbench.component.declaration import Component, count, number, reference

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.component.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class EscapeRate(Component):
    """Leaky units that spike at a rate which grows exponentially with their potential; nothing is reset by a spike.

    A trial is one step of the spike task. The potential decays by its exact factor, and a spike that arrives moves it
    by its weight.
    """

    section: ClassVar[str] = "population"
    name: ClassVar[str] = "escape_rate"
    offers: ClassVar[frozenset[str]] = frozenset({"spikes"})
    clocks: ClassVar[tuple[str, ...]] = ("trial",)
    draws: ClassVar[bool] = True
    equation: ClassVar[str] = (
        "v <- drive + (v - drive) exp(-step / membrane_time) + sum over projections of W s\n"
        "y = 1 with probability 1 - exp(-step * rate_at_rest * exp(v / width)), else 0"
    )
    sources: ClassVar[tuple[str, ...]] = ("Vogels2011",)

    size: int = count(1, "number of units", high=4096)
    spikes: str = reference("task", "the spike task whose step counts", requires="spikes")
    drive: Value = number(0.0, "1", "constant drive, in units of the potential")
    membrane_time: Value = number(20.0, "ms", "time constant of the potential", low=0.1, high=1e4)
    rate_at_rest: Value = number(5.0, "Hz", "rate at potential 0", low=0.0, high=1e3)
    width: Value = number(1.0, "1", "potential over which the rate grows by e", low=1e-3, high=1e3)

    quiet: ClassVar[bool] = False

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve input, potential and spikes."""
        for signal in ("input", "activity"):
            block.signal(f"population.{name}.{signal}", self.size)
        block.state(f"population.{name}.potential", self.size)[...] = self.drive

    def build(self, block: Assembly, name: str) -> None:
        """Move the potential, then let chance decide."""
        seconds = block.component("task", self.spikes).seconds
        block.inputs.own(f"population.{name}.input", self.size, 0.0, 0.0, quiet=True)
        draws = block.uniform(f"spikes:population.{name}", self.size)
        arriving = block.read(f"population.{name}.input")
        potential = block.update(f"population.{name}.potential")
        fired = block.write(f"population.{name}.activity")
        lasting = operand(block.derived(lambda tau: np.exp(-1000.0 * seconds / tau), self.membrane_time))
        hazard, chance = block.scratch("hazard", self.size), block.scratch("chance", self.size)
        spread, shorter = block.lanes.spreader(chance), operand(-seconds)
        drive, width, rate = operand(self.drive), operand(self.width), operand(self.rate_at_rest)

        def fire(t: int) -> None:
            np.subtract(potential, drive, out=potential)
            np.multiply(potential, lasting, out=potential)
            np.add(potential, drive, out=potential)
            np.add(potential, arriving, out=potential)
            np.divide(potential, width, out=hazard)
            np.exp(hazard, out=hazard)
            np.multiply(hazard, rate, out=hazard)
            np.multiply(hazard, shorter, out=hazard)
            np.expm1(hazard, out=hazard)  # minus the probability of a spike
            spread(draws.table[t])
            np.add(chance, hazard, out=chance)
            np.less(chance, ZERO, out=fired)

        block.step("activity", fire, clock="trial")
