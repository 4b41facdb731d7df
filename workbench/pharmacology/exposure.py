"""The running concentration of one drug: from dose to dose by exact transfers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.moments import TOGETHER, any_nonzero, as_float, round_hours
from workbench.pharmacology.dose_trains import BlockDoses, train
from workbench.pharmacology.transfers import Propagator, moved, total
from workbench.protocol.schedule import placed

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.pharmacology.linear import Amounts, LinearKinetics


NOTHING = 1e-200
"""Amounts below this are set to 0: subnormal numbers would slow every later step."""
NEGLIGIBLE = 1e-9
"""Where all that is in the body would not make this concentration (ng/mL), a look at a moment finds none."""


class Exposure:
    """The running concentration of one drug in one block.

    The driven signal ``drug.NAME`` is what acts: at the effect site, less what a subject does not respond to. On the
    trial clock it is the mean over an interval, on other clocks the value at a moment.
    """

    moves: ClassVar[bool] = False
    """Whether links move numbers of the drug while the model runs."""
    rest: ClassVar[float] = 0.0
    """What acts before any dose."""

    def __init__(
        self, block: Assembly, name: str, drug: LinearKinetics, *, declared: LinearKinetics | None = None
    ) -> None:
        self.declared = drug if declared is None else declared
        self.name, self.drug, self.resolution = name, drug, drug.resolution
        self.signal = f"drug.{name}"
        self.concentration = block.moving(self.signal)
        self.plasma = block.signal(f"drug.{name}.plasma")
        self.phases = placed(block.all("phase"))
        self._block = block
        taken = drug.taken_as(name)
        doses = [(dose_name, dose) for dose_name, dose in block.all("dose") if dose.drug == taken]
        self._doses = [(dose_name, train) for dose_name, dose in doses for train in dose.trains(block, dose_name)]
        self._given = any(np.any(train.full) for _, train in self._doses)
        self._phase = ""
        self._rests_until: float = -np.inf
        self.lately: tuple[Array, Array] | None = None
        """Moments and what acted then, as the last window that this drug opens found it: the next one looks there."""
        self._usual = Propagator(drug)
        self.state = block.state(f"drug.{name}.amounts", len(self._usual.rows))
        self.body = DrugState(self._usual, {row: np.zeros(block.runs) for row in self._usual.rows}, 0.0)
        self._at_start = self.body
        self._trains: dict[Any, tuple[Amounts, Amounts]] = {}
        self._seen: dict[Any, Any] = {}
        self.levels: dict[tuple[str, float, float, str], float] = {}

    @property
    def regimens(self) -> list[tuple[str, Any]]:
        """The trains of its doses, each with the name of its table."""
        return self._doses

    def advance(self, phase: str, start: Any, stop: Any, *, average: bool, look: bool = False) -> bool:
        """Advance from `start` to `stop` (hours in `phase`); return whether the concentration may have changed.

        An average is taken over ``[start, stop)``; a value at `stop` comes after the doses of that moment. Between two
        dose events every value comes from the last of them, so that a `look` and a step are the same.
        """
        if not self._given:
            return False
        if phase != self._phase:
            self._enter(phase)
        begin = self.phases[phase][0]
        first, last = round_hours(begin + start), round_hours(begin + stop)
        if self.body.quiet() or (not average and np.all(np.asarray(last) < self._rests_until)):
            changed = bool(self.concentration.any())
            self._show(dict.fromkeys(self.body.transfers.rows, 0.0), 0.0, 0.0)
            return changed
        if average:
            self._average(first, last)
        else:
            self._look(last, stay=not look)
        return True

    def _look(self, time: Value, *, stay: bool) -> None:
        """Show the value at a moment, and find out whether anything is to be seen before the next dose.

        Who does not `stay` there may have to show an earlier moment next.
        """
        body = self.body if stay else self.body.copied()
        body.events_to(time, inclusive=True)
        now = body.later(round_hours(np.maximum(time - body.at, 0.0)), body.inputs())
        held = body.transfers.scale * self.drug.reaching(now)
        seen = np.maximum(held, now.get("effect", 0.0)) >= NEGLIGIBLE
        self._show(
            now, *(np.where(seen, x, 0.0) for x in (body.transfers.scale * now["central"], now.get("effect", 0.0)))
        )
        if stay and not np.any(seen) and not body.flowing():
            self._rests_until = float(np.min(body.next_event()))

    def since(self, phase: str) -> DrugState:
        """Return the body as it was at the start of the present phase.

        Raises
        ------
        ValueError
            If `phase` is not the present one: what is read there has to be read while it lasts.
        """
        if phase != self._phase and self._given:
            raise ValueError(f"phase {phase} is over")
        return self._at_start.copied()

    def remembered(self, key: Any, make: Any) -> Any:
        """Return what was found for `key` in the present phase; several readouts may look at one stretch."""
        if key not in self._seen:
            self._seen[key] = make()
        return self._seen[key]

    def _enter(self, phase: str) -> None:
        """Go to the start of a phase: the occasion's rates, its doses, and its steady states."""
        begin, length = self.phases[phase]
        body = self.body
        body.events_to(begin, inclusive=True)
        body.move(begin)
        body.transfers, share = self._occasion(phase)
        for name, regimen in self._doses:
            if regimen.during == phase:
                usual = not regimen.entry
                reached = getattr(self.drug, "bioavailability", 1.0) * share if usual else 1.0
                lag = getattr(self.drug, "lag", 0.0) if usual else 0.0
                turns = (regimen.empties or regimen.steady_state) & (np.asarray(regimen.record) < length - TOGETHER)
                body.add(
                    BlockDoses(
                        regimen,
                        as_float(begin + regimen.first + lag),
                        regimen.recurrence.number_in(length),
                        reached,
                        name,
                        lag,
                        self._block.adjusted.get(name),
                        self.drug.place(regimen.entry),
                        as_float(np.where(turns, begin + regimen.record, np.inf)),
                    )
                )
        body.take()
        body.amounts = {row: np.array(amount) for row, amount in body.amounts.items()}
        self._phase, self._at_start, self._rests_until = phase, body.copied(), -np.inf
        self._seen, self._trains = {}, {}

    def _occasion(self, phase: str) -> tuple[Propagator, Value]:
        """Return the transfers of a phase and its factor of bioavailability."""
        drug, share = self.drug.on_occasion(self.name, phase, self._block.draw_once)
        return self._usual if drug is self.drug else Propagator(drug), share

    def _average(self, first: Value, last: Value) -> None:
        """Show the means over a stretch; a run takes the same way through it whatever its neighbours need."""
        rows = {"area", "effect_area"} if self._usual.delayed else {"area"}
        plainly = self._plainly_dosed(last)
        if plainly is True or np.all(plainly):
            areas = self._whole(self.body, first, last, rows)
        elif not np.any(plainly):
            areas = self._pieces(self.body, last, rows)
        else:
            other = self.body.copied()
            areas = self._whole(self.body, first, last, rows)
            theirs = self._pieces(other, last, rows)
            areas = {row: np.where(plainly, areas[row], theirs[row]) for row in rows}
            self.body.chosen(plainly, other)
        length = last - first
        self._show(self.body.amounts, areas["area"] / length, areas.get("effect_area", 0.0) / length)
        tiny = self.state < NOTHING
        if tiny.any():
            self.state[tiny] = 0.0
        self.body.amounts = dict(zip(self.body.amounts, self.state, strict=True))

    def _pieces(self, body: DrugState, last: Value, rows: set[str]) -> dict[str, Any]:
        """Advance from event to event; return the areas."""
        areas: dict[str, Any] = dict.fromkeys(rows, 0.0)
        due: Any = True
        while np.any(due):
            due = np.asarray((when := body.next_event()) <= last - TOGETHER)
            until = as_float(np.where(due, when, body.at)) if np.any(due) else last
            hours, inputs = round_hours(np.maximum(until - body.at, 0.0)), body.inputs()
            areas = {row: area + body.area(hours, inputs, row) for row, area in areas.items()}
            body.move(until)
            if np.any(due):
                body.take()
        return areas

    def _plainly_dosed(self, last: Value) -> Any:
        """Say for which runs all doses that come in before `last` are instants of one amount for each regimen."""
        found: Any = True
        body = self.body
        for doses, begun, ended, turn in zip(body.doses, body.begun, body.ended, body.turns, strict=True):
            if doses.turns:
                found = found & np.asarray(turn > last - TOGETHER)
            if not doses.flows and not any_nonzero(begun < doses.rising):
                continue
            after = doses.begun_before(last)
            found = found & ((np.asarray(doses.duration) == 0.0) | ((after <= begun) & (begun <= ended)))
            found = found & (doses.amount(begun) == doses.amount(as_float(np.maximum(after - 1.0, begun))))
            for number in doses.regimen.missed:
                found = found & ~((begun < number) & (number <= after))
        return found

    def _whole(self, body: DrugState, first: Value, last: Value, rows: set[str]) -> dict[str, Any]:
        """Advance over a stretch in one go: what was there, and one train of doses for each regimen; return areas."""
        hours = round_hours(last - first)
        passed = body.transfers.areas(hours)
        areas: dict[str, Any] = {row: total(passed, body.amounts, row) for row in rows}
        amounts = moved(body.transfers.over(hours), body.amounts, body.transfers.rows)
        for i, doses in enumerate(body.doses):
            begun, after = body.begun[i], doses.begun_before(last)
            if not any_nonzero(after > begun):
                continue
            age = round_hours(last - doses.start - (after - 1.0) * doses.every)
            left, area = self._train(doses, as_float(after - begun), age)
            amount = doses.amount(begun)
            amounts = {row: amounts[row] + amount * left[row] for row in amounts}
            areas = {row: areas[row] + amount * area[row] for row in rows}
            body.begun[i] = body.ended[i] = after
        body.amounts, body.at = amounts, last
        return areas

    def _train(self, doses: BlockDoses, count: Value, age: Value) -> tuple[Amounts, Amounts]:
        numbers = (count, as_float(np.maximum(age, 0.0)), doses.every)
        key = doses.entry, *(n if isinstance(n, float) else np.asarray(n).tobytes() for n in numbers)
        if key not in self._trains:
            self._trains[key] = train(self.body.transfers, doses.entry, numbers[0], numbers[2], numbers[1])
        return self._trains[key]

    def _show(self, amounts: Amounts, plasma: Value, effect: Value) -> None:
        for i, row in enumerate(self.body.transfers.rows):
            self.state[i] = amounts[row]
        self.plasma[...] = plasma
        acting: Array | Value = plasma
        if self._usual.delayed:
            acting = np.where(np.asarray(self.drug.equilibration) > 0.0, effect, plasma)
        np.multiply(acting, self.drug.effect, out=self.concentration)


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

    transfers: Propagator
    amounts: Amounts
    at: Value
    doses: list[BlockDoses] = field(default_factory=list)
    begun: list[Value] = field(default_factory=list)
    ended: list[Value] = field(default_factory=list)
    turns: list[Value] = field(default_factory=list)

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
        times = [d.begins(b) for d, b in zip(self.doses, self.begun, strict=True)]
        times += [d.ends(e) for d, e in zip(self.doses, self.ended, strict=True) if d.flows]
        times += [turn for d, turn in zip(self.doses, self.turns, strict=True) if d.turns]
        return as_float(np.minimum.reduce(np.broadcast_arrays(*times))) if times else np.inf

    def later(self, hours: Value, inputs: Amounts) -> Amounts:
        """Return the rows `hours` from `at`, with even inputs and no event between."""
        found = moved(self.transfers.over(hours), self.amounts, self.transfers.rows)
        for entry, rate in inputs.items():
            if np.any(rate):
                for (row, _), left in self.transfers.inflow(hours, entry).items():
                    if row in found:
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
                found = found + rate * self.transfers.inflow(hours, entry)[row, entry]
        return found

    def move(self, time: Value) -> None:
        """Go on to `time`, up to which there is no event."""
        self.amounts = self.later(round_hours(np.maximum(time - self.at, 0.0)), self.inputs())
        self.at = time

    def take(self) -> None:
        """Take in the doses that begin, and let end those that end, at this moment.

        Whatever empties the drug comes first, then what sets in as a steady state, then doses: no order is left open.
        """
        self._turn()
        now = self.at + TOGETHER
        for i, doses in enumerate(self.doses):
            entry = doses.entry
            due = np.asarray(doses.begins(self.begun[i]) <= now)
            if np.any(due):
                instant = due & (np.asarray(doses.duration) == 0.0)
                given = np.where(instant, doses.amount(self.begun[i]), 0.0)
                self.amounts[entry] = self.amounts[entry] + given
                self.begun[i] = as_float(np.where(due, self.begun[i] + 1.0, self.begun[i]))
            if doses.flows or np.any(due):
                over = np.asarray(doses.ends(self.ended[i]) <= now) | (due & (np.asarray(doses.duration) == 0.0))
                self.ended[i] = as_float(np.where(over, self.ended[i] + 1.0, self.ended[i]))

    def _turn(self) -> None:
        """Empty the drug, and let steady states set in, where that is due."""
        now = self.at + TOGETHER
        due = [(i, np.asarray(self.turns[i] <= now)) for i, doses in enumerate(self.doses) if doses.turns]
        due = [(i, mask) for i, mask in due if np.any(mask)]
        for _, emptied in ((i, mask) for i, mask in due if self.doses[i].regimen.empties):
            self.amounts = {row: np.where(emptied, 0.0, amount) for row, amount in self.amounts.items()}
            for j, doses in enumerate(self.doses):
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
