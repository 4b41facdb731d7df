"""How numbers look to people, and that the time left is measured and not promised."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.calibration.candidates import CandidateCounts, CandidateForecast
from workbench.cli.calibrate import CandidateWords
from workbench.cli.progress_bar import Speed, counted, duration, size
from workbench.execution.progress import RunCounts


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
    pace = Speed()
    assert pace.words(RunCounts(expected=100, stored=10, run_steps=10_000_000, seconds=60.0)) == "timing"
    later = RunCounts(expected=100, stored=30, run_steps=30_000_000, seconds=62.0)
    assert pace.words(later) == "10 million run-steps/s, about 7.0 s left"


def test_the_time_left_follows_the_speed_as_it_is_now_and_the_steps_that_are_left() -> None:
    pace, told = Speed(steps=100e6), []
    for second in range(60):  # 10 million run-steps a second at first, a tenth of that from half a minute on
        steps = 1_000_000 * (second if second <= 30 else 30 + (second - 30) // 10)
        counts = RunCounts(expected=1000, stored=10 * second + 10, run_steps=steps, seconds=float(second))
        told.append(pace.words(counts))
    assert told[20] == "1 million run-steps/s, about 1 min 20 s left"
    assert told[59] == "0.1 million run-steps/s, about 11 min 20 s left", "the first half minute no longer counts"


def test_a_refit_counts_candidates_and_says_what_came_from_its_log() -> None:
    words = CandidateWords()
    first = CandidateCounts(expected=100, computed=10, reused=20, least=7.25, seconds=5.0)
    assert words.now(first) == "30 of 100 candidates (20 from the log), least loss 7.25, timing"
    later = CandidateCounts(expected=100, computed=30, reused=20, least=1.5, seconds=9.0)
    assert words.now(later) == "50 of 100 candidates (20 from the log), least loss 1.5, at most about 10 s left"


def test_a_refit_says_before_how_much_it_will_simulate() -> None:
    size = {"parameters": 3, "targets": 5, "arms": 2, "subjects": 40, "expected": 400, "workers": 2}
    log = {"db": Path("s.db"), "said": "begins calibration 1"}
    ahead = CandidateForecast(file="s.toml", title="One dose", rate=2.5, seconds=160.0, **size, **log)
    assert CandidateWords().before(ahead) == [
        "s.toml: One dose",
        "  3 parameters to 5 targets; each candidate 2 arms x 40 subjects = 80 runs, at most 400 candidates",
        "  s.db: begins calibration 1, 0 candidates stored",
        "pilot: 2.5 candidates/s with 2 workers: at most 2 min 40 s",
    ]
