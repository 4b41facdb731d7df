"""How strength is shared out among the weights of a unit: length, concentration, bounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.declaration import number, reference
from workbench.readouts.reading import OfRow, Reading, Readout

if TYPE_CHECKING:
    from workbench.arrays import Array
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class LogWeightNorm(OfRow):
    """Logarithm of the length of one unit's weights; its difference over time is a rate of growth."""

    name: ClassVar[str] = "log_weight_norm"
    meaning: ClassVar[str] = "natural logarithm of the Euclidean norm of one unit's weights"
    equation: ClassVar[str] = "ln |W_j|"

    def reading(self, block: Assembly) -> Reading:
        """Take the logarithm of the norm."""
        row = self.row(block)
        return Reading((), lambda sums, trials: 0.5 * np.log(np.add.reduce(row * row, axis=0)))


@dataclass(frozen=True, kw_only=True)
class ParticipationRatio(OfRow):
    """Over how many inputs one unit's weights are spread: 1 if one has all, their number if all are equal."""

    name: ClassVar[str] = "participation_ratio"
    meaning: ClassVar[str] = "how many inputs carry one unit's weights"
    equation: ClassVar[str] = "(sum_i |W_ji|)^2 / sum_i W_ji^2"

    def reading(self, block: Assembly) -> Reading:
        """Compare the sum with the sum of squares."""
        row = self.row(block)
        return Reading(
            (), lambda sums, trials: np.add.reduce(np.abs(row), axis=0) ** 2 / np.add.reduce(row * row, axis=0)
        )


@dataclass(frozen=True, kw_only=True)
class RatioSpread(OfRow):
    """How far one unit's weights are from having changed all by one factor."""

    name: ClassVar[str] = "ratio_spread"
    meaning: ClassVar[str] = "largest deviation of a weight's growth factor from the mean factor, relative"
    better: ClassVar[str] = "lower"
    equation: ClassVar[str] = "max_i |r_i / mean r - 1|,  r_i = W_ji / W_ji(0)"

    projection: str = reference("projection", "a dense projection whose weights do not start at 0")

    def reading(self, block: Assembly) -> Reading:
        """Compare each weight with its own start."""
        row = self.row(block)
        start = row.copy()

        def far(sums: tuple[Array, ...], trials: int) -> Array:
            factor = row / start
            mean = np.add.reduce(factor, axis=0) / len(factor)
            found: Array = np.abs(factor / mean - 1.0).max(axis=0)
            return found

        return Reading((), far)


@dataclass(frozen=True, kw_only=True)
class WeightsAt(OfRow):
    """How many of one unit's weights stand at a bound, or at another level."""

    name: ClassVar[str] = "weights_at"
    meaning: ClassVar[str] = "number of one unit's weights at a given level"
    equation: ClassVar[str] = "sum_i [|W_ji - level| <= tolerance]"

    level: float = number(0.0, "1", "the level")
    tolerance: float = number(1e-9, "1", "how near counts as there", low=0.0)

    def reading(self, block: Assembly) -> Reading:
        """Count."""
        row = self.row(block)

        def there(sums: tuple[Array, ...], trials: int) -> Array:
            found: Array = np.add.reduce((np.abs(row - self.level) <= self.tolerance).astype(np.float64), axis=0)
            return found

        return Reading((), there)


@dataclass(frozen=True, kw_only=True)
class LargestWeight(OfRow):
    """Which input has one unit's largest weight."""

    name: ClassVar[str] = "largest_weight"
    meaning: ClassVar[str] = "number of the input with the largest weight"
    equation: ClassVar[str] = "argmax_i W_ji, from 1"

    def reading(self, block: Assembly) -> Reading:
        """Find it; weights differ by their random start, so that no tie is broken by number."""
        row = self.row(block)
        return Reading((), lambda sums, trials: row.argmax(axis=0) + 1.0)


@dataclass(frozen=True, kw_only=True)
class BoundTime(Readout):
    """When the first weight of a projection met its bound; 0 if none has."""

    name: ClassVar[str] = "bound_time"
    unit: ClassVar[str] = "trial"
    meaning: ClassVar[str] = "trials until the first weight met a bound"
    equation: ClassVar[str] = "min t with W_ji(t) at a bound"

    projection: str = reference("projection", "the learned projection, with bounds")

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse a projection without bounds, and clocks that do not count trials."""
        yield from super().check(fields, tables)
        if not tables["projection"][fields["projection"]].get("bounds"):
            yield "projection", f"{fields['projection']} has no bounds that could be met"

    def reading(self, block: Assembly) -> Reading:
        """Watch the weights after each trial; on the flow clock the rule itself knows the moment."""
        projection = block.component("projection", self.projection)
        signal, (low, high) = f"projection.{self.projection}.bound_time", projection.bounds
        reached = block.signal(signal)
        weight, watched = block.read(f"projection.{self.projection}.weight"), block.empty()

        def watch(t: int) -> None:
            met = ((weight >= high) | (weight <= low)).reshape(-1, block.runs).any(axis=0)
            np.add(watched, 1.0, out=watched)
            np.copyto(reached, np.where(met & (reached == 0.0), watched, reached))

        if "trial" in block.clocks:
            block.step("readout", watch, clock="trial")
        return Reading((), lambda sums, trials: reached.copy())
