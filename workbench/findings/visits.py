"""Several visits of one criterion, in order: which outcomes are scored at them, and when."""

from __future__ import annotations

from workbench.findings.criterion_text import CriterionText
from workbench.protocol.schedule import visits_of as hours_of_visits
from workbench.quantities import HOURS_PER_DAY
from workbench.scenario.conformity import show
from workbench.scenario.model import Scenario
from workbench.scenario.references import plain_tables

UNIT = "day"
"""Unit of the times of visits, from the start of their phase."""


def visits_of(text: CriterionText, scenario: Scenario) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return the names under `outcomes` and the days of their visits; what is wrong with them is reported."""
    names = text.raw.get("outcomes", [])
    known = tuple(scenario.tables["outcome"])
    text.named("outcomes", "outcome", names, known, scenario.name)
    times = [_day(scenario, name) if name in known else None for name in names]
    index = next((i for i, name in enumerate(names) if name in known and times[i] is None), None)
    if index is not None:
        message = f"{show(names[index])} is read at no visit whose time is known before the run"
        text.document.report((*text.keys, "outcomes", index), message)
    days = tuple(day for day in times if day is not None)
    if index is None and list(days) != sorted(set(days)):
        text.report("outcomes", "visits are listed in the order in which they fall, each once")
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
