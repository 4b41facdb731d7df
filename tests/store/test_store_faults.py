"""Files that are not ours, not whole, not writable, or in use; row numbers name the fault."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.cases import every_case
from support.store_fakes import plan, solve, sweep_into

from workbench.errors import StorageError, UsageError
from workbench.store import digest, open_results, open_writer, query

OPENERS: dict[str, Callable[[Path], object]] = {
    "write": lambda path: open_writer(path, lock_timeout=0),
    "read": open_results,
    "query": lambda path: query(path, "select 1"),
    "digest": digest,
}
opened = every_case("opener", OPENERS.values(), ids=OPENERS.keys())


@pytest.fixture
def db(tmp_path: Path, finished: bytes) -> Path:
    path = tmp_path / "results.db"
    path.write_bytes(finished)
    return path


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that a process without privileges can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


def contents(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir()) if p.is_file()}


@opened
@every_case(
    "content",
    [b"", b"schema = 1\n", b"\x89PNG\r\n\x1a\n" + bytes(200), b"SQLite format 3\0"],
    ids=["empty", "text", "image", "stub"],
)
def test_d01_a_file_that_is_no_database_is_refused_unchanged(tmp_path: Path, opener, content: bytes) -> None:
    path = tmp_path / "thing.db"
    path.write_bytes(content)
    before = contents(tmp_path)
    with pytest.raises(StorageError, match="not a workbench database"):
        opener(path)
    assert contents(tmp_path) == before


@opened
def test_d01_a_directory_is_refused(tmp_path: Path, opener) -> None:
    with pytest.raises(StorageError, match="is a directory"):
        opener(tmp_path)


@pytest.mark.parametrize("opener", [v for k, v in OPENERS.items() if k != "write"])
def test_d01_a_missing_file_is_not_made_by_reading(tmp_path: Path, opener) -> None:
    with pytest.raises(StorageError, match="no such file"):
        opener(tmp_path / "none.db")
    assert contents(tmp_path) == {}


@opened
def test_d02_a_database_of_another_application_is_refused_unchanged(tmp_path: Path, opener) -> None:
    path = tmp_path / "other.db"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA application_id = 7; CREATE TABLE t (x); INSERT INTO t VALUES (1)")
    connection.close()
    before = contents(tmp_path)
    with pytest.raises(StorageError, match="belongs to another application"):
        opener(path)
    assert contents(tmp_path) == before


@opened
def test_d03_a_file_cut_short_is_refused_unchanged(db: Path, opener) -> None:
    db.write_bytes(db.read_bytes()[:-5000])
    before = contents(db.parent)
    with pytest.raises(StorageError, match="damaged"):
        opener(db)
    assert contents(db.parent) == before


def test_d03_a_damaged_page_is_an_error_and_never_a_partial_result(db: Path) -> None:
    with sqlite3.connect(db) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'outcome'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    content = bytearray(db.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    db.write_bytes(content)
    with pytest.raises(StorageError, match="damaged"):
        open_results(db).outcomes()
    with pytest.raises(StorageError, match="damaged"):
        digest(db)


@opened
def test_d06_a_newer_schema_is_refused_naming_both_versions(db: Path, opener) -> None:
    connection = sqlite3.connect(db)
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    before = contents(db.parent)
    with pytest.raises(StorageError, match=r"version 9, and this workbench reads up to 2"):
        opener(db)
    assert contents(db.parent) == before


def test_c02_a_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"folder .* does not exist"):
        open_writer(tmp_path / "none" / "results.db")
    assert contents(tmp_path) == {}


AS_NOBODY = """
import os, sys
sys.path[:0] = {path!r}
from pathlib import Path
from workbench.errors import StorageError
from workbench.store import open_results, open_writer
# Whoever may read nothing of this project must have loaded all of it before.
import pandas, sqlalchemy.dialects.sqlite.pysqlite
db = Path({db!r})
open_results(db).outcomes()
os.setuid(65534)
print(len(open_results(db).outcomes()))
try:
    open_writer(db, lock_timeout=0)
except StorageError as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs a user to whom a folder is closed")
def test_i06_a_read_only_folder_can_be_read_and_refuses_writing(open_folder: Path) -> None:
    db = open_folder / "results.db"
    with open_writer(db) as writer:
        sweep_into(writer, plan())
    db.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
    open_folder.chmod(0o555)
    before = contents(open_folder)
    script = AS_NOBODY.format(path=sys.path, db=str(db))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd="/")
    lines = done.stdout.splitlines()
    assert lines[0] == "24", done.stderr
    assert "cannot be written" in lines[1]
    assert contents(open_folder) == before


def test_i06_a_finished_file_is_one_file(db: Path) -> None:
    assert list(contents(db.parent)) == ["results.db"]
    assert query(db, "PRAGMA journal_mode").iloc[0, 0] == "delete"


HOLD = """
import sys, time
sys.path[:0] = {path!r}
from workbench.store import open_writer
with open_writer({db!r}) as writer:
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(db: Path) -> Iterator[subprocess.Popen[str]]:
    script = HOLD.format(path=sys.path, db=str(db))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_i07_a_second_writer_is_told_who_writes_and_since_when(db: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(StorageError, match=rf"process {holder.pid}, started \d{{4}}-\d\d-\d\dT.*Z"):
        open_writer(db, lock_timeout=0.2)
    assert len(open_results(db).outcomes()) == 24


def test_i07_the_lease_of_a_dead_writer_is_taken_over(db: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    assert (db.parent / "results.db.lock").exists()
    with open_writer(db, lock_timeout=0) as writer:
        sweep_into(writer, plan())
    assert list(contents(db.parent)) == ["results.db"]


def test_i07_a_waiting_writer_goes_on_when_the_first_one_ends(db: Path, holder: subprocess.Popen[str]) -> None:
    ending = threading.Timer(0.3, holder.kill)
    ending.start()
    with open_writer(db, lock_timeout=30) as writer:
        assert holder.wait(timeout=5) != 0
        sweep_into(writer, plan(subjects=1))
    ending.join()


def test_i07_a_second_writer_in_the_same_process_waits_too(db: Path) -> None:
    with open_writer(db), pytest.raises(StorageError, match=f"process {os.getpid()}"):
        open_writer(db, lock_timeout=0)
    open_writer(db, lock_timeout=0).close()


def test_p11_reading_leaves_every_byte_as_it_was(db: Path) -> None:
    before = contents(db.parent)
    results = open_results(db)
    with results:
        results.outcomes_wide()
    digest(db)
    for sql in ("delete from outcome", "insert into columns values ('a', 'b', 'c', 'd', 'e')", "drop table run"):
        with pytest.raises(UsageError, match=r"reading only|readonly"):
            query(db, sql)
    assert contents(db.parent) == before


@pytest.mark.parametrize(
    "sql",
    [
        "attach 'other.db' as other",
        "attach 'file:other.db?mode=rwc' as other",
        "select 1; select 2",
        "selec",
        "vacuum into 'x.db'",
    ],
)
def test_p11_sql_reaches_no_other_file(db: Path, monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    monkeypatch.chdir(db.parent)
    with pytest.raises(UsageError):
        query(db, sql)
    assert list(contents(db.parent)) == ["results.db"]


def test_p05_storing_again_changes_no_row(db: Path) -> None:
    before = query(db, "select * from outcome").to_dict(), digest(db)
    asked = plan()
    with open_writer(db) as writer:
        writer.begin(asked)
        for chunk in asked.chunks(5):
            writer.store(chunk, writer.missing(chunk), solve(chunk, writer.missing(chunk)))
            writer.store(chunk, range(len(chunk.batch)), solve(chunk))
    assert (query(db, "select * from outcome").to_dict(), digest(db)) == before
