"""What learning left behind in the weights, read at the end of a window."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.component.declaration import BOUNDS, count, number, option, reference, references
from workbench.readouts.reading import OfRow, OfUnit, Reading, Readout, eigenvalue_faults, moment_fault, unlearned_fault

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class WeightMean(Readout):
    """Mean weight of a projection."""

    name: ClassVar[str] = "weight_mean"
    meaning: ClassVar[str] = "mean weight of the projection"
    equation: ClassVar[str] = "mean of W over all synapses"

    projection: str = reference("projection", "the learned projection")

    def reading(self, block: Assembly) -> Reading:
        """Average over the leading axes."""
        weight = block.read(f"projection.{self.projection}.weight")
        flat = weight.reshape(-1, block.runs)
        return Reading((), lambda sums, trials: np.add.reduce(flat, axis=0) / len(flat))


@dataclass(frozen=True, kw_only=True)
class WeightNorm(OfRow):
    """Euclidean norm of one unit's weights."""

    name: ClassVar[str] = "weight_norm"
    meaning: ClassVar[str] = "Euclidean norm of one unit's weights"
    equation: ClassVar[str] = "|W_j| = sqrt(sum_i W_ji^2)"

    def reading(self, block: Assembly) -> Reading:
        """Take the norm of one row."""
        row = self.row(block)
        return Reading((), lambda sums, trials: np.sqrt(np.add.reduce(row * row, axis=0)))


@dataclass(frozen=True, kw_only=True)
class PrincipalCosine(OfRow):
    """How well one unit's weights point along an eigenvector of the input covariance; sign is arbitrary."""

    name: ClassVar[str] = "principal_cosine"
    meaning: ClassVar[str] = "absolute cosine between a unit's weights and an eigenvector of the input covariance"
    better: ClassVar[str] = "higher"
    equation: ClassVar[str] = "|W_j . e_k| / |W_j|"
    sources: ClassVar[tuple[str, ...]] = ("Oja1982",)

    task: str = reference("task", "the gaussian or ring task that made the inputs", requires="normal")
    component: int = count(1, "which eigenvector, from 1 (largest eigenvalue)", high=4096, not_above="task.inputs")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse an eigenvector that has no direction of its own."""
        yield from super().check(fields, tables)
        yield from moment_fault(fields, tables)
        yield from eigenvalue_faults(fields, fields["component"], tables)

    def reading(self, block: Assembly) -> Reading:
        """Compare one row with one eigenvector."""
        row = self.row(block)
        vector = block.read(f"task.{self.task}.eigenvectors")[self.component - 1]

        def compare(sums: tuple[Array, ...], trials: int) -> Array:
            along: Array = np.abs(np.add.reduce(row * vector, axis=0))
            cosine: Array = along / np.sqrt(np.add.reduce(row * row, axis=0))
            return cosine

        return Reading((), compare)


@dataclass(frozen=True, kw_only=True)
class Saturation(Readout):
    """Share of postsynaptic units with any weight near its bounds."""

    name: ClassVar[str] = "saturation"
    meaning: ClassVar[str] = "share of units with any weight outside the low-high range"
    better: ClassVar[str] = "lower"
    equation: ClassVar[str] = "mean_j [any_i (W_ji < low or W_ji > high)]"

    projections: tuple[str, ...] = references(
        "projection", "the learned projections, onto populations of one size", MISSING
    )
    low: float = number(0.1, "1", "a weight below this is saturated")
    high: float = number(0.9, "1", "a weight above this is saturated")

    def reading(self, block: Assembly) -> Reading:
        """Look at all weights of each unit."""
        weights = [block.read(f"projection.{p}.weight") for p in self.projections]

        def share(sums: tuple[Array, ...], trials: int) -> Array:
            saturated = np.zeros((len(weights[0]), block.runs), dtype=bool)
            for weight in weights:
                outside = (weight < self.low) | (weight > self.high)
                saturated |= outside.any(axis=1) if weight.ndim == 3 else outside
            counted: Array = np.add.reduce(saturated.astype(np.float64), axis=0)
            return counted / len(saturated)

        return Reading((), share)


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
    needs_bounds: ClassVar[str] = BOUNDS

    projection: str = reference("projection", "the learned projection, with bounds")

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


PERCENT = 100.0


@dataclass(frozen=True, kw_only=True)
class FromStart(OfUnit):
    """Base of what compares weights with themselves before the first trial."""

    projection: str = reference("projection", "the learned projection")
    units: str = option("all", ("all", "one", "others"), "all units, the one of `unit_number`, or all but that one")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
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
