"""Workers that die: replaced once a batch; the runs that kill are found, stored as failed and computed another time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.commands import ROOT, SMALL, answer, children, command, environment, gone, process, workbench

from workbench.execution.process import MOST_DEATHS, TRIES, WorkerDied, solve_despite_deaths
from workbench.solver.batch import Batch, BatchResult, Declared, Structure
from workbench.store import open_results
from workbench.store.result_digest import digest

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
RUNS = 512


def batch_of(runs: int) -> Batch:
    """Return a batch of two arms, by turns, in which each run has a value of its own."""
    recordings = (Declared("outcome", "twice", "any", 1, ()), Declared("course", "way", "any", 1, ()))
    values = {"arm": np.arange(runs) % 2 * 1.0, "alone": np.arange(runs) * 1.0, "shared": 3.0}
    keys = tuple(i.to_bytes(32, "big") for i in range(runs))
    return Batch(Structure(recordings), 1, np.arange(runs) // 2, values, keys)


class Killer:
    """Solves batches in its own way and dies of those that hold a guilty run."""

    def __init__(self, guilty: Callable[[Batch], np.ndarray], spare: int = 0) -> None:
        self.guilty, self.spare, self.deaths, self.solved = guilty, spare, 0, 0

    def __call__(self, batch: Batch) -> BatchResult:
        assert (np.diff(batch.subjects) >= 0).all(), "runs of a batch come by subject"
        if self.guilty(batch).any() and self.deaths >= self.spare:
            self.deaths += 1
            raise WorkerDied("was ended")
        if self.guilty(batch).any() or self.deaths < self.spare:
            self.deaths += 1
            raise WorkerDied("was ended by chance")
        self.solved += len(batch)
        alone = batch.values["alone"]
        return BatchResult(
            batch.keys, {"twice": 2 * alone}, {"way": np.stack([alone, -alone])}, {"way": (1.0, 2.0)}, {}, 7, 0.5, 0.25
        )


@pytest.mark.parametrize("guilty", [(), (0,), (RUNS - 1,), (77,), (4, 5), (3, 300)])
def test_of_many_runs_only_the_guilty_are_lost(guilty: tuple[int, ...]) -> None:
    batch = batch_of(RUNS)
    killer = Killer(lambda some: np.isin(some.values["alone"], guilty))
    result = solve_despite_deaths(batch, killer)
    assert result.keys == batch.keys and set(result.failures) == set(guilty)
    assert all(f.lost and f.time == "unknown time" and "was ended" in f.reason for f in result.failures.values())
    right = np.where(np.isin(np.arange(RUNS), guilty), np.nan, 2.0 * np.arange(RUNS))
    np.testing.assert_array_equal(result.outcomes["twice"], right)
    np.testing.assert_array_equal(result.courses["way"], np.stack([right / 2, -right / 2]))
    assert killer.solved == RUNS - len(guilty) and killer.deaths <= MOST_DEATHS + 1
    assert (result.steps, result.times) == (7, {"way": (1.0, 2.0)})


def test_an_arm_that_kills_leaves_the_other_arm_whole() -> None:
    killer = Killer(lambda some: some.values["arm"] == 1.0)
    result = solve_despite_deaths(batch_of(RUNS), killer)
    assert set(result.failures) == set(range(1, RUNS, 2)), "equal values are tried side by side"
    assert killer.deaths <= MOST_DEATHS + 1
    assert any("together with" in f.reason for f in result.failures.values())


def test_a_batch_of_which_everything_kills_is_lost_whole_after_a_limited_number_of_deaths() -> None:
    killer = Killer(lambda some: np.ones(len(some), bool))
    result = solve_despite_deaths(batch_of(RUNS), killer)
    assert len(result.failures) == RUNS and np.isnan(result.outcomes["twice"]).all()
    assert result.courses["way"].shape == (0, RUNS) and MOST_DEATHS <= killer.deaths <= MOST_DEATHS + 1


@pytest.mark.parametrize("deaths", [1, TRIES, TRIES + 1])
def test_deaths_that_no_run_is_guilty_of_lose_nothing(deaths: int) -> None:
    result = solve_despite_deaths(batch_of(RUNS), Killer(lambda some: np.zeros(len(some), bool), spare=deaths))
    assert not result.failures and np.isfinite(result.outcomes["twice"]).all()


SITE = """
import os, signal, sys
if "workbench.execution.worker" in sys.orig_argv:
    {what}
"""
GUILTY = """
    import ctypes, time
    import numpy as np
    import workbench.solver.run as run
    solve = run.solve
    def deadly(batch, *rest):
        fast = np.broadcast_to(batch.values["plasticity.input_output.rate"], len(batch)) == 0.004
        if (fast & (batch.subjects == 2)).any():
            os.kill(os.getpid(), signal.SIGKILL)
        if (~fast & (batch.subjects == 4)).any():
            raise MemoryError
        return solve(batch, *rest)
    run.solve = deadly
"""
HANGING = GUILTY.replace(
    "os.kill(os.getpid(), signal.SIGKILL)", "open('hung', 'w').close(), ctypes.PyDLL(None).sleep(60)"
)


def sick(folder: Path, what: str) -> dict[str, str]:
    """Return the environment in which worker processes, and they alone, do `what` as they start."""
    (folder / "sitecustomize.py").write_text(SITE.format(what=what.strip()))
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}


def test_I12_runs_that_kill_their_worker_twice_are_stored_as_failed_and_computed_another_time(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    line = ("sweep", "small.toml", "--db", "a.db", "--study", "arms", "--workers", "2")
    done = process(*line, "--json", cwd=tmp_path, **sick(tmp_path, GUILTY))
    found = answer(done)
    assert done.returncode == found["exit"] == 4 and not found["ok"], done.stderr
    assert (found["stored"], found["failed"], found["lost"], found["missing"]) == (10, 2, 2, 0)
    failed = answer(workbench("query", "a.db", "select * from failures order by arm", "--json", cwd=tmp_path))["rows"]
    assert [(row["arm"], row["subject"], row["run"]) for row in failed] == [("fast", 2, None), ("slow", 4, None)]
    assert {row["model_time"] for row in failed} == {"unknown time"}
    assert "was ended by SIGKILL" in failed[0]["reason"] and "ran out of memory" in failed[1]["reason"]
    (listed,) = answer(workbench("runs", "a.db", "--json", cwd=tmp_path))["rows"]
    assert (listed["stored"], listed["failed"], listed["missing"]) == (10, 2, 0)
    counted = "select status, count(*) as n from runs group by status"
    assert answer(workbench("query", "a.db", counted, "--json", cwd=tmp_path))["rows"] == [
        {"status": "failed", "n": 2},
        {"status": "stored", "n": 10},
    ]
    frame = open_results(tmp_path / "a.db").runs()
    assert frame["run"].isna().sum() == 2 and (frame["status"] == "failed").sum() == 2
    assert "2 lost with the process" in " ".join(workbench("runs", "a.db", "--history", cwd=tmp_path).stdout.split())
    again = workbench(*line[:-1], "1", cwd=tmp_path)
    assert again.returncode == 0 and "2 stored + 0 failed + 10 reused + 0 missing" in again.stdout
    whole = workbench("sweep", "small.toml", "--db", "b.db", "--study", "arms", "--workers", "1", cwd=tmp_path)
    assert whole.returncode == 0 and digest(tmp_path / "a.db") == digest(tmp_path / "b.db")


def test_I12_workers_that_cannot_start_end_the_sweep_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    line = ("sweep", "small.toml", "--db", "a.db", "--workers", "2", "--json")
    done = process(*line, cwd=tmp_path, **sick(tmp_path, "os._exit(9)"))
    (error,) = answer(done)["errors"]
    assert done.returncode == 3 and done.stderr == ""
    assert "cannot be started" in error["message"] and "status 9" in error["message"]
    assert "--workers 1" in error["message"]


@linux
def test_I01_a_worker_that_hangs_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    """It holds Python's own lock, so that it can read no pipe."""
    (tmp_path / "small.toml").write_text(SMALL)
    line = command("sweep", "small.toml", "--db", "a.db", "--study", "arms", "--workers", "2")
    sweep = subprocess.Popen(line, cwd=tmp_path, env=environment(**sick(tmp_path, HANGING)), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (tmp_path / "hung").exists():
        assert time.monotonic() < deadline and sweep.poll() is None
        time.sleep(0.1)
    workers = children(sweep)
    sweep.kill()
    sweep.wait()
    assert gone(workers)
