"""The concentration over a stretch of time: its peak, its trough, its area, and how long it is above a level.

From event to event the curve is a sum of exponentials, known exactly. Its slope changes sign a few times at most, and
never twice within a small factor of time, so points in geometric progression enclose every turn; each turn and each
crossing is then found by Newton's method inside its bracket.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.component.arrays import select_runs
from workbench.component.moments import TOGETHER, as_float, round_hours
from workbench.pharmacology.crossings import hours_above, one_by_one, root
from workbench.pharmacology.drug_state import DrugState
from workbench.pharmacology.remaining import Remaining
from workbench.pharmacology.transfers import SITES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value
    from workbench.pharmacology.exposure import Exposure
    from workbench.pharmacology.linear import Amounts


POINTS = np.concatenate([[0.0], np.geomspace(1e-5, 1.0, 30)])
"""Where a stretch is looked at, as shares of its length: each point 1.49 times as late as the one before."""
AT_ONCE = 2**13
"""Turns and crossings of several stretches are looked for together, up to so many runs in all."""
EQUAL = 1e-12


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

    @classmethod
    def empty(cls, runs: int) -> Profile:
        """Return one in which nothing was found yet."""
        zeros = np.zeros((4, runs))
        return cls(zeros[0], zeros[1], np.full(runs, -1.0), zeros[2], np.full(runs, np.inf), zeros[3])

    def reach(self, top: Array, top_at: Array, bottom: Array) -> None:
        """Take in the highest value of a further stretch, when it comes, and the lowest."""
        # At a steady state all peaks are one but for their last digits: the first of them counts.
        higher = top > self.peak * (1.0 + EQUAL)
        self.peak = np.maximum(top, self.peak)
        self.peak_at = np.where(higher, top_at, self.peak_at)
        self.trough = np.minimum(self.trough, bottom)


def stretches(body: DrugState, first: Value, last: Value, *, rounded: bool = False) -> Iterator[Value]:
    """Yield the end of each stretch without a dose event from `first` to `last`; `body` stands at its beginning.

    Dose events at `first` come before it, those at `last` after it.
    """
    # Up to the last event before the stretch, and from there by one exact step: what is read does not depend on where
    # it begins.
    body.events_to(first, inclusive=True)
    body.move(first)
    body.take()
    due = np.asarray(True)
    while np.any(due):
        when = body.next_event()
        # A dose at the end of the stretch is not in it, and rounding must not bring it in.
        due = np.asarray(when < last - TOGETHER)
        stop = as_float(np.where(due, when, last))
        yield stop
        body.move(round_hours(stop) if rounded else stop)
        body.take()


@dataclass(frozen=True)
class Stretch:
    """One stretch without a dose event, so many `hours` long, which begins `after` hours."""

    left: Remaining
    hours: Value
    after: Value


def profile(
    exposure: Exposure, phase: str, since: float, until: float, site: str, threshold: Array | None, *, turns: bool
) -> Profile:
    """Return the profile of the present phase from `since` to `until` (hours) by exact transfers.

    Without `turns`, areas only.
    """
    body, begin, runs = exposure.since(phase), exposure.phases[phase][0], exposure.concentration.shape[-1]
    site, first = site if body.transfers.delayed else "plasma", begin + since
    found, waiting = Profile.empty(runs), list[Stretch]()
    for stop in stretches(body, first, begin + until):
        left, hours = Remaining.after(body.copied(), runs), round_hours(np.maximum(stop - body.at, 0.0))
        area = body.area(hours, left.inputs, "area")
        if site == "effect":
            delayed = np.asarray(body.transfers.drug.equilibration) > 0.0
            area = np.where(delayed, body.area(hours, left.inputs, SITES[site]), area)
        found.area += area
        if turns:
            waiting.append(Stretch(left, hours, body.at - first))
        if len(waiting) * runs >= AT_ONCE:
            _reach(found, waiting, site, threshold)
            waiting.clear()
    if waiting:
        _reach(found, waiting, site, threshold)
    found.left += _still_to_come(body, site)
    return found


def observed(body: DrugState, amounts: Amounts, site: str) -> Value:
    """Return the concentration at a site; where the effect site is not delayed it is that of plasma."""
    plasma = body.transfers.scale * amounts["central"]
    if site == "plasma":
        return plasma
    return np.where(np.asarray(body.transfers.drug.equilibration) > 0.0, amounts["effect"], plasma)


@dataclass(frozen=True)
class ConcentrationCurve:
    """The concentration above a level, and its slope, hours after the last dose event."""

    left: Remaining
    site: str
    level: Value = 0.0

    def __call__(self, hours: Value) -> tuple[Array, Array]:
        """Return both."""
        amounts = self.left.rows(hours)
        slopes = self.left.body.transfers.slopes(amounts, self.left.inputs)
        value, slope = (np.asarray(observed(self.left.body, rows, self.site)) for rows in (amounts, slopes))
        return value - self.level, slope

    def where(self, mask: NDArray[np.bool_]) -> ConcentrationCurve:
        """Return the same in some runs."""
        return ConcentrationCurve(self.left.where(mask), self.site, select_runs(self.level, np.flatnonzero(mask)))


@dataclass(frozen=True)
class SlopeCurve:
    """The slope of the concentration and how it changes: the curve turns where this crosses 0."""

    left: Remaining
    site: str

    def __call__(self, hours: Value) -> tuple[Array, Array]:
        """Return both."""
        transfers, inputs = self.left.body.transfers, self.left.inputs
        slopes = transfers.slopes(self.left.rows(hours), inputs)
        bend = transfers.slopes(slopes, {})
        return (
            np.asarray(observed(self.left.body, slopes, self.site)),
            np.asarray(observed(self.left.body, bend, self.site)),
        )

    def where(self, mask: NDArray[np.bool_]) -> SlopeCurve:
        """Return the same in some runs."""
        return SlopeCurve(self.left.where(mask), self.site)


def _reach(found: Profile, seen: Sequence[Stretch], site: str, threshold: Array | None) -> None:
    """Take in peaks, troughs and the time above a level of several stretches, in their order."""
    runs, joined = len(seen[0].left.runs), Remaining.joined([stretch.left for stretch in seen])
    times, values = _monotone(seen, joined, site)
    above: Any = 0.0
    if threshold is not None:
        level = np.tile(np.broadcast_to(threshold, runs), len(seen))
        excess = ConcentrationCurve(joined, site, level)
        above = hours_above(times, values, level, lambda low, high, rising: root(excess, low, high, rising))
    for i, stretch in enumerate(seen):
        mine = slice(i * runs, (i + 1) * runs)
        best = np.argmax(values[:, mine], axis=0)[None]
        top, at = (np.take_along_axis(rows[:, mine], best, axis=0)[0] for rows in (values, times))
        found.reach(top, at + stretch.after, np.min(values[:, mine], axis=0))
        if threshold is not None:
            found.above += above[mine]


def _monotone(seen: Sequence[Stretch], joined: Remaining, site: str) -> tuple[Array, Array]:
    """Return times and values, both (points, runs) in order of time, between which the curve does not turn.

    The runs of one stretch stand behind those of another.
    """
    runs, rows = len(seen[0].left.runs), []
    for stretch in seen:
        looked = stretch.hours * POINTS[:, None]
        here = looked, *ConcentrationCurve(stretch.left, site)(looked)
        rows.append([np.broadcast_to(part, (len(POINTS), runs)) for part in here])
    times, values, slopes = (np.concatenate(parts, axis=1) for parts in zip(*rows, strict=True))
    last_time, last_value = times[-1], values[-1]
    # A sum of exponentials turns only a few times, and never twice between two points in geometric progression: a
    # change of sign encloses each turn.
    for turning, first in one_by_one(slopes[:-1] * slopes[1:] < 0.0):
        low, high, rises = (np.take_along_axis(part, first, 0)[0] for part in (times, times[1:], slopes))
        at = root(SlopeCurve(joined, site), low, np.where(turning, high, low), rises < 0.0)
        at = np.where(turning, at, last_time)
        there = ConcentrationCurve(joined, site)(at)[0]
        times = np.concatenate([times, at[None]])
        values = np.concatenate([values, np.where(turning, there, last_value)[None]])
    # Runs without a turn got the end point once more, which adds nothing to area or time.
    order = np.argsort(times, axis=0, kind="stable")
    return np.take_along_axis(times, order, 0), np.take_along_axis(values, order, 0)


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
