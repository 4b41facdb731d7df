"""How much drug is there, and what it occupies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.declaration import reference
from workbench.readouts.reading import Reading, Readout

if TYPE_CHECKING:
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Concentration(Readout):
    """Acting plasma concentration at a moment (on the trial clock: mean over the current dosing interval)."""

    name: ClassVar[str] = "concentration"
    unit: ClassVar[str] = "ng/mL"
    meaning: ClassVar[str] = "plasma concentration"
    equation: ClassVar[str] = "C = effect * sum of modes"

    drug: str = reference("drug", "the drug")

    def reading(self, block: Assembly) -> Reading:
        """Copy the concentration."""
        concentration = np.asarray(block.driven(f"drug.{self.drug}"))
        return Reading((), lambda sums, trials: concentration.copy())


@dataclass(frozen=True, kw_only=True)
class Occupancy(Readout):
    """Receptor occupancy at a moment."""

    name: ClassVar[str] = "occupancy"
    meaning: ClassVar[str] = "share of receptors that the drug occupies"
    equation: ClassVar[str] = "Occ = C / (C + ec50)"

    occupancy: str = reference("occupancy", "the occupancy to read")

    def reading(self, block: Assembly) -> Reading:
        """Copy the occupancy."""
        share = np.asarray(block.driven(f"occupancy.{self.occupancy}"))
        return Reading((), lambda sums, trials: share.copy())
