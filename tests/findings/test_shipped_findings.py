"""The shipped findings: bound to scenarios that exist, sourced, and never circular without saying so."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from support.cases import every_case
from support.shipped_texts import shipped_drafts

from workbench.findings.binding import bind
from workbench.findings.criterion import read_at
from workbench.findings.finding import Finding
from workbench.findings.parser import Draft
from workbench.findings.standing import fitted_findings, role_of, set_evidence
from workbench.scenario import load_scenario
from workbench.scenario.bibliography import read_bibliography
from workbench.scenario.model import ParameterSet, Scenario
from workbench.scenario.parameters import read_parameters
from workbench.scenario.shipped_files import data_folder, scenarios_folder
from workbench.scenario.text.document import Document

DRAFTS = shipped_drafts()
SCENARIOS = sorted({draft.head.scenario for draft in DRAFTS})
SETS = sorted((data_folder() / "parameters").glob("*.toml"))


@cache
def scenario(name: str) -> Scenario:
    (file,) = scenarios_folder().rglob(f"{name}.toml")
    return load_scenario(file)


@cache
def bound(name: str) -> Finding:
    draft = next(draft for draft in DRAFTS if draft.head.name == name)
    (found,) = bind([draft], scenario(draft.head.scenario))
    return found


def parameter_set(file: Path) -> ParameterSet:
    problems: list[object] = []
    found = read_parameters(Document(file.read_bytes(), str(file), problems), None)  # type: ignore[arg-type]
    assert not problems
    return found


def about(name: str, *, published: bool = False) -> Iterator[Draft]:
    """Yield the findings about a scenario; with `published` without those that are theory."""
    for draft in DRAFTS:
        if draft.head.scenario == name and not (published and draft.head.checked == "theory"):
            yield draft


every = every_case("name", SCENARIOS)


@every
def test_scenario_arms_outcomes_and_points_exist(name: str) -> None:
    for draft in about(name):
        finding = bound(draft.head.name)
        assert len(finding.criteria) == len(draft.criteria) >= 1, finding.name
        for criterion in finding.criteria:
            assert criterion.study in scenario(name).studies, finding.name


@every
def test_sources_are_entries_with_title_and_year(name: str) -> None:
    entries = read_bibliography(data_folder() / "references.bib")
    for draft in about(name):
        for source in draft.head.source:
            assert {"title", "year"} <= entries[source].keys(), f"{source} of {draft.head.name}"


@every
def test_a_number_to_refit_to_lies_in_the_accepted_range(name: str) -> None:
    for draft in about(name):
        for criterion in bound(draft.head.name).criteria:
            low, high = criterion.accept
            assert criterion.target is None or low <= criterion.target <= high, draft.head.name


@pytest.mark.parametrize("file", SETS, ids=lambda file: file.stem)
def test_every_fitted_number_names_findings_that_exist_and_were_checked(file: Path) -> None:
    checked = {draft.head.name: draft.head.checked for draft in DRAFTS}
    for evidence in set_evidence(parameter_set(file)):
        if evidence is None:
            continue
        for name in evidence.fitted_to:
            assert name in checked, f"{name} is no finding"
            assert checked[name] != "memory", f"{name} is quoted from memory and cannot be a target"
        assert evidence.status != "fitted" or evidence.fitted_to, "a fitted number says what it was fitted to"


@every
def test_a_finding_that_parameters_were_fitted_to_is_never_a_test(name: str) -> None:
    fitted = fitted_findings(scenario(name))
    roles = {draft.head.name: role_of(draft.head, fitted) for draft in about(name)}
    assert [found for found, role in roles.items() if (found in fitted) != (role == "fit")] == []
    assert set(roles.values()) <= {"fit", "test", "built_in", "stress", "theory", "unchecked"}


@every
def test_a_range_with_one_bound_says_what_the_smallest_effect_is(name: str) -> None:
    for draft in about(name, published=True):
        for criterion in bound(draft.head.name).criteria:
            assert not criterion.one_sided, f"{draft.head.name}: from where on is an effect worth naming?"
            assert criterion.effect is None or criterion.effect > 0, draft.head.name


@every
def test_what_is_read_under_a_treatment_says_when_and_at_which_pace(name: str) -> None:
    """Trials are no days: where a treatment is counted in them, other numbers of trials a day are shown from 1 to 50."""
    within = scenario(name)
    taught = within.tables.get("plasticity") and (within.tables.get("dose") or within.tables.get("session"))
    for draft in about(name, published=True):
        finding = bound(draft.head.name)
        latest = read_at(finding, within)
        if latest is not None:
            assert finding.treatment == pytest.approx(latest[1]), finding.name
        assert finding.treatment is not None or not taught, f"{finding.name}: the treatment lasted how long?"
        for criterion in finding.criteria:
            in_days = "days" in str(within.tables[criterion.kind][criterion.measure].fields.get("window", ""))
            if in_days and criterion.kind == "outcome" and not criterion.title.startswith("correlation"):
                assert criterion.pace is not None, finding.name
                axes = {axis.path: axis.values for axis in within.studies[criterion.pace.study].axes}
                assert {1.0, 50.0} <= set(axes[criterion.pace.over]), finding.name
