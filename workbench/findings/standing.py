"""What agreement with a criterion is worth: its role, derived from what the parameters were set with, and its severity.

A finding that no number names is no test of a statistic that another finding, to which numbers were fitted, fixes
already: the same outcomes in the same arms at the same time and point.

How hard a published row was to meet: the share of assumed parameter sets in which it holds.

A row that holds in nearly all plausible sets could not have failed here; meeting it says nothing about the shipped
set. The evidence of a row that is met is at most -log2(share) bits, whatever the shipped set gives.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workbench.findings.arm_numbers import SettingFault, setting_at
from workbench.findings.finding import Criterion, Finding, Role
from workbench.findings.samples import terms_of
from workbench.scenario.model import Evidence, ParameterSet, Quantity, Ref, Scenario, Setting
from workbench.scenario.text.document import listed
from workbench.terms import ENOUGH_SETS

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
    return f"what it reads is already fixed by {listed(fixing)}, to which numbers were fitted"


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


LEVEL = 0.95
SURE = 0.90
"""A row could not fail if the lower end of the interval of its share lies above this."""
WEAK, RISKY = 0.5, 0.1
"""Shares above which a row is a weak test, and up to which it is a risky one."""

Label = Literal["could not fail here", "weak test", "could fail", "risky test", "not measured"]


@dataclass(frozen=True)
class Severity:
    """In how many of the sets of a study over assumed ranges a row holds."""

    held: int
    sets: int
    study: str

    @property
    def share(self) -> float:
        """Share of sets in which it holds."""
        return self.held / self.sets

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of the share at 95 %."""
        from scipy.stats import binomtest

        found = binomtest(self.held, self.sets).proportion_ci(LEVEL, method="wilson")
        return float(found.low), float(found.high)

    @property
    def could_not_fail(self) -> bool:
        """Whether it holds in so many sets that meeting it says nothing; 40 of 40 are enough."""
        return self.interval[0] > SURE

    @property
    def label(self) -> Label:
        """What meeting the row is worth; only "could not fail here" is said of fewer than 200 sets."""
        if self.could_not_fail:
            return "could not fail here"
        if self.sets < ENOUGH_SETS:
            return "not measured"
        if self.share > WEAK:
            return "weak test"
        return "could fail" if self.share > RISKY else "risky test"

    @property
    def bits(self) -> float:
        """The most evidence that meeting it can give; where no set meets it, that of the upper end of the interval."""
        return abs(math.log2(self.share or self.interval[1]))

    @property
    def words(self) -> str:
        """Say it in one clause: ``holds in 131 of 256 sets, at most 1 bit: weak test``."""
        counted = f"holds in {self.held} of {self.sets} assumed sets"
        if self.label == "not measured":
            return f"{counted}: too few for more ({ENOUGH_SETS} are needed)"
        bits = f"{abs(self.bits):.1f}"
        return f"{counted}, at most {bits} bit{'s' if bits != '1.0' else ''}: {self.label}"


def joint_severity(held: Sequence[Sequence[bool]], study: str) -> Severity | None:
    """Return the severity of several rows at once: the sets in which all of them hold; None without sets."""
    if not held or not held[0]:
        return None
    every = [all(row) for row in zip(*held, strict=True)]
    return Severity(sum(every), len(every), study)


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
    numbers = [*set_evidence(scenario.parameters), *beside]
    return frozenset(name for evidence in numbers if evidence is not None for name in evidence.fitted_to)


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
