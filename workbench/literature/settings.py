"""The numbers of a scenario that go into a closed form, as one arm has them at one point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.registry import SECTIONS
from workbench.scenario.conformity import show
from workbench.scenario.model import Quantity, Ref, Scenario


class SettingFault(LookupError):
    """A closed form is given something that its scenario does not have."""


def setting_at(scenario: Scenario, arm: str, at: Mapping[str, Any], given: Any) -> Any:
    """Return a bare number as it is, a path's number in its declared unit, or the covariance of a task's inputs.

    Parameters
    ----------
    at : mapping path -> value
        The swept point that the criterion is about.
    given : number or str
        A path may end in an entry of a list, from 1: ``projection.w.bounds.2``.
    """
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return float(given)
    if not isinstance(given, str):
        raise SettingFault(f"expected a number or a path, got {show(given)}")
    section, _, rest = given.partition(".")
    name, _, field = rest.partition(".")
    if section not in scenario.tables or name not in scenario.tables[section]:
        raise SettingFault(f"no table {show('.'.join((section, name)))} in {scenario.name}")
    fields = fields_at(scenario, arm, at, section, name)
    if section == "task" and not field:
        return _covariance(scenario, arm, at, name, fields)
    field, _, entry = field.partition(".")
    if field not in fields:
        raise SettingFault(f"{section}.{name} has no field {show(field)}")
    value = fields[field]
    if entry and isinstance(value, tuple) and entry.isdecimal() and 0 < int(entry) <= len(value):
        value = value[int(entry) - 1]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SettingFault(f"{given} is no number: {show(value)}")
    return float(value)


def fields_at(scenario: Scenario, arm: str, at: Mapping[str, Any], section: str, name: str) -> dict[str, Any]:
    """Return a table's fields as plain Python: default, file, arm, point, in this order."""
    table, found = scenario.tables[section][name], {}
    chosen = scenario.arms[arm].set
    key = f"{table.path}.{SECTIONS[section].key}"
    component = scenario.registry.get(section, str(at.get(key, chosen.get(key, table.component.name))))
    for field, parameter in component.parameters().items():
        path = f"{table.path}.{field}"
        if not parameter.required:
            found[field] = parameter.default
        if field in table.fields:
            found[field] = _plain(scenario, arm, table.fields[field])
        if path in chosen:
            found[field] = _plain(scenario, arm, chosen[path])
        if path in at:
            found[field] = at[path]
    return found


def _plain(scenario: Scenario, arm: str, value: Any) -> Any:
    if isinstance(value, Ref):
        condition = scenario.arms[arm].condition
        changed = scenario.parameters.conditions.get(condition or "", {})
        value = changed.get(value.name, scenario.parameters.values[value.name])
    if isinstance(value, Quantity):
        return value.number
    return tuple(_plain(scenario, arm, item) for item in value) if isinstance(value, tuple) else value


def _covariance(scenario: Scenario, arm: str, at: Mapping[str, Any], name: str, fields: dict[str, Any]) -> Any:
    component = scenario.registry.get("task", scenario.tables["task"][name].component.name)
    covariance = getattr(component, "covariance_of", None)
    if covariance is None:
        raise SettingFault(f"task.{name} is a {component.name}, whose covariance is not known")
    names = scenario.tables["population"]
    population = {other: fields_at(scenario, arm, at, "population", other) for other in names}
    return np.asarray(covariance(fields, {"population": population}))
