"""What halving the step changes is looked at once a sweep, stored beside the results and no part of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from support.circuits import STRIATUM, batches, replaced
from support.therapies import THERAPY

import workbench as api
from workbench.execution.runner import run_sweep
from workbench.solver.run import solve
from workbench.solver.steps_halved import step_errors
from workbench.store.result_digest import digest

COARSE = replaced(THERAPY, ('step = "0.5 h"', 'step = "2 h"'))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("steps")
    for name, text in (("coarse", COARSE), ("fine", COARSE.replace('step = "2 h"', 'step = "1 h"'))):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
        run_sweep(folder / f"{name}.toml", folder / f"{name}.db", workers=1)
    return folder


def test_the_change_is_that_between_two_sweeps_of_their_own(folder: Path) -> None:
    with api.open_results(folder / "coarse.db") as one, api.open_results(folder / "fine.db") as two:
        errors = one.step_errors().set_index("outcome")
        wide = [results.outcomes_wide().set_index(["arm", "subject"]) for results in (one, two)]
    names = ["ketamine", "placebo", "ketamine_alone", "therapy"]  # arms of one program; the others have one each
    assert errors.runs.eq(len(names) * 2).all()
    for outcome in ("last_day", "expected", "window", "weight"):
        change = (wide[1][outcome] - wide[0][outcome]).loc[names]
        assert errors.at[outcome, "mean_change"] == pytest.approx(change.mean(), rel=1e-12, abs=1e-15)
        assert abs(errors.at[outcome, "largest_change"]) == pytest.approx(change.abs().max(), rel=1e-12)
    assert errors.at["expected", "largest_change"] != 0.0


def test_it_is_no_part_of_the_results_and_not_done_twice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = api.open_results(folder / "coarse.db").step_errors()
    number = digest(folder / "coarse.db")

    def never(*_: object) -> None:
        raise AssertionError("solved again")

    monkeypatch.setattr("workbench.solver.steps_halved.halved", never)
    run_sweep(folder / "coarse.toml", folder / "coarse.db", workers=1)
    assert api.open_results(folder / "coarse.db").step_errors().equals(before)
    assert digest(folder / "coarse.db") == number


def test_a_trial_map_has_no_step(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(STRIATUM, encoding="utf-8")
    run_sweep(tmp_path / "map.toml", tmp_path / "map.db", workers=1)
    assert api.open_results(tmp_path / "map.db").step_errors().empty


def test_runs_that_fail_with_either_step_are_left_out() -> None:
    result = solve(batches(STRIATUM)[0])
    broken = {name: np.where(np.arange(len(v)) == 0, np.nan, v) for name, v in result.outcomes.items()}
    (first, *_) = step_errors(result, dataclasses.replace(result, outcomes=broken))
    assert first.runs == len(result.keys) - 1 and first.largest == 0.0
