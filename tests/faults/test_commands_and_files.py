"""Misused commands, outputs in the way and files that are not ours: of each kind one as a process meets it."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import (
    DIVERGING,
    LONG,
    SMALL,
    answer,
    children,
    gone,
    process,
    started,
    stored_runs,
    wait_for_runs,
    workbench,
)
from support.surroundings import contents, in_terminal

from workbench.store.result_digest import digest

STRANGERS = {
    "empty.db": b"",
    "text.db": b"schema = 1\n",
    "image.db": b"\x89PNG\r\n\x1a\n" + bytes(200),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scenario, its finished database, and files that are none."""
    place = tmp_path_factory.mktemp("files")
    (place / "small.toml").write_text(SMALL)
    (place / "sub").mkdir()
    (place / "page.html").write_text("mine")
    assert workbench("sweep", "small.toml", "--db", "good.db", "--workers", "0", cwd=place).returncode == 0
    for name, content in STRANGERS.items():
        (place / name).write_bytes(content)
    foreign = sqlite3.connect(place / "foreign.db")
    foreign.executescript("PRAGMA application_id = 7; CREATE TABLE t (x); INSERT INTO t VALUES (1)")
    foreign.close()
    (place / "newer.db").write_bytes((place / "good.db").read_bytes())
    newer = sqlite3.connect(place / "newer.db")
    newer.execute("PRAGMA user_version = 9")
    newer.close()
    return place


def refused(folder: Path, code: int, *line: str, alone: bool = False) -> str:
    """Run a command that must fail in one line and leave every file as it is; return what it says.

    `alone` in a process of its own.
    """
    before = contents(folder)
    done = process(*line, cwd=folder) if alone else workbench(*line, cwd=folder)
    assert done.returncode == code, (line, done.stderr)
    assert contents(folder) == before
    if "--json" in line:
        found = answer(done)
        assert (found["ok"], found["exit"], len(found["errors"]), done.stderr) == (False, code, 1, "")
        return str(found["errors"][0]["message"])
    first, *hints = done.stderr.splitlines()
    assert done.stdout == "" and first.startswith("error: ") and all(h.startswith("hint: ") for h in hints)
    return done.stderr


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("bogus", "No such command 'bogus'"),
        ("sweep small.toml --bogus 1", "No such option"),
        ("sweep small.toml --workers -1", "--workers"),
        ("sweep small.toml --set plasticity.input_output.rat=1", "has no field 'rat'"),
        ("sweep small.toml --arm slwo", "did you mean"),
    ],
)
def test_C01_a_misused_command_exits_2_with_a_hint_and_no_file(folder: Path, line: str, words: str) -> None:
    assert words in refused(folder, 2, *line.split(), alone=line == "bogus")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("report good.db --output page.html", "exists"),
        ("report good.db --output sub", "directory"),
        ("sweep small.toml --db nowhere/a.db", "nowhere"),
        ("sweep small.toml --db new.db --report sub", "directory"),
    ],
)
def test_C02_an_output_in_the_way_exits_3_and_stays_as_it_is(folder: Path, line: str, words: str) -> None:
    assert words in refused(folder, 3, *line.split(), alone=line.endswith("page.html"))


def test_C03_without_a_terminal_or_with_NO_COLOR_or_a_dumb_one_there_is_no_colour_and_no_bar(folder: Path) -> None:
    again = ("sweep", "small.toml", "--db", "good.db", "--workers", "0")
    piped = process(*again, cwd=folder, FORCE_COLOR="1")
    plain = in_terminal(folder, *again, TERM="xterm", NO_COLOR="1")
    dumb = in_terminal(folder, *again, TERM="dumb")
    for seen in (piped.stdout + piped.stderr, plain, dumb):
        assert "30 already stored" in seen and "\x1b" not in seen and "━" not in seen


def test_C04_an_error_as_json_is_one_object_whatever_the_fault(folder: Path) -> None:
    (folder / "broken.toml").write_text(SMALL.replace("size = 4", "sizes = 4"))
    for code, line in (
        (2, "bogus"),
        (2, "sweep small.toml --workers -1"),
        (2, "check broken.toml"),
        (3, "runs nowhere.db"),
    ):
        refused(folder, code, *line.split(), "--json", alone=line == "bogus")
    (folder / "broken.toml").unlink()


@pytest.mark.parametrize("name", ["empty.db", "text.db", "image.db", "sub", "nowhere.db"])
def test_D01_what_is_no_database_is_refused_unchanged(folder: Path, name: str) -> None:
    words = {"sub": "is a directory", "nowhere.db": "no such file"}.get(name, "not a workbench database")
    assert words in refused(folder, 3, "runs", name)
    if name == "text.db":
        assert words in refused(folder, 3, "sweep", "small.toml", "--db", name)


def test_D02_a_database_of_another_application_is_refused_unchanged(folder: Path) -> None:
    for line in ("sweep small.toml --db foreign.db", "report foreign.db --output new.html"):
        assert "belongs to another application" in refused(folder, 3, *line.split())


def test_D06_a_database_of_a_newer_version_names_both(folder: Path) -> None:
    told = refused(folder, 3, "sweep", "small.toml", "--db", "newer.db")
    assert "version 9, and this workbench reads up to 2" in told


def test_I11_diverging_runs_are_counted_listed_and_named_by_every_command(tmp_path: Path) -> None:
    (tmp_path / "wild.toml").write_text(DIVERGING)
    done = process("sweep", "wild.toml", "--db", "a.db", "--workers", "1", "--report", "a.html", cwd=tmp_path)
    assert done.returncode == 4
    assert "12 runs = 6 stored + 6 failed + 0 reused + 0 missing" in done.stdout
    assert 'workbench query a.db "select * from failures"' in done.stderr
    listed = answer(workbench("query", "a.db", "select * from failures", "--json", cwd=tmp_path))["rows"]
    assert len(listed) == 6 and {row["arm"] for row in listed} == {"wild"} and all(row["reason"] for row in listed)
    assert "no subject finished both arms" in workbench("compare", "a.db", cwd=tmp_path).stdout
    assert "6 failed" in (tmp_path / "a.html").read_text()


linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """A sweep that takes many times longer than a second command needs to start."""
    file, lengths = tmp_path / "long.toml", [3000 + 100 * i for i in range(16)]
    assert str(lengths) in LONG
    file.write_text(LONG.replace(str(lengths), str([6 * length for length in lengths])))
    (tmp_path / "small.toml").write_text(SMALL)
    return file


def running(scenario: Path) -> tuple[subprocess.Popen[str], Path]:
    """Start a sweep of many blocks; return it once something is stored."""
    sweep = started("sweep", "long.toml", "--db", "a.db", "--workers", "2", cwd=scenario.parent)
    wait_for_runs(scenario.with_name("a.db"), sweep)
    return sweep, scenario.with_name("a.db")


@linux
def test_I07_a_second_writer_is_told_who_writes_and_a_dead_one_is_replaced(scenario: Path) -> None:
    sweep, db = running(scenario)
    second = ("sweep", "small.toml", "--db", "a.db", "--workers", "0")
    told = process(*second, "--lock-timeout", "0.1", cwd=scenario.parent)
    assert told.returncode == 3
    assert f"process {sweep.pid}, started 2" in told.stderr and len(told.stderr.splitlines()) == 1
    workers = children(sweep)
    sweep.send_signal(signal.SIGKILL)
    sweep.communicate()
    assert gone(workers)
    before = stored_runs(db)
    done = process(*second, "--lock-timeout", "0.1", cwd=scenario.parent)
    assert done.returncode == 0, done.stderr
    assert stored_runs(db) == before + 24 and len(digest(db)) == 64
