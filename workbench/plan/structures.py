"""What a group of runs shares: its tables, component by component, with every field that is not a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from workbench.component.declaration import Parameter
from workbench.component.field_path import field_path
from workbench.errors import Problem, ScenarioError
from workbench.plan.resolve import PARAMETER, Layers
from workbench.scenario.model import Quantity, Ref, Scenario, Table
from workbench.solver.batch import RECORDINGS, Declared, Structure


def structure_of(layers: Layers, outcomes: Sequence[str], record: bool) -> Structure:
    """Return the structure of one arm at fixed structural levels.

    Parameters
    ----------
    outcomes : sequence of str
        Which outcomes the study keeps; all if empty.
    record : bool
        Whether it keeps the courses.
    """
    kept = [table for table in tables_of(layers) if _is_kept(table, outcomes, record)]
    return Structure(tuple(_mixed([declared(layers, table) for table in kept])))


def _mixed(tables: Sequence[Declared]) -> Iterator[Declared]:
    """Yield tables; links of several forms onto one number are of the revision that orders them by form."""
    forms: dict[Any, set[str]] = {}
    for table in tables:
        if table.section == "link":
            forms.setdefault(table.field("onto"), set()).add(table.component)
    for table in tables:
        mixed = table.section == "link" and len(forms[table.field("onto")]) > 1
        yield replace(table, revision=table.revision + 1) if mixed else table


def tables_of(layers: Layers) -> list[Table]:
    """Return the tables that the arm has, sorted by path, so that the order of the file does not matter."""
    every = (table for tables in layers.scenario.tables.values() for table in tables.values())
    return sorted((t for t in every if t.path not in layers.removed), key=lambda t: (t.section, t.name))


def declared(layers: Layers, table: Table) -> Declared:
    """Return a table as the solver needs it; the numbers of a recording count as structure."""
    component = layers.component(table)
    fields = {}
    for parameter in component.parameters().values():
        if parameter.fixed or (table.section in RECORDINGS and not parameter.structural):
            fields[parameter.name] = _fixed_number(layers, table, parameter)
        elif parameter.structural:
            fields[parameter.name] = _structural(layers, table, parameter)
        elif layers.source(table, parameter).setting is None:
            fields[parameter.name] = None
        if parameter.added and fields.get(parameter.name) == parameter.default:
            fields.pop(parameter.name, None)
    revision, ordered = component.revision_of(fields, partial(_constant, layers, table)), tuple(sorted(fields.items()))
    source = layers.scenario.registry.source(component)
    stream = "" if table.stream == table.name else table.stream  # its own name, said or not, is the same run
    return Declared(table.section, table.name, component.name, revision, ordered, source, stream)


def _constant(layers: Layers, table: Table, name: str) -> float | None:
    form = layers.form(table, layers.component(table).parameters()[name])
    return None if form is None else form.constant


def sweeps_structure(scenario: Scenario, path: str) -> bool:
    """Whether another value of `path` makes another program rather than another number.

    A parameter does where some table takes a number from it that must be the same for all runs of an arm.
    """
    section, name, field = field_path(path)
    if section == PARAMETER:
        return any(_fixes(table, name) for named in scenario.tables.values() for table in named.values())
    if section not in scenario.tables:
        return False
    parameter = scenario.tables[section][name].component.parameters().get(field)
    return parameter is None or parameter.structural


def _fixes(table: Table, name: str) -> bool:
    declared = table.component.parameters()
    return any(declared[field].fixed and value == Ref(name) for field, value in table.fields.items())


def _is_kept(table: Table, outcomes: Sequence[str], record: bool) -> bool:
    if table.section == "outcome":
        return not outcomes or table.name in outcomes
    return record or table.section != "course"


def _structural(layers: Layers, table: Table, parameter: Parameter) -> Any:
    value = _plain(layers.source(table, parameter).setting, parameter.kind)
    if parameter.kind == "references":
        names = (value,) if isinstance(value, str) else value
        return tuple(name for name in names if f"{parameter.section}.{name}" not in layers.removed)
    if parameter.kind == "reference" and f"{parameter.section}.{value}" in layers.removed:
        if parameter.default is not None:
            message = f"needs {parameter.section}.{value}, which arm.{layers.arm.name} is without"
            raise ScenarioError([Problem(layers.scenario.file, 0, 0, f"{table.path}.{parameter.name}", message)])
        return None
    return value


def _plain(value: Any, kind: str) -> Any:
    """Return a structural value that can be hashed and compared: tuples for lists, floats for quantities."""
    if isinstance(value, list | tuple):
        return tuple(_plain(item, kind) for item in value)
    if isinstance(value, Quantity):
        return value.number
    return float(value) if kind in ("numbers", "interval") and value is not None else value


def _fixed_number(layers: Layers, table: Table, parameter: Parameter) -> float | None:
    form = layers.form(table, parameter)
    number = None if form is None else form.constant
    if form is not None and number is None:
        path = f"{table.path}.{parameter.name}"
        setting = layers.source(table, parameter).setting
        what = f"parameter.{setting.name}" if isinstance(setting, Ref) else "its value"
        message = f"{what} differs between points or subjects, but protocol and measurements must be the same for all"
        raise ScenarioError([Problem(layers.scenario.file, 0, 0, path, message)])
    return number
