"""What a path may lead to, and listeners that leave: nobody's file is overwritten, nothing waits, results survive."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sqlite3
import subprocess
from pathlib import Path

import pytest
from support.commands import ROOT, SMALL, command, environment, stored_runs, workbench

from workbench.errors import StorageError
from workbench.files import read_regular, write_whole

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links, pipes and descriptors as POSIX has them")
ROWS = ("--study", "strength", "--workers", "1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(SMALL, encoding="utf-8")
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    """Return what each regular file of a folder holds; links and pipes are not followed."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command under a shell's redirections; W stands for it."""
    words = line.replace("W ", f"{shlex.join(command())} ", 1)
    return subprocess.run(
        ["bash", "-c", words], cwd=folder, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )


def lay_a_link(path: Path) -> None:
    (path.parent / "victim.txt").write_text("someone's work\n")
    path.symlink_to("victim.txt")


def lay_a_second_name(path: Path) -> None:
    (path.parent / "victim.txt").write_text("")
    path.hardlink_to(path.parent / "victim.txt")


def lay_a_text(path: Path) -> None:
    path.write_text("someone's work\n")


@pytest.mark.parametrize("lay", [lay_a_link, lay_a_second_name, lay_a_text, os.mkfifo, Path.mkdir])
def test_a_lock_file_that_is_not_ours_is_left_as_it_is(folder: Path, lay) -> None:
    lay(folder / "a.db.lock")
    before = contents(folder)
    done = workbench("sweep", "small.toml", "--db", "a.db", *ROWS, cwd=folder)
    assert (done.returncode, contents(folder)) == (3, before)
    assert done.stderr.startswith(
        "error: a.db: a.db.lock beside it is not a lock file of a workbench; it was left unchanged"
    )


def test_a_lock_file_that_a_killed_writer_left_is_taken_over(folder: Path) -> None:
    (folder / "a.db.lock").write_text("process 4194304, started 2026-01-01T00:00:00Z")
    assert workbench("sweep", "small.toml", "--db", "a.db", *ROWS, cwd=folder).returncode == 0


def test_a_database_behind_a_link_is_the_same_file_with_the_same_lock(folder: Path) -> None:
    (folder / "link.db").symlink_to("real.db")
    assert workbench("sweep", "small.toml", "--db", "link.db", *ROWS, cwd=folder).returncode == 0
    assert (folder / "link.db").is_symlink() and stored_runs(folder / "real.db") == 18
    (folder / "real.db.lock").write_text("not ours")
    assert workbench("sweep", "small.toml", "--db", "link.db", *ROWS, cwd=folder).returncode == 3


def test_drafts_of_killed_processes_are_swept_away_and_others_are_not(folder: Path) -> None:
    for name in ("a.db.4194304.new", "a.db.4194304.new-journal", "b.db.17.new", "a.db.mine.new"):
        (folder / name).write_text("draft")
    assert workbench("sweep", "small.toml", "--db", "a.db", *ROWS, cwd=folder).returncode == 0
    assert {p.name for p in folder.iterdir()} == {"small.toml", "a.db", "b.db.17.new", "a.db.mine.new"}


@pytest.mark.parametrize(
    "words", [("check", "X"), ("runs", "X"), ("sweep", "small.toml", "--db", "X"), ("query", "X", "select 1")]
)
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_file_is_refused_at_once(folder: Path, words: tuple[str, ...], kind: str) -> None:
    path = folder / "odd.toml"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    done = workbench(*(path if word == "X" else word for word in words), cwd=folder)
    assert done.returncode == (2 if words[0] == "check" else 3)
    assert f"it is a {kind}, not a file" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("target", ["/dev/null", "pipe", "folder"])
def test_a_page_never_replaces_what_is_no_file(folder: Path, target: str) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    done = workbench("sweep", "small.toml", "--db", "a.db", "--report", target, *ROWS, cwd=folder)
    assert done.returncode == 3 and "nothing was computed; name a file" in done.stderr
    assert not (folder / "a.db").exists() and Path("/dev/null").is_char_device()


def test_a_result_that_is_written_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "page.html").symlink_to("kept.html")
    write_whole(tmp_path / "page.html", "new")
    assert (tmp_path / "page.html").is_symlink() and (tmp_path / "kept.html").read_text() == "new"
    with pytest.raises(StorageError, match="is a directory"):
        write_whole(tmp_path, "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kept.html", "page.html"]


def test_never_more_is_read_than_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"x" * 11)
    assert len(read_regular(tmp_path / "long", 11)) == 11
    with pytest.raises(OSError, match="larger than 10 bytes"):
        read_regular(tmp_path / "long", 10)


@pytest.mark.parametrize("left", ["2>&1 | true", ">&- 2>&- 0<&-", "2>/dev/full"])
def test_a_listener_who_leaves_costs_words_and_no_results(folder: Path, left: str) -> None:
    shell(f"W sweep small.toml --db a.db --study strength --workers 1 {left}", folder)
    assert stored_runs(folder / "a.db") == 18
    with sqlite3.connect(folder / "a.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    ("words", "left", "code"),
    [
        ("check small.toml --json", ">&-", 3),
        ("describe hebb --json", ">/dev/full", 3),
        ("--version", ">&-", 3),
        ("describe hebb", "| true", 0),
    ],
)
def test_a_result_that_cannot_be_written_is_one_line(folder: Path, words: str, left: str, code: int) -> None:
    done = shell(f"set -o pipefail; W {words} {left}", folder)
    assert done.returncode == code
    assert done.stderr.count("\n") == (code == 3) and "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a database that one sweep of the small scenario left."""
    folder = tmp_path_factory.mktemp("swept")
    (folder / "small.toml").write_text(SMALL, encoding="utf-8")
    assert workbench("sweep", "small.toml", "--db", "a.db", *ROWS, cwd=folder).returncode == 0
    return (folder / "a.db").read_bytes()


PLANTED = {
    "trigger": "CREATE TRIGGER extra AFTER INSERT ON outcome BEGIN DELETE FROM outcome; END",
    "view": "CREATE VIEW extra AS SELECT 1 AS one",
    "table": "CREATE TABLE extra (one INTEGER) STRICT",
    "index": "CREATE INDEX extra ON outcome (value)",
    "column": "ALTER TABLE outcome ADD COLUMN extra REAL",
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_database_that_holds_more_than_ours_is_refused_before_anything_is_written(
    folder: Path, swept: bytes, what: str
) -> None:
    (folder / "a.db").write_bytes(swept)
    with sqlite3.connect(folder / "a.db") as connection:
        connection.execute(PLANTED[what])
    connection.close()
    before = contents(folder)
    done = workbench("sweep", "small.toml", "--db", "a.db", "--subjects", "9", *ROWS, cwd=folder)
    named = {"column": "the table 'outcome'"}.get(what, f"the {what} 'extra'")
    assert done.returncode == 3 and named in done.stderr and "nothing was changed" in done.stderr
    assert contents(folder) == before


def test_a_view_in_the_place_of_a_table_is_refused(folder: Path, swept: bytes) -> None:
    (folder / "a.db").write_bytes(swept)
    with sqlite3.connect(folder / "a.db") as connection:
        connection.execute("DROP VIEW failures")
        connection.execute("DROP TABLE failure")
        connection.execute("CREATE VIEW failure AS SELECT 1 AS run")
    connection.close()
    done = workbench("sweep", "small.toml", "--db", "a.db", "--subjects", "9", *ROWS, cwd=folder)
    assert done.returncode == 3 and "the view 'failure'" in done.stderr


def test_json_stays_json_on_a_terminal_without_accents(folder: Path) -> None:
    (folder / "small.toml").write_text(SMALL.replace("Small and quick", "Träge 5 µm"), encoding="utf-8")
    line = "PYTHONUTF8=0 PYTHONIOENCODING=ascii:backslashreplace W check small.toml --json"
    title = json.loads(shell(line, folder).stdout)["scenarios"][0]["title"]
    assert title == "Träge 5 µm"


def test_an_interruption_while_the_command_is_still_loading_is_silent(folder: Path) -> None:
    """A module of the command line that interrupts itself while it is imported: no moment has to be hit."""
    (folder / "typer.py").write_text("raise KeyboardInterrupt\n")
    done = subprocess.run(
        command("--version"), cwd=folder, env=environment(PYTHONPATH=f"{folder}{os.pathsep}{ROOT}"), capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
