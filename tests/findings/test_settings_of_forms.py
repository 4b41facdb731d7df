"""The numbers that go into a closed form: as file, condition, arm, point and what an arm is without have them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from support.cases import every_case

from workbench.findings.arm_numbers import SettingFault, setting_at
from workbench.scenario import load_scenario
from workbench.scenario.model import Scenario
from workbench.scenario.shipped_files import scenarios_folder


@cache
def rules(name: str) -> Scenario:
    return load_scenario(scenarios_folder() / "rules" / f"{name}.toml")


GIVEN = [
    # scenario, arm, path, what the file and its parameter set say
    ("two_sided_balance", "healthy", "modulator.acetylcholine.tone", 1.0),
    ("two_sided_balance", "high_acetylcholine", "modulator.acetylcholine.tone", 1.5),
    ("two_sided_balance", "high_acetylcholine", "modulator.acetylcholine.d2_efficacy", -0.2),
    ("two_sided_balance", "less_surround", "projection.surround.weight", 0.0),
    ("two_sided_balance", "healthy", "plasticity.cortex_striatum.ltd_gain", 1.0),
    ("two_sided_balance", "healthy", "population.drive.size", 4.0),
    ("region_rules", "motor_sensory", "eligibility.first_depression.decay", 2.0),
    ("region_rules", "sensory_motor", "eligibility.first_depression.decay", 1.0),
    ("eligibility_delay", "dopamine", "event.dopamine.at", 3.0),
    ("credit_gate", "blocked", "drug.trihexyphenidyl.concentration", 9.0),
    ("nmda_window", "magnesium_depolarised", "receptor.glun2a.potential", -20.0),
    ("window_and_session", "both_late", "dose.opener.first", 6.0),
    ("window_and_session", "own_both", "window.plasticity.decay", 57.0),
    ("anticholinergic_core", "permission_low", "dose.thp.amount", 439.2),
    ("anticholinergic_core", "dyt1", "dose.thp.amount", 0.0),
    ("anticholinergic_core", "dyt1", "dose.thp.every", 24.0),
    ("window_and_session", "drug", "session.therapy.trials", 0.0),
    ("three_factor_bandit", "drawn", "task.choice.rewards", (1.0, 0.3)),
    ("three_factor_bandit", "drawn", "task.choice.rewards.2", 0.3),
    ("two_sided_balance", "healthy", "projection.cortex_striatum.bounds.2", 1.0),
]


@every_case(("name", "arm", "path", "number"), GIVEN)
def test_a_path_is_what_its_arm_has(name: str, arm: str, path: str, number: Any) -> None:
    assert setting_at(rules(name), arm, {}, path) == number


def test_a_point_stands_above_arm_and_file_and_reaches_through_a_reference() -> None:
    lags, core = rules("eligibility_delay"), rules("two_sided_balance")
    assert setting_at(lags, "dopamine", {"event.dopamine.at": 7.0}, "event.dopamine.at") == 7.0
    point = {"parameter.ach_tone": 1.2}
    assert setting_at(core, "high_acetylcholine", point, "modulator.acetylcholine.tone") == 1.2


def test_an_entry_that_a_list_does_not_have_is_refused_with_those_it_has() -> None:
    with pytest.raises(SettingFault, match=r'task\.choice\.rewards has no entry "3" \(it has 1 to 2\)'):
        setting_at(rules("three_factor_bandit"), "drawn", {}, "task.choice.rewards.3")


def test_a_table_that_an_arm_does_not_have_is_refused() -> None:
    core = rules("two_sided_balance")
    lesioned = replace(core.arms["healthy"], without=frozenset({"link.threshold"}))
    with pytest.raises(SettingFault, match=r"arm healthy is without link\.threshold"):
        setting_at(replace(core, arms={**core.arms, "healthy": lesioned}), "healthy", {}, "link.threshold.gain")
