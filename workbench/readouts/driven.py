"""What stands between a drug and behaviour: the signals that it drives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.declaration import count, reference, signal
from workbench.readouts.reading import Reading, Readout, number_fault

if TYPE_CHECKING:
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Level(Readout):
    """Level of a driven signal at a moment: a response, an activated receptor, an open gate, a tone.

    On the trial clock drugs move once per dosing interval, and the level is that of the current one.
    """

    name: ClassVar[str] = "level"
    meaning: ClassVar[str] = "level of a response, receptor, gate or modulator"
    equation: ClassVar[str] = "the signal as its component defines it"

    signal: str = signal("the driven signal: response.NAME, receptor.NAME, gate.NAME, modulator.NAME")

    def reading(self, block: Assembly) -> Reading:
        """Copy the signal; one that never moves is the same number for all its runs."""
        level = block.driven(self.signal)
        return Reading((), lambda sums, trials: np.array(np.broadcast_to(np.asarray(level), (block.runs,))))


@dataclass(frozen=True, kw_only=True)
class Threshold(Readout):
    """Level of a sliding threshold: recent squared activity of one unit."""

    name: ClassVar[str] = "threshold"
    meaning: ClassVar[str] = "level of the sliding threshold"
    equation: ClassVar[str] = "theta of the homeostat"
    sources: ClassVar[tuple[str, ...]] = ("Bienenstock1982",)

    homeostat: str = reference("homeostat", "the sliding threshold")
    unit_number: int = count(1, "which unit of the watched population, from 1", high=4096)

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse a unit that there is not."""
        yield from super().check(fields, tables)
        watched = tables["homeostat"][fields["homeostat"]]["population"]
        yield from number_fault(fields, "unit_number", tables, watched)

    def reading(self, block: Assembly) -> Reading:
        """Copy it."""
        level = block.read(f"homeostat.{self.homeostat}.theta")
        return Reading((), lambda sums, trials: level[self.unit_number - 1].copy())
