"""What reading a database takes in memory: bounded by what is asked, or a few numbers a run; never an object a run."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import HEAD

import workbench
from workbench.report.overview import equal_outcomes, select
from workbench.store.result_digest import digest

FEW, MANY = 2_100, 4_200
"""Subjects; of more than 2,000 no interval is resampled."""
MANY_RUNS = (
    HEAD.replace("trials = 300", "trials = 10").replace("every = 100", "every = 5")
    + """
[plasticity.input_output]
rule = "hebb"
rate = 0.002
[arm.slow]
[arm.fast]
compare_with = "slow"
[arm.fast.set]
"plasticity.input_output.rate" = 0.004
"""
)
"""Two arms with two outcomes and a course, quickly computed."""


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("growth")
    file = folder / "many.toml"
    file.write_text(MANY_RUNS)
    for subjects in (FEW, MANY):
        workbench.run_sweep(file, folder / f"{subjects}.db", workers=1, subjects=subjects)
    return folder / f"{FEW}.db", folder / f"{MANY}.db"


def growth(ask: Callable[[Path], object], databases: tuple[Path, Path]) -> float:
    """Return the bytes that each further run adds to the peak of a question."""
    peaks = []
    for db in databases:
        ask(db)  # what is imported, and looked at once for each file, is no part of the question
        tracemalloc.start()
        ask(db)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return (peaks[1] - peaks[0]) / (2 * (MANY - FEW))


@pytest.mark.parametrize(
    "ask",
    [digest, lambda db: workbench.open_results(db).sweeps()],
    ids=["digest", "runs"],
)
def test_what_says_one_thing_of_all_runs_takes_the_same_memory_for_more(
    ask: Callable[[Path], object], databases: tuple[Path, Path]
) -> None:
    assert growth(ask, databases) < 2


@pytest.mark.parametrize(
    ("ask", "most"),
    [
        (workbench.compare, 400),
        (lambda db: equal_outcomes(select(db), "arms"), 400),
        (lambda db: workbench.open_results(db).outcomes_wide(), 700),
    ],
    ids=["compare", "equal outcomes", "outcomes_wide"],
)
def test_what_needs_every_number_takes_a_few_numbers_a_run(
    ask: Callable[[Path], object], most: float, databases: tuple[Path, Path]
) -> None:
    assert growth(ask, databases) < most
