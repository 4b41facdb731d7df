"""A number that a study sweeps obeys the rules that it obeys in a table, told at the line of the axis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.circuits import shipped_rule

from workbench.errors import Problem, ScenarioError
from workbench.plan import plan
from workbench.scenario.load import parse_scenario
from workbench.scenario.model import Scenario

BUDGET, RATE, DECAY = "plasticity.w.total", "plasticity.input_output.rate", "plasticity.input_output.decay"
LINES = {
    "listed": ("sum_budget", "subtractive_quarter", f'"{BUDGET}" = {{ values = [1.0, 5.0] }}',
               f"at {BUDGET} = 5: 16 weights between 0 and 0.25 cannot sum to 5"),
    "relative": ("sum_budget", "subtractive_third", f'"{BUDGET}" = {{ values = [6, 1], relative = true }}',
                 f"at 6 times {BUDGET}: 16 weights between 0 and 0.3 cannot sum to 6"),
    "spaced": ("oja", "oja", f'"{RATE}" = {{ from = 0.0005, to = 0.5, steps = 4 }}', f"at {RATE} = 0.5: rate * decay"),
    "another field's rule": ("bcm", "online", '"plasticity.w.set_point" = { values = [1, 10] }',
                             "at plasticity.w.set_point = 10: rate * y^2"),
}  # fmt: skip


def told(rule: str, more: str, folder: Path, **asked: Any) -> list[Problem]:
    """Return all that planning a shipped rule, with `more` at its end, tells."""
    with pytest.raises(ScenarioError) as refused:
        plan(read(rule, more, folder), **asked)
    return list(refused.value.problems)


def read(rule: str, more: str, folder: Path) -> Scenario:
    """Return a shipped rule with more at its end."""
    return parse_scenario(f"{shipped_rule(rule)}\n{more}".encode(), f"{rule}.toml", folder)


def line_of(rule: str, more: str, words: str) -> int:
    """Return the line of the last place of `words` in the same text."""
    text = f"{shipped_rule(rule)}\n{more}"
    return text.count("\n", 0, text.rindex(words)) + 1


@pytest.mark.parametrize("name", LINES)
def test_an_end_of_an_axis_that_breaks_a_rule_is_told_once_at_the_axis(name: str, tmp_path: Path) -> None:
    rule, arm, axis, words = LINES[name]
    more = f'[study.q]\narms = ["{arm}"]\n[study.q.sweep]\n{axis}\n'
    (problem,) = told(rule, more, tmp_path)
    assert words in problem.message and problem.message.endswith(f"(in arm {arm})")
    assert problem.line == line_of(rule, more, axis)


def test_two_axes_that_only_together_break_a_rule_are_both_named_and_zipped_ones_pass(tmp_path: Path) -> None:
    study = '[study.q]\narms = ["oja"]\n[study.q.sweep]\n'
    grid = f'{study}"{DECAY}" = {{ values = [8, 1] }}\n"{RATE}" = {{ values = [0.001, 0.01] }}\n'
    (problem,) = told("oja", grid, tmp_path)
    assert f"at {DECAY} = 8, {RATE} = 0.01: " in problem.message
    zipped = grid.replace("values", 'zip = "together", values')
    assert len(plan(read("oja", zipped, tmp_path)).studies[-1].points) == 2


def test_points_from_a_table_are_told_at_the_table(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(f"{RATE}\n0.001\n0.5\n")
    more = '[study.q]\narms = ["oja"]\ntable = "points.csv"\n'
    (problem,) = told("oja", more, tmp_path)
    assert problem.line == line_of("oja", more, "table = ")


def test_one_rule_at_one_axis_is_told_once_for_all_arms(tmp_path: Path) -> None:
    arms = '["subtractive_quarter", "subtractive_third"]'
    more = f'[study.q]\narms = {arms}\n[study.q.sweep]\n"{BUDGET}" = {{ values = [5.0, 6.0] }}\n'
    assert len(told("sum_budget", more, tmp_path)) == 1


@pytest.mark.parametrize("own", [f'"{RATE}" = 0.5', f'"{DECAY}" = 100'])
def test_an_arm_that_extends_another_is_told_at_its_own_line(own: str, tmp_path: Path) -> None:
    """The clock that the other arm sets is to blame only where nothing is set of the rule itself."""
    more = f'[arm.fast]\nextends = "oja"\n[arm.fast.set]\n{own}\n'
    (problem,) = told("oja", more, tmp_path)
    assert problem.line == line_of("oja", more, own)


def test_the_arms_of_a_setting_on_the_command_line_are_not_told_one_by_one(tmp_path: Path) -> None:
    assert len(told("oja", "", tmp_path, settings={RATE: "0.5"}, arms=("oja", "strong_decay"))) == 1
