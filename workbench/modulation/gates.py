"""Factors on one side of plasticity, computed from a driven signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.arrays import ONE, operand, power
from workbench.component.declaration import Component, number, option, path, reference, signal

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Hill(Component):
    """Opens as its signal rises: what needs a receptor."""

    section: ClassVar[str] = "gate"
    name: ClassVar[str] = "hill"
    drives: ClassVar[bool] = True
    equation: ClassVar[str] = "G = s^h / (s^h + threshold^h)"
    sources: ClassVar[tuple[str, ...]] = ("Calabresi1999",)

    signal: str = signal("the signal that opens the gate")
    threshold: Value = number(0.08, "1", "signal at which the gate is half open", low=1e-9, high=1e9)
    exponent: Value = number(2.0, "1", "steepness h", low=0.1, high=50.0)

    @staticmethod
    def open(signal: Value, threshold: Value, exponent: Value) -> Value:
        """Return the opening, 0 to 1; the ratio form neither overflows nor divides by zero at signal 0."""
        ratio: Array = power(np.divide(signal, threshold), exponent)
        return ratio / (1.0 + ratio)

    def build(self, block: Assembly, name: str) -> None:
        """Offer the opening as a driven signal."""
        block.provide(
            f"gate.{name}", block.derived(self.open, block.driven(self.signal), self.threshold, self.exponent)
        )


@dataclass(frozen=True, kw_only=True)
class InverseHill(Component):
    """Closes as its signal rises: what a receptor forbids."""

    section: ClassVar[str] = "gate"
    name: ClassVar[str] = "inverse_hill"
    drives: ClassVar[bool] = True
    equation: ClassVar[str] = "G = 1 / (1 + (s / threshold)^h)"
    sources: ClassVar[tuple[str, ...]] = ("Wang2006", "Maltese2014")

    signal: str = signal("the signal that closes the gate")
    threshold: Value = number(0.3, "1", "signal at which the gate is half closed", low=1e-9, high=1e9)
    exponent: Value = number(5.0, "1", "steepness h", low=0.1, high=50.0)

    @staticmethod
    def open(signal: Value, threshold: Value, exponent: Value) -> Value:
        """Return the opening, 1 to 0."""
        ratio: Array = power(np.divide(signal, threshold), exponent)
        return 1.0 / (1.0 + ratio)

    def build(self, block: Assembly, name: str) -> None:
        """Offer the opening as a driven signal."""
        block.provide(
            f"gate.{name}", block.derived(self.open, block.driven(self.signal), self.threshold, self.exponent)
        )


@dataclass(frozen=True, kw_only=True)
class Requirement(Component):
    """Closes in proportion as something needed is missing: open to all where nothing is needed."""

    section: ClassVar[str] = "gate"
    name: ClassVar[str] = "requirement"
    drives: ClassVar[bool] = True
    equation: ClassVar[str] = "G = 1 - need (1 - available)"
    sources: ClassVar[tuple[str, ...]] = ("Shen2008",)

    need: Value = number(1.0, "1", "how much is needed: 1 closes without it, 0 never closes", low=0.0, high=1.0)
    available: Value = number(1.0, "1", "share of it that is there", low=0.0, high=1.0)

    @staticmethod
    def open(need: Value, available: Value) -> Value:
        """Return the opening."""
        return 1.0 - need * (1.0 - available)

    def build(self, block: Assembly, name: str) -> None:
        """Offer the opening as a driven signal."""
        block.provide(f"gate.{name}", block.derived(self.open, self.need, self.available))


@dataclass(frozen=True, kw_only=True)
class Restraint(Component):
    """A gain that appears when a restraint is lost: 1 while the restraint is whole, 1 + strength without it."""

    section: ClassVar[str] = "gate"
    name: ClassVar[str] = "restraint"
    drives: ClassVar[bool] = True
    equation: ClassVar[str] = "G = 1 + strength * (1 - max(restraint, 0))"
    sources: ClassVar[tuple[str, ...]] = ("Martella2014",)

    of: str = path("the number that restrains (a D2 efficacy, for instance); 1 is full restraint")
    strength: Value = number(0.56, "1", "gain added when the restraint is gone", low=0.0, high=100.0)

    @staticmethod
    def gain(restraint: Value, strength: Value) -> Value:
        """Return the factor."""
        lost: Array = 1.0 - np.maximum(restraint, 0.0)
        return 1.0 + strength * lost

    def build(self, block: Assembly, name: str) -> None:
        """Offer the gain as a driven signal."""
        block.provide(f"gate.{name}", block.derived(self.gain, block.value(self.of), self.strength))


@dataclass(frozen=True, kw_only=True)
class ThresholdCrossing(Component):
    """Each unit's noisy drive against a threshold: above it potentiation happens, else depression.

    One burst or dip per unit, not one for all. In the mean both sides act on every trial with their probability, so
    that a weight settles exactly where they balance. A link may move the threshold, as a drug does.
    """

    section: ClassVar[str] = "modulator"
    name: ClassVar[str] = "threshold_crossing"
    offers: ClassVar[frozenset[str]] = frozenset({"single units"})
    clocks: ClassVar[tuple[str, ...]] = ("trial",)
    draws: ClassVar[bool] = True
    equation: ClassVar[str] = (
        "drawn: burst_k = 1 if y_k + noise N(0, 1) > threshold, else 0;  dip_k = 1 - burst_k\n"
        "mean: burst_k = Q((threshold - y_k) / noise), the tail of the normal distribution;  dip_k = 1 - burst_k"
    )
    sources: ClassVar[tuple[str, ...]] = ("Shen2008", "Fremaux2016")

    population: str = reference("population", "population whose activity is the mean drive of each unit")
    threshold: Value = number(0.15, "1", "drive above which potentiation happens", low=-1e3, high=1e3)
    noise: Value = number(0.12, "1", "standard deviation of the drive from trial to trial", low=1e-9, high=1e3)
    take: str = option("drawn", ("drawn", "mean"), "events drawn, or both sides with their probability")

    @staticmethod
    def tail(drive: Value, threshold: Value, noise: Value) -> Value:
        """Return the probability that drive and noise exceed the threshold."""
        from scipy.special import ndtr

        found: Array = ndtr((drive - threshold) / noise)
        return found

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve one burst and one dip per unit."""
        for part in ("burst", "dip"):
            block.signal(f"modulator.{name}.{part}", block.size(self.population))

    def build(self, block: Assembly, name: str) -> None:
        """Judge the drive at the outcome stage."""
        n = block.size(self.population)
        drive = block.read(f"population.{self.population}.activity")
        burst, dip = block.write(f"modulator.{name}.burst"), block.write(f"modulator.{name}.dip")
        threshold, noise = operand(self.threshold), operand(self.noise)
        draws = block.normal(f"noise:modulator.{name}", n) if self.take == "drawn" else None
        spread = block.lanes.spreader(burst)

        def judge(t: int) -> None:
            if draws is None:
                burst[...] = self.tail(drive, threshold, noise)
            else:
                spread(draws.table[t])
                np.multiply(burst, noise, out=burst)
                np.add(burst, drive, out=burst)
                np.greater(burst, threshold, out=burst, casting="unsafe")
            np.subtract(ONE, burst, out=dip)

        block.step("outcome", judge, clock="trial")
