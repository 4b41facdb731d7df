"""When the model is read: after as many days as the published treatment lasted, at the set's own trials a day."""

from __future__ import annotations

import math
from typing import Any

from workbench.findings.criterion_text import CriterionText
from workbench.findings.model import Finding, Pace
from workbench.findings.points import lacks
from workbench.findings.shapes import PaceShape
from workbench.protocol.schedule import known_start, phase_of, visits_of
from workbench.protocol.span import parse_window
from workbench.quantities import HOURS_PER_DAY
from workbench.scenario.conformity import conforming, show
from workbench.scenario.document import Document, listed
from workbench.scenario.model import Scenario
from workbench.scenario.references import plain_tables

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
    window = parse_window(words) if isinstance(words, str) and words else None
    phase = whole["phase"].get(window.phase) if window is not None else None
    if window is None or phase is None or phase.get("clock", "trial") != "trial":
        return None
    if window.phase not in {phase_of(fields) for fields in treatments}:
        return None
    per_day = float(phase["trials_per_day"])
    return window.bounds(int(phase["trials"]), per_day)[1] / per_day


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
    sound = conforming(text.document, keys, PaceShape, raw)
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
        message = f"study {study.name} sweeps {listed(swept)}: a pace is the only thing that its study sweeps"
        text.document.report((*keys, "over"), message, got=sound["over"], known=tuple(swept))
        return None
    return Pace(study.name, sound["over"])
