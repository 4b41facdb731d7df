"""A table that acts on nothing is refused by name, in every section; every table of a shipped scenario is reached."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cases import every_case
from support.circuits import HEAD
from support.shipped_runs import SCENARIOS, shipped_scenario
from support.shipped_texts import shipped_text

from workbench.component.registry import SECTIONS
from workbench.errors import ScenarioError
from workbench.execution.runner import read_scenario
from workbench.scenario.load import parse_scenario
from workbench.scenario.shipped_files import scenarios_folder

DRUG = '[drug.orphan]\nmodel = "one_compartment_oral"\nclearance = "1 L/h"\nvolume = "10 L"\nabsorption = "1 1/h"\n'
GIVEN = f'{DRUG}[dose.orphan]\ndrug = "orphan"\namount = "1 mg"\nduring = "care"\n'

ORPHANS = {
    "population": ("dystonia", "[population.orphan]\n", ["population.orphan"]),
    "projection": (
        "dystonia",
        '[population.orphan]\n[projection.orphan]\npre = "cortex"\npost = "orphan"\n',
        ["population.orphan", "projection.orphan"],
    ),
    "eligibility": ("dystonia", "[eligibility.orphan]\n", ["eligibility.orphan"]),
    "homeostat": ("dystonia", '[homeostat.orphan]\npopulation = "muscle"\n', ["homeostat.orphan"]),
    "modulator": ("dystonia", '[modulator.orphan]\nsource = "cholinergic"\n', ["modulator.orphan"]),
    "receptor": ("dystonia", '[receptor.orphan]\nligand = "acetylcholine"\n', ["receptor.orphan"]),
    "gate": ("dystonia", '[gate.orphan]\nform = "hill"\nsignal = "receptor.m1"\n', ["gate.orphan"]),
    "link": (
        "dystonia",
        '[modulator.orphan]\nsource = "cholinergic"\n'
        '[link.orphan]\nsignal = "receptor.m1"\nonto = "modulator.orphan.d2_efficacy"\n',
        ["link.orphan", "modulator.orphan"],
    ),
    "drug": ("ketamine_adaptive", GIVEN, ["dose.orphan", "drug.orphan"]),
    "compartment": (
        "ketamine_adaptive",
        '[drug.orphan]\nmodel = "multi_compartment_intravenous"\nclearance = "1 L/h"\nvolume = "10 L"\n'
        '[compartment.orphan]\ndrug = "orphan"\nflow = "1 L/h"\nvolume = "5 L"\n',
        ["compartment.orphan", "drug.orphan"],
    ),
    "occupancy": (
        "ketamine_adaptive",
        '[occupancy.orphan]\ndrug = "ketamine"\nec50 = "1 ng/mL"\n',
        ["occupancy.orphan"],
    ),
    "response": (
        "ketamine_adaptive",
        '[response.orphan]\nform = "linear"\ndrug = "ketamine"\nslope = 1.0\n',
        ["response.orphan"],
    ),
    "dose": ("ketamine_adaptive", GIVEN, ["dose.orphan", "drug.orphan"]),
    "adjustment": (
        "ketamine_adaptive",
        f'{GIVEN}[adjustment.orphan]\nform = "stop"\ndose = "orphan"\nassessment = "weekly"\n'
        'condition = "at_or_below"\ncut = 10.0\n',
        ["adjustment.orphan", "dose.orphan", "drug.orphan"],
    ),
    "task": (
        "rules/three_factor_bandit",
        '[task.orphan]\nkind = "bandit"\nchoices = "action"\nrewards = [1.0, 0.0]\n',
        ["task.orphan"],
    ),
    "bath": ("dystonia_slice", "[bath.orphan]\n", ["bath.orphan"]),
    "window": (
        "ketamine_adaptive",
        '[window.orphan]\nopened_by = "occupancy.block"\nreference = "1 h"\n',
        ["window.orphan"],
    ),
    "expectancy": ("ketamine_adaptive", '[expectancy.orphan]\nphase = "care"\n', ["expectancy.orphan"]),
    "scale": ("ketamine_adaptive", '[scale.orphan]\nprojection = "belief"\ncues = [1]\n', ["scale.orphan"]),
    "assessment": (
        "ketamine_adaptive",
        '[assessment.orphan]\nphase = "care"\nscale = "madrs"\nfirst = "day 3"\n',
        ["assessment.orphan"],
    ),
}
"""For each section an orphan beside a shipped scenario, and which tables are refused."""

ALONE = {
    "outcome": "what is recorded is what everything else is for",
    "course": "what is recorded is what everything else is for",
    "phase": "time passes in it, whatever happens",
    "plasticity": "it changes weights, which are states of the run",
    "stimulus": "its synapses learn, or it is refused",
    "session": "its synapses learn, or it is refused",
    "event": "it happens in its phase, and each rule of the phase answers to it",
}
"""Sections whose tables may stand alone, and why."""


def refused(text: str) -> dict[str, tuple[int, str]]:
    """Return line and message of each problem, by the table that it names."""
    with pytest.raises(ScenarioError) as raised:
        parse_scenario(text.encode(), str(scenarios_folder() / "changed.toml"), scenarios_folder())
    return {problem.key: (problem.line, problem.message) for problem in raised.value.problems}


def test_every_section_has_its_orphan() -> None:
    assert {*ORPHANS, *ALONE} == set(SECTIONS)


@every_case("section", ORPHANS)
def test_what_acts_on_nothing_is_refused_at_its_line(section: str) -> None:
    scenario, orphan, names = ORPHANS[section]
    text = shipped_text(scenario) + "\n" + orphan
    found = refused(text)
    assert sorted(found) == names
    for name in names:
        line, message = found[name]
        assert line == text.splitlines().index(f"[{name}]") + 1
        assert "nothing" in message


@every_case("scenario", SCENARIOS)
def test_every_table_of_a_shipped_scenario_is_reached(scenario: str) -> None:
    assert shipped_scenario(scenario).tables


BANDIT = (
    HEAD
    + """
[population.context]
kind = "source"
[population.choice]
kind = "softmax"
size = 2
[projection.go]
pre = "context"
post = "choice"
weight = 1.0
bounds = [0.0, 50.0]
[plasticity.go]
rule = "two_sided"
drive = "hebb"
third_factor = "dopamine"
potentiate_on = "burst"
stabiliser = "hard_bounds"
[modulator.dopamine]
source = "reward_less_baseline"
task = "arms"
[task.arms]
kind = "bandit"
choices = "choice"
rewards = [1.0, -1.0]
[phase.learning]
trials = 10
[outcome.p]
readout = "action_probability"
population = "choice"
action = 1
window = "end of learning"
"""
)
SECOND = '[task.arms2]\nkind = "bandit"\nchoices = "choice"\nrewards = [-1.0, 1.0]\n'
OTHER = '[modulator.other]\nsource = "reward_less_baseline"\ntask = "arms2"\n'


def test_a_second_task_is_refused_unless_some_arm_learns_from_it() -> None:
    assert refused(BANDIT + SECOND)["task.arms2"][1].startswith("acts on nothing: nothing reads its reward")
    assert refused(BANDIT + SECOND + OTHER).keys() == {"task.arms2", "modulator.other"}
    named = '[arm.one]\n[arm.reversed.set]\n"plasticity.go.third_factor" = "other"\n'
    assert parse_scenario((BANDIT + SECOND + OTHER + named).encode(), "bandit.toml", Path()).arms
    swept = '[study.s.sweep]\n"plasticity.go.third_factor" = { values = ["dopamine", "other"] }\n'
    assert parse_scenario((BANDIT + SECOND + OTHER + swept).encode(), "bandit.toml", Path()).studies


def test_what_every_arm_is_without_is_refused() -> None:
    more = '[population.side]\nkind = "source"\n[projection.side]\npre = "side"\npost = "choice"\n'
    cut = '[arm.a]\nwithout = ["projection.side"]\n[arm.b]\nextends = "a"\n'
    found = refused(BANDIT + more + cut)
    assert found["projection.side"][1] == "acts in no run: every arm is without it"
    assert "population.side" in found
    assert parse_scenario((BANDIT + more + cut + "[arm.c]\n").encode(), "bandit.toml", Path()).arms


def test_a_projection_onto_a_source_is_refused_by_what_a_source_is() -> None:
    back = '[projection.back]\npre = "choice"\npost = "context"\n'
    assert "context is a source, whose activity comes from outside" in refused(BANDIT + back)["projection.back"][1]


def test_a_drug_that_nothing_gives_is_refused() -> None:
    read = f'{DRUG}[outcome.c]\nreadout = "level"\nsignal = "drug.orphan"\n'
    assert refused(BANDIT + read)["drug.orphan"][1] == "stays at zero: no dose names it"


def test_a_rule_that_is_broken_is_told_beside_what_acts_on_nothing(tmp_path: Path) -> None:
    """One slip may leave a table without a reader, and break a rule that only a whole arm shows."""
    slip = (
        HEAD
        + GIVEN
        + '[phase.care]\nclock = "event"\nlength = "9 h"\n'
        + '[drug.read]\nmodel = "one_compartment_intravenous"\nclearance = "1 L/h"\nvolume = "10 L"\n'
        + '[dose.read]\ndrug = "read"\namount = "1 mg"\nduring = "care"\n'
        + '[response.r]\nform = "turnover_loss_inhibited"\ndrug = "read"\nloss = "0.3 1/h"\n'
        + '[outcome.r]\nreadout = "level"\nsignal = "response.r"\nwindow = "end of care"\n'
    )
    (tmp_path / "slip.toml").write_text(slip, encoding="utf-8")
    with pytest.raises(ScenarioError) as raised:
        read_scenario(tmp_path / "slip.toml")
    told = {problem.key: problem.message for problem in raised.value.problems}
    assert told.keys() == {"drug.orphan", "dose.orphan", "response.r"}
    assert told["response.r"].startswith("ec50 is missing") and "acts on nothing" in told["drug.orphan"]
    assert len({problem.line for problem in raised.value.problems}) == 3
