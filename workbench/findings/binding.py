"""A finding meets its scenario: its outcomes, arms, studies, points and units are looked up there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.errors import ScenarioError
from workbench.findings.criterion import UNIT as VISITS
from workbench.findings.criterion import (
    CriterionText,
    check_horizon,
    check_point,
    criterion_visits,
    pace_of,
    point_at,
    smallest_of,
    study_of,
)
from workbench.findings.expected import ExpectedTerm, accepted_range, form_name
from workbench.findings.finding import Among, Criterion, Finding
from workbench.findings.grammar import APART, COMMON, INNER, PAIRED, STATISTICS, TIMED, AmongShape, Statistic
from workbench.findings.parser import Draft
from workbench.scenario.conformity import conforming_entries, show
from workbench.scenario.model import Scenario, Study
from workbench.scenario.text.document import Document, listed

COURSE_TIME = {"every": "trial", "interval": "h"}


def bind(drafts: Iterable[Draft], scenario: Scenario) -> list[Finding]:
    """Return the findings with their criteria checked against `scenario`.

    Raises
    ------
    ScenarioError
        With every criterion that names something the scenario lacks, or that is inconsistent, at its place.
    """
    problems: list[Any] = []
    found = []
    documents: dict[str, Document] = {}
    for draft in drafts:
        file = draft.document.file
        if file not in documents:
            documents[file] = draft.document.again(problems)
        document = documents[file]
        read = [
            _Binder(CriterionText(document, keys, raw, draft.sources), scenario).criterion()
            for keys, raw in draft.criteria.items()
        ]
        finding = replace(draft.head, criteria=tuple(c for c in read if c is not None))
        if not document.problems:
            check_horizon(document, finding, scenario)
        found.append(finding)
    if problems:
        raise ScenarioError(problems)
    return found


@dataclass(frozen=True)
class _Binder:
    """Reads one criterion, which stands at `keys`."""

    text: CriterionText
    scenario: Scenario

    def criterion(self) -> Criterion | None:
        """Return the criterion, or None after a report."""
        before = len(self.text.document.problems)
        statistic = STATISTICS[self.text.raw["statistic"]]
        self.check_keys(statistic)
        section, measure = self.measure(statistic)
        measures, times = criterion_visits(self.text, self.scenario) if self.listed else ((), ())
        arms = self.text.named("arms", "arm", self.text.raw["arms"], tuple(self.scenario.arms), self.scenario.name)
        self.check_count(statistic, arms)
        study = (
            study_of(self.text, self.scenario, arms, measures or (measure,), section)
            if len(self.text.document.problems) == before
            else None
        )
        if study is None:
            return None
        check_point(self.text, study)
        unit = self.unit(statistic, section, measure, study)
        own = self.own_unit(section, measure)
        at, against_at = (point_at(self.text, key, study) for key in ("at", "against_at"))
        second = ExpectedTerm(arms[-1], against_at or at) if len(arms) == 2 or (len(arms) == 1 and against_at) else None
        accept = accepted_range(self.text, self.scenario, ExpectedTerm(arms[0], at), second, unit)
        if accept is None:
            return None
        read = Criterion(
            statistic=self.text.raw["statistic"],
            kind="course" if section == "course" else "outcome",
            measure=measure,
            arms=tuple(arms),
            accept=accept,
            closed_form=form_name(self.text, self.scenario),
            unit=unit,
            against=self.text.raw.get("against", ""),
            study=study.name,
            at=at,
            against_at=against_at,
            time=self.text.number("time", self.time_unit(section, measure)),
            against_time=self.text.number("against_time", self.time_unit(section, measure)),
            over=self.text.raw.get("over", ""),
            of=self.text.raw.get("of", "value"),
            among=self.among(),
            above=self.text.number("above", self.threshold_unit(own)),
            below=self.text.number("below", self.threshold_unit(own)),
            baseline=self.text.number("baseline", own) or 0.0,
            holds=self.text.range("holds", own if self.of_value else "1") if "holds" in self.text.raw else None,
            target=self.text.number("target", unit),
            error=self.text.error(unit),
            title=self.text.raw.get("title", ""),
            measures=measures,
            times=times,
            smallest=smallest_of(self.text, accept, unit),
            pace=pace_of(self.text, self.scenario, arms, measures or (measure, *self.second), section),
            by_construction=self.text.raw.get("by_construction", ""),
            beside=self.text.raw.get("beside", ""),
        )
        return read if len(self.text.document.problems) == before else None

    @property
    def second(self) -> tuple[str, ...]:
        """The second outcome or course, if there is one."""
        return (str(self.text.raw["against"]),) if "against" in self.text.raw else ()

    @property
    def listed(self) -> bool:
        """Whether the criterion is about several visits."""
        return self.text.raw["statistic"] in TIMED and "outcomes" in self.text.raw

    @property
    def of_value(self) -> bool:
        """Whether what is taken has the outcome's own unit."""
        return self.text.raw.get("of", "value") in ("value", "mean", "median", "difference")

    def check_keys(self, statistic: Statistic) -> None:
        """Report keys that the statistic needs but lacks, and keys that it does not use."""
        name = self.text.raw["statistic"]
        for key in statistic.needs:
            if key not in self.text.raw:
                self.text.report(key, f"is missing ({name}: {statistic.doc})", at="key")
        allowed = (*COMMON, *statistic.needs, *statistic.takes)
        for key in self.text.raw:
            if key not in allowed:
                self.text.report(
                    key, f"has no meaning for {name} ({statistic.doc}; it takes {listed(allowed)})", at="key"
                )
        bounded = any(key in self.text.raw for key in ("above", "below"))
        if "above" in statistic.takes and name != "holds_over" and not bounded:
            self.text.report("above", f"is missing ({name} needs above or below: {statistic.doc})", at="key")
        self._check_of(name)
        if name == "correlation":
            self._check_partner()

    def _check_of(self, name: str) -> None:
        """Report an `of` that the statistic does not know."""
        of = self.text.raw.get("of")
        if name in ("share", "share_difference"):
            self.check_share(name, of)
            return
        known = INNER if name == "holds_over" else APART if name in TIMED else None
        if known is not None and of is not None and of not in known:
            self._unknown_of(of, known)

    def _unknown_of(self, of: str, known: Sequence[str]) -> None:
        self.text.report("of", f"unknown: {show(of)} (one of: {listed(known)})", got=str(of), known=known)

    def _check_partner(self) -> None:
        """Report a correlation with nothing, or with two things."""
        given = [key for key in ("over", "against") if key in self.text.raw]
        if not given:
            message = "is missing (a correlation is with a second course, against, or along a swept path, over)"
            self.text.report("against", message, at="key")
        elif len(given) > 1:
            self.text.report("against", "a correlation is with a second course or along a swept path, not both")

    def check_share(self, name: str, of: str | None) -> None:
        """Report a share of pairs without `of`, or the reverse.

        A pair is two arms, or an outcome and `against` in one arm.
        """
        arms, pairs = len(self.text.raw["arms"]), 1 if name == "share" else 2
        paired = arms == 2 * pairs or "against" in self.text.raw
        if "against" in self.text.raw and arms != pairs:
            self.text.report("against", f"pairs two outcomes of one arm: {name} then takes {pairs} arms, got {arms}")
        elif paired and of is None:
            self.text.report(
                "of",
                f"is missing (a share of pairs of arms, or of outcomes, is of a {' or a '.join(PAIRED)})",
                at="key",
            )
        elif paired and of not in PAIRED:
            self._unknown_of(str(of), PAIRED)
        elif not paired and of is not None:
            self.text.report("of", "goes with pairs of arms; a share of single values needs no of", at="key")

    def measure(self, statistic: Statistic) -> tuple[str, str]:
        """Return section and name of what is measured."""
        section = self._section()
        if section == "outcomes":
            return "outcome", str(self.text.raw["outcomes"][0])
        if not section:
            return "outcome", ""
        check = self._check_course if section == "course" else self._check_outcome
        check(self.text.raw["statistic"], statistic)
        known = tuple(self.scenario.tables.get(section, {}))
        for key in (section, "against"):
            if key in self.text.raw:
                self.text.named(key, section, [self.text.raw[key]], known, self.scenario.name)
        return section, str(self.text.raw[section])

    def _section(self) -> str:
        """Return which key says what is measured: outcome, outcomes or course; "" after a report."""
        timed = self.text.raw["statistic"] in TIMED
        given = [key for key in ("outcome", *(["outcomes"] if timed else []), "course") if key in self.text.raw]
        if timed and (len(given) != 1 or given == ["outcome"]):
            self.text.report("outcomes", "is missing: a time is asked of several outcomes or of one course", at="key")
            return ""
        if len(given) != 1:
            words = "give one of them" if given else "a criterion is about an outcome or a course"
            self.text.report("outcome", f"{'both outcome and course' if given else 'is missing'}: {words}", at="key")
            return ""
        return given[0]

    def _check_course(self, name: str, statistic: Statistic) -> None:
        """Report a statistic that no course has, and one of a moment that is not given."""
        whole = name in TIMED or not statistic.outcomes or name == "correlation"
        if not statistic.courses:
            self.text.report("course", f"{name} is taken of outcomes ({statistic.doc})", at="key")
        elif not whole and "time" not in self.text.raw:
            self.text.report("time", f"is missing ({name} needs one moment of a course)", at="key")

    def _check_outcome(self, name: str, statistic: Statistic) -> None:
        """Report a statistic that no outcome has, and a moment, which it has itself."""
        if not statistic.outcomes:
            self.text.report("outcome", f"{name} is taken of a course ({statistic.doc})", at="key")
        if "time" in self.text.raw or "against_time" in self.text.raw:
            self.text.report("time", "is a moment of a course; an outcome has its own window", at="key")

    def check_count(self, statistic: Statistic, arms: list[str]) -> None:
        """Report too few or too many arms for the statistic."""
        least, most = statistic.arms
        second = any(key in self.text.raw for key in ("against", "against_at", "against_time"))
        least = 2 if statistic.two_terms and not second else least
        if self.text.raw["statistic"] in ("share", "share_difference") and "against" in self.text.raw:
            return  # told by check_share
        if self.text.raw["statistic"] == "share_difference" and len(arms) == 3:
            least = 4
        if not least <= len(arms) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            hint = " (or one arm with against, against_at or against_time)" if statistic.two_terms else ""
            self.text.report("arms", f"{self.text.raw['statistic']} takes {wanted} arms{hint}, got {len(arms)}")
        if self.text.raw["statistic"] == "gain_ratio" and not second:
            self.text.report(
                "against", "is missing (a gain ratio needs a second gain: against, against_at or against_time)"
            )

    def among(self) -> Among | None:
        """Return which subjects count."""
        raw = self.text.raw.get("among")
        if raw is None:
            return None
        keys = (*self.text.keys, "among")
        sound = conforming_entries(self.text.document, keys, AmongShape, raw)
        trait, outcome, arm = (sound.get(key) or "" for key in ("trait", "outcome", "arm"))
        known = tuple(t.name for t in self.scenario.subjects.traits)
        if bool(trait) == bool(outcome):
            self.text.document.report(keys, "subjects are chosen by a trait, or by an outcome in an arm")
            return None
        if outcome and (outcome not in self.scenario.tables["outcome"] or arm not in self.scenario.arms):
            self.text.document.report(keys, f"no outcome {show(outcome)} in an arm {show(arm)} in {self.scenario.name}")
        if trait and trait not in known:
            self.text.document.report(
                (*keys, "trait"), f"no trait {show(trait)} (defined: {listed(known)})", got=trait, known=known
            )
            return None
        unit = next((t.unit for t in self.scenario.subjects.traits if t.name == trait), None)
        unit = unit or self.own_unit("outcome", outcome)
        low, high = (
            self.text.plain(sound[key], unit, (*keys, key)) if key in sound else None for key in ("above", "below")
        )
        if low is None and high is None:
            self.text.document.report(keys, "selects no one without above or below")
        return Among(trait, outcome, arm, low, high)

    def own_unit(self, section: str, measure: str) -> str:
        """Return the unit of an outcome or course."""
        table = self.scenario.tables.get(section, {}).get(measure)
        return getattr(table.component, "unit", "1") if table is not None else "1"

    def time_unit(self, section: str, measure: str) -> str:
        """Return the unit of a course's times."""
        table = self.scenario.tables.get(section, {}).get(measure)
        given = [unit for field, unit in COURSE_TIME.items() if table is not None and table.fields.get(field)]
        return given[0] if given else "trial"

    def threshold_unit(self, own: str) -> str:
        """Return the unit of `above` and `below`."""
        return "1" if self.text.raw.get("of") in ("ratio", "hedges_g") else own

    def unit(self, statistic: Statistic, section: str, measure: str, study: Study) -> str:
        """Return the unit of the statistic's value; a slope's is a bare number."""
        if statistic.unit == "outcome":
            return self.own_unit(section, measure)
        if statistic.unit == "time" and "outcomes" in self.text.raw:
            return VISITS
        if statistic.unit == "time":
            return self.time_unit(section, measure)
        if statistic.unit == "axis":
            return next((axis.unit for axis in study.axes if axis.path == self.text.raw.get("over")), "1")
        return "1"
