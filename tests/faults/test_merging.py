"""The command that merges: parts of a sweep as people cut them, a conflict, and an end at any step."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.commands import SMALL, answer, process, workbench
from support.reliability.disturbed import Steps, files, in_child, kill_me, state, undisturbed
from support.surroundings import contents

from workbench.execution.runner import run_sweep
from workbench.store import digest, query
from workbench.store.audit import Written

EVERY = bool(os.environ.get("WORKBENCH_EVERY_STEP"))
"""Whether a merge is killed at each of its steps, and not at a few."""
SOURCES = ["few.db", "slow.db", "fast.db"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a folder with one sweep of some subjects, and one of each arm."""
    folder = tmp_path_factory.mktemp("merging")
    (folder / "small.toml").write_text(SMALL, encoding="utf-8")
    cuts = {"few": {"subjects": 2}, "slow": {"arms": ["slow"]}, "fast": {"arms": ["fast"]}}
    for name, cut in cuts.items():
        run_sweep(folder / "small.toml", folder / f"{name}.db", workers=1, studies=["arms"], **cut)  # type: ignore[arg-type]
    for cut in cuts.values():
        run_sweep(folder / "small.toml", folder / "whole.db", workers=1, studies=["arms"], **cut)  # type: ignore[arg-type]
    return contents(folder)


@pytest.fixture
def folder(tmp_path: Path, made: dict[str, bytes]) -> Path:
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def other_bits(db: Path) -> None:
    """Change an outcome, and tell it as if it had come out so."""
    with closing(sqlite3.connect(db, isolation_level=None)) as driver:
        measure = "(SELECT id FROM measure WHERE name = 'norm' AND kind = 'outcome')"
        driver.execute(f"UPDATE outcome SET value = value * 1.5 WHERE run = 1 AND measure = {measure}")
        driver.execute("DELETE FROM audit")
        written = Written(driver)
        written.everything()
        written.append("", "migrated")


def test_D09_a_process_merges_sweeps_of_a_scenario_and_a_conflict_ends_it(folder: Path, made: dict[str, bytes]) -> None:
    done = process("merge", *SOURCES, "--into", "all.db", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    told = answer(done)
    assert (told["ok"], told["new"]["sweep"], told["new"]["run"]) == (True, 3, 12)
    assert digest(folder / "all.db") == digest(folder / "whole.db")
    assert workbench("verify", "all.db", "--sample", "all", cwd=folder).returncode == 0
    assert {name: (folder / name).read_bytes() for name in made} == made
    assert len(query(folder / "all.db", "select * from audit where entry like '%\"merged\"%'")) == 3

    other_bits(folder / "slow.db")
    before = contents(folder)
    ended = process("merge", "slow.db", "--into", "all.db", cwd=folder)
    assert (ended.returncode, ended.stdout, contents(folder) == before) == (5, "", True)
    told_at, line, hint = ended.stderr.splitlines()
    assert told_at.startswith("looking through slow.db")
    assert line.startswith("error: slow.db: run ") and "(small, arms, slow, point 0, subject " in line
    assert "outcome 'norm' is " in line and line.endswith(" in all.db") and hint.startswith("hint: ")
    found = answer(workbench("merge", "slow.db", "fast.db", "few.db", "--into", "new.db", "--json", cwd=folder))
    assert (found["ok"], found["exit"], found["found"]) == (False, 5, len(found["conflicts"]))
    assert {c["other_file"] for c in found["conflicts"]} == {"slow.db"}
    assert [c["outcome"] for c in found["conflicts"]] == ["norm"]
    assert contents(folder) == before


def test_D09_a_merge_that_is_killed_at_any_step_leaves_the_target_whole_before_or_after(folder: Path) -> None:
    line = ["merge", *SOURCES, "--into", "all.db", "--quiet"]
    whole, outcomes = digest(folder / "whole.db"), set()
    for start in (None, "few.db"):
        if start is not None:
            (folder / "all.db").write_bytes((folder / start).read_bytes())
        before = contents(folder)
        steps = in_child(line, folder, lambda: files(Steps())).steps
        assert steps > 50 and digest(folder / "all.db") == whole
        for turn in range(1, steps + 1, 1 if EVERY else steps // 2):
            for left in folder.iterdir():
                if left.name not in before:
                    left.unlink()
            for name, data in before.items():
                (folder / name).write_bytes(data)
            ended = in_child(line, folder, lambda turn=turn: files(Steps(turn=turn, act=kill_me)))  # type: ignore[misc]
            assert ended.code == -9, (turn, ended)
            there = (folder / "all.db").exists()
            assert state(folder / "all.db")[0] == "ok"
            found = digest(folder / "all.db") if there else None
            assert found in (whole, None if start is None else digest(folder / start)), (start, turn)
            outcomes.add((start, found == whole))
            again = in_child(line, folder, undisturbed)
            assert (again.code, digest(folder / "all.db")) == (0, whole), (turn, again.err)
            assert contents(folder).keys() == {*before, "all.db"}, turn
    assert {(None, False), ("few.db", False)} <= outcomes
