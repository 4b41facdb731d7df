"""Linear kinetics as components: their response to a dose, and the running concentration that they offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.pharmacology.exposure import Exposure
from workbench.pharmacology.linear import LinearKinetics
from workbench.pharmacology.motion import MovingExposure, movers
from workbench.pharmacology.transfers import Propagator

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Kinetics(LinearKinetics):
    """What all linear models share; a model adds its compartments and how they reach each other."""

    def response(self, hours: Array) -> Array:
        """Return the concentration ``hours`` after 1 mg, in ng/mL, shape of `hours`."""
        transfers = Propagator(self)
        return np.asarray(self.scale() * transfers.over(np.asarray(hours, dtype=np.float64))["central", self.entry])

    def build(self, block: Assembly, name: str) -> None:
        """Offer the acting concentration as a driven signal that changes with doses and time only."""
        block.exposing[name] = (MovingExposure if movers(block, self) else Exposure)(block, name, self)
        block.exposures.append(block.exposing[name])
