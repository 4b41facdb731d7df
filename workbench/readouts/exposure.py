"""How much drug is there, and what it occupies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.declaration import option, reference
from workbench.readouts.kinetics import SITES
from workbench.readouts.reading import Reading, Readout

if TYPE_CHECKING:
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Concentration(Readout):
    """Concentration at a moment, after the doses of that moment (on the trial clock: mean over the dosing interval).

    At the effect site it follows plasma with the drug's `equilibration`, less what a subject does not respond to.
    """

    name: ClassVar[str] = "concentration"
    revision: ClassVar[int] = 2
    unit: ClassVar[str] = "ng/mL"
    meaning: ClassVar[str] = "concentration"
    equation: ClassVar[str] = "C in plasma; effect * C at the effect site"

    drug: str = reference("drug", "the drug")
    site: str = option("plasma", SITES, "where the concentration is: in plasma, or where it acts")

    def reading(self, block: Assembly) -> Reading:
        """Copy the concentration."""
        acting = np.asarray(block.driven(f"drug.{self.drug}"))
        found = acting if self.site == "effect" else block.signal(f"drug.{self.drug}.plasma")
        return Reading((), lambda sums, trials: found.copy())


@dataclass(frozen=True, kw_only=True)
class Occupancy(Readout):
    """Receptor occupancy by one drug at a moment, in the absence of all else that binds at the site.

    On the trial clock it is that of the mean concentration over the dosing interval.
    """

    name: ClassVar[str] = "occupancy"
    meaning: ClassVar[str] = "share of receptors that the drug occupies, in the absence of others"
    equation: ClassVar[str] = "Occ = C / (C + half), half = ec50 or ki"

    occupancy: str = reference("occupancy", "the occupancy to read")

    def reading(self, block: Assembly) -> Reading:
        """Copy the occupancy."""
        share = np.asarray(block.driven(f"occupancy.{self.occupancy}"))
        return Reading((), lambda sums, trials: share.copy())
