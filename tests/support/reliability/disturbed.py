"""One command in a child of this process, disturbed at its n-th step, and the verdict on what it left.

The child is a real process: it can be killed, and what it leaves on the disk is all that it leaves. It is forked, so
that no second is lost on imports and every n of many hundreds can be tried.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import os
import pickle
import select
import shutil
import signal
import sqlite3
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import workbench.cli.lost_pages
import workbench.cli.main
from support import commands
from support.reliability.sqlite_steps import FULL, CountedFiles, CountedMemory, PowerCut
from support.reliability.system_steps import BROKEN, CountedSystem
from workbench.execution.runner import prepare
from workbench.store import digest

GIVEN_UP = 120.0
"""Seconds after which a child counts as hanging."""
BESIDE = ("-wal", "-shm", "-journal")
Line = list[str] | Callable[[], None]
TINY = (
    commands.HEAD.replace("trials = 300", "trials = 20")
    .replace("count = 6", "count = 2")
    .replace("every = 100", "every = 10")
    + """
[plasticity.input_output]
rule = "hebb"
stabiliser = "oja"
rate = 0.002
[study.lengths]
[study.lengths.sweep]
"phase.learning.trials" = { values = [20, 30, 40] }
"""
)
"""Three blocks of two runs."""
SWEEP = ["sweep", "tiny.toml", "--db", "a.db", "--workers", "1"]


@dataclass
class Steps:
    """Counts steps and says when the disturbance comes.

    Parameters
    ----------
    kinds : set of str
        Which steps count; all if empty.
    turn : int
        The step that is disturbed, from 1; 0 never.
    lasting : bool
        Whether every later step (of these kinds) fails as well.
    act : callable, optional
        Done at that step instead of failing; the step goes on after it.
    """

    kinds: frozenset[str] = frozenset()
    turn: int = 0
    lasting: bool = False
    act: Callable[[], None] | None = None
    count: int = 0
    log: list[str] = field(default_factory=list)

    def __call__(self, kind: str, name: str) -> bool:
        """Return whether this step fails."""
        if self.kinds and kind not in self.kinds:
            return False
        self.count += 1
        if self.turn == 0:
            self.log.append(f"{kind} {name}")
        due = self.count == self.turn or (self.lasting and 0 < self.turn < self.count)
        if due and self.act is not None:
            if self.count == self.turn:
                self.act()
            return False
        return due


@dataclass(frozen=True)
class Ended:
    """How a child ended: exit code (negative: the signal), what it said, the runs it acknowledged, the steps it took."""

    code: int
    out: str
    err: str
    acknowledged: int
    steps: int
    log: tuple[str, ...]


def kill_me() -> None:
    """End this process as a power switch would."""
    os.kill(os.getpid(), signal.SIGKILL)


def in_child(line: Line, folder: Path, arrange: Callable[[], Steps], seconds: float = GIVEN_UP) -> Ended:
    """Run one command in a forked child, in `folder`; `arrange` lays the disturbance, in the child.

    A function in the place of a command line is run as a command's body: its errors end as a command's do.
    """
    with tempfile.TemporaryDirectory(prefix="said") as place:
        said = [Path(place) / name for name in ("out", "err", "acknowledged", "steps")]
        for file in said:
            file.touch()
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            _live(line, folder, arrange, said)
        status = _waited(child, seconds)
        out, err, acknowledged, steps = (file.read_text(errors="replace") for file in said)
        count, *log = steps.split("\n") if steps else ["0"]
        return Ended(status, out, err, sum(map(int, acknowledged.split())), int(count), tuple(log))


def in_a_fork(folder: Path, work: Callable[[], Any]) -> Any:
    """Return what `work` returns in a forked child in `folder`: what it does to its process ends with it."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        answer: Any = None
        try:
            os.chdir(folder)
            answer = work()
        except BaseException as fault:  # noqa: BLE001 - goes to the parent
            fault.add_note(traceback.format_exc())
            answer = fault
        finally:
            with os.fdopen(theirs, "wb") as pipe:
                pickle.dump(answer, pipe)
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        answer = pickle.load(pipe)
    os.waitpid(child, 0)
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _waited(child: int, seconds: float) -> int:
    ended = os.pidfd_open(child)
    try:
        hangs = not select.select([ended], [], [], seconds)[0]
    finally:
        os.close(ended)
    if hangs:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert not hangs, f"a child did not end within {seconds} s"
    return os.waitstatus_to_exitcode(status)


def _live(line: Line, folder: Path, arrange: Callable[[], Steps], said: list[Path]) -> None:
    """The child's whole life."""
    code = 99
    sys.dont_write_bytecode = True  # a disk that is full would leave half a module for all who come later
    try:
        os.chdir(folder)
        for number, file in ((1, said[0]), (2, said[1])):
            handle = os.open(file, os.O_WRONLY | os.O_APPEND)
            os.dup2(handle, number)
            os.close(handle)
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(io.FileIO(number, "w", closefd=False), write_through=True) for number in (1, 2)
        )
        told, counted = (os.open(file, os.O_WRONLY | os.O_APPEND) for file in said[2:])
        write = os.write
        _acknowledge(lambda runs: write(told, f"{runs}\n".encode()))
        if not isinstance(line, list):
            workbench.cli.main._family = lambda: lambda *_, **__: line()  # type: ignore[assignment]
        workbench.cli.lost_pages.listen()
        steps = arrange()
        code = workbench.cli.main.main(line if isinstance(line, list) else [])
        write(counted, "\n".join([str(steps.count), *steps.log]).encode())
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 98
    except BaseException:  # noqa: BLE001 - a traceback is what the verdict looks for
        traceback.print_exc()
    finally:
        os._exit(code)


def _acknowledge(tell: Callable[[int], object]) -> None:
    """Tell of each block of runs, or of candidates, once its storing has returned."""
    from workbench.store.refit_log import CandidateLog
    from workbench.store.write import Writer

    store, keep = Writer.store, CandidateLog.store

    def stored(self, chunk, rows, result) -> None:  # type: ignore[no-untyped-def]
        store(self, chunk, rows, result)
        tell(len(rows))

    def kept(self, search, step, batch, candidates, *rest, **more) -> None:  # type: ignore[no-untyped-def]
        keep(self, search, step, batch, candidates, *rest, **more)
        tell(len(candidates))

    Writer.store, CandidateLog.store = stored, kept  # type: ignore[method-assign]


def undisturbed() -> Steps:
    """Lay no disturbance."""
    return Steps()


def files(steps: Steps, half: bool = False, full: bool = False) -> Steps:
    """Count SQLite's steps on files."""
    steps.kept = CountedFiles(steps, half, FULL if full else None, steps.kinds)  # type: ignore[attr-defined]
    return steps


def power_cut(kinds: frozenset[str], turn: int) -> Steps:
    """Count SQLite's steps on files; before the one whose turn it is, the power is cut."""
    steps = Steps(kinds, turn)
    steps.kept = counted = PowerCut(steps)  # type: ignore[attr-defined]
    steps.act = counted.cut
    return steps


def without_rights() -> None:
    """Give up what lets the superuser write where nobody may; others have nothing to give up (Linux)."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    held = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, held) == 0
    for right in (1, 2, 3):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER
        held[0] &= ~(1 << right)
    assert libc.capset(header, held) == 0


def memory(steps: Steps) -> Steps:
    """Count SQLite's allocations; whoever repeats them in one process clears away in between."""
    gc.disable()  # it might close a connection in the middle of an allocation, whose locks are held
    steps.kept = CountedMemory(steps)  # type: ignore[attr-defined]
    return steps


def system(steps: Steps, number: int = BROKEN, half: bool = False) -> Steps:
    """Count the steps on files that Python makes itself, below the working folder."""
    steps.kept = CountedSystem(Path.cwd(), lambda k, n: number if steps(k, n) else 0, half=half)  # type: ignore[attr-defined]
    return steps


def copied(source: Path, target: Path) -> Path:
    """Return a fresh copy of a folder."""
    shutil.rmtree(target, ignore_errors=True)
    return Path(shutil.copytree(source, target))


def state(db: Path) -> tuple[str, int]:
    """Return what SQLite says of a database's soundness, and its count of runs and candidates, from a copy of its files."""
    if not db.exists():
        return "ok", 0
    with tempfile.TemporaryDirectory(prefix="copy") as place:
        for name in (db.name, *(db.name + end for end in BESIDE)):
            if db.with_name(name).exists():
                shutil.copy(db.with_name(name), place)
        connection = sqlite3.connect(Path(place) / db.name)
        try:
            sound = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
            foreign = connection.execute("PRAGMA foreign_key_check").fetchall()
            runs = connection.execute("SELECT (SELECT count(*) FROM run) + (SELECT count(*) FROM candidate)").fetchone()
        finally:
            connection.close()
    return (sound if not foreign else f"{len(foreign)} rows lead nowhere"), int(runs[0])


def faults_said(ended: Ended, codes: tuple[int, ...] = (0, 3)) -> Iterator[str]:
    """Yield what is wrong with how a disturbed command ended and what it said."""
    if ended.code not in codes:
        yield f"exit {ended.code}"
    errors = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    if len(errors) != (ended.code > 0):
        yield f"{len(errors)} error lines with exit {ended.code}"
    if "Traceback" in ended.err or "internal fault" in ended.err or "Exception" in ended.err:
        yield "a traceback or an internal fault"


def listing(folder: Path) -> set[str]:
    """Return the names of all files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


@dataclass(frozen=True)
class Task:
    """A command on a folder, and what is there once it has run undisturbed."""

    line: Line
    start: Path
    db: str
    whole: str
    files: frozenset[str]
    steps: int = 0
    log: tuple[str, ...] = ()

    def after(self, folder: Path, ended: Ended, codes: tuple[int, ...] = (0, 3), again: bool = True) -> list[str]:
        """Return every breach of what is promised, in words, after one disturbed command in `folder`."""
        found = list(faults_said(ended, codes))
        sound, runs = state(folder / self.db)
        if sound != "ok":
            found.append(f"integrity: {sound}")
        if runs < ended.acknowledged:
            found.append(f"lost: {ended.acknowledged} acknowledged, {runs} stored")
        if again:
            found += self.again(folder)
        return found

    def again(self, folder: Path) -> list[str]:
        """Return what is wrong once the same command has been given again, undisturbed."""
        found = []
        done = in_child(self.line, folder, undisturbed)
        if done.code != 0:
            found.append(f"again: exit {done.code}: {done.err.splitlines()[-1:]}")
        elif digest(folder / self.db) != self.whole:
            found.append("again: another digest")
        if left := listing(folder) - self.files:
            found.append(f"left over: {sorted(left)}")
        return found


def laid(folder: Path, text: str = TINY) -> Path:
    """Make a folder that holds the tiny scenario and nothing else."""
    folder.mkdir(parents=True)
    (folder / "tiny.toml").write_text(text, encoding="utf-8")
    return folder


def storing(folder: Path) -> Callable[[], None]:
    """Return the store's part of the tiny sweep: its results are solved here, once, and each child only stores them."""
    from workbench.solver.run import solve
    from workbench.store import open_writer

    plan = prepare(folder / "tiny.toml", folder / "a.db", workers=1).plan
    chunks = [(chunk, solve(chunk.batch)) for chunk in plan.chunks(lambda structure: 1024)]

    def store() -> None:
        with open_writer("a.db", lock_timeout=0) as writer:
            writer.begin(plan)
            for chunk, result in chunks:
                rows = writer.missing(chunk)
                if len(rows):
                    writer.store(chunk, rows, result)
            writer.finish()

    return store


def task(line: Line, start: Path, db: str, work: Path, count: Callable[[], Steps] = undisturbed) -> Task:
    """Run a command once undisturbed and return what is expected of it."""
    folder = copied(start, work / "warm")
    with contextlib.chdir(folder):  # once in this process, so that no child has to load anything
        assert commands.workbench(*line, cwd=folder).returncode == 0 if isinstance(line, list) else line() is None
    folder = copied(start, work / "whole")
    done = in_child(line, folder, count)
    assert done.code == 0, done.err
    whole = Task(line, start, db, digest(folder / db), frozenset(listing(folder)), done.steps, done.log)
    assert whole.again(folder) == []
    return whole
