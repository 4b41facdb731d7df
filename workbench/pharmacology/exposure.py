"""The running concentration of one drug: from dose to dose by exact transfers."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.moments import TOGETHER, any_nonzero, as_float, round_hours
from workbench.pharmacology.dose_trains import BlockDoses, train
from workbench.pharmacology.drug_state import DrugState, count_before
from workbench.pharmacology.remaining import Remaining
from workbench.pharmacology.transfers import Propagator, moved, total
from workbench.protocol.schedule import placed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.pharmacology.linear import Amounts, LinearKinetics


NOTHING = 1e-200
"""Amounts below this are set to 0: subnormal numbers would slow every later step."""
AT_ONCE = 2**14
"""Numbers for all runs at so many moments are found in one go; more of them would leave the cache."""
RECENT = 8
"""How many sets of moments are kept, for callers that ask for the same ones."""
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
        doses = [(dose_name, block.component("dose", dose_name)) for dose_name in block.naming("dose", "drug", taken)]
        self._doses = [(dose_name, train) for dose_name, dose in doses for train in dose.trains(block, dose_name)]
        self._given = any(np.any(train.full) for _, train in self._doses)
        self._phase = ""
        self._rests_until: float = -np.inf
        self._ahead: deque[tuple[Value, Array, Array]] = deque()
        self._moments: Array = np.empty((0, 1))
        self._lately: deque[tuple[NDArray[np.intp], Array, Array]] = deque(maxlen=RECENT)
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
        if average:
            if self.body.quiet():
                return self._show_nothing()
            self._average(first, last)
            return True
        if look:
            if self._rests(last):
                return self._show_nothing()
            # A look works on a copy: what is read must not change the amounts that the next step starts from.
            body = self.body.copied()
            body.events_to(last, inclusive=True)
            plasma, acting, _ = self._looked(body, np.reshape(last, (1, -1)))
            self.plasma[...], self.concentration[...] = plasma[0], acting[0]
            return True
        if not self._ahead or any_nonzero(self._ahead[0][0] != last):
            if self._rests(last):
                return self._show_nothing()
            self._follow(last)
        _, self.plasma[...], self.concentration[...] = self._ahead.popleft()
        return True

    def _rests(self, time: Value) -> bool:
        """Whether nothing is to be seen up to a moment."""
        return bool(np.all(np.asarray(time) < self._rests_until)) or self.body.quiet()

    def coming(self, time: Value) -> Array:
        """Return the moments of the present phase that the clock goes to from `time` on, ``(moments, 1 or runs)``."""
        at = np.flatnonzero(np.all(self._moments == time, axis=1))
        return self._moments[at[0] :] if len(at) else np.reshape(time, (1, -1))

    def _follow(self, time: Value) -> None:
        """Go on to `time`, and find in one go what is there at all moments up to the next dose event."""
        body, runs = self.body, self._block.runs
        body.events_to(time, inclusive=True)
        # Many moments in one go up to the next dose: the price of a call is paid once, and the numbers still fit the
        # cache.
        event, times = body.next_event(), self.coming(time)[: max(1, AT_ONCE // runs)]
        times = times[: max(1, count_before(times, event))]
        plasma, acting, seen = self._looked(body, times)
        self._ahead = deque(zip(times, plasma, acting, strict=True))
        self.state[...] = np.stack([np.broadcast_to(body.amounts[row], runs) for row in body.transfers.rows])
        if not np.any(seen[0]) and not body.flowing():
            self._rests_until = float(np.min(event))

    def _looked(self, body: DrugState, times: Array) -> tuple[Array, Array, Any]:
        """Return what is in plasma, what acts, and where anything is seen, at moments up to the next dose event."""
        runs = self._block.runs
        left = Remaining.after(body, runs)
        left = left.where(left.flowing() | (np.asarray(left.most(body.amounts)) >= 0.5 * NEGLIGIBLE))
        if not len(left.runs):
            nothing = np.zeros((len(times), runs))
            return nothing, nothing, np.zeros((len(times), 1), dtype=bool)
        now = left.rows(round_hours(np.maximum(times - left.body.at, 0.0)))
        seen = np.asarray(left.most(now) >= NEGLIGIBLE)
        sites = left.body.plasma(now), now.get("effect", 0.0)
        plasma, effect = (left.spread(np.where(seen, site, 0.0), len(times), runs) for site in sites)
        return plasma, self._acting(plasma, effect), seen

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
                # A record at the end of the phase never acts, so its event must not be waited for.
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
        # Copies: the state at the start of the phase is kept for readouts, and later steps write in place.
        body.amounts = {row: np.array(amount) for row, amount in body.amounts.items()}
        self._phase, self._at_start, self._rests_until = phase, body.copied(), -np.inf
        self._seen, self._trains = {}, {}
        self._ahead.clear()
        self._moments = np.asarray(round_hours(begin + self._block.ahead.get(phase, np.empty((0, 1)))))

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
        # Subnormal numbers are many times slower on most processors, and mean nothing here.
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
            # Titration only raises amounts: where the first and the last are equal, all between are.
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
        # By the bytes: the same lengths recur interval after interval, and an array has no hash.
        key = doses.entry, *(n if isinstance(n, float) else np.asarray(n).tobytes() for n in numbers)
        if key not in self._trains:
            self._trains[key] = train(self.body.transfers, doses.entry, numbers[0], numbers[2], numbers[1])
        return self._trains[key]

    def _show(self, amounts: Amounts, plasma: Value, effect: Value) -> None:
        for i, row in enumerate(self.body.transfers.rows):
            self.state[i] = amounts[row]
        self.plasma[...] = plasma
        self.concentration[...] = self._acting(plasma, effect)

    def _show_nothing(self) -> bool:
        changed = bool(self.concentration.any())
        self._show(dict.fromkeys(self.body.transfers.rows, 0.0), 0.0, 0.0)
        return changed

    def _acting(self, plasma: Value, effect: Value) -> Any:
        """Return what acts of what is in plasma and at the effect site."""
        delayed = np.asarray(self.drug.equilibration) > 0.0
        return (np.where(delayed, effect, plasma) if self._usual.delayed else plasma) * self.drug.effect

    def acting_at(self, left: Remaining, times: Array) -> Array:
        """Return what acts at moments up to the next dose event; windows that one drug opens ask for the same ones."""
        for runs, known, acting in self._lately:
            if np.array_equal(known, times) and np.array_equal(runs, left.runs):
                return acting
        self._lately.append((left.runs, times, found := left.acting(times)))
        return found
