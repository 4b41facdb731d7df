"""A threshold that slides with recent activity: the BCM idea as a homeostat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.arrays import ONE, operand
from workbench.component.declaration import Component, count, number, reference

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.component.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class SlidingThreshold(Component):
    """After high activity potentiation gets harder and depression easier.

    The threshold follows squared activity over `window` trials. It acts only through a rule's two
    sides: where depression is closed, the homeostat has no effect on it.
    The factor f is recomputed every `refresh` trials, since it moves by at most 1/window a trial.
    """

    section: ClassVar[str] = "homeostat"
    name: ClassVar[str] = "sliding_threshold"
    equation: ClassVar[str] = "window dtheta = y^2 - theta;  f = (theta / target)^strength;  LTP / f, LTD x f"
    sources: ClassVar[tuple[str, ...]] = ("Bienenstock1982",)

    population: str = reference("population", "population whose activity is watched")
    target: Value = number(0.1, "1", "squared activity at which f is 1; also the start of theta", low=1e-6, high=1e3)
    strength: Value = number(0.5, "1", "exponent; 0 switches the homeostat off", low=0.0, high=10.0)
    window: Value = number(500.0, "trial", "memory of the threshold", low=1.0, high=1e7)
    refresh: int = count(10, "trials between two computations of f", high=1000)

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve theta and the two drives that rules read in place of plain activity."""
        n = block.size(self.population)
        block.state(f"homeostat.{name}.theta", n)[...] = self.target
        block.signal(f"homeostat.{name}.ltp_drive", n)
        block.signal(f"homeostat.{name}.ltd_drive", n)

    def build(self, block: Assembly, name: str) -> None:
        """Move theta by its exact exponential step; where a rule reads them, offer ``y / f`` and ``y f``."""
        activity = block.read(f"population.{self.population}.activity")
        theta = block.update(f"homeostat.{name}.theta")
        follow = operand(block.derived(lambda window: -np.expm1(-1.0 / window), self.window))
        squared = block.scratch("squared", len(theta))

        def slide(t: int) -> None:
            np.multiply(activity, activity, out=squared)
            np.subtract(squared, theta, out=squared)
            np.multiply(squared, follow, out=squared)
            np.add(theta, squared, out=theta)

        block.step("threshold", slide, clock="trial")
        block.read(f"population.{self.population}.activity")
        block.read(f"homeostat.{name}.theta")
        harder, easier = block.write(f"homeostat.{name}.ltp_drive"), block.write(f"homeostat.{name}.ltd_drive")
        factor, inverse = block.empty(len(theta)), block.empty(len(theta))
        # Spread out, as a power must not depend on whether runs share the exponent; see `power`.
        spread = block.spread(self.strength, len(theta))
        strength = np.full_like(theta, spread) if isinstance(spread, float) else spread
        target, refresh = operand(self.target), self.refresh

        def offer(t: int) -> None:
            if block.trial % refresh == 0:
                np.divide(theta, target, out=factor)
                np.power(factor, strength, out=factor)
                np.divide(ONE, factor, out=inverse)
            np.multiply(activity, inverse, out=harder)
            np.multiply(activity, factor, out=easier)

        block.step("threshold", offer, clock="trial", on_demand=True)
