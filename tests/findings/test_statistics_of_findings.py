"""Each statistic on samples whose value can be worked out by hand; errors and verdicts by their definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cases import every_case

from workbench.findings.finding import Criterion
from workbench.findings.grammar import STATISTICS
from workbench.findings.ledger import joint_verdict, monte_carlo_error, verdict_of
from workbench.findings.samples import Sample
from workbench.findings.statistic_values import holding, value_of

FIRST = [1.0, 2.0, 3.0, 6.0]
SECOND = [2.0, 2.0, 2.0, 2.0]
NOTHING = np.empty(0)


def criterion(statistic: str, **more: object) -> Criterion:
    return Criterion(statistic, "outcome", "x", ("a", "b"), (0.0, 1.0), **more)  # type: ignore[arg-type]


def value(statistic: str, *terms: object, along: object = NOTHING, **more: object) -> float:
    return value_of(criterion(statistic, **more), Sample(np.array(terms, dtype=float), np.asarray(along, dtype=float)))


def test_means_and_shares() -> None:
    assert value("mean", FIRST) == 3.0
    assert value("median", FIRST) == 2.5
    assert value("share", FIRST, below=2.0) == 0.5, "a value on the bound counts"
    assert value("share", FIRST, above=1.5, below=4.0) == 0.5
    assert value("share", FIRST, SECOND, of="ratio", below=0.5) == 0.25
    assert value("share", FIRST, SECOND, of="difference", above=1.0) == 0.5
    assert value("share_difference", FIRST, SECOND, above=3.0) == 0.5
    assert value("share_difference", FIRST, SECOND, SECOND, SECOND, of="ratio", below=0.75) == 0.25


def test_comparisons() -> None:
    assert value("difference", FIRST, SECOND) == 1.0
    assert value("ratio", FIRST, SECOND) == 1.5
    assert value("gain_ratio", FIRST, SECOND, [5, 5, 5, 5], [1, 1, 1, 1]) == 0.25
    spread = math.sqrt((np.var(FIRST, ddof=1) + 0.0) / 2)
    assert value("effect_size", FIRST, SECOND) == pytest.approx(1.0 / spread)
    assert value("hedges_g", FIRST, SECOND) == pytest.approx((1 - 3 / (4 * 6 - 1)) / spread), "four in each group"
    assert value("difference_ratio", FIRST, SECOND, [5, 5, 5, 5], [1, 1, 1, 1]) == 0.25
    assert math.isnan(value("difference_ratio", FIRST, SECOND, SECOND, SECOND))
    assert value("order", SECOND, FIRST, [9, 9, 9, 9]) == 1.0, "the smallest step up"
    assert value("order", FIRST, SECOND) == -1.0


def test_two_treatments_crossed() -> None:
    both, first, second, neither = [9.0, 11.0], [4.0, 6.0], [3.0, 3.0], [1.0, 2.0]
    assert value("interaction", both, first, second, neither) == 5.0 - 1.5
    assert value("main_effect", both, first, second, neither) == 0.5 * (7.0 + 3.5)
    assert value("interaction", [3.0, 7.0], [2.0, 6.0], [2.0, 3.0], [1.0, 2.0]) == 0.0, "effects that add"


def test_when_two_arms_are_apart() -> None:
    days = [1.0, 7.0, 30.0, 90.0]
    one = [[1.0, 6.0, 8.0, 3.0], [3.0, 8.0, 10.0, 5.0]]
    other = [[1.0, 3.0, 3.0, 2.0], [3.0, 5.0, 5.0, 4.0]]  # apart by 0, 3, 5 and 1
    assert value("first_time", one, other, along=days, of="difference", above=3.0) == 7.0
    assert value("last_time", one, other, along=days, of="difference", above=1.0) == 90.0
    assert value("last_time", other, one, along=days, of="difference", below=-3.0) == 30.0
    assert math.isnan(value("first_time", one, other, along=days, of="difference", above=5.1))
    unit = (1 - 3 / (4 * 2 - 1)) / math.sqrt(2.0)  # g of a difference of 1 between two groups of two
    assert value("last_time", one, other, along=days, of="hedges_g", above=2.9 * unit) == 30.0
    assert value("last_time", one, other, along=days, of="hedges_g", above=0.9 * unit) == 90.0


def test_what_is_taken_along_a_path_or_a_course() -> None:
    rising = [[1.0, 3.0], [3.0, 5.0], [5.0, 7.0]]
    assert value("slope", *rising, along=[0.0, 4.0, 8.0]) == 0.5
    assert value("correlation", *rising, along=[0.0, 4.0, 8.0]) == pytest.approx(1.0)
    assert value("argmax", [1.0, 1.0], [4.0, 2.0], [2.0, 2.0], along=[10.0, 20.0, 30.0]) == 20.0
    course = np.array([[[4.0, 2.0, 1.0], [6.0, 4.0, 1.0]]])
    assert value("peak_to_trough", *course) == 5.0
    assert value("time_to", *course, along=[7.0, 14.0, 21.0], below=3.5) == 14.0
    assert math.isnan(value("time_to", *course, along=[7.0, 14.0, 21.0], above=6.0))


def test_two_courses_over_time_and_one_that_does_not_move() -> None:
    up, flat = [[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]], [[5.0, 5.0, 5.0], [5.0, 5.0, 5.0]]
    down = [[0.0, -2.0, -4.0], [0.0, -2.0, -4.0]]
    assert value("correlation", up, down, along=[1, 2, 3]) == pytest.approx(-1.0)
    assert value("correlation", up, flat, along=[1, 2, 3]) == 0.0


def test_a_range_of_swept_values_over_which_something_holds() -> None:
    levels = ([1.0, 1.0], [2.0, 2.0], [1.0, 1.0], [4.0, 4.0])
    wanted = criterion("holds_over", of="ratio", holds=(0.4, 1.0), over="path")
    sample = Sample(np.array(levels), np.array([5.0, 50.0]))
    assert holding(wanted, sample).tolist() == [True, False]
    assert value_of(wanted, sample) == 0.5


def test_every_statistic_of_the_grammar_can_be_taken() -> None:
    from workbench.findings.statistic_values import _STATISTICS

    assert set(_STATISTICS) == set(STATISTICS)


@given(st.lists(st.integers(-10_000, 10_000).map(lambda n: n / 8), min_size=2, max_size=30), st.floats(0.1, 100))
def test_error_of_a_mean_is_that_of_resampling_and_scales_with_its_unit(values: list[float], factor: float) -> None:
    wanted, sample = criterion("mean"), Sample(np.array([values]), NOTHING)
    error = monte_carlo_error(wanted, sample)
    assert error is not None
    exact = np.std(values) / math.sqrt(len(values))
    assert error == pytest.approx(exact, rel=0.35, abs=1e-9 * max(map(abs, values)) + 1e-300)
    scaled = monte_carlo_error(wanted, Sample(np.array([values]) * factor, NOTHING))
    assert scaled == pytest.approx(error * factor, rel=1e-6, abs=1e-300)


def test_nothing_random_has_no_error_and_one_subject_an_unknown_one() -> None:
    assert monte_carlo_error(criterion("mean"), Sample(np.full((1, 5), 0.1), NOTHING)) == 0.0
    assert monte_carlo_error(criterion("mean"), Sample(np.array([[3.0]]), NOTHING)) is None


@every_case(
    ("value", "accept", "error", "verdict"),
    [
        (60.0, (50, 70), 0.0, "met"),
        (60.0, (50, 70), 1.9, "met"),
        (60.0, (50, 70), 2.1, "undecided"),
        (70.0, (50, 70), 0.0, "met"),
        (70.0, (-math.inf, 75), 0.4, "met"),
        (70.0, (-math.inf, 75), 0.6, "undecided"),
        (75.0, (-math.inf, 75), 0.0, "met"),
        (76.0, (-math.inf, 75), 0.4, "missed"),
        (76.0, (-math.inf, 75), 0.6, "undecided"),
        (0.2, (0.3, math.inf), 0.0, "missed"),
        (60.0, (50, 70), None, "undecided"),
        (math.nan, (50, 70), None, "missed"),
    ],
)
def test_verdicts(value: float, accept: tuple[float, float], error: float | None, verdict: str) -> None:
    assert verdict_of(value, accept, error) == verdict


def test_a_finding_is_as_good_as_its_worst_criterion() -> None:
    assert joint_verdict(["met", "undecided", "missed", "not run"]) == "missed"
    assert joint_verdict(["met", "undecided", "not run"]) == "not run"
    assert joint_verdict(["met", "undecided"]) == "undecided"
    assert joint_verdict(["met", "met"]) == "met"
    assert joint_verdict([]) == "not run"
