"""The share of receptors that a transmitter activates, with or without a competitor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.declaration import Component, number, reference, references

MG_HALF, MG_SLOPE = 3.57, 0.062
"""Magnesium (mM) that blocks half the channels at 0 mV, and how steeply that falls with potential (1/mV)."""

if TYPE_CHECKING:
    from workbench.arrays import Value
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class NmdaChannel(Component):
    """Mean share of NMDA channels that conduct under a regular train: opening, deactivation and magnesium block.

    Every stimulus opens them anew to `open_probability` (full reset); between stimuli they deactivate exponentially.
    """

    section: ClassVar[str] = "receptor"
    name: ClassVar[str] = "nmda_channel"
    drives: ClassVar[bool] = True
    equation: ClassVar[str] = (
        "Q = open_probability decay rate (1 - exp(-1 / (rate decay))) B\n"
        "B = 1 / (1 + magnesium / 3.57 mM exp(-0.062 / mV potential))"
    )
    sources: ClassVar[tuple[str, ...]] = ("Erreger2005", "JahrStevens1990")

    open_probability: Value = number(0.5, "1", "largest share of channels open after one stimulus",
                                     low=0.0, high=1.0, status="measured", source="Erreger2005")  # fmt: skip
    decay: Value = number(0.087, "s", "deactivation", low=1e-4, high=100.0,
                          status="measured", source="PMC6858497")  # fmt: skip
    rate: Value = number(1.0, "Hz", "stimuli a second", low=1e-6, high=1e4, status="protocol")
    magnesium: Value = number(0.0, "mM", "magnesium outside; 0 leaves the block out", low=0.0, high=100.0)
    potential: Value = number(-70.0, "mV", "potential across the membrane", low=-200.0, high=200.0)

    @staticmethod
    def conducting(peak: Value, decay: Value, rate: Value, magnesium: Value, potential: Value) -> Value:
        """Return the mean share that conducts."""
        opened = peak * decay * rate * -np.expm1(-1.0 / (rate * decay))
        blocked = magnesium / MG_HALF * np.exp(-MG_SLOPE * potential)
        found: Value = opened / (1.0 + blocked)
        return found

    def build(self, block: Assembly, name: str) -> None:
        """Offer the share as a driven signal."""
        numbers = self.open_probability, self.decay, self.rate, self.magnesium, self.potential
        block.provide(f"receptor.{name}", block.derived(self.conducting, *numbers))


@dataclass(frozen=True, kw_only=True)
class Competitive(Component):
    """Activation of a receptor whose sites transmitter and antagonists compete for (Gaddum).

    Antagonist occupancy is that in the absence of transmitter; several antagonists leave the product
    of their free shares. `susceptibility` 0 is a subject in whom antagonists occupy receptors as in anyone, but what
    these receptors do is not what is wrong: a non-responder keeps occupancy, and side effects, without benefit.
    """

    section: ClassVar[str] = "receptor"
    name: ClassVar[str] = "competitive"
    drives: ClassVar[bool] = True
    equation: ClassVar[str] = "R = A / (A + K / product(1 - susceptibility occupancy))"
    sources: ClassVar[tuple[str, ...]] = ("Gaddum1957",)

    ligand: str = reference("modulator", "the transmitter")
    k_ligand: Value = number(1.0, "1", "transmitter that activates half the receptors", low=1e-9, high=1e9)
    antagonists: tuple[str, ...] = references("occupancy", "drugs that take sites away")
    susceptibility: Value = number(
        1.0, "1", "share of the antagonists' occupancy that acts; 0 is a non-responder", low=0.0, high=1.0
    )

    @staticmethod
    def activation(level: Value, k_ligand: Value, susceptibility: Value, *occupancies: Value) -> Value:
        """Return the activated share; at full occupancy it is 0."""
        free: Value = 1.0
        for occupancy in occupancies:
            free = free * (1.0 - susceptibility * occupancy)
        return level * free / (level * free + k_ligand)

    def build(self, block: Assembly, name: str) -> None:
        """Offer the activation as a driven signal."""
        level = block.driven(f"modulator.{self.ligand}")
        occupancies = [block.driven(f"occupancy.{drug}") for drug in self.antagonists]
        block.provide(
            f"receptor.{name}", block.derived(self.activation, level, self.k_ligand, self.susceptibility, *occupancies)
        )
