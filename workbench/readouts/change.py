"""How far learning moved the weights from where they began, for all units or for some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.declaration import count, option, reference
from workbench.readouts.reading import Reading, Readout

if TYPE_CHECKING:
    from workbench.arrays import Array
    from workbench.assembly import Assembly

PERCENT = 100.0


class FromStart(Readout):
    """Base of what compares weights with themselves before the first trial."""

    projection: str
    units: str
    unit_number: int

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse weights that nobody learns, a start at zero, and a unit that there is not."""
        yield from super().check(fields, tables)
        name, unit = fields["projection"], fields.get("unit_number", 1)
        way = tables["projection"][name]
        size = size_of(tables, way["post"])
        if name not in tables.get("plasticity", {}):
            yield "projection", f"nothing changes {name}: it has no [plasticity.{name}]"
        elif way.get("weight") == 0.0:
            yield "projection", f"{name} starts at weight 0, and no percentage of that can be taken"
        elif unit > size:
            yield "unit_number", f"{way['post']} has {size} units, got {unit}"
        elif fields.get("units") == "others" and size < 2:
            yield "units", f"{way['post']} has no other units"

    def ratio(self, block: Assembly) -> Callable[[], Array]:
        """Return a function that gives the mean weight of the chosen units, relative to the start."""
        weight = block.read(f"projection.{self.projection}.weight")
        at = self.unit_number - 1
        rows = {"all": list(range(len(weight))), "one": [at], "others": [k for k in range(len(weight)) if k != at]}
        chosen = rows[self.units]

        def mean() -> Array:
            flat = weight[chosen].reshape(-1, block.runs)
            total: Array = np.add.reduce(flat, axis=0)
            return total / len(flat)

        start = mean()
        return lambda: mean() / start


@dataclass(frozen=True, kw_only=True)
class EvokedResponse(FromStart):
    """Response that a test pulse evokes through learned weights, in percent of what it evoked at the start.

    Weights stand for the size of a response: a motor evoked potential, where the projection is the way from the
    magnetic pulse to the muscles.
    """

    name: ClassVar[str] = "evoked_response"
    meaning: ClassVar[str] = "response to a test pulse, percent of its size at the start"
    equation: ClassVar[str] = "100 mean W / mean W(0), over all units, one unit, or all others"
    sources: ClassVar[tuple[str, ...]] = ("Stefan2000", "Weise2006")

    projection: str = reference("projection", "the learned projection that the test pulse goes through")
    units: str = option("all", ("all", "one", "others"), "all units, the one of `unit_number`, or all but that one")
    unit_number: int = count(1, "the unit that is meant, from 1", high=4096)

    def reading(self, block: Assembly) -> Reading:
        """Compare the weights with their start."""
        ratio = self.ratio(block)
        return Reading((), lambda sums, trials: PERCENT * ratio())


@dataclass(frozen=True, kw_only=True)
class WeightChange(FromStart):
    """Change of the mean weight since the start, in percent of the start; 0 is no change."""

    name: ClassVar[str] = "weight_change"
    meaning: ClassVar[str] = "change of the mean weight, percent of the start"
    equation: ClassVar[str] = "100 (mean W / mean W(0) - 1), over all units, one unit, or all others"

    projection: str = reference("projection", "the learned projection")
    units: str = option("all", ("all", "one", "others"), "all units, the one of `unit_number`, or all but that one")
    unit_number: int = count(1, "the unit that is meant, from 1", high=4096)

    def reading(self, block: Assembly) -> Reading:
        """Compare the weights with their start."""
        ratio = self.ratio(block)
        return Reading((), lambda sums, trials: PERCENT * (ratio() - 1.0))
