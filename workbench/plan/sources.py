"""For every value of an arm: what it is, and which layer it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.component.declaration import Parameter
from workbench.component.registry import SECTIONS
from workbench.plan.columns import Form, Rows, TraitFactor
from workbench.plan.resolve import Layers
from workbench.plan.structures import declared, tables_of
from workbench.scenario.model import Evidence, Ref, Table
from workbench.solver.batch import RECORDINGS, Declared

PROTOCOL = ("phase", "dose", "adjustment", "event", "stimulus", "bath")


@dataclass(frozen=True)
class Resolved:
    """One value after every layer.

    Attributes
    ----------
    value
        A float in `unit`, or a structural value; None where a trait sets it, or where an optional field is left out.
    origin : str
        default, parameter set, condition, scenario, arm, sweep or command line.
    parameter : str
        Name of the parameter behind it, or "".
    traits : tuple of str
        Traits that change it from subject to subject; not part of `value`.
    """

    value: Any
    unit: str
    origin: str
    evidence: Evidence | None = None
    parameter: str = ""
    traits: tuple[str, ...] = ()


def resolved(layers: Layers, ordinal: int) -> dict[str, Resolved]:
    """Return every value of the arm's acting tables at point `ordinal`, by path in order of the tables."""
    found = {}
    for table in tables_of(layers):
        if table.section in RECORDINGS:
            continue
        structural = declared(layers, table)
        key = f"{table.path}.{SECTIONS[table.section].key}"
        found[key] = Resolved(structural.component, "", _choice_origin(layers, key))
        for parameter in layers.component(table).parameters().values():
            if parameter.added and not _acts(parameter, structural):
                continue  # nothing of it shows where it was not before
            path = f"{table.path}.{parameter.name}"
            source = layers.source(table, parameter)
            if parameter.structural and not parameter.fixed:
                evidence = stated(source.evidence, table.section, parameter)
                found[path] = Resolved(structural.field(parameter.name), "", source.origin, evidence)
            else:
                found[path] = _number(layers, table, parameter, ordinal)
    return found


def _acts(parameter: Parameter, table: Declared) -> bool:
    """Whether an added field acts: beside the choices of its table, and as structure anywhere but at its default."""
    if parameter.structural and not parameter.fixed:
        return parameter.name in dict(table.fields)
    return parameter.only_with is None or table.field(parameter.only_with[0]) in parameter.only_with[1]


def stated(evidence: Evidence | None, section: str, parameter: Parameter) -> Evidence | None:
    """Return the evidence of a value, or None where nothing is said of it.

    What a dose, a phase or an event says without one is the protocol itself, as is what its field declares to be.
    """
    if evidence is None and (section in PROTOCOL or parameter.status == "protocol"):
        return Evidence("protocol")
    return evidence


def _choice_origin(layers: Layers, path: str) -> str:
    if path in layers.settings:
        return "command line"
    return "sweep" if path in layers.levels else "arm" if path in layers.arm.set else "scenario"


def _number(layers: Layers, table: Table, parameter: Parameter, ordinal: int) -> Resolved:
    source = layers.decided(table, parameter)
    form = layers.form(table, parameter)
    origin, evidence, name = source.origin, source.evidence, ""
    if isinstance(source.setting, Ref):
        name = source.setting.name
        behind = layers.parameter_source(name)
        evidence = behind.evidence
        # An arm that says { ref = ... } decides itself; a scenario that does so hands on to the parameter.
        origin = behind.origin if origin == "scenario" else origin
    if form is None:
        return Resolved(None, parameter.unit, origin, evidence, name)
    evidence = stated(evidence, table.section, parameter)
    drawn = tuple(sorted({part.trait for part in (form.base, *form.factors) if isinstance(part, TraitFactor)}))
    return Resolved(_at(layers, form, ordinal), parameter.unit, origin, evidence, name, drawn)


def _at(layers: Layers, form: Form, ordinal: int) -> float | None:
    if isinstance(form.base, TraitFactor):
        return None
    shared = Form(form.base, tuple(f for f in form.factors if not isinstance(f, TraitFactor)))
    point = np.array([ordinal])
    return float(shared.values(Rows(layers.points, point, np.zeros(1, np.int64), {}))[0])
