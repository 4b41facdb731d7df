"""Names decide nothing: every table of every shipped scenario renamed, their order reversed, gives the stored bits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from support.circuits import HEAD, replaced
from support.shipped_runs import QUICK_ARM, SCENARIOS, Shipped, shipped_scenario

from workbench import simulate
from workbench.errors import ScenarioError
from workbench.plan import plan
from workbench.scenario import to_text
from workbench.scenario.load import parse_scenario
from workbench.scenario.model import Arm, Axis, Scenario, Study, Table, Trait
from workbench.solver.block import Block
from workbench.solver.run import solve
from workbench.store.read import open_results


class Renamed:
    """The same scenario under other names: the alphabet turned round, and every section from the last table on."""

    def __init__(self, scenario: Scenario, *, streams: bool) -> None:
        self.old, self.streams = scenario, streams
        named = {section: sorted(tables) for section, tables in scenario.tables.items()}
        named["plasticity"] = named.get("projection", [])  # a rule has the name of its projection
        self.names = {
            (section, name): f"n{len(names) - place:02d}"
            for section, names in named.items()
            for place, name in enumerate(names)
        }

    def scenario(self) -> Scenario:
        """Return it."""
        old = self.old
        tables = {
            section: MappingProxyType({t.name: t for t in map(self.table, reversed(tables.values()))})
            for section, tables in reversed(old.tables.items())
        }
        return replace(
            old,
            tables=MappingProxyType(tables),
            subjects=replace(
                old.subjects,
                traits=tuple(map(self.trait, reversed(old.subjects.traits))),
                correlation=tuple((f"n{b}"[::-1], f"n{a}"[::-1], r) for a, b, r in old.subjects.correlation),
            ),
            arms=MappingProxyType({name: self.arm(arm) for name, arm in old.arms.items()}),
            studies=MappingProxyType({name: self.study(study) for name, study in old.studies.items()}),
        )

    def table(self, table: Table) -> Table:
        declared = table.component.parameters()
        fields = {field: self.value(declared[field], value) for field, value in table.fields.items()}
        stream = (table.stream or table.name) if self.streams and table.component.draws else ""
        return replace(
            table, name=self.names[table.section, table.name], fields=MappingProxyType(fields), stream=stream
        )

    def value(self, declared: Any, value: Any) -> Any:
        if value is None or declared.kind not in ("reference", "references", "signal", "anchor", "path", "window"):
            return value
        if declared.kind in ("reference", "references"):
            new = self.names
            return (
                new[declared.section, value]
                if isinstance(value, str)
                else tuple(new[declared.section, v] for v in value)
            )
        if declared.kind == "window":
            return re.sub(r"\S+$", lambda m: self.names.get(("phase", m[0]), m[0]), value)
        return self.path(value)

    def path(self, path: str) -> str:
        section, _, rest = path.partition(".")
        name, dot, field = rest.partition(".")
        return f"{section}.{self.names.get((section, name), name)}{dot}{field}"

    def trait(self, trait: Trait) -> Trait:
        effects = tuple(replace(effect, path=self.path(effect.path)) for effect in trait.effects)
        stream = trait.drawn_as if trait.distribution != "table" else ""
        on = self.path(trait.on) if trait.on else ""
        return replace(trait, name=f"n{trait.name}"[::-1], on=on, effects=effects, stream=stream)

    def setting(self, path: str, value: Any) -> Any:
        section, _, rest = path.partition(".")
        name, _, field = rest.partition(".")
        table = self.old.tables.get(section, {}).get(name)
        declared = None if table is None else table.component.parameters().get(field)
        return value if declared is None else self.value(declared, value)

    def arm(self, arm: Arm) -> Arm:
        chosen = {self.path(path): self.setting(path, value) for path, value in arm.set.items()}
        return replace(arm, set=MappingProxyType(chosen), without=frozenset(map(self.path, arm.without)))

    def axis(self, axis: Axis) -> Axis:
        values = tuple(self.setting(axis.path, value) for value in axis.values)
        return replace(axis, path=self.path(axis.path), values=values)

    def study(self, study: Study) -> Study:
        outcomes = tuple(self.names["outcome", name] for name in study.outcomes)
        return replace(study, axes=tuple(map(self.axis, study.axes)), outcomes=outcomes)


def plain(scenario: Scenario, arm: str) -> str:
    """Return the study in which everybody goes through an arm as it stands."""
    return next(study.name for study in scenario.studies.values() if not study.axes and arm in study.arms)


def solved(scenario: Scenario, arm: str) -> Mapping[str, Any]:
    """Return the outcomes of the first two people in an arm, with the time courses that the study declares."""
    (chunk,) = plan(scenario, subjects=2, arms=[arm], studies=[plain(scenario, arm)]).chunks(lambda structure: 8)
    return solve(chunk.batch).outcomes


def stored(db: Path, scenario: Scenario, arm: str) -> list[Mapping[str, float]]:
    """Return the outcomes of the first two people in an arm as it stands, from the sweep of everybody in every arm."""
    with open_results(db) as results:
        asked = "SELECT run FROM runs WHERE study = ? AND arm = ? AND subject < 2 ORDER BY subject"
        return [results.outcomes_of(int(run)) for run in results.sql(asked, (plain(scenario, arm), arm))["run"]]


def bits(scenario: Scenario, before: Mapping[str, Any], other: Renamed, arm: str) -> list[str]:
    """Return the outcomes that are not the same to the last bit."""
    after = solved(other.scenario(), arm)
    pairs = {name: (before[name], after[other.names["outcome", name]]) for name in scenario.tables["outcome"]}
    return [name for name, (was, now) in pairs.items() if not np.array_equal(was, now[: len(was)], equal_nan=True)]


@pytest.mark.parametrize("name", SCENARIOS)
def test_other_names_give_the_same_bits(name: str, shipped: Shipped) -> None:
    """Those of the whole sweep under the names of the file: two people of one arm among all others, and alone."""
    scenario = shipped_scenario(name)
    whole = [arm for study in scenario.studies.values() if not study.axes for arm in study.arms]
    arm = QUICK_ARM.get(name) or min(whole, key=lambda arm: (len(scenario.arms[arm].without), arm))
    people = stored(shipped.db(name), scenario, arm)
    before = {outcome: [person[outcome] for person in people] for outcome in scenario.tables["outcome"]}
    assert all(len(values) == min(2, scenario.subjects.count) for values in before.values())
    assert bits(scenario, before, Renamed(scenario, streams=True), arm) == []


@pytest.mark.parametrize(
    "name", ["rules/association", "rules/credit_gate", "rules/eligibility_delay", "trihexyphenidyl"]
)
def test_where_no_table_draws_no_stream_need_be_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(Block, "named_stream", lambda block, stream: opened.append(stream) or stream)
    scenario = shipped_scenario(name)
    arm = min(scenario.arms)
    assert bits(scenario, solved(scenario, arm), Renamed(scenario, streams=False), arm) == []
    assert opened == []


NOISY = (
    HEAD
    + """
[population.x]
kind = "source"
[population.y]
noise = 0.5
[projection.w]
pre = "x"
post = "y"
spread = 0.1
[plasticity.w]
rule = "hebb"
rate = 0.01
[task.t]
kind = "gaussian"
inputs = "x"
spectrum = [1.0]
[phase.p]
trials = 20
[outcome.weight]
readout = "synapse_weight"
projection = "w"
window = "end of p"
"""
)
RENAMED = (
    ('"y"', '"other"'),
    ("[population.y]", '[population.other]\nstream = "y"'),
    ("[projection.w]", '[projection.other]\nstream = "w"'),
    ("[plasticity.w]", "[plasticity.other]"),
    ('projection = "w"', 'projection = "other"'),
    ("[task.t]", '[task.other]\nstream = "t"'),
    ("[phase.p]", '[phase.other]\nstream = "p"'),
    ("end of p", "end of other"),
)


def weight(text: str) -> list[float]:
    found: list[float] = simulate(parse_scenario(text.encode(), "noisy.toml", Path()))["weight"].tolist()
    return found


def test_a_table_keeps_its_random_numbers_by_their_stream() -> None:
    other = replaced(NOISY, *RENAMED)
    assert weight(other) == weight(NOISY)
    for table in ("y", "w", "t", "p"):
        assert weight(other.replace(f'stream = "{table}"\n', "")) != weight(NOISY), table


def test_a_stream_survives_text_and_makes_another_run() -> None:
    other = parse_scenario(replaced(NOISY, *RENAMED).encode(), "noisy.toml", Path())
    again = parse_scenario(to_text(other).encode(), "noisy.toml", Path())
    assert [again.tables[s]["other"].stream for s in ("population", "projection", "task", "phase")] == [*"ywtp"]


def test_a_stream_that_is_the_own_name_makes_no_other_run() -> None:
    def keys(text: str) -> list[bytes]:
        (chunk,) = plan(parse_scenario(text.encode(), "noisy.toml", Path())).chunks(lambda structure: 99)
        return list(chunk.batch.keys)

    said = NOISY.replace("[population.y]", '[population.y]\nstream = "y"')
    assert keys(said) == keys(NOISY)
    assert keys(said.replace('stream = "y"', 'stream = "z"')) != keys(NOISY)


def test_two_tables_cannot_draw_the_same_numbers() -> None:
    twice = NOISY + '[population.z]\nnoise = 0.5\nstream = "y"\n[projection.z]\npre = "z"\npost = "y"\n'
    with pytest.raises(
        ScenarioError, match=r"population\.z\.stream: would draw the same random numbers as population\.y"
    ):
        weight(twice)


def test_what_draws_nothing_has_no_stream() -> None:
    with pytest.raises(ScenarioError, match=r"plasticity\.w\.stream: unknown key"):
        weight(NOISY.replace('rule = "hebb"', 'rule = "hebb"\nstream = "w"'))


MANY = (
    HEAD
    + """
[population.x]
kind = "source"
[population.y]
[projection.w]
pre = "x"
post = "y"
weight = 0.7
[plasticity.w]
rule = "hebb"
rate = 0.01
[drug.a]
model = "one_compartment_intravenous"
clearance = "5 L/h"
volume = "40 L"
[dose.a]
drug = "a"
during = "p"
amount = "3 mg"
count = 1
[phase.p]
trials = 20
[outcome.weight]
readout = "synapse_weight"
projection = "w"
window = "end of p"
"""
)


def several_links(*names: str) -> list[float]:
    """Return the weights under three factors and two changes of one rate, by links of these names."""
    text = MANY
    for i, name in enumerate(names[:3]):
        text += f'[occupancy.{name}]\ndrug = "a"\nec50 = "{10 + 7 * i} ng/mL"\n'
        text += f'[link.{name}]\nsignal = "occupancy.{name}"\nonto = "plasticity.w.rate"\ngain = {0.3 + 0.1 * i}\n'
    for i, name in enumerate(names[3:]):
        text += f'[link.{name}]\nform = "shift"\nsignal = "occupancy.{names[i]}"\nonto = "plasticity.w.rate"\n'
        text += f"gain = {0.001 + 0.002 * i}\n"
    return weight(text)


def test_links_onto_one_number_come_in_no_order_of_names() -> None:
    assert several_links("a", "b", "c", "d", "e") == several_links("e", "d", "c", "b", "a")
    assert several_links("a", "b", "c", "d", "e") == several_links("b", "e", "d", "a", "c")


TRAITS = """
[subjects.trait.one]
on = "plasticity.w.rate"
distribution = "lognormal"
median = 1.0
cv = 0.3
[subjects.trait.two]
on = "population.y.noise"
distribution = "lognormal"
median = 1.0
cv = 0.3
[subjects.correlation]
"one.two" = 0.6
"""


def test_a_trait_keeps_its_draws_by_its_stream() -> None:
    plain = NOISY + TRAITS
    other = replaced(plain, ("trait.one]", 'trait.z]\nstream = "one"'), ("trait.two]", 'trait.a]\nstream = "two"'))
    other = other.replace('"one.two" = 0.6', '"a.z" = 0.6')
    assert weight(other) == weight(plain)
    assert weight(other.replace('stream = "one"\n', "")) != weight(plain)
    again = parse_scenario(to_text(parse_scenario(other.encode(), "n.toml", Path())).encode(), "n.toml", Path())
    assert sorted(trait.stream for trait in again.subjects.traits) == ["one", "two"]
    with pytest.raises(
        ScenarioError, match=r"subjects\.trait\.\w+\.stream: would draw the same random numbers as trait"
    ):
        weight(plain.replace("trait.two]", 'trait.two]\nstream = "one"'))
