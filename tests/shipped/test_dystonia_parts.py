"""What the dystonia scenario says of its parts, in words on the page, is what its stored runs show."""

from __future__ import annotations

import pandas as pd
import pytest
from support.shipped_runs import Shipped

import workbench as api


@pytest.fixture(scope="module")
def means(shipped: Shipped) -> pd.DataFrame:
    """Mean of each outcome (columns) in each arm (rows) of the study over all arms."""
    rows = api.open_results(shipped.db("dystonia")).outcomes(study="arms")
    return rows.pivot_table(index="arm", columns="outcome", values="value", observed=True)


def test_depression_lost_alone_makes_as_much_overflow_as_the_disease(means: pd.DataFrame) -> None:
    end = means.overflow_treatment
    assert end["ltd_lost"] - end["healthy"] == pytest.approx(end["dyt1"] - end["healthy"], rel=0.1)
    assert means.overflow_withdrawal["ltd_lost"] > means.overflow_withdrawal["dyt1"]


def test_acetylcholine_alone_makes_none_while_depression_is_intact(means: pd.DataFrame) -> None:
    for when in ("practice", "treatment", "withdrawal"):
        end = means[f"overflow_{when}"]
        assert end["ach_high"] - end["healthy"] < 0.1 * (end["dyt1"] - end["healthy"])
        assert end["ach_high_ltd_follows"] > end["ach_high"] + 0.05


def test_limits_on_success_and_withdrawal_hold(means: pd.DataFrame) -> None:
    assert means.success_practice["dyt1"] > means.success_practice["healthy"]
    for arm in ("dyt1_thp15", "dyt1_thp30", "dyt1_thp60"):
        assert means.overflow_withdrawal[arm] <= means.overflow_treatment[arm]
    assert means.success_treatment["dyt1_thp15"] > means.success_treatment["dyt1_thp60"]
    assert means.success_treatment["healthy_thp30"] < means.success_treatment["healthy"]
