"""A window in words means the stretch of trials, or the moment, that it says."""

from __future__ import annotations

import numpy as np
import pytest
from support.circuits import STRIATUM, replaced, solved

from workbench.protocol.span import parse_span


@pytest.mark.parametrize(
    ("words", "bounds"),
    [
        ("treatment", (0, 60)),
        ("first 20 trials of treatment", (0, 20)),
        ("last 20 trials of treatment", (40, 60)),
        ("trials 5-9 of treatment", (5, 9)),
        ("end of treatment", (59, 60)),
        ("days 2-4 of treatment", (12, 24)),
        ("days 0-0.5 of treatment", (0, 3)),
    ],
)
def test_words_name_trials(words: str, bounds: tuple[int, int]) -> None:
    assert parse_span(words).bounds(60, 6.0) == bounds


@pytest.mark.parametrize(("words", "hours"), [("36 s", 0.01), ("90 min", 1.5), ("2 h", 2.0), ("0.5 day", 12.0)])
def test_a_moment_may_be_given_in_any_unit_of_time(words: str, hours: float) -> None:
    assert parse_span(f"{words} into slice").hours == pytest.approx(hours)


@pytest.mark.parametrize("words", ["days 9-11 of treatment", "days 3-3.01 of treatment"])
def test_days_must_fit_and_hold_a_trial(words: str) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        parse_span(words).bounds(60, 6.0)


@pytest.mark.parametrize("words", ["days 4-2 of treatment", "2 weeks into treatment", "days of treatment"])
def test_other_words_are_refused(words: str) -> None:
    with pytest.raises(ValueError):
        parse_span(words)


def test_days_follow_the_trials_of_a_day() -> None:
    in_trials = replaced(STRIATUM, ("last 50 trials of treatment", "trials 30-60 of treatment"))
    in_days = replaced(STRIATUM, ("last 50 trials of treatment", "days 6-12 of treatment"))
    one, other = solved(in_trials), solved(in_days)
    np.testing.assert_array_equal(one.outcomes["overflow"], other.outcomes["overflow"])
