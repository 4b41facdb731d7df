"""Layers that see a batch of samples at a step, and the weights between them: runs first, one matrix product a run.

Everywhere else runs lie last. Where every run multiplies whole matrices, stacked products with the runs first are
four to eight times faster, and have the same bits at every width, since no product mixes runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.circuit.populations import shown_fault
from workbench.component.declaration import Component, count, number, option, reference

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class Layer(Component):
    """Units that answer a whole batch of samples at once; activities ``(runs, samples, units)``.

    A layer without incoming weights is shown its samples by a task.
    """

    section: ClassVar[str] = "population"
    name: ClassVar[str] = "layer"
    offers: ClassVar[frozenset[str]] = frozenset({"batches"})
    clocks: ClassVar[tuple[str, ...]] = ("trial",)
    equation: ClassVar[str] = "y = f(sum over incoming layers of x W^T);  f linear or tanh"
    sources: ClassVar[tuple[str, ...]] = ("Rumelhart1986",)

    size: int = count(1, "number of units", high=4096)
    activation: str = option("linear", ("linear", "tanh"), "how input becomes activity")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a layer without weights or a task onto it, and tables that treat it as single units."""
        reached = any(way["post"] == fields["name"] for way in tables["projection"].values())
        shown = tables.shown(fields["name"], "batch") is not None
        if reached == shown:
            found = "both weights and a task" if reached else "neither weights nor a task"
            yield "kind", f"a layer gets its input from weights or from a task; here {found} do"
        elif fields["name"] in _below(fields["name"], tables):
            yield "kind", "layers form an order from input to output, but this one comes before itself"
        yield from shown_fault(fields["name"], tables)
        yield from _refuse_single_unit_tables(fields["name"], tables)

    @property
    def quiet(self) -> bool:
        """Whether the units have no input of their own."""
        return True

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve the activity of a batch."""
        block.layer(f"population.{name}.activity", samples_of(block), self.size)

    def build(self, block: Assembly, name: str) -> None:
        """Register the forward pass of this layer; layers follow each other by what they read."""
        ways = [(way, p.pre) for way, p in block.all("projection") if p.post == name]
        if not ways:
            return
        pairs = [
            (block.read(f"population.{pre}.activity"), block.read(f"projection.{way}.weight")) for way, pre in ways
        ]
        activity = block.write(f"population.{name}.activity")
        term = np.empty_like(activity)

        def answer(t: int) -> None:
            for i, (x, weight) in enumerate(pairs):
                np.matmul(x, weight.transpose(0, 2, 1), out=term if i else activity)
                if i:
                    np.add(activity, term, out=activity)
            self.answer_to(activity, out=activity)

        block.step("activity", answer, clock="trial")

    def answer_to(self, drive: Array, out: Array | None = None) -> Array:
        """Return f of an input, in place where `out` is the input."""
        return np.tanh(drive, out=out) if self.activation == "tanh" else drive

    def slope(self, activity: Array) -> Array | None:
        """Return f' at an activity; None where it is 1."""
        return None if self.activation == "linear" else 1.0 - activity * activity


@dataclass(frozen=True, kw_only=True)
class BetweenLayers(Component):
    """Weights from one layer to the next, drawn per subject; ``(runs, post, pre)``."""

    section: ClassVar[str] = "projection"
    name: ClassVar[str] = "between_layers"
    offers: ClassVar[frozenset[str]] = frozenset({"batches"})
    requires: ClassVar[Mapping[str, str]] = MappingProxyType({"pre": "batches", "post": "batches"})
    draws: ClassVar[bool] = True
    equation: ClassVar[str] = "W_ji at the start uniform in (-spread, spread)"
    sources: ClassVar[tuple[str, ...]] = ("Lillicrap2016",)

    pre: str = reference("population", "the layer below")
    post: str = reference("population", "the layer above", acts=True)
    spread: Value = number(0.01, "1", "largest weight at the start", low=0.0, high=1e3)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse rules and readouts that do not support layers."""
        yield from _refuse_single_unit_readouts(fields["name"], tables)
        rule = tables["plasticity"].get(fields["name"])
        if rule is not None and not rule.offers("batches"):
            known = " or ".join(tables.kinds("plasticity", "batches"))
            yield "wiring", f"weights between layers learn by {known}, not by {rule.kind}"

    def allocate(self, block: Assembly, name: str) -> None:
        """Draw the weights."""
        post, pre = block.size(self.post), block.size(self.pre)
        weight = block.layer(f"projection.{name}.weight", post, pre, persists=True)
        drawn = uniform_once(block, f"init:projection.{name}", post, pre)
        weight[...] = np.reshape(self.spread, (-1, 1, 1)) * drawn


def _below(layer: str, tables: Tables) -> set[str]:
    """Return every layer from which `layer` is reached."""
    found: set[str] = set()
    ahead = {layer}
    while ahead:
        ahead = {w["pre"] for w in tables["projection"].values() if w["post"] in ahead} - found
        found |= ahead
    return found


def _refuse_single_unit_tables(layer: str, tables: Tables) -> Iterable[tuple[str, str]]:
    """Yield tables that treat a layer as single units, whose activity has another layout in memory."""
    for section, named in sorted(tables.items()):
        for name, table in sorted(named.items()):
            declared = table.component.parameters().values()
            named_here = [table[p.name] for p in declared if p.section == "population" and p.kind == "reference"]
            if layer in named_here and not table.offers("batches"):
                yield "kind", f"a layer works on batches, which {section}.{name} ({table.kind}) does not support"


def _refuse_single_unit_readouts(projection: str, tables: Tables) -> Iterable[tuple[str, str]]:
    """Yield readouts that treat weights between layers as those of single units."""
    for section in ("outcome", "course"):
        for name, table in sorted(tables[section].items()):
            named = table.get("projection") == projection or projection in (table.get("projections") or ())
            if named and not table.offers("batches"):
                able = ", ".join(tables.kinds("outcome", "batches"))
                yield "wiring", f"{section}.{name} cannot read weights between layers ({able} can)"


def uniform_once(block: Assembly, stream: str, *shape: int) -> Array:
    """Return numbers uniform in (-1, 1), drawn once per subject, with the runs first."""
    from scipy.special import ndtr

    normals = np.moveaxis(block.draw_once(stream, *shape), -1, 0)
    drawn: Array = 2.0 * ndtr(np.ascontiguousarray(normals)) - 1.0
    return drawn


def samples_of(block: Assembly) -> int:
    """Return the batch size, which the task that shows samples decides."""
    found: int = next(task.samples for _, task in block.all("task") if "batches" in task.offers)
    return found
