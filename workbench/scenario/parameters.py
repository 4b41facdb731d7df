"""The parameter set: values with evidence, and the conditions that change some of them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from types import MappingProxyType
from typing import Any

from workbench.component.declaration import Parameter
from workbench.quantities import QuantityError, accepted_text, is_known_unit, split_quantity
from workbench.scenario.bibliography import bibliography_file, read_bibliography
from workbench.scenario.conformity import conforming_entries, show
from workbench.scenario.model import UNREADABLE, ParameterSet, Quantity
from workbench.scenario.names import NAMED_IN_SET, name_fault, refuse_twins
from workbench.scenario.shapes import EvidenceShape, ParameterSetShape, ParameterShape
from workbench.scenario.shipped_files import parameter_file, parameter_sets
from workbench.scenario.text.document import Document, listed
from workbench.scenario.text.prescan import read_limited
from workbench.scenario.values import ValueReader

EMPTY = ParameterSet("", "", "", b"", "", {}, {}, {}, {})
"""What a scenario has that names no parameter set."""


def find_parameters(document: Document, name: str, base: Path) -> ParameterSet:
    """Return the parameter set that `document` names, looked up from the folder `base` outwards.

    Problems inside the set are reported at their place in its own file.
    """
    file = parameter_file(name, base)
    if file is None:
        sets = parameter_sets(base)
        message = f"no parameter set {show(name)} (known: {listed(sets)})"
        document.report(("parameters",), message, got=name, known=sets)
        return UNREADABLE
    found = Document(read_limited(file), str(file), document.problems)
    sources = read_bibliography(bibliography_file(file.parent.parent))
    parameters = read_parameters(found, sources)
    if parameters.name and parameters.name != name:
        found.report(("name",), f"this file must be named {parameters.name}.toml, or its name must be {name!r}")
    return parameters


def read_parameters(document: Document, sources: Collection[str] | None) -> ParameterSet:
    """Return the parameter set in `document`; `sources` are the keys of the bibliography (None: any goes)."""
    head = conforming_entries(document, (), ParameterSetShape, document.content)
    if sources is not None:
        refuse_twins(document, NAMED_IN_SET)
    reader = ValueReader(document, EMPTY, sources)
    values: dict[str, Quantity] = {}
    meanings: dict[str, str] = {}
    for name, raw in head.get("parameter", {}).items():
        found = _read_value(reader, name, raw)
        if found is not None:
            values[name] = found
            meanings[name] = raw.get("meaning", "")
    conditions = {name: _read_condition(reader, name, raw, values) for name, raw in head.get("condition", {}).items()}
    titles = {name: str(raw.get("title", name)) for name, raw in head.get("condition", {}).items()}
    return ParameterSet(
        name=head.get("name", ""),
        version=head.get("version", ""),
        title=head.get("title", ""),
        text=document.data,
        sha256=hashlib.sha256(document.data).hexdigest(),
        values=MappingProxyType(values),
        meanings=MappingProxyType(meanings),
        conditions=MappingProxyType(conditions),
        condition_titles=MappingProxyType(titles),
    )


def _read_value(reader: ValueReader, name: str, raw: Any) -> Quantity | None:
    keys = ("parameter", name)
    if fault := name_fault(name):
        reader.document.report(keys, fault, at="key")
        return None
    sound = conforming_entries(reader.document, keys, ParameterShape, raw)
    if "value" not in sound:
        return None
    unit = _written_unit(reader, sound["value"], (*keys, "value"))
    return None if unit is None else _quantity(reader, name, unit, sound, keys)


def _written_unit(reader: ValueReader, raw: Any, keys: tuple[str, ...]) -> str | None:
    """Return the unit that a value is written in; it becomes the parameter's own."""
    if not isinstance(raw, str):
        return "1"
    try:
        unit = split_quantity(raw)[1]
    except QuantityError as error:
        reader.document.report(keys, f"{show(raw)}: {error}")
        return None
    if not unit or not is_known_unit(unit):
        message = f"unknown unit {show(unit)}" if unit else "the unit is missing; " + accepted_text("1")
        reader.document.report(keys, f"{show(raw)}: {message}")
        return None
    return unit


def _quantity(reader: ValueReader, name: str, unit: str, raw: dict[str, Any], keys: tuple[str, ...]) -> Quantity | None:
    found = reader.number(Parameter(name, "number", None, "", unit=unit), raw, keys)
    return found if isinstance(found, Quantity) else None


def _read_condition(reader: ValueReader, name: str, raw: Any, values: dict[str, Quantity]) -> dict[str, Quantity]:
    keys = ("condition", name)
    if fault := name_fault(name):
        reader.document.report(keys, fault, at="key")
        return {}
    found: dict[str, Quantity] = {}
    for parameter, value in raw.items():
        if parameter == "title":
            if not isinstance(value, str):
                reader.document.report((*keys, "title"), f"expected a text in quotes, got {show(value)}")
            continue
        if parameter not in values:
            message = f"unknown parameter (known: {listed(values)})"
            reader.document.report((*keys, parameter), message, at="key", got=parameter, known=values)
            continue
        changed = _read_change(reader, parameter, value, values[parameter], (*keys, parameter))
        if changed is not None:
            found[parameter] = changed
    return found


def _read_change(reader: ValueReader, name: str, raw: Any, base: Quantity, keys: tuple[str, ...]) -> Quantity | None:
    """Return a condition's value, in the unit of the parameter it changes."""
    if isinstance(raw, dict):
        sound = conforming_entries(reader.document, keys, EvidenceShape, raw)
        return _quantity(reader, name, base.unit, sound, keys) if "value" in sound else None
    return reader.quantity(Parameter(name, "number", None, "", unit=base.unit), raw, keys)
