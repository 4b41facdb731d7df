"""Findings evaluated on stored rows: the value of each criterion, its error, its interval over parameters."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.analysis.criteria import holding, value_of
from workbench.analysis.ledger import CriterionRow, LedgerRow, in_words
from workbench.analysis.samples import NotStored, sample_of
from workbench.analysis.selection import Selection
from workbench.analysis.stored import Stored
from workbench.analysis.verdict import joint, monte_carlo_error, turned, verdict_of
from workbench.errors import ScenarioError
from workbench.literature.binding import bind
from workbench.literature.model import Criterion, Finding
from workbench.literature.roles import fitted_findings, role_of

if TYPE_CHECKING:
    from workbench.literature.read import Draft
    from workbench.scenario.model import Scenario, Study

FEWEST_POINTS = 20
"""Fewer points of a study over parameter ranges give no 5th and 95th percentile."""
PERCENTILES = (5, 95)


def rows_of(drafts: Sequence[Draft], selection: Selection) -> list[LedgerRow]:
    """Return a row for each finding of the stored scenario; one that its text cannot answer is "not run"."""
    try:
        scenario = _stored_scenario(selection)
    except ScenarioError as error:
        fitted = _named_as_fitted(selection.parameter_set)
        why = f"the stored scenario cannot be read again: {error.problems[0]}"
        return [not_run(draft.head, fitted, why) for draft in drafts]
    rows, stored = [], Stored(selection)
    for draft in drafts:
        try:
            (finding,) = bind([draft], scenario)
        except ScenarioError as error:
            why = f"not in the stored scenario: {error.problems[0].message}"
            rows.append(not_run(draft.head, fitted_findings(scenario), why))
        else:
            rows.append(evaluate(finding, scenario, stored))
    return rows


def evaluate(finding: Finding, scenario: Scenario, stored: Stored) -> LedgerRow:
    """Return what the stored runs of `scenario` say to one finding."""
    criteria = tuple(_criterion_row(criterion, scenario, stored) for criterion in finding.criteria)
    verdict = joint([row.verdict for row in criteria])
    return LedgerRow(
        finding=finding,
        role=role_of(finding, fitted_findings(scenario)),
        verdict=turned(verdict) if finding.must_fail else verdict,
        criteria=criteria,
        db=str(stored.selection.results.path),
        sweep=stored.selection.sweep,
        note=_odd(stored.selection),
    )


def _odd(selection: Selection) -> str:
    """Say what a reader must know of the sweep: what its command line set, and how many runs are missing."""
    facts = selection.facts
    settings = json.loads(str(facts["settings"]))
    told = [f"run with --set {', '.join(f'{path}={value}' for path, value in settings.items())}"] if settings else []
    missing = int(facts["expected"]) - int(facts["stored"]) - int(facts["failed"])
    if missing:
        told.append(f"the sweep is not finished: {missing:,} of {int(facts['expected']):,} runs are missing")
    return "; ".join(told)


def not_run(finding: Finding, fitted: Collection[str], why: str) -> LedgerRow:
    """Return the row of a finding without results; its criteria are those it was bound with, if any."""
    criteria = tuple(CriterionRow(c, in_words(c), "not run", note=why) for c in finding.criteria)
    return LedgerRow(finding, role_of(finding, fitted), "not run", criteria, note=why)


def _criterion_row(criterion: Criterion, scenario: Scenario, stored: Stored) -> CriterionRow:
    words = in_words(criterion)
    try:
        sample = sample_of(criterion, stored, criterion.study)
    except NotStored as missing:
        return CriterionRow(criterion, words, "not run", note=f"not stored: {missing}")
    value, notes = value_of(criterion, sample), []
    error = monte_carlo_error(criterion, sample)
    if sample.subjects < 2:
        notes.append("one subject: the error of the calculation is unknown")
    if sample.left_out:
        notes.append(f"{sample.left_out} subjects left out: a run failed or is missing")
    if np.isnan(value):
        notes.append("the statistic is not defined here, or its level is never reached")
    if criterion.statistic == "holds_over":
        holds = [f"{x:g}" for x, true in zip(sample.along, holding(criterion, sample), strict=True) if true]
        notes.append(f"holds at {criterion.over} = {', '.join(holds) or 'none of the swept values'}")
    interval, without = _interval(criterion, scenario, stored)
    return CriterionRow(
        criterion=criterion,
        words=words,
        verdict=verdict_of(value, criterion.accept, error),
        value=None if np.isnan(value) else value,
        mc_error=error,
        interval=interval,
        without=without,
        subjects=sample.subjects,
        note="; ".join(notes),
    )


def _interval(criterion: Criterion, scenario: Scenario, stored: Stored) -> tuple[tuple[float, float] | None, str]:
    """Return the 5th and 95th percentile of a criterion over plausible parameters, or None and why there is none."""
    if criterion.over or criterion.at or criterion.against_at:
        return None, "its study is itself a sweep"
    spread = [study for study in scenario.studies.values() if study.design != "grid"]
    if not spread:
        return None, "the scenario has no study over parameter ranges"
    found = next((study for study in spread if set(criterion.arms) <= set(study.arms)), None)
    if found is None:
        return None, f"study {spread[0].name} does not have these arms"
    kept = {criterion.measure, *criterion.measures} <= set(found.outcomes)
    if not (found.record if criterion.kind == "course" else kept):
        return None, f"study {found.name} does not keep the {criterion.kind} {criterion.measure}"
    values = _over_points(criterion, found, stored)
    if len(values) < FEWEST_POINTS:
        return None, f"study {found.name} was not run"
    low, high = (float(q) for q in np.percentile(values, PERCENTILES))
    return (low, high), ""


def _over_points(criterion: Criterion, study: Study, stored: Stored) -> list[float]:
    """Return the statistic at every point of a study over ranges at which it is defined."""
    values = []
    for point in range(study.n):
        try:
            value = value_of(criterion, sample_of(criterion, stored, study.name, point))
        except NotStored:
            continue
        if np.isfinite(value):
            values.append(value)
    return values


def _stored_scenario(selection: Selection) -> Scenario:
    """Return the scenario of a sweep from its stored bytes."""
    from workbench.scenario import parse_scenario

    results, facts = selection.results, selection.facts
    parameters = results.parameter_text(selection.sweep)
    return parse_scenario(
        results.scenario_text(selection.sweep),
        f"{facts['scenario']}.toml",
        results.path.absolute().parent,
        parameters=parameters if facts["parameter_set"] else None,
    )


def _named_as_fitted(parameter_set: dict[str, Any]) -> set[str]:
    """Return the findings that a stored parameter set names, where the scenario around it cannot be read."""
    values = list(parameter_set.get("parameter", {}).values())
    for condition in parameter_set.get("condition", {}).values():
        values += [value for value in condition.values() if isinstance(value, dict)]
    return {name for value in values for name in value.get("fitted_to", ())}
