"""The shipped findings: bound to scenarios that exist, sourced, and never circular without saying so."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from workbench.literature.binding import bind
from workbench.literature.horizon import read_at
from workbench.literature.model import Finding
from workbench.literature.read import Draft, read_drafts
from workbench.literature.roles import fitted_findings, role_of, set_evidence
from workbench.scenario import load_scenario
from workbench.scenario.bibliography import read_bibliography
from workbench.scenario.document import Document
from workbench.scenario.library import data_folder, scenarios_folder
from workbench.scenario.model import ParameterSet, Scenario
from workbench.scenario.parameters import read_parameters

DRAFTS = read_drafts(data_folder() / "findings")
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


def name_of(value: object) -> str:
    return value.head.name if isinstance(value, Draft) else value.stem if isinstance(value, Path) else str(value)


@pytest.mark.parametrize("draft", DRAFTS, ids=name_of)
def test_scenario_arms_outcomes_and_points_exist(draft: Draft) -> None:
    finding = bound(draft.head.name)
    assert len(finding.criteria) == len(draft.criteria) >= 1
    for criterion in finding.criteria:
        assert criterion.study in scenario(finding.scenario).studies


@pytest.mark.parametrize("draft", DRAFTS, ids=name_of)
def test_its_sources_are_entries_with_title_and_year(draft: Draft) -> None:
    entries = read_bibliography(data_folder() / "references.bib")
    for source in draft.head.source:
        assert {"title", "year"} <= entries[source].keys()


@pytest.mark.parametrize("draft", DRAFTS, ids=name_of)
def test_a_number_to_refit_to_lies_in_the_accepted_range(draft: Draft) -> None:
    for criterion in bound(draft.head.name).criteria:
        low, high = criterion.accept
        assert criterion.target is None or low <= criterion.target <= high


@pytest.mark.parametrize("file", SETS, ids=name_of)
def test_every_fitted_number_names_findings_that_exist_and_were_checked(file: Path) -> None:
    checked = {draft.head.name: draft.head.checked for draft in DRAFTS}
    for evidence in set_evidence(parameter_set(file)):
        if evidence is None:
            continue
        for name in evidence.fitted_to:
            assert name in checked, f"{name} is no finding"
            assert checked[name] != "memory", f"{name} is quoted from memory and cannot be a target"
        assert evidence.status != "fitted" or evidence.fitted_to, "a fitted number says what it was fitted to"


@pytest.mark.parametrize("draft", DRAFTS, ids=name_of)
def test_a_finding_that_parameters_were_fitted_to_is_never_a_test(draft: Draft) -> None:
    fitted = fitted_findings(scenario(draft.head.scenario))
    role = role_of(draft.head, fitted)
    if draft.head.name in fitted:
        assert role == "fit"
    else:
        assert role in ("test", "built_in", "stress", "theory", "unchecked")


PUBLISHED = [draft for draft in DRAFTS if draft.head.checked != "theory"]


@pytest.mark.parametrize("draft", PUBLISHED, ids=name_of)
def test_a_range_with_one_bound_says_what_the_smallest_effect_is(draft: Draft) -> None:
    for criterion in bound(draft.head.name).criteria:
        assert not criterion.one_sided, "one bound: from where on is an effect worth naming?"
        assert criterion.effect is None or criterion.effect > 0


@pytest.mark.parametrize("draft", PUBLISHED, ids=name_of)
def test_what_is_read_under_a_treatment_says_when_and_at_which_pace(draft: Draft) -> None:
    """Trials are no days: where a treatment is counted in them, other numbers of trials a day are shown from 1 to 50."""
    finding, within = bound(draft.head.name), scenario(draft.head.scenario)
    latest = read_at(finding, within)
    if latest is not None:
        assert finding.treatment == pytest.approx(latest[1])
    taught = within.tables.get("plasticity") and (within.tables.get("dose") or within.tables.get("session"))
    assert finding.treatment is not None or not taught, "the published treatment lasted how long?"
    in_days = [c for c in finding.criteria if "days" in str(within.tables[c.kind][c.measure].fields.get("window", ""))]
    for criterion in in_days:
        if criterion.kind == "outcome" and not criterion.title.startswith("correlation"):
            assert criterion.pace is not None
            axes = {axis.path: axis.values for axis in within.studies[criterion.pace.study].axes}
            assert {1.0, 50.0} <= set(axes[criterion.pace.over])
