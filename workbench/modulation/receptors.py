"""The share of receptors that a transmitter activates, with or without a competitor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workbench.declaration import Component, number, reference, references

if TYPE_CHECKING:
    from workbench.arrays import Value
    from workbench.assembly import Assembly


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
