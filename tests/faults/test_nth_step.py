"""Faults at the n-th step: a write, a sync, an allocation that fails, a process that is killed between two steps.

Each disturbed command ends with 3 and one line (0 where the fault did no harm), the database is sound, every block of
runs that was acknowledged is there, and the same command finishes with the digest of an undisturbed one. Here n takes
every value while a database is made, every third one in the store's part of a small sweep, and some in the whole
command; `figures.py` takes all.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import workbench
from support.reliability.disturbed import (
    SWEEP,
    TINY,
    Steps,
    Task,
    copied,
    files,
    in_child,
    kill_me,
    laid,
    listing,
    memory,
    storing,
    system,
    task,
    undisturbed,
    without_rights,
)
from support.reliability.sqlite_steps import library
from support.reliability.system_steps import CLOSED, FULL

from workbench.errors import StorageError
from workbench.execution.runner import run_sweep
from workbench.files import write_whole
from workbench.store import open_results, open_writer

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="children are forked, and files are named by /proc"),
    pytest.mark.skipif(
        sys.platform == "linux" and library() is None, reason="SQLite's own functions cannot be reached"
    ),
]
CHANGING = frozenset({"open", "write", "sync", "truncate", "delete", "shared"})
AGAIN = 10
"""After every so many disturbed commands the same one is given again; `figures.py` does so after each."""
BY = int(os.environ.get("WORKBENCH_FAULT_STRIDE", "3"))
"""Every so many steps of storing are disturbed; `figures.py` disturbs all."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Callable[[], None]]:
    """A folder with an empty database, and what stores a sweep of one block in it."""
    folder = laid(tmp_path_factory.mktemp("made") / "start", TINY.replace("[20, 30, 40]", "[20]"))
    open_writer(folder / "a.db").close()
    return folder, storing(folder)


def every(
    asked: Task, folder: Path, arrange: Callable[[int], Steps], codes: tuple[int, ...] = (0, 3), by: int = 1
) -> int:
    """Disturb a command at each step in turn, until it ends undisturbed; return how often that was."""
    for n in range(1, asked.steps + 2 + 100_000 * (by == 1), by):
        here = copied(asked.start, folder)
        ended = in_child(asked.line, here, lambda n=n: arrange(n))
        assert asked.after(here, ended, codes, again=n // by % AGAIN == 0) == [], (n, asked.log[n - 1 : n], ended)
        if 0 < ended.steps < n:
            return n - 1
    return asked.steps


@pytest.mark.slow
def test_I04_every_step_of_storing_a_sweep_may_fail(made: tuple[Path, Callable[[], None]], tmp_path: Path) -> None:
    folder, store = made
    whole = task(store, folder, "a.db", tmp_path, lambda: files(Steps(CHANGING)))
    assert {line.split()[0] for line in whole.log} == CHANGING
    assert every(whole, tmp_path / "try", lambda n: files(Steps(CHANGING, n), half=True), by=BY) == whole.steps > 100


@pytest.mark.slow
def test_I04_every_step_of_making_a_database_may_fail(tmp_path: Path) -> None:
    start = tmp_path / "start"
    start.mkdir()

    def make() -> None:
        open_writer("a.db", lock_timeout=0).close()

    whole = task(make, start, "a.db", tmp_path, lambda: files(Steps(CHANGING)))
    every(whole, tmp_path / "try", lambda n: files(Steps(CHANGING, n, lasting=True), full=True))
    steps = task(make, start, "a.db", tmp_path, lambda: system(Steps()))
    assert {line.split()[0] for line in steps.log} == {"open", "write", "truncate", "rename", "remove", "sync"}
    every(steps, tmp_path / "try", lambda n: system(Steps(turn=n), FULL, half=True))
    every(steps, tmp_path / "try", lambda n: system(Steps(turn=n, lasting=True), CLOSED))


def test_I04_a_mapped_page_without_room_ends_in_one_line(tmp_path: Path) -> None:
    """As where a quota refuses a page of the index of a log: the system knows no other way to say so than SIGBUS."""

    def touch(name: str) -> None:
        with (tmp_path / name).open("wb+") as file:
            file.truncate(8192)
            held = mmap.mmap(file.fileno(), 8192)
            file.truncate(0)
            held[5000] = 1

    ended = in_child(lambda: touch("a.db-shm"), tmp_path, undisturbed)
    assert ended.code == 3 and ended.err.count("\n") == 1
    assert ended.err.startswith(f"error: {tmp_path}/a.db: no room is left for the index of its log")
    assert in_child(lambda: touch("other"), tmp_path, undisturbed).code == -signal.SIGBUS


READERS = (
    ("runs", "a.db"),
    ("query", "a.db", "select * from outcomes"),
    ("digest", "a.db"),
    ("compare", "a.db"),
    ("verify", "a.db"),
    ("why", "a.db", "--run", "1"),
    ("replay", "a.db", "--run", "1"),
    ("findings", "a.db"),
)


def test_I04_a_reading_that_fails_is_one_line_of_every_command(tmp_path: Path) -> None:
    start = laid(tmp_path / "start")
    run_sweep(start / "tiny.toml", start / "a.db", workers=1)
    before = (start / "a.db").read_bytes()
    for line in READERS:
        assert workbench(*line, cwd=start).returncode == 0  # here, so that no child has to load anything
        counted = in_child(list(line), start, lambda: files(Steps(frozenset({"read"}))))
        assert counted.code == 0, counted
        for n in (counted.steps // 2, counted.steps):
            ended = in_child(list(line), start, lambda n=n: files(Steps(frozenset({"read"}), n)))
            assert ended.code in (0, 3) or (line[0], ended.code) == ("verify", 5), (line, n, ended)
            assert "Traceback" not in ended.err and "internal fault" not in ended.err, (line, n, ended)
            assert ended.err.count("error: ") == (ended.code > 0), (line, n, ended)
    assert listing(start) == {"a.db", "tiny.toml"} and (start / "a.db").read_bytes() == before


def test_I04_an_allocation_that_fails_is_one_line(made: tuple[Path, Callable[[], None]], tmp_path: Path) -> None:
    folder, store = made
    whole = task(store, folder, "a.db", tmp_path, lambda: memory(Steps()))
    every(whole, tmp_path / "try", lambda n: memory(Steps(turn=n)), by=whole.steps // 9)
    every(whole, tmp_path / "try", lambda n: memory(Steps(turn=n, lasting=True)), by=whole.steps // 7)


def test_I01_a_sweep_killed_at_any_step_goes_on_to_the_same_digest(tmp_path: Path) -> None:
    whole = task(SWEEP, laid(tmp_path / "start"), "a.db", tmp_path, lambda: files(Steps(CHANGING)))
    every(whole, tmp_path / "try", lambda n: files(Steps(CHANGING, n, act=kill_me)), (0, -9), by=whole.steps // 9)


def test_I01_a_sweep_killed_on_its_way_out_of_the_log_can_be_read_and_goes_on(
    made: tuple[Path, Callable[[], None]], tmp_path: Path
) -> None:
    """A journal that must be rolled back is left then, which those who only read cannot do."""
    folder, store = made
    whole = task(store, folder, "a.db", tmp_path, lambda: files(Steps()))
    last = max(n for n, step in enumerate(whole.log, 1) if step == "delete a.db-journal")
    first = max(n for n, step in enumerate(whole.log[:last], 1) if step == "open a.db-journal")
    for n in range(first, last + 1):
        here = copied(folder, tmp_path / "try")
        ended = in_child(store, here, lambda n=n: files(Steps(turn=n, act=kill_me)))
        if n % 2:
            assert len(open_results(here / "a.db").runs()) == 2
        assert whole.after(here, ended, (-9,)) == []


def test_I06_what_was_cut_off_and_may_not_be_written_says_so(
    made: tuple[Path, Callable[[], None]], tmp_path: Path
) -> None:
    folder, store = made
    whole = task(store, folder, "a.db", tmp_path, lambda: files(Steps()))
    last = max(n for n, step in enumerate(whole.log, 1) if step == "delete a.db-journal")
    here = copied(folder, tmp_path / "try")
    in_child(store, here, lambda: files(Steps(turn=last, act=kill_me)))
    assert "a.db-journal" in listing(here)
    for path in (*here.iterdir(), here):
        path.chmod(0o555)

    def closed() -> Steps:
        without_rights()
        return Steps()

    ended = in_child(["runs", "a.db"], here, closed)
    here.chmod(0o755)
    assert ended.code == 3 and "cut off; its file and folder must be writable once more" in ended.err


def test_I04_a_lock_file_that_cannot_be_written_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a notebook the process goes on: what failed must have let go of the lock."""

    def refuse(*_: object) -> None:
        raise OSError(FULL, os.strerror(FULL))

    with monkeypatch.context() as full:
        full.setattr(os, "ftruncate", refuse)
        with pytest.raises(StorageError, match=r"a\.db\.lock beside it cannot be written"):
            open_writer(tmp_path / "a.db", lock_timeout=0)
    open_writer(tmp_path / "a.db", lock_timeout=0).close()
    assert listing(tmp_path) == {"a.db"}


def test_I07_the_text_of_a_lock_file_may_be_cut_off_anywhere(tmp_path: Path) -> None:
    open_writer(tmp_path / "a.db").close()
    text = "process 4194304, started 2026-01-01T00:00:00Z"
    for left in (*(text[:n] for n in range(len(text))), "\0" * len(text), text[:20] + "\0" * 25):
        (tmp_path / "a.db.lock").write_text(left)
        open_writer(tmp_path / "a.db", lock_timeout=0).close()
    assert listing(tmp_path) == {"a.db"}


def test_P9_a_file_is_whole_or_absent_at_every_step(tmp_path: Path) -> None:
    """What is kept stays as it was until the new one is whole; a killed process leaves no draft behind for good."""
    start = tmp_path / "start"
    start.mkdir()
    (start / "page.html").write_text("old")

    def write() -> None:
        write_whole(Path("page.html"), "new" * 20_000)

    counted = in_child(write, copied(start, tmp_path / "try"), lambda: system(Steps()))
    assert {line.split()[0] for line in counted.log} == {"open", "write", "sync", "rename", "remove"}
    for n in range(1, counted.steps + 1):
        for end in (0, 1, 2):
            here = copied(start, tmp_path / "try")
            steps = (Steps(turn=n), Steps(turn=n, lasting=True), Steps(turn=n, act=kill_me))[end]
            ended = in_child(write, here, lambda steps=steps: system(steps, FULL, half=True))
            assert ended.code == -9 if end == 2 else ended.code in (0, 3), ended
            assert (here / "page.html").read_text() in ("old", "new" * 20_000)
            assert ended.code != 0 or (here / "page.html").read_text() != "old"
            assert end == 1 or ended.code < 0 or listing(here) == {"page.html"}
            assert in_child(write, here, undisturbed).code == 0
            assert listing(here) == {"page.html"}


def test_P9_a_starter_folder_that_was_cut_off_is_completed(tmp_path: Path) -> None:
    line = ["init", "mine"]
    (tmp_path / "empty").mkdir()
    made = frozenset({"rename", "folder"})
    counted = in_child(line, tmp_path, lambda: system(Steps(made)))
    whole = {path: (tmp_path / path).read_bytes() for path in listing(tmp_path)}
    for n in (1, counted.steps // 2, counted.steps):
        folder = tmp_path / f"cut_{n}"
        folder.mkdir()
        assert in_child(line, folder, lambda n=n: system(Steps(made, n, act=kill_me))).code == -9
        assert all(
            (folder / path).read_bytes() == whole[path] for path in listing(folder) if not path.endswith("draft")
        )
        assert in_child(line, folder, undisturbed).code == 0
        assert {path: (folder / path).read_bytes() for path in listing(folder)} == whole
        empty = copied(tmp_path / "empty", tmp_path / "failed")
        failed = in_child(line, empty, lambda n=n: system(Steps(made, n), FULL))
        again = in_child(line, empty, undisturbed)
        assert (failed.code, again.code) in ((3, 0), (0, 3)), (failed, again)  # 0: a folder that was there already
        (folder / "mine" / "README.md").write_text("my own")
        assert in_child(line, folder, undisturbed).code == 3
        assert os.path.getsize(folder / "mine" / "README.md") == 6  # noqa: PTH202


def test_P10_a_bug_shows_no_traceback_where_no_log_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "nowhere"))
    (tmp_path / "nowhere").write_text("in the way")

    def fail() -> None:
        monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "nowhere"))
        raise ValueError("boom")

    ended = in_child(fail, tmp_path, undisturbed)
    assert ended.code == 1 and ended.err.count("\n") == 1
    assert "no log could be written; the same command with --debug shows the details" in ended.err
