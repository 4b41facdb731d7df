"""Merging: however the runs of a sweep were cut into files, in whatever order these come, the result is the same.

`WORKBENCH_MERGES` says how many cuts are tried.
"""

from __future__ import annotations

import gzip
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.store_fakes import (
    BALANCE,
    REPEATS,
    TONE,
    FakePlan,
    FakeStudy,
    plan,
    recordings,
    solve,
    store_everything,
    sweep_into,
)

import workbench.store.connection as database
from workbench import merge
from workbench.errors import MigrationNote, StorageError, UsageError
from workbench.store import digest, open_writer, query
from workbench.store.audit import entries
from workbench.store.integrity import file_checks, snapshot
from workbench.store.merge_rows import MergeConflicts
from workbench.store.merging import SourceFaults
from workbench.store.refit_log import CandidateLog, Sought
from workbench.store.session import WriterLock

OLD = gzip.decompress((Path(__file__).parent / "published" / "version-1.db.gz").read_bytes())
ARMS = {"healthy": None, "ill": "healthy", "treated": "ill", "other": None}


def faults(db: Path) -> list[str]:
    """Return all that verifying a file alone has to say against it."""
    with snapshot(db) as seen:
        return [str(finding) for check in file_checks(seen)[0] for finding in check.findings]


def stored(db: Path, asked: FakePlan, chosen: Callable[[bytes], bool] = lambda _: True, **how: Any) -> Path:
    """Store some of a plan's runs, those whose key is chosen, as a sweep that was cut off."""
    changed = how.pop("changed", lambda result: result)
    with open_writer(db) as writer:
        writer.begin(asked, command=f"sweep into {db.name}")
        for chunk in asked.chunks(how.pop("size", 50)):
            rows = np.array([i for i in writer.missing(chunk) if chosen(chunk.batch.keys[i])], dtype=np.int64)
            if len(rows):
                writer.store(chunk, rows, changed(solve(chunk, rows, **how)))
        writer.finish("stopped")
    return db


def sweeps(rng: random.Random) -> list[FakePlan]:
    """Return two sweeps with runs in common, one of them with two studies, a failing run, and a count that is swept."""
    one = plan(rng.randint(2, 4), (0.5, 1.0), ARMS, alike={"other": "healthy"})
    counted = FakeStudy("counts", ("healthy", "ill"), ({REPEATS: 1}, {REPEATS: 2}), 3)
    both = replace(one, studies=(*one.studies, counted))
    return [both, one.with_recordings(recordings(("overflow",), ()))]


@pytest.mark.parametrize("seed", range(int(os.environ.get("WORKBENCH_MERGES", "1"))))
def test_D09_shards_merge_to_the_same_digest_in_any_order(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    asked, number = sweeps(rng), rng.randint(2, 4)
    keys = sorted({key for one in asked for chunk in one.chunks(50) for key in chunk.batch.keys})
    failing = frozenset(rng.sample(keys, 2))
    held = {key: set(rng.sample(range(number), rng.randint(1, number))) for key in keys}
    shards = [tmp_path / f"{place}.db" for place in range(number)]
    for place, db in enumerate(shards):
        for one in rng.sample(asked, 2):
            stored(db, one, lambda key, place=place: place in held[key], size=rng.randint(6, 20), failing=failing)
    with open_writer(tmp_path / "whole.db") as writer:
        for one in asked:
            sweep_into(writer, one, failing=failing)
    before = [db.read_bytes() for db in shards]
    rng.shuffle(shards)
    merge(shards, tmp_path / "at_once.db")
    rng.shuffle(shards)
    for db in shards:
        done = merge([db], tmp_path / "in_turn.db")
    assert digest(tmp_path / "at_once.db") == digest(tmp_path / "in_turn.db") == digest(tmp_path / "whole.db")
    assert faults(tmp_path / "at_once.db") == faults(tmp_path / "in_turn.db") == []
    assert done.after["run"] == len(keys)
    again = merge(shards, tmp_path / "in_turn.db")
    assert again.before == again.after, "a second time there is nothing new"
    assert sorted(before) == sorted(db.read_bytes() for db in shards)
    commands = set(query(tmp_path / "at_once.db", "SELECT command FROM invocation")["command"])
    assert commands == {f"sweep into {db.name}" for db in shards}
    with open_writer(tmp_path / "at_once.db") as writer:  # and the sweep goes on, with nothing left to compute
        for one in asked:
            sweep_into(writer, one)
            assert writer.tally.computed == 0


def test_D09_different_scenarios_and_versions_stand_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "old.db").write_bytes(OLD)
    store_everything(tmp_path / "new.db")
    done = merge([tmp_path / "old.db", tmp_path / "new.db"], tmp_path / "one.db", command="workbench merge")
    merge([tmp_path / "new.db", tmp_path / "old.db"], tmp_path / "two.db")
    assert (tmp_path / "old.db").read_bytes() == OLD
    assert digest(tmp_path / "one.db") == digest(tmp_path / "two.db")
    assert faults(tmp_path / "one.db") == []
    counts = {t: [_count(tmp_path / db, t) for db in ("old.db", "new.db", "one.db")] for t in ("sweep", "invocation")}
    assert all(old + new == both for old, new, both in counts.values())
    with closing(sqlite3.connect(tmp_path / "one.db")) as driver:
        assert driver.execute("SELECT count(*) FROM invocation WHERE status = 'running'").fetchone() == (0,)
        facts = [entry.facts for entry in entries(driver) if entry.facts["kind"] == "merged"]
    assert [[s["file"] for s in fact["sources"]] for fact in facts] == [["old.db"], ["new.db"]]
    assert [bool(fact["sources"][0]["audit"]) for fact in facts] == [False, True]
    assert done.into == tmp_path / "one.db" and sorted(p.name for p in tmp_path.iterdir()) == [
        "new.db", "old.db", "one.db", "two.db",
    ]  # fmt: skip
    with pytest.warns(MigrationNote):
        merge([tmp_path / "new.db"], tmp_path / "old.db")
    assert digest(tmp_path / "old.db") == digest(tmp_path / "one.db")


def _count(db: Path, table: str) -> int:
    with closing(sqlite3.connect(db)) as driver:
        return int(driver.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def moved(result: Any) -> Any:
    """Return a result whose first run has an outcome in the next double."""
    values = result.outcomes["overflow"].copy()
    values[0] = np.nextafter(values[0], 2.0)
    return replace(result, outcomes={**result.outcomes, "overflow": values})


def bent(result: Any) -> Any:
    """Return a result whose first run has another course."""
    (name,) = result.courses
    values = result.courses[name].copy()
    values[-1, 0] = -0.0
    return replace(result, courses={name: values})


ALL = plan()
ONE = ALL.key("ill", {BALANCE: 1.0, TONE: 1.0}, 1)
UNLIKE: dict[str, tuple[dict[str, Any], str]] = {
    "outcome": ({"changed": moved}, "value"),
    "course": ({"changed": bent}, "points"),
    "steps": ({"changed": lambda result: replace(result, steps=101)}, "steps"),
    "ending": ({"failing": frozenset([ONE])}, "status"),
}


@pytest.mark.parametrize("kind", UNLIKE)
def test_D09_the_same_run_with_other_bits_is_told_and_nothing_is_changed(tmp_path: Path, kind: str) -> None:
    how, column = UNLIKE[kind]
    fine, same = stored(tmp_path / "fine.db", ALL, lambda key: key != ONE), stored(tmp_path / "same.db", ALL)
    unlike = stored(tmp_path / "unlike.db", ALL, lambda key: key == ONE, **how)
    for sources, into in (
        ([fine, same, unlike], "new.db"),
        ([fine, unlike], "same.db"),
        ([unlike, fine, same], "new.db"),
    ):
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        with pytest.raises(MergeConflicts) as told:
            merge(sources, tmp_path / into)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
        (conflict,) = (c for c in told.value.conflicts if c.column == column)
        assert {Path(conflict.file).name, Path(conflict.other_file).name} == {"unlike.db", "same.db"}
        assert (conflict.run, conflict.study, conflict.arm) == (ONE.hex(), "map", "ill")
        assert (conflict.point, conflict.subject) == (1, 1)
        assert conflict.outcome == {"outcome": "overflow", "course": "overflow_course"}.get(kind)
        assert conflict.value != conflict.other_value
        assert all(part in str(conflict) for part in (conflict.file, conflict.other_file, ONE.hex(), "subject 1"))


def test_D09_a_place_that_another_run_fills_is_a_conflict(tmp_path: Path) -> None:
    one, two = stored(tmp_path / "one.db", ALL), stored(tmp_path / "two.db", replace(ALL, alike={"ill": "healthy"}))
    with pytest.raises(MergeConflicts) as told:
        merge([one, two], tmp_path / "new.db")
    assert told.value.found == len(told.value.conflicts) == 6
    assert {(c.table, c.arm) for c in told.value.conflicts} == {("sweep_run", "ill")}
    many = plan(subjects=40)
    one, two = (
        stored(tmp_path / "a.db", many, size=200),
        stored(tmp_path / "b.db", replace(many, alike={"ill": "healthy"}), size=200),
    )
    with pytest.raises(MergeConflicts) as told:
        merge([one, two], tmp_path / "new.db")
    assert (told.value.found, len(told.value.conflicts)) == (80, 50)


SOUGHT = Sought(
    ALL.scenario, (("rate", "1", 0.5, 0.1, 2.0),), (("effect", "ill", 1, "1", 0.4, 0.1, 0.2, None),),
    "00" * 32, ("circuit",), 3, 20,
)  # fmt: skip


def refit(db: Path, rates: Iterable[float], budget: int, answer: float = 0.25) -> Path:
    with CandidateLog(db, SOUGHT, budget, f"refit {budget}", 1.0) as log:
        for step, rate in enumerate(rates):
            log.store("generation", step, step, np.array([[rate]]), np.array([[answer * rate]]), [rate])
        log.finish("finished")
    return db


def test_D09_refits_of_one_identity_become_one(tmp_path: Path) -> None:
    one, two = refit(tmp_path / "one.db", [0.5, 0.6], 10), refit(tmp_path / "two.db", [0.5, 0.6, 0.7], 10)
    more, other = refit(tmp_path / "more.db", [0.9], 20), refit(tmp_path / "other.db", [0.6], 20, 0.26)
    merge([one, two, more], tmp_path / "new.db")
    assert faults(tmp_path / "new.db") == []
    with closing(sqlite3.connect(tmp_path / "new.db")) as driver:
        assert driver.execute("SELECT budget, status, command FROM calibration").fetchall() == [
            (20, "finished", "refit 20")
        ]
        asked = "SELECT c.ordinal, p.number FROM candidate AS c JOIN candidate_parameter AS p ON p.candidate = c.id"
        assert driver.execute(asked).fetchall() == [(0, 0.5), (1, 0.6), (2, 0.7), (3, 0.9)]
    with pytest.raises(MergeConflicts, match=r"other\.db: candidate 0\.6 of search 'generation'.* in .*two\.db"):
        merge([more, two, other], tmp_path / "another.db")
    assert not (tmp_path / "another.db").exists()


def test_D09_bad_sources_are_all_named_and_nothing_is_made(tmp_path: Path) -> None:
    good = stored(tmp_path / "good.db", ALL)
    bad = {name: tmp_path / f"{name}.db" for name in ("text", "foreign", "newer", "cut", "edited", "held", "none")}
    for name in ("cut", "edited", "held", "newer"):
        shutil.copyfile(good, bad[name])
    bad["text"].write_text("schema = 1")
    bad["cut"].write_bytes(good.read_bytes()[:-4096])
    for name, sql in (
        ("foreign", "CREATE TABLE mine (id)"),
        ("newer", f"PRAGMA user_version = {database.SCHEMA_VERSION + 1}"),
        ("edited", "UPDATE outcome SET value = value + 1e-9 WHERE run = 3"),
    ):
        with closing(sqlite3.connect(bad[name], isolation_level=None)) as driver:
            driver.execute(sql)
    lease = WriterLock(bad["held"], 0.0)
    before = sorted(path.name for path in tmp_path.iterdir())
    try:
        with pytest.raises(SourceFaults) as told:
            merge([good, *bad.values()], tmp_path / "new.db", lock_timeout=0.0)
        assert sorted(path.name for path in tmp_path.iterdir()) == before
    finally:
        lease.release()
    assert told.value.exit_code == 3
    assert [problem.message.partition(":")[0] for problem in told.value.problems] == [
        str(path) for path in bad.values()
    ]
    merge([good, bad["held"]], tmp_path / "new.db")
    assert digest(tmp_path / "new.db") == digest(good)
    for into in ("text", "foreign", "newer", "cut"):
        before_bytes = bad[into].read_bytes()
        with pytest.raises(StorageError):
            merge([good], bad[into])
        assert bad[into].read_bytes() == before_bytes
    for sources, into in (([good, good], "x.db"), ([good], "good.db")):
        with pytest.raises(UsageError):
            merge(sources, tmp_path / into)


def test_D09_a_source_that_is_written_to_meanwhile_leaves_the_target_as_it_was(tmp_path: Path) -> None:
    one, two = stored(tmp_path / "one.db", ALL, lambda key: key != ONE), stored(tmp_path / "two.db", ALL)

    def disturb(line: str) -> None:
        if line.startswith("merging") and not (tmp_path / "done").exists():
            (tmp_path / "done").touch()
            stored(one, ALL)

    with pytest.raises(StorageError, match=r"one\.db: was changed while it was being merged"):
        merge([one, two], tmp_path / "new.db", tell=disturb)
    assert not list(tmp_path.glob("new.db*"))
