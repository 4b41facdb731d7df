"""How a window opens and closes: its two stages, followed from moment to moment of any clock."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from workbench.component.arrays import power, select_runs
from workbench.component.moments import TOGETHER, any_nonzero, as_float, round_hours
from workbench.pharmacology.drug_state import count_before
from workbench.pharmacology.remaining import Remaining
from workbench.pharmacology.transfers import chained

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.pharmacology.drug_state import DrugState
    from workbench.pharmacology.exposure import Exposure
    from workbench.pharmacology.linear import Amounts


POINTS, WEIGHTS = (0.5 * row[:, None, None] for row in np.polynomial.legendre.leggauss(5))
"""Gauss-Legendre on one panel: places about its middle and weights, as shares of its length."""
RUNG, TURNS = 0.125, 2.0
"""Hours after a dose event at which the first panel ends; each further one ends at twice the time. Where that is longer
than `TURNS` of the fastest time constant of the kinetics, the first is halved until it is not."""
FAINT = 1e-7
"""A drive (1/h, relative to the reference) below this is none: what is left of a dose after some 13 half-lives."""
SPAN = 48.0
"""Hours after which what was there is looked at anew; in between it fades by one closed form from one moment."""
MOST, WIDE, DRIVEN = 64, 2**16, 2**12
"""Most moments to which a window is followed in one go, most levels at them, and most of those that a drug may drive:
more of them would leave the cache."""
VANISHED = 1e-200
"""Stages below this are set to 0: subnormal numbers would slow every later step."""


class OpenedWindow(Protocol):
    """What an opening asks of the window that it opens: its numbers, and the occupancy that opens it."""

    @property
    def opened_by(self) -> str: ...
    @property
    def rise(self) -> Value: ...
    @property
    def decay(self) -> Value: ...
    @property
    def power(self) -> Value: ...
    @property
    def reference(self) -> Value: ...
    @property
    def half(self) -> Value: ...
    def peak(self) -> Value:
        """Return the highest level that it reaches after one dose."""


class Opening:
    """The two stages of one window, followed from step to step of any clock.

    They are kept in two parts: what was there at a moment, the anchor, which fades by a closed form; and what the drive
    has added since, which is 0 for who has no drug, so that no bit depends on whether a neighbour has any. A look
    leaves no trace, so that bits do not depend on what is read.
    """

    def __init__(self, block: Assembly, name: str, window: OpenedWindow, exposure: Exposure) -> None:
        self.name, self._window, self._exposure = name, window, exposure
        self.resolution = exposure.resolution
        self.level = block.moving(f"window.{name}")
        self._stages = block.empty(2)  # no signal: a look inside a step must not undo what was settled
        self._added: Array | None = None
        self._anchor: Value = 0.0
        self._occupancy = block.component("occupancy", window.opened_by.partition(".")[2])
        numbers = window.rise, window.decay, window.power, window.reference, window.half, self._occupancy.ec50
        self._still = not any(block.leaves(number) for number in numbers)
        self._body: DrugState | None = None
        self._kept: dict[float, tuple[Value, Value, Value]] = {}
        self._made_with: list[Value] = []
        self._peak: Value = 1.0
        self._phase = ""
        self._at: Value = 0.0
        self._left: Remaining | None = None
        self._event: Value = np.inf
        self._ahead: deque[tuple[Value, Array | None, Array | None]] = deque()
        self._here: Array | None = None

    def advance(self, phase: str, start: Any, stop: Any, *, average: bool, look: bool = False) -> bool:
        """Go on to `stop` (hours of the phase), or only `look` there; return whether the window may move.

        What is shown is its level at `stop`, or its mean from `start`.
        """
        begin = self._exposure.phases[phase][0]
        # Rounded, so that the same moment reached by other sums of hours gives the same bits.
        first, last = round_hours(begin + start), round_hours(begin + stop)
        if phase != self._phase:
            if self._body is not None:
                self._settle(begin)
            self._phase, self._at, self._body = phase, begin, self._exposure.since(phase)
            self._left, self._here = None, None
            self._ahead.clear()
        if self._body is None or self._shut(self._body):
            moved = bool(self.level.any())
            self.level[...] = 0.0
            return moved
        if average:
            self._settle(first)
            self._mean(first, last)
            return True
        if look:
            self.level[...] = self._saturated(self._second(last))
            return True
        self._settle(last)
        self.level[...] = self._settled_level()
        return True

    def _shut(self, body: DrugState) -> bool:
        """Whether the window is closed in all runs and nothing comes."""
        return self._added is None and not any_nonzero(np.asarray(self._stages)) and body.quiet()

    def _settle(self, time: Value, coming: Array | None = None) -> None:
        """Go on to a moment, for good; after it come those of the clock, or other ones ``(moments, 1 or runs)``."""
        if self._body is None or not any_nonzero(time > self._at):
            return
        if not self._ahead or any_nonzero(self._ahead[0][0] != time):
            self._ahead = deque(
                self._followed(self._body, time, self._exposure.coming(time) if coming is None else coming)
            )
        _, self._added, self._here = self._ahead.popleft()
        self._at = time
        if any_nonzero(time >= self._anchor + SPAN):
            self._stages[...] = self._faded(self._stages, time - self._anchor)
            if self._added is not None:
                self._stages += self._added
            self._stages[self._stages < VANISHED] = 0.0
            self._added, self._anchor, self._here = None, time, None

    def _followed(self, body: DrugState, time: Value, coming: Array) -> list[tuple[Value, Array | None, Array | None]]:
        """Return the moments from `time` on up to which one way leads, each with what is added by then and the level.

        That is up to the next dose event, or to where what was there is looked at anew; all of it in one go.
        """
        coming = coming[: MOST if self._still else 1]
        self._event = body.next_event()
        plain = count_before(coming, self._event)
        if not plain or not self._still:
            self._left = None
        if not plain:
            earlier = np.zeros_like(self._stages) if self._added is None else self._added
            return [(time, self._passed(body, earlier, self._at, time), None)]
        left = self._left or Remaining.after(body, self._stages.shape[1])
        if len(left.runs):
            since = np.maximum(select_runs(np.asarray(self._at), left.runs) - left.body.at, 0.0)
            left = self._driving(left, left.body.later(as_float(since), {}))
        self._left = left
        anew = np.append(np.any(coming >= self._anchor + SPAN, axis=1), True)
        # A few moments of many runs, or many of a few: what is computed in one go stays in the cache.
        widest = min(WIDE // self._stages.shape[1], DRIVEN // max(1, len(left.runs)), MOST)
        coming = coming[: min(plain, int(np.argmax(anew)) + 1, max(1, widest))]
        times = [as_float(row if len(row) > 1 else row[0]) for row in coming]
        added = self._gathered(left, times, coming)
        return [*zip(times, added, self._levels(times, added), strict=True)]

    def _gathered(self, left: Remaining, times: list[Value], coming: Array) -> list[Array | None]:
        """Return what the drive has added to both stages by each moment; None where that is nothing in any run.

        Panels are computed together and added up in their order, step by step: the bits are those of one step after
        the other.
        """
        starts, added = [self._at, *times[:-1]], self._added
        parts = self._entered(left, _rows(starts), coming, coming)
        found: list[Array | None] = []
        for i, (start, stop) in enumerate(zip(starts, times, strict=True)):
            if added is not None:
                added = self._faded(added, stop - start)
            for place, entering, passing in parts:
                if place[i] >= 0:
                    added = np.zeros_like(self._stages) if added is None else added
                    added[0, left.runs] += entering[place[i]]
                    added[1, left.runs] += passing[place[i]]
            found.append(added)
        return found

    def _levels(self, times: list[Value], added: list[Array | None]) -> Array:
        """Return the level at moments ``(moments, runs)``, from what was there at the anchor and is added since."""
        after = [self._after(time - self._anchor) for time in times]
        second = self._stages[1] * _rows([decay for _, decay, _ in after])
        second += self._stages[0] * _rows([passing for _, _, passing in after])
        for row, stages in zip(second, added, strict=True):
            if stages is not None:
                row += stages[1]
        return self._saturated(second)

    def _settled_level(self) -> Array:
        """Return the level at the moment that is settled."""
        return self._saturated(self._second(self._at)) if self._here is None else self._here

    def _second(self, time: Value) -> Array:
        """Return the second stage at a moment not before that which is settled; nothing of it stays."""
        _, decay, passing = self._after(time - self._anchor)
        found: Array = self._stages[1] * decay
        found += self._stages[0] * passing
        if not np.any(np.asarray(time) > self._at):
            return found if self._added is None else found + self._added[1]
        if self._left is not None and not len(self._left.runs) and np.all(time + TOGETHER < self._event):
            return found if self._added is None else found + self._faded(self._added, time - self._at)[1]
        if self._body is not None:
            added = np.zeros_like(self._stages) if self._added is None else self._added
            found += self._passed(self._body.copied(), added, self._at, time, self._left)[1]
        return found

    def _faded(self, stages: Array, hours: Value) -> Array:
        after = self._after(hours)
        found = np.empty_like(stages)
        np.multiply(stages[0], after[2], out=found[0])
        np.multiply(stages[1], after[1], out=found[1])
        found[1] += found[0]
        np.multiply(stages[0], after[0], out=found[0])
        return found

    def _mean(self, first: Value, last: Value) -> None:
        """Show the mean from `first` to `last`, and stay there."""
        found: Any = 0.0
        moments = [as_float(np.asarray(first + (0.5 + place) * (last - first))) for place in POINTS.ravel().tolist()]
        way = _rows([*moments, last])
        for i, (time, weight) in enumerate(zip(moments, WEIGHTS.ravel().tolist(), strict=True)):
            self._settle(time, way[i:])
            found = found + weight * self._settled_level()
        self._settle(last, way[-1:])
        self.level[...] = found

    def _saturated(self, second: Array) -> Array:
        self._refresh()
        height = second / self._peak
        found: Array = (1.0 + self._window.half) * height / (self._window.half + height)
        return found

    def _passed(
        self, body: DrugState, stages: Array, first: Value, last: Value, left: Remaining | None = None
    ) -> Array:
        """Return both stages at `last`, from those at `first`; `body` goes on to the last dose event before it.

        `left` is what is known to be left at `first`.
        """
        found, now = self._faded(stages, last - first), first
        while np.any(np.asarray(now) < last):
            event = body.next_event()
            until = as_float(np.minimum(last, event))
            left = left or self._driving(Remaining.after(body, found.shape[1]), body.amounts)
            for _, entering, passing in self._entered(left, *(np.reshape(x, (1, -1)) for x in (now, until, last))):
                found[0, left.runs] += entering[0]
                found[1, left.runs] += passing[0]
            now = until
            due = np.asarray(event) <= np.asarray(now) + TOGETHER
            if np.any(due):
                body.move(as_float(np.where(due, event, body.at)))
                body.take()
                left = None
        return found

    def _entered(
        self, left: Remaining, first: Array, until: Array, last: Array
    ) -> list[tuple[NDArray[np.intp], Array, Array]]:
        """Return what a drug adds to both stages at `last` from `first` to `until`, panel by panel.

        Moments are ``(steps, 1 or runs)``. Of each panel: the place of every step in what follows, -1 where the step is
        over; and what enters the first stage and the second, ``(steps that go on, runs left)``.
        """
        found: list[tuple[NDArray[np.intp], Array, Array]] = []
        steps, going = len(last), np.arange(len(last))
        now, until, last = (select_runs(moments, left.runs) for moments in (first, until, last))
        while len(left.runs) and np.any(goes := np.any(now < until, axis=1)):
            if not np.all(goes):
                going, now, until, last = going[goes], now[goes], until[goes], last[goes]
            end = np.minimum(until, _rung(left.body, now))
            length = end - now
            at = now + (0.5 + POINTS) * length
            entering = self._strength(self._exposure.acting_at(left, at), left.runs) * (WEIGHTS * length)
            rise, decay = (select_runs(1.0 / value, left.runs) for value in (self._window.rise, self._window.decay))
            hours, place = np.maximum(last - at, 0.0), np.full(steps, -1)
            place[going] = np.arange(len(going))
            after = chained(hours, rise), chained(hours, rise, decay) * rise
            found.append((place, *(np.add.reduce(entering * passed, axis=0) for passed in after)))
            now = end
        return found

    def _driving(self, left: Remaining, amounts: Amounts) -> Remaining:
        """Return what is left in those runs in which the drive may reach `FAINT` before the next dose event.

        It cannot where nothing flows in and all that is there, or was since the last event, is too little.
        """
        most = left.most(amounts) * left.body.transfers.drug.effect
        return left.where(left.flowing() | (self._strength(most, left.runs) != 0.0))

    def _after(self, hours: Value) -> tuple[Value, Value, Value]:
        """Return what is left of each stage, and what came from the first into the second; lengths of steps recur."""
        if not isinstance(hours, float):
            return self._passage(np.maximum(hours, 0.0))
        self._refresh()
        if hours not in self._kept:
            self._kept[hours] = self._passage(hours)
        return self._kept[hours]

    def _refresh(self) -> None:
        """Forget what was kept if a link has moved rise or decay."""
        rise, decay = self._window.rise, self._window.decay
        plainly = isinstance(rise, float) and isinstance(decay, float)
        if plainly and self._made_with == [rise, decay]:
            return
        if plainly or not self._made_with or not all(map(np.array_equal, (rise, decay), self._made_with)):
            self._kept.clear()
            self._peak = self._window.peak()
            self._made_with = [rise, decay] if plainly else [np.array(rise), np.array(decay)]

    def _passage(self, hours: Value) -> tuple[Value, Value, Value]:
        rise, decay = 1.0 / self._window.rise, 1.0 / self._window.decay
        return chained(hours, rise), chained(hours, decay), chained(hours, rise, decay) * rise

    def _strength(self, concentration: Value, runs: NDArray[np.intp]) -> Array:
        """Return the drive (1/h) of a concentration in some runs; below `FAINT` it is none."""
        window, ec50 = self._window, select_runs(self._occupancy.ec50, runs)
        share = self._occupancy.share(np.maximum(concentration, 0.0), ec50)
        found = power(share, select_runs(window.power, runs)) / select_runs(window.reference, runs)
        strong: Array = np.where(found < FAINT, 0.0, found)
        return strong


def _rung(body: DrugState, now: Array) -> Array:
    """Return the end of the panel in which `now` lies: panels double with the time since the last dose event."""
    age = np.maximum(np.asarray(now - body.at), 0.0)
    halved = np.maximum(np.ceil(np.log2(body.transfers.fastest * RUNG / TURNS)), 0.0)
    first = np.ldexp(RUNG, -np.asarray(halved).astype(int))
    # An age on the edge of a panel may round below it, and the panel would have no width.
    above = np.floor(np.log2(np.maximum(age, first / 4.0) / first) + 1e-6) + 1.0
    end: Array = body.at + np.ldexp(first, np.maximum(above, 0.0).astype(int))
    return end


def _rows(values: list[Value]) -> Array:
    """Return one row for each value, ``(values, 1 or runs)``."""
    if all(isinstance(value, float) for value in values):
        return np.array(values)[:, None]
    return np.stack(np.broadcast_arrays(*(np.reshape(value, -1) for value in values)))
