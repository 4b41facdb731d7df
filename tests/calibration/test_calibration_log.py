"""The log of a refit: killed, stopped or continued, it ends like a search that nobody disturbed."""

from __future__ import annotations

import signal
import sqlite3
import sys
import time
from pathlib import Path
from subprocess import Popen

import pytest
from support.commands import answer, started, workbench
from support.small_refit import SCENARIO, SET, written

from workbench.store import digest, open_results

SEARCH = ("calibrate", "scenarios/small.toml", "--budget", "1000", "--workers", "1", "--json")
DB, REFIT = Path("data/results/small.db"), Path("data/parameters/numbers-refit.toml")
VIEWS = ("candidates", "candidate_parameters", "candidate_criteria")


def logged(root: Path) -> list[list[tuple[object, ...]]]:
    """Return all that the views say of candidates."""
    with sqlite3.connect(root / DB) as connection:
        found = [connection.execute(f"select * from {view} order by 1, 2, 3, 4").fetchall() for view in VIEWS]
    connection.close()
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = written(tmp_path_factory.mktemp("whole") / "user")
    said = answer(workbench(*SEARCH, cwd=root))
    assert said["ok"] and said["reused"] == 0 and said["log"] == "begins calibration 1"
    return root


def under_way(root: Path, least: int) -> Popen[str]:
    """Start the search and return once it has stored something: readers look on while it writes."""
    search, deadline = started(*SEARCH, cwd=root), time.monotonic() + 60
    while time.monotonic() < deadline:
        assert search.poll() is None, search.communicate()
        if (root / DB).exists() and len(open_results(root / DB).sql("select * from candidates")) >= least:
            return search
        time.sleep(0.005)
    raise AssertionError("nothing was stored in time")


def assert_goes_on_to_the_same_end(root: Path, whole: Path, workers: str = "1") -> None:
    stored = len(logged(root)[0])
    assert 0 < stored < len(logged(whole)[0])
    said = answer(workbench(*SEARCH, "--workers", workers, cwd=root))
    assert said["log"] == "continues calibration 1"
    assert said["reused"] == stored and said["computed"] == said["candidates"] - stored
    assert (root / REFIT).read_bytes() == (whole / REFIT).read_bytes()
    assert logged(root) == logged(whole)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_killed_search_goes_on_to_the_same_set_and_the_same_log(tmp_path: Path, whole: Path) -> None:
    root = written(tmp_path / "user")
    search = under_way(root, 60)
    search.kill()
    search.communicate()
    assert not (root / REFIT).exists()
    assert_goes_on_to_the_same_end(root, whole, workers="2")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_keeps_what_is_stored_and_says_how_to_go_on(tmp_path: Path, whole: Path, times: int) -> None:
    root = written(tmp_path / "user")
    search = under_way(root, 30)
    for _ in range(times):
        search.send_signal(signal.SIGINT)
    out, err = search.communicate(timeout=60)
    assert search.returncode == 130 and "Traceback" not in out + err
    assert "go on with: workbench calibrate scenarios/small.toml --budget 1000" in out
    assert_goes_on_to_the_same_end(root, whole)


def test_a_search_that_has_ended_computes_nothing_again(whole: Path) -> None:
    before = logged(whole)
    said = answer(workbench(*SEARCH, "--force", cwd=whole))
    assert (said["computed"], said["reused"]) == (0, said["candidates"])
    assert logged(whole) == before


def test_a_larger_budget_uses_what_is_stored_and_ends_like_one_asked_for_at_once(tmp_path: Path) -> None:
    small, large = ((*SEARCH[:3], budget, *SEARCH[4:]) for budget in ("100", "300"))
    grown, at_once = written(tmp_path / "grown"), written(tmp_path / "at_once")
    answer(workbench(*small, cwd=grown))
    evolved = sum(row[4] == "generation" for row in logged(grown)[0])
    said = answer(workbench(*large, "--force", cwd=grown))
    assert said["log"] == "continues calibration 1, with a budget of 300 instead of 100"
    assert said["reused"] >= evolved > 40, "every generation of the smaller budget serves the larger"
    answer(workbench(*large, cwd=at_once))
    assert (grown / REFIT).read_bytes() == (at_once / REFIT).read_bytes()


CHANGED = {
    "the scenario": ("scenarios/small.toml", SCENARIO.replace("10 mg", "11 mg"), ()),
    "the parameter set": ("data/parameters/numbers.toml", SET.replace("12 L/h", "13 L/h"), ()),
    "the findings": ("data/findings/small.toml", "", ()),
    "the seed": ("", "", ("--seed", "2")),
    "the number of subjects": ("", "", ("--subjects", "3")),
    "the parameters that move": ("", "", ("--parameter", "clearance")),
}


def test_whatever_shapes_the_answer_begins_a_log_of_its_own_and_says_why(tmp_path: Path) -> None:
    root = written(tmp_path / "user")
    search = (*SEARCH[:3], "20", *SEARCH[4:], "--force")
    answer(workbench(*search, cwd=root))
    for number, (words, (file, text, options)) in enumerate(CHANGED.items(), 2):
        if file:
            old = (root / file).read_text()
            (root / file).write_text(text or old.replace("no change", "no change at all"))
        said = answer(workbench(*search, *options, cwd=root))
        assert said["calibration"] == number and said["reused"] == 0
        assert said["log"].startswith(f"begins calibration {number} anew: ") and words in said["log"]
    with open_results(root / DB) as results:
        assert list(results.sql("select candidates from calibrations").candidates > 0) == [True] * 7


def test_a_database_of_sweeps_keeps_its_digest(tmp_path: Path) -> None:
    root = written(tmp_path / "user")
    assert workbench("sweep", "scenarios/small.toml", "--workers", "1", "--json", cwd=root).returncode == 0
    before = digest(root / DB)
    said = answer(workbench(*SEARCH[:3], "50", *SEARCH[4:], cwd=root))
    assert digest(root / DB) == before
    rows = answer(workbench("query", DB, "select candidates, status from calibrations", "--json", cwd=root))["rows"]
    assert rows == [{"candidates": said["candidates"] + 2, "status": "finished"}]
    described = open_results(root / DB).columns()
    assert {"loss", "batch", "candidate"} <= set(described.name[described.view == "candidates"])
    assert answer(workbench("runs", DB, "--json", cwd=root))["rows"][0]["missing"] == 0
