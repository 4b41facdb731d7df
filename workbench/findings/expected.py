"""The range that a criterion accepts: as its file gives it, or around what a closed form makes of the scenario."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.findings.arm_numbers import SettingFault, setting_at
from workbench.findings.closed_forms import FORMS, ClosedForm
from workbench.findings.criterion import CriterionText
from workbench.scenario.conformity import show
from workbench.scenario.model import Scenario
from workbench.scenario.names import name_fault
from workbench.scenario.text.document import Document, listed
from workbench.scenario.text.syntax import Keys

FORM, NAMED, AS_IN = "closed_form", "value", "as_in"
"""Keys that are no arguments: the form, or a value of the file in its place, and the arm whose numbers it takes."""
VALUE, AGAINST = "value.", "against."
"""An argument that begins so is a named value of the file; a number of the criterion's second term."""
WORDS = {"number": "a number", "list": "a list of numbers", "task": "a task, for the covariance of its inputs"}


@dataclass(frozen=True)
class ExpectedTerm:
    """One of the terms of a criterion: an arm at a point of its study."""

    arm: str
    at: Mapping[str, Any]


def accepted_range(
    text: CriterionText, scenario: Scenario, first: ExpectedTerm, second: ExpectedTerm | None, unit: str
) -> tuple[float, float] | None:
    """Return the accepted range of a criterion: as given, or around a closed form; None after a report."""
    if "accept" not in text.raw and "expected" not in text.raw:
        text.report("accept", "is missing (a range; or expected, a closed form)", at="key")
        return None
    if "accept" in text.raw and "expected" in text.raw:
        text.report("expected", "replaces accept: give one of the two", at="key")
        return None
    if "accept" in text.raw:
        for key in ("within", "within_share"):
            if key in text.raw:
                text.report(key, "goes with expected, a closed form", at="key")
        return text.range("accept", unit)
    value = Expectation(text.document, scenario, second).value((*text.keys, "expected"), text.raw["expected"], first)
    margin = text.number("within", unit)
    share = text.raw.get("within_share")
    if (margin is None) == (share is None):
        text.report("expected", "needs its tolerance: within, in the unit of the outcome, or within_share", at="key")
        return None
    if value is None:
        return None
    margin = abs(value) * float(share) if margin is None else margin  # type: ignore[arg-type]
    if not margin > 0:
        text.report("within", "a tolerance must be above 0", at="key")
        return None
    return value - margin, value + margin


def form_name(text: CriterionText, scenario: Scenario) -> str:
    """Return the name of the form that a criterion expects, also by way of a named value; "" where it expects none."""
    raw = text.raw.get("expected", {})
    if NAMED in raw:
        raw = text.document.content["value"][scenario.name][raw[NAMED]]
    return str(raw.get(FORM, ""))


def form_of(document: Document, keys: Keys, raw: Mapping[str, Any]) -> ClosedForm | None:
    """Return the form that a table names, whose arguments must be those that it needs; None after a report."""
    name = raw.get(FORM)
    if not isinstance(name, str) or name not in FORMS:
        reason = "needs a closed_form" if name is None else f"no closed form {show(name)}"
        message = f"{reason} (one of: {', '.join(FORMS)})"
        document.report(keys, message, got=str(name or ""), known=tuple(FORMS))
        return None
    form, got = FORMS[name], [key for key in raw if key not in (FORM, AS_IN)]
    if set(got) != set(form.needs):
        needs = ", ".join(f"{key} ({what})" for key, what in form.needs.items())
        document.report(keys, f"{name}, {form.equation}, needs {needs}; got {listed(got)}")
        return None
    return form


@dataclass(frozen=True)
class Expectation:
    """Works out closed forms with the numbers of one scenario; `second` is the other term of the criterion."""

    document: Document
    scenario: Scenario
    second: ExpectedTerm | None = None

    def value(
        self, keys: Keys, raw: Mapping[str, Any], term: ExpectedTerm, above: tuple[str, ...] = ()
    ) -> float | None:
        """Return what the form at `keys` gives, or None after a report; `above` are the named values that need it."""
        term = self.term(keys, raw, term)
        if NAMED in raw and not above:
            return self.instead(keys, raw, term)
        form = form_of(self.document, keys, raw)
        if form is None:
            return None
        given = {key: self.argument((*keys, key), raw[key], form, term, above) for key in form.needs}
        if any(value is None for value in given.values()):
            return None
        try:
            found = float(form.value(**given))
        except (ArithmeticError, ValueError, TypeError, IndexError) as error:
            self.document.report(keys, f"{raw[FORM]} has no value for these numbers ({error})")
            return None
        if not math.isfinite(found):
            self.document.report(keys, f"{raw[FORM]} has no value for these numbers (it is {found})")
            return None
        return found

    def term(self, keys: Keys, raw: Mapping[str, Any], term: ExpectedTerm) -> ExpectedTerm:
        """Return the term whose numbers a form takes: the criterion's own, or that of the arm it names."""
        arm = raw.get(AS_IN, term.arm)
        if isinstance(arm, str) and arm in self.scenario.arms:
            return ExpectedTerm(arm, term.at)
        known = tuple(self.scenario.arms)
        message = f"no arm {show(arm)} in {self.scenario.name} (defined: {listed(known)})"
        self.document.report((*keys, AS_IN), message, got=str(arm), known=known)
        return term

    def argument(self, keys: Keys, given: Any, form: ClosedForm, term: ExpectedTerm, above: tuple[str, ...]) -> Any:
        """Return one argument of a form, or None after a report."""
        if isinstance(given, str) and given.startswith(AGAINST):
            if self.second is None or above:
                which = "a named value is of" if above else "the criterion has"
                self.document.report(keys, f"{show(given)}: there is no second term ({which} one arm at one point)")
                return None
            term, given = self.second, given.removeprefix(AGAINST)
        found: Any
        if isinstance(given, str) and given.startswith(VALUE):
            found = self.named(keys, given.removeprefix(VALUE), term, above)
        else:
            try:
                found = setting_at(self.scenario, term.arm, term.at, given)
            except SettingFault as fault:
                self.document.report(keys, str(fault), got=fault.got, known=fault.known)
                return None
        kind, wanted = _kind(found), form.kind(str(keys[-1]))
        if found is not None and kind != wanted:
            entry = f"; name an entry, {given}.1" if (kind, wanted) == ("list", "number") else ""
            self.document.report(keys, f"expected {WORDS[wanted]}, got {WORDS[kind]}: {show(given)}{entry}")
            return None
        return found

    def instead(self, keys: Keys, raw: Mapping[str, Any], term: ExpectedTerm) -> float | None:
        """Return the named value that stands in place of a form."""
        other = [key for key in raw if key not in (NAMED, AS_IN)]
        if other:
            message = f"a named value of the file goes alone or with {AS_IN}; got {listed(other)} as well"
            self.document.report(keys, message)
            return None
        return self.named((*keys, NAMED), raw[NAMED], term, ())

    def named(self, keys: Keys, name: Any, term: ExpectedTerm, above: tuple[str, ...]) -> float | None:
        """Return a named value of the file, or None after a report."""
        known = self.document.content.get("value", {}).get(self.scenario.name, {})
        if not isinstance(name, str) or name not in known:
            message = f"no value {show(name)} for {self.scenario.name} in this file (it has: {listed(known)})"
            self.document.report(keys, message, got=str(name), known=known)
            return None
        if name in above:
            self.document.report(keys, f"a value cannot need itself ({', '.join((*above, name))})")
            return None
        return self.value(("value", self.scenario.name, name), known[name], term, (*above, name))


def _kind(found: Any) -> str:
    return "task" if isinstance(found, np.ndarray) else "list" if isinstance(found, tuple) else "number"


def check_values(document: Document, values: Mapping[str, Any], scenarios: list[str]) -> None:
    """Report values for scenarios that no finding of the file is about, and invalid forms."""
    for scenario, named in values.items():
        keys = ("value", scenario)
        if scenario not in scenarios:
            message = (
                f"no finding of this file is about a scenario {show(scenario)} (they are about: {listed(scenarios)})"
            )
            document.report(keys, message, at="key", got=scenario, known=scenarios)
        elif not isinstance(named, dict):
            document.report(keys, f"expected tables [value.{scenario}.NAME], got {show(named)}")
        else:
            for name, raw in named.items():
                _check(document, (*keys, name), name, raw)


def _check(document: Document, keys: tuple[str, ...], name: str, raw: Any) -> None:
    if fault := name_fault(name):
        document.report(keys, fault, at="key")
    elif not isinstance(raw, dict):
        document.report(keys, f"expected a table with a closed_form, got {show(raw)}")
    else:
        form_of(document, keys, raw)
