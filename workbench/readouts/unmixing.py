"""How well units tell independent sources apart, from the weights and the true mixing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.declaration import count, option, reference
from workbench.readouts.reading import Reading, Readout
from workbench.tasks.mixture import KURTOSIS, kinds_of

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables

UNHEARD = 1e-12
"""A source that a unit hears by less than this share of its loudest is not heard: what is left is rounding."""
TAILS = {"any": (-2.0, 7.0), "heavy": (0.0, 7.0), "light": (-2.0, 0.0)}


@dataclass(frozen=True, kw_only=True)
class OfMixture(Readout):
    """Base of what compares the weights with the true mixing."""

    projection: str = reference("projection", "a dense projection from the mixtures")
    task: str = reference("task", "the mixture task", requires="sources")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse projections that do not come from the mixtures."""
        yield from super().check(fields, tables)
        task, way = tables["task"][fields["task"]], tables["projection"][fields["projection"]]
        if way["pre"] != task["inputs"] or not way.offers("all pairs"):
            yield "projection", f"needs a dense projection from {task['inputs']}, which {fields['projection']} is not"

    def through(self, block: Assembly) -> Any:
        """Return a function that gives how much of each source each unit hears, ``(post, source, runs)``."""
        weight = block.read(f"projection.{self.projection}.weight")
        mixing = block.read(f"task.{self.task}.mixing")
        return lambda: np.einsum("jir,ikr->jkr", weight, mixing)


@dataclass(frozen=True, kw_only=True)
class SourceCorrelation(OfMixture):
    """Largest absolute correlation of one unit's output with one of the true sources."""

    name: ClassVar[str] = "source_correlation"
    meaning: ClassVar[str] = "absolute correlation of one unit's output with the source it follows best"
    better: ClassVar[str] = "higher"
    equation: ClassVar[str] = "max_k |g_k| / |g|,  g = W_j A"
    sources: ClassVar[tuple[str, ...]] = ("HyvarinenOja1998",)

    unit_number: int = count(1, "which unit, from 1", high=4096, not_above="projection.post")
    tails: str = option("any", tuple(TAILS), "among which sources: all, those with heavy, or with light tails")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse tails that no source has."""
        yield from super().check(fields, tables)
        task, (low, high) = tables["task"][fields["task"]], TAILS[fields["tails"]]
        if not any(low < KURTOSIS[kind] < high for kind in kinds_of(task)):
            yield "tails", f"{fields['task']} has no source with {fields.get('tails')} tails"

    def reading(self, block: Assembly) -> Reading:
        """Compare the shares of the sources."""
        through, (low, high) = self.through(block), TAILS[self.tails]
        excess = [KURTOSIS[kind] for kind in block.component("task", self.task).kinds]
        among = [k for k, kurtosis in enumerate(excess) if low < kurtosis < high]

        def best(sums: tuple[Array, ...], trials: int) -> Array:
            g = through()[self.unit_number - 1]
            length = np.sqrt(np.add.reduce(g * g, axis=0))
            return np.asarray(np.abs(g[among]).max(axis=0) / length if among else np.zeros(block.runs))

        return Reading((), best)


@dataclass(frozen=True, kw_only=True)
class OutputKurtosis(OfMixture):
    """Excess kurtosis of one unit's output, from the true mixing; or beside that of the best source."""

    name: ClassVar[str] = "output_kurtosis"
    meaning: ClassVar[str] = "excess kurtosis of one unit's output, or its difference from its source's, or over it"
    equation: ClassVar[str] = "sum_k g_k^4 kurtosis_k / (sum_k g_k^2)^2"

    unit_number: int = count(1, "which unit, from 1", high=4096, not_above="projection.post")
    relative_to: str = option("nothing", ("nothing", "source"), "as it is, or beside that of the source followed best")
    taken: str = option(
        "difference", ("difference", "ratio"), "how it is compared with its source: less it, or over it"
    )

    def reading(self, block: Assembly) -> Reading:
        """Sum the sources' cumulants."""
        through = self.through(block)
        excess = np.array([KURTOSIS[kind] for kind in block.component("task", self.task).kinds])

        def kurtosis(sums: tuple[Array, ...], trials: int) -> Array:
            g = through()[self.unit_number - 1]
            power = np.add.reduce(g * g, axis=0)
            found = np.add.reduce(g**4 * excess[:, None], axis=0) / power**2
            if self.relative_to == "nothing":
                return np.asarray(found)
            own = excess[np.abs(g).argmax(axis=0)]
            return np.asarray(found / own if self.taken == "ratio" else found - own)

        return Reading((), kurtosis)


@dataclass(frozen=True, kw_only=True)
class AmariIndex(OfMixture):
    """How far all units together are from following one source each: 0 is unmixed, 1 the worst.

    A source that no unit hears counts as one that all hear alike. The quotient would be one of rounding errors there,
    another on every processor.
    """

    name: ClassVar[str] = "amari_index"
    revision: ClassVar[int] = 2
    meaning: ClassVar[str] = "distance of what the units hear from one source each"
    better: ClassVar[str] = "lower"
    equation: ClassVar[str] = (
        "[sum_j (sum_k |P_jk| / max_k |P_jk| - 1) + sum_k (sum_j |P_jk| / max_j |P_jk| - 1)] / (2 m (m - 1)),  P = W A"
    )
    sources: ClassVar[tuple[str, ...]] = ("Amari1996",)
    same_size: ClassVar[tuple[tuple[str, str, str], ...]] = (("projection", "projection.pre", "projection.post"),)

    projection: str = reference("projection", "a dense projection from the mixtures, as many units as sources")

    def reading(self, block: Assembly) -> Reading:
        """Compare rows and columns with their largest entries."""
        through = self.through(block)

        def index(sums: tuple[Array, ...], trials: int) -> Array:
            p = np.abs(through())
            m = len(p)
            p = np.where(p < UNHEARD * p.max(axis=1)[:, None], 0.0, p)
            rows = np.add.reduce(p, axis=1) / p.max(axis=1) - 1.0
            loudest = p.max(axis=0)
            columns = np.where(loudest > 0.0, np.add.reduce(p, axis=0) / loudest - 1.0, m - 1.0)
            return np.asarray((np.add.reduce(rows, axis=0) + np.add.reduce(columns, axis=0)) / (2.0 * m * (m - 1)))

        return Reading((), index)
