"""The doses of one regimen in absolute time, and what trains of equal doses leave."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.component.moments import TOGETHER, any_nonzero, as_float
from workbench.pharmacology.transfers import moved, total
from workbench.protocol.schedule import number_before, number_until

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.component.assembly import DoseFactors
    from workbench.pharmacology.linear import Amounts
    from workbench.pharmacology.regimen import DoseTrain, Repeated
    from workbench.pharmacology.transfers import Propagator

DOUBLINGS = 64
"""More than ever needed: the slowest elimination has reached its steady state after some 40."""


@dataclass(frozen=True)
class BlockDoses:
    """What one regimen gives one block of runs.

    Attributes
    ----------
    start : Value
        Hours from the start of the protocol at which dose 0 reaches the compartment that it enters: lag included.
    count : Value
        How many doses are given; those of a steady state have numbers below 0.
    share : Value
        Bioavailability on this occasion.
    table : str
        Name of the table that gives them.
    lag : Value
        Hours from when a dose is given to when it begins to come in.
    adjusted : DoseFactors or None
        What visits make of the amounts.
    entry : str
        The row that the doses enter.
    turn : Value
        Hours from the start of the protocol at which the drug is emptied, or the steady state of these doses sets in;
        infinite where there is nothing of the kind.
    """

    regimen: Repeated | DoseTrain
    start: Value
    count: Value
    share: Value
    table: str = ""
    lag: Value = 0.0
    adjusted: DoseFactors | None = None
    entry: str = ""
    turn: Value = np.inf

    @cached_property
    def full(self) -> Value:
        """What reaches the body of a full dose, in mg."""
        return as_float(self.regimen.full * self.share)

    @cached_property
    def rising(self) -> float:
        """The number of the first dose that is full, or left out by its number, in all runs: above it all are equal."""
        return max(self.regimen.rising, max(self.regimen.missed, default=0.0))

    @property
    def every(self) -> Value:
        """Hours between two doses."""
        return self.regimen.every

    @cached_property
    def duration(self) -> Value:
        """Hours over which a dose flows in; less of it at the same rate is shorter."""
        whole = self.regimen.duration
        return as_float(whole * self.share) if self.regimen.keeps_rate else whole

    @cached_property
    def turns(self) -> bool:
        """Whether any run has a moment at which the drug is emptied or a steady state sets in."""
        return bool(np.any(np.isfinite(self.turn)))

    @cached_property
    def flows(self) -> bool:
        """Whether any run gets its doses over a time."""
        return bool(np.any(np.asarray(self.duration) > 0.0))

    def amount(self, index: Value) -> Value:
        """Return what reaches the body of a dose, in mg."""
        plainly = self.rising == 0.0 or not any_nonzero(index < self.rising)
        amount = self.full if plainly else self.regimen.amount_of(index) * self.share
        return amount if self.adjusted is None else amount * self.adjusted.factor(self.given(index))

    def prescribed(self, index: Value) -> Value:
        """Return what is given of a dose, in mg, before what does not reach the body is taken off."""
        factor = 1.0 if self.adjusted is None else self.adjusted.factor(self.given(index))
        return self.regimen.amount_of(index) * factor

    def given(self, index: Value) -> Value:
        """Return the hour of the protocol at which a dose is given."""
        return self.start - self.lag + index * self.every

    def given_by(self, time: Value) -> Value:
        """Return how many doses were given up to `time` of the protocol, those of that moment included."""
        return as_float(np.minimum(number_until(time, self.start - self.lag, self.every), self.count))

    def begins(self, index: Value) -> Value:
        """Return when a dose begins to come in; never, past the last one."""
        return as_float(np.where(np.asarray(index) < self.count, self.start + index * self.every, np.inf))

    def ends(self, index: Value) -> Value:
        """Return when a dose has flowed in; never, for one that is an instant or past the last one."""
        flows = (np.asarray(index) < self.count) & (np.asarray(self.duration) > 0.0)
        return as_float(np.where(flows, self.start + index * self.every + self.duration, np.inf))

    def begun_before(self, time: Value) -> Value:
        """Return the number of the first dose that has not come in before `time`."""
        return as_float(np.minimum(number_before(time, self.start, self.every), self.count))

    def given_before(self, time: Value) -> Value:
        """Return how many doses were given before `time` of the protocol, those of that moment not included."""
        return as_float(np.minimum(number_before(time, self.start - self.lag, self.every), self.count))

    def rate(self, ended: Value, begun: Value) -> Value:
        """Return the rate (mg/h) of the doses that are flowing in: from number `ended` to before `begun`."""
        if not self.flows:
            return 0.0
        lasting = np.where(np.asarray(self.duration) > 0.0, self.duration, np.inf)
        found: Any = 0.0
        for further in range(int(np.max(np.asarray(begun) - ended))):
            index = ended + further
            found = found + np.where(np.asarray(index) < begun, self.amount(index) / lasting, 0.0)
        return as_float(found)

    def pulse(self, transfers: Propagator) -> Amounts:
        """Return what one dose of 1 mg has left in each row when it has come in."""
        found: Amounts = dict.fromkeys(transfers.rows, 0.0)
        found[self.entry] = 1.0
        if not self.flows:
            return found
        lasting = np.where(np.asarray(self.duration) > 0.0, self.duration, 1.0)
        for (row, _), left in transfers.inflow(as_float(lasting), self.entry).items():
            if row in found:
                found[row] = np.where(np.asarray(self.duration) > 0.0, left / lasting, found[row])
        return found

    def settled(self, transfers: Propagator, begin: Value) -> tuple[Amounts, Value, Value]:
        """Return the steady state at `begin`: amounts, and the numbers of the next dose to end and to begin."""
        if self.regimen.constant:
            return {row: self.regimen.full * left for row, left in transfers.endless(self.entry).items()}, 0.0, 0.0
        # Times are relative to the phase, so the past has negative numbers; flooring with slack decides on which side
        # a dose at the boundary falls.
        ahead = self.start - begin
        # Doses before `begin` have negative numbers; one that falls on it within rounding counts as given.
        begun = np.minimum(np.floor(-ahead / self.every + TOGETHER), -1.0) + 1.0
        ended = np.minimum(np.floor(-(ahead + self.duration) / self.every + TOGETHER), -1.0) + 1.0
        amounts = steady_amounts(transfers, self.pulse(transfers), self.every)
        age = np.maximum(-(ahead + self.duration) - (ended - 1.0) * self.every, 0.0)
        amounts = moved(transfers.over(as_float(age)), amounts, transfers.rows)
        amounts = {row: self.amount(-1.0) * left for row, left in amounts.items()}
        for further in range(int(np.max(np.asarray(begun) - ended)) if self.flows else 0):
            index = ended + further
            rate = self.rate(as_float(index), as_float(np.minimum(index + 1.0, begun)))
            since = np.maximum(-ahead - index * self.every, 0.0)
            for (row, _), left in transfers.inflow(as_float(since), self.entry).items():
                if row in amounts:
                    amounts[row] = amounts[row] + rate * left
        return amounts, as_float(ended), as_float(begun)


def steady_amounts(transfers: Propagator, pulse: Amounts, every: Value) -> Amounts:
    """Return what endless equal doses leave at the moment of the last one, by doubling."""
    rows, gap = pulse, every
    for _ in range(DOUBLINGS):
        entries = transfers.over(gap)
        if not any(np.any(share) for share in entries.values()):
            # Nothing of older doses is left in any run: doubling on would add zeros.
            break
        before = moved(entries, rows, transfers.rows)
        rows = {row: rows[row] + before[row] for row in transfers.rows}
        gap = 2.0 * gap
    return rows


def train(transfers: Propagator, entry: str, count: Value, every: Value, age: Value) -> tuple[Amounts, Amounts]:
    """Return rows and areas, per mg, `age` hours after the last of `count` equal instant doses, the first just given.

    By doubling: a train of 2 m doses is one of m doses, and the same one ``m every`` hours older.
    """
    rows: Amounts = dict.fromkeys(transfers.rows, 0.0)
    areas: Amounts = {"area": 0.0, **({"effect_area": 0.0} if transfers.delayed else {})}
    whole = np.asarray(count).astype(np.int64)
    done: Any = 0.0
    # From the highest bit down: runs with fewer doses stay at zero until their own first bit.
    for bit in reversed(range(int(np.max(whole)).bit_length())):
        # Binary exponentiation: twice as many doses are the present ones and the same again, older by their number of
        # intervals.
        older, passed = _older(transfers, rows, areas, done * every)
        rows = {row: rows[row] + older[row] for row in rows}
        areas = {row: areas[row] + passed[row] for row in areas}
        done = 2.0 * done
        one = (whole >> bit) & 1 == 1
        older, passed = _older(transfers, rows, areas, every)
        older[entry] = older[entry] + 1.0
        rows = {row: np.where(one, older[row], rows[row]) for row in rows}
        areas = {row: np.where(one, passed[row], areas[row]) for row in areas}
        done = as_float(np.where(one, done + 1.0, done))
    return _older(transfers, rows, areas, age)


def _older(transfers: Propagator, rows: Amounts, areas: Amounts, hours: Value) -> tuple[Amounts, Amounts]:
    entries = transfers.areas(hours)
    passed = {row: areas[row] + total(entries, rows, row) for row in areas}
    return moved(transfers.over(hours), rows, transfers.rows), passed
