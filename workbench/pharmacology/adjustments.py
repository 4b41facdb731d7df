"""Visits that change what is given: a dose raised, held or stopped, and who goes on to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.declaration import Component, count, number, option, reference
from workbench.component.moments import TOGETHER, round_hours
from workbench.protocol.enrolment import (
    describe_time,
    entry_faults,
    is_outside_phase,
    precedes,
    response_limit,
    response_share,
    select_entrants,
)
from workbench.protocol.schedule import known_start, last_dose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly, DoseFactors
    from workbench.component.tables import Fields, Tables


MOST = 1e6
"""mg, or mg/kg: a limit that is not reached."""


def enrolment_faults(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield why no one could be selected to go on to a dose."""
    if fields["only_if"] != "anyone" and fields.get("steady_state"):
        yield "only_if", "with steady_state no visit comes before the first dose; leave steady_state out"
        return
    yield from entry_faults(fields, tables)


def place_faults(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with when visits and doses are."""
    dose, visits = tables["dose"][fields["dose"]], tables["assessment"][fields["assessment"]]
    during = dose["during"]
    clock = tables["phase"][during].component.clock
    if clock != "tick":
        yield "dose", f"{fields['dose']} is given on the {clock} clock; visits change doses of tick-clock phases only"
        return
    if is_outside_phase(visits, tables):
        return  # the assessment says so itself
    if visits["phase"] != during:
        where = (
            f"visits of {fields['assessment']} are in phase {visits['phase']}, doses of {fields['dose']} in {during}"
        )
        yield "assessment", f"{where}: visits change doses of their own phase"
        return
    last, start = last_dose(dose, tables), known_start(visits, tables)
    if last is not None and start is not None and start >= last - TOGETHER:
        reason = f"the first visit is at {start:g} h, the last dose at {last:g} h"
        yield "assessment", f"no dose is left to change: {reason}"
    before = fields.get("compared_with")
    if fields["condition"] not in ("response", "no_response"):
        if before is not None:
            yield "compared_with", f"goes with response and no_response; {fields['condition']} uses the cut"
    elif before is None:
        yield "compared_with", f'is missing: condition = "{fields["condition"]}" needs the visit of an assessment'
    elif not precedes(tables["assessment"][before], visits, tables):
        base = describe_time(tables["assessment"][before], tables)
        yield "assessment", f"its first visit, {describe_time(visits, tables)}, is not after that of {before}, {base}"


def conflicts(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield what another adjustment of the same dose decides already; reported at the later of the two by name."""
    for name, other in sorted(tables["adjustment"].items()):
        # Each pair once, at the later name, so that one mistake is reported once.
        if other["dose"] != fields["dose"] or name >= fields["name"]:
            continue
        if other.offers("raises") and fields.offers("raises"):
            yield "dose", f"{fields['dose']} is already titrated by adjustment.{name}"
        elif _finding(fields) == _finding(other):
            yield "condition", f"adjustment.{name} ({other.kind}) already decides on what the same visits find"


def _finding(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what visits have to find for an adjustment."""
    compared = fields["condition"] in ("response", "no_response")
    against = (fields.get("compared_with"), fields["share"]) if compared else (fields["cut"],)
    in_a_row = fields.get("consecutive") or 1  # a titration looks at each visit by itself
    return (fields["assessment"], fields["condition"], in_a_row, *against)


def raising_faults(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield why a dose cannot be titrated so."""
    dose = tables["dose"][fields["dose"]]
    if dose.get("titration_step"):
        yield "dose", f"{fields['dose']} is already titrated by the days (titration_step)"
        return
    if dose.offers("own amounts"):
        yield (
            "dose",
            f"{fields['dose']} is a table with its own amounts, which no step raises; use hold or stop",
        )
        return
    first, start = known_start(dose, tables), known_start(tables["assessment"][fields["assessment"]], tables)
    if first is not None and start is not None and start < first - TOGETHER:
        yield "assessment", f"the first visit, at {start:g} h, is before the first dose, at {first:g} h"
    yield from _amount_faults(fields, dose)


def _amount_faults(fields: Fields, dose: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "body_weight" not in dose:
        for key in ("step_per_weight", "maximum_per_weight"):
            if fields[key] not in (0.0, MOST):
                yield key, f"a dose of regimen {dose['regimen']} has no body weight; give mg"
        weight, full = None, dose.get("amt")
    else:
        weight, amount, weighed = (dose.get(key) for key in ("body_weight", "amount", "amount_per_weight"))
        known = None not in (amount, weighed) and (weight is not None or not weighed)
        full = amount + (weighed * weight if weighed else 0.0) if known else None  # type: ignore[operator]
    if full is None:
        return
    limits = [("maximum", "mg", full)]
    limits += [("maximum_per_weight", "mg/kg", full / weight)] if weight else []
    for key, unit, start in limits:
        most = fields[key]
        # Weight times mg/kg rounds: a maximum equal to the first amount must pass.
        if most is not None and most < start * (1.0 - TOGETHER):
            yield key, f"a maximum of {most:g} {unit} is below what it starts at ({start:g} {unit})"


CONDITIONS = ("no_response", "response", "at_or_below", "at_or_above")
"""What a visit may find: against the baseline visit, or against a cut."""


def adjusted(block: Assembly, dose: str) -> DoseFactors:
    """Return what visits make of the doses of a table."""
    return block.adjusted.setdefault(dose, DoseModifier(block.runs))


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
    done: ClassVar[str] = "changed"
    """Effects of the visits on the doses."""

    dose: str = reference("dose", "what is adjusted", acts=True)
    assessment: str = reference("assessment", "the visits at which it is decided")
    condition: str = option("no_response", CONDITIONS, "what a visit has to find")
    compared_with: str | None = reference("assessment", "the visit that a response is measured against", None)
    share: Value = response_share()
    cut: Value = number(10.0, "1", "score for at_or_below and at_or_above", low=-1e3, high=1e3, status="protocol")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse visits that no dose follows, or that have no earlier visit to compare with."""
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
            doses.change(name, decide(now, found(visit)), float(round_hours(begin + hours)))

        visits.listeners.append(listen)

    def decision(self, block: Assembly, doses: DoseFactors) -> Callable[[NDArray[np.bool_], NDArray[np.bool_]], Array]:
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
            # Who missed either visit has NaN, which compares as false and would count as no response.
            known: NDArray[np.bool_] = np.isfinite(scores[visit] + limit)
            found: NDArray[np.bool_] = known & ((scores[visit] <= limit) == answer)
            return found

        return compared


@dataclass(frozen=True, kw_only=True)
class Titrate(Adjustment):
    """The next amount at each visit that finds the condition, usually no response, up to a maximum."""

    name: ClassVar[str] = "titrate"
    done: ClassVar[str] = "raised"
    offers: ClassVar[frozenset[str]] = frozenset({"raises"})
    equation: ClassVar[str] = (
        "amount of a dose = min(full + step n, maximum); n visits before it have found the condition\n"
        "step and maximum: mg + mg/kg times the body weight of the dose"
    )

    any_of: ClassVar[tuple[tuple[str, ...], ...]] = (("step", "step_per_weight"),)

    step: Value = number(0.0, "mg", "what is added", low=0.0, high=MOST, status="protocol")
    step_per_weight: Value = number(
        0.0, "mg/kg", "what is added for each kg of body weight", low=0.0, high=1e4, status="protocol"
    )
    maximum: Value = number(MOST, "mg", "amount that is not exceeded", low=0.0, high=MOST, status="protocol")
    maximum_per_weight: Value = number(
        MOST, "mg/kg", "amount for each kg of body weight that is not exceeded", low=0.0, high=MOST, status="protocol"
    )

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Also refuse a titration that never rises or rises too early."""
        found = [*super().check(fields, tables)]
        yield from found or raising_faults(fields, tables)

    def decision(self, block: Assembly, doses: DoseFactors) -> Callable[[NDArray[np.bool_], NDArray[np.bool_]], Array]:
        """Count the visits that raise."""
        dose = block.component("dose", self.dose)
        full, weight = np.asarray(dose.full), getattr(dose, "body_weight", 1.0)
        step = self.step + self.step_per_weight * weight
        most = np.minimum(self.maximum, self.maximum_per_weight * weight)
        # A dose of 0 stays 0, so its factor is free; 1 avoids a division by 0.
        raised, given = np.zeros(block.runs), np.where(full > 0.0, full, 1.0)

        def amount(now: NDArray[np.bool_], met: NDArray[np.bool_]) -> Array:
            raised[now & met] += 1.0
            # The maximum limits what is raised and never lowers a first amount that is above it.
            found: Array = np.minimum(np.maximum(most / given, 1.0), 1.0 + raised * (step / given))
            return found

        return amount


@dataclass(frozen=True, kw_only=True)
class Hold(Adjustment):
    """No doses while the last visit found the condition: a pause in remission, or while a score is too high."""

    name: ClassVar[str] = "hold"
    done: ClassVar[str] = "held"
    equation: ClassVar[str] = "amount of a dose = 0 where the last visit before it found the condition"

    condition: str = option("at_or_below", CONDITIONS, "what a visit has to find")

    def decision(self, block: Assembly, doses: DoseFactors) -> Callable[[NDArray[np.bool_], NDArray[np.bool_]], Array]:
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
    done: ClassVar[str] = "stopped"
    equation: ClassVar[str] = "amount of a dose = 0 once `consecutive` visits in a row before it found the condition"

    consecutive: int = count(
        1, "visits in a row that find it", high=10_000, not_above="assessment",
        because="there are too few visits for so many in a row",
    )  # fmt: skip

    def decision(self, block: Assembly, doses: DoseFactors) -> Callable[[NDArray[np.bool_], NDArray[np.bool_]], Array]:
        """Count visits in a row."""
        row, stopped = np.zeros(block.runs, dtype=np.int64), np.zeros(block.runs, dtype=bool)

        def amount(now: NDArray[np.bool_], met: NDArray[np.bool_]) -> Array:
            row[now] = np.where(met, row + 1, 0)[now]
            stopped[now & (row >= self.consecutive)] = True
            doses.ended |= stopped
            return np.where(stopped, 0.0, 1.0)

        return amount


def enrol(block: Assembly, name: str, only_if: str, decided_at: str, compared_with: str, share: float) -> None:
    """Give the doses of a table only to the people who go on."""
    for assessment in (decided_at, compared_with):
        block.build("assessment", assessment)
    doses, visits = adjusted(block, name), block.visits[decided_at]
    begin = exposure_of(block, block.component("dose", name).drug).phases[visits.phase][0]

    def listen(visit: int, now: NDArray[np.bool_], hours: float) -> None:
        if visit == 0:
            going_on = select_entrants(block, only_if, decided_at, compared_with, share)
            doses.change("only_if", going_on, float(round_hours(begin + hours)))

    # From the first moment on: a dose that comes before the decision must not be given to anyone.
    doses.change("only_if", np.zeros(block.runs), -np.inf)
    visits.listeners.append(listen)


class DoseModifier:
    """A factor on the amount of each dose, by run and by when the dose is given.

    A change at a moment holds for doses given after it. A dose that was given before, or at that moment, keeps its
    amount for good, so the same moment always has the same amounts.

    Attributes
    ----------
    parts : mapping name -> array (runs,)
        The factor of each adjustment now.
    ended : array (runs,)
        Who gets no more doses, whatever a later visit finds.
    """

    def __init__(self, runs: int) -> None:
        self.parts: dict[str, Array] = {}
        self.ended = np.zeros(runs, dtype=bool)
        self._runs = runs
        self._changes: list[tuple[Value, Array]] = []

    def change(self, name: str, factor: Array, after: float) -> None:
        """Let the adjustment `name` have a factor for doses given after an hour of the protocol."""
        # Every change costs a comparison in each dose that follows.
        if np.all(factor == self.parts.get(name, 1.0)):
            return
        self.parts[name] = factor
        # Multiplied anew: dividing the old factor out fails at 0 and rounds.
        product: Any = np.ones(self._runs)
        for part in self.parts.values():
            product = product * part
        self._changes.append((after, product))

    def factor(self, given: Value) -> Value:
        """Return the factor of the doses given at an hour of the protocol, in each run."""
        found: Value = 1.0
        for after, factor in self._changes:
            # A dose at the very moment of a visit was given before it, whatever the sums of hours round to.
            found = np.where(np.asarray(given) > after + TOGETHER, factor, found)
        return found
