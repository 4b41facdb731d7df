"""Visits at which a scale is scored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.declaration import Component, anchor, count, number, numbers, reference
from workbench.component.moments import TOGETHER
from workbench.protocol.schedule import known_start, origin, visit_times, visits_in, visits_of
from workbench.protocol.span import anchor_faults, clock_faults, on_ticks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class Assessment(Component):
    """Visits at listed times, or at equal intervals, at each of which a scale is scored once.

    A visit falls on the first edge of a step at or after its time, and sees what the step left. A session that begins
    on that moment comes after the visit; a dose has just begun. What a visit adds to the score is drawn per subject
    and visit: the same in every arm.
    """

    section: ClassVar[str] = "assessment"
    still: ClassVar[str] = "the protocol is laid out before it runs"
    name: ClassVar[str] = "visits"
    draws: ClassVar[bool] = True
    member: ClassVar[str] = "visit"
    at_most_one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("first", "at"), ("count", "at"))
    equation: ClassVar[str] = "visit k at anchor + at_k, or at anchor + first + (k - 1) every"

    phase: str = reference("phase", "the tick-clock phase it belongs to")
    scale: str = reference("scale", "what is scored")
    at: tuple[float, ...] = numbers((), "h", "the times of the visits", low=-1e6, high=1e6, order="rising")
    first: Value = number(0.0, "h", "time of the first visit where none are listed", low=-1e6, high=1e6,
                          status="protocol")  # fmt: skip
    after: str | None = anchor("the dose, session or assessment that times count from; none is the phase")
    every: Value = number(168.0, "h", "from one visit to the next where none are listed", low=1e-3, high=1e6,
                          status="protocol")  # fmt: skip
    count: int = count(1, "how many visits where none are listed", high=10_000)

    @classmethod
    def members(cls, fields: Fields, tables: Tables) -> int:
        """Return how many visits there are."""
        return visits_in(fields)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse visits outside the phase."""
        if not on_ticks(fields, tables):
            yield from clock_faults(fields, tables)
            return
        faults = [*anchor_faults(fields, tables)]
        yield from faults
        start = None if faults else known_start(fields, tables)
        if start is None:
            return
        length, key = tables["phase"][fields["phase"]]["length"], "at" if fields["at"] else "first"
        hours = visits_of(fields, tables)
        if start < -TOGETHER:
            yield key, f"the first visit is {-start:g} h before phase {fields['phase']} begins"
        elif hours is not None and (last := max(hours)) > length + TOGETHER:
            yield key, f"the last visit is at {last:g} h, after the end of phase {fields['phase']} ({length:g} h)"

    def earliest(self) -> Value:
        """Return the time of the first visit, from the anchor."""
        return min(self.at) if self.at else self.first

    def number_of_visits(self) -> int:
        """Return how many visits there are."""
        return len(self.at) or self.count

    def build(self, block: Assembly, name: str) -> None:
        """Prepare what each visit will read."""
        begin = origin(block, self.after)
        own = visit_times(self.at, self.first, self.every, self.count)
        hours = np.stack([np.broadcast_to(np.asarray(begin + t), (block.runs,)) for t in own])
        scale = block.component("scale", self.scale)
        expected, noise = scale.meter(block), scale.visit_sd * block.draw_once(f"visit:assessment.{name}", len(own))

        def score(visit: int) -> Array:
            found: Array = scale.bounded(expected() + noise[visit])
            return found

        block.visits[name] = Visits(self.phase, hours, np.full((len(own), block.runs), np.nan), score)


@dataclass
class Visits:
    """The visits of one assessment in one block.

    Attributes
    ----------
    hours : array (visits, runs)
        When each visit falls, in the phase.
    scores : array (visits, runs)
        What was scored; NaN before the visit.
    listeners : list of functions (visit, runs it was taken in, hours of the phase)
        What decides about treatment on the scores.
    """

    phase: str
    hours: Array
    scores: Array
    score: Callable[[int], Array]
    open: list[int] = field(default_factory=list)
    soonest: float = np.inf
    listeners: list[Callable[[int, NDArray[np.bool_], float], None]] = field(default_factory=list)
    _fresh: list[tuple[int, NDArray[np.bool_]]] = field(default_factory=list)

    def begin(self, phase: str) -> None:
        """Set up the visits of a phase."""
        self.open = list(range(len(self.hours))) if phase == self.phase else []
        self._await()

    def due(self, stop: float) -> bool:
        """Whether any run has a visit up to `stop` that was not taken yet."""
        return self.soonest <= stop + TOGETHER

    def take(self, stop: float) -> None:
        """Score the visits up to `stop` that were not taken yet."""
        for visit in [v for v in self.open if float(np.min(self.hours[v])) <= stop + TOGETHER]:
            now = (self.hours[visit] <= stop + TOGETHER) & np.isnan(self.scores[visit])
            self.scores[visit][now] = self.score(visit)[now]
            self._fresh.append((visit, now))
            if not np.any(self.hours[visit] > stop + TOGETHER):
                self.open.remove(visit)
        self._await()

    def tell(self, stop: float) -> None:
        """Call the listeners for the visits just taken; all visits of the same moment are scored first."""
        fresh, self._fresh = self._fresh, []
        for visit, now in fresh:
            for listener in self.listeners:
                listener(visit, now, stop)

    def _await(self) -> None:
        waiting = (np.where(np.isnan(self.scores[visit]), self.hours[visit], np.inf) for visit in self.open)
        self.soonest = min((float(np.min(hours)) for hours in waiting), default=np.inf)
