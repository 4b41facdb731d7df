"""From the text of a scenario to its runs: what a collaborator writes is what is laid out."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cases import every_case
from support.shipped_runs import SCENARIOS, shipped_scenario
from support.small_world import WORLD, field_of, laid_out

from workbench.plan import Plan, plan
from workbench.scenario import parse_scenario

ROOT = Path(__file__).parents[2]


TEXT = """
schema = 1
title = "A small question"
parameters = "small"
[use]
context = "test"
not_for = "anything else"
[subjects]
count = 4
seed = 5
[subjects.trait.weight]
distribution = "lognormal"
median = "70 kg"
cv = 0.2
[subjects.trait.weight.effects]
"drug.thp.clearance" = { reference = "70 kg", exponent = 0.75 }
[subjects.trait.speed]
on = "plasticity.cortex_d1.rate"
distribution = "choice"
values = [0.5, 2.0]
[subjects.correlation]
"weight.speed" = 0.5
[population.cortex]
size = 4
[population.d1]
size = 4
[projection.cortex_d1]
pre = "cortex"
post = "d1"
[plasticity.cortex_d1]
rate = { ref = "eta" }
gates = []
[drug.thp]
model = "one_compartment_oral"
[dose.thp]
drug = "thp"
amount = "10 mg"
every = "480 min"
during = "practice"
[phase.practice]
trials = 200
[task.reach]
kind = "cued_bandit"
cues = "cortex"
[outcome.overflow]
readout = "overflow_index"
during = "last 50 trials of practice"
[arm.well]
without = ["dose.thp"]
[arm.ill]
condition = "slow"
[arm.half]
extends = "ill"
[arm.half.set]
"dose.thp.amount" = "5 mg"
"task.reach.order" = "fixed"
[study.arms]
[study.map]
arms = ["ill"]
subjects = 2
record = false
[study.map.sweep]
"parameter.eta" = { from = 0.01, to = 1.0, steps = 3, scale = "log" }
"phase.practice.trials" = { values = [100, 200] }
"drug.thp.clearance" = { values = [1.0, 2.0], relative = true }
[study.spread]
arms = ["ill"]
design = "sobol"
n = 8
subjects = 1
[study.spread.sweep]
"parameter.eta" = {}
"""

SET = """
schema = 1
name = "small"
version = "1"
title = "A set"
[parameter.eta]
value = 0.1
range = [0.05, 0.2]
status = "assumed"
meaning = "speed of learning"
[condition.slow]
title = "Slow"
eta = 0.02
"""


@pytest.fixture
def planned(tmp_path: Path) -> Plan:
    return plan(parse_scenario(TEXT.encode(), "small.toml", tmp_path, WORLD, parameters=SET.encode()))


def test_studies_arms_and_points_are_those_of_the_file(planned: Plan) -> None:
    found = [(s.name, s.arms, len(s.points), s.subjects, s.record) for s in planned.studies]
    assert found == [
        ("arms", ("well", "ill", "half"), 1, 4, True),
        ("map", ("ill",), 12, 2, False),
        ("spread", ("ill",), 8, 1, True),
    ]
    assert planned.expected == 12 + 24 + 8 == len(laid_out(planned))


def test_numbers_of_an_arm_are_those_of_the_file(planned: Plan) -> None:
    runs, traits = laid_out(planned), planned.traits(range(4))
    assert [runs["arms", a, 0, 0].values["dose.thp.amount"] for a in ("well", "ill", "half")] == [0.0, 10.0, 5.0]
    assert runs["arms", "ill", 0, 0].values["dose.thp.every"] == 8.0
    for subject, speed in enumerate(traits["speed"].tolist()):
        assert runs["arms", "well", 0, subject].values["plasticity.cortex_d1.rate"] == 0.1 * speed
        assert runs["arms", "ill", 0, subject].values["plasticity.cortex_d1.rate"] == 0.02 * speed


def test_a_point_moves_the_parameter_the_length_and_the_factor(planned: Plan) -> None:
    study = planned.studies[1]
    runs, traits = laid_out(planned), planned.traits(range(2))
    for ordinal, point in enumerate(study.points):
        values = runs["map", "ill", ordinal, 1].values
        assert values["plasticity.cortex_d1.rate"] == point["parameter.eta"] * traits["speed"][1]
        whole = 10.0 * (traits["weight"][1] / 70.0) ** 0.75
        assert values["drug.thp.clearance"] == pytest.approx(whole * point["drug.thp.clearance"], rel=1e-15)
    assert {point["parameter.eta"] for point in study.points} == {0.01, 0.1, 1.0}
    assert field_of(planned, "phase.practice.trials") == {100, 200}


def test_a_design_spreads_over_the_plausible_range_of_the_parameter(planned: Plan) -> None:
    values = sorted(point["parameter.eta"] for point in planned.studies[2].points)
    assert all(0.05 + 0.15 * i / 8 <= value <= 0.05 + 0.15 * (i + 1) / 8 for i, value in enumerate(values))


@every_case("scenario", SCENARIOS)
def test_every_shipped_scenario_can_be_laid_out(scenario: str) -> None:
    planned = plan(shipped_scenario(scenario), subjects=2)
    keys: set[bytes] = set()
    for chunk in planned.chunks(lambda structure: 2048):
        keys.update(chunk.batch.keys)
        assert {len(v) for v in chunk.batch.values.values() if not isinstance(v, float)} <= {len(chunk.batch)}
    assert 0 < len(keys) <= planned.expected
    assert all(planned.resolved(arm) for study in planned.studies for arm in study.arms)
