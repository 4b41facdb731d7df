"""Stopping a sweep in every way, and going on: the same digest as an undisturbed one, and nobody left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import (
    LONG,
    children,
    command,
    environment,
    gone,
    process,
    started,
    stored_runs,
    wait_for_runs,
    workbench,
)

from workbench.store.result_digest import digest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
RUNS = 16 * 20


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("long") / "long.toml"
    file.write_text(LONG)
    return file


@pytest.fixture(scope="module")
def undisturbed(scenario: Path) -> str:
    finish(scenario, scenario.parent / "whole.db")
    return digest(scenario.parent / "whole.db")


def finish(scenario: Path, db: Path) -> None:
    """Go on where a sweep stopped: without worker processes, whose start takes longer than what is left."""
    done = workbench("sweep", scenario, "--db", db, "--workers", "1", cwd=db.parent)
    assert done.returncode == 0, done.stderr
    assert "0 missing" in done.stdout


def test_two_workers_give_the_digest_of_one(scenario: Path, undisturbed: str, tmp_path: Path) -> None:
    db = tmp_path / "two.db"
    done = process("sweep", scenario, "--db", db, "--workers", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "0 missing" in done.stdout
    assert digest(db) == undisturbed


@pytest.mark.parametrize("least", [1, RUNS // 3])
def test_I01_killed_sweep_resumes_to_the_same_digest(
    scenario: Path, undisturbed: str, tmp_path: Path, least: int
) -> None:
    db = tmp_path / "killed.db"
    sweep = started("sweep", scenario, "--db", db, "--workers", "2", cwd=tmp_path)
    acknowledged = wait_for_runs(db, sweep, least)
    workers = children(sweep)
    assert len(workers) == 2
    sweep.kill()
    sweep.communicate()
    assert gone(workers), "workers outlived their parent"
    assert acknowledged <= stored_runs(db) < RUNS
    finish(scenario, db)
    assert digest(db) == undisturbed


def test_I02_first_interrupt_stores_what_is_in_flight_and_says_how_to_go_on(
    scenario: Path, undisturbed: str, tmp_path: Path
) -> None:
    db = tmp_path / "once.db"
    sweep = started("sweep", scenario, "--db", db, "--workers", "2", cwd=tmp_path)
    before = wait_for_runs(db, sweep)
    sweep.send_signal(signal.SIGINT)
    out, err = sweep.communicate(timeout=60)
    assert sweep.returncode == 130
    assert before <= stored_runs(db) < RUNS
    assert f"go on with: workbench sweep {scenario} --db {db} --workers 2" in err
    assert "Traceback" not in out + err
    finish(scenario, db)
    assert digest(db) == undisturbed


def test_I02_second_interrupt_stops_at_once_and_leaves_no_worker(
    scenario: Path, undisturbed: str, tmp_path: Path
) -> None:
    db = tmp_path / "twice.db"
    sweep = started("sweep", scenario, "--db", db, "--workers", "2", cwd=tmp_path)
    wait_for_runs(db, sweep)
    workers = children(sweep)
    sweep.send_signal(signal.SIGINT)
    sweep.send_signal(signal.SIGINT)
    _, err = sweep.communicate(timeout=60)
    assert sweep.returncode == 130
    assert "go on with: workbench sweep" in err
    assert "Traceback" not in err
    assert gone(workers)
    finish(scenario, db)
    assert digest(db) == undisturbed


def test_I03_termination_is_like_one_interrupt_with_its_own_exit_code(
    scenario: Path, undisturbed: str, tmp_path: Path
) -> None:
    db = tmp_path / "terminated.db"
    sweep = started("sweep", scenario, "--db", db, "--workers", "1", cwd=tmp_path)
    wait_for_runs(db, sweep)
    sweep.terminate()
    _, err = sweep.communicate(timeout=60)
    assert sweep.returncode == 143
    assert "go on with" in err
    finish(scenario, db)
    assert digest(db) == undisturbed


def test_I12_a_worker_that_dies_is_replaced_and_nobody_can_tell(
    scenario: Path, undisturbed: str, tmp_path: Path
) -> None:
    db = tmp_path / "lost.db"
    sweep = started("sweep", scenario, "--db", db, "--workers", "2", cwd=tmp_path)
    wait_for_runs(db, sweep)
    os.kill(children(sweep)[0], signal.SIGKILL)
    out, err = sweep.communicate(timeout=120)
    assert sweep.returncode == 0, err
    assert f"{RUNS} runs = {RUNS} stored + 0 failed + 0 reused + 0 missing" in out
    assert digest(db) == undisturbed


def test_a_plain_script_without_a_main_guard_may_use_worker_processes(scenario: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import workbench\n"
        f"result = workbench.run_sweep({str(scenario)!r}, 'script.db', workers=2, subjects=1)\n"
        "print(result.stored, result.missing)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.stdout == "16 0\n", done.stderr


def test_a_sweep_in_a_closed_pipe_ends_quietly(scenario: Path, tmp_path: Path) -> None:
    line = " ".join(command("describe")) + " | head -n 1"
    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
