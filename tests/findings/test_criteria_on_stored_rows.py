"""Criteria of every form on a real database, against the same numbers worked out with pandas from its views."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.commands import answer, workbench
from support.small_findings import SCENARIO, finding, folder, swept

import workbench as api
from workbench.analysis.intervals import hedges_g

TRAIT = """
[subjects.trait.pace]
on = "plasticity.input_output.rate"
distribution = "lognormal"
median = 1.0
cv = 0.3
"""
PATH = '"projection.input_output.spread"'
STRENGTH = f'study = "strength"\nat = {{ {PATH} = 0.1 }}'
FORMS = {
    "Q1": ("mean", 'course = "norm"\ntime = 190\narms = ["fast"]'),
    "Q2": ("gain_ratio", f'outcome = "norm"\narms = ["fast", "slow"]\n{STRENGTH}\nagainst_at = {{ {PATH} = 0.3 }}'),
    "Q3": ("slope", f'outcome = "norm"\narms = ["slow"]\nstudy = "strength"\nover = {PATH}'),
    "Q4": ("argmax", f'outcome = "norm"\narms = ["slow"]\nstudy = "strength"\nover = {PATH}'),
    "Q5": ("holds_over", f'outcome = "norm"\narms = ["fast", "slow"]\nof = "difference"\nholds = [0.05, "open"]\nstudy = "strength"\nover = {PATH}'),
    "Q6": ("mean", 'outcome = "norm"\narms = ["slow"]\namong = { trait = "pace", above = 1.0 }'),
    "Q7": ("mean", 'outcome = "norm"\narms = ["fast"]\namong = { outcome = "norm", arm = "slow", below = 0.9 }'),
    "Q8": ("time_to", 'course = "norm"\narms = ["fast"]\nabove = 0.9'),
    "Q9": ("peak_to_trough", 'course = "norm"\narms = ["fast"]'),
    "Q10": ("correlation", f'outcome = "norm"\narms = ["slow"]\nstudy = "strength"\nover = {PATH}'),
    "Q11": ("ratio", 'outcome = "norm"\nagainst = "mean"\narms = ["slow"]'),
    "Q12": ("ratio", 'course = "norm"\narms = ["fast"]\ntime = 100\nagainst_time = 300'),
    "Q14": ("mean", f'outcome = "mean"\narms = ["fast"]\nstudy = "strength"\nat = {{ {PATH} = 0.3 }}\namong = {{ outcome = "norm", arm = "slow", above = 0.9 }}'),
    "Q15": ("last_time", 'course = "norm"\narms = ["fast", "slow"]\nabove = 0.05'),
    "Q16": ("first_time", 'course = "norm"\narms = ["fast", "slow"]\nof = "hedges_g"\nabove = 0.5'),
    "Q17": ("hedges_g", f'outcome = "norm"\narms = ["fast", "slow"]\n{STRENGTH}'),
    "Q13": ("mean", 'course = "norm"\ntime = 900\narms = ["fast"]'),
}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [finding(name, f'statistic = "{s}"\n{rest}\naccept = ["open", 1e9]') for name, (s, rest) in FORMS.items()]
    made = folder(tmp_path_factory.mktemp("forms"), *rows, scenario=SCENARIO + TRAIT)
    swept(made)
    return made


@pytest.fixture(scope="module")
def models(root: Path) -> dict[str, Any]:
    said = answer(workbench("findings", "--json", cwd=root))
    return {row["id"]: row["criteria"][0] for row in said["findings"]}


@pytest.fixture(scope="module")
def stored(root: Path) -> Any:
    return api.open_results(root / "data" / "results" / "small.db")


def outcome(stored: Any, study: str, arm: str, name: str, point: int = 0) -> pd.Series:
    rows = stored.outcomes(study=study)
    chosen = (rows.arm == arm) & (rows.outcome == name) & (rows.point == point)
    return rows[chosen].set_index("subject")["value"].astype(float)


def course(stored: Any, arm: str) -> pd.DataFrame:
    rows = stored.timecourse(study="arms")
    return rows[rows.arm == arm].pivot_table(index="subject", columns="time", values="value", observed=True)


def along(stored: Any, arm: str) -> np.ndarray:
    return np.array([outcome(stored, "strength", arm, "norm", point).mean() for point in range(3)])


def test_moments_of_courses_and_what_is_read_from_whole_ones(models: dict[str, Any], stored: Any) -> None:
    fast = course(stored, "fast")
    assert models["Q1"]["model"] == pytest.approx(fast[200].mean()), "the recorded time nearest to 190"
    assert models["Q12"]["model"] == pytest.approx(fast[100].mean() / fast[300].mean())
    assert models["Q13"]["verdict"] == "not run" and "recorded from 100 to 300" in models["Q13"]["note"]
    mean = fast.mean()
    assert models["Q8"]["model"] == mean.index[mean > 0.9][0]
    assert models["Q8"]["unit"] == "trial"
    assert models["Q9"]["model"] == pytest.approx(mean.max() / mean.min())


def test_points_of_a_sweep(models: dict[str, Any], stored: Any) -> None:
    gain = along(stored, "fast") - along(stored, "slow")
    assert models["Q2"]["model"] == pytest.approx(gain[0] / gain[2])
    slow, levels = along(stored, "slow"), np.array([0.1, 0.2, 0.3])
    assert models["Q3"]["model"] == pytest.approx(np.polyfit(levels, slow, 1)[0])
    assert models["Q4"]["model"] == pytest.approx(levels[slow.argmax()])
    assert models["Q10"]["model"] == pytest.approx(np.corrcoef(levels, slow)[0, 1])
    assert models["Q5"]["model"] == pytest.approx((gain >= 0.05).mean())
    assert "holds at projection.input_output.spread = " in models["Q5"]["note"]


def test_only_the_subjects_that_count(models: dict[str, Any], stored: Any) -> None:
    slow, fast = outcome(stored, "arms", "slow", "norm"), outcome(stored, "arms", "fast", "norm")
    pace = stored.traits().query("trait == 'pace'").set_index("subject")["value"].astype(float)
    quick = pace.index[pace > 1.0]
    assert 0 < len(quick) < len(pace)
    assert models["Q6"]["model"] == pytest.approx(slow.loc[quick].mean())
    assert models["Q6"]["subjects"] == len(quick)
    low = slow.index[slow < 0.9]
    assert 0 < len(low) < len(slow)
    assert models["Q7"]["model"] == pytest.approx(fast.loc[low].mean())


def test_subjects_are_chosen_at_the_point_that_the_criterion_is_about(models: dict[str, Any], stored: Any) -> None:
    chosen = {point: (slow := outcome(stored, "strength", "slow", "norm", point)).index[slow > 0.9] for point in (0, 2)}
    assert set(chosen[0]) != set(chosen[2]) and len(chosen[2])
    assert models["Q14"]["model"] == pytest.approx(outcome(stored, "strength", "fast", "mean", 2).loc[chosen[2]].mean())


def test_when_two_courses_are_apart(models: dict[str, Any], stored: Any) -> None:
    fast, slow = course(stored, "fast"), course(stored, "slow")
    apart = (fast - slow).mean()
    assert models["Q15"]["model"] == apart.index[apart >= 0.05][-1] and models["Q15"]["unit"] == "trial"
    g = pd.Series({time: hedges_g(fast[time].to_numpy(), slow[time].to_numpy()) for time in fast})
    assert models["Q16"]["model"] == g.index[g >= 0.5][0]
    one, other = (outcome(stored, "strength", arm, "norm").to_numpy() for arm in ("fast", "slow"))
    assert models["Q17"]["model"] == pytest.approx(hedges_g(one, other))


def test_two_outcomes_of_one_arm(models: dict[str, Any], stored: Any) -> None:
    norm, mean = (outcome(stored, "arms", "slow", name) for name in ("norm", "mean"))
    assert models["Q11"]["model"] == pytest.approx(norm.mean() / mean.mean())
