"""Databases of every published version: read as they are, brought up to date whole or not at all when written to.

``published/version-N.db.gz`` was written by the release whose newest version N was: a refit, a sweep of its scenario, a
sweep with courses, runs that failed and a swept count, and a sweep whose command was killed before it wrote its end.
"""

from __future__ import annotations

import gzip
import os
import re
import signal
import sqlite3
import sys
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.commands import workbench

import workbench.store.connection as database
import workbench.store.session as hold
from workbench.errors import MigrationNote, StorageError
from workbench.store import digest, open_results
from workbench.store.audit import chain_faults, content_of, driver_of, entries, uncovered
from workbench.store.migrations import STEPS
from workbench.store.session import WriteSession

PUBLISHED = Path(__file__).parent / "published"
DIGESTS = {1: "56f32e448e13a3a5b92131312d784897775563f3e98e5ef84d6fc360697f47cf"}
"""What the release itself printed for its file."""
READING = {
    "runs": ["runs", "old.db", "--json"],
    "query": ["query", "old.db", "select * from outcomes_wide order by run, arm", "--json"],
    "compare": ["compare", "old.db", "--sweep", "3", "--all", "--json"],
    "compare for people": ["compare", "old.db", "--sweep", "3"],
    "digest": ["digest", "old.db"],
    "replay": ["replay", "old.db", "--run", "7", "--json"],
    "findings": ["findings", "old.db", "--json"],
    "report": ["report", "old.db", "--sweep", "3", "--output", "page.html", "--json"],
}

EVERY = 1 if os.environ.get("WORKBENCH_EVERY_STEP") else 6
"""Every how many steps a migration is killed; WORKBENCH_EVERY_STEP asks for each one."""

can_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@pytest.fixture(params=sorted(DIGESTS))
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A database of a published version, alone in its folder."""
    folder: Path = tmp_path / "old"
    folder.mkdir()
    packed = PUBLISHED / f"version-{request.param}.db.gz"
    (folder / "old.db").write_bytes(gzip.decompress(packed.read_bytes()))
    return folder / "old.db"


def version(db: Path) -> int:
    with closing(sqlite3.connect(db)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrated(db: Path) -> WriteSession:
    with pytest.warns(MigrationNote, match="the old file is kept as"):
        return WriteSession(db, 0.0, "a command")


def test_D05_a_database_of_every_published_version_lies_here() -> None:
    assert sorted(DIGESTS) == list(range(1, database.SCHEMA_VERSION))
    assert [step.version for step in STEPS] == list(range(2, database.SCHEMA_VERSION + 1))


def test_D05_an_older_version_is_read_as_it_is_and_says_the_same_as_when_migrated(old: Path) -> None:
    before, answers = old.read_bytes(), {}
    assert digest(old) == DIGESTS[version(old)]
    for name, words in READING.items():
        answers[name] = workbench(*words, cwd=old.parent)
        assert answers[name].returncode == 0, answers[name].stderr
        (old.parent / "page.html").unlink(missing_ok=True)
    assert [path.name for path in old.parent.iterdir()] == ["old.db"]
    assert old.read_bytes() == before
    migrated(old).close()
    for name, words in READING.items():
        assert workbench(*words, cwd=old.parent) == answers[name], name


def test_D05_the_old_file_is_kept_whole_and_the_new_one_is_as_if_made_today(old: Path, tmp_path: Path) -> None:
    was = version(old)
    with migrated(old) as held:
        assert held.was == was and held.kept == old.with_name(f"old.version-{was}.db")
    assert version(held.kept) == was and digest(held.kept) == digest(old) == DIGESTS[was]
    assert version(old) == database.SCHEMA_VERSION
    WriteSession(tmp_path / "new.db", 0.0).close()
    assert schema(old) == schema(tmp_path / "new.db")
    with closing(sqlite3.connect(old)) as driver:
        first, killed = list(entries(driver))
        assert (first.facts["kind"], first.facts["from"], first.command) == ("migrated", was, "a command")
        assert first.facts["counts"]["run"] == 38 and first.content == content_of(driver, first)
        assert killed.facts["status"] == "killed"
        assert [*chain_faults(driver)] == [] and uncovered(driver) == {}
    assert [str(s) for s in open_results(old).invocations()["status"]] == ["finished", "finished", "killed"]


def schema(db: Path) -> dict[tuple[str, str], object]:
    """Return everything that decides what a file may hold: columns with types, keys, checks, indexes; views by name."""
    with closing(sqlite3.connect(db)) as driver:
        rows = driver.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
        return {
            (kind, name): (
                database._shape(driver, name),
                {word for word in re.findall(r"[A-Z]+", sql) if word in ("STRICT", "WITHOUT", "ROWID")},
                sql.count("CHECK"),
                sql.count("UNIQUE"),
            )
            if kind == "table"
            else tbl
            for kind, name, tbl, sql in rows
            if not name.startswith("sqlite_stat")
        }


def in_a_child(work: Callable[[], None]) -> int:
    """Do something in a process of its own and return how it ended: 0, or minus the signal."""
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        code = 1
        try:
            warnings.simplefilter("ignore")
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(nth: int, db: Path) -> Callable[[], None]:
    """Open `db` for writing and die at the n-th thing that is asked of the disk or of SQLite."""

    def work() -> None:
        left = nth

        def count(*_: object) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        def traced(connection: object, *rest: object) -> None:
            driver_of(connection).set_trace_callback(count)  # type: ignore[arg-type]
            real(connection, *rest)  # type: ignore[arg-type]

        real = hold.migrate
        hold.migrate = traced  # type: ignore[assignment]
        watched = ("sqlite3.connect", "os.rename", "os.remove", "open")
        sys.addaudithook(lambda event, arguments: count() if event in watched else None)
        WriteSession(db, 0.0).close()

    return work


@can_fork
def test_D05_killed_at_any_step_the_file_is_whole_before_or_after(old: Path) -> None:
    was, whole, seen = version(old), old.read_bytes(), set()
    WriteSession(old.with_name("other.db"), 0.0).close()  # what is imported or kept in memory once, is
    old.with_name("other.db").unlink()
    for nth in range(1, 1000, EVERY):
        ended = in_a_child(killed_at(nth, old))
        seen.add(version(old))
        with closing(sqlite3.connect(old)) as driver:
            assert driver.execute("PRAGMA quick_check").fetchall() == [("ok",)]
            if version(old) != was:
                assert [*chain_faults(driver)] == [] and uncovered(driver) == {}
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        if nth % 10 == 1:
            assert digest(old) == DIGESTS[was]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", MigrationNote)
                WriteSession(old, 0.0).close()
            assert version(old) == database.SCHEMA_VERSION and digest(old) == DIGESTS[was]
            assert {path.name for path in old.parent.iterdir()} == {"old.db", f"old.version-{was}.db"}
        for path in old.parent.iterdir():
            path.unlink()
        old.write_bytes(whole)
    assert 60 < nth < 999
    assert seen == {was, database.SCHEMA_VERSION}


@can_fork
def test_D05_where_the_copy_does_not_fit_nothing_is_changed(old: Path) -> None:
    before = old.read_bytes()

    def work() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        with pytest.raises(StorageError, match=r"old\.db: "):
            WriteSession(old, 0.0)

    assert in_a_child(work) == 0
    assert [path.name for path in old.parent.iterdir()] == ["old.db"]
    assert old.read_bytes() == before


def test_D05_a_copy_never_takes_the_place_of_another_file(old: Path) -> None:
    was = version(old)
    kept = old.with_name(f"old.version-{was}.db")
    kept.write_text("mine")
    with migrated(old) as held:
        assert held.kept == old.with_name(f"old.version-{was}.2.db")
    assert kept.read_text() == "mine"


@pytest.mark.parametrize("planted", ["CREATE TABLE audit (id INTEGER PRIMARY KEY)", "CREATE TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM outcome; END"])  # fmt: skip
def test_D05_a_planted_object_is_refused_before_anything_is_copied_or_changed(old: Path, planted: str) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute(planted)
    before = old.read_bytes()
    with pytest.raises(StorageError, match="does not come from a workbench"):
        WriteSession(old, 0.0)
    assert [path.name for path in old.parent.iterdir()] == ["old.db"]
    assert old.read_bytes() == before


def test_D06_a_newer_version_that_stands_in_the_log_alone_is_refused_too(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA user_version = 77")
        for open_it in (lambda: WriteSession(old, 0.0), lambda: open_results(old).sweeps()):
            with pytest.raises(StorageError, match=rf"version 77, .* up to {database.SCHEMA_VERSION};"):
                open_it()


def test_the_command_says_what_it_did(old: Path) -> None:
    was = version(old)
    first, again = (workbench("migrate", "old.db", cwd=old.parent) for _ in range(2))
    assert first.returncode == again.returncode == 0
    assert f"database version {was} and now has version {database.SCHEMA_VERSION}" in first.stdout
    assert f"old.version-{was}.db" in first.stdout and first.stderr == ""
    assert "nothing to do" in again.stdout
    missing = workbench("migrate", "none.db", cwd=old.parent)
    assert missing.returncode == 3 and not (old.parent / "none.db").exists()


def test_a_command_that_writes_says_on_standard_error_what_it_kept(old: Path) -> None:
    text = open_results(old).scenario_text(2)
    (old.parent / "old.toml").write_bytes(text)
    done = workbench("sweep", "old.toml", "--db", "old.db", "--workers", "1", cwd=old.parent)
    assert done.returncode == 4, "three runs failed, then and now"
    assert "note: old.db: had database version" in done.stderr and "kept as old.version-" in done.stderr
    assert "25 already stored, 0 to compute" in done.stderr
    assert digest(old) == DIGESTS[1]
