"""What agreement with a criterion is worth, derived from what the parameters were set with and from its severity.

A finding that no number names is no test of a statistic that another finding, to which numbers were fitted, fixes
already: the same outcomes in the same arms at the same time and point.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.analysis.samples import terms_of
from workbench.findings.arm_numbers import SettingFault, setting_at
from workbench.findings.finding import Criterion, Finding, Role
from workbench.findings.roles import chosen_quantities
from workbench.scenario.document import listed
from workbench.scenario.model import Quantity, Ref, Scenario

PARAMETER = "parameter."


def fitted_elsewhere(criterion: Criterion, finding: Finding, fitted: Sequence[Finding], scenario: Scenario) -> str:
    """Return the findings to which numbers were fitted and that fix every term of a criterion, in words, or "".

    `fitted` are the findings of the scenario that its numbers were fitted to, bound to it.
    """
    wanted = set(readings(criterion, scenario))
    fixing = {}
    for other in fitted:
        if other.name != finding.name:
            read = {reading for c in other.criteria if not c.beside for reading in readings(c, scenario)}
            if shared := wanted & read:
                fixing[other.name] = shared
    if not wanted or set().union(*fixing.values()) != wanted:
        return ""
    return f"what it reads is fixed by {listed(fixing)}, to which numbers were fitted"


def readings(criterion: Criterion, scenario: Scenario) -> Iterable[tuple[Any, ...]]:
    """Yield what a criterion reads, each by what it is and not by its name.

    Two outcomes of different names that read the same, and two arms that set the same, are one. A swept value that the
    scenario has anyway is no other point.
    """
    c = criterion
    terms = [(t.measure, t.arm, t.second) for t in terms_of(c)]
    if c.measures:
        terms = [(measure, arm, False) for measure in c.measures for arm in c.arms]
    for measure, arm, second in terms:
        at = c.against_at if second and c.against_at else c.at
        moment = c.against_time if second and c.against_time is not None else c.time
        point = {path: value for path, value in at.items() if not _own(scenario, c.study, arm, path, value)}
        chosen = (c.among.trait, c.among.outcome, c.among.arm, c.among.above, c.among.below) if c.among else ()
        yield (
            _measure(scenario, c.kind, measure), _arm(scenario, arm), tuple(sorted(point.items())), moment, c.over,
            chosen,
        )  # fmt: skip


def at_own_point(criterion: Criterion, scenario: Scenario) -> bool:
    """Whether the swept values of a criterion are those that its arms have without a sweep."""
    points = (*criterion.at.items(), *criterion.against_at.items())
    return all(_own(scenario, criterion.study, arm, path, value) for path, value in points for arm in criterion.arms)


def structure_notes(finding: Finding, scenario: Scenario) -> Iterable[str]:
    """Yield what of the model was chosen with a finding in view, without being fitted to it."""
    if finding.structure:
        yield f"structure chosen with this row: {finding.structure}"
    citing: dict[str, list[str]] = {}
    for path, evidence in chosen_quantities(scenario):
        if evidence.source in finding.source and finding.name not in evidence.fitted_to:
            citing.setdefault(evidence.source, []).append(path)
    for source, paths in citing.items():
        yield f"chosen with the same source, {source}: {listed(dict.fromkeys(paths))}"


def criterion_role(role: Role, criterion: Criterion, elsewhere: str, *, could_not_fail: bool) -> Role:
    """Return the role of one criterion of a finding of `role`; it may only be worth less than the finding says."""
    if role != "test":
        return role
    if elsewhere:
        return "fit"
    return "built_in" if criterion.by_construction or could_not_fail else "test"


def _measure(scenario: Scenario, kind: str, name: str) -> tuple[Any, ...]:
    table = scenario.tables[kind][name]
    return (kind, table.component.name, _plain(table.fields))


def _arm(scenario: Scenario, name: str) -> tuple[Any, ...]:
    arm = scenario.arms[name]
    return (arm.condition, tuple(sorted(arm.without)), _plain(arm.set))


def _plain(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(sorted((key, _bare(value)) for key, value in fields.items()))


def _bare(value: Any) -> str:
    """Return a setting as text without its evidence: what it is, not why."""
    if isinstance(value, Quantity):
        return f"{value.number!r} {value.unit}"
    if isinstance(value, Ref):
        return f"ref {value.name}"
    return repr(tuple(_bare(item) for item in value)) if isinstance(value, tuple) else repr(value)


def _own(scenario: Scenario, study: str, arm: str, path: str, value: float | str) -> bool:
    """Whether an arm has a swept value at a path without any sweep; of factors that is 1."""
    axes = scenario.studies[study].axes if study in scenario.studies else ()
    if any(axis.path == path and axis.relative for axis in axes):
        return value == 1.0
    if path.startswith(PARAMETER):
        name = path.removeprefix(PARAMETER)
        below = scenario.parameters.conditions.get(scenario.arms[arm].condition or "", {})
        held = scenario.arms[arm].set.get(path, below.get(name, scenario.parameters.values.get(name)))
        own = held.number if isinstance(held, Quantity) else held
    else:
        try:
            own = setting_at(scenario, arm, {}, path)
        except SettingFault:
            return False
    if isinstance(own, str) or isinstance(value, str):
        return str(own) == str(value)
    return isinstance(own, (int, float)) and abs(own - value) <= 1e-9 * max(abs(own), abs(value))
