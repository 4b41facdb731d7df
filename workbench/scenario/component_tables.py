"""The component tables, ``[section.name]``: from raw tables to checked ones."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from workbench.component.declaration import Component, Parameter
from workbench.component.offers import GROUP
from workbench.component.registry import SECTIONS, Registry, Section
from workbench.protocol.span import RELATIVE
from workbench.scenario.conformity import conforming_entries, show
from workbench.scenario.dose_ranges import check_substance, read_range
from workbench.scenario.model import Setting, Table
from workbench.scenario.names import name_fault
from workbench.scenario.paths import Tables
from workbench.scenario.shapes import component_shape
from workbench.scenario.text.document import Document, listed
from workbench.scenario.text.syntax import Keys
from workbench.scenario.values import ValueReader


def read_tables(reader: ValueReader, registry: Registry) -> Tables:
    """Return every component table that can be read, by section and name, in the order of the file."""
    found: dict[str, dict[str, Table]] = {}
    for section in SECTIONS.values():
        named = reader.document.content.get(section.name)
        if named is None:
            continue
        if not isinstance(named, dict):
            reader.document.report((section.name,), f"expected tables [{section.name}.NAME], got {show(named)}")
            continue
        tables = (_read_table(reader, registry, section, name, raw) for name, raw in named.items())
        found[section.name] = {table.name: table for table in tables if table is not None}
        _check_streams(reader.document, found[section.name])
    _refuse_names_of_columns(reader.document, found.get("outcome", {}))
    return MappingProxyType({section: MappingProxyType(tables) for section, tables in found.items()})


COLUMNS = ("sweep", "study", "arm", "point", "subject", "run", "failure")
"""Columns of every table of results that has one column for each outcome."""
VALUES = ("true", "false")


def _refuse_names_of_columns(document: Document, outcomes: Mapping[str, Table]) -> None:
    """Report an outcome whose name is already the name of a column."""
    for name in outcomes:
        if name.lower() in COLUMNS:
            message = f"results already have a column {name.lower()}; choose another name for this outcome"
            document.report(("outcome", name), message, at="key")
        elif name.lower() in VALUES:
            document.report(("outcome", name), f"{name} is a value in SQL, so it cannot name a column", at="key")


def _check_streams(document: Document, tables: Mapping[str, Table]) -> None:
    """Report a table that would draw the same random numbers as another of its section."""
    owners = {table.name: table.name for table in tables.values() if not table.stream}
    for table in tables.values():
        if table.stream and owners.setdefault(table.stream, table.name) != table.name:
            message = f"would draw the same random numbers as {table.section}.{owners[table.stream]}"
            document.report((table.section, table.name, "stream"), message)


def raw_place(document: Document, keys: Keys, field: str) -> Keys:
    """Return where `field` of the table at `keys` is written: itself, or a key of a nested table."""
    raw: Any = document.content
    for key in keys:
        raw = raw.get(key, {}) if isinstance(raw, dict) else {}
    if not isinstance(raw, dict) or field in raw:
        return (*keys, field)
    for group, nested in raw.items():
        inner = field.removeprefix(f"{group}_")
        if isinstance(nested, dict) and inner != field and inner in nested:
            return (*keys, group, inner)
    return (*keys, field)


def _read_table(reader: ValueReader, registry: Registry, section: Section, name: str, raw: Any) -> Table | None:
    document, keys = reader.document, (section.name, name)
    if fault := name_fault(name):
        document.report(keys, fault, at="key")
        return None
    if not isinstance(raw, dict):
        document.report(keys, f"expected a table [{section.name}.{name}], got {show(raw)}")
        return None
    component = _component(document, registry, section, keys, raw)
    if component is None:
        return None
    # A field with a wrong shape is dropped after its report, so that the other fields are still checked.
    declared = component.parameters()
    flat = _anchored(_flatten(raw, declared), declared)
    shape = component_shape(component, section.key)  # type: ignore[arg-type]  # mypy: no class is hashable
    sound = conforming_entries(
        document, keys, shape, flat, fields=dict(declared), written=lambda field: raw_place(document, keys, field)
    )
    fields: dict[str, Setting] = {}
    for field, value in sound.items():
        if field in declared:
            place = raw_place(document, keys, field)
            setting = reader.read(declared[field], value, place)
            if setting is not None and not reader.refuse_zero(declared[field], setting, place):
                fields[field] = setting
    title = sound.get("title", "")
    heading = title if isinstance(title, str) else ""
    stream = str(sound.get("stream") or "") if component.draws else ""
    if section.name != "drug":
        return Table(section.name, name, component, MappingProxyType(fields), heading, stream=stream)
    substance, plausible = sound.get("substance", ""), sound.get("plausible")
    if substance:
        check_substance(document, (*keys, "substance"), substance)
    known = plausible and read_range(document, (*keys, "plausible"), plausible, reader.sources)
    return Table(section.name, name, component, MappingProxyType(fields), heading, substance, known or None, stream)


NOT_INSTALLED = f"a component of another package (entry points {GROUP}) is known once that package is installed"


def _component(
    document: Document, registry: Registry, section: Section, keys: Keys, raw: Mapping[str, Any]
) -> type[Component] | None:
    """Return the class that the table's key chooses, or the section's default."""
    chosen, known = raw.get(section.key, section.default), registry.names(section.name)
    if chosen is None:
        document.report((*keys, section.key), f"is missing (one of: {listed(known)})", at="key")
    elif not isinstance(chosen, str) or chosen not in known:
        why = registry.why_absent(section.name, chosen) if isinstance(chosen, str) else ""
        if why:
            document.report((*keys, section.key), f"{section.key} {show(chosen)} {why}")
            return None
        message = f"unknown {section.key} {show(chosen)} (one of: {listed(known)})"
        document.report((*keys, section.key), message, got=str(chosen), known=known, otherwise=NOT_INSTALLED)
    else:
        return registry.get(section.name, chosen)
    return None


def _anchored(flat: dict[str, Any], declared: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return the table with ``first = "24 h after dose.infusion"`` written as ``first = "24 h"`` and ``after``.

    "24 h before dose.infusion" is -24 h after it. What stands there already is left alone, to be reported.
    """
    anchors = [name for name, field in declared.items() if field.kind == "anchor"]
    if len(anchors) != 1 or anchors[0] in flat:
        return flat
    for name, value in flat.items():
        match = RELATIVE.fullmatch(value) if isinstance(value, str) and name in declared else None
        if match and declared[name].kind == "number" and declared[name].unit == "h":
            sign = "-" if match["side"] == "before" and not match["time"].startswith("-") else ""
            return {**flat, name: sign + match["time"], anchors[0]: match["anchor"]}
    return flat


def _flatten(raw: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table with ``[dose.x.titration] start`` written as ``titration_start``.

    A nested table is a group only where some field starts with its name, so ``{ ref = ... }`` stays a value.
    """
    flat: dict[str, Any] = {}
    for key, value in raw.items():
        grouped = key not in declared and any(field.startswith(f"{key}_") for field in declared)
        if grouped and isinstance(value, dict):
            flat.update({f"{key}_{inner}": entry for inner, entry in value.items()})
        else:
            flat[key] = value
    return flat
