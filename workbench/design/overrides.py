"""``--set path=value``: text from the command line to a value of the field that the path names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from workbench.declaration import SECTIONS, Parameter
from workbench.errors import Problem, ScenarioError, shorten
from workbench.protocol.window import parse_window
from workbench.quantities import QuantityError, split, to_unit
from workbench.scenario.document import suggestion
from workbench.scenario.model import Quantity, Scenario, Setting
from workbench.scenario.paths import PathError, Paths, Target
from workbench.scenario.values import range_fault
from workbench.solver.batch import RECORDINGS

PLACE = "--set"


def read_settings(scenario: Scenario, texts: Mapping[str, str]) -> dict[str, Setting]:
    """Return the values of `texts` (path -> text), in the units of their fields.

    Raises
    ------
    ScenarioError
        With every path that does not exist and every value that its field does not take.
    """
    settings: dict[str, Setting] = {}
    problems = []
    for path, text in texts.items():
        try:
            full, value = _read(scenario, path, text)
            settings[full] = value
        except PathError as error:
            problems.append(Problem(PLACE, 0, 0, shorten(path), str(error), suggestion(error.got, error.known)))
        except ValueError as error:
            problems.append(Problem(PLACE, 0, 0, path, f"{shorten(text)}: {error}"))
    if problems:
        raise ScenarioError(problems)
    return settings


def unit_of(scenario: Scenario, path: str) -> str:
    """Return the unit in which numbers of `path` are written; "1" also where it holds no number.

    Raises
    ------
    ScenarioError
        If there is no such path.
    """
    try:
        return "1" if _choice(scenario, path) else _find(scenario, path).parameter.unit
    except PathError as error:
        problem = Problem("", 0, 0, shorten(path), str(error), suggestion(error.got, error.known))
        raise ScenarioError([problem]) from None


def _read(scenario: Scenario, path: str, text: str) -> tuple[str, Setting]:
    """Return the full path and the value of `text`; PathError or ValueError if one of them does not fit."""
    section = path.partition(".")[0]
    if _choice(scenario, path):
        return path, _one_of(text, scenario.registry.names(section))
    target = _find(scenario, path)
    if section in RECORDINGS:
        raise ValueError("what is measured is not set from outside")
    value: Setting = _READERS[target.parameter.kind](text, target.parameter)
    if target.parameter.kind in ("reference", "references"):
        known = tuple(scenario.tables.get(target.parameter.section, {}))
        for name in value if isinstance(value, tuple) else (value,):
            _one_of(str(name), known)
    return target.path, value


def _find(scenario: Scenario, path: str) -> Target:
    return Paths(scenario.tables, scenario.parameters).find(path)


def _choice(scenario: Scenario, path: str) -> bool:
    """Whether `path` is the key that chooses a table's component, such as ``plasticity.cortex_d1.rule``."""
    section, _, rest = path.partition(".")
    name, _, key = rest.partition(".")
    return name in scenario.tables.get(section, {}) and key == SECTIONS[section].key


def _quantity(text: str, unit: str) -> Quantity:
    number = _bare(text) if unit == "1" else to_unit(text, unit)
    return Quantity(number, unit, text)


def _bare(text: str) -> float:
    number, unit = split(text)
    if unit:
        raise QuantityError(f"{unit!r} is not expected: a pure number is written bare")
    return number


def _within(number: float, parameter: Parameter) -> None:
    if fault := range_fault(parameter, number):
        raise ValueError(f"out of range ({fault})")


def _number(text: str, parameter: Parameter) -> Quantity:
    quantity = _quantity(text, parameter.unit)
    _within(quantity.number, parameter)
    return quantity


def _numbers(text: str, parameter: Parameter) -> tuple[float, ...]:
    return tuple(_number(part.strip(), parameter).number for part in text.strip("[] ").split(","))


def _interval(text: str, parameter: Parameter) -> tuple[float, ...]:
    ends = _numbers(text, parameter)
    if len(ends) != 2 or not ends[0] < ends[1]:
        raise ValueError("expected two numbers, the lower first: low, high")
    return ends


def _count(text: str, parameter: Parameter) -> int:
    if not re.fullmatch(r"[+-]?\d{1,18}", text.strip()):
        raise ValueError("expected a whole number")
    _within(int(text), parameter)
    return int(text)


def _one_of(text: str, known: tuple[str, ...]) -> str:
    if text not in known:
        raise ValueError(f"unknown (one of: {', '.join(known)})")
    return text


def _switch(text: str, parameter: Parameter) -> bool:
    return _one_of(text, ("true", "false")) == "true"


def _window(text: str, parameter: Parameter) -> str:
    parse_window(text)
    return text


_READERS: Mapping[str, Callable[[str, Parameter], Any]] = {
    "number": _number,
    "numbers": _numbers,
    "interval": _interval,
    "count": _count,
    "option": lambda text, parameter: _one_of(text, parameter.choices),
    "switch": _switch,
    "reference": lambda text, parameter: text,
    "references": lambda text, parameter: tuple(part.strip() for part in text.split(",") if part.strip()),
    "path": lambda text, parameter: text,
    "window": _window,
}
