"""Databases that do not hold what was written into them: `verify` names it, and no command answers from them."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from commands import Done, answer, workbench
from damaged import EDITS, TEXT, flipped

from workbench.errors import StorageError
from workbench.execution.verify import verify
from workbench.store import digest, open_results
from workbench.store.views import VIEWS

FLIPS = int(os.environ.get("WORKBENCH_TEST_FLIPS", "60"))
"""How many files with changed bytes are tried; 2,000 in a long run."""


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A whole database, in bytes."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "small.toml").write_text(TEXT)
    done = workbench("sweep", "small.toml", "--db", "a.db", "--workers", "1", cwd=folder)
    assert done.returncode == 4, done.stderr
    return (folder / "a.db").read_bytes()


@pytest.fixture
def db(tmp_path: Path, whole: bytes) -> Path:
    path = tmp_path / "a.db"
    path.write_bytes(whole)
    return path


def seen(db: Path, *more: str) -> tuple[Done, dict[str, Any]]:
    """Return what `verify --json` says."""
    done = workbench("verify", "a.db", "--json", *more, cwd=db.parent)
    assert done.stderr == ""
    return done, answer(done)


def findings(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [finding for check in told["checks"] for finding in check["findings"]]


def test_d07_a_whole_file_is_verified_and_left_as_it_is(db: Path, whole: bytes) -> None:
    done, told = seen(db, "--sample", "all")
    assert (done.returncode, told["ok"], findings(told)) == (0, True, [])
    assert told["computed_again"] == told["runs"] > 20
    assert told["digest"] == digest(db)
    assert [path.name for path in db.parent.iterdir()] == ["a.db"]
    assert db.read_bytes() == whole


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_d07_what_was_edited_by_hand_is_named(db: Path, edit) -> None:
    edit.to(db)
    done, told = seen(db, "--sample", "all")
    assert (done.returncode, told["ok"], told["exit"]) == (5, False, 5)
    assert edit.table in {finding["table"] for finding in findings(told)}, findings(told)


def test_d07_the_place_and_both_values_of_an_outcome_are_told(db: Path) -> None:
    EDITS["an outcome moved by one unit in its last place"].to(db)
    told = seen(db)[1]
    entry, finding = findings(told)
    assert (entry["table"], finding["table"]) == ("audit", "outcome"), "its entry leads to the run, in any sample"
    where = ("sweep", "study", "arm", "point", "subject", "run", "outcome")
    assert all(finding[key] is not None for key in where)
    assert finding["stored"] != finding["computed"] == pytest.approx(finding["stored"], rel=1e-15)
    _, line = workbench("verify", "a.db", cwd=db.parent).stderr.splitlines()
    assert (
        f"outcome '{finding['outcome']}' of run {finding['run']} (sweep 1, {finding['study']}, {finding['arm']}" in line
    )
    assert repr(finding["stored"]) in line and repr(finding["computed"]) in line


def test_d07_a_digest_that_was_sent_is_compared(db: Path) -> None:
    right = digest(db)
    assert seen(db, "--digest", right.upper(), "--sample", "0")[0].returncode == 0
    done, told = seen(db, "--digest", "0" * 64, "--sample", "0")
    assert done.returncode == 5
    assert [finding["computed"] for finding in findings(told)] == [right]


def test_d07_few_runs_are_spread_over_studies_and_arms(db: Path) -> None:
    with open_results(db) as results:
        runs = results.runs()
    for most in (1, 5, 12):
        found = verify(db, sample_size=most)
        assert (found.again, found.well) == (most, True)
    from workbench.store.verify import sample, snapshot

    with snapshot(db) as look:
        chosen = sample(look.ask, [1], 12)
        assert chosen == sample(look.ask, [1], 12)
    assert len(runs[runs.run.isin(chosen)].groupby(["study", "arm"], observed=True)) == 6


@pytest.mark.parametrize("sample", ["-1", "some", "1.5", "٣"])
def test_c04_a_sample_that_is_no_number_is_refused(db: Path, sample: str) -> None:
    done = workbench("verify", "a.db", f"--sample={sample}", "--json", cwd=db.parent)
    assert done.returncode == 2
    assert answer(done)["exit"] == 2


def test_d01_what_is_no_database_is_no_finding(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("schema = 1\n" * 20)
    for name in ("text.db", "none.db", "."):
        done = workbench("verify", name, "--json", cwd=tmp_path)
        assert (done.returncode, answer(done)["exit"]) == (3, 3)


def test_d03_bytes_that_changed_are_found_or_change_no_answer(tmp_path: Path, whole: bytes) -> None:
    """Every stored byte matters or is checked: where nothing is found, every view answers as before."""
    db = tmp_path / "a.db"
    db.write_bytes(whole)
    right, answers = digest(db), {view: open_results(db).sql(f"SELECT * FROM {view}") for view in VIEWS}
    found: Counter[str] = Counter()
    for seed in range(FLIPS):
        db.write_bytes(flipped(whole, seed))
        try:
            told = verify(db, sample_size=None)
        except StorageError:
            found["no database"] += 1
            continue
        if not told.well:
            found[next(check.name for check in told.checks if not check.well)] += 1
            continue
        found["no finding"] += 1
        assert digest(db) == right, f"seed {seed}"
        for view, frame in answers.items():
            assert open_results(db).sql(f"SELECT * FROM {view}").equals(frame), f"seed {seed}: {view}"
    assert found.total() == FLIPS and found["no finding"] < 0.8 * FLIPS
