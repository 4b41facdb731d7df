"""Factors on one side of plasticity, computed from a driven signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.arithmetic import power
from workbench.declaration import Component, number, path, signal

if TYPE_CHECKING:
    from workbench.arrays import Array, Value
    from workbench.assembly import Assembly


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
