"""The window for dopamine, read off the stored points of the delay sweep as its finding does."""

from __future__ import annotations

import pandas as pd
import pytest
from support.shipped_runs import Shipped

import workbench as api

NAME = "dopamine_window"
PAIRING_AT = 2.0
FROM_THE_PAIRING_BEFORE = 1e-6
"""Percent that a burst may still make of the mark left 9 s earlier."""


@pytest.fixture(scope="module")
def gain(shipped: Shipped) -> pd.DataFrame:
    """Gain in percent of the start, by delay (rows) and arm (columns)."""
    results = api.open_results(shipped.db(NAME))
    rows = results.outcomes().query("study == 'delay' and outcome == 'gain'")
    points = results.points().query("study == 'delay'")
    delay = dict(zip(points["point"], points["number"] - PAIRING_AT, strict=True))
    return rows.assign(delay=rows["point"].map(delay)).pivot_table(index="delay", columns="arm", values="value")


def test_a_burst_counts_after_activity_and_not_before_it_nor_much_later(gain: pd.DataFrame) -> None:
    """DY20, true by construction."""
    burst = gain["burst"]
    assert burst[1.0] >= 3.0 * burst[5.0]
    assert abs(burst[-1.0]) < 0.1 * burst[1.0]
    assert (burst[:0.3] < FROM_THE_PAIRING_BEFORE).all() and (burst[0.4:2.0] > 0.1 * burst.max()).all()
    assert 0.5 <= burst.idxmax() <= 0.8


def test_the_burst_rises_to_one_peak_and_falls(gain: pd.DataFrame) -> None:
    burst, peak = gain["burst"][0.3:], gain["burst"].idxmax()
    assert burst[:peak].is_monotonic_increasing and burst[peak:].is_monotonic_decreasing


def test_a_dip_depresses_at_once_and_ever_less_with_delay(gain: pd.DataFrame) -> None:
    dip = gain["dip"]
    assert (dip[0.0:] < 0.0).all() and dip[0.0:].is_monotonic_increasing
    assert dip[-1.0] > 0.1 * dip[1.0]


def test_without_dopamine_nothing_changes(gain: pd.DataFrame) -> None:
    assert (gain["no_dopamine"] == 0.0).all()
