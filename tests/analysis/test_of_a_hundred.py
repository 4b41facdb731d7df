"""Shares of a hundred, and the same comparison as a trial would see it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fabricated import ArmRow, StudyRow, fabricate

from workbench.analysis.aims import Aim
from workbench.analysis.paired import between_groups
from workbench.analysis.responders import of_hundred, shares
from workbench.analysis.selection import select
from workbench.analysis.timeline import timeline

CHANGES = (-0.4, -0.1, -0.1, -0.05, 0.0, 0.0, 0.05, 0.1, 0.3, -0.2)
"""Change of each subject from 0.4, lower is better: -0.1 is a quarter, the cut itself."""


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6).filter(any))
def test_shares_of_a_hundred_add_up_and_are_off_by_less_than_one(counts: list[int]) -> None:
    found = of_hundred(tuple(counts))
    assert sum(found) == 100
    assert all(abs(of - 100 * n / sum(counts)) < 1 for of, n in zip(found, counts, strict=True))


@pytest.mark.parametrize(("meaningful", "counts"), [(None, (4, 1, 2, 1, 2)), (0.2, (2, 3, 2, 2, 1))])
def test_a_change_of_exactly_the_cut_counts(tmp_path: Path, meaningful: float | None, counts: tuple[int, ...]) -> None:
    arms = (ArmRow("off", lambda i: 0.4), ArmRow("on", lambda i: 0.4 + CHANGES[i], baseline="off"))
    selection = select(fabricate(tmp_path / "a.db", arms, (StudyRow("arms", ("off", "on")),), subjects=10))
    found = shares(selection, "arms", Aim("overflow", "on", "off", meaningful=meaningful))
    assert found is not None and found.counts == counts and found.n == 10


def test_g_is_the_difference_in_pooled_standard_deviations_corrected_for_few() -> None:
    found = between_groups(np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 4.0, 5.0, 6.0]))
    assert found.g == pytest.approx(-2.0 / np.sqrt(5.0 / 3.0) * (1.0 - 3.0 / 23.0))
    assert found.low is not None and found.high is not None and found.low < found.g < found.high


@pytest.mark.parametrize("values", [[1.0], [2.0, 2.0, 2.0]])
def test_g_is_none_where_a_group_does_not_vary_or_is_one(values: list[float]) -> None:
    assert between_groups(np.array(values), np.array(values)).g is None


def test_a_dose_fills_the_phases_in_which_it_is_given(tmp_path: Path) -> None:
    selection = select(fabricate(tmp_path / "a.db", subjects=2))
    found = timeline(selection, "ill_30")
    assert found is not None and (found.unit, found.end) == ("trial", 1200)
    assert [(lane.name, lane.spans) for lane in found.lanes] == [("pill", ((400.0, 800.0),))]
    bare = timeline(selection, "ill")
    assert bare is not None and bare.lanes == ()
