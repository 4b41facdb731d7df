"""Every number that a shipped scenario states about its model says where it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from support.cases import every_case
from support.shipped_runs import SCENARIOS, shipped_scenario

from workbench.component.declaration import Parameter
from workbench.component.registry import SECTIONS, registry
from workbench.plan.sources import stated
from workbench.scenario.bibliography import read_bibliography
from workbench.scenario.load import load_scenario, parse_scenario
from workbench.scenario.model import Arm, Evidence, Quantity, Scenario, Table
from workbench.scenario.shipped_files import data_folder, scenarios_folder
from workbench.solver.batch import RECORDINGS

SOURCES = frozenset(read_bibliography(data_folder() / "references.bib"))


def numbers(scenario: Scenario) -> Iterator[tuple[str, Evidence | None]]:
    """Yield every quantity of tables, arms and conditions with what is said of it.

    Sizes, counts, orders, names and windows are no quantities; lists of numbers have no place for a status. Of what
    is a matter of protocol by its section or its declaration nothing needs to be said, and what is recorded is none
    of the model.
    """
    for table in (table for named in scenario.tables.values() for table in named.values()):
        if table.section not in RECORDINGS:
            for name, value in table.fields.items():
                if isinstance(value, Quantity):
                    declared = table.component.parameters()[name]
                    yield f"{table.path}.{name}", stated(value.evidence, table.section, declared)
    for arm in scenario.arms.values():
        for path, value in arm.set.items():
            if isinstance(value, Quantity):
                yield f"arm.{arm.name}: {path}", _of_arm(scenario, arm, path, value)
    for condition, values in scenario.parameters.conditions.items():
        for name, value in values.items():
            yield f"condition.{condition}: {name}", value.evidence


def _of_arm(scenario: Scenario, arm: Arm, path: str, value: Quantity) -> Evidence | None:
    if path.startswith("parameter."):
        return value.evidence
    section, name, field = path.split(".", 2)
    return stated(value.evidence, section, _declared(scenario.tables[section][name], arm, field))


def _declared(table: Table, arm: Arm, field: str) -> Parameter:
    """Return the declaration of a field of the component that the table has in this arm."""
    chosen = arm.set.get(f"{table.path}.{SECTIONS[table.section].key}")
    component = table.component if chosen is None else registry().get(table.section, str(chosen))
    return component.parameters()[field]


def faults(scenario: Scenario) -> list[str]:
    """Return the numbers of which nothing is said, and those measured or fitted without saying in whom or to what."""
    found = []
    for path, evidence in numbers(scenario):
        if evidence is None:
            found.append(f"{path}: no status")
        elif evidence.status in ("measured", "fitted") and not (evidence.source in SOURCES or evidence.fitted_to):
            found.append(f"{path}: {evidence.status}, without a source")
    return found


@every_case("scenario", SCENARIOS)
def test_every_number_has_a_status_and_what_was_measured_a_source(scenario: str) -> None:
    assert not faults(shipped_scenario(scenario))


@pytest.mark.parametrize(
    ("name", "written", "bare", "fault"),
    [
        ("rules/oja", r"^decay = \{ value = (\S+), .*\}$", r"decay = \1", "decay: no status"),
        ("dystonia", r"^(.*tone\") = \{ value = (8\.7), .*\}$", r"\1 = \2", "modulator.acetylcholine.tone: no status"),
        ("trihexyphenidyl", r"= \{ value = (\"94 L/h\"), .*\}$", r"= \1", "parameter.thp_clearance: no status"),
        ("rules/inhibitory_spikes", r'source = "Vogels2011", ', "", "trace_time: measured, without a source"),
    ],
)
def test_a_number_without_its_receipt_is_found(name: str, written: str, bare: str, fault: str) -> None:
    file = scenarios_folder() / f"{name}.toml"
    text, changed = re.subn(written, bare, file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert changed
    found = faults(parse_scenario(text.encode(), str(file), file.parent))
    assert found and all(one.endswith(fault) for one in found)


def test_what_an_experimenter_sets_by_declaration_needs_no_status() -> None:
    scenario = load_scenario(scenarios_folder() / "rules" / "inhibitory_spikes.toml")
    step = scenario.tables["task"]["trains"].fields["step"]
    assert isinstance(step, Quantity) and step.evidence is None
    assert dict(numbers(scenario))["task.trains.step"] == Evidence("protocol")
