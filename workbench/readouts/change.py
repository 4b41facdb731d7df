"""How far learning moved the weights from where they began, for all units or for some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.declaration import option, reference
from workbench.readouts.reading import OfUnit, Reading, unlearned_fault

if TYPE_CHECKING:
    from workbench.arrays import Array
    from workbench.assembly import Assembly

PERCENT = 100.0


@dataclass(frozen=True, kw_only=True)
class FromStart(OfUnit):
    """Base of what compares weights with themselves before the first trial."""

    projection: str = reference("projection", "the learned projection")
    units: str = option("all", ("all", "one", "others"), "all units, the one of `unit_number`, or all but that one")

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse weights that nobody learns, a start at zero, and a unit without others."""
        yield from super().check(fields, tables)
        yield from unlearned_fault(fields, tables)
        name = fields["projection"]
        way = tables["projection"][name]
        if way.get("weight") == 0.0:
            yield "projection", f"{name} starts at weight 0, and no percentage of that can be taken"
        if fields.get("units") == "others" and size_of(tables, way["post"]) < 2:
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
    unit: ClassVar[str] = "%"
    equation: ClassVar[str] = "100 mean W / mean W(0), over all units, one unit, or all others"
    sources: ClassVar[tuple[str, ...]] = ("Stefan2000", "Weise2006")

    projection: str = reference("projection", "the learned projection that the test pulse goes through")

    def reading(self, block: Assembly) -> Reading:
        """Compare the weights with their start."""
        ratio = self.ratio(block)
        return Reading((), lambda sums, trials: PERCENT * ratio())


@dataclass(frozen=True, kw_only=True)
class WeightChange(FromStart):
    """Change of the mean weight since the start, in percent of the start; 0 is no change."""

    name: ClassVar[str] = "weight_change"
    meaning: ClassVar[str] = "change of the mean weight, percent of the start"
    unit: ClassVar[str] = "%"
    equation: ClassVar[str] = "100 (mean W / mean W(0) - 1), over all units, one unit, or all others"

    def reading(self, block: Assembly) -> Reading:
        """Compare the weights with their start."""
        ratio = self.ratio(block)
        return Reading((), lambda sums, trials: PERCENT * (ratio() - 1.0))
