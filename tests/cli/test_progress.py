"""How numbers look to people, and that the time left is measured and not promised."""

from __future__ import annotations

import pytest

from workbench.cli.progress import Pace, counted, duration, size
from workbench.execution.progress import Counts


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.4, "9.4 s"), (42.4, "42 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")],
)
def test_durations_are_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_sizes_and_counts_are_words() -> None:
    assert (size(512), size(9.23e6), size(1.7e9)) == ("512 bytes", "9.23 MB", "1.7 GB")
    assert (counted(1, "run"), counted(2600, "run")) == ("1 run", "2,600 runs")


def test_the_time_before_the_first_block_does_not_count() -> None:
    pace = Pace()
    assert pace.words(Counts(expected=100, stored=10, run_steps=10_000_000, seconds=60.0)) == "timing"
    later = Counts(expected=100, stored=30, run_steps=30_000_000, seconds=62.0)
    assert pace.words(later) == "10 million run-steps/s, 7.0 s left"
