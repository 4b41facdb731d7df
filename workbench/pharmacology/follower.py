"""One quantity that follows driven signals by a rate of its own: ``dy/dt = inflow - loss y``, both moved by signals.

What moves it is known at every moment. Between the events of the drugs behind it the solution advances by a Magnus
expansion of order 6, whose exponential is closed for one quantity: exact where nothing changes, whatever the step. Each
run chooses its steps by its own error, and a drug that moves none of its numbers ends none of its steps, so that its
bits depend neither on its neighbours, nor on what is read, nor on a link of gain 0.

What is followed is the distance from where it rests without any drug: without any dose it stays there to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.component.moments import TOGETHER, round_hours
from workbench.pharmacology.magnus import NODES, flow_applied, flow_change, flow_expansion
from workbench.pharmacology.motion import CAUTION, FASTER, SLOWER, TRIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly

    Levels = Mapping[str, Value]
    Mask = NDArray[np.bool_]

TOLERANCE = 1e-7
"""Error of a step that is accepted, by the estimate for order 4; the step itself is of order 6."""
LOOKS = np.array([0.0, *NODES, 1.0])
"""Where the rates are looked at, as shares of a step: at the nodes of the expansion, and at both ends."""
UNLIKE = np.array([1.0 / 6.0, -5.0 / 18.0, 4.0 / 6.0 - 8.0 / 18.0, -5.0 / 18.0, 1.0 / 6.0])
"""Simpson's rule less that of Gauss, at those looks: what one makes of a rate beyond the other."""
FIRST, TURN = 0.05, 0.2
"""Hours of the first step after an event, and the most of the fastest time constant behind it that it may last."""
SHORTEST = 1e-6
"""Hours of a step that is accepted whatever its error: what is left is rounding."""
STRIDES = 1.0
"""A step is at most as long as its beginning is away from the last event, times this, and the first step more."""
FAINT = 1e-6
"""Less than this, of what signals of 1 make, has lost its last digits to rounding."""
TRIED = (1e-6, 1e-3, 1.0, 1e3, 1e6)
"""Levels at which a signal is tried that may move nothing."""


@dataclass(frozen=True)
class Law:
    """What one quantity follows.

    Attributes
    ----------
    rates : function of levels -> (inflow, loss)
        The rates (1/h) where the signals have `levels`, which may be ``(moments, runs)``.
    rests : mapping signal -> level without any drug
    runs : int
    tried : function like `rates`, optional
        Where levels are only tried, which no drug may ever reach: it notes nothing of numbers that leave their range.
    """

    rates: Callable[[Levels], tuple[Value, Value]]
    rests: Levels
    runs: int
    tried: Callable[[Levels], tuple[Value, Value]] | None = None

    @property
    def _trial(self) -> Callable[[Levels], tuple[Value, Value]]:
        return self.tried or self.rates

    @cached_property
    def usual(self) -> tuple[Value, Value]:
        """The rates where nothing moves them."""
        return self.rates(self.rests)

    @cached_property
    def rest(self) -> Array:
        """Where the quantity stands without any drug; 0 where nothing is lost."""
        inflow, loss = self.usual
        lost = np.asarray(loss) != 0.0
        return np.broadcast_to(np.where(lost, inflow / np.where(lost, loss, 1.0), 0.0), (self.runs,))

    def beyond(self, levels: Levels) -> tuple[Value, Value]:
        """Return what flows in beyond what is lost at rest, and the loss."""
        return self._beyond(*self.rates(levels))

    def _beyond(self, inflow: Value, loss: Value) -> tuple[Value, Value]:
        # The distance from rest is followed, not the quantity: without a drug it is exactly 0 and stays so, with no
        # drift from rounding.
        return (inflow - self.usual[0]) - (loss - self.usual[1]) * self.rest, loss

    @cached_property
    def least(self) -> Value:
        """An inflow (1/h) beside which less counts as so much: that at rest, and a little of what signals of 1 make."""
        there = self._beyond(*self._trial({name: rest + 1.0 for name, rest in self.rests.items()}))[0]
        found: Value = np.abs(self.usual[0]) + FAINT * np.abs(there)
        return found

    @cached_property
    def moved_by(self) -> Mapping[str, Mask]:
        """In which runs each signal moves the rates at all; a link of gain 0 does not."""
        found = {}
        for signal in self.rests:
            moves = np.zeros(self.runs, dtype=bool)
            for others in TRIED:
                around = {name: rest + others for name, rest in self.rests.items()}
                without = self._trial({**around, signal: self.rests[signal]})
                for level in TRIED:
                    changed = self._trial({**around, signal: self.rests[signal] + level})
                    for was, now in zip(without, changed, strict=True):
                        moves = moves | (np.asarray(was) != np.asarray(now))
            found[signal] = moves
        return found


@dataclass
class FollowedBody:
    """Where a quantity stands: the step that each run is in, from `start` with `rows` to `stop` with `then`.

    Attributes
    ----------
    rows, then : array (2, runs)
        The distance from rest, and the area under it since the phase began.
    next, since, until : array (runs,)
        The length that is tried next, the last event behind, and the next one.
    behind : mapping signal -> body
        Where that stands which makes the signals.
    """

    law: Law
    start: Array
    stop: Array
    rows: Array
    then: Array
    next: Array
    since: Array
    until: Array
    behind: dict[str, Any]

    @classmethod
    def entering(cls, law: Law, begin: float, distance: Array, behind: Mapping[str, Any]) -> FollowedBody:
        """Return a body at the beginning of a phase; `behind` stands there after its first doses."""
        at, rows = np.full(law.runs, begin), np.stack([distance, np.zeros(law.runs)])
        bodies = {name: body.passing() for name, body in behind.items()}
        found = cls(law, at, at, rows, rows, at, at, at, bodies)
        found.next = found.first()
        return found

    def copied(self) -> FollowedBody:
        """Return a body that may go its own way."""
        return replace(self, behind={name: body.copied() for name, body in self.behind.items()})

    def passing(self) -> FollowedBody:
        """Return itself: its steps keep nothing."""
        return self

    def quiet(self) -> bool:
        """Whether it rests in all runs, and nothing comes."""
        return not np.any(self.then[0]) and all(body.quiet() for body in self.behind.values())

    # -- what is read -------------------------------------------------------------------------------------------

    @property
    def at(self) -> Value:
        """The moment up to which nothing before can be read."""
        return self.start

    @property
    def fastest(self) -> Value:
        """The fastest rate (1/h) behind it, its own included."""
        rates = self.law.usual[1], *(body.fastest for body in self.behind.values())
        found: Value = np.maximum.reduce(np.broadcast_arrays(*rates))
        return found

    def looked(self, times: Array) -> Array:
        """Return distance and area at moments ``(runs,)`` or ``(moments, runs)``, behind an axis of two."""
        if times.ndim > 1 and np.any(times > self.stop):
            own, order = self.copied(), np.argsort(times, axis=0, kind="stable")
            found = np.stack([own._looked(time) for time in np.take_along_axis(times, order, 0)], axis=1)
            return np.take_along_axis(found, np.argsort(order, axis=0, kind="stable")[None], 1)
        return (self if np.all(times <= self.stop) else self.copied())._looked(times)

    def level_at(self, times: Value) -> Value:
        """Return the quantity at moments."""
        spread = np.broadcast_to(times, np.broadcast_shapes(np.shape(times), self.start.shape))
        found: Value = self.looked(np.maximum(spread, self.start))[0] + self.law.rest
        return found

    def levels(self, times: Array) -> dict[str, Value]:
        """Return the signals behind it at moments of its step; what moves none of its numbers is at rest."""
        moved_by = self.law.moved_by
        return {
            name: np.where(moved_by[name], body.level_at(times), self.law.rests[name])
            for name, body in self.behind.items()
        }

    # -- on the way ---------------------------------------------------------------------------------------------

    def next_event(self) -> Value:
        """Return when the next event comes that ends a step, for each run."""
        found: Value = np.full(self.law.runs, np.inf)
        for name, body in self.behind.items():
            found = np.minimum(found, np.where(self.law.moved_by[name], body.next_event(), np.inf))
        return found

    def next_break(self) -> Value:
        """Return where its own step ends: looks within a step are taken in one go."""
        return self.stop

    def events_to(self, time: Value, *, inclusive: bool) -> None:
        """Pass events up to a moment: they are those of the drugs behind, passed as its steps reach them."""

    def proceed(self, time: Value) -> None:
        """Go on to the step that holds `time` and what comes after it."""
        self.reach(np.broadcast_to(np.asarray(time), self.start.shape), beyond=True)

    def first(self) -> Array:
        """Return the length of a first step after an event."""
        found = np.full(self.law.runs, FIRST)
        for name, body in self.behind.items():
            found = np.where(self.law.moved_by[name], np.minimum(found, TURN / body.fastest), found)
        return found

    def _looked(self, time: Array) -> Array:
        self.reach(time if time.ndim == 1 else time[-1])
        length = np.maximum(np.minimum(time, self.stop) - self.start, 0.0)
        there = self._step(length)[0] if np.any(time < self.stop) else self.then
        wide = (slice(None), *(np.newaxis,) * (time.ndim - 1))
        found: Array = np.where(time >= self.stop, self.then[wide], there)
        return np.where(time <= self.start, self.rows[wide], found)

    def reach(self, time: Array, *, beyond: bool = False) -> None:
        """Go on until the step that each run is in holds `time`, or also what comes after it."""
        while np.any(short := (self.stop <= time) if beyond else (self.stop < time)):
            self.rows = np.where(short, self.then, self.rows)
            self.start = np.where(short, self.stop, self.start)
            for body in self.behind.values():
                here = np.where(short, self.start, body.at)
                body.events_to(here, inclusive=True)
                body.proceed(here)
            fresh = short & (self.start >= self.until - TOGETHER)
            self.since = np.where(fresh, self.start, self.since)
            self.next = np.where(fresh, self.first(), self.next)
            self.until = np.where(short, self.next_event(), self.until)
            ends = self.until
            for name, body in self.behind.items():
                ends = np.minimum(ends, np.where(self.law.moved_by[name], body.next_break(), np.inf))
            self._stride(short, np.maximum(ends, self.start + TOGETHER))

    def _stride(self, asked: Mask, ends: Array) -> None:
        """Find, for the runs that are `asked`, a step whose error is small enough."""
        longest = STRIDES * (self.start - self.since) + self.first()
        left, trying = asked.copy(), np.minimum(self.next, longest)
        for _ in range(TRIES):
            length = np.where(left, np.minimum(trying, ends - self.start), 0.0)
            rows, error = self._step(length)
            good = left & ((error <= 1.0) | (length <= SHORTEST))
            factor = np.clip(CAUTION * np.maximum(error, 1e-10) ** -0.2, SLOWER, FASTER)
            self.then = np.where(good, rows, self.then)
            self.stop = np.where(good, self.start + length, self.stop)
            self.next = np.where(good, np.maximum(length, trying) * factor, self.next)
            trying = np.where(left & ~good, length * np.minimum(factor, CAUTION), trying)
            left = left & ~good
            if not np.any(left):
                return
        # No step was small enough: NaN marks the run, which the watch then reports as failed instead of as a result.
        self.then = np.where(left, np.nan, self.then)
        self.stop = np.where(left, ends, self.stop)

    def _step(self, length: Array) -> tuple[Array, Array]:
        """Return the rows after `length`, ``(..., runs)``, and the error over `TOLERANCE`."""
        wide = (slice(None), *(np.newaxis,) * length.ndim)
        times = self.start + LOOKS[wide] * length
        flat = times.reshape(-1, times.shape[-1])
        moved = self.law.beyond(self.levels(flat))
        inflow, loss = (np.broadcast_to(rate, flat.shape).reshape(times.shape) for rate in moved)
        generators = np.stack([loss, inflow, np.ones_like(loss), np.zeros_like(loss)], axis=1)
        exponent, beyond = flow_expansion(generators[1:4], length)
        before = self.rows[(slice(None), *(np.newaxis,) * (length.ndim - 1))]
        rows = flow_applied(exponent, np.broadcast_to(before, (2, *length.shape)))
        # The commutators do not see how well the rates are summed up: Simpson's rule tells, over the same step.
        missed = length * np.abs(sum(part * rate for part, rate in zip(UNLIKE.tolist(), generators, strict=True)))
        error = np.abs(flow_change(beyond, 0.5 * (before + rows)))
        size = np.abs(rows[0])
        error[0] = error[0] + missed[1] + missed[0] * size
        # The error is measured against the largest size that matters, so a quantity near 0 does not force endlessly
        # small steps.
        most = size + np.abs(self.law.rest) + length * (np.abs(inflow[2]) + self.law.least) + 1e-250
        over_area = error[1] / (np.abs(rows[1]) + length * most + 1e-250)
        return rows, np.maximum(error[0] / most, over_area) / TOLERANCE


class Follower:
    """A quantity that follows driven signals, in one block; the driven signal `signal` is the quantity.

    On the trial clock it is the mean over an interval, on other clocks the value at a moment.
    """

    def __init__(
        self,
        block: Assembly,
        signal: str,
        sources: Mapping[str, Any],
        rates: Callable[[Levels], tuple[Value, Value]],
        tried: Callable[[Levels], tuple[Value, Value]] | None = None,
    ) -> None:
        self.signal, self.sources = signal, sources
        self.phases = next(iter(sources.values())).phases
        self.resolution = min(source.resolution for source in sources.values())
        self.law = Law(rates, {name: source.rest for name, source in sources.items()}, block.runs, tried)
        self.level = block.moving(signal)
        self.state = block.state(f"{signal}.level")
        self._body: FollowedBody | None = None
        self._at_start: FollowedBody | None = None
        self._phase = ""
        self._gathered: tuple[Any, Array] | None = None
        self._seen: dict[Any, Any] = {}

    @property
    def rest(self) -> Array:
        """Where it stands without any drug."""
        return self.law.rest

    def advance(self, phase: str, start: Any, stop: Any, *, average: bool, look: bool = False) -> bool:
        """Go on to `stop` (hours of the phase), or only `look` there; return whether the quantity may have changed."""
        begin = self.phases[phase][0]
        if phase != self._phase or self._body is None:
            self._enter(phase, begin)
        assert self._body is not None
        first, last = (np.broadcast_to(round_hours(begin + hours), self.level.shape) for hours in (start, stop))
        if self._body.quiet():
            return self._show(np.zeros(self.law.runs))
        if average:
            return self._show(self._mean(self._body, first, last))
        body = self._body.copied() if look else self._body
        body.proceed(last)
        return self._show(body.looked(last)[0])

    def since(self, phase: str) -> FollowedBody:
        """Return where it stood at the start of the present phase."""
        if phase != self._phase or self._at_start is None:
            raise ValueError(f"phase {phase} is over")
        return self._at_start.copied()

    def remembered(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what was found for `key` in the present phase; several readouts may look at one stretch."""
        if key not in self._seen:
            self._seen[key] = make()
        return self._seen[key]

    def _enter(self, phase: str, begin: float) -> None:
        runs = self.law.runs
        distance = np.zeros(runs) if self._body is None else self._body.looked(np.full(runs, begin))[0]
        behind = {name: source.since(phase) for name, source in self.sources.items()}
        self._at_start = FollowedBody.entering(self.law, begin, distance, behind)
        self._body, self._phase, self._gathered = self._at_start.copied(), phase, None
        self._seen = {}

    def _mean(self, body: FollowedBody, first: Array, last: Array) -> Array:
        """Return the mean distance over a stretch, and go on to its end."""
        if self._gathered is None or not np.array_equal(self._gathered[0], first):
            self._gathered = first, body.looked(first)[1]
        body.proceed(last)
        area = body.looked(last)[1]
        found: Array = (area - self._gathered[1]) / (last - first)
        self._gathered = last, area
        return found

    def _show(self, distance: Array) -> bool:
        shown = self.law.rest + distance
        changed = not np.array_equal(shown, self.level)
        self.state[...] = shown
        self.level[...] = shown
        return changed
