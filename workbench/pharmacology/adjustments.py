"""Visits that change what is given: a dose raised, held or stopped, and who goes on to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.declaration import Component, count, number, option, reference
from workbench.component.moments import moment
from workbench.pharmacology.adjusted import Adjusted
from workbench.pharmacology.adjustment_faults import MOST, conflicts, place_faults, raising_faults, row_faults
from workbench.protocol.enrolment import entering, response_limit, response_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly

CONDITIONS = ("no_response", "response", "at_or_below", "at_or_above")
"""What a visit may find: against the baseline visit, or against a cut."""


def adjusted(block: Assembly, dose: str) -> Adjusted:
    """Return what visits make of the doses of a table."""
    return block.adjusted.setdefault(dose, Adjusted(block.runs))


def exposure_of(block: Assembly, drug: str) -> Any:
    """Return the running concentration of a drug, which is built first if need be."""
    block.build("drug", drug)
    component = block.component("drug", drug)
    return next(e for e in block.exposures if getattr(e, "declared", None) is component)


@dataclass(frozen=True, kw_only=True)
class Adjustment(Component):
    """Base: what is decided at each visit of one assessment about the doses of one table that follow.

    It is decided on the score as the clinic sees it, with the chance of the day in it, and at no other time. A dose
    that is given at the moment of a visit comes before it: what has begun keeps its amount. A dose of 0 stays 0.
    """

    section: ClassVar[str] = "adjustment"

    dose: str = reference("dose", "what is adjusted", acts=True)
    assessment: str = reference("assessment", "the visits at which it is decided")
    condition: str = option("no_response", CONDITIONS, "what a visit has to find")
    compared_with: str | None = reference("assessment", "the visit that a response is measured against", None)
    share: Value = response_share()
    cut: Value = number(10.0, "1", "score for at_or_below and at_or_above", low=-1e3, high=1e3, status="protocol")

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse visits that no dose follows, or that nothing came before."""
        fault = next(place_faults(fields, tables), None) or next(conflicts(fields, tables), None)
        if fault:
            yield fault

    def build(self, block: Assembly, name: str) -> None:
        """Wait for the visits."""
        for assessment in filter(None, (self.assessment, self.compared_with)):
            block.build("assessment", assessment)
        doses, visits = adjusted(block, self.dose), block.visits[self.assessment]
        begin = exposure_of(block, block.component("dose", self.dose).drug).phases[visits.phase][0]
        found, decide = self._found(block), self.decision(block, doses)

        def listen(visit: int, now: NDArray[np.bool_], hours: float) -> None:
            doses.change(name, decide(now, found(visit)), float(moment(begin + hours)))

        visits.listeners.append(listen)

    def decision(self, block: Assembly, doses: Adjusted) -> Callable[[NDArray[np.bool_], NDArray[np.bool_]], Array]:
        """Return a function (runs seen now, runs in which the condition is met) that gives the factor on a dose."""
        raise NotImplementedError

    def _found(self, block: Assembly) -> Callable[[int], NDArray[np.bool_]]:
        """Return a function that says in which runs a visit has found the condition."""
        scores = block.visits[self.assessment].scores
        if self.condition == "at_or_below":
            return lambda visit: np.less_equal(scores[visit], self.cut)
        if self.condition == "at_or_above":
            return lambda visit: np.greater_equal(scores[visit], self.cut)
        before, answer = block.visits[str(self.compared_with)].scores, self.condition == "response"

        def compared(visit: int) -> NDArray[np.bool_]:
            limit = response_limit(before[0], self.share)
            known: NDArray[np.bool_] = np.isfinite(scores[visit] + limit)
            found: NDArray[np.bool_] = known & ((scores[visit] <= limit) == answer)
            return found

        return compared


@dataclass(frozen=True, kw_only=True)
class Titrate(Adjustment):
    """The next amount at each visit that finds the condition, usually no response, up to a maximum."""

    name: ClassVar[str] = "titrate"
    equation: ClassVar[str] = (
        "amount of a dose = min(full + step n, maximum); n visits before it have found the condition\n"
        "step and maximum: mg + mg/kg times the body weight of the dose"
    )

    step: Value = number(0.0, "mg", "what is added", low=0.0, high=MOST, status="protocol")
    step_per_weight: Value = number(
        0.0, "mg/kg", "what is added for each kg of body weight", low=0.0, high=1e4, status="protocol"
    )
    maximum: Value = number(MOST, "mg", "amount that is not passed", low=0.0, high=MOST, status="protocol")
    maximum_per_weight: Value = number(
        MOST, "mg/kg", "amount for each kg of body weight that is not passed", low=0.0, high=MOST, status="protocol"
    )

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse also what never rises or rises too early."""
        found = [*super().check(fields, tables)]
        yield from found or raising_faults(fields, tables)

    def decision(self, block: Assembly, doses: Adjusted) -> Callable[[NDArray[np.bool_], NDArray[np.bool_]], Array]:
        """Count the visits that raise."""
        dose = block.component("dose", self.dose)
        full, weight = np.asarray(dose.full), getattr(dose, "body_weight", 1.0)
        step = self.step + self.step_per_weight * weight
        most = np.minimum(self.maximum, self.maximum_per_weight * weight)
        raised, given = np.zeros(block.runs), np.where(full > 0.0, full, 1.0)

        def amount(now: NDArray[np.bool_], met: NDArray[np.bool_]) -> Array:
            raised[now & met] += 1.0
            found: Array = np.minimum(np.maximum(most / given, 1.0), 1.0 + raised * (step / given))
            return found

        return amount


@dataclass(frozen=True, kw_only=True)
class Hold(Adjustment):
    """No doses while the last visit found the condition: a pause in remission, or while a score is too high."""

    name: ClassVar[str] = "hold"
    equation: ClassVar[str] = "amount of a dose = 0 where the last visit before it found the condition"

    condition: str = option("at_or_below", CONDITIONS, "what a visit has to find")

    def decision(self, block: Assembly, doses: Adjusted) -> Callable[[NDArray[np.bool_], NDArray[np.bool_]], Array]:
        """Keep who is held now."""
        held = np.zeros(block.runs, dtype=bool)

        def amount(now: NDArray[np.bool_], met: NDArray[np.bool_]) -> Array:
            held[now] = met[now]
            return np.where(held, 0.0, 1.0)

        return amount


@dataclass(frozen=True, kw_only=True)
class Stop(Adjustment):
    """No more doses once a number of visits in a row have found the condition, such as no response or a remission."""

    name: ClassVar[str] = "stop"
    equation: ClassVar[str] = "amount of a dose = 0 once `consecutive` visits in a row before it found the condition"

    consecutive: int = count(1, "visits in a row that find it", high=10_000)

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse also more visits in a row than there are before the last dose."""
        found = [*super().check(fields, tables)]
        yield from found or row_faults(fields, tables)

    def decision(self, block: Assembly, doses: Adjusted) -> Callable[[NDArray[np.bool_], NDArray[np.bool_]], Array]:
        """Count visits in a row."""
        row, stopped = np.zeros(block.runs, dtype=np.int64), np.zeros(block.runs, dtype=bool)

        def amount(now: NDArray[np.bool_], met: NDArray[np.bool_]) -> Array:
            row[now] = np.where(met, row + 1, 0)[now]
            stopped[now & (row >= self.consecutive)] = True
            doses.ended |= stopped
            return np.where(stopped, 0.0, 1.0)

        return amount


def enrol(block: Assembly, name: str, only_if: str, decided_at: str, compared_with: str, share: float) -> None:
    """Give the doses of a table only to who goes on."""
    for assessment in (decided_at, compared_with):
        block.build("assessment", assessment)
    doses, visits = adjusted(block, name), block.visits[decided_at]
    begin = exposure_of(block, block.component("dose", name).drug).phases[visits.phase][0]

    def listen(visit: int, now: NDArray[np.bool_], hours: float) -> None:
        if visit == 0:
            going_on = entering(block, only_if, decided_at, compared_with, share)
            doses.change("only_if", going_on, float(moment(begin + hours)))

    doses.change("only_if", np.zeros(block.runs), -np.inf)
    visits.listeners.append(listen)
