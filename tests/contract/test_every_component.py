"""One contract for every registered component; adding a component adds its tests."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from workbench.cli.describe import page
from workbench.cli.guide_text import markdown
from workbench.component.declaration import MISSING, STATUSES, Component
from workbench.component.registry import SECTIONS, registry
from workbench.errors import ScenarioError
from workbench.plan import plan
from workbench.readouts.reading import Readout
from workbench.scenario import schema
from workbench.scenario.bibliography import read_bibliography
from workbench.scenario.load import load_scenario, parse_scenario
from workbench.scenario.model import Scenario
from workbench.scenario.shipped_files import data_folder, scenarios_folder

COMPONENTS = list(registry())


def _id(component: type[Component]) -> str:
    return f"{component.section}.{component.name}"


def bounds(component: type[Component]) -> list[tuple[str, str]]:
    """Return values of its numbers beyond each finite bound, as a file would give them."""
    found = []
    for field in component.parameters().values():
        ends = ((field.low, -1.0), (field.high, 1.0)) if field.kind == "number" else ()
        for bound, way in ends:
            if math.isfinite(bound):
                beyond = bound + way * max(1.0, abs(bound))
                found.append((field.name, repr(beyond) if field.unit == "1" else f'"{beyond!r} {field.unit}"'))
    return found


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


@cache
def listed() -> str:
    return markdown("components")


def used_in(component: type[Component]) -> tuple[Scenario, str] | None:
    """Return the shortest shipped scenario that uses it, and in which table."""
    for scenario in shipped():
        for section, tables in scenario.tables.items():
            for name, table in tables.items():
                if table.component is component:
                    return scenario, f"{section}.{name}"
    return None


@pytest.mark.parametrize("component", COMPONENTS, ids=_id)
def test_it_is_declared_sourced_described_used_and_listed(component: type[Component]) -> None:
    """All that is asked of a component and its fields; what is wrong is named with the field."""
    wrong = [f"{what}: {told}" for what, check in ASKED.items() for told in check(component)]
    assert wrong == []


def undeclared(component: type[Component]) -> Iterator[str]:
    if component.section not in SECTIONS:
        yield f"{component.section} is no section"
    if not component.summary().endswith(".") or len(component.summary()) >= 120:
        yield f"no short sentence: {component.summary()!r}"
    if not component.equation.strip() or component.revision < 1 or not component.parameters():
        yield "no equation, no revision or no field"


def unsourced(component: type[Component]) -> Iterator[str]:
    fields = component.parameters().values()
    yield from sorted({*component.sources, *(p.source for p in fields if p.source)} - entries())


def undocumented(component: type[Component]) -> Iterator[str]:
    for field in component.parameters().values():
        if not field.doc or field.doc[0] == " " or field.doc.endswith("."):
            yield f"{field.name}: {field.doc!r}"
        if field.status not in STATUSES:
            yield f"{field.name}: status {field.status!r}"
        if field.status in ("measured", "fitted") and not field.source:
            yield f"{field.name}: a measured or fitted default names its source"


def default_out_of_range(component: type[Component]) -> Iterator[str]:
    for field in component.parameters().values():
        given = field.default is not MISSING and field.default is not None
        if field.kind == "number" and given and not field.low <= field.default <= field.high:
            yield f"{field.name}: {field.default}"
        if field.kind == "option" and field.default is not MISSING and field.default not in field.choices:
            yield f"{field.name}: {field.default!r}"


def missing_in_schema(component: type[Component]) -> Iterator[str]:
    for name in (component.name, *(f'"{name}"' for name in component.parameters())):
        if name not in exported():
            yield name


def missing_in_description(component: type[Component]) -> Iterator[str]:
    described = " ".join(page(component).split())  # whatever the width of the terminal
    if " ".join(component.equation.split()) not in described:
        yield "the equation"
    for field in component.parameters().values():
        told = (field.name, field.doc, "" if field.unit == "1" else field.unit)
        yield from (f"{field.name}: {text}" for text in told if text not in described)


def unused(component: type[Component]) -> Iterator[str]:
    if used_in(component) is None:
        yield "in no shipped scenario"


def unmeasured(component: type[Component]) -> Iterator[str]:
    if not issubclass(component, Readout):
        return
    if not component.unit or not component.meaning or component.better not in ("lower", "higher", ""):
        yield f"unit {component.unit!r}, meaning {component.meaning!r}, better {component.better!r}"


def unlisted(component: type[Component]) -> Iterator[str]:
    if f"`{component.name}`" not in listed():
        yield component.name


ASKED: dict[str, Callable[[type[Component]], Iterable[str]]] = {
    "it does not declare itself": undeclared,
    "not in the bibliography": unsourced,
    "a field without a word, a status or a source": undocumented,
    "a default out of its own range": default_out_of_range,
    "not in the schema": missing_in_schema,
    "not in what describe prints": missing_in_description,
    "used nowhere": unused,
    "a readout that does not say what it measures": unmeasured,
    "not in the menu of the guide": unlisted,
}


@pytest.mark.parametrize("section", sorted({c.section for c in COMPONENTS if bounds(c)}))
def test_S08_values_outside_the_physical_range_are_refused(section: str) -> None:
    """Each field of each component below its lowest and above its highest value; the message names the path."""
    accepted = []
    for component in (c for c in COMPONENTS if c.section == section and bounds(c)):
        found = used_in(component)
        assert found is not None, component.name
        for name, value in bounds(component):
            accepted += [] if refused(component, *found, name, value) else [f"{component.name}.{name} = {value}"]
    assert accepted == []


def refused(component: type[Component], scenario: Scenario, table: str, name: str, value: str) -> bool:
    """Whether a scenario in which one field of a table has another value is refused at that field."""
    path = f"{table}.{name}"
    try:
        if component.section == "outcome":  # what is measured can only be changed in the file
            head, _, rest = scenario.text.decode().partition(f"[{table}]\n")
            own, bracket, after = rest.partition("\n[")
            kept = [line for line in own.splitlines() if not line.startswith(f"{name} =")]
            lines = [f"[{table}]", f"{name} = {value}", *kept]
            edited = (head + "\n".join(lines) + bracket + after).encode()
            parse_scenario(edited, scenario.file, Path(scenario.file).parent, registry())
        else:
            study = next(iter(scenario.studies.values()))
            plan(scenario, settings={path: value.strip('"')}, studies=[study.name])
    except ScenarioError as error:
        return any(problem.key == path for problem in error.problems)
    return False


def test_nothing_is_named_after_a_disease() -> None:
    """Diseases are conditions of a parameter set plus arms; deleting a scenario leaves no dead code."""
    package = Path(__file__).parents[2] / "workbench"
    words = ("dystonia", "dyt1", "depress", "parkinson", "addict")
    named = [p for p in package.rglob("*.py") if any(w in p.stem.lower() for w in words)]
    assert not named
    assert not [c for c in COMPONENTS if any(w in f"{c.section}.{c.name}.{c.__name__}".lower() for w in words)]
