"""What readouts of one postsynaptic unit's weights share: which projection, which unit, which of its synapses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.circuit.populations import size_of
from workbench.declaration import count, reference
from workbench.readouts.reading import Readout, number_fault

if TYPE_CHECKING:
    from workbench.arrays import Array
    from workbench.assembly import Assembly

Tables = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class OfUnit(Readout):
    """Base of what looks at the weights of one unit."""

    projection: str = reference("projection", "the projection")
    unit_number: int = count(1, "the postsynaptic unit, from 1", high=4096)

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a unit that there is not."""
        yield from super().check(fields, tables)
        yield from number_fault(fields, "unit_number", tables, tables["projection"][fields["projection"]]["post"])

    def row(self, block: Assembly) -> Array:
        """Return the weights of the unit, a view: dense ``(pre, runs)``, one-to-one ``(runs,)``."""
        found: Array = block.read(f"projection.{self.projection}.weight")[self.unit_number - 1]
        return found


@dataclass(frozen=True, kw_only=True)
class OfRow(OfUnit):
    """Base of what is read off all weights of one unit."""

    projection: str = reference("projection", "a dense projection")

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a projection without rows."""
        yield from super().check(fields, tables)
        yield from _sparse_fault(fields, tables)


@dataclass(frozen=True, kw_only=True)
class OneSynapse(OfUnit):
    """Base of what looks at one synapse."""

    projection: str = reference("projection", "the learned projection")
    input_number: int = count(1, "the presynaptic unit, from 1; one-to-one weights have none", high=4096)

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse weights that nobody learns, and an input that there is not."""
        yield from super().check(fields, tables)
        yield from unlearned_fault(fields, tables)
        yield from number_fault(fields, "input_number", tables, tables["projection"][fields["projection"]]["pre"])

    def synapse(self, block: Assembly) -> Array:
        """Return the weight of the synapse, a view ``(runs,)``."""
        row = self.row(block)
        return row if row.ndim == 1 else row[self.input_number - 1]


@dataclass(frozen=True, kw_only=True)
class AmongOthers(OneSynapse):
    """Base of what compares one synapse with the others of its unit."""

    projection: str = reference("projection", "a dense projection onto units with several synapses")

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a synapse that has no others."""
        yield from super().check(fields, tables)
        sparse = list(_sparse_fault(fields, tables))
        yield from sparse
        pre = tables["projection"][fields["projection"]]["pre"]
        if not sparse and size_of(tables, pre) < 2:
            yield "projection", f"{pre} has one unit: there is nothing to compare its synapse with"


def unlearned_fault(fields: Mapping[str, Any], tables: Tables) -> Iterable[tuple[str, str]]:
    """Yield a projection whose weights never change."""
    name = fields["projection"]
    if name not in tables.get("plasticity", {}):
        yield "projection", f"nothing changes {name}: it has no [plasticity.{name}]"


def _sparse_fault(fields: Mapping[str, Any], tables: Tables) -> Iterable[tuple[str, str]]:
    name = fields["projection"]
    wiring = tables["projection"][name]["wiring"]
    if wiring != "dense":
        yield "projection", f"needs a dense projection, but {name} is {wiring}"
