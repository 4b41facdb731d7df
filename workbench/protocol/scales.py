"""What a clinician's scale sees of the circuit, and what improves without drug and therapy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.declaration import Component, anchor, count, number, numbers, reference
from workbench.protocol.schedule import origin
from workbench.protocol.span import anchor_faults, clock_faults

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class Expectancy(Component):
    """Improvement that comes with being treated at all: expectancy, attention, regression to the mean.

    `unblinding` adds a share of it where the named dose is above 0: people can tell what they were given. It is
    written in the file and swept, never hidden.
    """

    section: ClassVar[str] = "expectancy"
    name: ClassVar[str] = "exponential"
    equation: ClassVar[str] = (
        "X(t) = (lasting + (early - lasting) exp(-t / decay)) (1 - exp(-t / onset)) * factor\n"
        "times 1 + unblinding where the active dose is above 0; t from the anchor, X = 0 before"
    )

    phase: str = reference("phase", "the tick-clock phase it belongs to")
    early: Value = number(9.0, "1", "fall in points at first", low=-100.0, high=100.0)
    lasting: Value = number(5.2, "1", "fall in points that lasts", low=-100.0, high=100.0)
    decay: Value = number(769.0, "h", "time constant from the first to the lasting fall", low=1e-3, high=1e6)
    onset: Value = number(3.0, "h", "time constant of its coming", low=1e-6, high=1e4)
    factor: Value = number(1.0, "1", "how strongly a person answers to being treated", low=0.0, high=100.0)
    first: Value = number(0.0, "h", "when it begins, from the anchor or the start of the phase", low=-1e6, high=1e6)
    after: str | None = anchor("the dose, session or assessment that `first` counts from; none is the phase")
    unblinding: Value = number(
        0.0, "1", "share added where an active dose was given", low=0.0, high=10.0, needs="active"
    )
    active: str | None = reference("dose", "the dose that people may recognise", None)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse other clocks, and times that count from nothing."""
        yield from clock_faults(fields, tables)
        yield from anchor_faults(fields, tables)

    def fall(self, block: Assembly) -> Callable[[], Value]:
        """Return a function that gives the fall in points now."""
        begin, strength = self.first + origin(block, self.after), self.factor
        if self.active is not None:
            given = np.asarray(block.component("dose", self.active).full) > 0.0
            strength = strength * np.where(given, 1.0 + self.unblinding, 1.0)

        def points() -> Value:
            if block.phase != self.phase:
                return 0.0
            past = np.maximum(block.hours - begin, 0.0)
            size = self.lasting + (self.early - self.lasting) * np.exp(-past / self.decay)
            return size * -np.expm1(-past / self.onset) * strength

        return points


@dataclass(frozen=True, kw_only=True)
class ChoiceWeighted(Component):
    """A score that rises with how often one channel is chosen on some cues, less what expectancy takes off.

    The first of `cues` has the weight `leading`, the others share the rest. At each visit the state of that day is
    added, drawn per subject and visit.
    """

    section: ClassVar[str] = "scale"
    name: ClassVar[str] = "choice_weighted"
    requires: ClassVar[Mapping[str, str]] = MappingProxyType({"projection.plasticity": "sessions"})
    equation: ClassVar[str] = (
        "score = clip(floor + span (leading p_1 + (1 - leading) mean p_others) - X + persistent + visit_sd N(0, 1))"
    )
    sources: ClassVar[tuple[str, ...]] = ("MontgomeryAsberg1979",)

    projection: str = reference("projection", "the learned way from cues to a choice")
    channel: int = count(2, "the channel that makes the score rise, from 1", high=64, not_above="projection.post")
    cues: tuple[float, ...] = numbers(
        MISSING, "1", "the cues that count, from 1", low=1, high=4096, members_of="projection.pre"
    )
    leading: Value = number(0.54, "1", "weight of the first cue", low=0.0, high=1.0)
    floor: Value = number(5.0, "1", "score where the channel is never chosen", low=-1e3, high=1e3)
    span: Value = number(42.0, "1", "points from never to always", low=0.0, high=1e3)
    persistent: Value = number(0.0, "1", "points by which a person always scores higher", low=-100.0, high=100.0)
    visit_sd: Value = number(10.3, "1", "standard deviation from visit to visit", low=0.0, high=100.0)
    lowest: Value = number(0.0, "1", "lowest possible score", low=-1e3, high=1e3)
    highest: Value = number(60.0, "1", "highest possible score", low=-1e3, high=1e3, above="lowest")
    expectancy: str | None = reference("expectancy", "what improves by being treated at all", None)

    def meter(self, block: Assembly) -> Callable[[], Array]:
        """Return a function that gives the expected score now, for every run."""
        way = block.component("projection", self.projection)
        weight = block.previous(f"projection.{self.projection}.weight")
        shares, taken = block.component("population", way.post).shares(block), np.empty_like(weight)
        row, (lead, *others) = self.channel - 1, (int(cue) - 1 for cue in self.cues)
        fall = block.component("expectancy", self.expectancy).fall(block) if self.expectancy else lambda: 0.0

        def expected() -> Array:
            chosen = shares(weight, taken)[row]
            part: Any = chosen[lead]
            if others:
                rest = np.add.reduce(chosen[others], axis=0) / len(others)
                part = self.leading * part + (1.0 - self.leading) * rest
            found: Array = self.floor + self.span * part - fall() + self.persistent
            return found

        return expected

    def bounded(self, score: Array) -> Array:
        """Return a score within what the scale can show."""
        return np.minimum(np.maximum(score, self.lowest), self.highest)
