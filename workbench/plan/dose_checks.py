"""Doses outside what labels and trials report: noted, not refused, however the amount is given.

What a plan gives is worked out arm by arm, from the numbers that its runs will have: plain doses and those by weight,
records, tables, titrations, adjustments, sweeps and ``--set`` alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.component.field_path import field_path
from workbench.errors import Problem
from workbench.plan.columns import Rows, Swept
from workbench.plan.groups import ArmSlice, Group
from workbench.plan.run_plans import StudyPlan
from workbench.protocol.dose_record import DoseRecord
from workbench.protocol.schedule import Recurrence, in_force, number_before, phase_hours
from workbench.quantities import HOURS_PER_DAY
from workbench.scenario.dose_ranges import range_of
from workbench.scenario.dosing import people_of
from workbench.scenario.model import DoseRange, Span, Table
from workbench.scenario.places import Places

Numbers = NDArray[np.float64]
Draws = Callable[[range], Mapping[str, Numbers]]
Fields = Mapping[str, Any]
Tables = dict[str, dict[str, Fields]]
MOST_RUNS = 100_000
"""So many runs of one arm are looked at, spread over its points and subjects."""
MOST_DOSES = 1_000
"""So many further doses of one record are looked at: whatever a day holds has come by then."""
DAY = HOURS_PER_DAY
UNREACHED = 1e6
"""mg, mg/kg or mg a day: a maximum that stands for none."""
REFERENCE_WEIGHT = 70.0
"""kg; for a person without a stated weight."""
NEAR = 1e-9


def dose_notes(places: Places, study: StudyPlan, draws: Draws, reported: set[tuple[object, ...]]) -> Iterator[Problem]:
    """Yield a note for each implausible dose of a study; `reported` collects what was noted before."""
    for group in study.groups:
        for arm_slice in group.arm_slices:
            for problem, rule in _check_arm_slice(places, study, group, arm_slice, draws):
                key = problem.line, problem.column, problem.key, rule
                if key not in reported:
                    reported.add(key)
                    yield problem


def _check_arm_slice(
    places: Places, study: StudyPlan, group: Group, arm_slice: ArmSlice, draws: Draws
) -> Iterator[tuple[Problem, str]]:
    """Yield (note, rule) for each drug that an arm gives and whose doses are known."""
    tables: Tables = {}
    for table in group.structure.tables:
        tables.setdefault(table.section, {})[table.name] = dict(table.fields)
    given_of: Tables = {}
    for name, dose in tables.get("dose", {}).items():
        given_of.setdefault(str(dose.get("drug")), {})[name] = dose
    for drug in places.scenario.tables.get("drug", {}).values():
        known = range_of(drug)
        mine = given_of.get(drug.name, {})
        if known is None or not mine:
            continue
        runs = _Runs(study, arm_slice, draws)
        given = [_given(runs, name, dose, drug, _length(dose, tables)) for name, dose in mine.items()]
        for one in (*given, *(raised for plain in given for raised in _raised(runs, plain, tables))):
            for when, span, amount in _amounts(known, one, given):
                at = _worst(amount, span)
                if at is None:
                    continue
                side = "above" if amount.flat[at] > span.high else "below"
                where, moved = runs.where(one, at)
                arm = study.arms[arm_slice.arm]
                message = (
                    f"{amount.flat[at]:,.6g} {span.unit} of {drug.substance or drug.name}{when} is {side} what is"
                    f" plausible, {span} ({', '.join(known.source)}), in arm {arm}" + (f" at {where}" if where else "")
                )
                yield places.problem(one.path, message, study=study.name, arm=arm, moved=moved), f"{side}{when}"


@dataclass(frozen=True)
class Given:
    """What one table gives, run by run: the largest dose and the most of a day, in mg.

    `first` and `last` are the hours of the phase `during` between which it gives, `weight` (kg) is the person's, `path`
    the field that says the amount; `full` is a dose before any visit changes it, `a_day` how many a day holds.
    """

    name: str
    path: str
    during: str
    single: Numbers
    daily: Numbers
    first: Numbers
    last: Numbers
    weight: Numbers
    full: Numbers
    a_day: Numbers


def _amounts(known: DoseRange, one: Given, given: Sequence[Given]) -> Iterator[tuple[str, Span, Numbers]]:
    """Yield (words, what is plausible, amounts in its unit) for what is known of single doses and of a day."""
    together = one.daily
    for other in given:
        if other.name != one.name and other.during == one.during:
            near = (other.first < one.last + DAY) & (one.first < other.last + DAY)
            together = together + np.where(near, other.daily, 0.0)
    for span, amount, words in ((known.single, one.single, " at one time"), (known.daily, together, "")):
        if span is not None:
            yield words, span, np.atleast_1d(amount / one.weight if "/kg" in span.unit else amount)


def _worst(amount: Numbers, span: Span) -> int | None:
    """Return the run that lies furthest outside a span, None if all lie in it or get nothing."""
    highest, given = int(amount.argmax()), np.where(amount > 0.0, amount, np.inf)
    if amount[highest] > span.high * (1.0 + NEAR):
        return highest
    lowest = int(given.argmin())
    return lowest if given[lowest] < span.low * (1.0 - NEAR) else None


class _Runs:
    """The numbers that one arm's runs have, at fixed structural levels; of very many runs some."""

    def __init__(self, study: StudyPlan, arm_slice: ArmSlice, draws: Draws) -> None:
        self._study, self._slab, self._draws = study, arm_slice, draws

    @cached_property
    def _rows(self) -> Rows:
        points = min(len(self._slab.points), MOST_RUNS)
        subjects = max(min(self._study.subjects, MOST_RUNS // points), 1)
        members = np.unique(np.linspace(0, len(self._slab.points) - 1, points).astype(np.int64))
        people = np.tile(np.arange(subjects), len(members))
        drawn = {name: values[people] for name, values in self._draws(range(subjects)).items()}
        return Rows(self._study.points, np.repeat(self._slab.points.ordinals(members), subjects), people, drawn)

    def has(self, path: str) -> bool:
        """Whether the table has such a number."""
        return path in self._slab.forms

    def of(self, path: str, otherwise: float) -> Numbers:
        """Return a number in each run: one entry where it is the same in all, `otherwise` where it has none."""
        form = self._slab.forms.get(path)
        if form is None:
            return np.array([otherwise])
        return form.values(self._rows) if form.constant is None else np.array([form.constant])

    def where(self, one: Given, at: int) -> tuple[str, list[str]]:
        """Return in words at which swept values of what is given a run stands, and the swept paths."""
        own = (f"dose.{one.name}.", f"{field_path(one.path).table}.")
        moved: dict[str, str] = {}
        for path, form in self._slab.forms.items():
            if not path.startswith(own):
                continue
            for part in (part for part in (form.base, *form.factors) if isinstance(part, Swept)):
                level = part.levels[self._rows.points.digit(self._rows.ordinals[at : at + 1], part.group)[0]]
                moved[part.path] = f"{part.path} = {level:g} {part.unit}".removesuffix(" 1")
        return ", ".join(moved.values()), [*moved, *(path for path in self._slab.levels if path.startswith(own))]


def _length(dose: Fields, tables: Tables) -> float:
    """Return how long the phase of a dose lasts, in hours; infinite where that is not known."""
    hours = phase_hours(tables.get("phase", {}).get(str(dose.get("during")), {}))
    return np.inf if hours is None else hours


def _given(runs: _Runs, name: str, fields: Fields, drug: Table, length: float) -> Given:
    """Return what a table of any regimen gives in its phase of `length` hours."""
    own, during = f"dose.{name}.", str(fields.get("during", ""))
    weight = runs.of(f"drug.{drug.name}.body_weight", REFERENCE_WEIGHT)
    if isinstance(records := fields.get("table"), tuple):
        factor = runs.of(f"{own}amount_factor", 1.0) * runs.of(f"{own}given", 1.0)
        single, most, first, last = _of_records(records, length)
        each = (single * factor, most * factor, first, last, weight, single * factor, 1.0)
        return Given(name, f"{own}table", during, *np.broadcast_arrays(*each))
    if runs.has(f"{own}amt"):
        full, start, field = runs.of(f"{own}amt", 0.0), runs.of(f"{own}time", 0.0), "amt"
        full = full * runs.of(f"{own}given", 1.0)
        every = runs.of(f"{own}ii", 0.0)
        asked, until = np.array([float(fields.get("addl") or 0) + 1.0]), np.array([np.inf])
    else:
        plainly, weighed = runs.of(f"{own}amount", 0.0), runs.of(f"{own}amount_per_weight", 0.0)
        weight = runs.of(f"{own}body_weight", REFERENCE_WEIGHT) if np.any(weighed) else weight
        full, field = plainly + weighed * weight, "amount_per_weight" if np.any(weighed) else "amount"
        every, start = runs.of(f"{own}every", DAY), runs.of(f"{own}first", 0.0)
        asked, until = runs.of(f"{own}count", 0.0), runs.of(f"{own}until", np.inf)
        asked = np.where(asked > 0.0, asked, np.inf)
    gaps = np.where(every > 0.0, every, DAY)
    count = Recurrence(start, gaps, asked, until).number_in(length)
    full = np.where(count > 0.0, full, 0.0)
    settled = bool(fields.get("ss") or fields.get("steady_state"))  # then it has gone on before
    a_day = np.maximum(np.minimum(np.inf if settled else count, DAY / gaps), 1.0)
    rises = runs.of(f"{own}titration_step", 0.0) > 0.0
    daily: Numbers = np.minimum(full * a_day, np.where(rises, runs.of(f"{own}titration_maximum", UNREACHED), np.inf))
    if field == "amt" and fields.get("ss"):  # without an amount it has always flowed in at its rate
        endless = runs.of(f"{own}rate", 0.0) * DAY * runs.of(f"{own}given", 1.0)
        daily = np.where(full > 0.0, daily, np.where(start < length, endless, 0.0))
    end = start + np.clip(count - 1.0, 0.0, UNREACHED) * gaps
    parts = (np.minimum(full, daily), daily, start, end, weight, full, a_day)
    return Given(name, f"{own}{field}", during, *np.broadcast_arrays(*parts))


def _raised(runs: _Runs, one: Given, tables: Tables) -> Iterator[Given]:
    """Yield the largest dose that visits may lead to: each that finds its condition adds a step, up to a maximum."""
    for name, fields in tables.get("adjustment", {}).items():
        own = f"adjustment.{name}."
        if fields.get("dose") != one.name or not runs.has(f"{own}step"):
            continue
        visits = tables.get("assessment", {}).get(str(fields.get("assessment")), {})
        times = len(visits.get("at") or ()) or int(visits.get("count") or 1)
        step = runs.of(f"{own}step", 0.0) + runs.of(f"{own}step_per_weight", 0.0) * one.weight
        limits = runs.of(f"{own}maximum", UNREACHED), runs.of(f"{own}maximum_per_weight", UNREACHED) * one.weight
        most = np.minimum(one.full + times * step, np.maximum(np.minimum(*limits), one.full))
        most = np.where(one.full > 0.0, most, 0.0)
        field = next((f for f in ("maximum", "maximum_per_weight") if _limits(runs, f"{own}{f}")), "step")
        parts = (most, most * one.a_day, one.first, one.last, one.weight, one.full, one.a_day)
        yield Given(one.name, f"{own}{field}", one.during, *np.broadcast_arrays(*parts))


def _limits(runs: _Runs, path: str) -> bool:
    """Whether a maximum is one that may be reached."""
    return bool(np.any(runs.of(path, UNREACHED) < UNREACHED))


def _of_records(records: Sequence[Sequence[Any]], length: float) -> tuple[float, float, float, float]:
    """Return of a table's records, in a phase of so many hours, what they give.

    The largest dose, the most within 24 h (both mg), the first and the last hour.
    """
    people: dict[float, list[DoseRecord]] = {}
    for row in records:
        people.setdefault(row[0], []).append(DoseRecord(*row))
    single, daily, hours = 0.0, 0.0, [0.0]
    for own in people.values():
        doses: list[tuple[float, float]] = []
        for record, many in in_force(own):
            if record.time >= length:
                continue
            every = record.ii or DAY
            held = int(min(many, float(number_before(length, record.time, every)), MOST_DOSES + 1))
            doses += [(record.time + k * every, record.amt) for k in range(held)]
            settled = record.amt * DAY / every if record.ss and record.ii > 0.0 else 0.0
            daily = max(daily, record.rate * DAY if record.constant else settled)
        doses.sort()
        start, total = 0, 0.0
        for time, amount in doses:
            total += amount
            while doses[start][0] <= time - DAY:
                total -= doses[start][1]
                start += 1
            daily, single = max(daily, total), max(single, amount)
        hours += [time for time, _ in doses]
    return single, daily, min(hours[1:], default=0.0), max(hours)


def refuse_table_sizes(places: Places, studies: Iterable[StudyPlan]) -> Iterator[Problem]:
    """Yield each table that has fewer people than a study has subjects, or more than the scenario has."""
    for study, path, people in _tables(studies):
        count = max(study.subjects, places.scenario.subjects.count)
        if people < study.subjects or people > count:
            subjects = study.subjects if people < study.subjects else count
            message = f"the table has {people} IDs for {subjects} subjects; one ID is for all, several are one for each"
            yield places.problem(path, message, study=study.name)


def note_unused_people(places: Places, studies: Iterable[StudyPlan]) -> Iterator[Problem]:
    """Yield a note for each table of which a study takes only the first people."""
    for study, path, people in _tables(studies):
        if study.subjects < people:
            message = f"study {study.name} takes the first {study.subjects} of the {people} people of this table"
            yield places.problem(path, message, study=study.name)


def _tables(studies: Iterable[StudyPlan]) -> Iterator[tuple[StudyPlan, str, int]]:
    for study in studies:
        found = {
            (f"dose.{table.name}.table", people_of(dict(table.fields)))
            for group in study.groups
            for table in group.structure.tables
            if table.section == "dose"
        }
        yield from ((study, path, people) for path, people in sorted(found) if people > 1)
