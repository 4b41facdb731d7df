"""What is read off the curve of a driven signal over a stretch of time: lowest, highest, when, and the area."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.declaration import count, path, reference, signal
from workbench.component.field_path import field_path
from workbench.component.registry import SECTIONS, registry
from workbench.errors import AssemblyError
from workbench.pharmacology.follower import FollowedBody, Follower, Law
from workbench.pharmacology.motion import behind
from workbench.readouts.concentrations import OfStretch
from workbench.readouts.reading import Reading, Readout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables

    Mask = NDArray[np.bool_]


SHARES = np.linspace(0.0, 1.0, 9)[:, None]
"""Where a step is looked at, as shares of its length."""
NARROWED = 3
"""How often what lies beside the best look is looked at anew, each time a quarter as wide."""
NEWTON = 8
POWERS = np.linalg.inv(np.vander(np.linspace(-1.0, 1.0, len(SHARES)), increasing=True)).tolist()
"""What makes the coefficients of a polynomial of its values at the looks."""
LAST_PLACE = 1e-15
EQUAL = 1e-12
"""Relative difference within which two extremes are one: the first counts."""


@dataclass
class Curve:
    """What was found of one signal over a stretch; times in hours from its beginning, the area beyond rest."""

    lowest: Array
    lowest_at: Array
    highest: Array
    highest_at: Array
    area: Array


@dataclass
class _Best:
    """The highest (or with `sign` -1 the lowest) level found so far, when, and the looks before and after it."""

    sign: float
    value: Array
    at: Array
    low: Array
    high: Array

    def see(self, times: Array, values: Array, asked: Mask) -> None:
        """Look at the next step of the runs that are `asked`: ``(looks, runs)``."""
        signed = self.sign * values
        goes_on = asked & (times[0] == self.high) & (self.at == self.high) & (signed[0] == self.sign * self.value)
        self.high = np.where(goes_on, times[1], self.high)
        best = np.argmax(signed, axis=0)
        found, at = _pick(values, best), _pick(times, best)
        # A rounding error must not move the time of the extreme: only what is better by more than it counts.
        better = asked & (self.sign * (found - self.value) > EQUAL * np.where(np.isinf(self.value), 0.0, np.abs(found)))
        self.value, self.at = np.where(better, found, self.value), np.where(better, at, self.at)
        self.low = np.where(better, _pick(times, np.maximum(best - 1, 0)), self.low)
        self.high = np.where(better, _pick(times, np.minimum(best + 1, len(times) - 1)), self.high)


@dataclass(frozen=True, kw_only=True)
class OfLevel(OfStretch):
    """Base: one number off the curve of a driven signal that drugs move."""

    signal: str = signal("the driven signal: response.NAME, occupancy.NAME, gate.NAME")

    def reading(self, block: Assembly) -> Reading:
        """Look at the whole stretch when its end has come."""
        level = block.driven(self.signal)
        sources = {name: behind(block, name) for name in sorted(block.leaves(level))}
        for name in (name for name, source in sources.items() if source is None):
            raise AssemblyError("", f"{self.name} cannot be read: {name} moves {self.signal}, but has no curve in time")
        name, since, until = self.stretch(block)
        if not sources:  # nothing moves it: one level all the time
            still = np.array(np.broadcast_to(np.asarray(level), (block.runs,)))
            flat = Curve(still, np.zeros(block.runs), still, np.zeros(block.runs), np.zeros(block.runs))
            return Reading((), lambda sums, trials: self.value(flat).copy())

        def read(sums: Any, trials: int) -> Array:
            first = next(iter(sources.values()))
            # Several outcomes of one stretch share the search, which is the expensive part.
            way, key = _Way(block, self.signal, level, sources), (self.signal, since, until)
            return self.value(first.remembered(key, lambda: curve(way, name, since, until)))

        return Reading((), read)

    def value(self, found: Curve) -> Array:
        """Return the outcome."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class LowestLevel(OfLevel):
    """Lowest level of a driven signal, between recorded moments too."""

    name: ClassVar[str] = "lowest_level"
    meaning: ClassVar[str] = "lowest level of a response, receptor or gate"
    equation: ClassVar[str] = "min s(t)"

    def value(self, found: Curve) -> Array:
        """Return the lowest level."""
        return found.lowest


@dataclass(frozen=True, kw_only=True)
class TimeOfLowestLevel(OfLevel):
    """Time of the lowest level, from the beginning of the stretch; the first of equal ones."""

    name: ClassVar[str] = "time_of_lowest_level"
    unit: ClassVar[str] = "h"
    meaning: ClassVar[str] = "time of the lowest level of a response, receptor or gate"
    equation: ClassVar[str] = "argmin s(t)"

    def value(self, found: Curve) -> Array:
        """Return the time."""
        return found.lowest_at


@dataclass(frozen=True, kw_only=True)
class HighestLevel(OfLevel):
    """Highest level of a driven signal, between recorded moments too."""

    name: ClassVar[str] = "highest_level"
    meaning: ClassVar[str] = "highest level of a response, receptor or gate"
    equation: ClassVar[str] = "max s(t)"

    def value(self, found: Curve) -> Array:
        """Return the highest level."""
        return found.highest


@dataclass(frozen=True, kw_only=True)
class TimeOfHighestLevel(OfLevel):
    """Time of the highest level, from the beginning of the stretch; the first of equal ones."""

    name: ClassVar[str] = "time_of_highest_level"
    unit: ClassVar[str] = "h"
    meaning: ClassVar[str] = "time of the highest level of a response, receptor or gate"
    equation: ClassVar[str] = "argmax s(t)"

    def value(self, found: Curve) -> Array:
        """Return the time."""
        return found.highest_at


@dataclass(frozen=True, kw_only=True)
class AreaOfChange(OfLevel):
    """Area between a driven signal and where it stands without any drug; below 0 where it is lower."""

    name: ClassVar[str] = "area_of_change"
    unit: ClassVar[str] = "h"
    meaning: ClassVar[str] = "area between a level and what it is without any drug"
    equation: ClassVar[str] = "integral of (s(t) - s without drug) dt"
    sources: ClassVar[tuple[str, ...]] = ("Sharma1998",)

    def value(self, found: Curve) -> Array:
        """Return the area."""
        return found.area


@dataclass
class _Way:
    """The way along which one signal is looked at.

    A quantity that follows others by itself has steps of its own; for any other signal there is a body that gathers the
    area, so that its steps are those in which the signal is smooth.
    """

    block: Assembly
    signal: str
    level: Value
    sources: Mapping[str, Any]

    @property
    def itself(self) -> bool:
        """Whether the signal is one of those that are followed."""
        return self.signal in self.sources and isinstance(self.sources[self.signal], Follower)

    def begin(self, phase: str, at: Array) -> FollowedBody:
        """Return a body that stands in the step of the present phase that holds a moment."""
        if self.itself:
            body: FollowedBody = self.sources[self.signal].since(phase)
        else:
            rests = {name: source.rest for name, source in self.sources.items()}
            law = Law(lambda levels: (self.block.evaluated(self.level, levels), 0.0), rests, self.block.runs)
            starts = next(iter(self.sources.values())).phases[phase][0]
            behind = {name: source.since(phase) for name, source in self.sources.items()}
            body = FollowedBody.entering(law, starts, np.zeros(self.block.runs), behind)
        body.proceed(at)
        return body

    def levels(self, body: FollowedBody, times: Array) -> Array:
        """Return the signal at moments of the step in which `body` stands."""
        if self.itself:
            return np.asarray(body.level_at(times))
        found = self.block.evaluated(self.level, body.levels(times))
        return np.broadcast_to(found, times.shape)

    def area(self, body: FollowedBody, time: Array) -> Array:
        """Return the area beyond rest, from the beginning of the phase to a moment of the step."""
        found: Array = body.looked(time)[1 if self.itself else 0]
        return found


def curve(way: _Way, phase: str, since: float, until: float) -> Curve:
    """Return what there is to say of a driven signal in the present phase, from `since` to `until` (hours).

    Each step is looked at closely, and the best place is then narrowed down.
    """
    runs, begin = way.block.runs, next(iter(way.sources.values())).phases[phase][0]
    first, last = np.full(runs, begin + since), np.full(runs, begin + until)
    body = way.begin(phase, first)
    area = at_first = way.area(body, first)
    least, most = (_Best(sign, np.full(runs, -sign * np.inf), first, first, first) for sign in (-1.0, 1.0))
    asked: Mask = np.ones(runs, dtype=bool)
    while np.any(asked):
        # Only the part of the step inside the stretch; a step before or after it has width 0.
        low, high = np.maximum(body.start, first), np.minimum(body.stop, last)
        times = low + SHARES * np.maximum(high - low, 0.0)
        values = way.levels(body, times)
        for best in (least, most):
            best.see(times, values, asked)
        area = np.where(asked, way.area(body, high), area)
        asked = asked & (body.stop < last)
        # Runs that are done stay where they are, so that a slower neighbour does not change their bits.
        body.proceed(np.where(asked, body.stop, body.start))
    (lowest, lowest_at), (highest, highest_at) = (_narrowed(way, way.begin(phase, b.low), b) for b in (least, most))
    return Curve(lowest, lowest_at - first, highest, highest_at - first, area - at_first)


def _narrowed(way: _Way, body: FollowedBody, best: _Best) -> tuple[Array, Array]:
    """Return the extreme between the looks beside the best one, and when it comes.

    A look at the top of a flat curve tells the time to half of the digits only. In the end it is found where the slope
    of the polynomial through all looks is 0, if the curve is as high there.
    """
    low, high, value, at = best.low, best.high, best.value, best.at
    for again in range(NARROWED + 1):
        times = low + SHARES * (high - low)
        values = _looked(way, body, times)
        place = np.argmax(best.sign * values, axis=0)
        found = _pick(values, place)
        better = best.sign * found > best.sign * value
        value, at = np.where(better, found, value), np.where(better, _pick(times, place), at)
        if again < NARROWED:
            low, high = _pick(times, np.maximum(place - 1, 0)), _pick(times, np.minimum(place + 1, len(times) - 1))
    middle, wide = 0.5 * (low + high), 0.5 * (high - low)
    # The middle value is subtracted first: on a flat top the digits that differ would be lost in the sums.
    top = middle + wide * _flat(values - values[len(values) // 2], (at - middle) / np.where(wide > 0.0, wide, 1.0))
    there = _looked(way, body, np.stack([np.minimum(top, at), np.maximum(top, at)]))
    there = np.where(top > at, there[1], there[0])
    # The zero of the slope may lie in a kink, where the polynomial is wrong: it counts only if the curve agrees.
    as_high = best.sign * (there - value) >= -LAST_PLACE * np.abs(value)
    return np.where(best.sign * there > best.sign * value, there, value), np.where(as_high, top, at)


def _flat(values: Array, near: Array) -> Array:
    """Return where the polynomial through equally spaced values, from -1 to 1, has slope 0; sought from `near` on."""
    powers: list[Any] = [sum(part * value for part, value in zip(row, values, strict=True)) for row in POWERS]
    found = near
    for _ in range(NEWTON):
        slope: Any = 0.0
        bend: Any = 0.0
        for power in range(len(powers) - 1, 0, -1):
            bend = bend * found + slope
            slope = slope * found + power * powers[power]
        step = np.where(bend != 0.0, slope / np.where(bend != 0.0, bend, 1.0), 0.0)
        # Newton may leave the stretch through which the polynomial was laid, and it means nothing there.
        found = np.clip(found - step, -1.0, 1.0)
    return found


def _looked(way: _Way, body: FollowedBody, times: Array) -> Array:
    """Return the signal at moments ``(looks, runs)`` that come in order, none before the step of `body`."""
    if np.all(times <= body.stop):
        return way.levels(body, times)
    return np.stack([_once(way, body, time) for time in times])


def _once(way: _Way, body: FollowedBody, time: Array) -> Array:
    there = body.copied()
    there.reach(time)
    return way.levels(there, time)


def _pick(rows: Array, places: Any) -> Array:
    found: Array = np.take_along_axis(rows, places[None], 0)[0]
    return found


@dataclass(frozen=True, kw_only=True)
class Level(Readout):
    """Level of a driven signal at a moment: a response, an activated receptor, an open gate, a tone.

    On the trial clock drugs move once per dosing interval, and the level is that of the current one.
    """

    name: ClassVar[str] = "level"
    offers: ClassVar[frozenset[str]] = frozenset({"half at 0.5"})
    meaning: ClassVar[str] = "level of a response, receptor, gate or modulator"
    equation: ClassVar[str] = "the signal as its component defines it"

    signal: str = signal("the driven signal: response.NAME, receptor.NAME, gate.NAME, modulator.NAME")

    def reading(self, block: Assembly) -> Reading:
        """Copy the signal; one that never moves is the same number for all its runs."""
        level = block.driven(self.signal)
        return Reading((), lambda sums, trials: np.array(np.broadcast_to(np.asarray(level), (block.runs,))))


@dataclass(frozen=True, kw_only=True)
class Threshold(Readout):
    """Level of a sliding threshold: recent squared activity of one unit."""

    name: ClassVar[str] = "threshold"
    meaning: ClassVar[str] = "level of the sliding threshold"
    equation: ClassVar[str] = "theta of the homeostat"
    sources: ClassVar[tuple[str, ...]] = ("Bienenstock1982",)

    homeostat: str = reference("homeostat", "the sliding threshold")
    unit_number: int = count(
        1, "which unit of the watched population, from 1", high=4096, not_above="homeostat.population"
    )

    def reading(self, block: Assembly) -> Reading:
        """Copy it."""
        level = block.read(f"homeostat.{self.homeostat}.theta")
        return Reading((), lambda sums, trials: level[self.unit_number - 1].copy())


@dataclass(frozen=True, kw_only=True)
class Number(Readout):
    """A pure number of some table at a moment, with the links that act on it: evoked release under a drug.

    On the trial clock drugs move once per dosing interval, and the number is that of the current one.
    """

    name: ClassVar[str] = "number"
    meaning: ClassVar[str] = "a number of the model, links applied"
    equation: ClassVar[str] = "the number at section.name.field, times or plus what links say"

    path: str = path("the number: section.name.field")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a number with a unit."""
        yield from super().check(fields, tables)
        section, name, field = field_path(fields["path"])
        unit = _unit(section, tables[section][name], field)
        if unit != "1":
            yield "path", f"{fields['path']} is in {unit}; only pure numbers can be read"

    def reading(self, block: Assembly) -> Reading:
        """Copy the number; one that never moves is the same for all times."""
        value = block.value(self.path)
        return Reading((), lambda sums, trials: np.array(np.broadcast_to(np.asarray(value), (block.runs,))))


def _unit(section: str, fields: Mapping[str, Any], field: str) -> str:
    key = section, fields[SECTIONS[section].key]
    return registry().get(*key).parameters()[field].unit if key in registry() else "1"
