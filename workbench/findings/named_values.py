"""Values that several rows of a findings file need, each a closed form with a name: ``[value.SCENARIO.NAME]``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.findings.expected import form_of
from workbench.scenario.conformity import show
from workbench.scenario.document import Document, listed
from workbench.scenario.names import name_fault


def check_values(document: Document, values: Mapping[str, Any], scenarios: list[str]) -> None:
    """Report values for scenarios of which the file holds no finding, and forms that cannot be."""
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
