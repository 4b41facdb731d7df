"""Sessions in which something is taught: therapy, its sham, or the opposite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.choice import cue_faults
from workbench.circuit.populations import size_of
from workbench.declaration import Component, anchor, number, numbers, option, reference
from workbench.protocol.times import SOON, anchor_faults, clock_faults, known_start, origin
from workbench.protocol.timetable import Timetable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.arrays import Value
    from workbench.assembly import Assembly

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
    name: ClassVar[str] = "training"
    revision: ClassVar[int] = 2
    withheld_by: ClassVar[tuple[str, ...]] = ("trials",)
    equation: ClassVar[str] = (
        "session k = 1 ... count from t_k = anchor + first + (k - 1) every to t_k + duration\n"
        "trials per hour in it = trials / duration"
    )

    phase: str = reference("phase", "the tick-clock phase it belongs to")
    projection: str = reference("projection", "the synapses that it teaches")
    content: str = option("adaptive", CONTENTS, "what is taught")
    targets: tuple[float, ...] = numbers(MISSING, "1", "the cues that it works on, from 1", low=1, high=4096)
    trials: Value = number(20.0, "1", "teaching trials in one session", low=0.0, high=1e6, status="protocol")
    duration: Value = number(0.5, "h", "length of one session", low=0.0, high=1e4, status="protocol")
    fidelity: Value = number(1.0, "1", "how much of a trial gets through to the person", low=0.0, high=100.0)
    first: Value = number(0.0, "h", "start of the first session, from the anchor or the start of the phase",
                          low=-1e6, high=1e6, status="protocol")  # fmt: skip
    after: str | None = anchor("the dose, session or assessment that `first` counts from; none is the phase")
    every: Value = number(24.0, "h", "from the start of one session to that of the next",
                          low=1e-3, high=1e6, status="protocol")  # fmt: skip
    count: Value = number(1.0, "1", "how many sessions", low=1, high=100_000, status="protocol", whole=True)
    only_if: str = option("anyone", ("anyone", "responder", "non_responder"), "who goes on to it")
    decided_at: str | None = reference("assessment", "the visit that decides who goes on", None)
    compared_with: str | None = reference("assessment", "the visit that a response is measured against", None)

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse sessions that cannot be held, overlap, or are decided upon too late."""
        yield from clock_faults(fields, tables)
        faults = [*anchor_faults(fields, tables)]
        yield from faults
        yield from _target_faults(fields, tables)
        if not faults:
            yield from _time_faults(fields, known_start(fields, tables), tables)
            yield from _entry_faults(fields, tables)

    def timetable(self, block: Assembly) -> Timetable:
        """Return when the sessions that hold any trials are, in hours of their phase."""
        first = self.first + origin(block, self.after)
        held = np.broadcast_to(np.asarray(self.trials) > 0.0, (block.runs,))
        length = block.component("phase", self.phase).length
        return Timetable(first, self.every, self.duration, self.count, held, length)

    def entering(self, block: Assembly) -> Callable[[], NDArray[np.bool_]]:
        """Return a function that says who goes on to the sessions, ``(runs,)``."""
        if self.only_if == "anyone" or self.decided_at is None or self.compared_with is None:
            everyone = np.ones(block.runs, dtype=bool)
            return lambda: everyone
        block.build("assessment", self.decided_at)
        block.build("assessment", self.compared_with)
        decided, before = block.visits[self.decided_at], block.visits[self.compared_with]
        wanted = self.only_if == "responder"

        def enters() -> NDArray[np.bool_]:
            answered = decided.scores[0] <= 0.5 * before.scores[0]
            found: NDArray[np.bool_] = np.isfinite(decided.scores[0]) & (answered == wanted)
            return found

        return enters


def _target_faults(fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    way = fields["projection"]
    rule = tables.get("plasticity", {}).get(way)
    if rule is None or rule["rule"] != "tag_and_capture":
        found = "no rule" if rule is None else f"the rule {rule['rule']}"
        yield "projection", f"a session needs synapses with the rule tag_and_capture, but {way} has {found}"
        return
    yield from cue_faults(fields["targets"], size_of(tables, tables["projection"][way]["pre"]), "targets")


def _time_faults(
    fields: Mapping[str, Any], start: float | None, tables: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    duration, every, many = fields["duration"], fields["every"], fields["count"]
    if duration == 0.0:
        yield "duration", "a session of no length holds no trials"
        return
    if (many or 2) > 1 and duration is not None and every is not None and duration > every * (1.0 + SOON):
        yield "every", f"sessions overlap: one lasts {duration:g} h, and the next begins after {every:g} h"
    if start is None:
        return
    length = tables["phase"][fields["phase"]]["length"]
    if start < -SOON:
        yield "first", f"begins {-start:g} h before phase {fields['phase']} does"
    elif start >= length:
        yield "first", f"begins after {start:g} h, but phase {fields['phase']} lasts {length:g} h"


def _entry_faults(fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    places = [fields.get("decided_at"), fields.get("compared_with")]
    if fields["only_if"] == "anyone":
        if any(places):
            yield "only_if", 'is missing: a visit that decides needs only_if = "responder" or "non_responder"'
        return
    for key, place in zip(("decided_at", "compared_with"), places, strict=True):
        if place is None or place not in tables.get("assessment", {}):
            yield key, f'is missing: only_if = "{fields["only_if"]}" needs the visit of an assessment'
            return
    visit = tables["assessment"][str(places[0])]
    start, decided = (known_start(found, tables) for found in (fields, visit))
    if start is not None and decided is not None and decided > start + SOON:
        yield "decided_at", f"is decided at {decided:g} h, after the first session at {start:g} h"
