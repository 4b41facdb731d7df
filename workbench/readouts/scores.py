"""What a trial reports of a clinician's scale: scores at visits, response, remission, relapse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.declaration import count, number, option, reference
from workbench.protocol.enrolment import response_limit, response_share
from workbench.quantities import HOURS_PER_DAY
from workbench.readouts.reading import Reading, Readout

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class AtVisits(Readout):
    """Base of what is read off the visits of one assessment, once the protocol is over."""

    assessment: str = reference("assessment", "the visits")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a course, and a window before the end."""
        yield from super().check(fields, tables)
        if fields["section"] == "course":
            yield "readout", f"{cls.name} belongs to visits; for a time course use expected_score"
        elif fields.get("window"):
            yield "window", "visits have times of their own; leave the window out"

    def taken(self, block: Assembly, assessment: str) -> Array:
        """Return the scores ``(visits, runs)`` that will have been taken."""
        block.build("assessment", assessment)
        return block.visits[assessment].scores


@dataclass(frozen=True, kw_only=True)
class SymptomScore(AtVisits):
    """Score of a scale at a visit, with the state of that day in it, or its mean or change over all visits."""

    name: ClassVar[str] = "symptom_score"
    meaning: ClassVar[str] = "points on the scale"
    better: ClassVar[str] = "lower"
    equation: ClassVar[str] = "score at visit k; mean over visits; last visit - first visit"

    take: str = option("visit", ("visit", "mean", "change"), "one visit, the mean of all, or the last less the first")
    visit: int = count(1, "which visit, from 1", high=10_000, not_above="assessment")

    def reading(self, block: Assembly) -> Reading:
        """Look the score up."""
        scores = self.taken(block, self.assessment)
        ways: Mapping[str, Callable[[], Array]] = {
            "visit": lambda: scores[self.visit - 1],
            "mean": lambda: np.add.reduce(scores, axis=0) / len(scores),
            "change": lambda: scores[-1] - scores[0],
        }
        return Reading((), lambda sums, trials: ways[self.take]())


@dataclass(frozen=True, kw_only=True)
class Response(AtVisits):
    """Whether a score has fallen by a share of the person's own score at a visit before."""

    name: ClassVar[str] = "response"
    meaning: ClassVar[str] = "1 where the score fell by the share that counts as a response, else 0"
    better: ClassVar[str] = "higher"
    equation: ClassVar[str] = "1 where score <= (1 - share) * score at the visit compared with"

    visit: int = count(1, "which visit, from 1", high=10_000, not_above="assessment")
    compared_with: str = reference("assessment", "the visit before treatment; its first one counts")
    share: float = response_share()

    def reading(self, block: Assembly) -> Reading:
        """Compare two visits of one person."""
        scores, before = self.taken(block, self.assessment), self.taken(block, self.compared_with)

        def answered(sums: tuple[Array, ...], trials: int) -> Array:
            now, then = scores[self.visit - 1], before[0]
            found: Array = np.where(now <= response_limit(then, self.share), 1.0, 0.0)
            return np.where(np.isfinite(now + then), found, np.nan)

        return Reading((), answered)


@dataclass(frozen=True, kw_only=True)
class Remission(AtVisits):
    """Whether a score is as low as that of people who are well."""

    name: ClassVar[str] = "remission"
    meaning: ClassVar[str] = "1 where the score is at or below the cut, else 0"
    better: ClassVar[str] = "higher"
    equation: ClassVar[str] = "1 where score <= cut"

    visit: int = count(1, "which visit, from 1", high=10_000, not_above="assessment")
    cut: float = number(10.0, "1", "highest score of a remission", low=0.0, high=1e3)

    def reading(self, block: Assembly) -> Reading:
        """Compare with the cut."""
        scores = self.taken(block, self.assessment)

        def well(sums: tuple[Array, ...], trials: int) -> Array:
            now = scores[self.visit - 1]
            return np.where(np.isfinite(now), np.where(now <= self.cut, 1.0, 0.0), np.nan)

        return Reading((), well)


@dataclass(frozen=True, kw_only=True)
class Relapse(AtVisits):
    """Base: a visit is bad where the score is at the cut or above and no longer a response.

    A relapse is the first of `consecutive` bad visits in a row. How often people are seen, and how many visits confirm
    it, changes the number as much as a treatment does: both belong beside it.
    """

    assessment: str = reference("assessment", "the visits at which a relapse may be seen")
    compared_with: str = reference("assessment", "the visit before treatment; its first one counts")
    cut: float = number(20.0, "1", "lowest score of a relapse", low=0.0, high=1e3)
    share: float = response_share()
    consecutive: int = count(
        2, "bad visits in a row that confirm a relapse", high=100, not_above="assessment",
        because="too few for so many in a row",
    )  # fmt: skip

    def first_of_row(self, block: Assembly) -> Callable[[], tuple[Array, Array]]:
        """Return a function that gives whether there is a relapse, and at which visit (from 0) it begins."""
        scores, before = self.taken(block, self.assessment), self.taken(block, self.compared_with)

        def found() -> tuple[Array, Array]:
            bad = (scores >= self.cut) & (scores > response_limit(before[0], self.share))
            rows = np.stack([bad[k : k + self.consecutive].all(axis=0) for k in range(len(bad) - self.consecutive + 1)])
            relapsed = np.asarray(rows.any(axis=0), dtype=np.float64)
            return relapsed, np.asarray(np.argmax(rows, axis=0), dtype=np.float64)

        return found


@dataclass(frozen=True, kw_only=True)
class Relapsed(Relapse):
    """Whether a relapse was seen and confirmed at the visits of an assessment."""

    name: ClassVar[str] = "relapsed"
    meaning: ClassVar[str] = "1 where a relapse was confirmed, else 0"
    better: ClassVar[str] = "lower"
    equation: ClassVar[str] = "1 where `consecutive` visits in a row have score >= cut and less than the share improved"

    def reading(self, block: Assembly) -> Reading:
        """Look for a row of bad visits."""
        first = self.first_of_row(block)
        return Reading((), lambda sums, trials: first()[0])


@dataclass(frozen=True, kw_only=True)
class RelapseTime(Relapse):
    """Days to the first visit of a confirmed relapse; who has none counts with the day of the last visit."""

    name: ClassVar[str] = "relapse_time"
    unit: ClassVar[str] = "day"
    meaning: ClassVar[str] = "days to the first visit of a confirmed relapse, or to the last visit without one"
    better: ClassVar[str] = "higher"
    equation: ClassVar[str] = (
        "time of the first of `consecutive` bad visits - since, or of the last visit if there is none"
    )

    since: float = number(0.0, "h", "time of the phase from which it counts", low=-1e6, high=1e6)

    def reading(self, block: Assembly) -> Reading:
        """Look for a row of bad visits, and when it begins."""
        first, hours = self.first_of_row(block), block.visits[self.assessment].hours

        def days(sums: tuple[Array, ...], trials: int) -> Array:
            relapsed, visit = first()
            at = np.take_along_axis(hours, visit.astype(np.int64)[None], axis=0)[0]
            found: Array = (np.where(relapsed > 0.0, at, hours[-1]) - self.since) / HOURS_PER_DAY
            return found

        return Reading((), days)


@dataclass(frozen=True, kw_only=True)
class ExpectedScore(Readout):
    """Score of a scale at a moment with the chance of the day left out, kept within the scale.

    Where that chance would reach past an end of the scale, the mean over many visits lies further from it.
    """

    name: ClassVar[str] = "expected_score"
    meaning: ClassVar[str] = "points on the scale, the chance of the day left out"
    better: ClassVar[str] = "lower"
    equation: ClassVar[str] = "score without the term of the visit"

    scale: str = reference("scale", "the scale")

    def reading(self, block: Assembly) -> Reading:
        """Take the score of the moment."""
        scale = block.component("scale", self.scale)
        expected = scale.meter(block)
        return Reading((), lambda sums, trials: scale.bounded(expected()))


@dataclass(frozen=True, kw_only=True)
class ChoiceShare(Readout):
    """Share of occasions on which a cue calls up a channel, at a moment."""

    name: ClassVar[str] = "choice_share"
    requires: ClassVar[Mapping[str, str]] = MappingProxyType({"projection.post": "channels"})
    meaning: ClassVar[str] = "share of occasions on which the cue calls up the channel"
    equation: ClassVar[str] = "p_cj"

    projection: str = reference("projection", "the learned way from cues to a choice")
    channel: int = count(2, "the channel, from 1", high=64, not_above="projection.post")
    cue: int = count(1, "the cue, from 1", high=4096, not_above="projection.pre")

    def reading(self, block: Assembly) -> Reading:
        """Take the share of the moment."""
        weight = block.previous(f"projection.{self.projection}.weight")
        way = block.component("projection", self.projection)
        shares, out = block.component("population", way.post).shares(block), np.empty_like(weight)
        return Reading((), lambda sums, trials: shares(weight, out)[self.channel - 1, self.cue - 1].copy())
