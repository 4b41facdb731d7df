"""A number of the model as it stands once links have acted on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.declaration import path
from workbench.readouts.reading import Reading, Readout
from workbench.registry import SECTIONS, registry

if TYPE_CHECKING:
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Number(Readout):
    """A pure number of some table at a moment, with the links that act on it: evoked release under a drug.

    On the trial clock drugs move once per dosing interval, and the number is that of the current one.
    """

    name: ClassVar[str] = "number"
    meaning: ClassVar[str] = "a number of the model, links applied"
    equation: ClassVar[str] = "the number at section.name.field, times or plus what links say"

    path: str = path("the number: section.name.field")

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse a number with a unit."""
        yield from super().check(fields, tables)
        section, _, rest = fields["path"].partition(".")
        name, _, field = rest.partition(".")
        unit = _unit(section, tables[section][name], field)
        if unit != "1":
            yield "path", f"{fields['path']} is in {unit}; only pure numbers can be read"

    def reading(self, block: Assembly) -> Reading:
        """Copy the number; one that never moves is the same for all times."""
        value = block.value(self.path)
        return Reading((), lambda sums, trials: np.array(np.broadcast_to(np.asarray(value), (block.runs,))))


def _unit(section: str, fields: Mapping[str, Any], field: str) -> str:
    key = section, fields[SECTIONS[section].key]
    return registry().get(*key).parameters()[field].unit if key in registry() else "1"
