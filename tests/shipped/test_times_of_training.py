"""The interaction of ketamine and training against the time between them: orderings, with and without a known window."""

from __future__ import annotations

import pandas as pd
import pytest
from support.shipped_runs import Shipped

import workbench as api
from workbench.analysis.interaction import over_parameters

SCENARIO = "ketamine_timing"
OUTCOME = "expected_day_45"
FIRST, WINDOW = "session.training.first", "parameter.window_decay"


@pytest.fixture(scope="module")
def by_delay(shipped: Shipped) -> pd.DataFrame:
    """The interaction in points by the first session (h after the infusion) and by the window's decay (h)."""
    found = api.interactions(shipped.db(SCENARIO), study="delay", outcomes=[OUTCOME]).query("term == 'interaction'")
    points = api.open_results(shipped.db(SCENARIO)).points(study="delay")
    table = found.merge(points.pivot_table(index="point", columns="path", values="number"), on="point")
    return table.pivot_table(index=FIRST, columns=["interaction", WINDOW], values="difference").astype(float)


def test_training_counts_most_within_a_day_and_least_before_the_drug_and_a_fortnight_after(
    by_delay: pd.DataFrame,
) -> None:
    interaction = by_delay["next_day", 57.0]
    assert 4.0 <= interaction.idxmin() <= 24.0 and interaction.min() < -2.0
    assert interaction[24.0:].is_monotonic_increasing, "each later beginning is worth less"
    assert interaction[-24.0] < interaction[48.0] < interaction[-96.0], "sessions before and after the drug: in between"
    assert abs(interaction[-96.0]) < 0.5 and abs(interaction[240.0]) < 0.5 and abs(interaction[336.0]) < 0.1
    assert (interaction < 0.1).all(), "training after the drug is never worth less than the sum"


def test_a_fortnight_later_a_short_window_has_closed_and_a_long_one_has_not(by_delay: pd.DataFrame) -> None:
    late = by_delay["next_day"].loc[336.0]
    assert abs(late[24.0]) < 0.5 and abs(late[57.0]) < 0.5
    assert late[168.0] < -1.0, "who knows the window no better than this knows no latest day"
    assert (by_delay["next_day"].loc[4.0:].diff(axis="columns").iloc[:, 1:] < 0.1).all().all(), "longer is never less"


def test_the_stressor_has_the_mirrored_order(by_delay: pd.DataFrame) -> None:
    benefit, harm = by_delay["next_day", 57.0], by_delay["stressor_next_day", 57.0]
    assert harm[24.0:].is_monotonic_decreasing and harm[4.0:72.0].min() > 1.0 and abs(harm[336.0]) < 0.5
    assert benefit.corr(harm) < -0.98


def test_intervals_over_people_and_over_parameters_stand_apart(shipped: Shipped) -> None:
    people = api.interactions(shipped.db(SCENARIO), study="arms", outcomes=[OUTCOME]).query("term == 'interaction'")
    people = people.set_index("interaction")
    spread = over_parameters(shipped.db(SCENARIO)).query("term == 'interaction'").set_index("interaction")
    for name in ("next_day", "hour_4"):
        assert people.low[name] < people.difference[name] < people.high[name] < -1.0
        assert people.p10[name] < people.low[name] and people.p90[name] > people.high[name]
        assert spread.low[name] < people.p10[name] < people.p90[name] < spread.high[name] < 0.0
    assert spread.middle["next_day"] < spread.middle["day_7"] < 0.0 < spread.low["stressor_next_day"]
    assert abs(people.difference["before_4_days"]) < 0.5


def test_each_arm_with_a_time_of_its_own_agrees_with_the_sweep(shipped: Shipped, by_delay: pd.DataFrame) -> None:
    people = api.interactions(shipped.db(SCENARIO), study="arms", outcomes=[OUTCOME]).query("term == 'interaction'")
    found = people.set_index("interaction").difference
    for name, first in (("next_day", 24.0), ("hour_4", 4.0), ("day_7", 168.0), ("before_4_days", -96.0)):
        short, long = by_delay["next_day"].loc[first, [24.0, 168.0]]
        assert long - 0.3 < found[name] < short + 0.3, "other people, and a window of a length in between"
