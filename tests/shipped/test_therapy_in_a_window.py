"""What the scenario of ketamine with training has to show in its stored rows: signs and orderings, not decimals."""

from __future__ import annotations

import pandas as pd
import pytest
from support.shipped_runs import Shipped

import workbench as api

SCENARIO = "ketamine_therapy"


@pytest.fixture(scope="module")
def means(shipped: Shipped) -> pd.DataFrame:
    arms = api.open_results(shipped.db(SCENARIO)).outcomes(study="arms")
    return arms.pivot_table(index="outcome", columns="arm", values="value", aggfunc="mean", observed=True)


@pytest.fixture(scope="module")
def joint(shipped: Shipped) -> pd.DataFrame:
    found = api.interactions(shipped.db(SCENARIO), study="arms").set_index(["interaction", "outcome", "term"])
    return found[["difference", "low", "high"]]


def test_drug_and_training_together_do_more_than_their_sum(joint: pd.DataFrame) -> None:
    for day in (30, 60, 90):
        row = joint.loc["drug_and_training", f"expected_day_{day}", "interaction"]
        assert row.low < row.difference < row.high < -0.5
    assert joint.loc[("drug_and_training", "expected_day_1", "interaction"), "difference"] == 0.0, "before any session"


def test_the_drug_alone_fades_and_the_combination_lasts(means: pd.DataFrame) -> None:
    falls = [means.loc[f"madrs_day_{day}"] for day in (1, 3, 7, 12)]
    alone = [float(day.ketamine - day.placebo) for day in falls]
    assert alone == sorted(alone) and alone[0] < -4.0 and alone[-1] > 0.5 * alone[0]
    assert means.at["madrs_rise", "both"] < 0.5 * means.at["madrs_rise", "ketamine_sham"]


def test_the_advantage_over_training_alone_shrinks_from_month_to_month(means: pd.DataFrame) -> None:
    days = [means.loc[f"expected_day_{day}"] for day in (30, 60, 90)]
    advantage = [float(day.both - day.therapy) for day in days]
    assert advantage == sorted(advantage) and advantage[0] < -3.0 and advantage[-1] < -1.0


def test_sham_training_is_the_drug_alone(means: pd.DataFrame) -> None:
    assert (means.ketamine_sham == means.ketamine).all()


def test_saline_with_sham_training_stays_with_placebo(means: pd.DataFrame) -> None:
    scores = [name for name in means.index if name.startswith(("madrs", "expected"))]
    assert ((means.saline_sham - means.placebo)[scores].abs() <= 2.0).all()


def test_usual_care_is_placebo(means: pd.DataFrame) -> None:
    assert (means.usual_care == means.placebo).all()


def test_the_old_habit_is_strengthened_too(means: pd.DataFrame, joint: pd.DataFrame) -> None:
    day_30 = means.loc["expected_day_30"]
    assert day_30.ketamine_stressor - day_30.ketamine > 2.0 * (day_30.stressor - day_30.placebo) > 0.5
    assert joint.loc[("drug_and_stressor", "expected_day_30", "interaction"), "low"] > 1.0


def test_six_infusions_do_more_than_one_and_therapy_holds_it(means: pd.DataFrame) -> None:
    assert means.at["response_enrolment", "six_infusions"] > means.at["response_enrolment", "ketamine"] + 0.15
    assert means.at["madrs_end", "six_cbt"] < means.at["madrs_end", "six_infusions"]
    assert means.at["response_day_90", "cbt"] > means.at["response_day_90", "usual_care"] + 0.1


def test_who_did_not_respond_to_six_infusions_has_no_sessions(shipped: Shipped) -> None:
    rows = api.open_results(shipped.db(SCENARIO)).outcomes(study="arms")
    wide = rows[rows.arm.isin(["six_infusions", "six_cbt"])].pivot_table(
        index="subject", columns=["outcome", "arm"], values="value", observed=True
    )
    answered = wide["response_enrolment", "six_infusions"] > 0.5
    same = wide["expected_day_90", "six_cbt"] == wide["expected_day_90", "six_infusions"]
    assert same[~answered].all() and not same[answered].any() and 0.1 < answered.mean() < 0.9


def test_weekly_infusions_after_six_hold_what_fades_without_them(means: pd.DataFrame) -> None:
    assert means.at["madrs_maintenance", "six_maintenance"] < means.at["madrs_maintenance", "six_infusions"] - 2.0
    assert means.at["expected_day_30", "six_maintenance"] < means.at["expected_day_30", "six_infusions"] - 2.0


def test_training_of_another_cue_changes_that_cue_only(means: pd.DataFrame) -> None:
    assert means.at["maladaptive_neutral", "off_target"] < means.at["maladaptive_neutral", "ketamine"] - 0.15
    assert means.at["maladaptive_trained", "off_target"] == means.at["maladaptive_trained", "ketamine"]
    assert means.at["maladaptive_trained", "both"] < means.at["maladaptive_untrained", "both"] - 0.15


def test_the_window_rises_within_hours_stays_a_day_and_closes_within_ten_days(means: pd.DataFrame) -> None:
    hours = ("hour_2", "hour_4", "hour_12", "day_1", "day_2", "day_5", "day_7", "day_10")
    level = [float(means.at[f"window_{hour}", "ketamine"]) for hour in hours]
    assert level[:3] == sorted(level[:3]) and level[3:] == sorted(level[3:], reverse=True)
    assert level[0] < 0.6 * level[3] < level[1] and level[2] == pytest.approx(level[3], abs=0.1)
    assert level[4] > 0.75 and 0.25 < level[5] < 0.5 and level[6] < 0.3 and level[7] < 0.1
    assert not means.loc[[f"window_{hour}" for hour in hours], "placebo"].any()


def test_people_who_can_tell_what_they_got_gain_from_both_arms_of_the_drug(shipped: Shipped) -> None:
    found = api.interactions(shipped.db(SCENARIO), study="unblinding", outcomes=["expected_day_30"])
    by_term = found.pivot_table(index="point", columns="term", values="difference")
    assert by_term["first"].is_monotonic_decreasing and by_term["first"].iloc[-1] < by_term["first"].iloc[0] - 2.0
    assert by_term["interaction"].max() - by_term["interaction"].min() < 1e-6, "expectancy is no part of it"
