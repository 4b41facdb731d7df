"""What the scenario of ketamine with training has to show in its stored rows: signs and orderings, not decimals."""

from __future__ import annotations

import pandas as pd
import pytest
from shipped_runs import Shipped

import workbench as api

SCENARIO = "ketamine_therapy"


@pytest.fixture(scope="module")
def rows(shipped: Shipped) -> pd.DataFrame:
    found = api.open_results(shipped.db(SCENARIO)).outcomes()
    return found[["study", "arm", "point", "subject", "outcome", "value"]]


@pytest.fixture(scope="module")
def means(rows: pd.DataFrame) -> pd.DataFrame:
    arms = rows[rows.study == "arms"]
    return arms.pivot_table(index="outcome", columns="arm", values="value", aggfunc="mean", observed=True)


def parts(shipped: Shipped, study: str, paths: list[str], outcome: str) -> pd.Series:
    """Return the mean difference of both and training alone at each point of a study, by the swept values."""
    with api.open_results(shipped.db(SCENARIO)) as results:
        runs = results.runs().query("study == @study")
        values = results.outcomes().query("study == @study and outcome == @outcome")
    columns = [next(c for c in runs.columns if c.endswith(path)) for path in paths]
    table = values.merge(runs[["study", "arm", "point", "subject", *columns]], on=["study", "arm", "point", "subject"])
    wide = table.pivot_table(index=columns, columns="arm", values="value", aggfunc="mean", observed=True)
    return wide["both"] - wide["therapy"]


def test_drug_and_training_together_do_more_than_their_sum(means: pd.DataFrame) -> None:
    day_30 = means.loc["expected_day_30"]
    interaction = day_30.both - day_30.therapy - day_30.ketamine + day_30.placebo
    assert interaction < -2.0


def test_the_drug_alone_fades_and_the_combination_lasts(means: pd.DataFrame) -> None:
    falls = [means.loc[f"madrs_day_{day}"] for day in (1, 3, 7, 12)]
    alone = [float(day.ketamine - day.placebo) for day in falls]
    assert alone == sorted(alone) and alone[0] < -4.0 and alone[-1] > 0.5 * alone[0]
    assert means.at["madrs_rise", "both"] < 0.5 * means.at["madrs_rise", "ketamine_sham"]


def test_sham_training_is_the_drug_alone(means: pd.DataFrame) -> None:
    assert (means.ketamine_sham == means.ketamine).all()


def test_usual_care_is_placebo(means: pd.DataFrame) -> None:
    assert (means.usual_care == means.placebo).all()


def test_the_old_habit_is_strengthened_too(means: pd.DataFrame) -> None:
    day_30 = means.loc["expected_day_30"]
    assert day_30.ketamine_stressor - day_30.ketamine > 2.0 * (day_30.stressor - day_30.placebo) > 0.5


def test_larger_doses_do_more_with_diminishing_gain(means: pd.DataFrame) -> None:
    day_1 = means.loc["madrs_day_1"]
    effects = [float(day_1[arm] - day_1.placebo) for arm in ("ketamine_01", "ketamine_02", "ketamine", "ketamine_10")]
    assert effects == sorted(effects, reverse=True)
    assert effects[1] > 0.6 * effects[2] and effects[3] > 1.5 * effects[2]


def test_six_infusions_do_more_than_one_and_therapy_holds_it(means: pd.DataFrame) -> None:
    assert means.at["response_enrolment", "six_infusions"] > means.at["response_enrolment", "ketamine"] + 0.15
    assert means.at["madrs_end", "six_cbt"] < means.at["madrs_end", "six_infusions"]
    assert means.at["response_day_90", "cbt"] > means.at["response_day_90", "usual_care"] + 0.1


def test_training_of_another_cue_changes_that_cue_only(means: pd.DataFrame) -> None:
    assert means.at["maladaptive_neutral", "off_target"] < means.at["maladaptive_neutral", "ketamine"] - 0.15
    assert means.at["maladaptive_trained", "off_target"] == means.at["maladaptive_trained", "ketamine"]
    assert means.at["maladaptive_trained", "both"] < means.at["maladaptive_untrained", "both"] - 0.15


def test_learning_and_proteins_carry_the_benefit_and_mood_does_not(shipped: Shipped) -> None:
    found = parts(shipped, "parts", ["learning_gain", "protein_gain", "acute_shift"], "expected_day_30")
    whole, no_mood = found[3.5, 1.23, 0.23], found[3.5, 1.23, 0.0]
    no_learning, no_proteins, neither = found[0.0, 1.23, 0.23], found[3.5, 0.0, 0.23], found[0.0, 0.0, 0.23]
    assert whole < no_mood < no_learning < neither and no_mood < no_proteins < neither
    assert no_mood < 0.75 * whole and abs(neither) < 0.5


def test_training_counts_most_between_hours_and_a_day_after_the_drug(shipped: Shipped) -> None:
    found = parts(shipped, "delay", ["first", "window_decay"], "expected_day_30").xs(57.0, level=1)
    drug = parts(shipped, "delay", ["first", "window_decay"], "expected_day_30").xs(24.0, level=1)[336.0]
    interaction = found - drug  # two weeks later a window of 24 h has closed: what is left is the drug's own
    assert 4.0 <= interaction.idxmin() <= 24.0
    assert interaction[[24.0, 48.0, 72.0, 120.0, 168.0, 240.0, 336.0]].is_monotonic_increasing
    assert interaction[4.0] < -2.0 and abs(interaction[336.0]) < 0.5
