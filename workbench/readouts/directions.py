"""Where weights point: toward which eigenvectors of the input covariance, and what power they pass on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.component.declaration import count, option, reference
from workbench.readouts.reading import OfRow, Reading, Readout, eigenvalue_faults, gap_fault, moment_fault

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables

TAKEN = ("sum", "norm")


@dataclass(frozen=True, kw_only=True)
class ProfileError(OfRow):
    """How far one unit's weights are from an eigenvector of the input covariance, scaled alike."""

    name: ClassVar[str] = "profile_error"
    meaning: ClassVar[str] = "largest difference between one unit's weights and an eigenvector of the same size"
    better: ClassVar[str] = "lower"
    equation: ClassVar[str] = "max_i |W_ji - s e_ki|, s such that both have the same sum (or norm)"

    task: str = reference("task", "the task that made the inputs")
    component: int = count(1, "which eigenvector, from 1 (largest eigenvalue)", high=4096, not_above="task.inputs")
    same: str = option("sum", TAKEN, "what is made equal")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse tasks without a known covariance, and an eigenvector whose direction is not determined."""
        yield from super().check(fields, tables)
        faults = list(moment_fault(fields, tables))
        yield from faults or eigenvalue_faults(fields, fields["component"], tables)

    def reading(self, block: Assembly) -> Reading:
        """Compare one row with one eigenvector; its sign is that which fits."""
        row = self.row(block)
        vector = block.read(f"task.{self.task}.eigenvectors")[self.component - 1]

        def far(sums: tuple[Array, ...], trials: int) -> Array:
            if self.same == "sum":
                scale = np.add.reduce(row, axis=0) / np.add.reduce(vector, axis=0)
            else:
                sign = np.where(np.add.reduce(row * vector, axis=0) < 0.0, -1.0, 1.0)
                scale = sign * np.sqrt(np.add.reduce(row * row, axis=0))
            found: Array = np.abs(row - scale * vector).max(axis=0)
            return found

        return Reading((), far)


@dataclass(frozen=True, kw_only=True)
class SubspaceError(Readout):
    """Whether the weights of all units span the leading eigenvectors, and are orthonormal."""

    name: ClassVar[str] = "subspace_error"
    meaning: ClassVar[str] = "distance of all weights from an orthonormal basis of the leading eigenvectors"
    better: ClassVar[str] = "lower"
    equation: ClassVar[str] = "orthonormality: |W W^T - I|;  projector: |W^T W - sum_(k <= m) e_k e_k^T| (Frobenius)"
    sources: ClassVar[tuple[str, ...]] = ("Oja1989",)

    projection: str = reference("projection", "a dense projection of m units")
    task: str = reference("task", "the task that made the inputs")
    of: str = option("projector", ("projector", "orthonormality"), "the span, or the basis")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse tasks without a known covariance, and a span whose last eigenvalue nearly equals the next."""
        yield from super().check(fields, tables)
        faults = list(moment_fault(fields, tables))
        yield from faults
        units = size_of(tables, tables["projection"][fields["projection"]]["post"])
        spanned = not faults and fields["of"] == "projector"
        if spanned and (fault := gap_fault(fields, (units, units + 1), tables)):
            yield "projection", fault

    def reading(self, block: Assembly) -> Reading:
        """Compare products of the weights with what they should be."""
        weight = block.read(f"projection.{self.projection}.weight")
        vectors = block.read(f"task.{self.task}.eigenvectors")[: len(weight)]

        def far(sums: tuple[Array, ...], trials: int) -> Array:
            if self.of == "orthonormality":
                apart = np.einsum("jir,kir->jkr", weight, weight) - np.eye(len(weight))[:, :, None]
            else:
                apart = np.einsum("jir,jmr->imr", weight, weight) - np.einsum("jir,jmr->imr", vectors, vectors)
            return np.asarray(np.sqrt(np.einsum("imr,imr->r", apart, apart)))

        return Reading((), far)


@dataclass(frozen=True, kw_only=True)
class OutputPower(OfRow):
    """Mean square of one linear unit's output, from its weights and the covariance of its inputs."""

    name: ClassVar[str] = "output_power"
    meaning: ClassVar[str] = "mean square of the unit's output over the inputs of the task"
    equation: ClassVar[str] = "E[y^2] = W_j C W_j^T"

    task: str = reference("task", "the task that made the inputs")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse tasks without a known covariance, and units whose output is more than the weighted inputs."""
        yield from super().check(fields, tables)
        yield from moment_fault(fields, tables)
        post = tables["projection"][fields["projection"]]["post"]
        unit = tables["population"][post]
        incoming = [name for name, way in tables["projection"].items() if way.get("post") == post]
        if not unit.offers("linear") or unit["noise"] != 0.0:
            yield "projection", f"needs linear units without noise, which those of {post} are not"
        elif unit["baseline"] != 0.0 or len(incoming) != 1:
            yield "projection", f"needs {fields['projection']} to be the only input of {post}"

    def reading(self, block: Assembly) -> Reading:
        """Add up the power along each eigenvector."""
        row = self.row(block)
        vectors = block.read(f"task.{self.task}.eigenvectors")
        values = block.read(f"task.{self.task}.eigenvalues")

        def power(sums: tuple[Array, ...], trials: int) -> Array:
            along = np.einsum("ir,kir->kr", row, vectors)
            return np.asarray(np.einsum("kr,kr->r", values, along**2))

        return Reading((), power)
