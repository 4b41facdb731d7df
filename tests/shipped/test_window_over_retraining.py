"""What a window of plasticity does to a striatum with and without depression: the signs that the mechanism implies."""

from __future__ import annotations

import pandas as pd
import pytest
from support.shipped_runs import Shipped

import workbench as api
from workbench.scenario.load import load_scenario
from workbench.scenario.shipped_files import scenarios_folder

AFTER = "overflow_after"


@pytest.fixture(scope="module")
def rows(shipped: Shipped) -> pd.DataFrame:
    """Return one row per run, its swept values beside its outcomes."""
    with api.open_results(shipped.db("dystonia_retraining")) as results:
        runs, found = results.runs(), results.outcomes()
    keys = ["study", "arm", "point", "subject"]
    wide = found.pivot_table(index=keys, columns="outcome", values="value", observed=True).reset_index()
    return wide.merge(runs[[*keys, "infusion_first", "decay", "ltp_d1_gain", "ltd_d1_gain"]], on=keys)


@pytest.fixture(scope="module")
def people(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows.study == "arms"].set_index(["arm", "subject"])


def difference(people: pd.DataFrame, arm: str, other: str, outcome: str = AFTER) -> pd.Series:
    return people.loc[arm, outcome] - people.loc[other, outcome]


def test_without_depression_the_window_makes_it_worse(people: pd.DataFrame) -> None:
    worse = difference(people, "dyt1_window_retraining", "dyt1_retraining")
    assert worse.mean() > 0.004 and (worse > 0.0).mean() > 0.8
    assert difference(people, "dyt1_window_retraining", "dyt1_retraining", "success_after").mean() < 0.0
    assert difference(people, "dyt1_window_retraining", "dyt1_retraining", "saturation_after").mean() > 0.1


def test_with_the_drug_that_gives_depression_back_it_helps(people: pd.DataFrame) -> None:
    better = difference(people, "dyt1_all", "dyt1_thp_retraining")
    assert better.mean() < -0.02 and (better < 0.0).mean() > 0.9
    assert difference(people, "dyt1_all", "dyt1_thp_retraining", "success_after").mean() > 0.05
    assert difference(people, "dyt1_all", "healthy").mean() > 0.02  # no arm reaches health


def test_healthy_people_learn_more_in_the_window_and_less_on_the_drug(people: pd.DataFrame) -> None:
    assert difference(people, "healthy_window_retraining", "healthy_retraining").mean() < -0.015
    assert difference(people, "healthy_thp_retraining", "healthy_retraining", "success_after").mean() < -0.02
    assert people.loc["healthy_thp_retraining", "occupancy_retraining"].mean() > 0.7


def test_retraining_alone_does_not_help_a_striatum_that_cannot_depress(people: pd.DataFrame) -> None:
    assert difference(people, "dyt1_retraining", "dyt1").mean() > 0.0
    assert difference(people, "dyt1_thp_retraining", "dyt1_thp").mean() < -0.01


def test_over_everyday_practice_the_window_does_little(people: pd.DataFrame) -> None:
    for condition in ("healthy", "dyt1"):
        focused = difference(people, f"{condition}_window_retraining", f"{condition}_retraining").mean()
        everyday = difference(people, f"{condition}_window", condition).mean()
        assert abs(everyday) < 0.6 * abs(focused)


def sides(rows: pd.DataFrame, arm: str) -> pd.Series:
    """Return the mean overflow by what the window raises: (potentiation, depression)."""
    chosen = rows[(rows.study == "sides") & (rows.arm == arm)]
    return chosen.groupby(["ltp_d1_gain", "ltd_d1_gain"])[AFTER].mean()


def test_harm_comes_from_potentiation_and_benefit_from_depression(rows: pd.DataFrame) -> None:
    ill, treated, healthy = (
        sides(rows, f"{arm}") for arm in ("dyt1_window_retraining", "dyt1_all", "healthy_window_retraining")
    )
    assert ill[3.5, 0.0] > ill[0.0, 0.0] + 0.005 and abs(ill[0.0, 3.5] - ill[0.0, 0.0]) < 0.005
    assert treated[0.0, 3.5] < treated[0.0, 0.0] - 0.015
    assert abs(treated[3.5, 0.0] - treated[0.0, 0.0]) < 0.2 * (treated[0.0, 0.0] - treated[0.0, 3.5])
    assert healthy[3.5, 0.0] < healthy[0.0, 0.0] and healthy[0.0, 3.5] < healthy[0.0, 0.0]


def test_near_retraining_and_long_windows_count_most(rows: pd.DataFrame) -> None:
    found = rows[rows.study == "position"].groupby(["arm", "infusion_first", "decay"], observed=True)[AFTER].mean()
    for sign, arm in ((1.0, "dyt1_window_retraining"), (-1.0, "dyt1_all"), (-1.0, "healthy_window_retraining")):
        by_day, by_length = (
            sign * found[arm].xs(57.0, level="decay"),
            sign * found[arm].xs(696.0, level="infusion_first"),
        )
        assert by_day.iloc[-1] == by_day.max() and by_day.iloc[-1] > by_day.iloc[0] + 0.005
        assert by_length.is_monotonic_increasing


def test_drug_and_window_are_those_of_the_scenarios_of_ketamine() -> None:
    """The scenario takes its circuit from another set, so that these numbers stand in it: they may not drift apart."""
    own = load_scenario(scenarios_folder() / "dystonia_retraining.toml").tables
    kept = load_scenario(scenarios_folder() / "ketamine_therapy.toml").parameters.values
    same = {
        ("drug", "ketamine"): {"clearance": "clearance", "volume": "volume"},
        ("compartment", "shallow"): {"flow": "shallow_flow", "volume": "shallow_volume"},
        ("compartment", "deep"): {"flow": "deep_flow", "volume": "deep_volume"},
        ("occupancy", "block"): {"ec50": "half_block"},
        ("window", "plasticity"): {
            "rise": "window_rise",
            "decay": "window_decay",
            "half": "window_half",
            "reference": "reference_drive",
        },
        ("link", "ltp_d1"): {"gain": "learning_gain"},
        ("link", "block_d1"): {"gain": "block_of_learning"},
    }
    for (section, name), fields in same.items():
        for field, parameter in fields.items():
            assert own[section][name].fields[field].number == kept[parameter].number, (section, name, field)
