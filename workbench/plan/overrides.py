"""``--set path=value``: text from the command line, read and checked like the same value in an arm."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.component.declaration import Parameter
from workbench.errors import Problem, ScenarioError
from workbench.quantities import parse_integer, parse_number
from workbench.scenario.model import Ref, Scenario, Setting
from workbench.scenario.paths import Paths
from workbench.scenario.settings import SettingReader
from workbench.scenario.text.document import Document, outline
from workbench.scenario.values import ValueReader

PLACE = "--set"
REFERENCE = re.compile(r'\{\s*ref\s*=\s*"?([^"\s]+)"?\s*\}')
SWITCH = {"true": True, "false": False}


def read_settings(
    scenario: Scenario, texts: Mapping[str, str], notes: list[Problem] | None = None
) -> dict[str, Setting]:
    """Return the values of `texts` (path -> text), by full path and in the units of their fields.

    What is accepted and yet worth telling, of a table that is named, is added to `notes`.

    Raises
    ------
    ScenarioError
        With every path that does not exist and every value that its field does not take.
    """
    if not texts:
        return {}
    reader, found = _reader(scenario), {}
    for path, text in texts.items():
        keys = tuple(path.split("."))
        target = reader.target(path, keys)
        setting = None if target is None else reader.read(target, _raw(text.strip(), target.parameter), keys)
        if target is not None and setting is not None:
            found[target.path] = setting
    _raise(reader.document.problems)
    if notes is not None:
        notes += [replace(note, line=0, column=0) for note in reader.document.notes]
    return found


def unit_of(scenario: Scenario, path: str) -> str:
    """Return the unit in which numbers of `path` are written; "1" also where it holds no number.

    Raises
    ------
    ScenarioError
        If there is no such path.
    """
    reader = _reader(scenario)
    target = reader.target(path, tuple(path.split(".")))
    _raise(reader.document.problems)
    return "1" if target is None else target.parameter.unit


def _reader(scenario: Scenario) -> SettingReader:
    used: dict[str, list[Parameter]] = {}
    for table in (table for named in scenario.tables.values() for table in named.values()):
        declared = table.component.parameters()
        for field, setting in table.fields.items():
            if isinstance(setting, Ref):
                used.setdefault(setting.name, []).append(declared[field])
    elsewhere = (*(t.settings for t in scenario.subjects.traits), *(arm.set for arm in scenario.arms.values()))
    for setting in (setting for settings in elsewhere for setting in settings.values()):
        if isinstance(setting, Ref):
            used.setdefault(setting.name, [])
    content = outline(scenario.text) if scenario.text else {}
    base = Path(scenario.file).parent
    values = ValueReader(Document(b"", PLACE, []), scenario.parameters, None, used, base, content)
    return SettingReader(values, Paths(scenario.tables, scenario.parameters, registry=scenario.registry))


def _raise(problems: list[Problem]) -> None:
    """Raise what was found; a command line has no lines, but a table that it names has."""
    if problems:
        raise ScenarioError(replace(p, line=0, column=0) if p.file == PLACE else p for p in problems)


def _raw(text: str, parameter: Parameter) -> Any:
    """Return `text` as a TOML file would give it to a field of this kind."""
    match parameter.kind:
        case "number":
            return _number(text, parameter.unit)
        case "numbers" | "interval":
            return [_number(part.strip(), parameter.unit) for part in text.strip("[]").split(",")]
        case "references":
            return [part.strip() for part in text.strip("[]").split(",") if part.strip()]
        case "count":
            number = parse_integer(text)
            return text if number is None else number
        case "switch":
            return SWITCH.get(text, text)
        case _:
            return text


def _number(text: str, unit: str) -> float | str | dict[str, str]:
    """Return a bare number where the unit is "1"; a quantity stays text, ``{ ref = "x" }`` is a reference."""
    if reference := REFERENCE.fullmatch(text):
        return {"ref": reference[1]}
    if unit != "1":
        return text
    number = float(text) if text.lstrip("+-") in ("nan", "inf") else parse_number(text)  # as TOML spells them
    return text if number is None else number
