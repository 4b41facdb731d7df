"""What the scenario of two mechanisms says in its limits is what its stored runs show."""

from __future__ import annotations

import pandas as pd
import pytest
from support.shipped_runs import Shipped

import workbench as api

NAME = "anticholinergic_mechanisms"


@pytest.fixture(scope="module")
def means(shipped: Shipped) -> pd.DataFrame:
    """Mean of each outcome (columns) in each arm (rows) of the study over all arms."""
    rows = api.open_results(shipped.db(NAME)).outcomes(study="arms")
    return rows.pivot_table(index="arm", columns="outcome", values="value", observed=True)


def test_only_permission_gives_depression_back(means: pd.DataFrame) -> None:
    assert means.permission["threshold_thp60"] == means.permission["dyt1"]
    assert means.permission["permission_thp30"] > 10 * means.permission["dyt1"]


def test_threshold_helps_at_low_doses_and_no_more_at_high_ones(means: pd.DataFrame) -> None:
    end = means.overflow_treatment
    assert end["threshold_thp6"] < end["permission_thp6"] < end["dyt1"]
    assert abs(end["threshold_thp60"] - end["threshold_thp15"]) < 0.01
    assert end["permission_thp30"] < end["permission_thp15"] < end["permission_thp6"]


def test_overflow_comes_back_after_threshold_and_not_after_permission(means: pd.DataFrame) -> None:
    change = means.overflow_withdrawal - means.overflow_treatment
    assert change["threshold_thp30"] > 0.02
    assert change["permission_thp30"] < 0.0


def test_threshold_at_no_strength_helps_as_much_as_permission(shipped: Shipped, means: pd.DataFrame) -> None:
    rows = api.open_results(shipped.db(NAME)).outcomes()
    swept = rows.query("study == 'strength' and arm == 'threshold_thp30' and outcome == 'overflow_treatment'")
    best = swept.groupby("point")["value"].mean().min()
    assert best > means.overflow_treatment["permission_thp30"]


def test_both_ideas_start_from_the_same_disease(means: pd.DataFrame) -> None:
    practice = means.overflow_practice
    assert practice["permission_thp30"] == practice["threshold_thp30"] == practice["dyt1"]


def test_in_a_slice_the_threshold_idea_gives_no_depression_back(shipped: Shipped) -> None:
    """The published rows that tell the two apart: depression under an M1 antagonist (DY07), and depotentiation (DY08)."""
    rows = api.open_results(shipped.db("dystonia_slice")).outcomes(study="arms")
    slices = rows.pivot_table(index="arm", columns="outcome", values="value", observed=True)
    assert slices.epsp_hfs["dyt1_thp_ltd"] < 75 < 95 < slices.epsp_hfs["dyt1_thp_threshold_ltd"]
    assert slices.epsp_hfs["dyt1_thp_threshold_ltd"] == pytest.approx(slices.epsp_hfs["dyt1_ltd"], abs=0.01)
    kept = {arm: slices.epsp_lfs[arm] / slices.epsp_hfs[arm] for arm in ("dyt1_ltp", "dyt1_thp_threshold_ltp")}
    assert min(kept.values()) > 0.95
