"""Where one drug stands in the body: what is in each compartment, and which doses come in next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.arrays import select_runs
from workbench.component.moments import TOGETHER, any_nonzero, as_float, round_hours
from workbench.pharmacology.transfers import moved, total

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value
    from workbench.pharmacology.dose_trains import BlockDoses
    from workbench.pharmacology.linear import Amounts
    from workbench.pharmacology.transfers import Propagator


@dataclass
class DrugState:
    """Where one drug stands: what is in each row at the hour `at`, and which doses come in next.

    Attributes
    ----------
    at : Value
        Hours from the start of the protocol; of the last dose event, not of the last look, so that what is read does
        not change what follows by a bit.
    begun, ended : list of Value
        For each regimen the number of the next dose to begin, and of the next to end.
    turns : list of Value
        For each regimen when the drug is emptied or its steady state sets in; infinite once that is past.
    """

    divides: ClassVar[bool] = True
    """Whether some runs can go on without the others: not where each has steps of its own."""

    transfers: Propagator
    amounts: Amounts
    at: Value
    doses: list[BlockDoses] = field(default_factory=list)
    begun: list[Value] = field(default_factory=list)
    ended: list[Value] = field(default_factory=list)
    turns: list[Value] = field(default_factory=list)
    _coming: dict[int, tuple[BlockDoses, Value, Value]] = field(default_factory=dict, repr=False, compare=False)

    def add(self, doses: BlockDoses) -> None:
        """Add the doses of a regimen, none of which has come in."""
        self.doses.append(doses)
        self.begun.append(0.0)
        self.ended.append(0.0)
        self.turns.append(doses.turn)

    def copied(self) -> DrugState:
        """Return a body that may go its own way."""
        return replace(
            self,
            amounts=dict(self.amounts),
            doses=[*self.doses],
            begun=[*self.begun],
            ended=[*self.ended],
            turns=[*self.turns],
            _coming={},
        )

    def passing(self) -> DrugState:
        """Return a body for moments that do not recur: what is found for them is not kept."""
        return replace(self, transfers=self.transfers.passing())

    def proceed(self, time: Value) -> None:
        """Prepare for looks from `time` on; what is read does not depend on it."""

    def level_at(self, times: Value) -> Value:
        """Return what acts at moments from `at` up to the next event."""
        amounts = self.later(as_float(np.maximum(np.asarray(times - self.at), 0.0)), self.inputs())
        return np.maximum(self.acting(amounts), 0.0)

    def next_break(self) -> Value:
        """Return up to when looks are plain: to the next event."""
        return self.next_event()

    @property
    def fastest(self) -> Value:
        """The fastest rate (1/h) with which what acts may change after an event."""
        return self.transfers.fastest

    def chosen(self, mine: Array, other: DrugState) -> None:
        """Take over from `other` what is not `mine`."""
        self.amounts = {row: np.where(mine, amount, other.amounts[row]) for row, amount in self.amounts.items()}
        for name in ("begun", "ended", "turns"):
            pairs = zip(getattr(self, name), getattr(other, name), strict=True)
            setattr(self, name, [as_float(np.where(mine, *pair)) for pair in pairs])

    def quiet(self) -> bool:
        """Whether nothing is in the body and nothing comes."""
        if any(any_nonzero(ended < doses.count) for doses, ended in zip(self.doses, self.ended, strict=True)):
            return False
        if any(doses.turns and np.any(np.isfinite(turn)) for doses, turn in zip(self.doses, self.turns, strict=True)):
            return False
        return not any(any_nonzero(amount) for amount in self.amounts.values())

    def inputs(self) -> Amounts:
        """Return the rates (mg/h) at which the drug flows in now, by the compartment that it enters."""
        found: Amounts = {}
        for doses, ended, begun in zip(self.doses, self.ended, self.begun, strict=True):
            if doses.flows:
                found[doses.entry] = found.get(doses.entry, 0.0) + doses.rate(ended, begun)
        return {entry: as_float(rate) for entry, rate in found.items()}

    def flowing(self) -> bool:
        """Whether the drug flows in now in any run."""
        return any(any_nonzero(np.asarray(rate)) for rate in self.inputs().values())

    def next_event(self) -> Value:
        """Return when the next dose begins or ends, or the drug is emptied or set, for each run."""
        times = [self._begins(i) for i in range(len(self.doses))]
        times += [d.ends(e) for d, e in zip(self.doses, self.ended, strict=True) if d.flows]
        times += [turn for d, turn in zip(self.doses, self.turns, strict=True) if d.turns]
        alike = [time for time in times if isinstance(time, float)]
        apart = [time for time in times if not isinstance(time, float)]
        first = min(alike, default=np.inf)
        return as_float(np.minimum.reduce(np.broadcast_arrays(first, *apart))) if apart else first

    def _begins(self, i: int) -> Value:
        """Return when the next dose of a regimen begins, kept until it has: a table is as many regimens as rows."""
        doses, begun = self.doses[i], self.begun[i]
        kept = self._coming.get(i)
        if kept is None or kept[0] is not doses or kept[1] is not begun:
            kept = self._coming[i] = doses, begun, doses.begins(begun)
        return kept[2]

    def of(self, runs: NDArray[np.intp]) -> DrugState:
        """Return what is in the body of some runs, without the doses to come."""
        amounts, at = (
            {row: select_runs(amount, runs) for row, amount in self.amounts.items()},
            select_runs(self.at, runs),
        )
        return DrugState(self.transfers.of(runs), amounts, at)

    def later(self, hours: Value, inputs: Amounts, *, seen: bool = False) -> Amounts:
        """Return the rows `hours` from `at`, with even inputs and no event between.

        `seen` asks for those alone whose concentration is seen: the central one, and the effect site.
        """
        transfers = self.transfers
        rows = tuple(row for row in ("central", "effect") if row in transfers.rows) if seen else transfers.rows
        found = moved(transfers.seen(hours) if seen else transfers.over(hours), self.amounts, rows)
        for entry, rate in inputs.items():
            if np.any(rate):
                for (row, _), left in transfers.inflow(hours, entry, onto="central" if seen else "").items():
                    found[row] = found[row] + rate * left
        return found

    def plasma(self, amounts: Amounts) -> Value:
        """Return the concentration in plasma (ng/mL) that the rows of `later` make."""
        return self.transfers.scale * amounts["central"]

    def acting(self, amounts: Amounts) -> Value:
        """Return the concentration that acts: at the effect site, less what a subject does not respond to."""
        drug, found = self.transfers.drug, np.asarray(self.plasma(amounts))
        if self.transfers.delayed:
            found = np.where(np.asarray(drug.equilibration) > 0.0, amounts["effect"], found)
        return found * drug.effect

    def area(self, hours: Value, inputs: Amounts, row: str) -> Value:
        """Return the area under the concentration of the next `hours`; `row` is that of a site."""
        found = total(self.transfers.areas(hours), self.amounts, row)
        for entry, rate in inputs.items():
            if np.any(rate):
                found = found + rate * self.transfers.inflow_areas(hours, entry)[row, entry]
        return found

    def move(self, time: Value) -> None:
        """Go on to `time`, up to which there is no event."""
        # Rounded, so that equal lengths find what was worked out before.
        self.amounts = self.later(round_hours(np.maximum(time - self.at, 0.0)), self.inputs())
        self.at = time

    def take(self) -> None:
        """Take in the doses that begin, and let end those that end, at this moment.

        Whatever empties the drug comes first, then what sets in as a steady state, then doses: no order is left open.
        """
        self._turn()
        # With slack: a dose and the moment it falls on are computed in different ways and may differ in the last
        # digit.
        now = self.at + TOGETHER
        for i, doses in enumerate(self.doses):
            due = self._begins(i) <= now
            begins = any_nonzero(due)
            if not (begins or doses.flows):
                continue
            instant = due & (np.asarray(doses.duration) == 0.0)
            if begins:
                # An infusion adds nothing at its beginning; it flows in until its end comes due.
                given = np.where(instant, doses.amount(self.begun[i]), 0.0)
                self.amounts[doses.entry] = self.amounts[doses.entry] + given
                self.begun[i] = as_float(np.where(due, self.begun[i] + 1.0, self.begun[i]))
            over = np.asarray(doses.ends(self.ended[i]) <= now) | instant
            self.ended[i] = as_float(np.where(over, self.ended[i] + 1.0, self.ended[i]))

    def _turn(self) -> None:
        """Empty the drug, and let steady states set in, where that is due."""
        now = self.at + TOGETHER
        due = [(i, np.asarray(self.turns[i] <= now)) for i, doses in enumerate(self.doses) if doses.turns]
        due = [(i, mask) for i, mask in due if np.any(mask)]
        for _, emptied in ((i, mask) for i, mask in due if self.doses[i].regimen.empties):
            self.amounts = {row: np.where(emptied, 0.0, amount) for row, amount in self.amounts.items()}
            for j, doses in enumerate(self.doses):
                # Doses of the past count as begun and ended: what empties the drug also stops what is flowing in.
                called_off = np.maximum(self.begun[j], doses.given_before(self.at))
                self.begun[j] = as_float(np.where(emptied, called_off, self.begun[j]))
                self.ended[j] = as_float(np.where(emptied, called_off, self.ended[j]))
        for i, mask in due:
            if self.doses[i].regimen.steady_state:
                amounts, ended, begun = self.doses[i].settled(self.transfers, self.at)
                self.amounts = {row: self.amounts[row] + np.where(mask, amounts[row], 0.0) for row in self.amounts}
                self.begun[i] = as_float(np.where(mask, begun, self.begun[i]))
                self.ended[i] = as_float(np.where(mask, ended, self.ended[i]))
            self.turns[i] = as_float(np.where(mask, np.inf, self.turns[i]))

    def events_to(self, time: Value, *, inclusive: bool) -> None:
        """Pass all events up to `time` and stay at the last of them."""
        edge = time + TOGETHER if inclusive else time - TOGETHER
        while np.any(due := np.asarray((when := self.next_event()) <= edge)):
            self.move(as_float(np.where(due, when, self.at)))
            self.take()


def count_before(times: Array, event: Value) -> int:
    """Return how many of the moments ``(moments, 1 or runs)``, which are in order, come before an event of any run."""
    reached = np.any(times + TOGETHER >= event, axis=1)
    return int(np.argmax(reached)) if np.any(reached) else len(times)
