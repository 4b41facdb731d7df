"""The role of a finding, which follows from what the parameters were set with and is never typed."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from workbench.literature.model import Finding, Role
from workbench.scenario.model import Evidence, ParameterSet, Quantity, Scenario


def role_of(finding: Finding, fitted: Collection[str]) -> Role:
    """Return what agreement with `finding` is worth, where `fitted` names all findings that numbers were fitted to.

    Quoted from memory: unchecked. Derived and not observed: theory. Fitted to: fit. Otherwise what the finding says of
    itself, and test where it says nothing.
    """
    if finding.checked == "memory":
        return "unchecked"
    if finding.checked == "theory":
        return "theory"
    if finding.name in fitted:
        return "fit"
    if finding.by_construction:
        return "built_in"
    return "stress" if finding.expected_failure else "test"


def fitted_findings(scenario: Scenario) -> frozenset[str]:
    """Return the names of all findings that some number behind `scenario` was fitted to."""
    beside = (value.evidence for value in _quantities(scenario))
    told = [*set_evidence(scenario.parameters), *beside]
    return frozenset(name for evidence in told if evidence is not None for name in evidence.fitted_to)


def set_evidence(parameters: ParameterSet) -> Iterator[Evidence | None]:
    """Yield the evidence of every number of a parameter set, its conditions included."""
    for values in (parameters.values, *parameters.conditions.values()):
        yield from (value.evidence for value in values.values())


def _quantities(scenario: Scenario) -> Iterator[Quantity]:
    tables = (table.fields for named in scenario.tables.values() for table in named.values())
    arms = (arm.set for arm in scenario.arms.values())
    traits = (trait.settings for trait in scenario.subjects.traits)
    for fields in (*tables, *arms, *traits):
        yield from (value for value in fields.values() if isinstance(value, Quantity))
