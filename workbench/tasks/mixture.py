"""Independent sources in unknown mixtures: the cocktail party."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.component.declaration import Component, count, reference, switch

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables

KURTOSIS = {"laplace": 3.0, "uniform": -1.2, "exponential": 6.0}
"""Excess kurtosis of each kind of source; all have mean 0 and variance 1."""


def kinds_of(fields: Mapping[str, Any]) -> list[str]:
    """Return the kind of each source, in order."""
    return [kind for kind in KURTOSIS for _ in range(fields[kind])]


@dataclass(frozen=True, kw_only=True)
class Mixture(Component):
    """As many mixtures as there are independent sources, mixed by a matrix that is drawn once per subject.

    Sources have mean 0 and variance 1: Laplace and centred exponential ones have heavier tails than a normal one,
    uniform ones lighter. Whitening is that of the true covariance, so that what is left is a rotation.
    """

    section: ClassVar[str] = "task"
    name: ClassVar[str] = "mixture"
    offers: ClassVar[frozenset[str]] = frozenset({"centred", "eigenvectors", "sources"})
    draws: ClassVar[bool] = True
    equation: ClassVar[str] = "x = A s, A_ij = N(0, 1) per subject;  whitened: x = (A A^T)^(-1/2) A s"
    sources: ClassVar[tuple[str, ...]] = ("HyvarinenOja1998",)

    inputs: str = reference(
        "population", "the source population that shows the mixtures", acts=True, requires="shown", shows="pattern"
    )
    laplace: int = count(2, "sources with a Laplace distribution (excess kurtosis 3)", low=0, high=64)
    uniform: int = count(1, "sources with a uniform distribution (-1.2)", low=0, high=64)
    exponential: int = count(1, "sources with a centred exponential distribution (6)", low=0, high=64)
    whitened: bool = switch(True, "whether the mixtures are made uncorrelated, with variance 1")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse more or fewer mixtures than sources."""
        sources, size = len(kinds_of(fields)), size_of(tables, fields["inputs"])
        if sources != size:
            yield "inputs", f"needs one mixture per source: {sources} sources, {size} inputs"
        if sources < 2:
            yield "laplace", "one source needs no unmixing; at least 2"

    @classmethod
    def spectrum_of(cls, fields: Mapping[str, Any], tables: Tables) -> Array | None:
        """Return the eigenvalues of the covariance, all 1 after whitening; unknown where the mixing shapes them."""
        return np.ones(size_of(tables, fields["inputs"])) if fields["whitened"] else None

    @classmethod
    def power(cls, fields: Mapping[str, Any], tables: Tables) -> float | None:
        """Return E|x|^2; unknown where the mixing, which is drawn per subject, shapes it."""
        return float(size_of(tables, fields["inputs"])) if fields["whitened"] else None

    @property
    def kinds(self) -> list[str]:
        """The kind of each source, in order."""
        return kinds_of(vars(self))

    def allocate(self, block: Assembly, name: str) -> None:
        """Draw the mixing matrix ``(input, source, runs)`` and offer it, whitened or not."""
        n = block.size(self.inputs)
        matrix = np.moveaxis(block.draw_once(f"mixing:task.{name}", n, n), 2, 0)
        left, sizes, right = np.linalg.svd(matrix)
        if self.whitened:
            # Whitening a mixture leaves the orthogonal part of its polar decomposition, which needs no inverse of a
            # nearly singular matrix.
            matrix, sizes = np.einsum("rik,rkj->rij", left, right), np.ones_like(sizes)
        block.signal(f"task.{name}.mixing", n, n)[...] = np.moveaxis(matrix, 0, 2)
        block.signal(f"task.{name}.eigenvectors", n, n)[...] = np.moveaxis(left, (0, 2, 1), (2, 0, 1))
        block.signal(f"task.{name}.eigenvalues", n)[...] = (sizes**2).T

    def build(self, block: Assembly, name: str) -> None:
        """Turn each piece's uniform draws into sources, then mix them, per subject."""
        kinds, n = self.kinds, block.size(self.inputs)
        draws = block.uniform(f"sources:task.{name}", n)
        mixing = block.signals[f"task.{name}.mixing"][:, :, block.first_run]
        shown = block.pattern(self.inputs, n)

        def mix(steps: int) -> None:
            table = shown[:steps]
            table[...] = 0.0
            for k, kind in enumerate(kinds):  # one fixed order of summation
                np.add(table, _source(kind, draws.table[:steps, k])[:, None] * mixing[:, k], out=table)

        block.every_piece(mix)
        block.gather_pattern(self.inputs)


def _source(kind: str, uniform: Array) -> Array:
    """Return a source of mean 0 and variance 1 by inversion of its distribution."""
    if kind == "uniform":
        return np.asarray(np.sqrt(12.0) * (uniform - 0.5))
    if kind == "exponential":
        # log1p keeps the digits of draws near 0, where 1 - u rounds.
        return np.asarray(-np.log1p(-uniform) - 1.0)
    centred = uniform - 0.5
    # A draw of exactly 0 would give an infinite source; the floor is the smallest step of the uniform numbers.
    tail = np.maximum(1.0 - 2.0 * np.abs(centred), np.finfo(np.float64).eps)
    return np.asarray(-np.sign(centred) * np.log(tail) / np.sqrt(2.0))
