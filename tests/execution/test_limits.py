"""Where a sweep stops by itself: after a time, or when too much memory is held; several scenarios in one command."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from support.commands import DIVERGING, SMALL, workbench

from workbench import run_sweep
from workbench.execution.limits import SYSTEM, Limits, held_memory
from workbench.store.result_digest import digest

tells_memory = pytest.mark.skipif(not (SYSTEM / "self" / "statm").exists(), reason="the system does not tell")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(SMALL)
    (tmp_path / "wild.toml").write_text(DIVERGING)
    return tmp_path


def test_a_sweep_whose_time_is_over_stores_a_block_and_goes_on_where_it_stopped(folder: Path) -> None:
    file = folder / "small.toml"
    cut = run_sweep(file, folder / "cut.db", workers=1, limits=Limits(seconds=1e-9))
    assert (cut.stopped, cut.limit) == (15, "the time allowed (1e-09 s) is over")
    assert 0 < cut.stored < cut.expected
    rest = run_sweep(file, folder / "cut.db", workers=1, limits=Limits(seconds=1e-9))
    assert (rest.stopped, rest.limit, rest.missing) == (0, "", 0)
    run_sweep(file, folder / "whole.db", workers=1)
    assert digest(folder / "cut.db") == digest(folder / "whole.db")


def test_the_command_says_what_stopped_it_and_how_to_go_on(folder: Path) -> None:
    done = workbench("sweep", "small.toml", "--workers", "1", "--max-time", "0.001 ms", cwd=folder)
    assert done.returncode == 143
    assert "stopped: the time allowed (1e-06 s) is over" in done.stderr
    assert "go on with: workbench sweep small.toml --workers 1 --max-time '0.001 ms'" in done.stderr


@tells_memory
def test_memory_of_children_counts() -> None:
    alone = held_memory()
    with subprocess.Popen(["sleep", "60"]) as child:
        assert held_memory() > alone
        child.kill()


@tells_memory
def test_a_memory_that_is_held_before_any_run_is_refused_and_nothing_is_written(folder: Path) -> None:
    done = workbench("sweep", "small.toml", "--db", "no.db", "--max-memory", "1 MB", cwd=folder)
    assert done.returncode == 2
    assert "1 MB are allowed, and" in done.stderr
    assert not (folder / "no.db").exists()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--max-time", "90", "the unit is missing"),
        ("--max-time", "0 s", "must be above 0"),
        ("--max-time", "3 mg", "not a unit of this kind"),
        ("--max-memory", "4", 'such as "4 GB"'),
        ("--max-memory", "0 GB", "above 0"),
    ],
)
def test_a_limit_that_is_none_is_refused(option: str, value: str, said: str, folder: Path) -> None:
    done = workbench("sweep", "small.toml", "--db", "no.db", option, value, cwd=folder)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert not (folder / "no.db").exists()


def test_several_scenarios_have_a_database_each_and_end_with_the_worst_code(folder: Path) -> None:
    done = workbench("sweep", "wild.toml", "small.toml", "--workers", "1", "--json", cwd=folder)
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"], found["exit"]) == (4, False, 4)
    ends = [(one["scenario"], one["exit"], one["missing"]) for one in found["sweeps"]]
    assert ends == [("wild", 4, 0), ("small", 0, 0)]
    assert {Path(one["db"]).name for one in found["sweeps"]} == {"wild.db", "small.db"}
    again = workbench("sweep", "wild.toml", "small.toml", "--workers", "1", cwd=folder)
    assert "small: 30 of 30 runs, 0 failed, 0 missing" in again.stdout


def test_the_mistakes_of_all_scenarios_are_told_before_any_is_begun(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / f"{name}.toml").write_text(SMALL.replace("trials = 300", "trial = 300"))
    done = workbench("sweep", "small.toml", "one.toml", "two.toml", cwd=folder)
    assert done.returncode == 2
    assert "one.toml" in done.stderr
    assert "two.toml" in done.stderr
    assert not (folder / "data").exists()


def test_options_that_name_one_file_are_refused_with_several_scenarios(folder: Path) -> None:
    done = workbench("sweep", "small.toml", "wild.toml", "--db", "x.db", "--report", "x.html", cwd=folder)
    assert done.returncode == 2
    assert "--db and --report can be given with one scenario only, not with 2" in done.stderr
