"""Doses of ketamine, a year after, and another disease: signs and orderings of the stored rows."""

from __future__ import annotations

import pandas as pd
import pytest
from support.shipped_runs import Shipped

import workbench as api


def means_of(shipped: Shipped, scenario: str) -> pd.DataFrame:
    rows = api.open_results(shipped.db(scenario)).outcomes(study="arms")
    return rows.pivot_table(index="outcome", columns="arm", values="value", aggfunc="mean", observed=True)


@pytest.fixture(scope="module")
def doses(shipped: Shipped) -> pd.DataFrame:
    return means_of(shipped, "ketamine_dose")


@pytest.fixture(scope="module")
def year(shipped: Shipped) -> pd.DataFrame:
    return means_of(shipped, "ketamine_followup")


@pytest.mark.parametrize("visit", ["hour_4", "day_1", "day_3", "day_7", "day_12"])
def test_larger_doses_do_more(doses: pd.DataFrame, visit: str) -> None:
    row = doses.loc[f"madrs_{visit}"]
    effects = [float(row[f"ketamine_{dose}"] - row.placebo) for dose in ("01", "02", "05", "10")]
    assert effects == sorted(effects, reverse=True) and effects[0] < 0.0


def test_the_gain_of_a_larger_dose_shrinks_on_day_1_and_less_so_on_day_7(doses: pd.DataFrame) -> None:
    day_1, day_7 = ((doses.loc[f"expected_day_{day}"] - doses.at[f"expected_day_{day}", "placebo"]) for day in (1, 7))
    assert day_1.ketamine_02 > 0.6 * day_1.ketamine_05 and day_1.ketamine_10 > 1.5 * day_1.ketamine_05
    assert day_1.ketamine_10 / day_1.ketamine_05 < day_7.ketamine_10 / day_7.ketamine_05
    assert day_7.ketamine_02 / day_7.ketamine_05 < day_1.ketamine_02 / day_1.ketamine_05


def test_what_is_blocked_at_less_drug_does_more_at_every_dose(shipped: Shipped) -> None:
    with api.open_results(shipped.db("ketamine_dose")) as results:
        points = results.points(study="half_block").pivot_table(index="point", columns="path", values="number")
        rows = results.outcomes(study="half_block").query("outcome == 'expected_day_1' and arm == 'ketamine'")
    table = rows.merge(points, on="point").pivot_table(
        index="dose.infusion.amount_per_weight", columns="parameter.half_block", values="value"
    )
    assert table.apply(lambda row: row.is_monotonic_increasing, axis=1).all()
    assert table.apply(lambda column: column.is_monotonic_decreasing).all()


def test_the_advantage_over_training_alone_fades_over_the_year(year: pd.DataFrame) -> None:
    days = [year.loc[f"expected_day_{day}"] for day in (30, 60, 90, 120, 180, 360)]
    advantage = [float(day.both - day.therapy) for day in days]
    assert advantage == sorted(advantage) and advantage[0] < -3.0 < advantage[3] < -1.0
    assert -1.0 < advantage[-1] < 0.0


def test_harm_fades_with_the_same_slowness(year: pd.DataFrame) -> None:
    days = [year.loc[f"expected_day_{day}"] for day in (30, 60, 90, 120, 180, 360)]
    harm = [float(day.ketamine_stressor - day.stressor) for day in days]
    assert harm == sorted(harm, reverse=True) and harm[0] > 1.0 and harm[-1] > 0.0


def test_with_therapy_four_infusions_are_followed_by_later_relapse(year: pd.DataFrame) -> None:
    late = year.loc["relapse_time_four"]
    assert late.four_cbt > 2.0 * late.four_infusions and late.both > late.ketamine


def test_in_addiction_each_treatment_has_its_place_and_the_stressor_is_worst(shipped: Shipped) -> None:
    row = means_of(shipped, "ketamine_addiction").loc["abstinent"]
    assert row.both >= row.ketamine >= row.therapy >= row.neither > row.stressor > row.ketamine_stressor
