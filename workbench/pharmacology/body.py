"""Where one drug stands, and how it goes on from one dose event to the next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.moments import TOGETHER, moment, plain, some
from workbench.pharmacology.transfers import moved, total

if TYPE_CHECKING:
    from workbench.arrays import Array, Value
    from workbench.pharmacology.doses import Doses
    from workbench.pharmacology.transfers import Amounts, Transfers


@dataclass
class Body:
    """Where one drug stands: what is in each row at the hour `at`, and which doses come in next.

    Attributes
    ----------
    at : Value
        Hours from the start of the protocol; of the last dose event, not of the last look, so that what is read does
        not change what follows by a bit.
    begun, ended : list of Value
        For each regimen the number of the next dose to begin, and of the next to end.
    """

    transfers: Transfers
    amounts: Amounts
    at: Value
    doses: list[Doses] = field(default_factory=list)
    begun: list[Value] = field(default_factory=list)
    ended: list[Value] = field(default_factory=list)

    def copied(self) -> Body:
        """Return a body that may go its own way."""
        return replace(self, amounts=dict(self.amounts), doses=[*self.doses], begun=[*self.begun], ended=[*self.ended])

    def chosen(self, mine: Array, other: Body) -> None:
        """Take over from `other` what is not `mine`."""
        self.amounts = {row: np.where(mine, amount, other.amounts[row]) for row, amount in self.amounts.items()}
        self.begun = [plain(np.where(mine, *pair)) for pair in zip(self.begun, other.begun, strict=True)]
        self.ended = [plain(np.where(mine, *pair)) for pair in zip(self.ended, other.ended, strict=True)]

    def quiet(self) -> bool:
        """Whether nothing is in the body and nothing comes."""
        if any(some(ended < doses.count) for doses, ended in zip(self.doses, self.ended, strict=True)):
            return False
        return not any(some(amount) for amount in self.amounts.values())

    def rate(self) -> Value:
        """Return the rate (mg/h) at which the drug flows in now."""
        return plain(sum((d.rate(e, b) for d, e, b in zip(self.doses, self.ended, self.begun, strict=True)), 0.0))

    def next_event(self) -> Value:
        """Return when the next dose begins or ends, for each run."""
        times = [d.begins(b) for d, b in zip(self.doses, self.begun, strict=True)]
        times += [d.ends(e) for d, e in zip(self.doses, self.ended, strict=True) if d.flows]
        return plain(np.minimum.reduce(np.broadcast_arrays(*times))) if times else np.inf

    def later(self, hours: Value, rate: Value) -> Amounts:
        """Return the rows `hours` from `at`, with an even input and no event between."""
        found = moved(self.transfers.over(hours), self.amounts, self.transfers.rows)
        if np.any(rate):
            for (row, _), left in self.transfers.inflow(hours).items():
                if row in found:
                    found[row] = found[row] + rate * left
        return found

    def area(self, hours: Value, rate: Value, row: str) -> Value:
        """Return the area under the concentration of the next `hours`; `row` is that of a site."""
        found = total(self.transfers.areas(hours), self.amounts, row)
        if np.any(rate):
            found = found + rate * self.transfers.inflow(hours)[row, self.transfers.drug.entry]
        return found

    def move(self, time: Value) -> None:
        """Go on to `time`, up to which there is no event."""
        self.amounts = self.later(moment(np.maximum(time - self.at, 0.0)), self.rate())
        self.at = time

    def take(self) -> None:
        """Take in the doses that begin, and let end those that end, at this moment."""
        entry, now = self.transfers.drug.entry, self.at + TOGETHER
        for i, doses in enumerate(self.doses):
            due = np.asarray(doses.begins(self.begun[i]) <= now)
            if np.any(due):
                instant = due & (np.asarray(doses.duration) == 0.0)
                given = np.where(instant, doses.amount(self.begun[i]), 0.0)
                self.amounts[entry] = self.amounts[entry] + given
                self.begun[i] = plain(np.where(due, self.begun[i] + 1.0, self.begun[i]))
            if doses.flows or np.any(due):
                over = np.asarray(doses.ends(self.ended[i]) <= now) | (due & (np.asarray(doses.duration) == 0.0))
                self.ended[i] = plain(np.where(over, self.ended[i] + 1.0, self.ended[i]))

    def events_to(self, time: Value, *, inclusive: bool) -> None:
        """Pass all events up to `time` and stay at the last of them."""
        edge = time + TOGETHER if inclusive else time - TOGETHER
        while np.any(due := np.asarray((when := self.next_event()) <= edge)):
            self.move(plain(np.where(due, when, self.at)))
            self.take()
