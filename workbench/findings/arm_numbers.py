"""The numbers of a scenario that go into a closed form, as one arm has them at one point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from workbench.component.field_path import field_path
from workbench.component.registry import SECTIONS
from workbench.component.tables import Fields, Tables
from workbench.quantities import parse_integer
from workbench.scenario.arms import is_switched_off
from workbench.scenario.conformity import show
from workbench.scenario.model import Quantity, Ref, Scenario, Table
from workbench.scenario.text.document import listed

PARAMETER = "parameter"


class SettingFault(LookupError):
    """A closed form is given something that its scenario does not have; `got` may resemble one of `known`."""

    def __init__(self, message: str, got: str = "", known: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.got, self.known = got, tuple(known)


def setting_at(scenario: Scenario, arm: str, at: Mapping[str, Any], given: Any) -> Any:
    """Return a bare number as it is, a path's number or numbers in its declared unit, or the covariance of a task.

    Parameters
    ----------
    at : mapping path -> value
        The swept point that the criterion is about.
    given : number or str
        A path stands for a number or, where the field is a list of numbers, for all of them; it may end in an entry of
        the list, from 1: ``projection.w.bounds.2``. A task stands for the covariance of its inputs.
    """
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return float(given)
    if not isinstance(given, str):
        raise SettingFault(f"expected a number or a path, got {show(given)}")
    section, name, field = field_path(given)
    table = _table(scenario, arm, section, name)
    fields = fields_at(scenario, arm, at, section, name)
    if section == "task" and not field:
        return _covariance(scenario, arm, at, name, fields)
    field, _, entry = field.partition(".")
    if field not in fields:
        known = [key for key, value in fields.items() if _is_number(value) or _is_list(value)]
        message = f"{table.path} has no field {show(field)} (its numbers: {listed(known)})"
        raise SettingFault(message, field, known)
    value = fields[field]
    if not entry and _is_list(value):
        return tuple(float(item) for item in value)
    if entry and _is_list(value):
        place = parse_integer(entry)
        if place is None or not 0 < place <= len(value):
            raise SettingFault(f"{table.path}.{field} has no entry {show(entry)} (it has 1 to {len(value)})")
        value = value[place - 1]
    elif entry:
        raise SettingFault(f"{table.path}.{field} is not a list: it has no entry {show(entry)}")
    if not _is_number(value):
        raise SettingFault(f"{given} is not a number: {show(value)}")
    return float(value)


def _table(scenario: Scenario, arm: str, section: str, name: str) -> Table:
    """Return the table that a path begins with."""
    if section not in SECTIONS:
        raise SettingFault(
            f"no section {show(section)} (a path begins with one of: {listed(SECTIONS)})", section, SECTIONS
        )
    tables = scenario.tables.get(section, {})
    if name not in tables:
        message = (
            f"no table {show('.'.join((section, name)))} in {scenario.name} (of {section} it has: {listed(tables)})"
        )
        raise SettingFault(message, name, tables)
    table = tables[name]
    if table.path in scenario.arms[arm].without and not is_switched_off(table):
        raise SettingFault(f"arm {arm} is without {table.path}")
    return table


def fields_at(scenario: Scenario, arm: str, at: Mapping[str, Any], section: str, name: str) -> dict[str, Any]:
    """Return a table's fields as plain Python: default, file, arm, point, in this order.

    What an arm withholds, a dose or a session under its ``without``, is there with nothing in it.
    """
    table, found = scenario.tables[section][name], {}
    chosen = scenario.arms[arm].set
    key = f"{table.path}.{SECTIONS[section].key}"
    component = scenario.registry.get(section, str(at.get(key, chosen.get(key, table.component.name))))
    withheld = component.withheld_by if table.path in scenario.arms[arm].without else ()
    for field, parameter in component.parameters().items():
        path = f"{table.path}.{field}"
        if not parameter.required:
            found[field] = parameter.default
        for layer, place in ((table.fields, field), (chosen, path), (at, path)):
            if place in layer:
                found[field] = _plain(scenario, arm, at, layer[place])
        if field in withheld:
            found[field] = 0.0
    return found


def _plain(scenario: Scenario, arm: str, at: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, Ref):
        value = _parameter(scenario, arm, at, value.name)
    if isinstance(value, Quantity):
        return value.number
    return tuple(_plain(scenario, arm, at, item) for item in value) if isinstance(value, tuple) else value


def _parameter(scenario: Scenario, arm: str, at: Mapping[str, Any], name: str) -> Any:
    """Return a value of the parameter set: as the set, the arm's condition, the arm itself and the point have it."""
    chosen, path = scenario.arms[arm], f"{PARAMETER}.{name}"
    changed = scenario.parameters.conditions.get(chosen.condition or "", {})
    below = changed.get(name, scenario.parameters.values[name])
    return at.get(path, chosen.set.get(path, below))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) > 0 and all(_is_number(item) for item in value)


def _covariance(scenario: Scenario, arm: str, at: Mapping[str, Any], name: str, fields: dict[str, Any]) -> Any:
    component = scenario.registry.get("task", scenario.tables["task"][name].component.name)
    covariance = getattr(component, "covariance_of", None)
    if covariance is None:
        raise SettingFault(f"task.{name} is a {component.name}, whose covariance is not known")
    population = {
        other: Fields(table.component, "population", other, fields_at(scenario, arm, at, "population", other))
        for other, table in scenario.tables["population"].items()
    }
    return np.asarray(covariance(fields, Tables({"population": population})))
