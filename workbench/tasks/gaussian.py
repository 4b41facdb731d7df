"""Normal inputs with a known covariance: the ground on which unsupervised rules are checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.component.declaration import Component, number, numbers, option, reference
from workbench.tasks.second_moment import too_many_inputs

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables

NEGLIGIBLE = 1e-3
WIDEST_RING = 256
"""Inputs of a ring: its root is summed in one fixed order, a product of all pairs for each."""
SPECTRUM = (4.0, 2.0, 1.0, 0.5)


class Normal(Component):
    """Base of tasks that show zero-mean normal inputs: eigenvectors ``(component, input, runs)`` and eigenvalues."""

    inputs: str

    @classmethod
    def covariance_of(cls, fields: Mapping[str, Any], tables: Tables) -> Array:
        """Return the covariance, up to a rotation, from a task's plain fields."""
        raise NotImplementedError

    @classmethod
    def power(cls, fields: Mapping[str, Any], tables: Tables) -> float:
        """Return E|x|^2."""
        return float(np.trace(cls.covariance_of(fields, tables)))

    def spread(self, block: Assembly, vectors: Array, values: Array, name: str) -> None:
        """Offer eigenvectors and eigenvalues (component, runs) to rules and readouts."""
        block.signal(f"task.{name}.eigenvectors", *vectors.shape[:2])[...] = vectors
        block.signal(f"task.{name}.eigenvalues", len(values))[...] = values

    def root(self, vectors: Array, values: Array) -> Array:
        """Return what one unit of each independent draw adds to each input, ``(draw, input, subjects)``."""
        return vectors * np.sqrt(values)[:, None]

    def build(self, block: Assembly, name: str) -> None:
        """Fill each piece's input table per subject."""
        vectors, values = (block.signals[f"task.{name}.{what}"] for what in ("eigenvectors", "eigenvalues"))
        n, first_run = len(values), block.first_run
        draws = block.normal(f"input:task.{name}", n)
        mixing = self.root(vectors[:, :, first_run], values[:, first_run])
        pattern = block.pattern(self.inputs, n)

        def mix(steps: int) -> None:
            table = pattern[:steps]
            np.multiply(draws.table[:steps, 0, None], mixing[0], out=table)
            for k in range(1, n):  # one fixed order of summation, so that the bits do not depend on the width
                np.add(table, draws.table[:steps, k, None] * mixing[k], out=table)

        block.every_piece(mix)
        block.gather_pattern(self.inputs)


@dataclass(frozen=True, kw_only=True)
class Gaussian(Normal):
    """Zero-mean normal inputs whose covariance has the given spectrum.

    The eigenvectors are the axes, or a rotation drawn once per subject.
    """

    section: ClassVar[str] = "task"
    name: ClassVar[str] = "gaussian"
    offers: ClassVar[frozenset[str]] = frozenset({"centred", "covariance", "eigenvectors", "normal"})
    draws: ClassVar[bool] = True
    equation: ClassVar[str] = "x = Q diag(sqrt(spectrum)) N(0, I);  C = Q diag(spectrum) Q^T"
    sources: ClassVar[tuple[str, ...]] = ("Oja1982",)

    inputs: str = reference(
        "population", "the source population that shows the inputs", acts=True, requires="shown", shows="pattern"
    )
    spectrum: tuple[float, ...] = numbers(
        SPECTRUM, "1", "eigenvalues of the covariance", low=0.0, order="falling", same_size_as="inputs"
    )
    rotation: str = option("random", ("none", "random"), "eigenvectors along the axes, or drawn per subject")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse more inputs than can be drawn, and a spectrum of nothing."""
        yield from too_many_inputs(fields, tables)
        if not any(fields["spectrum"]):
            yield "spectrum", "all eigenvalues are 0: there is nothing to show"

    @classmethod
    def covariance_of(cls, fields: Mapping[str, Any], tables: Tables) -> Array:
        """Return the covariance in its own axes (a rotation changes no eigenvalue)."""
        return np.diag(np.asarray(fields["spectrum"], dtype=np.float64))

    def allocate(self, block: Assembly, name: str) -> None:
        """Draw the eigenvectors."""
        n = len(self.spectrum)
        vectors = np.repeat(np.eye(n)[:, :, None], block.runs, axis=2)
        if self.rotation == "random":
            normals = block.draw_once(f"rotation:task.{name}", n, n)
            orthogonal, triangle = np.linalg.qr(np.moveaxis(normals, 2, 0))
            # QR alone does not give uniformly distributed rotations: libraries choose the signs of the diagonal, and
            # this takes their choice out.
            signs = np.sign(np.einsum("rii->ri", triangle))
            vectors[...] = np.moveaxis(orthogonal * signs[:, None, :], (0, 1, 2), (2, 1, 0))
        self.spread(block, vectors, np.repeat(np.asarray(self.spectrum)[:, None], block.runs, axis=1), name)


@dataclass(frozen=True, kw_only=True)
class Ring(Normal):
    """Zero-mean normal inputs on a ring, the more alike the nearer: positive correlations throughout.

    The first input is more active than the others by `bump`, its neighbours by what `bump_width` leaves of it. Negative
    eigenvalues that a wide ring has, up to a thousandth of the largest, are taken as 0. Inputs are drawn through the
    symmetric root of C, of which there is one; of eigenvectors there are many where a ring looks the same from several
    sides, and which of them a library finds hangs on the processor.
    """

    section: ClassVar[str] = "task"
    name: ClassVar[str] = "ring"
    offers: ClassVar[frozenset[str]] = frozenset({"centred", "covariance", "eigenvectors", "normal"})
    draws: ClassVar[bool] = True
    revision: ClassVar[int] = 2
    equation: ClassVar[str] = (
        "x = C^(1/2) N(0, I)\n"
        "C_ij = (exp(-(d_ij / width)^2) + common) g_i g_j\n"
        "g_i = 1 + bump exp(-(d_1i / bump_width)^2);  bump_width 0: g_1 = 1 + bump, others 1"
    )
    sources: ClassVar[tuple[str, ...]] = ("MillerMacKay1994",)

    inputs: str = reference(
        "population", "the source population that shows the inputs",
        acts=True, requires="shown", shows="pattern", least=3, because="fewer make no ring",
    )  # fmt: skip
    width: float = number(3.0, "1", "distance at which correlation has fallen to 1/e", low=1e-3, high=1e3, fixed=True)
    common: float = number(0.2, "1", "what all inputs share", low=0.0, high=1e3, fixed=True)
    bump: float = number(0.3, "1", "extra amplitude of the first input", low=0.0, high=1e3, fixed=True)
    bump_width: float = number(
        0.0, "1", "distance at which the extra amplitude has fallen to 1/e; 0: the first input alone",
        low=0.0, high=1e3, fixed=True,
    )  # fmt: skip

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a ring so wide that it closes on itself with a negative eigenvalue."""
        if faults := list(too_many_inputs(fields, tables, most=WIDEST_RING)):
            yield from faults
            return
        n = size_of(tables, fields["inputs"])
        spectrum = _ring_of(n, fields).values
        if spectrum[0] < -NEGLIGIBLE * spectrum[-1]:
            yield (
                "width",
                (f"is too wide for a ring of {n}: no inputs have these correlations (eigenvalue {spectrum[0]:.3g})"),
            )

    @classmethod
    def covariance_of(cls, fields: Mapping[str, Any], tables: Tables) -> Array:
        """Return the covariance."""
        return _ring_of(size_of(tables, fields["inputs"]), fields).nearest

    def allocate(self, block: Assembly, name: str) -> None:
        """Take the covariance apart."""
        found = _ring_of(block.size(self.inputs), vars(self))
        spectrum, axes = np.maximum(found.values[::-1], 0.0), found.vectors.T[::-1]
        shape = (1, 1, block.runs)
        self.spread(block, np.tile(axes[:, :, None], shape), np.tile(spectrum[:, None], shape[1:]), name)

    def root(self, vectors: Array, values: Array) -> Array:
        """Return the symmetric root, in one fixed order of summation."""
        # The symmetric root, since eigenvectors of a ring come in pairs of equal eigenvalue, in which a library may
        # choose any basis: the root is the same in all of them.
        parts = (np.sqrt(size) * axis[:, None] * axis for axis, size in zip(vectors, values, strict=True))
        return np.asarray(sum(parts, np.zeros((vectors.shape[1], *vectors.shape[1:]))))


@dataclass(frozen=True)
class _Ring:
    """A covariance taken apart: eigenvalues, smallest first, and eigenvectors.

    `nearest` is the covariance without what a closed ring leaves of negative eigenvalues.
    """

    values: Array
    vectors: Array

    @cached_property
    def nearest(self) -> Array:
        found: Array = (self.vectors * np.maximum(self.values, 0.0)) @ self.vectors.T
        # Shared by all who ask for the same ring, so nobody may write into it.
        found.setflags(write=False)
        return found


def _ring_of(n: int, fields: Mapping[str, Any]) -> _Ring:
    return _taken_apart(n, *(fields[name] for name in ("width", "common", "bump", "bump_width")))


@lru_cache(maxsize=8)  # every arm asks several times, most of them for the same ring
def _taken_apart(n: int, width: float, common: float, bump: float, bump_width: float) -> _Ring:
    step = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    distance = np.minimum(step, n - step)
    gain = np.ones(n)
    if bump_width > 0.0:
        gain += bump * np.exp(-((distance[0] / bump_width) ** 2))
    else:
        gain[0] += bump
    found = _Ring(*np.linalg.eigh((np.exp(-((distance / width) ** 2)) + common) * np.outer(gain, gain)))
    found.values.setflags(write=False)
    found.vectors.setflags(write=False)
    return found
