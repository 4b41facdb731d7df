"""What learning left behind in the weights, read at the end of a window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.declaration import count, number, reference, references
from workbench.readouts.reading import OfRow, Reading, Readout, eigenvalue_faults, moment_fault

if TYPE_CHECKING:
    from workbench.arrays import Array
    from workbench.assembly import Assembly


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

    task: str = reference("task", "the gaussian or ring task that made the inputs")
    component: int = count(1, "which eigenvector, from 1 (largest eigenvalue)", high=4096)

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse other tasks, and an eigenvector that there is not or that has no direction of its own."""
        yield from super().check(fields, tables)
        task = tables["task"][fields["task"]]
        if task["kind"] not in ("gaussian", "ring"):
            yield "task", f"needs a gaussian or ring task, but {fields['task']} is a {task['kind']}"
            return
        yield from moment_fault(fields, tables)
        yield from eigenvalue_faults(fields, fields.get("component", 1), tables)

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
