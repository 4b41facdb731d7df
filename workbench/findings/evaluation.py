"""Findings evaluated on stored rows: the value of each criterion, its error, its interval over parameters."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.analysis.selection import Selection
from workbench.errors import ScenarioError
from workbench.findings.binding import bind
from workbench.findings.finding import Criterion, Finding, Role
from workbench.findings.ledger import (
    CriterionRow,
    LedgerRow,
    PaceRow,
    in_words,
    invert_verdict,
    joint_verdict,
    monte_carlo_error,
    people_needed,
    verdict_of,
)
from workbench.findings.samples import NotStored, Sample, Stored, sample_of
from workbench.findings.standing import (
    Severity,
    at_own_point,
    criterion_role,
    fitted_elsewhere,
    fitted_findings,
    joint_severity,
    role_of,
    structure_notes,
)
from workbench.findings.statistic_values import holding, value_of
from workbench.terms import ENOUGH_SETS, FEWEST_PEOPLE

if TYPE_CHECKING:
    from workbench.findings.parser import Draft
    from workbench.scenario.model import Scenario, Study

FEWEST_POINTS = 20
"""Fewer sets of a study over parameter ranges give no 5th and 95th percentile."""
PERCENTILES = (5, 95)


def rows_of(drafts: Sequence[Draft], selection: Selection) -> list[LedgerRow]:
    """Return a row for each finding of the stored scenario; one that its text cannot answer is "not run"."""
    try:
        scenario = _stored_scenario(selection)
    except ScenarioError as error:
        fitted = _named_as_fitted(selection.parameter_set)
        why = f"the stored scenario cannot be read again: {error.problems[0]}"
        return [not_run(draft.head, fitted, why) for draft in drafts]
    bound: dict[str, Finding | str] = {}
    for draft in drafts:
        try:
            (bound[draft.head.name],) = bind([draft], scenario)
        except ScenarioError as error:
            bound[draft.head.name] = f"not in the stored scenario: {error.problems[0].message}"
    stored, names = Stored(selection), fitted_findings(scenario)
    held = [found for found in bound.values() if isinstance(found, Finding) and found.name in names]
    rows = []
    for draft in drafts:
        found = bound[draft.head.name]
        if isinstance(found, str):
            rows.append(not_run(draft.head, names, found))
        else:
            rows.append(evaluate(found, scenario, stored, held))
    return rows


def evaluate(finding: Finding, scenario: Scenario, stored: Stored, fitted: Sequence[Finding] = ()) -> LedgerRow:
    """Return what the stored runs of `scenario` say to one finding; `fitted` are those its numbers were fitted to."""
    role = role_of(finding, fitted_findings(scenario))
    looks = [_Evaluation(criterion, scenario, stored) for criterion in finding.criteria]
    criteria = tuple(look.row(role, fitted_elsewhere(look.criterion, finding, fitted, scenario)) for look in looks)
    verdict = joint_verdict([row.verdict for row in criteria if row.judged])
    severity, unmeasured = _joint_severity(looks)
    return LedgerRow(
        finding=finding,
        role=_weaken_role(role, criteria),
        verdict=invert_verdict(verdict) if finding.must_fail else verdict,
        criteria=criteria,
        db=str(stored.selection.results.path),
        sweep=stored.selection.sweep,
        note=_sweep_remarks(stored.selection),
        severity=severity,
        unmeasured=unmeasured,
        chosen=tuple(structure_notes(finding, scenario)) if role in ("test", "built_in") else (),
    )


def _weaken_role(role: Role, criteria: Sequence[CriterionRow]) -> Role:
    """Return the role of a finding of which some criteria may be no test: a test while one of them still is."""
    judged = [row for row in criteria if row.judged]
    if role != "test" or any(row.counts for row in judged):
        return role
    return "fit" if any(row.role == "fit" for row in judged) else "built_in"


def _joint_severity(looks: Sequence[_Evaluation]) -> tuple[Severity | None, str]:
    """Return the severity of all judged criteria together, or None and why it is not known."""
    judged = [look for look in looks if not look.criterion.beside]
    if not judged:
        return None, "none of its criteria is judged"
    alone = [look.severity() for look in judged]
    if len(judged) == 1:
        return alone[0]
    for place, (severity, why) in enumerate(alone, 1):
        if severity is None:
            return None, f"criterion {place} of {len(judged)}: {why}"
    studies = {look.spread.name for look in judged if look.spread is not None}
    if len(studies) > 1:
        return None, f"its criteria are read from studies of different sets ({', '.join(sorted(studies))})"
    return joint_severity([look.held for look in judged], studies.pop()), ""


def _sweep_remarks(selection: Selection) -> str:
    """Return what a reader must know about the sweep: what its command line set, and how many runs are missing."""
    facts = selection.facts
    settings = json.loads(str(facts["settings"]))
    remarks = [f"run with --set {', '.join(f'{path}={value}' for path, value in settings.items())}"] if settings else []
    missing = int(facts["expected"]) - int(facts["stored"]) - int(facts["failed"])
    if missing:
        remarks.append(f"the sweep is not finished: {missing:,} of {int(facts['expected']):,} runs are missing")
    return "; ".join(remarks)


def not_run(finding: Finding, fitted: Collection[str], why: str) -> LedgerRow:
    """Return the row of a finding without results; its criteria are those it was bound with, if any."""
    criteria = tuple(CriterionRow(c, in_words(c), "not run", note=why, unmeasured="not run") for c in finding.criteria)
    return LedgerRow(finding, role_of(finding, fitted), "not run", criteria, note=why, unmeasured="not run")


class _Evaluation:
    """One criterion on stored runs: its value, what becomes of it over parameter sets, and at other paces."""

    def __init__(self, criterion: Criterion, scenario: Scenario, stored: Stored) -> None:
        self.criterion, self.scenario, self.stored = criterion, scenario, stored
        self.spread, self.unspread = _spread(criterion, scenario)

    def row(self, role: Role, elsewhere: str) -> CriterionRow:
        """Return what the runs say; `role` is that of the finding, `elsewhere` the fit that fixes it already."""
        c, words = self.criterion, in_words(self.criterion)
        severity, unmeasured = self.severity()
        sure = severity is not None and severity.could_not_fail
        own = criterion_role(role, c, elsewhere, could_not_fail=sure)
        demoted = ""
        if own != role:
            demoted = elsewhere or c.by_construction or severity.words if severity else elsewhere or c.by_construction
        try:
            sample = sample_of(c, self.stored, c.study)
        except NotStored as missing:
            note = f"not stored: {missing}"
            why = unmeasured or ("" if severity else "not run")
            return CriterionRow(
                c, words, "not run", note=note, role=own, demoted=demoted, severity=severity, unmeasured=why
            )
        value, error = value_of(c, sample), monte_carlo_error(c, sample)
        verdict = verdict_of(value, c.accept, error)
        interval, without = self.interval(value, sample)
        return CriterionRow(
            criterion=c,
            words=words,
            verdict=verdict,
            value=None if np.isnan(value) else value,
            mc_error=error,
            interval=interval,
            without=without,
            subjects=sample.subjects,
            note="; ".join(self.notes(value, sample, own)),
            role=own,
            demoted=demoted,
            severity=severity,
            unmeasured=unmeasured,
            paces=self.paces(),
            needed=people_needed(value, c.accept, error, sample.subjects) if verdict == "undecided" else 0,
        )

    def notes(self, value: float, sample: Sample, role: Role) -> Iterator[str]:
        """Yield remarks about the value."""
        c = self.criterion
        if c.one_sided and not c.closed_form and role == "test":
            yield "its range has one bound, and no smallest effect worth naming is stated: not counted"
        if sample.subjects < 2:
            yield "with one subject the calculation error is unknown"
        if sample.left_out:
            yield f"{sample.left_out} subjects left out: a run failed or is missing"
        if np.isnan(value):
            yield "the statistic is not defined here, or its level is never reached"
        if c.statistic == "holds_over":
            holds = [f"{x:g}" for x, true in zip(sample.along, holding(c, sample), strict=True) if true]
            yield f"holds at {c.over} = {', '.join(holds) or 'none of the swept values'}"

    @cached_property
    def sets(self) -> list[Sample]:
        """The sample of every stored set of the study over assumed ranges."""
        found: list[Sample] = []
        for point in range(0 if self.spread is None else self.spread.n):
            with suppress(NotStored):
                found.append(sample_of(self.criterion, self.stored, self.spread.name, point))  # type: ignore[union-attr]
        return found

    @property
    def people(self) -> int:
        """How many subjects are stored in each of these sets: a command may have asked for fewer than the file does."""
        return max((sample.subjects for sample in self.sets), default=0)

    @cached_property
    def over_sets(self) -> list[float]:
        """The statistic at every set of the study over assumed ranges; NaN where it is not defined."""
        return [value_of(self.criterion, sample) for sample in self.sets]

    @property
    def held(self) -> list[bool]:
        """In which sets the criterion holds; where it is not defined it does not."""
        low, high = self.criterion.accept
        return [low <= value <= high for value in self.over_sets]

    def severity(self) -> tuple[Severity | None, str]:
        """Return in how many sets the criterion holds, or None and why that is not known."""
        if self.spread is None:
            return None, self.unspread
        if not self.over_sets:
            return None, f"study {self.spread.name} was not run"
        try:
            first = sample_of(self.criterion, self.stored, self.spread.name, 0)
        except NotStored as missing:
            return None, f"study {self.spread.name} does not have it: {missing}"
        if _of_people(self.criterion, first) == "share" and self.people < FEWEST_PEOPLE:
            return None, f"study {self.spread.name} has {self.people} subjects a set, too few for a share"
        return Severity(sum(self.held), len(self.over_sets), self.spread.name), ""

    def interval(self, value: float, sample: Sample) -> tuple[tuple[float, float] | None, str]:
        """Return the 5th and 95th percentile over parameter sets, or None and why there is no such range."""
        if self.spread is None:
            return None, self.unspread
        study, values = self.spread, [v for v in self.over_sets if np.isfinite(v)]
        if len(values) < FEWEST_POINTS:
            return None, f"study {study.name} was not run"
        kind = _of_people(self.criterion, sample)
        if kind and self.people < FEWEST_PEOPLE:
            remarks = f"study {study.name} has {self.people} subjects a set"
            return None, f"{remarks}, too few for a {kind} ({FEWEST_PEOPLE} are needed)"
        low, high = (float(q) for q in np.percentile(values, PERCENTILES))
        if np.isfinite(value) and not low <= value <= high and len(values) < ENOUGH_SETS:
            remarks = f"the {len(values)} sets of study {study.name} do not hold the model's own figure"
            return None, f"{remarks}, and fewer than {ENOUGH_SETS} sets are not enough to contradict it"
        return (low, high), ""

    def paces(self) -> tuple[PaceRow, ...]:
        """Return the criterion at every swept number of trials a day that was run."""
        pace = self.criterion.pace
        if pace is None:
            return ()
        unit = next(axis.unit for axis in self.scenario.studies[pace.study].axes if axis.path == pace.over)
        levels = self.stored.levels(pace.study, pace.over)
        unswept = replace(self.criterion, at={}, against_at={}, over="")
        found = []
        for point, level in sorted(levels.items(), key=lambda item: float(item[1])):
            try:
                sample = sample_of(unswept, self.stored, pace.study, point)
            except NotStored:
                continue
            value = value_of(unswept, sample)
            verdict = verdict_of(value, unswept.accept, monte_carlo_error(unswept, sample))
            found.append(PaceRow(float(level), unit, verdict, None if np.isnan(value) else value))
        return tuple(found)


def _spread(criterion: Criterion, scenario: Scenario) -> tuple[Study | None, str]:
    """Return the study over assumed ranges that shows a criterion, the one of most sets, or None and why there is none.

    A swept value that the scenario has anyway needs no sweep.
    """
    spread = [study for study in scenario.studies.values() if study.design != "grid"]
    if not spread:
        return None, "the scenario has no study over parameter ranges"
    if criterion.over or not at_own_point(criterion, scenario):
        return None, "its study is itself a sweep"
    with_arms = [study for study in spread if set(criterion.arms_needed) <= set(study.arms)]
    if not with_arms:
        return None, f"study {spread[0].name} does not have these arms"
    among = criterion.among.outcome if criterion.among is not None else ""
    asked = {m for m in (criterion.measure, criterion.against, among, *criterion.measures) if m}
    if criterion.kind == "course":
        keeping = [study for study in with_arms if study.record]
    else:
        keeping = [study for study in with_arms if asked <= set(study.outcomes)]
    if not keeping:
        return None, f"study {with_arms[0].name} does not keep the {criterion.kind} {criterion.measure}"
    return max(keeping, key=lambda study: study.n), ""


def _of_people(criterion: Criterion, sample: Sample) -> str:
    """Return what kind of number a criterion is if people are in it ("share", "level", "g"), "" for a difference.

    Subjects are the same in all arms, so that they drop out of a difference or ratio of two arms; a share, a mean level
    or a standardised effect has their spread in it.
    """
    if criterion.statistic in ("share", "share_difference") or bool(np.isin(sample.terms, (0.0, 1.0)).all()):
        return "share"
    if criterion.statistic in ("hedges_g", "effect_size") or criterion.of == "hedges_g":
        return "g"
    return "level" if criterion.statistic in ("mean", "median") else ""


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
