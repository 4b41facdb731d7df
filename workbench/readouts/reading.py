"""What every readout shares: where it looks, and how a window becomes one number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workbench.declaration import Component, count, number, window

if TYPE_CHECKING:
    from workbench.arrays import Array
    from workbench.assembly import Assembly


@dataclass(frozen=True)
class Reading:
    """How a readout is taken: signals summed over trials, then one function of the sums.

    Attributes
    ----------
    signals : tuple of str
        Signals ``(runs,)`` to add up over the trials of the window; empty for a reading of the moment.
    value : function (sums, trials) -> array (runs,)
        Turns the sums over a window into the outcome; NaN or infinity marks a run whose outcome is undefined.
    """

    signals: tuple[str, ...]
    value: Callable[[tuple[Array, ...], int], Array]


@dataclass(frozen=True, kw_only=True)
class Readout(Component):
    """Base of readouts; `unit`, `meaning` and `better` ("lower", "higher" or "") go into tables and pages."""

    section: ClassVar[str] = "outcome"
    unit: ClassVar[str] = "1"
    meaning: ClassVar[str]
    better: ClassVar[str] = ""

    window: str | None = window(None, "stretch of the protocol; a reading of the moment is taken at its end")
    every: int = count(0, "for a course on the trial clock: trials per recorded value", low=0)
    interval: float = number(0.0, "h", "for a course on the event clock: hours between recorded values", low=0.0)

    def reading(self, block: Assembly) -> Reading:
        """Fetch what the readout needs from `block`, registering steps if it must."""
        raise NotImplementedError
