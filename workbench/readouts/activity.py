"""How active one unit is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.declaration import count, reference
from workbench.readouts.reading import Reading, Readout

if TYPE_CHECKING:
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class UnitActivity(Readout):
    """Activity of one unit, averaged over trials: of a spiking unit the share of steps with a spike."""

    name: ClassVar[str] = "unit_activity"
    clocks: ClassVar[tuple[str, ...]] = ("trial",)
    meaning: ClassVar[str] = "mean activity of one unit over the window"
    equation: ClassVar[str] = "mean over trials of y_k"

    population: str = reference("population", "the population")
    unit_number: int = count(1, "the unit, from 1", high=4096, not_above="population")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse units that a task shows one at a time, which have a number and no activity."""
        yield from super().check(fields, tables)
        if tables.shown(fields["population"], "one unit") is not None:
            yield "population", f"{fields['population']} shows one cue at a time, which has no activity to average"

    def reading(self, block: Assembly) -> Reading:
        """Add up the unit's activity over trials."""
        activity = block.read(f"population.{self.population}.activity")[self.unit_number - 1]
        signal = f"population.{self.population}.unit_{self.unit_number}"
        if signal not in block.signals:
            kept = block.write_new(signal)
            block.step("readout", lambda t: np.copyto(kept, activity), clock="trial")
        return Reading((signal,), lambda sums, trials: sums[0] / trials)
