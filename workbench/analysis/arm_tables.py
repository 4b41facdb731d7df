"""A stored arm's tables in the form in which components check them: its settings, read as the components declare them.

A number that differs between subjects is None; what an older database lacks has its default.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from workbench.component.declaration import Parameter
from workbench.component.field_path import field_path
from workbench.component.registry import SECTIONS, registry
from workbench.protocol.schedule import Tables

Settings = Mapping[str, float | str]
LISTS = ("numbers", "interval", "references", "dosing")
"""Kinds of fields that are stored as JSON lists."""


def arm_tables(settings: Settings) -> Tables:
    """Return an arm's tables by section and name, every declared field in them."""
    raw: dict[tuple[str, str], dict[str, float | str]] = {}
    for path, value in settings.items():
        section, name, field = field_path(path)
        if section in SECTIONS and field:
            raw.setdefault((section, name), {})[field] = value
    tables: dict[str, dict[str, dict[str, Any]]] = {section: {} for section in SECTIONS}
    for (section, name), fields in raw.items():
        tables[section][name] = _table(section, name, fields)
    return tables


def _table(section: str, name: str, stored: Mapping[str, float | str]) -> dict[str, Any]:
    """Return one table's fields; as they are stored where its component is not installed."""
    key = SECTIONS[section].key
    chosen, known = str(stored.get(key, SECTIONS[section].default)), registry()
    fields: dict[str, Any] = {"section": section, "name": name, **stored, key: chosen}
    if (section, chosen) in known:
        for field, declared in known.get(section, chosen).parameters().items():
            if field in stored:
                fields[field] = _value(declared, stored[field])
            elif not declared.required:
                fields[field] = declared.default
    return fields


def _value(declared: Parameter, stored: float | str) -> Any:
    if isinstance(stored, float):
        return int(stored) if declared.kind == "count" else stored
    if not stored or declared.kind in ("number", "count"):
        return None
    if declared.kind == "switch":
        return stored == "true"
    if declared.kind in LISTS:
        return tuple(tuple(entry) if isinstance(entry, list) else entry for entry in json.loads(stored))
    return stored
