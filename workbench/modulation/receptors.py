"""The share of receptors that a transmitter activates, with or without a competitor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.declaration import Component, number, reference, references

MG_HALF, MG_SLOPE = 3.57, 0.062
"""Magnesium (mM) that blocks half the channels at 0 mV, and how steeply that falls with potential (1/mV)."""

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


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
    """Activation of a receptor at whose one site transmitter and drugs compete (Gaddum).

    Whoever takes the site keeps all others from it, so the drugs' concentrations add up, each over its own half. A drug
    with an `efficacy` of its own is a partial agonist. An occupancy that is read by itself is the one in the absence
    of all others. `susceptibility` 0 is a subject in whom drugs occupy receptors as in anyone, but what these receptors
    do is not what is wrong: a non-responder keeps occupancy, and side effects, without benefit.
    """

    section: ClassVar[str] = "receptor"
    name: ClassVar[str] = "competitive"
    drives: ClassVar[bool] = True
    equation: ClassVar[str] = (
        "R = (A / K + sum of efficacy_i r_i) / (1 + A / K + sum of r_i),  r_i = C_i / K_i at susceptibility 1\n"
        "r_i = susceptibility occupancy_i / (1 - susceptibility occupancy_i);  one antagonist: A / (A + K / (1 - occ))"
    )
    sources: ClassVar[tuple[str, ...]] = ("Gaddum1957",)

    ligand: str = reference("modulator", "the transmitter")
    k_ligand: Value = number(1.0, "1", "transmitter that activates half the receptors", low=1e-9, high=1e9)
    antagonists: tuple[str, ...] = references("occupancy", "drugs that take sites away, all at one site")
    susceptibility: Value = number(
        1.0, "1", "share of the antagonists' occupancy that acts; 0 is a non-responder", low=0.0, high=1.0
    )

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a drug that would be counted twice."""
        drugs: dict[str, str] = {}
        names = fields["antagonists"]
        for name in (names,) if isinstance(names, str) else names:
            drug = tables["occupancy"][name]["drug"]
            if drug in drugs:
                both = f"{drugs[drug]} and {name}" if drugs[drug] != name else f"{name}, twice,"
                yield "antagonists", f"{drug} would be counted twice at one site: {both} are both its occupancy"
            drugs.setdefault(drug, name)

    @classmethod
    def revision_of(cls, fields: Mapping[str, Any], constant: Callable[[str], float | None]) -> int:
        """Return 2 where several drugs share the site: up to 1, each of them had a site of its own."""
        return 2 if len(fields["antagonists"]) > 1 else 1

    @staticmethod
    def free(susceptibility: Value, *taken: Value) -> Value:
        """Return the share of sites that no drug takes, in the absence of transmitter.

        Parameters
        ----------
        *taken : occupancies of all drugs, then their concentrations over their halves
            With one drug present it is ``1 - occupancy``; several are summed from the smallest, so that their order,
            and an absent drug, change no bit.
        """
        occupancies, ratios = taken[: len(taken) // 2], taken[len(taken) // 2 :]
        if len(ratios) < 2:
            return 1.0 - susceptibility * occupancies[0] if occupancies else 1.0
        odds = [np.asarray(effective_ratio(susceptibility, ratio)) for ratio in ratios]
        several = np.sort(np.stack(np.broadcast_arrays(*odds)), axis=0)
        total = _sum(several)
        alone = 1.0 - susceptibility * np.maximum.reduce(np.broadcast_arrays(*occupancies))
        return np.where(several[-2] > 0.0, 1.0 / (1.0 + total), alone)

    @staticmethod
    def activation(level: Value, k_ligand: Value, free: Value) -> Value:
        """Return the share that the transmitter activates; with no site free it is 0."""
        return level * free / (level * free + k_ligand)

    @staticmethod
    def agonism(
        activation: Value, level: Value, k_ligand: Value, free: Value, susceptibility: Value, *pairs: Value
    ) -> Value:
        """Return the activation with that of partial agonists; `pairs` are efficacies, then concentrations."""
        efficacies, ratios = pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :]
        parts = [
            np.asarray(e * effective_ratio(susceptibility, ratio)) for e, ratio in zip(efficacies, ratios, strict=True)
        ]
        several = np.sort(np.stack(np.broadcast_arrays(*parts)), axis=0)
        found: Value = activation + _sum(several) * free * k_ligand / (level * free + k_ligand)
        return found

    def build(self, block: Assembly, name: str) -> None:
        """Offer the activation as a driven signal."""
        level = block.driven(f"modulator.{self.ligand}")
        occupancies = [block.driven(f"occupancy.{drug}") for drug in self.antagonists]
        ratios = [_ratio(block, drug) for drug in self.antagonists]
        free = block.derived(self.free, self.susceptibility, *occupancies, *ratios)
        found = block.derived(self.activation, level, self.k_ligand, free)
        efficacies = [getattr(block.component("occupancy", drug), "efficacy", 0.0) for drug in self.antagonists]
        if any(not isinstance(efficacy, float) or efficacy > 0.0 for efficacy in efficacies):
            numbers = found, level, self.k_ligand, free, self.susceptibility, *efficacies, *ratios
            found = block.derived(self.agonism, *numbers)
        block.provide(f"receptor.{name}", found)


def effective_ratio(susceptibility: Value, ratio: Value) -> Value:
    """Return what a drug's concentration over its half counts for, where only a share of its occupancy acts."""
    return susceptibility * ratio / (1.0 + (1.0 - susceptibility) * ratio)


def _sum(rows: Array) -> Array:
    """Return the sum over the rows, one after another: how NumPy adds along an axis may depend on the width."""
    total: Array = rows[0]
    for further in rows[1:]:
        total = total + further
    return total


def _ratio(block: Assembly, name: str) -> Value:
    """Return a drug's concentration over the one that occupies half."""
    occupancy = block.component("occupancy", name)
    half = getattr(occupancy, "half", None)
    if half is None:
        return block.derived(lambda share: share / (1.0 - share), block.driven(f"occupancy.{name}"))
    return block.derived(lambda level, least: level / least, block.driven(f"drug.{occupancy.drug}"), half)
