"""What theory expects of the learning rules: every expected value follows its scenario, and every row can be missed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
from support.cases import every_case
from support.shipped_texts import shipped_drafts

from workbench.findings.arm_numbers import fields_at
from workbench.findings.closed_forms import FAMILIES, FORMS
from workbench.findings.expected import AGAINST, AS_IN, FORM, NAMED, VALUE, Expectation, ExpectedTerm
from workbench.findings.parser import Draft
from workbench.quantities import to_unit
from workbench.scenario import load_scenario
from workbench.scenario.bibliography import read_bibliography
from workbench.scenario.model import Scenario
from workbench.scenario.shipped_files import data_folder, scenarios_folder
from workbench.scenario.text.document import Document

DRAFTS = shipped_drafts()
RULES = {d.head.name: d for d in DRAFTS if d.document.file.rpartition("/")[2].startswith("rules_")}
EXPECTING = [(name, keys) for name, draft in RULES.items() for keys, raw in draft.criteria.items() if "expected" in raw]
STATED = {"action", "step_from_end", "samples", "trials", "over", "component", "kept"}
"""Arguments that belong to the statement, and may be bare numbers: which action, step or weight, how many samples."""
WITHOUT_EFFECT = {
    "credit_gate": {"modulator.acetylcholine.d2_efficacy"},  # no D2 receptor is recruited
    "region_rules": {"modulator.acetylcholine.d2_efficacy"},  # the same
    "two_sided_balance": {"plasticity.cortex_striatum.rate"},  # a settled weight does not depend on it
}
"""Numbers that go into values of a scenario and move none of them, with the reason."""


@cache
def scenario(name: str) -> Scenario:
    (file,) = scenarios_folder().rglob(f"{name}.toml")
    return load_scenario(file)


@cache
def document(file: str) -> Document:
    data = next(draft.document.data for draft in DRAFTS if draft.document.file == file)
    return Document(data, file, [])


@dataclass(frozen=True)
class Row:
    """One criterion that expects something: what it expects, and with which terms."""

    document: Document
    scenario: Scenario
    raw: Mapping[str, Any]
    first: ExpectedTerm
    second: ExpectedTerm

    def value(self) -> float:
        found = Expectation(self.document, self.scenario, self.second).value(("x",), self.raw, self.first)
        assert found is not None, self.document.problems
        return found

    def arguments(self, raw: Mapping[str, Any] | None = None, second: bool = False) -> Iterator[tuple[str, Any, bool]]:
        """Yield (name, number or path, whether of the second term) of all forms behind the value."""
        raw = self.raw if raw is None else raw
        for key, given in raw.items():
            inner = f"{VALUE}{given}" if key == NAMED else given
            if key in (FORM, AS_IN):
                continue
            other = second or str(inner).startswith(AGAINST)
            inner = inner.removeprefix(AGAINST) if isinstance(inner, str) else inner
            if isinstance(inner, str) and inner.startswith(VALUE):
                named = self.document.content["value"][self.scenario.name][inner.removeprefix(VALUE)]
                yield from self.arguments(named, other)
            else:
                yield key, inner, other

    def changed(self, path: str, second: bool, field: str) -> Row:
        """Return the same row of a scenario in which a number is another one, in the arm whose numbers count."""
        term = self.second if second else self.first
        arm = term.arm if second else self.raw.get(AS_IN, term.arm)
        section, name = path.split(".")[:2]
        whole = f"{section}.{name}.{field}"
        bumped = other(fields_at(self.scenario, arm, term.at, section, name)[field], path)
        if whole in term.at:
            moved = ExpectedTerm(term.arm, {**term.at, whole: bumped})
            return replace(self, second=moved) if second else replace(self, first=moved)
        arms = {**self.scenario.arms}
        arms[arm] = replace(arms[arm], set={**arms[arm].set, whole: bumped})
        return replace(self, scenario=replace(self.scenario, arms=arms))


def other(value: Any, path: str = "") -> Any:
    """Return another number than `value`; of a list the entry that the path ends in, or all."""
    if isinstance(value, tuple):
        entry = path.rpartition(".")[2]
        return tuple(other(v) if not entry.isdecimal() or int(entry) == k else v for k, v in enumerate(value, 1))
    if isinstance(value, int):
        return 2 * value + 1
    return 2.25 * value if value else 0.1


def apart(one: float, two: float) -> bool:
    """Whether two values differ by more than rounding."""
    return abs(one - two) > 1e-13 * max(abs(one), abs(two))


def row_of(name: str, keys: tuple[str | int, ...]) -> Row:
    draft = RULES[name]
    raw, found = draft.criteria[keys], scenario(draft.head.scenario)
    axes = {axis.path: axis.unit for study in found.studies.values() for axis in study.axes}
    at, against = (
        {path: to_unit(v, axes[path]) if isinstance(v, str) else v for path, v in raw.get(key, {}).items()}
        for key in ("at", "against_at")
    )
    arms = raw["arms"]
    return Row(
        document(draft.document.file),
        found,
        raw["expected"],
        ExpectedTerm(arms[0], at),
        ExpectedTerm(arms[-1], against or at),
    )


def fields_of(row: Row, path: str) -> list[str]:
    """Return the field of a path, or of a task all its numbers."""
    section, name, *rest = path.split(".")
    if rest:
        return rest[:1]
    fields = fields_at(row.scenario, row.first.arm, row.first.at, section, name)
    return [key for key, value in fields.items() if isinstance(value, float | tuple)]


@every_case("about", sorted({draft.head.scenario for draft in RULES.values()}))
def test_what_is_expected_moves_with_the_numbers_of_its_scenario(about: str) -> None:
    """Each row moves with some number, and each number behind the rows of a scenario moves some of them."""
    moving, still = set[str](), set[str]()
    for name, keys in EXPECTING:
        if RULES[name].head.scenario != about:
            continue
        row = row_of(name, keys)
        before = row.value()
        paths = {(given, second) for _, given, second in row.arguments() if isinstance(given, str)}
        moves = {
            path: any(apart(row.changed(path, second, field).value(), before) for field in fields_of(row, path))
            for path, second in paths
        }
        assert any(moves.values()), f"{name}: {before} is the same whatever the scenario"
        moving |= {path for path, moved in moves.items() if moved}
        still |= set(moves)
    assert still - moving == WITHOUT_EFFECT.get(about, set())


def test_a_number_that_is_typed_belongs_to_the_statement() -> None:
    for name, keys in EXPECTING:
        typed = {key for key, given, _ in row_of(name, keys).arguments() if not isinstance(given, str)}
        assert typed <= STATED, name


def test_every_row_has_a_control_that_must_miss_its_theory() -> None:
    controls = {name for name, draft in RULES.items() if draft.head.must_fail}
    assert {name[:3] for name in RULES} == {name[:3] for name in controls}
    assert {name for name in RULES if name[-1] in "XYZ"} <= controls
    told = {str(draft.document.file).rpartition("/")[2] for draft in RULES.values()}
    assert told == {"rules_unsupervised.toml", "rules_reward.toml", "rules_circuit.toml"}


def test_a_control_that_a_form_holds_misses_it_where_the_row_itself_meets_it() -> None:
    """The form of each control is one that a row of the same number expects of an arm that must meet it."""
    for name, keys in EXPECTING:
        if RULES[name].head.must_fail:
            mine = row_of(name, keys)
            met = [row_of(n, k).value() for n, k in EXPECTING if n[:3] == name[:3] and not RULES[n].head.must_fail]
            assert any(value == pytest.approx(mine.value(), rel=1e-9) for value in met), name


BY_INTENT = {
    *("same", "ratio", "squared_ratio", "difference", "scaled", "shifted", "lesson", "pulsed", "percent_by_sign"),
    *("cued_drive", "neighbour_drive", "crossing", "potentiation", "depression", "permitted_depression"),
    *("settled_weight", "weight_on_the_way", "permission", "acetylcholine", "double_exponential", "cleared_mark"),
    *("lesson_in_window", "lesson_in_driven_window", "window_left", "set_tag", "reward_slope"),
    *("shared_activity", "flipping_activity"),
}
"""Forms without a source: they follow from a component's equation in a few lines."""


def test_every_closed_form_is_documented_sourced_and_used_by_some_finding() -> None:
    known = read_bibliography(data_folder() / "references.bib")
    assert sum(len(family.FORMS) for family in FAMILIES) == len(FORMS), "two families have a form of one name"
    for name, form in FORMS.items():
        assert form.equation and form.needs and all(form.needs.values()) and set(form.kinds) <= set(form.needs)
        assert form.source in known if name not in BY_INTENT else not form.source
    assert set(FORMS) == {name for draft in DRAFTS for name in forms_of(draft)}


def forms_of(draft: Draft) -> Iterator[str]:
    """Yield the names of the forms that a finding and the values of its scenario have."""
    for raw in draft.criteria.values():
        yield from (raw["expected"][FORM],) if FORM in raw.get("expected", {}) else ()
    named = draft.document.content.get("value", {}).get(draft.head.scenario, {})
    yield from (raw[FORM] for raw in named.values())


def test_every_named_value_is_needed() -> None:
    for document in {draft.document.file: draft.document for draft in RULES.values()}.values():
        for about, named in document.content.get("value", {}).items():
            needed = {raw[NAMED] for raw in _expected(document, about) if NAMED in raw}
            for raw in (*named.values(), *_expected(document, about)):
                needed |= {str(v).rpartition(VALUE)[2] for k, v in raw.items() if VALUE in str(v)}
            assert set(named) == needed, about


def _expected(document: Document, about: str) -> list[Mapping[str, Any]]:
    findings = (f for f in document.content["finding"].values() if f["scenario"] == about)
    return [c["expected"] for f in findings for c in f["criterion"] if "expected" in c]
