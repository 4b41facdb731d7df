"""Whatever is named by its number from 1 (a unit, a cue, a pattern, a visit): a number that is not there is refused."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import pytest
from support.cases import every_case
from support.shipped_texts import whole_text

from workbench.component.declaration import Component, Parameter
from workbench.component.registry import registry
from workbench.errors import ScenarioError
from workbench.scenario.load import parse_scenario
from workbench.scenario.shipped_files import scenarios_folder

BEYOND = 4000
PLACES = [
    (component, parameter)
    for component in registry()
    for parameter in component.parameters().values()
    if parameter.kind in ("count", "numbers") and "from 1" in parameter.doc
]


@cache
def texts() -> dict[Path, str]:
    return {path: whole_text(path) for path in sorted(scenarios_folder().rglob("*.toml"))}


def first_use(component: type[Component]) -> tuple[Path, str, str]:
    """Return the file, section and name of the first table of a component."""
    for path, text in texts().items():
        scenario = loaded(path, text)
        for section, tables in scenario.tables.items():
            for name, table in tables.items():
                if table.component is component:
                    return path, section, name
    return pytest.fail(f"no shipped scenario uses {component.section}.{component.name}")


@cache
def loaded(path: Path, text: str):
    return parse_scenario(text.encode(), str(path), path.parent)


def with_number(text: str, section: str, name: str, parameter: Parameter) -> str:
    """Return the text with a number that is not there in the table's field."""
    head, _, rest = text.partition(f"[{section}.{name}]\n")
    own, bracket, after = rest.partition("\n[")
    kept = [line for line in own.splitlines() if not line.startswith(f"{parameter.name} =")]
    value = f"[{BEYOND}]" if parameter.kind == "numbers" else str(BEYOND)
    return head + "\n".join([f"[{section}.{name}]", f"{parameter.name} = {value}", *kept]) + bracket + after


@every_case(("component", "parameter"), PLACES, ids=lambda v: getattr(v, "name", ""))
def test_a_number_that_is_not_there_is_refused_at_its_field(component: type[Component], parameter: Parameter) -> None:
    path, section, name = first_use(component)
    text = with_number(texts()[path], section, name, parameter)
    assert f"{BEYOND}" in str(tomllib.loads(text)[section][name][parameter.name])
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text.encode(), str(path), path.parent)
    assert any(p.key.startswith(f"{section}.{name}.{parameter.name}") for p in caught.value.problems)
