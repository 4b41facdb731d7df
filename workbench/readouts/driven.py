"""What stands between a drug and behaviour: the signals that it drives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.declaration import signal
from workbench.readouts.reading import Reading, Readout

if TYPE_CHECKING:
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Level(Readout):
    """Level of a driven signal at a moment: an activated receptor, an open gate, a tone.

    On the trial clock drugs move once per dosing interval, and the level is that of the current one.
    """

    name: ClassVar[str] = "level"
    meaning: ClassVar[str] = "level of a receptor, gate or modulator"
    equation: ClassVar[str] = "the signal as its component defines it"

    signal: str = signal("the driven signal: receptor.NAME, gate.NAME, modulator.NAME")

    def reading(self, block: Assembly) -> Reading:
        """Copy the signal; one that never moves is the same number for all its runs."""
        level = block.driven(self.signal)
        return Reading((), lambda sums, trials: np.array(np.broadcast_to(np.asarray(level), (block.runs,))))
