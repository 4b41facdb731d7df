"""Paired differences: against numbers known beforehand, and in words where there is no number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from support.fabricated import ArmRow, StudyRow, fabricate

from workbench.analysis import compare
from workbench.analysis.intervals import BOOTSTRAP_LIMIT, mean_intervals
from workbench.errors import UsageError
from workbench.store import open_results


def two_arms(
    path: Path, before: Sequence[float], after: Sequence[float], subjects: int, failing: frozenset[int] = frozenset()
) -> pd.DataFrame:
    arms = (
        ArmRow("before", lambda i: float(before[i])),
        ArmRow("after", lambda i: None if i in failing else float(after[i]), baseline="before"),
    )
    return compare(fabricate(path, arms, (StudyRow("arms", ("before", "after")),), subjects))


def test_difference_and_effect_follow_their_definitions(tmp_path):
    rng = np.random.default_rng(5)
    before = rng.normal(1.0, 0.2, 50)
    after = before - 0.3 + rng.normal(0.0, 0.1, 50)
    row = two_arms(tmp_path / "a.db", before, after, 50).iloc[0]
    assert row.difference == pytest.approx(np.mean(after) - np.mean(before))
    assert row.sd_difference == pytest.approx(stats.tstd(after - before))
    assert row.effect == pytest.approx(row.difference / np.sqrt((stats.tvar(after) + stats.tvar(before)) / 2))
    assert row.effect_name == "d_av"
    assert row.hedges_g == pytest.approx(row.effect * (1 - 3 / (4 * 98 - 1))), "groups of one size differ by J alone"
    assert row.better == np.mean(after < before)
    assert row.low < row.difference < row.high


def test_the_pairs_view_and_compare_agree(tmp_path):
    path = fabricate(tmp_path / "a.db")
    found = compare(path, study="arms").set_index(["arm", "baseline"])
    pairs = open_results(path).pairs(study="arms")
    for (arm, baseline), group in pairs.groupby(["arm", "baseline"], observed=True):
        assert found.difference[arm, baseline] == pytest.approx(group.difference.mean())
        assert found.n[arm, baseline] == len(group)


def test_interval_covers_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(11)
    rows = list(rng.gamma(2.0, 1.0, (300, 60)))
    hits = sum(low <= 2.0 <= high for low, high, _ in mean_intervals(rows))
    # 95 % of 300 is 285 with a standard deviation of 4; a skewed sample of 60 may lose a little.
    assert 268 <= hits <= 298


def test_interval_of_a_row_does_not_depend_on_its_neighbours():
    rng = np.random.default_rng(3)
    rows = list(rng.normal(size=(7, 1_500)))
    assert mean_intervals(rows)[4] == mean_intervals([rows[4]])[0]


def test_large_samples_use_the_central_limit_and_agree_with_the_normal_formula():
    row = np.random.default_rng(1).normal(3.0, 2.0, BOOTSTRAP_LIMIT + 1)
    low, high, method = mean_intervals([row])[0]
    assert method == "central limit"
    expected = stats.norm.interval(0.95, row.mean(), stats.sem(row))
    assert (low, high) == pytest.approx(expected)


# Fewer values make equal resampled means, whose order rounding decides.
@given(st.integers(15, 40), st.floats(-5, 5), st.floats(0.01, 100))
def test_interval_moves_and_scales_with_the_values(size, shift, scale):
    row = np.random.default_rng(size).normal(size=size)
    low, high, _ = mean_intervals([row])[0]
    moved = mean_intervals([row * scale + shift])[0]
    assert moved[:2] == pytest.approx((low * scale + shift, high * scale + shift), abs=1e-6 * scale)


def test_one_subject_has_a_difference_and_says_why_nothing_else(tmp_path):
    row = two_arms(tmp_path / "a.db", [1.0], [0.5], 1).iloc[0]
    assert row.difference == -0.5
    assert row[["low", "high", "sd_difference", "effect"]].isna().all()
    assert "one subject" in row.note
    assert row.method == "one subject"


def test_equal_subjects_have_no_effect_size_and_say_so(tmp_path):
    row = two_arms(tmp_path / "a.db", [1.0] * 9, [0.5] * 9, 9).iloc[0]
    assert (row.low, row.high, row.sd_difference) == (-0.5, -0.5, 0.0)
    assert pd.isna(row.effect)
    assert "all subjects alike in both arms" in row.note


def test_identical_arms_differ_by_exactly_nothing(tmp_path):
    values = np.random.default_rng(2).normal(size=20)
    row = two_arms(tmp_path / "a.db", values, values, 20).iloc[0]
    assert (row.difference, row.low, row.high, row.better) == (0.0, 0.0, 0.0, 0.0)


def test_I11_failed_runs_are_left_out_by_pair_and_counted(tmp_path):
    before, after = np.arange(10.0), np.arange(10.0) - 1
    row = two_arms(tmp_path / "a.db", before, after, 10, frozenset({2, 3})).iloc[0]
    assert (row.n, row.missing) == (8, 2)
    assert row.baseline_mean == np.delete(before, [2, 3]).mean()
    assert "2 of 10 subjects left out" in row.note


def test_I11_when_every_run_failed_there_is_a_row_of_words_and_no_number(tmp_path):
    row = two_arms(tmp_path / "a.db", np.ones(4), np.ones(4), 4, frozenset(range(4))).iloc[0]
    assert (row.n, row.missing) == (0, 4)
    assert row[["mean", "difference", "low", "effect", "better"]].isna().all()
    assert row.note == "no subject finished both arms"


def test_a_baseline_can_be_chosen_for_all_arms(tmp_path):
    found = compare(fabricate(tmp_path / "a.db"), study="arms", baseline="healthy")
    assert set(found.baseline) == {"healthy"}
    assert "ill_30" in set(found.arm)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"baseline": "nobody"}, "arm 'nobody'.*known: healthy"),
        ({"study": "nothing"}, "study 'nothing'.*known: arms"),
        ({"outcomes": ["mood"]}, "outcome 'mood'.*known: overflow"),
        ({"sweep": 9}, "no sweep 9.*known: 1"),
    ],
)
def test_R02_unknown_names_are_refused_with_what_exists(tmp_path, asked, message):
    with pytest.raises(UsageError, match=message):
        compare(fabricate(tmp_path / "a.db"), **asked)
