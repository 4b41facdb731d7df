"""Inputs with a known covariance: the ground on which unsupervised rules are checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.declaration import Component, numbers, option, reference

if TYPE_CHECKING:
    from workbench.arrays import Array
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Gaussian(Component):
    """Zero-mean normal inputs whose covariance has the given spectrum.

    The eigenvectors are the axes, or a rotation drawn once per subject.
    """

    section: ClassVar[str] = "task"
    name: ClassVar[str] = "gaussian"
    equation: ClassVar[str] = "x = Q diag(sqrt(spectrum)) N(0, I);  C = Q diag(spectrum) Q^T"
    sources: ClassVar[tuple[str, ...]] = ("Oja1982",)

    inputs: str = reference("population", "the source population that shows the inputs")
    spectrum: tuple[float, ...] = numbers(
        (4.0, 2.0, 1.0, 0.5), "1", "eigenvalues of the covariance, largest first", low=0.0
    )
    rotation: str = option("random", ("none", "random"), "eigenvectors along the axes, or drawn per subject")

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse a spectrum that does not match the population, or that is not in falling order."""
        spectrum = tuple(fields.get("spectrum", (4.0, 2.0, 1.0, 0.5)))
        size = size_of(tables, fields["inputs"])
        if len(spectrum) != size:
            yield "spectrum", f"needs one eigenvalue per input: {size}, got {len(spectrum)}"
        if list(spectrum) != sorted(spectrum, reverse=True):
            yield "spectrum", "eigenvalues come largest first"

    def allocate(self, block: Assembly, name: str) -> None:
        """Draw the eigenvectors, ``(component, input, runs)``, and offer them to readouts."""
        n = len(self.spectrum)
        vectors = block.signal(f"task.{name}.eigenvectors", n, n)
        vectors[...] = np.eye(n)[:, :, None]
        if self.rotation == "random":
            normals = block.draw_once(f"rotation:task.{name}", n, n)
            orthogonal, triangle = np.linalg.qr(np.moveaxis(normals, 2, 0))
            signs = np.sign(np.einsum("rii->ri", triangle))
            vectors[...] = np.moveaxis(orthogonal * signs[:, None, :], (0, 1, 2), (2, 1, 0))

    def build(self, block: Assembly, name: str) -> None:
        """Fill each piece's input table per subject."""
        n = len(self.spectrum)
        draws = block.normal(f"input:task.{name}", n)
        first_run = block.first_run
        mixing: Array = (
            block.signals[f"task.{name}.eigenvectors"][:, :, first_run] * np.sqrt(self.spectrum)[:, None, None]
        )
        pattern = block.pattern(self.inputs, n)

        def mix(steps: int) -> None:
            table = pattern[:steps]
            np.multiply(draws.table[:steps, 0, None], mixing[0], out=table)
            for k in range(1, n):  # one fixed order of summation, so that the bits do not depend on the width
                np.add(table, draws.table[:steps, k, None] * mixing[k], out=table)

        block.every_piece(mix)
        block.gather_pattern(self.inputs)
