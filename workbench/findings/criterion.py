"""One criterion as its file writes it: its keys and numbers, whose runs it is about, and when the model is read."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.findings.finding import Finding, Pace, Smallest
from workbench.findings.grammar import OPEN, PaceShape, SmallestShape
from workbench.protocol.schedule import known_start, phase_of, visits_of
from workbench.protocol.schedule import visits_of as hours_of_visits
from workbench.protocol.span import parse_span
from workbench.quantities import HOURS_PER_DAY, QuantityError, to_unit
from workbench.scenario.conformity import conforming_entries, show
from workbench.scenario.model import Axis, Scenario, Study
from workbench.scenario.references import plain_tables
from workbench.scenario.text.document import Document, listed
from workbench.scenario.text.syntax import Keys


@dataclass(frozen=True)
class CriterionText:
    """What a file says in one criterion, which stands at `keys`; problems are reported at their place.

    `sources` are the keys of the bibliography.
    """

    document: Document
    keys: Keys
    raw: Mapping[str, Any]
    sources: Collection[str] = ()

    def report(self, key: str, message: str, **rest: Any) -> None:
        """Report a problem at a key of this criterion."""
        self.document.report((*self.keys, key), message, **rest)

    def named(self, key: str, what: str, names: list[str], known: tuple[str, ...], where: str) -> list[str]:
        """Return `names`, each of which must be defined; `where` names the scenario that defines them."""
        single = not isinstance(self.raw[key], list)
        for index, name in enumerate(names):
            if name not in known:
                place = (*self.keys, key) if single else (*self.keys, key, index)
                message = f"no {what} {show(name)} in {where} (defined: {listed(known)})"
                self.document.report(place, message, got=name, known=known)
        return names

    def error(self, unit: str) -> float | None:
        """Return the error of the published number, which must be positive."""
        found = self.number("error", unit)
        if found is not None and not found > 0:
            self.report("error", f"an error must be above 0, got {show(self.raw['error'])}")
        if found is not None and "target" not in self.raw:
            self.report("error", "goes with a target, the published number", at="key")
        return found

    def number(self, key: str, unit: str) -> float | None:
        """Return the number under `key` in `unit`, if it is given."""
        return self.plain(self.raw[key], unit, (*self.keys, key)) if key in self.raw else None

    def plain(self, raw: Any, unit: str, keys: Keys) -> float | None:
        """Return a bare number, taken to be in `unit`, or a quantity converted to it."""
        if isinstance(raw, (int, float)) and not isinstance(raw, bool):
            return float(raw)
        try:
            return to_unit(str(raw), unit)
        except QuantityError as error:
            self.document.report(keys, f"{show(raw)}: {error}")
            return None

    def range(self, key: str, unit: str) -> tuple[float, float]:
        """Return a range in `unit`; the word "open" leaves an end without a bound."""
        raw, keys = self.raw[key], (*self.keys, key)
        ends = (-math.inf, math.inf)
        low, high = (ends[i] if raw[i] == OPEN else self.plain(raw[i], unit, (*keys, i)) for i in range(2))
        if low is None or high is None:
            return ends
        if math.isinf(low) and math.isinf(high):
            self.document.report(keys, "accepts anything: at least one end must be a number")
        elif not low < high:
            self.document.report(keys, f"the range is empty, got {show(raw)} (the first number is below the second)")
        return low, high


def study_of(
    text: CriterionText, scenario: Scenario, arms: list[str], measures: tuple[str, ...], section: str
) -> Study | None:
    """Return the study whose runs are used."""
    studies = scenario.studies
    if "study" in text.raw:
        text.named("study", "study", [text.raw["study"]], tuple(studies), scenario.name)
        found = studies.get(text.raw["study"])
        if found is not None and (fault := lacks(found, arms, measures, section)):
            text.report("study", f"study {found.name} {fault}")
            return None
        return found
    whole = (s for s in studies.values() if not s.axes and not lacks(s, arms, measures, section))
    found = next(whole, None)
    if found is None:
        message = f"is missing (no study without a sweep has {section} {listed(measures)} of all these arms)"
        text.report("study", message, at="key")
    return found


def check_point(text: CriterionText, study: Study) -> None:
    """Report a swept study of which the criterion does not say the point."""
    if study.design != "grid":
        text.report("study", f"{study.name} spreads points over ranges: it gives intervals, not single values")
        return
    over = text.raw.get("over", "")
    if over and over not in (axis.path for axis in study.axes):
        known = tuple(axis.path for axis in study.axes)
        message = f"study {study.name} does not sweep {show(over)} (it sweeps: {listed(known)})"
        text.report("over", message, got=over, known=known)
        return
    fixed = {*text.raw.get("at", {}), over}
    moved = {axis.zip or axis.path for axis in study.axes if axis.path in fixed}
    loose = [axis.path for axis in study.axes if (axis.zip or axis.path) not in moved]
    swept = {axis.path for axis in study.axes}
    if loose and swept.issuperset(text.raw.get("at", {})):  # an unknown path is told by itself
        text.report("at", f"is missing (study {study.name} sweeps {listed(loose)}: give the value)", at="key")


def point_at(text: CriterionText, key: str, study: Study) -> dict[str, float | str]:
    """Return path -> value of the point, each a value of the study's axis."""
    axes = {axis.path: axis for axis in study.axes}
    found: dict[str, float | str] = {}
    for path, raw in text.raw.get(key, {}).items():
        place = (*text.keys, key, path)
        if path not in axes:
            message = f"study {study.name} does not sweep {show(path)} (it sweeps: {listed(axes)})"
            text.document.report(place, message, at="key", got=path, known=axes)
            continue
        value = _level(text, axes[path], raw, place)
        if value is not None:
            found[path] = value
    return found


def _level(text: CriterionText, axis: Axis, raw: Any, place: Keys) -> float | str | None:
    """Return a value of an axis as it is stored, or None after a report."""
    numeric = all(isinstance(value, (int, float)) for value in axis.values)
    value = text.plain(raw, axis.unit, place) if numeric else raw
    if value is None:
        return None
    for known in axis.values:
        if value == known or (numeric and math.isclose(float(value), float(known), rel_tol=1e-9)):
            return float(known) if numeric else str(known)
    shown = listed(f"{v:g}" if numeric else str(v) for v in axis.values)
    text.document.report(place, f"{show(raw)} is not a value of {axis.path} (in {axis.unit}: {shown})")
    return None


def lacks(study: Study, arms: list[str], measures: tuple[str, ...], section: str) -> str:
    """Return what a study does not have of what is asked, in words, or ""."""
    missing = [arm for arm in arms if arm not in study.arms]
    if missing:
        return f"does not have the arms {listed(missing)}"
    for measure in measures if section == "outcome" else ():
        if measure not in study.outcomes:
            return f"does not store outcome {measure}"
    return "keeps no courses" if section == "course" and not study.record else ""


ROUNDING = 1e-6


def check_horizon(document: Document, finding: Finding, scenario: Scenario) -> None:
    """Report a finding that states the time of its treatment and is read at another."""
    latest = read_at(finding, scenario)
    if finding.treatment is None or latest is None:
        return
    name, end = latest
    if not math.isclose(end, finding.treatment, rel_tol=ROUNDING):
        message = f"published {finding.treatment:g} days into the treatment, but {name} is read at {end:g}"
        document.report(("finding", finding.name, "treatment"), message)


def read_at(finding: Finding, scenario: Scenario) -> tuple[str, float] | None:
    """Return what a finding reads last, and how many days into the treatment.

    None where it reads nothing under a treatment, or at no time that is known before the run. What is only shown
    beside is left out.
    """
    whole = plain_tables(scenario.tables, scenario.parameters)
    ends: dict[str, float] = {}
    for c in finding.criteria:
        for name in (c.measure, c.against, *c.measures) if not c.beside else ():
            end = _end(whole, c.kind, name) if name else None
            if end is not None:
                ends[name] = end
    if not ends:
        return None
    latest = max(ends, key=lambda name: ends[name])
    return latest, ends[latest]


def _end(whole: Any, section: str, name: str) -> float | None:
    """Return the day of treatment at which an outcome or course ends; None if it is read under none, or who knows when.

    A treatment counted in trials is its phase, one in hours begins with the first dose or session.
    """
    read = whole.get(section, {}).get(name, {})
    treatments = [fields for kind in ("dose", "session") for fields in whole.get(kind, {}).values()]
    if read.get("assessment"):
        starts = [start for fields in treatments if (start := known_start(fields, whole)) is not None]
        last = _last_visit(read, whole)
        return (last - min(starts)) / HOURS_PER_DAY if starts and last is not None else None
    words = read.get("window")
    span = parse_span(words) if isinstance(words, str) and words else None
    phase = whole["phase"].get(span.phase) if span is not None else None
    if span is None or phase is None or phase.component.clock != "trial":
        return None
    if span.phase not in {phase_of(fields) for fields in treatments}:
        return None
    per_day = float(phase["trials_per_day"])
    return span.bounds(int(phase["trials"]), per_day)[1] / per_day


def _last_visit(read: Any, whole: Any) -> float | None:
    """Return the hour of the last visit that an outcome takes, or None where runs differ in it."""
    visits = whole["assessment"].get(str(read["assessment"]))
    hours = None if visits is None else visits_of(visits, whole)
    if hours is None or ("visit" not in read and "take" not in read):
        return None
    return hours[int(read.get("visit", 1)) - 1] if read.get("take", "visit") == "visit" else hours[-1]


def pace_of(
    text: CriterionText, scenario: Scenario, arms: list[str], measures: tuple[str, ...], section: str
) -> Pace | None:
    """Return where a criterion is read at other numbers of trials a day; None without such a place, or after a report.

    The study must hold the arms and outcomes, and sweep the path, alone or together with others.
    """
    raw = text.raw.get("pace")
    if raw is None:
        return None
    keys = (*text.keys, "pace")
    sound = conforming_entries(text.document, keys, PaceShape, raw)
    if not {"study", "over"} <= set(sound):
        return None
    study = scenario.studies.get(sound["study"])
    if study is None:
        known = tuple(scenario.studies)
        message = f"no study {show(sound['study'])} in {scenario.name} (defined: {listed(known)})"
        text.document.report((*keys, "study"), message, got=sound["study"], known=known)
        return None
    if fault := lacks(study, arms, measures, section):
        text.document.report((*keys, "study"), f"study {study.name} {fault}")
        return None
    swept = {axis.path: axis.zip or axis.path for axis in study.axes}
    if sound["over"] not in swept or study.design != "grid" or len(set(swept.values())) > 1:
        message = f"study {study.name} sweeps {listed(swept)}: its study must sweep only the pace"
        text.document.report((*keys, "over"), message, got=sound["over"], known=tuple(swept))
        return None
    return Pace(study.name, sound["over"])


UNIT = "day"
"""Unit of the times of visits, from the start of their phase."""


def criterion_visits(text: CriterionText, scenario: Scenario) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return the names under `outcomes` and the days of their visits; what is wrong with them is reported."""
    names = text.raw.get("outcomes", [])
    known = tuple(scenario.tables["outcome"])
    text.named("outcomes", "outcome", names, known, scenario.name)
    times = [_day(scenario, name) if name in known else None for name in names]
    index = next((i for i, name in enumerate(names) if name in known and times[i] is None), None)
    if index is not None:
        message = f"{show(names[index])} is not read at a visit whose time is known before the run"
        text.document.report((*text.keys, "outcomes", index), message)
    days = tuple(day for day in times if day is not None)
    if index is None and list(days) != sorted(set(days)):
        text.report("outcomes", "list the visits in the order of their times, each once")
    return tuple(names), days


def _day(scenario: Scenario, outcome: str) -> float | None:
    """Return the day of an outcome's visit, or None if it has none or runs differ in it."""
    whole = plain_tables(scenario.tables, scenario.parameters)
    read = whole["outcome"][outcome]
    visits = whole.get("assessment", {}).get(str(read.get("assessment")))
    hours = None if visits is None else hours_of_visits(visits, whole)
    if hours is None or read.get("take", "visit") != "visit":
        return None
    return hours[int(read.get("visit", 1)) - 1] / HOURS_PER_DAY


KEY = "smallest"


def smallest_of(text: CriterionText, accept: tuple[float, float], unit: str) -> Smallest | None:
    """Return what a criterion says of the smallest effect; None where it says nothing, or after a report.

    An observation with one bound that does not say it never counts as a success: the bound may stand where there is no
    effect at all. The value of no effect lies outside the accepted range.
    """
    raw = text.raw.get(KEY)
    if raw is None:
        return None
    if not any(math.isinf(end) for end in accept):
        text.report(KEY, "goes with a range of one bound; with two bounds, each already says what is too far", at="key")
        return None
    keys = (*text.keys, KEY)
    sound = conforming_entries(text.document, keys, SmallestShape, raw)
    if not {"no_effect", "because"} <= set(sound):
        return None
    value = text.plain(sound["no_effect"], unit, (*keys, "no_effect"))
    if value is None:
        return None
    if accept[0] <= value <= accept[1]:
        message = f"{show(sound['no_effect'])} lies in the accepted range, so no effect at all would be accepted"
        text.document.report((*keys, "no_effect"), message)
        return None
    source = str(sound.get("source") or "")
    if source and text.sources and source not in text.sources:
        message = f"unknown source {show(source)} (expected an entry of the bibliography, references.bib)"
        text.document.report((*keys, "source"), message, got=source, known=text.sources)
    return Smallest(value, str(sound["because"]), source)
