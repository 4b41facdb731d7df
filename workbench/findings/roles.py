"""The role of a finding, which follows from what the parameters were set with and is never typed."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from workbench.findings.finding import Finding, Role
from workbench.scenario.model import Evidence, ParameterSet, Quantity, Ref, Scenario, Setting


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


def chosen_quantities(scenario: Scenario) -> Iterator[tuple[str, Evidence]]:
    """Yield the name and evidence of every number that a scenario uses: of its parameter set, and beside it."""
    listed = (item for value in _settings(scenario) for item in (value if isinstance(value, tuple) else (value,)))
    used = {value.name for value in listed if isinstance(value, Ref)}
    parameters = scenario.parameters
    for values in (parameters.values, *parameters.conditions.values()):
        for name, value in values.items():
            if name in used and value.evidence is not None:
                yield name, value.evidence
    for path, quantity in _named(scenario):
        if isinstance(quantity, Quantity) and quantity.evidence is not None:
            yield path, quantity.evidence


def _quantities(scenario: Scenario) -> Iterator[Quantity]:
    yield from (value for value in _settings(scenario) if isinstance(value, Quantity))


def _settings(scenario: Scenario) -> Iterator[Setting]:
    yield from (value for _, value in _named(scenario))


def _named(scenario: Scenario) -> Iterator[tuple[str, Setting]]:
    """Yield path and value of everything that tables, arms and traits set."""
    tables = ((table.path, table.fields) for named in scenario.tables.values() for table in named.values())
    traits = ((f"subjects.trait.{trait.name}", trait.settings) for trait in scenario.subjects.traits)
    for start, fields in (*tables, *traits):
        yield from ((f"{start}.{key}", value) for key, value in fields.items())
    for arm in scenario.arms.values():
        yield from arm.set.items()
