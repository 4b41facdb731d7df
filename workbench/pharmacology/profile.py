"""The concentration over a stretch of time: its peak, its trough, its area, and how long it is above a level.

From event to event the curve is a sum of exponentials, known exactly. Its slope changes sign a few times at most, and
never twice within a small factor of time, so points in geometric progression enclose every turn; each turn and each
crossing is then found by Newton's method inside its bracket.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.component.moments import TOGETHER, as_float, round_hours
from workbench.pharmacology.exposure import Exposure
from workbench.pharmacology.transfers import SITES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value
    from workbench.pharmacology.drug_state import DrugState
    from workbench.pharmacology.linear import Amounts
    from workbench.pharmacology.motion import MovingBody, MovingExposure


POINTS = np.concatenate([[0.0], np.geomspace(1e-5, 1.0, 30)])
"""Where a stretch is looked at, as shares of its length: each point 1.49 times as late as the one before."""
ITERATIONS = 60
CLOSE = 1e-9
"""A step of Newton's method below this share leaves an error below its square."""
LAST_PLACE = 4e-16
EQUAL = 1e-12
Curve = Callable[["Value"], tuple["Array", "Array"]]
"""Hours to a quantity and its slope."""


@dataclass
class Profile:
    """What was found between two moments of a phase; times in hours from the first of them.

    `left` is the area still to come if nothing more is given.
    """

    area: Array
    left: Array
    peak: Array
    peak_at: Array
    trough: Array
    above: Array


def profile(
    exposure: Exposure, phase: str, since: float, until: float, site: str, threshold: Array | None, *, turns: bool
) -> Profile:
    """Return the profile of the present phase from `since` to `until` (hours); without `turns`, areas only.

    Dose events at `since` come before it, those at `until` after it.
    """
    if getattr(exposure, "moves", False):
        return moving_profile(exposure, phase, since, until, site, threshold, turns=turns)  # type: ignore[arg-type]
    body, begin = exposure.since(phase), exposure.phases[phase][0]
    site = site if body.transfers.delayed else "plasma"
    # Up to the last event before the stretch, and from there by one exact step: what is read does not depend on where
    # it begins.
    body.events_to(begin + since, inclusive=True)
    body.move(begin + since)
    body.take()
    runs = exposure.concentration.shape
    zeros = np.zeros((4, *runs))
    found = Profile(zeros[0], zeros[1], np.full(runs, -1.0), zeros[2], np.full(runs, np.inf), zeros[3])
    end, due = begin + until, np.asarray(True)
    while np.any(due):
        when = body.next_event()
        # A dose at the end of the stretch is not in it, and rounding must not bring it in.
        due = np.asarray(when < end - TOGETHER)
        stop = as_float(np.where(due, when, end))
        _add(found, body, stop, begin + since, site, threshold, turns=turns)
        body.move(stop)
        body.take()
    found.left += _still_to_come(body, site)
    return found


def observed(body: DrugState, amounts: Amounts, site: str) -> Value:
    """Return the concentration at a site; where the effect site is not delayed it is that of plasma."""
    plasma = body.transfers.scale * amounts["central"]
    if site == "plasma":
        return plasma
    return np.where(np.asarray(body.transfers.drug.equilibration) > 0.0, amounts["effect"], plasma)


def _add(
    found: Profile, body: DrugState, stop: Value, zero: float, site: str, threshold: Array | None, *, turns: bool
) -> None:
    """Add the stretch from where the body stands to `stop`, in which there is no event."""
    hours, inputs = round_hours(np.maximum(stop - body.at, 0.0)), body.inputs()
    area = body.area(hours, inputs, "area")
    if site == "effect":
        delayed = np.asarray(body.transfers.drug.equilibration) > 0.0
        area = np.where(delayed, body.area(hours, inputs, SITES[site]), area)
    found.area += area
    if not turns:
        return
    times, values = _monotone(body, inputs, site, hours, found.area.shape)
    best = np.argmax(values, axis=0)[None]
    top, at = (np.take_along_axis(rows, best, axis=0)[0] for rows in (values, times))
    # At a steady state all peaks are one but for their last digits: the first of them counts.
    higher = top > found.peak * (1.0 + EQUAL)
    found.peak = np.maximum(top, found.peak)
    found.peak_at = np.where(higher, at + (body.at - zero), found.peak_at)
    found.trough = np.minimum(found.trough, np.min(values, axis=0))
    if threshold is not None:
        found.above += _above(body, inputs, site, times, values, threshold)


def _level(body: DrugState, inputs: Amounts, site: str) -> Curve:
    """Return the concentration and its slope, hours after the moment of `body`."""

    def at(hours: Value) -> tuple[Array, Array]:
        amounts = body.later(hours, inputs)
        slopes = body.transfers.slopes(amounts, inputs)
        return np.asarray(observed(body, amounts, site)), np.asarray(observed(body, slopes, site))

    return at


def _slope(body: DrugState, inputs: Amounts, site: str) -> Curve:
    """Return the slope of the concentration and how it changes: the curve turns where this crosses 0."""

    def at(hours: Value) -> tuple[Array, Array]:
        slopes = body.transfers.slopes(body.later(hours, inputs), inputs)
        bend = body.transfers.slopes(slopes, {})
        return np.asarray(observed(body, slopes, site)), np.asarray(observed(body, bend, site))

    return at


def _monotone(body: DrugState, inputs: Amounts, site: str, hours: Value, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return times and values, both (points, runs) in order of time, between which the curve does not turn."""
    looked = hours * POINTS[:, None]
    found = _level(body, inputs, site)(looked)
    times, values, slopes = (np.broadcast_to(rows, (len(POINTS), *shape)) for rows in (looked, *found))
    # A sum of exponentials turns only a few times, and never twice between two points in geometric progression: a
    # change of sign encloses each turn.
    turns = slopes[:-1] * slopes[1:] < 0.0
    passing = replace(body, transfers=body.transfers.passing())
    here, slope = _level(passing, inputs, site), _slope(passing, inputs, site)
    for turning, first in _one_by_one(turns):
        low, high, rises = (np.take_along_axis(rows, first, 0)[0] for rows in (times, times[1:], slopes))
        at = root(slope, low, np.where(turning, high, low), rises < 0.0)
        at = np.where(turning, at, times[len(POINTS) - 1])
        times = np.concatenate([times, at[None]])
        values = np.concatenate([values, np.where(turning, here(at)[0], values[len(POINTS) - 1])[None]])
    # Runs without a turn got the end point once more, which adds nothing to area or time.
    order = np.argsort(times, axis=0, kind="stable")
    return np.take_along_axis(times, order, 0), np.take_along_axis(values, order, 0)


def _one_by_one(chosen: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.intp]]]:
    """Yield, for the first, second ... mark of every run: which runs have it, and its place as (1, runs)."""
    left = chosen.copy()
    while np.any(left):
        first = np.argmax(left, axis=0)[None]
        yield np.any(left, axis=0), first
        np.put_along_axis(left, first, False, 0)


def _above(body: DrugState, inputs: Amounts, site: str, times: Array, values: Array, threshold: Array) -> Array:
    """Return the hours above a level, from points between which the curve does not turn."""
    passing = replace(body, transfers=body.transfers.passing())
    level = _level(passing, inputs, site)
    over = values > threshold
    lengths = np.diff(times, axis=0)
    total: Array = np.sum(np.where(over[:-1] & over[1:], lengths, 0.0), axis=0)

    def excess(hours: Value) -> tuple[Array, Array]:
        value, slope = level(hours)
        return value - threshold, slope

    for crossing, first in _one_by_one(over[:-1] != over[1:]):
        low, high = np.take_along_axis(times, first, 0)[0], np.take_along_axis(times, first + 1, 0)[0]
        rising = ~np.take_along_axis(over, first, 0)[0]
        at = root(excess, low, np.where(crossing, high, low), rising)
        total = total + np.where(crossing, np.where(rising, high - at, at - low), 0.0)
    return total


def root(function: Curve, low: Array, high: Array, rising: NDArray[np.bool_]) -> Array:
    """Return where `function` crosses 0 between `low` and `high`; `rising` says that it is negative at `low`.

    Where `high` is not above `low` nothing is looked for.

    Newton's method; a step that leaves the bracket is replaced by halving it. A run that has arrived stays where it
    is, so that it does not depend on how long its neighbours take.
    """
    low, high = np.array(low), np.array(high)
    at, open_ = 0.5 * (low + high), high > low
    for _ in range(ITERATIONS):
        value, slope = function(at)
        before = (value < 0.0) == rising
        low, high = np.where(open_ & before, at, low), np.where(open_ & ~before, at, high)
        # An infinite slope makes the step 0 instead of dividing by zero; bisection then takes over.
        newton = at - value / np.where(slope == 0.0, np.inf, slope)
        inside = (newton > low) & (newton < high)
        # Newton's step where it stays in the bracket, else bisection: fast near the root, and it cannot leave.
        better = np.where(inside, newton, 0.5 * (low + high))
        moved = np.where(open_, np.abs(better - at), 0.0)
        at = np.where(open_, better, at)
        open_ = open_ & ~((inside & (moved <= CLOSE * high)) | (high - low <= LAST_PLACE * high))
        if not np.any(open_):
            break
    return at


def _still_to_come(body: DrugState, site: str) -> Array:
    """Return the area from now to infinity if nothing more is given."""
    drug, transfers = body.transfers.drug, body.transfers
    mass: Any = drug.reaching(body.amounts)
    for doses, ended, begun in zip(body.doses, body.ended, body.begun, strict=True):
        lag, entered = doses.lag, drug.reaching({**dict.fromkeys(drug.compartments, 0.0), doses.entry: 1.0})
        waiting = np.max(np.asarray(begun) - ended) + np.max(np.asarray(lag) / doses.every) + 1.0
        for further in range(int(waiting)):
            index = ended + further
            flowing = (np.asarray(doses.duration) > 0.0) & (np.asarray(index) < begun)
            lasting = np.where(flowing, doses.duration, 1.0)
            rest = np.where(flowing, np.maximum(doses.ends(as_float(index)) - body.at, 0.0) / lasting, 1.0)
            given = (np.asarray(index) < doses.count) & (doses.begins(as_float(index)) - lag < body.at - TOGETHER)
            coming = given & (flowing | (np.asarray(index) >= begun))
            amount = doses.amount(as_float(index)) * np.where(coming, rest, 0.0)
            mass = mass + np.where(coming, amount * entered, 0.0)
    # Whatever reaches the central compartment leaves it by elimination alone, so the area to infinity is mass over
    # clearance, with no tail to integrate.
    area = transfers.scale * mass / drug.elimination
    if site == "effect":
        delayed = np.asarray(drug.equilibration) > 0.0
        area = area + np.where(delayed, body.amounts["effect"] / transfers.follow, 0.0)
    return np.asarray(area)


LOOKS = np.union1d(POINTS, np.linspace(0.0, 1.0, 49))
"""Where a stretch is looked at, as shares of its length: close together after an event, and evenly."""
GOLDEN = 0.5 * (np.sqrt(5.0) - 1.0)
NARROWED = 48
"""Golden sections: a bracket is then a ten-thousand-millionth of what it was."""
HALVED = 44
MOVED_SITES = {"plasma": ("plasma", "area"), "effect": ("acting", "acting_area")}
"""What is read at each site: the concentration, and the row that gathers its area."""


class _Unmoved:
    """The same drug where nothing moves it."""

    def __init__(self, exposure: MovingExposure) -> None:
        self._exposure, self.phases, self.concentration = exposure, exposure.phases, exposure.concentration

    def since(self, phase: str) -> Any:
        """Return the exact body as it was at the start of the present phase."""
        return Exposure.since(self._exposure, phase)


def moving_profile(
    exposure: MovingExposure, phase: str, since: float, until: float, site: str, threshold: Array | None, *, turns: bool
) -> Profile:
    """Return the profile of the present phase from `since` to `until` (hours); what is still to come is not known."""
    unmoved: Any = _Unmoved(exposure)
    share = np.asarray(exposure.drug.effect if site == "effect" else 1.0, dtype=np.float64)
    exact = profile(unmoved, phase, since, until, site, None if threshold is None else threshold / share, turns=turns)
    for name in ("area", "left", "peak", "trough"):
        setattr(exact, name, getattr(exact, name) * share)
    body, begin = exposure.since(phase), exposure.phases[phase][0]
    body.events_to(begin + since, inclusive=True)
    body.move(begin + since)
    body.take()
    runs = exposure.concentration.shape
    zeros = np.zeros((4, *runs))
    found = Profile(zeros[0], zeros[1], np.full(runs, -1.0), zeros[2], np.full(runs, np.inf), zeros[3])
    end, due = begin + until, np.asarray(True)
    while np.any(due):
        when = body.next_event()
        due = np.asarray(when < end - TOGETHER)
        stop = np.broadcast_to(np.asarray(np.where(due, when, end), dtype=np.float64), runs)
        _add_moved(found, body, stop, begin + since, site, threshold, turns=turns)
        body.move(as_float(round_hours(stop)))
        body.take()
    if not np.any(body.moved):
        return exact
    pairs = ((getattr(found, name), getattr(exact, name)) for name in Profile.__dataclass_fields__)
    return Profile(*(np.where(body.moved, *pair) for pair in pairs))


def _add_moved(
    found: Profile, body: MovingBody, stop: Array, zero: float, site: str, threshold: Array | None, *, turns: bool
) -> None:
    """Add the stretch from where the body stands to `stop`, in which there is no event."""
    level, area = MOVED_SITES[site]
    start = np.broadcast_to(np.asarray(body.at, dtype=np.float64), stop.shape)
    if not turns:
        found.area += body.looked(np.maximum(stop, start))[area]
        return
    times = start + LOOKS[:, None] * np.maximum(stop - start, 0.0)
    seen = body.looked(times)
    values = seen[level]
    found.area += seen[area][-1]
    for sign, best in ((1.0, np.argmax(values, axis=0)), (-1.0, np.argmin(values, axis=0))):
        at, value = _pick(times, best), _pick(values, best)
        turns_within = (best > 0) & (best < len(LOOKS) - 1)
        if np.any(turns_within):
            low, high = (np.where(turns_within, best + side, best) for side in (-1, 1))
            # Golden section, since a moved curve has no slope in closed form; it needs only that the bracket holds a
            # single extreme.
            closer_at, closer = _extreme(body, level, _pick(times, low), _pick(times, high), sign)
            better = turns_within & (sign * closer > sign * value)
            value, at = np.where(better, closer, value), np.where(better, closer_at, at)
        if sign > 0.0:
            higher = value > found.peak * (1.0 + 1e-12)
            found.peak_at = np.where(higher, at - zero, found.peak_at)
            found.peak = np.maximum(found.peak, value)
        else:
            found.trough = np.minimum(found.trough, value)
    if threshold is not None:
        found.above += _above_moved(body, level, times, values, threshold)


def _pick(rows: Any, places: NDArray[Any]) -> Any:
    found: Any = np.take_along_axis(rows, places[None], 0)[0]
    return found


def _at(body: MovingBody, level: str, low: Array) -> Any:
    """Return a function from moments, none before `low`, to the concentration; the way to `low` is gone once."""
    there = body.copied()
    there.proceed(low)
    return lambda times: there.looked(times)[level]


def _extreme(body: MovingBody, level: str, low: Array, high: Array, sign: float) -> tuple[Array, Array]:
    """Return where the highest (or with sign -1 the lowest) value between two moments lies, and the value."""
    value = _at(body, level, low)
    a, b = low, high
    c, d = b - GOLDEN * (b - a), a + GOLDEN * (b - a)
    left, right = sign * value(c), sign * value(d)
    for _ in range(NARROWED):
        lower = left > right
        a, b = np.where(lower, a, c), np.where(lower, d, b)
        c, d = np.where(lower, b - GOLDEN * (b - a), d), np.where(lower, c, a + GOLDEN * (b - a))
        fresh = sign * value(np.where(lower, c, d))
        left, right = np.where(lower, fresh, right), np.where(lower, left, fresh)
    middle = 0.5 * (a + b)
    return middle, value(middle)


def _above_moved(body: MovingBody, level: str, times: Array, values: Array, threshold: Array) -> Array:
    """Return the hours above a level."""
    over = values > threshold
    lengths = np.diff(times, axis=0)
    total: Array = np.sum(np.where(over[:-1] & over[1:], lengths, 0.0), axis=0)
    crossings = over[:-1] != over[1:]
    while np.any(crossings):
        first = np.argmax(crossings, axis=0)
        crossing = np.any(crossings, axis=0)
        low, high = _pick(times, first), _pick(times[1:], first)
        rising, value = ~_pick(over, first), _at(body, level, low)
        a, b = low, high
        for _ in range(HALVED):
            middle = 0.5 * (a + b)
            before = (value(middle) > threshold) != rising
            a, b = np.where(before, middle, a), np.where(before, b, middle)
        at = 0.5 * (a + b)
        total = total + np.where(crossing, np.where(rising, high - at, at - low), 0.0)
        np.put_along_axis(crossings, first[None], False, 0)
    return total
