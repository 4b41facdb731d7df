"""Text, scenario, text is a fixed point, and says the same."""

from __future__ import annotations

import dataclasses
import math
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.cases import every_case
from support.sound_scenario import TRAITS

from workbench.errors import ScenarioError
from workbench.scenario import load_scenario, parse_scenario, to_text
from workbench.scenario.model import Scenario
from workbench.scenario.shipped_files import scenarios_folder

SHIPPED = sorted(scenarios_folder().rglob("*.toml"))


def assert_same_content(one: Scenario, other: Scenario) -> None:
    for field in dataclasses.fields(Scenario):
        if field.name not in ("text", "sha256", "registry", "notes", "document"):  # which belong to their text
            assert getattr(one, field.name) == getattr(other, field.name), field.name


def assert_fixed_point(scenario: Scenario, base: Path) -> None:
    text = to_text(scenario)
    again = parse_scenario(text.encode(), scenario.file, base)
    assert to_text(again) == text
    assert_same_content(scenario, again)


@every_case("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_scenario_is_its_canonical_text(file):
    assert_fixed_point(load_scenario(file), file.parent)


def test_every_part_of_the_grammar_is_written_back(load, folder):
    (folder / "points.csv").write_text("plasticity.map.rate,drug.thp.volume [L]\n0.1,100\n0.2,300\n")
    more = """
[study.whole]
[study.grid]
arms = ["plain"]
record = false
[study.grid.sweep]
"dose.thp.amount" = { from = "1 mg", to = "8 mg", steps = 4, scale = "log" }
"plasticity.map.balance" = { values = [0.5, 2.0], relative = true }
"task.reach.order" = { values = ["random", "fixed"] }
[study.spread]
design = "sobol"
n = 16
[study.spread.sweep]
"projection.map.overlap" = {}
"parameter.clearance" = { from = "5 L/h", to = "50 L/h", scale = "log" }
[study.listed]
table = "points.csv"
"""
    assert_fixed_point(load("[population.cue]", TRAITS + "[population.cue]", more=more), folder)


@given(
    title=st.text(min_size=1, max_size=60),
    rate=st.floats(0.0, 10.0),
    amount=st.floats(0.7, 1e6),
    bounds=st.tuples(st.floats(-1e6, 1.0), st.floats(1.0, 1e6)).filter(lambda pair: pair[0] < pair[1]),
    trials=st.integers(21, 10**6),
    note=st.text(max_size=40),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_content_survives_text(load, folder, title, rate, amount, bounds, trials, note):
    scenario = load()
    first = to_text(scenario)
    tables = {section: dict(named) for section, named in scenario.tables.items()}

    def changed(section: str, name: str, **fields: object) -> None:
        table = tables[section][name]
        tables[section][name] = dataclasses.replace(table, fields={**table.fields, **fields}, title=note)

    rule, dose = tables["plasticity"]["map"].fields, tables["dose"]["thp"].fields
    changed("plasticity", "map", rate=dataclasses.replace(rule["rate"], number=rate, text=repr(rate)))
    changed("dose", "thp", amount=dataclasses.replace(dose["amount"], number=amount, text=f"{amount!r} mg"))
    changed("projection", "map", bounds=bounds)
    changed("phase", "treatment", trials=trials)
    varied = dataclasses.replace(scenario, title=title, tables=tables)
    try:
        again = parse_scenario(to_text(varied).encode(), scenario.file, folder)
    except (ScenarioError, UnicodeEncodeError):
        assert any(0xD800 <= ord(c) < 0xE000 for c in title + note)
        return
    assert to_text(varied) != first or math.isclose(rate, 0.05)
    assert_same_content(varied, again)


@given(st.text(alphabet=string.printable + "é\u2028\ufeff", max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused_with_a_place(text):
    with pytest.raises(ScenarioError) as error:
        parse_scenario(text.encode(), "any.toml", Path("nowhere"))
    assert all(problem.file == "any.toml" for problem in error.value.problems)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_not_crashed_on(data):
    with pytest.raises(ScenarioError):
        parse_scenario(data, "any.toml", Path("nowhere"))
