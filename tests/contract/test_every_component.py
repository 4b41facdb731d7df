"""One contract for every registered component; adding a component adds its tests."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import pytest

from workbench.cli.describe import page
from workbench.declaration import MISSING, STATUSES, Component, Parameter
from workbench.design import plan
from workbench.errors import ScenarioError
from workbench.readouts.reading import Readout
from workbench.registry import SECTIONS, registry
from workbench.scenario import schema
from workbench.scenario.bibliography import read_bibliography
from workbench.scenario.library import data_folder, scenarios_folder
from workbench.scenario.load import load_scenario, parse_scenario
from workbench.scenario.model import Scenario

COMPONENTS = list(registry())
FIELDS = [(c, p) for c in COMPONENTS for p in c.parameters().values()]
BOUNDED = [
    (c, p, side)
    for c, p in FIELDS
    for side in ("low", "high")
    if p.kind == "number" and math.isfinite(getattr(p, side))
]


def _id(value: object) -> str:
    if isinstance(value, type) and issubclass(value, Component):
        return f"{value.section}.{value.name}"
    return value.name if isinstance(value, Parameter) else str(value)


@cache
def shipped() -> tuple[Scenario, ...]:
    """The shipped scenarios, the shortest first: a test that needs any one of them is done soonest with it."""
    paths = sorted(scenarios_folder().rglob("*.toml"), key=lambda path: (path.stat().st_size, path))
    return tuple(load_scenario(path) for path in paths)


@cache
def exported() -> str:
    return json.dumps(schema(registry()))


@cache
def entries() -> frozenset[str]:
    return frozenset(read_bibliography(data_folder() / "references.bib"))


def used_in(component: type[Component]) -> tuple[Scenario, str]:
    for scenario in shipped():
        for section, tables in scenario.tables.items():
            for name, table in tables.items():
                if table.component is component:
                    return scenario, f"{section}.{name}"
    pytest.fail(f"no shipped scenario uses {_id(component)}")


@pytest.mark.parametrize("component", COMPONENTS, ids=_id)
def test_it_declares_itself(component: type[Component]) -> None:
    assert component.section in SECTIONS
    assert component.summary().endswith(".") and len(component.summary()) < 120
    assert component.equation.strip()
    assert component.revision >= 1
    assert component.parameters()


@pytest.mark.parametrize("component", COMPONENTS, ids=_id)
def test_its_sources_are_in_the_bibliography(component: type[Component]) -> None:
    keys = {*component.sources, *(p.source for p in component.parameters().values() if p.source)}
    assert keys <= entries()


@pytest.mark.parametrize(("component", "parameter"), FIELDS, ids=_id)
def test_its_fields_are_documented_sourced_and_in_range(component: type[Component], parameter: Parameter) -> None:
    assert parameter.doc and parameter.doc[0] != " " and not parameter.doc.endswith(".")
    assert parameter.status in STATUSES
    if parameter.status in ("measured", "fitted"):
        assert parameter.source, "a measured or fitted default names its source"
    if parameter.kind == "number" and parameter.default is not MISSING and parameter.default is not None:
        assert parameter.low <= parameter.default <= parameter.high
    if parameter.kind == "option":
        assert parameter.default is MISSING or parameter.default in parameter.choices


@pytest.mark.parametrize("component", COMPONENTS, ids=_id)
def test_the_schema_and_describe_know_every_field(component: type[Component]) -> None:
    described = " ".join(page(component).split())  # whatever the width of the terminal
    assert component.name in exported() and " ".join(component.equation.split()) in described
    for parameter in component.parameters().values():
        assert f'"{parameter.name}"' in exported()
        assert parameter.name in described and parameter.doc in described
        if parameter.unit != "1":
            assert parameter.unit in described


@pytest.mark.parametrize("component", COMPONENTS, ids=_id)
def test_a_shipped_scenario_uses_it(component: type[Component]) -> None:
    used_in(component)


@pytest.mark.parametrize(("component", "parameter", "side"), BOUNDED, ids=_id)
def test_values_outside_the_physical_range_are_refused(
    component: type[Component], parameter: Parameter, side: str
) -> None:
    """Faults row S8: the message names the path."""
    scenario, table = used_in(component)
    bound = getattr(parameter, side)
    beyond = bound - max(1.0, abs(bound)) if side == "low" else bound + max(1.0, abs(bound))
    path = f"{table}.{parameter.name}"
    unit = "" if parameter.unit == "1" else f" {parameter.unit}"
    with pytest.raises(ScenarioError) as caught:
        if component.section == "outcome":  # what is measured can only be changed in the file
            value = f'"{beyond!r}{unit}"' if unit else repr(beyond)
            head, _, rest = scenario.text.decode().partition(f"[{table}]\n")
            own, bracket, after = rest.partition("\n[")
            kept = [line for line in own.splitlines() if not line.startswith(f"{parameter.name} =")]
            lines = [f"[{table}]", f"{parameter.name} = {value}", *kept]
            edited = (head + "\n".join(lines) + bracket + after).encode()
            parse_scenario(edited, scenario.file, Path(scenario.file).parent, registry())
        else:
            study = next(iter(scenario.studies.values()))
            plan(scenario, settings={path: f"{beyond!r}{unit}"}, studies=[study.name])
    assert any(problem.key == path for problem in caught.value.problems)


@pytest.mark.parametrize("component", [c for c in COMPONENTS if issubclass(c, Readout)], ids=_id)
def test_readouts_say_what_they_measure(component: type[Readout]) -> None:
    assert component.unit and component.meaning and component.better in ("lower", "higher", "")


@pytest.mark.parametrize("component", COMPONENTS, ids=_id)
def test_the_readme_lists_it(component: type[Component]) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"`{component.name}`" in readme


def test_nothing_is_named_after_a_disease() -> None:
    """Diseases are conditions of a parameter set plus arms; deleting a scenario leaves no dead code."""
    package = Path(__file__).parents[2] / "workbench"
    words = ("dystonia", "dyt1", "depress", "parkinson", "addict")
    named = [p for p in package.rglob("*.py") if any(w in p.stem.lower() for w in words)]
    assert not named
    assert not [c for c in COMPONENTS if any(w in f"{c.section}.{c.name}.{c.__name__}".lower() for w in words)]
