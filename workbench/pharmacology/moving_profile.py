"""The profile of a drug whose numbers links move: what is near exact where a link has moved it, and exact elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.pharmacology.crossings import hours_above
from workbench.pharmacology.exposure import Exposure
from workbench.pharmacology.profile import POINTS, Profile, profile, stretches

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
    body, first = exposure.since(phase), exposure.phases[phase][0] + since
    runs = exposure.concentration.shape[-1]
    found = Profile.empty(runs)
    for stop in stretches(body, first, exposure.phases[phase][0] + until, rounded=True):
        _reach(found, body, np.broadcast_to(stop, runs), first, site, threshold, turns=turns)
    if not np.any(body.moved):
        return exact
    pairs = ((getattr(found, name), getattr(exact, name)) for name in Profile.__dataclass_fields__)
    return Profile(*(np.where(body.moved, *pair) for pair in pairs))


def _reach(
    found: Profile, body: MovingBody, stop: Array, zero: float, site: str, threshold: Array | None, *, turns: bool
) -> None:
    """Take in the stretch from where the body stands to `stop`, in which there is no event."""
    level, area = MOVED_SITES[site]
    start = np.broadcast_to(np.asarray(body.at, dtype=np.float64), stop.shape)
    if not turns:
        found.area += body.looked(np.maximum(stop, start))[area]
        return
    times = start + LOOKS[:, None] * np.maximum(stop - start, 0.0)
    seen = body.looked(times)
    values = seen[level]
    found.area += seen[area][-1]
    (top_at, top), (_, bottom) = (_extreme(body, level, times, values, sign) for sign in (1.0, -1.0))
    found.reach(top, top_at - zero, bottom)
    if threshold is not None:
        found.above += hours_above(
            times, values, threshold, lambda low, high, rising: _crossing(body, level, low, high, rising, threshold)
        )


def _extreme(body: MovingBody, level: str, times: Array, values: Array, sign: float) -> tuple[Array, Array]:
    """Return when the highest value (or with sign -1 the lowest) comes, and the value."""
    best = np.argmax(sign * values, axis=0)
    at, value = _pick(times, best), _pick(values, best)
    turns_within = (best > 0) & (best < len(times) - 1)
    if np.any(turns_within):
        low, high = (_pick(times, np.where(turns_within, best + side, best)) for side in (-1, 1))
        # Golden section, since a moved curve has no slope in closed form; it needs only that the bracket holds a
        # single extreme.
        closer_at, closer = _narrowed(body, level, low, high, sign)
        better = turns_within & (sign * closer > sign * value)
        value, at = np.where(better, closer, value), np.where(better, closer_at, at)
    return at, value


def _pick(rows: Any, places: NDArray[Any]) -> Any:
    found: Any = np.take_along_axis(rows, places[None], 0)[0]
    return found


def _at(body: MovingBody, level: str, low: Array) -> Any:
    """Return a function from moments, none before `low`, to the concentration; the way to `low` is gone once."""
    there = body.copied()
    there.proceed(low)
    return lambda times: there.looked(times)[level]


def _narrowed(body: MovingBody, level: str, low: Array, high: Array, sign: float) -> tuple[Array, Array]:
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


def _crossing(
    body: MovingBody, level: str, low: Array, high: Array, rising: NDArray[np.bool_], threshold: Array
) -> Array:
    """Return where the curve crosses a level between two moments."""
    value = _at(body, level, low)
    for _ in range(HALVED):
        middle = 0.5 * (low + high)
        before = (value(middle) > threshold) != rising
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return 0.5 * (low + high)
