"""Which part of the disease does what: the weight that a clamped activity leaves, arm by arm."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.shipped_runs import Shipped

import workbench as api


@pytest.fixture(scope="module")
def change(shipped: Shipped) -> pd.DataFrame:
    """Weight change in percent: activities down, arms across."""
    rows = api.open_results(shipped.db("plasticity_curve")).outcomes().query("study == 'activity'")
    return rows.pivot_table(index="point", columns="arm", values="value", observed=True)


def test_healthy_weights_grow_at_low_activity_and_shrink_at_high(change: pd.DataFrame) -> None:
    assert (np.diff(change.healthy) < 0).all()
    assert change.healthy.iloc[0] > 50 and change.healthy.iloc[-1] < -50


@pytest.mark.parametrize("arm", ["dyt1", "ltd_lost", "ach_high_ltd_follows"])
def test_without_depression_weights_grow_at_every_activity(change: pd.DataFrame, arm: str) -> None:
    assert change[arm].min() > 50


@pytest.mark.parametrize("arm", ["ach_high", "dyt1_homeostasis_intact", "dyt1_thp30"])
def test_with_depression_they_shrink_again_at_high_activity(change: pd.DataFrame, arm: str) -> None:
    assert change[arm].iloc[0] > 0 > change[arm].iloc[-1]


def test_without_the_threshold_activity_hardly_matters(change: pd.DataFrame) -> None:
    assert np.ptp(change.healthy_no_homeostasis) < 5 < np.ptp(change.healthy)


def test_the_weight_settles_where_the_rule_in_closed_form_balances(change: pd.DataFrame) -> None:
    """At a clamped activity y: W* = (P/f + g rest / y) / (P/f + D f + g / y), f = y / sqrt(target) at strength 1/2."""
    y = np.array(
        [0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 1.0]
    )
    m1 = 0.2 / 1.2
    depression, potentiation = 1 / (1 + (m1 / 0.3) ** 5), m1**2 / (m1**2 + 0.08**2)
    factor = (y**2 / 0.1) ** 0.5
    up, down, back = 0.08 * potentiation * y / factor, 0.08 * depression * y * factor, 0.004 * depression
    settled = (up + back * 0.5) / (up + down + back)
    late = slice(2, None)  # at the lowest activities 4,000 trials are too few to settle
    assert change.healthy.to_numpy()[late] == pytest.approx(100 * (settled / 0.5 - 1)[late], abs=1.0)
