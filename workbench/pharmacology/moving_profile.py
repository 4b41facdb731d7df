"""Peak, trough, area and time above a level of a drug whose numbers links move: looked at closely, then refined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.component.moments import TOGETHER, moment, plain
from workbench.pharmacology.exposure import Exposure
from workbench.pharmacology.profile import POINTS, Profile, profile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array
    from workbench.pharmacology.motion import MovingBody, MovingExposure

LOOKS = np.union1d(POINTS, np.linspace(0.0, 1.0, 49))
"""Where a stretch is looked at, as shares of its length: close together after an event, and evenly."""
GOLDEN = 0.5 * (np.sqrt(5.0) - 1.0)
NARROWED = 48
"""Golden sections: a bracket is then a ten-thousand-millionth of what it was."""
HALVED = 44
SITES = {"plasma": ("plasma", "area"), "effect": ("acting", "acting_area")}
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
        _add(found, body, stop, begin + since, site, threshold, turns=turns)
        body.move(plain(moment(stop)))
        body.take()
    if not np.any(body.moved):
        return exact
    pairs = ((getattr(found, name), getattr(exact, name)) for name in Profile.__dataclass_fields__)
    return Profile(*(np.where(body.moved, *pair) for pair in pairs))


def _add(
    found: Profile, body: MovingBody, stop: Array, zero: float, site: str, threshold: Array | None, *, turns: bool
) -> None:
    """Add the stretch from where the body stands to `stop`, in which there is no event."""
    level, area = SITES[site]
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
        found.above += _above(body, level, times, values, threshold)


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


def _above(body: MovingBody, level: str, times: Array, values: Array, threshold: Array) -> Array:
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
