"""Databases that do not hold what was written into them: `verify` names it, and no command answers from them."""

from __future__ import annotations

import gzip
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.commands import Done, answer, workbench
from support.damaged import EDITS, TEXT, executed, flipped
from support.fabricated import accounted

from workbench.errors import StorageError
from workbench.execution.verification import verify
from workbench.plan import BatchPlan, plan
from workbench.scenario import load_scenario
from workbench.solver.run import solve
from workbench.store import Writer, digest, open_results, open_writer
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
    from workbench.store.integrity import sample, snapshot

    with snapshot(db) as look:
        chosen = sample(look.ask, [1], 12)
        assert chosen == sample(look.ask, [1], 12)
    assert len(runs[runs.run.isin(chosen)].groupby(["study", "arm"], observed=True)) == 6


def test_d07_other_libraries_are_said_and_allowed_their_last_digits_alone(db: Path) -> None:
    EDITS["an outcome moved by one unit in its last place"].to(accounted(db))
    (finding,) = findings(seen(accounted(db), "--sample", "all")[1])
    assert finding["table"] == "outcome", "the audit fits, and computing it again finds it all the same"
    executed(db, "UPDATE provenance SET value = '1.26.0' WHERE key = 'numpy'")
    done, told = seen(accounted(db), "--sample", "all")
    (note,) = next(check for check in told["checks"] if check["check"] == "runs again")["notes"]
    assert done.returncode == 0
    assert note.startswith("1 value has other digits, within 1e-") and note.endswith("numpy was 1.26.0")
    executed(db, ("UPDATE outcome SET value = value * (1 + 1e-7) WHERE run = ?", (finding["run"],)))
    assert seen(accounted(db), "--sample", "all")[0].returncode == 5


def test_d07_sweeps_of_a_part_are_planned_again_as_they_were_asked_for(db: Path) -> None:
    (db.parent / "small.toml").write_text(TEXT)
    asked = ("--subjects 2", "--arm fast --arm slow", "--study strength", "--seed 9 --subjects 1 --arm slow",
             "--arm slow --set projection.input_output.weight=0.1")  # fmt: skip
    for words in asked:
        done = workbench("sweep", "small.toml", "--db", "a.db", "--workers", "1", *words.split(), cwd=db.parent)
        assert done.returncode in (0, 4), done.stderr
    done, told = seen(db)
    assert (done.returncode, findings(told)) == (0, [])
    assert not any(check["notes"] for check in told["checks"])
    assert next(check["looked"] for check in told["checks"] if check["check"] == "sweeps").startswith("6 of 6")
    assert seen(db, "--sweep", "3", "--sample", "2")[1]["computed_again"] == 2
    assert seen(db, "--sweep", "7")[0].returncode == 2


def test_d05_a_file_without_an_audit_is_verified_as_far_as_it_goes(tmp_path: Path) -> None:
    published = Path(__file__).parents[1] / "store" / "published" / "version-1.db.gz"
    (tmp_path / "a.db").write_bytes(gzip.decompress(published.read_bytes()))
    done, told = seen(tmp_path / "a.db")
    assert (done.returncode, findings(told)) == (0, [])
    assert any("no audit" in note for check in told["checks"] for note in check["notes"])


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


def answers(db: Path) -> dict[str, Any]:
    """Return all that the views say."""
    with open_results(db) as results:
        return {view: results.sql(f"SELECT * FROM {view}") for view in (*VIEWS, "columns")}


def same(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the views that answer otherwise."""
    return [view for view, frame in one.items() if not frame.equals(other[view])]


def test_d03_bytes_that_changed_are_found_or_change_no_answer(tmp_path: Path, whole: bytes) -> None:
    """Every stored byte matters to nobody or is checked, by `verify` and by whoever reads."""
    db = tmp_path / "a.db"
    db.write_bytes(whole)
    right, before = digest(db), answers(db)
    found: Counter[str] = Counter()
    for seed in range(FLIPS):
        db.write_bytes(flipped(whole, seed))
        try:
            assert not same(before, answers(db)), f"seed {seed}"
            read = True
        except StorageError:
            read = False
        if not read and seed % 4:
            found["refused"] += 1
            continue
        try:
            told = verify(db, sample_size=2)
        except StorageError:
            assert not read
            found["no database"] += 1
            continue
        if told.well:
            assert read and told.digest == right, f"seed {seed}"
        found["well" if told.well else next(check.name for check in told.checks if not check.well)] += 1
    print("\n", dict(found))  # noqa: T201 - what the long run is for
    assert found.total() == FLIPS and found["well"] < 0.8 * FLIPS


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_d07_nobody_reads_another_answer_from_what_was_edited(db: Path, edit) -> None:
    before = answers(db)
    edit.to(db)
    try:
        after = answers(db)
    except StorageError as error:
        assert str(error).startswith(f"{db}: ") and ("verify" in str(error) or "restore a copy" in str(error))
    else:
        assert not same(before, after)


COMMANDS = (
    ("runs", "a.db"),
    ("compare", "a.db"),
    ("query", "a.db", "select * from outcomes"),
    ("digest", "a.db"),
    ("replay", "a.db", "--run", "1"),
    ("report", "a.db", "--output", "page.html"),
    ("report", "a.db", "--output", "page.html", "--tables", "tables"),
    ("findings", "a.db"),
    ("why", "a.db", "--run", "1"),
    ("sweep", "small.toml", "--db", "a.db", "--workers", "1"),
    ("sweep", "small.toml", "--db", "a.db", "--dry-run"),
    ("verify", "a.db", "--sample", "1"),
)
TOLD = (
    "an outcome moved by one unit in its last place",
    "a course that is no JSON",
    "an arm's name that is no text",
    "a table dropped",
)


@pytest.mark.parametrize("what", TOLD)
def test_d03_every_command_ends_in_one_line(db: Path, what: str) -> None:
    (db.parent / "small.toml").write_text(TEXT)
    EDITS[what].to(db)
    before = {path.name: path.read_bytes() for path in db.parent.iterdir()}
    for words in COMMANDS:
        done = workbench(*words, "--json", cwd=db.parent)
        assert done.returncode == (5 if words[0] == "verify" else 3), (words, done)
        assert answer(done)["ok"] is False
    assert {path.name: path.read_bytes() for path in db.parent.iterdir() if path.name != "a.db.lock"} == before


def test_d04_a_log_that_was_cut_leaves_whole_chunks_that_verify(tmp_path: Path) -> None:
    db, log = tmp_path / "a.db", tmp_path / "a.db-wal"
    (tmp_path / "small.toml").write_text(TEXT)
    with open_writer(tmp_path / "b.db") as writer:
        for chunk in _chunks(writer, tmp_path / "small.toml"):
            rows = writer.missing(chunk)
            if len(rows):
                writer.store(chunk, rows, solve(chunk.batch.take(rows)))
        db.write_bytes((tmp_path / "b.db").read_bytes())
        content = (tmp_path / "b.db-wal").read_bytes()
    for share in (0.3, 0.7):
        for harm in ("cut", "flip"):
            kept = bytearray(content)
            place = int(share * (len(content) - 1))
            if harm == "cut":
                del kept[place:]
            else:
                kept[place] ^= 0xFF
            log.write_bytes(kept)
            done = workbench("verify", "a.db", "--sample", "2", "--json", cwd=tmp_path)
            assert done.returncode in (0, 3), done.stdout
            if done.returncode == 0:
                assert answer(done)["digest"] == digest(db)


def _chunks(writer: Writer, scenario: Path) -> Iterator[BatchPlan]:
    planned = plan(load_scenario(scenario))
    writer.begin(planned)
    yield from planned.chunks(lambda structure: 4)


def test_p11_verify_works_beside_a_writer_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(TEXT)
    counts = []
    with open_writer(tmp_path / "a.db") as writer:
        for i, chunk in enumerate(_chunks(writer, tmp_path / "small.toml")):
            rows = writer.missing(chunk)
            if len(rows):
                writer.store(chunk, rows, solve(chunk.batch.take(rows)))
            if i % 3 == 0:
                before = (tmp_path / "a.db").read_bytes(), (tmp_path / "a.db-wal").read_bytes()
                told = verify(tmp_path / "a.db", sample_size=1)
                assert told.well, told
                assert before == ((tmp_path / "a.db").read_bytes(), (tmp_path / "a.db-wal").read_bytes())
                counts.append(told.runs)
    assert len(counts) > 2 and counts == sorted(set(counts))
