"""A drug whose numbers are moved by links while the model runs: by another drug, a receptor, a metabolite.

What moves it is known at every moment, because it does not depend on the drug itself. Between two dose events, its own
and those of the drugs behind the links, the rates are smooth, and steps of a Magnus expansion follow the amounts. Each
run chooses its steps by its own error, so that its bits depend neither on its neighbours nor on what is read. A run
whose numbers have not moved yet keeps to the exact way, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.field_path import field_path
from workbench.component.moments import TOGETHER, as_float, round_hours
from workbench.errors import AssemblyError
from workbench.pharmacology.drug_state import DrugState
from workbench.pharmacology.exposure import NEGLIGIBLE, Exposure
from workbench.pharmacology.linear import added
from workbench.pharmacology.magnus import NODES, applied, expansion, exponential

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.pharmacology.linear import Amounts, LinearKinetics

    Mask = NDArray[np.bool_]

TOLERANCE = 1e-9
"""Error of a step that is accepted, by the estimate for order 4; the step itself is of order 6."""
FIRST, LONGEST = 0.05, 24.0
"""Hours of the first step that is tried, and of the longest."""
SLOWER, FASTER, CAUTION = 0.2, 4.0, 0.85
"""How much shorter or longer than the last one a step may be, and what the estimate is trusted with."""
TRIES = 60
AREAS = ("area", "effect_area", "acting_area")
"""Rows that gather: under the concentration in plasma, at the effect site, and under that which acts."""
SEEN = 1e-3
"""A row below this share of all that is there counts as so much in the error."""


def movers(block: Assembly, component: Any) -> frozenset[str]:
    """Return the signals that move any number of a drug, or of what belongs to it."""
    found: frozenset[str] = frozenset()
    for value in _numbers(component).values():
        found |= block.leaves(value)
    for other in _parts(component).values():
        for part in other.values() if isinstance(other, Mapping) else (other,):
            found |= movers(block, part)
    return found


def at_levels(
    block: Assembly, component: Any, levels: Mapping[str, Value], strayed: dict[str, Any] | None = None
) -> Any:
    """Return a drug with the numbers that it has where the signals that move it have `levels`.

    What leaves its declared range is added to `strayed`.
    """
    numbers: dict[str, Any] = {name: block.evaluated(value, levels) for name, value in _numbers(component).items()}
    for name, value in numbers.items() if strayed is not None else ():
        if value is not getattr(component, name):
            declared = type(component).parameters()[name]
            # Links are checked where they act: the product of several moving numbers cannot be bounded beforehand.
            wrong: Any = np.asarray((value < declared.low) | (value > declared.high))
            if strayed is not None and np.any(wrong):
                wrong = wrong.any(axis=0) if wrong.ndim > 1 else wrong
                strayed[name] = wrong | strayed.get(name, False)
    for name, other in _parts(component).items():
        if isinstance(other, Mapping):
            numbers[name] = {key: at_levels(block, part, levels, strayed) for key, part in other.items()}
        else:
            numbers[name] = at_levels(block, other, levels, strayed)
    return replace(component, **numbers)


def _numbers(component: Any) -> dict[str, Any]:
    declared = type(component).parameters()
    found = {name: getattr(component, name) for name, p in declared.items() if not p.structural}
    return {name: value for name, value in found.items() if value is not None}


def _parts(component: Any) -> dict[str, Any]:
    return {f.name: getattr(component, f.name) for f in fields(component) if f.name in type(component).companions()}


class Motion:
    """One drug's rates at any moment, as a matrix over its rows.

    Attributes
    ----------
    rows : tuple of str
        The compartments, the effect site, the areas under both, and a constant 1 that inputs come from.
    still : LinearKinetics
        The drug as it is where nothing moves it.
    """

    def __init__(self, block: Assembly, name: str, drug: LinearKinetics, sources: Mapping[str, Any]) -> None:
        self.block, self.name, self.drug, self.sources = block, name, drug, sources
        self.still: LinearKinetics = at_levels(block, drug, {name: source.rest for name, source in sources.items()})
        self.rows = (*self.still.compartments, "effect", *AREAS, "one")
        self.place = {row: i for i, row in enumerate(self.rows)}
        self.strayed: dict[str, Any] = self.block.strayed.setdefault(f"drug.{name}", {})
        self.share_moves = bool(block.leaves(getattr(drug, "bioavailability", 1.0)))
        self._draws: dict[Any, Any] = {}
        self._usual: dict[str, LinearKinetics] = {}
        self._unmoved: dict[str, tuple[Array, Value]] = {}

    def _draw(self, stream: str, *shape: int) -> Array:
        if (stream, shape) not in self._draws:
            self._draws[stream, shape] = self.block.draw_once(stream, *shape)
        found: Array = self._draws[stream, shape]
        return found

    def at(self, levels: Mapping[str, Value] | None, phase: str) -> LinearKinetics:
        """Return the drug under `levels`, as it is in a phase; None is where nothing moves it."""
        if levels is not None:
            drug: LinearKinetics = at_levels(self.block, self.drug, levels, self.strayed)
            return drug.on_occasion(self.name, phase, self._draw)[0]
        if phase not in self._usual:
            self._usual = {phase: self.still.on_occasion(self.name, phase, self._draw)[0]}
        return self._usual[phase]

    def reaching(self, levels: Mapping[str, Value] | None, phase: str) -> Value:
        """Return the share of a dose that reaches the body, as it is in a phase."""
        drug: LinearKinetics = self.still if levels is None else at_levels(self.block, self.drug, levels)
        found: Value = getattr(drug, "bioavailability", 1.0) * drug.on_occasion(self.name, phase, self._draw)[1]
        return found

    def factors(self, drug: LinearKinetics) -> dict[str, Value]:
        """Return what is read of a drug apart from its rates."""
        lasting = np.asarray(drug.equilibration) > 0.0
        return {
            "scale": drug.scale(),
            "effect": drug.effect,
            "delayed": lasting.astype(np.float64),
            "follow": np.log(2.0) / np.where(lasting, drug.equilibration, 1.0),
            "share": getattr(drug, "bioavailability", 1.0),
        }

    def generator(self, drug: LinearKinetics, factors: Mapping[str, Value], *shape: int) -> Array:
        """Return the matrices ``(*shape, runs, rows, rows)`` of a drug without inputs."""
        size, place = len(self.rows), self.place
        found = np.zeros((*shape, self.block.runs, size, size))
        for (to, source), rate in drug.exchange().items():
            found[..., place[to], place[source]] = rate
        found[..., place["effect"], place["central"]] = factors["follow"] * factors["scale"]
        found[..., place["effect"], place["effect"]] = -np.asarray(factors["follow"])
        found[..., place["area"], place["central"]] = factors["scale"]
        found[..., place["effect_area"], place["effect"]] = 1.0
        found[..., place["acting_area"], place["central"]] = (
            factors["scale"] * factors["effect"] * (1.0 - factors["delayed"])
        )
        found[..., place["acting_area"], place["effect"]] = factors["effect"] * factors["delayed"]
        return found

    def differs(self, generators: Array, factors: Mapping[str, Value], phase: str) -> Any:
        """Return in which runs any number is not what it is where nothing moves it."""
        if phase not in self._unmoved:
            usual = self.at(None, phase)
            self._unmoved = {phase: (self.generator(usual, self.factors(usual)), self.factors(usual)["share"])}
        matrix, share = self._unmoved[phase]
        other = np.asarray(np.asarray(factors["share"]) != share)
        return np.any(generators != matrix, axis=(0, 2, 3)) | (other.any(axis=0) if other.ndim > 1 else other)


@dataclass
class Trail:
    """The step that each run is in: from `start` with `rows` to `stop` with `then`; `next` is the length to try."""

    start: Array
    rows: Array
    stop: Array
    then: Array
    next: Array
    moved: Mask
    behind: dict[str, DrugState]

    def copied(self) -> Trail:
        """Return a trail that may go its own way."""
        return replace(self, behind={name: body.copied() for name, body in self.behind.items()})


@dataclass
class MovingBody(DrugState):
    """Where a drug stands whose numbers move.

    Attributes
    ----------
    twin : DrugState
        The same drug and doses, exact, where nothing moves it: what a run is read from until it has moved.
    """

    divides: ClassVar[bool] = False

    motion: Motion = field(kw_only=True)
    twin: DrugState = field(kw_only=True)
    phase: str = field(default="", kw_only=True)
    trail: Trail | None = field(default=None, kw_only=True)

    def copied(self) -> MovingBody:
        """Return a body that may go its own way."""
        other = super().copied()
        other.twin = self.twin.copied()  # type: ignore[attr-defined]
        other.trail = None if self.trail is None else self.trail.copied()  # type: ignore[attr-defined]
        return other  # type: ignore[return-value]

    def passing(self) -> MovingBody:
        """Return itself: its steps keep nothing."""
        return self

    @property
    def moved(self) -> Mask:
        """In which runs any number has moved by now."""
        return np.zeros(self.motion.block.runs, dtype=bool) if self.trail is None else self.trail.moved

    def enter(self, phase: str, behind: Mapping[str, DrugState]) -> None:
        """Stand at the beginning of a phase, after its first doses; `behind` is where the drugs stand that move it."""
        runs, rows = self.motion.block.runs, self._vector()
        begin = np.broadcast_to(np.asarray(self.at, dtype=np.float64), (runs,)).copy()
        lately = np.full(runs, FIRST)
        passing = {name: body.passing() for name, body in behind.items()}
        self.phase = phase
        self.trail = Trail(begin, rows, begin, rows, lately, self.moved, passing)

    def quiet(self) -> bool:
        """Whether nothing is in the body and nothing comes."""
        return self.twin.quiet() and super().quiet()

    def later(self, hours: Value, inputs: Any, *, seen: bool = False) -> Amounts:
        """Return the rows `hours` from `at`; several moments of a run come in order of time."""
        exact = self.twin.later(hours, inputs, seen=seen)
        exact["plasma"], exact["acting"] = self.twin.plasma(exact), self.twin.acting(exact)
        if self.trail is None:
            return exact
        found = self._looked_in_order(np.asarray(self.at + hours))
        moved = found.pop("moved") > 0.0
        return {row: np.where(moved, value, exact.get(row, 0.0)) for row, value in found.items()}

    def _looked_in_order(self, times: Array) -> dict[str, Array]:
        """Return what `looked` does, of places within each of several steps too: ``(places, steps, 1 or runs)``."""
        if times.ndim < 3:
            return self.looked(times)
        runs, (places, steps) = self.motion.block.runs, times.shape[:2]
        spread = np.broadcast_to(times, (places, steps, runs))
        found = self.looked(np.swapaxes(spread, 0, 1).reshape(-1, runs))
        return {row: np.swapaxes(value.reshape(steps, places, runs), 0, 1) for row, value in found.items()}

    def plasma(self, amounts: Amounts) -> Value:
        """Return the concentration in plasma."""
        return amounts["plasma"]

    def acting(self, amounts: Amounts) -> Value:
        """Return the concentration that acts."""
        return amounts["acting"]

    def area(self, hours: Value, inputs: Any, row: str) -> Value:
        """Return the area under the concentration of the next `hours`."""
        exact = self.twin.area(hours, inputs, row) if row == "area" or self.transfers.delayed else 0.0
        found = self.looked(np.asarray(self.at + hours))
        return np.where(found["moved"] > 0.0, found[row], exact)

    def proceed(self, time: Value) -> None:
        """Go on to the step that holds `time`; what is read does not depend on it."""
        if self.trail is not None:
            self._reach(self.trail, np.broadcast_to(np.asarray(time), self.trail.start.shape))

    def move(self, time: Value) -> None:
        """Go on to `time`, up to which there is no event."""
        trail, place = self.trail, self.motion.place
        if trail is not None:
            goes = np.broadcast_to(np.asarray(time > self.at), trail.start.shape)
            to = np.where(goes, np.maximum(time, trail.start), trail.start)
            self._reach(trail, to)
            rows = self._within(trail, to)
            rows[:, [place[area] for area in AREAS]] = 0.0
            trail.rows = np.where(goes[:, None], rows, trail.rows)
            trail.then = np.where(goes[:, None], rows, trail.then)
            trail.start, trail.stop = np.where(goes, to, trail.start), np.where(goes, to, trail.stop)
            for row, amount in self.amounts.items():
                self.amounts[row] = np.where(goes, trail.rows[:, place[row]], amount)
        self.at = time
        self.twin.move(time)

    def take(self) -> None:
        """Take in what begins now."""
        self.take_in()
        self.twin.take()

    def take_in(self) -> None:
        """Take in what begins now, the twin apart; the share of it that reaches the body is that of this moment."""
        before, trail = dict(self.amounts), self.trail
        if trail is None or not self.motion.share_moves:
            super().take()
        else:
            # Taking in is linear in the amounts: from 0 and from 1 it shows what comes and what stays, so a moved
            # bioavailability can scale the first alone.
            given, kept = (self._with(dict.fromkeys(before, level)) for level in (0.0, 1.0))
            given.take()
            kept.take()
            share = self._share(np.broadcast_to(np.asarray(self.at), trail.start.shape))
            super().take()
            for row, amount in before.items():
                stays = np.rint(kept.amounts[row] - given.amounts[row])
                comes = given.amounts[row] * (share if row == self.transfers.drug.entry else 1.0)
                self.amounts[row] = amount * stays + comes
        if trail is None:
            return
        changed = np.zeros(trail.start.shape, dtype=bool)
        for row, amount in self.amounts.items():
            changed = changed | np.asarray(amount != before[row])
        changed = changed & (trail.start == self.at)
        rows = self._vector()
        trail.rows = np.where(changed[:, None], rows, trail.rows)
        trail.then = np.where(changed[:, None], rows, trail.then)
        trail.stop = np.where(trail.start == self.at, trail.start, trail.stop)
        # A dose makes the fastest process matter again, so the length that was right before it is no guide.
        trail.next = np.where(changed, FIRST, trail.next)

    def _with(self, amounts: Amounts) -> DrugState:
        """Return the doses as they stand on other amounts."""
        own = {f.name: getattr(self, f.name) for f in fields(DrugState)}
        lists = {name: [*value] for name, value in own.items() if isinstance(value, list)}
        return DrugState(**{**own, **lists, "amounts": amounts})

    def _vector(self) -> Array:
        rows = np.zeros((self.motion.block.runs, len(self.motion.rows)))
        for row, amount in self.amounts.items():
            rows[:, self.motion.place[row]] = amount
        rows[:, self.motion.place["one"]] = 1.0
        return rows

    def looked(self, times: Array) -> dict[str, Array]:
        """Return the rows at moments, by the steps alone, with what is read of them, and where a number has moved."""
        if self.trail is None:
            raise ValueError("no phase has begun")
        trail, motion, runs = self.trail.copied(), self.motion, self.motion.block.runs
        found: dict[str, list[Any]] = {row: [] for row in (*motion.rows[:-1], "plasma", "acting", "moved")}
        several = times if times.ndim > 1 else times[None]
        for time in np.broadcast_to(several, (len(several), runs)):
            late = np.maximum(time, trail.start)
            self._reach(trail, late)
            rows = self._within(trail, late)
            factors = motion.factors(motion.at(self._levels(trail, late), self.phase))
            for row in motion.rows[:-1]:
                found[row].append(rows[:, motion.place[row]])
            plasma = factors["scale"] * rows[:, motion.place["central"]]
            site = np.where(np.asarray(factors["delayed"]) > 0.0, rows[:, motion.place["effect"]], plasma)
            found["plasma"].append(plasma)
            found["acting"].append(site * factors["effect"])
            found["moved"].append(trail.moved.astype(np.float64))
        stacked = {row: np.stack([np.broadcast_to(v, (runs,)) for v in values]) for row, values in found.items()}
        return stacked if times.ndim > 1 else {row: values[0] for row, values in stacked.items()}

    # -- on the way ---------------------------------------------------------------------------------------------

    def _share(self, time: Array) -> Value:
        """Return what reaches the body now, over what would where nothing moves it."""
        if self.trail is None:
            return 1.0
        now = self.motion.reaching(self._levels(self.trail, time), self.phase)
        usual = np.asarray(self.motion.reaching(None, self.phase))
        return np.where(usual > 0.0, now / np.where(usual > 0.0, usual, 1.0), 1.0)

    def _levels(self, trail: Trail, times: Array) -> dict[str, Value]:
        """Return the signals that move the drug, at moments up to the next event behind."""
        return {name: body.level_at(times) for name, body in trail.behind.items()}

    def _within(self, trail: Trail, time: Array) -> Array:
        """Return the rows at `time`, which lies in the step that each run is in."""
        length = np.maximum(np.minimum(time, trail.stop) - trail.start, 0.0)
        if not np.any(length > 0.0):
            return trail.rows.copy()
        rows, _, _ = self._step(trail, length)
        return np.where((length > 0.0)[:, None], rows, trail.rows)

    def _reach(self, trail: Trail, time: Array) -> None:
        """Go on until the step that each run is in holds `time`."""
        event = self.next_event()
        while np.any(short := (trail.stop < time)):
            trail.rows = np.where(short[:, None], trail.then, trail.rows)
            trail.start = np.where(short, trail.stop, trail.start)
            ends = np.broadcast_to(np.asarray(event, dtype=np.float64), time.shape)
            for body in trail.behind.values():
                here = as_float(np.where(short, trail.start, body.at))
                body.events_to(here, inclusive=True)
                body.proceed(here)
                ends = np.minimum(ends, body.next_event())
            self._stride(trail, short, np.maximum(ends, trail.start + TOGETHER))

    def _stride(self, trail: Trail, asked: Mask, ends: Array) -> None:
        """Find, for the runs that are `asked`, a step whose error is small enough."""
        left, trying = asked.copy(), np.minimum(trail.next, LONGEST)
        for _ in range(TRIES):
            length = np.where(left, np.minimum(trying, ends - trail.start), 0.0)
            rows, error, moved = self._step(trail, length)
            good = left & (error <= 1.0)
            # The estimate is of order 4, so its error grows with the fifth power of the step; clipped, so that one
            # lucky step does not send the next one far too long.
            factor = np.clip(CAUTION * np.maximum(error, 1e-10) ** -0.2, SLOWER, FASTER)
            trail.then = np.where(good[:, None], rows, trail.then)
            trail.stop = np.where(good, trail.start + length, trail.stop)
            trail.next = np.where(good, np.minimum(np.maximum(length, trying) * factor, LONGEST), trail.next)
            trail.moved = trail.moved | (good & moved)
            trying = np.where(left & ~good, length * np.minimum(factor, CAUTION), trying)
            left = left & ~good
            if not np.any(left):
                return
        trail.then = np.where(left[:, None], np.nan, trail.then)
        trail.stop = np.where(left, ends, trail.stop)

    def _step(self, trail: Trail, length: Array) -> tuple[Array, Array, Mask]:
        """Return the rows after `length`, the error over `TOLERANCE`, and where a number has moved."""
        motion = self.motion
        times = trail.start + NODES[:, None] * length
        moving = motion.at(self._levels(trail, times), self.phase)
        factors = motion.factors(moving)
        generators = motion.generator(moving, factors, len(NODES))
        moved = trail.moved if np.all(trail.moved) else motion.differs(generators, factors, self.phase)
        for entry, rate in self.inputs().items():
            generators[..., motion.place[entry], motion.place["one"]] = rate
        exponent, beyond = expansion(generators, length)
        rows = applied(exponential(exponent), trail.rows)
        error = np.abs(applied(beyond, 0.5 * (trail.rows + rows)))
        return rows, np.max(error / self._weights(rows, factors, length), axis=-1) / TOLERANCE, moved

    def _weights(self, rows: Array, factors: Mapping[str, Value], length: Array) -> Array:
        """Return what each row's error is measured by: what is in it, and a little of all that is there."""
        place, drug = self.motion.place, self.motion.still
        total = added([(row, np.abs(rows[:, place[row]])) for row in drug.compartments])
        scale = np.broadcast_to(factors["scale"], (len(NODES), len(rows)))[1]
        most = np.repeat(np.asarray(total)[:, None], len(self.motion.rows), axis=1)
        most[:, place["effect"]] = scale * total
        for area in AREAS:
            most[:, place[area]] = scale * total * length
        most[:, place["one"]] = 1.0
        found: Array = np.abs(rows) + SEEN * most + 1e-250
        return found


class MovingExposure(Exposure):
    """The running concentration of a drug whose numbers links move; where nothing has moved yet it is the exact one."""

    moves: ClassVar[bool] = True

    def __init__(self, block: Assembly, name: str, drug: LinearKinetics) -> None:
        sources = {signal: _source(block, name, signal) for signal in sorted(movers(block, drug))}
        self.motion = Motion(block, name, drug, sources)
        super().__init__(block, name, self.motion.still, declared=drug)
        for dose, regimen in self._doses:
            if regimen.steady_state:
                reason = f"drug.{name} has no steady state: links move its numbers while the model runs"
                raise AssemblyError(f"dose.{dose}", reason)
            if self.motion.share_moves and np.any(np.asarray(regimen.duration) > 0.0):
                reason = (
                    f"links move the bioavailability of drug.{name}, which acts on doses at once; this one flows in"
                )
                raise AssemblyError(f"dose.{dose}", reason)
        amounts = {**self.body.amounts, "effect": np.zeros(block.runs)}
        self.own = MovingBody(self._usual, amounts, 0.0, motion=self.motion, twin=self.body.copied())
        self._own_at_start = self.own

    def advance(self, phase: str, start: Any, stop: Any, *, average: bool, look: bool = False) -> bool:
        """Advance from `start` to `stop` (hours in `phase`); return whether the concentration may have changed."""
        changed = super().advance(phase, start, stop, average=average, look=look)
        if not self._given:
            return changed
        begin = self.phases[phase][0]
        if average:
            shown, moved = self._mean(round_hours(begin + start), round_hours(begin + stop)), self.own.moved
        else:
            time, own = round_hours(begin + stop), self.own.copied() if look else self.own
            own.events_to(time, inclusive=True)
            own.proceed(time)
            found = own.looked(np.asarray(time))
            shown, moved = (found["plasma"], found["acting"]), own.moved
        for array, value in zip((self.plasma, self.concentration), shown, strict=True):
            array[...] = np.where(moved, np.where(np.asarray(value) >= NEGLIGIBLE, value, 0.0), array)
        return changed or bool(np.any(moved))

    def _mean(self, first: Value, last: Value) -> tuple[Value, Value]:
        """Return the means in plasma and of what acts over a stretch, and stay at its end."""
        own, plasma, acting, due = self.own, np.zeros(()), np.zeros(()), np.asarray(True)
        while np.any(due):
            due = np.asarray((when := own.next_event()) <= last - TOGETHER)
            until = as_float(np.where(due, when, own.at)) if np.any(due) else last
            found = own.looked(np.asarray(np.maximum(until, own.at)))
            plasma, acting = plasma + found["area"], acting + found["acting_area"]
            own.move(until)
            if np.any(due):
                own.take()
        return plasma / (last - first), acting / (last - first)

    def _enter(self, phase: str) -> None:
        begin, own = self.phases[phase][0], self.own
        own.events_to(begin, inclusive=True)
        own.move(begin)
        super()._enter(phase)
        own.twin, own.transfers = self._at_start.copied(), self.body.transfers
        added = self.body.doses[len(own.doses) :]
        for doses in added:
            own.add(doses)
        own.enter(phase, {signal: source.since(phase) for signal, source in self.motion.sources.items()})
        own.take_in()
        self._own_at_start = own.copied()

    def since(self, phase: str) -> MovingBody:
        """Return the body as it was at the start of the present phase."""
        super().since(phase)
        return self._own_at_start.copied()


def behind(block: Assembly, signal: str) -> Any:
    """Return what makes a signal that moves by itself, None where that cannot be followed from moment to moment."""
    return next((e for e in block.exposures if getattr(e, "signal", "") == signal), None)


def _source(block: Assembly, drug: str, signal: str) -> Any:
    """Return the drug, or the response to one, behind a link onto a drug."""
    if (found := behind(block, signal)) is not None:
        return found
    links = [n for n, link in block.all("link") if signal in block.leaves(block.driven(link.signal))]
    mine = [n for n in links if field_path(block.component("link", n).onto).name == drug]
    reason = f"{signal} is a window, and the numbers of a drug follow drugs, occupancies, receptors and responses only"
    raise AssemblyError(f"link.{mine[0] if mine else links[0]}.signal", reason)
