"""One dose record, as the reader of tables, their writer and the regimens share it."""

from __future__ import annotations

from typing import NamedTuple


class DoseRecord(NamedTuple):
    """One record: hours from the start of the phase, mg, mg/h.

    Attributes
    ----------
    subject : float
        Place of the person in the table, from 0.
    rate : float
        Rate of an infusion, which bioavailability leaves alone; 0 is at once.
    ss : float
        1: the drug is emptied and set to the steady state of the record; 2: the steady state is added.
    evid : float
        1 a dose, 3 the drug is emptied, 4 it is emptied before the dose, 0 nothing: the person counts.
    duration : float
        Length of an infusion, which bioavailability leaves alone.
    cmt : str
        Number or name of the compartment; "" is where the drug's doses enter.
    """

    subject: float
    time: float
    amt: float
    rate: float = 0.0
    ii: float = 0.0
    addl: float = 0.0
    ss: float = 0.0
    evid: float = 1.0
    duration: float = 0.0
    cmt: str = ""

    @property
    def empties(self) -> bool:
        """Whether the drug is emptied at the time of the record."""
        return self.evid in (3.0, 4.0) or self.ss == 1.0

    @property
    def constant(self) -> bool:
        """Whether it is the steady state of an endless infusion."""
        return self.evid != 0.0 and self.amt == 0.0 and self.rate > 0.0


def nothing(subject: float) -> DoseRecord:
    """Return the record of a subject who is given nothing, and counts."""
    return DoseRecord(subject, 0.0, 0.0, evid=0.0)
