"""What storing and reading cost; nothing here asserts a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.store_fakes import FakePlan, plan, recordings, solve

from workbench.store import digest, open_results, open_writer, query

OUTCOMES = tuple(f"outcome_{i}" for i in range(8))
COURSES = tuple(f"course_{i}" for i in range(4))
BLOCK = 2048


def asked(runs: int, courses: tuple[str, ...] = ()) -> FakePlan:
    """Four arms, 25 points, and as many subjects as it takes."""
    arms = {"a": None, "b": "a", "c": "a", "d": "b"}
    return plan(runs // 100, tuple(np.linspace(0.5, 4.0, 25)), arms).with_recordings(recordings(OUTCOMES, courses))


@pytest.mark.parametrize("courses", [(), COURSES], ids=["outcomes", "outcomes and courses"])
def test_storing_a_block(benchmark, tmp_path: Path, courses: tuple[str, ...]) -> None:
    """One block of 2,048 runs with 8 outcomes, without and with 4 courses of 30 points, into a growing file."""
    wanted = asked(102_400, courses)
    chunks = iter([(chunk, solve(chunk, times=30)) for chunk, _ in zip(wanted.chunks(BLOCK), range(12), strict=False)])
    with open_writer(tmp_path / "results.db") as writer:
        writer.begin(wanted)

        def store() -> None:
            chunk, result = next(chunks)
            writer.store(chunk, writer.missing(chunk), result)

        benchmark.pedantic(store, rounds=12)
        runs = writer.tally.computed
        benchmark.extra_info["microseconds per run"] = writer.tally.write_seconds / runs * 1e6
    benchmark.extra_info["bytes per run"] = (tmp_path / "results.db").stat().st_size / runs


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    db = tmp_path_factory.mktemp("large") / "results.db"
    wanted = asked(100_000)
    with open_writer(db) as writer:
        writer.begin(wanted)
        for chunk in wanted.chunks(BLOCK):
            writer.store(chunk, writer.missing(chunk), solve(chunk))
        writer.finish()
    return db


def test_looking_up_a_sweep_that_is_stored(benchmark, large: Path) -> None:
    """A resumed command over 100,000 runs of which none is missing."""
    wanted = asked(100_000)
    chunks = list(wanted.chunks(BLOCK))

    def look_up() -> None:
        with open_writer(large) as writer:
            writer.begin(wanted)
            assert sum(len(writer.missing(chunk)) for chunk in chunks) == 0

    benchmark.pedantic(look_up, rounds=2)


@pytest.mark.parametrize("view", ["runs", "outcomes", "outcomes_wide", "pairs"])
def test_reading_a_view_of_100_000_runs_into_pandas(benchmark, large: Path, view: str) -> None:
    benchmark.pedantic(getattr(open_results(large), view), rounds=2)


@pytest.mark.parametrize(
    "sql",
    [
        "select arm, avg(difference) from pairs where outcome = 'outcome_3' group by arm",
        "select sum(outcome_0 + outcome_7) from outcomes_wide",
        "select sum(value) from outcomes",
    ],
)
def test_asking_a_view_of_100_000_runs(benchmark, large: Path, sql: str) -> None:
    benchmark.pedantic(query, args=(large, sql), rounds=3)


def test_digest_of_100_000_runs(benchmark, large: Path) -> None:
    benchmark.pedantic(digest, args=(large,), rounds=1)
