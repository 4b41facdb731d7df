"""Equal doses at equal intervals: what every regimen comes down to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.protocol.schedule import Recurrence
from workbench.quantities import HOURS_PER_DAY

if TYPE_CHECKING:
    from workbench.component.arrays import Value

DAILY = HOURS_PER_DAY
"""Hours between two doses where no interval is given and none is needed."""


@dataclass(frozen=True)
class Train:
    """Doses of one amount, for each run.

    Attributes
    ----------
    during : str
        Their phase; `first` (h) counts from its start.
    full : Value
        Amount of each, mg.
    every, duration : Value
        Hours between two, and hours over which each flows in.
    count : Value
        How many there are at most; 0 for runs that get none.
    steady_state : bool
        Whether at `record` the body is in the state of doses like these given since ever, the first of them next.
    entry : str
        The compartment that they enter; "" where the drug's doses enter, after its lag and less what is not absorbed.
    keeps_rate : bool
        Whether bioavailability shortens an infusion (`duration` is that of a whole dose) and leaves its rate alone.
    empties : bool
        Whether at `record` the drug is emptied first, and what is flowing in or still to come in is called off.
    constant : bool
        Whether the steady state is that of an endless infusion of `full` mg/h, which ends at `record`; no doses follow.
    record : Value
        Hour of the phase at which it is emptied, or its steady state sets in; infinite for runs in which neither is.
    """

    during: str
    first: Value
    full: Value
    every: Value
    duration: Value
    count: Value
    steady_state: bool = False
    missed: tuple[float, ...] = ()
    rising: float = 0.0
    entry: str = ""
    keeps_rate: bool = False
    empties: bool = False
    constant: bool = False
    record: Value = 0.0

    def amount_of(self, index: Value) -> Value:
        """Return the amount of a dose in mg, by its number."""
        return self.full

    @property
    def recurrence(self) -> Recurrence:
        """When they are given."""
        return Recurrence(self.first, self.every, self.count)
