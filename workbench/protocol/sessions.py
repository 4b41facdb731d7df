"""Sessions in which something is taught: therapy, its sham, or the opposite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.declaration import Component, anchor, number, numbers, option, reference
from workbench.component.moments import TOGETHER
from workbench.protocol.enrolment import WHO, entry_faults, response_share, select_entrants
from workbench.protocol.schedule import Recurrence, known_start, origin
from workbench.protocol.span import anchor_faults, clock_faults, on_ticks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables

    Runs = NDArray[np.intp]


CONTENTS = ("adaptive", "stressor", "sham")


@dataclass(frozen=True, kw_only=True)
class Training(Component):
    """Teaching trials at given times, spread evenly over each session.

    The rule of the synapses says what a trial does. A `stressor` teaches the other channel; a `sham` teaches nothing
    and leaves no tag. Sessions may begin at another time in every run: a step of the clock in which one begins or ends
    is cut there, for that run alone. A visit, or the beginning of a dose, on the moment at which a session begins comes
    before it.
    """

    section: ClassVar[str] = "session"
    still: ClassVar[str] = "the protocol is laid out before it runs"
    name: ClassVar[str] = "training"
    requires: ClassVar[Mapping[str, str]] = MappingProxyType({"projection.plasticity": "sessions"})
    revision: ClassVar[int] = 2
    withheld_by: ClassVar[tuple[str, ...]] = ("trials",)
    equation: ClassVar[str] = (
        "session k = 1 ... count from t_k = anchor + first + (k - 1) every to t_k + duration\n"
        "trials per hour in it = trials / duration"
    )

    phase: str = reference("phase", "the tick-clock phase it belongs to")
    projection: str = reference("projection", "the synapses that it teaches", acts=True)
    content: str = option("adaptive", CONTENTS, "what is taught")
    targets: tuple[float, ...] = numbers(
        MISSING, "1", "the cues that it works on, from 1", low=1, high=4096, members_of="projection.pre"
    )
    trials: Value = number(20.0, "1", "teaching trials in one session", low=0.0, high=1e6, status="protocol")
    duration: Value = number(0.5, "h", "length of one session", low=0.0, high=1e4, status="protocol")
    fidelity: Value = number(1.0, "1", "how much of each trial reaches the person", low=0.0, high=100.0)
    first: Value = number(0.0, "h", "start of the first session, from the anchor or the start of the phase",
                          low=-1e6, high=1e6, status="protocol")  # fmt: skip
    after: str | None = anchor("the dose, session or assessment that `first` counts from; none is the phase")
    every: Value = number(24.0, "h", "from the start of one session to that of the next",
                          low=1e-3, high=1e6, status="protocol")  # fmt: skip
    count: Value = number(1.0, "1", "how many sessions", low=1, high=100_000, status="protocol", whole=True)
    only_if: str = option("anyone", WHO, "who goes on to it")
    decided_at: str | None = reference("assessment", "the visit that decides who goes on", None)
    compared_with: str | None = reference("assessment", "the visit that a response is measured against", None)
    share: float = response_share(fixed=True, added=True, only_with=("only_if", WHO[1:]))

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse sessions that cannot be held, that overlap, or whose enrolment is decided too late."""
        if not on_ticks(fields, tables):
            yield from clock_faults(fields, tables)
            return
        faults = [*anchor_faults(fields, tables)]
        yield from faults
        if not faults:
            yield from _time_faults(fields, known_start(fields, tables), tables)
            yield from entry_faults(fields, tables)

    def timetable(self, block: Assembly) -> Timetable:
        """Return when the sessions that hold any trials are, in hours of their phase."""
        recurrence = Recurrence(self.first + origin(block, self.after), self.every, self.count)
        held = np.broadcast_to(np.asarray(self.trials) > 0.0, (block.runs,))
        length = block.component("phase", self.phase).length
        return Timetable(recurrence, self.duration, held, length)

    def entering(self, block: Assembly) -> Callable[[], NDArray[np.bool_]]:
        """Return a function that says who goes on to the sessions, ``(runs,)``."""
        only_if, decided, compared = self.only_if, self.decided_at, self.compared_with
        if only_if == "anyone" or decided is None or compared is None or not np.any(self.trials):
            everyone = np.ones(block.runs, dtype=bool)
            return lambda: everyone
        block.build("assessment", decided)
        block.build("assessment", compared)
        return lambda: select_entrants(block, only_if, decided, compared, self.share) > 0.0


def _time_faults(fields: Fields, start: float | None, tables: Tables) -> Iterator[tuple[str, str]]:
    duration, every, many = fields["duration"], fields["every"], fields["count"]
    if fields["trials"] == 0.0:  # an arm without them
        return
    if duration == 0.0:
        yield "duration", "a session of length 0 holds no trials"
        return
    if (many or 2) > 1 and duration is not None and every is not None and duration > every * (1.0 + TOGETHER):
        yield "every", f"sessions overlap: one lasts {duration:g} h, and the next begins after {every:g} h"
    if start is None:
        return
    length, phase = tables["phase"][fields["phase"]]["length"], fields["phase"]
    if start < -TOGETHER:
        yield "first", f"begins {-start:g} h before phase {phase} does"
    elif start >= length:
        yield "first", f"begins after {start:g} h, but phase {phase} lasts {length:g} h"
    elif duration is not None and every is not None and many is not None:
        over = float(Recurrence(start, every).at(many - 1)) + duration
        room = length * (1.0 + TOGETHER) - start - duration
        if over > length * (1.0 + TOGETHER):
            message = f"the last session is over at {over:g} h, but phase {phase} lasts {length:g} h"
            yield ("duration", message) if room < 0.0 else ("count", f"{message} (at most {int(room / every) + 1} fit)")


def overlaps(tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield (path, fault) for two tables that give one person two sessions at once on the same projection."""
    known = [(known_start(fields, tables), fields) for _, fields in sorted(tables["session"].items())]
    timed = [(start, fields) for start, fields in known if start is not None and _regular(fields)]
    for (start, one), (begin, other) in combinations(timed, 2):
        if any(one[key] != other[key] for key in ("phase", "projection")) or _for_others(one, other):
            continue
        held = (Recurrence(at, table["every"]) for at, table in ((start, one), (begin, other)))
        numbers = (np.arange(float(table["count"])) for table in (one, other))
        starts = [np.asarray(sessions.at(number)) for sessions, number in zip(held, numbers, strict=True)]
        if met := _first_meeting(starts, (one["duration"], other["duration"])):
            hour, later = met
            names = [one["name"], other["name"]]
            message = f"overlaps with session.{names[1 - later]}: both are held at {hour:g} h of {one['phase']}"
            yield f"session.{names[later]}.first", message


def _regular(fields: Mapping[str, Any]) -> bool:
    """Whether a table has sessions, at the same times in all runs."""
    return fields["trials"] != 0.0 and all(fields[key] is not None for key in ("duration", "every", "count"))


def _for_others(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether a visit sends responders to one table, and the others to the other."""
    same = all(one.get(key) == other.get(key) for key in ("decided_at", "compared_with"))
    return same and {one["only_if"], other["only_if"]} == {"responder", "non_responder"}


def _first_meeting(starts: list[NDArray[Any]], durations: tuple[float, float]) -> tuple[float, int] | None:
    """Return the hour at which both are first held, and which of the two begins then; None if they never are."""
    found = []
    for later in (1, 0):
        before = np.searchsorted(starts[1 - later], starts[later] + TOGETHER, side="right") - 1
        since = starts[later] - starts[1 - later][np.maximum(before, 0)]
        met = (before >= 0) & (since < durations[1 - later] - TOGETHER)
        found += [(float(hour), later) for hour in starts[later][met][:1]]
    return min(found, default=None, key=lambda meeting: meeting[0])


class Timetable:
    """Sessions at equal intervals, each run's its own.

    Each begins at a moment of the recurrence and lasts `duration` hours; `held` says in which runs there are any.
    The object keeps no state, so it can be asked about any moment in any order.
    """

    def __init__(self, recurrence: Recurrence, duration: Value, held: Any, length: float) -> None:
        runs = np.shape(held)
        self._first, self._every, self._duration = (
            np.broadcast_to(np.asarray(x), runs) for x in (recurrence.first, recurrence.every, duration)
        )
        self._count = np.where(held, np.broadcast_to(np.asarray(recurrence.number_in(length)), runs), 0.0)
        most = int(self._count.max(initial=0.0))
        number, run = np.nonzero(np.arange(most)[:, None] < self._count)
        begins = self._first[run] + number * self._every[run]
        order = np.argsort(begins, kind="stable")
        self._begins, self._runs = begins[order], run[order]
        self._ends = self._begins + self._duration[self._runs]
        self._longest = float(self._duration.max(initial=0.0))

    def among(self, start: float, stop: float) -> Runs:
        """Return the runs in which any part of a session lies between two moments."""
        low, high = np.searchsorted(self._begins, (start - self._longest - TOGETHER, stop - TOGETHER))
        if low == high:
            return self._runs[:0]
        found: Runs = self._runs[low:high][self._ends[low:high] > start + TOGETHER]
        return found

    def at(self, time: Array, runs: Runs) -> tuple[NDArray[np.bool_], Array]:
        """Return whether a session of each run is on just after its `time`, and the next moment at which that ends."""
        first, every = self._first[runs], self._every[runs]
        number = np.maximum(np.floor((time - first) / every + TOGETHER), 0.0)
        begin = first + number * every
        end = begin + self._duration[runs]
        there = number < self._count[runs]
        on = there & (begin <= time + TOGETHER) & (time < end - TOGETHER)
        later = np.where(time < begin - TOGETHER, begin, begin + every)
        left = np.where(time < begin - TOGETHER, number, number + 1.0) < self._count[runs]
        return on, np.where(on, end, np.where(left, later, np.inf))
