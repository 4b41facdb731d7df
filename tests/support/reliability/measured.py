"""What is measured for each figure of reliability, and counted as a breach."""

from __future__ import annotations

import contextlib
import errno
import gc
import gzip
import math
import multiprocessing
import os
import resource
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import cycle
from pathlib import Path
from typing import Any

from support import commands, small_findings, small_refit
from support.commands import ROOT, children, gone, started, stored_runs, wait_for_runs
from support.reliability import clocks
from support.reliability.disturbed import (
    SWEEP,
    TINY,
    Ended,
    Line,
    Steps,
    Task,
    copied,
    faults_said,
    files,
    in_a_fork,
    in_child,
    kill_me,
    laid,
    listing,
    memory,
    power_cut,
    state,
    storing,
    system,
    task,
    undisturbed,
    without_rights,
)
from support.reliability.small_disk import NoSmallDisk, leave, limit, on_small_disk, quota_folder, under_a_quota
from support.reliability.system_steps import CLOSED, FULL
from workbench.errors import StorageError
from workbench.execution.runner import prepare, run_sweep
from workbench.solver.run import solve
from workbench.store import digest, open_results, open_writer

CHANGING = frozenset({"open", "write", "sync", "truncate", "delete", "shared"})
KILLED = (0, -9)
IDLE = frozenset({"none"})
"""A kind of step that there is not: nothing is counted."""
ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES)
DISK = 8 * 2**20
OF_PYTHON = frozenset({"open", "write", "sync", "truncate", "rename", "remove", "folder", "mode"})


@dataclass
class Figure:
    """One figure: what was done, how often, how many breaches were seen, and what came out in words."""

    done: str
    times: int = 0
    result: str = ""
    told: list[str] = field(default_factory=list)
    breaches: int = 0

    def count(self, found: list[str], *about: object) -> None:
        """Count one disturbance, and a breach if anything was found."""
        self.times += 1
        if found:
            self.breaches += 1
            self.told.append(f"{found} {about}")


@dataclass
class Bench:
    """Where figures are measured, and how thoroughly."""

    place: Path
    short: bool
    seconds: float = 60.0
    """How long allocations are made to fail; all of them take some hours."""

    @property
    def least(self) -> int:
        """Of how many steps some are disturbed at least, however long it takes."""
        return 2 if self.short else 20

    def steps(self, total: int, most: int) -> range:
        """Return the steps to disturb of `total`: about `most`, evenly spaced, from the first one on; few if short."""
        return range(1, total + 1, max(-(-total // (2 if self.short else most)), 1))

    def folder(self, name: str) -> Path:
        """Return a folder for one figure's files."""
        (self.place / name).mkdir(exist_ok=True)
        return self.place / name

    @cached_property
    def start(self) -> Path:
        """A folder with the tiny scenario in it."""
        return laid(self.place / "start")

    @cached_property
    def sweep(self) -> Task:
        """The tiny sweep, with every step that SQLite makes on a file."""
        return task(SWEEP, self.start, "a.db", self.folder("sweep"), lambda: files(Steps()))

    @cached_property
    def changing(self) -> Task:
        """The tiny sweep, with the steps that change a file."""
        return task(SWEEP, self.start, "a.db", self.folder("changing"), lambda: files(Steps(CHANGING)))

    @cached_property
    def writers(self) -> dict[str, tuple[list[str], Path]]:
        """A line of every command that writes, and the folder that it starts from."""
        folder = self.folder("writers")
        swept = copied(self.folder("sweep") / "whole", folder / "swept") if self.sweep else folder
        findings = small_findings.folder(folder / "found", small_findings.finding("one"))
        small_findings.swept(findings)
        refit = small_refit.written(folder / "refit")
        (folder / "empty").mkdir()
        old, parts = folder / "old", copied(self.start, folder / "parts")
        old.mkdir()
        published = ROOT / "tests/store/published/version-1.db.gz"
        old.joinpath("old.db").write_bytes(gzip.decompress(published.read_bytes()))
        for subjects in (1, 2):
            run_sweep(parts / "tiny.toml", parts / f"{subjects}.db", workers=1, subjects=subjects)
        small = ["calibrate", "scenarios/small.toml", "--budget", "12", "--workers", "1", "--force"]
        return {
            "sweep": ([*SWEEP, "--report", "page.html"], self.start),
            "report": (["report", "a.db", "--output", "page.html", "--tables", "tables", "--force"], swept),
            "gallery": (["gallery", "scenarios", "--output", "page.html", "--force", "--workers", "1"], findings),
            "findings": (["findings", "scenarios/small.toml", "--db", "new.db", "--workers", "1"], findings),
            "calibrate": ([*small, "--to", "new.toml", "--db", "a.db"], refit),
            "init": (["init", "mine"], folder / "empty"),
            "migrate": (["migrate", "old.db"], old),
            "merge": (["merge", "1.db", "2.db", "--into", "all.db"], parts),
        }

    @cached_property
    def storing(self) -> Task:
        """The store's part of a sweep of one block, with the steps that change a file."""
        folder = laid(self.folder("storing") / "start", TINY.replace("[20, 30, 40]", "[20]"))
        open_writer(folder / "a.db").close()
        return task(storing(folder), folder, "a.db", self.folder("storing"), lambda: files(Steps(CHANGING)))

    def disturb(
        self,
        figure: Figure,
        asked: Task,
        turns: Iterable[int],
        arrange: Callable[[int], Steps],
        codes: tuple[int, ...] = (0, 3),
    ) -> list[Ended]:
        """Disturb a command once at each of these steps, from a fresh start."""
        found = []
        for n in turns:
            here = copied(asked.start, self.place / "try")
            found.append(in_child(asked.line, here, lambda n=n: arrange(n)))
            figure.count(asked.after(here, found[-1], codes), n, found[-1])
        return found

    @cached_property
    def kills(self) -> dict[str, int]:
        """Kill the sweep at its steps, go on, kill that at another step, and go on again."""
        asked, here = self.sweep, self.place / "killed"
        found = dict.fromkeys(("kills", "acknowledged", "lost", "unsound", "ends", "equal", "left"), 0)
        for n in self.steps(asked.steps, 260):
            copied(asked.start, here)
            held = 0
            for turn in (n, n * 7919 % 331 + 1):
                ended = in_child(asked.line, here, lambda turn=turn: files(Steps(turn=turn, act=kill_me)))
                sound, runs = state(here / "a.db")
                held += ended.acknowledged
                found["kills"] += ended.code == -9
                found["lost"] += max(held - runs, 0)
                found["unsound"] += sound != "ok" or ended.code not in KILLED
                if ended.code == 0:
                    break
            found["acknowledged"] += held
            again = asked.again(here)
            found["ends"] += 1
            found["equal"] += not [words for words in again if words.startswith("again")]
            found["left"] += any(words.startswith("left") for words in again)
        return found


def lost(bench: Bench) -> Figure:
    """R1."""
    k = bench.kills
    return Figure(
        "SIGKILL of a sweep between two steps on its files, and of the sweep that goes on", k["kills"],
        f"{k['lost']} of {k['acknowledged']} acknowledged runs lost, {k['unsound']} unsound files",
        breaches=k["lost"] + k["unsound"],
    )  # fmt: skip


def equal(bench: Bench) -> Figure:
    """R2."""
    k = bench.kills
    return Figure(
        "the same command after those kills, to its end", k["ends"],
        f"{k['equal']} of {k['ends']} digests equal to an undisturbed one", breaches=k["ends"] - k["equal"],
    )  # fmt: skip


def orphans(bench: Bench) -> Figure:
    """R3."""
    figure, k = Figure("SIGKILL of sweeps with two workers, at any time; files left after R2"), bench.kills
    folder, alive = bench.folder("workers"), 0
    (folder / "long.toml").write_text(commands.LONG, encoding="utf-8")
    for n in range(1 if bench.short else 6):
        sweep = started("sweep", "long.toml", "--db", f"{n}.db", "--workers", "2", cwd=folder)
        told = wait_for_runs(folder / f"{n}.db", sweep, 1 + 40 * n)
        workers = children(sweep)
        sweep.kill()
        sweep.communicate()
        left = not gone(workers)
        alive += left
        found = (["workers live on"] if left else []) + (["lost"] if stored_runs(folder / f"{n}.db") < told else [])
        figure.count(found, n)
    figure.breaches += k["left"]
    figure.result = f"{alive} sweeps left workers behind; files left over {k['left']} times of {k['ends']}"
    return figure


def calibrate(bench: Bench) -> Figure:
    """R4."""
    figure = Figure("SIGKILL of `calibrate` between two steps on its files")
    start = small_refit.written(bench.folder("calibrate") / "start")
    line: Line = [
        "calibrate",
        "scenarios/small.toml",
        "--budget",
        "30",
        "--workers",
        "1",
        "--to",
        "new.toml",
        "--db",
        "a.db",
    ]
    whole = task([*line, "--force"], start, "a.db", bench.folder("calibrate"), lambda: files(Steps(CHANGING)))
    fit = (bench.folder("calibrate") / "whole" / "new.toml").read_bytes()
    candidates = state(bench.folder("calibrate") / "whole" / "a.db")[1]
    for n in bench.steps(whole.steps, 30):
        here = copied(start, bench.place / "try")
        ended = in_child(whole.line, here, lambda n=n: files(Steps(CHANGING, n, act=kill_me)))
        found = whole.after(here, ended, KILLED)
        if (here / "new.toml").read_bytes() != fit or state(here / "a.db")[1] != candidates:
            found.append("another fit, or another log")
        figure.count(found, n, ended)
    figure.result = f"same set, same {candidates} candidates in {figure.times - figure.breaches} of {figure.times}"
    return figure


def outputs(bench: Bench) -> Figure:
    """R5."""
    figure, folder = (
        Figure("SIGKILL of report with tables, gallery, init, migrate, merge between two steps"),
        bench.folder("outputs"),
    )
    kinds: dict[str, int] = {}
    own, store = OF_PYTHON, CHANGING
    most = {"report": (own, 8), "gallery": (own, 6), "init": (frozenset({"write", "rename"}), 10)}
    most |= {"migrate": (store, 30), "merge": (store, 40)}
    lines = {name: (*bench.writers[name], *found) for name, found in most.items()}
    for name, (line, start, counted, most) in lines.items():
        lay = files if counted is store else system
        here = copied(start, folder / "try")
        done = in_child(line, here, lambda lay=lay, counted=counted: lay(Steps(counted)))
        figure.told += [] if done.code == 0 else [done.err]
        expected = {path: _compared(here / path) for path in listing(here)}
        kinds[name] = 0
        for n in bench.steps(done.steps, most):
            copied(start, here)
            ended = in_child(line, here, lambda n=n, lay=lay, c=counted: lay(Steps(c, n, act=kill_me)))
            before = {path: _compared(here / path) for path in listing(here)}
            half = [p for p, held in before.items() if p in expected and held != expected[p] and not _is_database(p)]
            again = in_child(line, here, undisturbed)
            after = {path: _compared(here / path) for path in listing(here)}
            found = [f"half a file: {half}"] if half else []
            found += [] if again.code == 0 and after == expected else [f"again {again.code}", again.err]
            figure.count(found + ([] if ended.code in KILLED else [f"exit {ended.code}"]), name, n)
            kinds[name] += 1
    told = ", ".join(f"{name} {count}" for name, count in kinds.items())
    figure.result = f"no half file and the same end in {figure.times - figure.breaches} of {figure.times} ({told})"
    return figure


def _is_database(path: str) -> bool:
    return ".db" in path


def _compared(path: Path) -> Any:
    """Return a file's content, of a database its version and digest, which times do not change."""
    if path.suffix != ".db":
        return b"" if _is_database(path.name) else path.read_bytes()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return version, digest(path)


def writes(bench: Bench) -> Figure:
    """R6."""
    figure = Figure("the n-th write of a sweep fails, half done, or the disk is full from it on")
    only = frozenset({"write"})
    whole = task(SWEEP, bench.start, "a.db", bench.folder("writes"), lambda: files(Steps(only)))
    bench.disturb(figure, whole, bench.steps(whole.steps, 10_000), lambda n: files(Steps(only, n), half=True))
    every = figure.times
    bench.disturb(
        figure, whole, bench.steps(whole.steps, 40), lambda n: files(Steps(only, n, lasting=True), half=True, full=True)
    )
    lasting = figure.times - every
    python = task(SWEEP, bench.start, "a.db", bench.folder("writes"), lambda: system(Steps(OF_PYTHON)))
    turns = [n for n, step in enumerate(python.log, 1) if "toml" not in step]
    bench.disturb(
        figure,
        python,
        range(turns[0], turns[-1] + 1, 4 if bench.short else 1),
        lambda n: system(Steps(OF_PYTHON, n), FULL, half=True),
    )
    figure.result = (
        f"{every} of {whole.steps} writes of SQLite alone, {lasting} with all after them,"
        f" {figure.times - every - lasting} steps of Python's own"
    )
    return figure


def syncs(bench: Bench) -> Figure:
    """R7."""
    figure = Figure("the n-th sync of a sweep fails; a power cut undoes all that was not synced")
    only = frozenset({"sync", "truncate", "delete", "open", "shared"})
    whole = task(SWEEP, bench.start, "a.db", bench.folder("syncs"), lambda: files(Steps(only)))
    bench.disturb(figure, whole, bench.steps(whole.steps, 10_000), lambda n: files(Steps(only, n)))
    failed = figure.times
    cut = frozenset({"write", "sync", "truncate", "delete"})
    block = bench.storing
    whole = replace(
        block, steps=in_child(block.line, copied(block.start, bench.place / "try"), lambda: power_cut(cut, 0)).steps
    )
    bench.disturb(figure, whole, bench.steps(whole.steps, 10_000), lambda n: power_cut(cut, n), KILLED)
    figure.result = (
        f"{failed} failed syncs, truncations, openings and removals of a sweep (all),"
        f" {figure.times - failed} power cuts, before each of the {whole.steps} changes that storing a block makes"
    )
    return figure


def allocations(bench: Bench) -> Figure:
    """R8."""
    figure = Figure("the n-th allocation of SQLite fails: in a sweep, alone or with all after it; in each part of one")
    whole = task(SWEEP, bench.start, "a.db", bench.folder("memory"), lambda: memory(Steps()))
    alone = bench.disturb(
        figure, whole, spread(whole.steps, bench.seconds / 4, bench.least), lambda n: memory(Steps(turn=n))
    )
    bench.disturb(
        figure,
        whole,
        spread(whole.steps, bench.seconds / 12, bench.least),
        lambda n: memory(Steps(turn=n, lasting=True)),
    )
    lasting, parts = figure.times - len(alone), in_parts(bench)
    for part in parts:
        figure.times += part.failed
        figure.breaches += len(part.told)
        figure.told += part.told
    figure.result = (
        f"{len(alone):,} of the {whole.steps:,} of a sweep, and {lasting:,} with all after them, in processes of their own;"
        " in one process " + ", ".join(str(part) for part in parts)
    )
    return figure


def spread(total: int, seconds: float, least: int) -> Iterator[int]:
    """Yield the numbers 1 to `total`, each once, spread evenly wherever it ends: after so many seconds, not before `least`."""
    until, step = time.monotonic() + seconds, max(round(total * (5**0.5 - 1) / 2), 1)
    while math.gcd(step, total) > 1:
        step += 1
    for n in range(total):
        if n >= least and time.monotonic() > until:
            return
        yield 1 + n * step % total


@dataclass
class Part:
    """Allocations of one part of a sweep: how many it makes, how many of them have failed, and what was wrong then."""

    what: str
    total: int = 0
    failed: int = 0
    told: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        each = f"each of the {self.failed:,}" if self.failed >= self.total else f"{self.failed:,} of the {self.total:,}"
        return f"{each} of {self.what}"


def in_parts(bench: Bench) -> list[Part]:
    """Fail allocations one by one in one process: what failed is done again, and the end is that of an undisturbed sweep."""
    lengths = list(range(20, 24))
    start = laid(bench.folder("memory") / "block", TINY.replace("[20, 30, 40]", str(lengths)))
    whole = task(SWEEP, start, "a.db", bench.folder("memory"))
    here = copied(start, bench.folder("memory") / "walk")
    found: list[Part] = in_a_fork(here, partial(_walk, whole.whole, bench.seconds, bench.least))
    return found


def _walk(expected: str, seconds: float, least: int) -> list[Part]:
    steps = Steps(IDLE)
    memory(steps)
    plan = prepare(Path("tiny.toml"), Path("a.db"), workers=1).plan
    chunks = [(chunk, solve(chunk.batch)) for chunk in plan.chunks(lambda structure: 1024)]
    gc.freeze()  # what is cleared away after each failure is only what it left
    making, opening = Part("making a database"), Part("opening one")
    beginning, storing = Part("beginning a sweep"), Part("storing a block")

    def failed(part: Part, n: int, work: Callable[[], object]) -> tuple[bool, int]:
        """Return whether the work failed with its n-th allocation, and how many it made."""
        steps.kinds, steps.count, steps.turn, lost = frozenset(), 0, n, True
        try:
            work()
            lost = False
        except (MemoryError, StorageError):
            pass
        except Exception as fault:  # noqa: BLE001 - whatever else it is, it is a breach
            # What failed right after its BEGIN is rolled back when the writer is closed, as every command does.
            if "within a transaction" not in str(fault):
                part.told.append(f"allocation {n} of {part.what}: {fault!r}")
        finally:
            steps.kinds = IDLE
            gc.collect()
        part.failed += 0 < n <= steps.count
        return lost, steps.count

    def opened(db: str) -> None:
        """Open a database for writing; it is closed whatever its allocations do."""
        try:
            writer = open_writer(db, lock_timeout=0)
        finally:
            steps.kinds = IDLE
        writer.close()

    def make() -> None:
        Path("b.db").unlink(missing_ok=True)
        opened("b.db")

    for part, work, share in ((making, make, 6), (opening, partial(opened, "b.db"), 6)):
        part.total = failed(part, 0, work)[1]
        for n in spread(part.total, seconds / share, least):
            failed(part, n, work)
        if failed(part, 0, work)[0]:
            part.told.append(f"{part.what} fails where no allocation does")
    shutil.copyfile("b.db", "c.db")
    with open_writer("c.db", lock_timeout=0) as writer:
        beginning.total = failed(beginning, 0, partial(writer.begin, plan))[1]
    turns = spread(beginning.total, seconds / 3, least)
    n = next(turns, None)
    while n is not None:  # a sweep that began in spite of it, and now and then any, is begun in a new file
        shutil.copyfile("b.db", "a.db")
        with open_writer("a.db", lock_timeout=0) as writer:
            for _ in range(20):
                lost, _ = failed(beginning, n, partial(writer.begin, plan))
                n = next(turns, None)
                if n is None or not lost:
                    break
    with open_writer("a.db", lock_timeout=0) as writer:
        writer.begin(plan)

        def keep(chunk: Any, result: Any) -> None:
            writer.store(chunk, writer.missing(chunk), result)

        n = 1
        for chunk, result in chunks:
            while failed(storing, n, partial(keep, chunk, result))[0]:
                n += 1
            n += 1
        storing.total = storing.failed
        writer.finish()
    if digest(Path("a.db")) != expected:
        storing.told.append("another digest")
    return [making, opening, beginning, storing]


def full(bench: Bench) -> Figure:
    """R9."""
    figure = Figure("a limit on the size of files, from 4 KiB up until the sweep is done (the kernel refuses)")
    size = (bench.folder("sweep") / "whole" / "a.db").stat().st_size if bench.sweep else 0
    limits = [4096 * n for n in bench.steps(2 * size // 4096, 30)]

    def limited(limit: int) -> Steps:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        return Steps()

    ended = bench.disturb(figure, bench.sweep, range(len(limits)), lambda n: limited(limits[n]))
    figure.result = (
        f"{sum(e.code == 3 for e in ended)} refused, {sum(e.code == 0 for e in ended)} done within the limit"
    )
    return figure


def read_only(bench: Bench) -> Figure:
    """R10."""
    figure, asked = (
        Figure("folder and files made read-only at the n-th step of storing a block (the kernel refuses)"),
        bench.storing,
    )
    for n in bench.steps(asked.steps, 10_000):
        here = copied(asked.start, bench.place / "closing")

        def close(here: Path = here) -> None:
            for path in here.iterdir():
                path.chmod(0o444)
            here.chmod(0o555)

        def arrange(n: int = n, close: Callable[[], None] = close) -> Steps:
            without_rights()
            return files(Steps(CHANGING, n, act=close))

        ended = in_child(asked.line, here, arrange)
        here.chmod(0o755)
        for path in here.iterdir():
            path.chmod(0o644)
        figure.count(asked.after(here, ended), n, ended)
    own = figure.times
    python = task(SWEEP, bench.start, "a.db", bench.folder("closed"), lambda: system(Steps(OF_PYTHON)))
    turns = [n for n, step in enumerate(python.log, 1) if "toml" not in step]
    bench.disturb(
        figure,
        python,
        range(turns[0], turns[-1] + 1, 9 if bench.short else 1),
        lambda n: system(Steps(OF_PYTHON, n, lasting=True), CLOSED),
    )
    figure.result = (
        f"before each of the {asked.steps} changes, and {figure.times - own} steps of Python's own in a sweep;"
        " goes on once it may be written again"
    )
    return figure


def torn(bench: Bench) -> Figure:
    """R11."""
    figure, asked = Figure("the log of a killed sweep cut off, or one bit of it turned over"), bench.sweep
    store = copied(asked.start, bench.folder("torn") / "killed")
    stop = max(n for n, step in enumerate(asked.log, 1) if step == "sync a.db-wal") - 1
    in_child(asked.line, store, lambda: files(Steps(turn=stop, act=kill_me)))
    log = (store / "a.db-wal").read_bytes()
    whole_blocks = 0
    for number, place in enumerate(bench.steps(len(log), 100)):
        here = copied(store, bench.place / "try")
        spoilt = bytearray(log)
        if number % 2:
            spoilt[place] ^= 0x10
        else:
            del spoilt[place:]
        (here / "a.db-wal").write_bytes(spoilt)
        (here / "a.db-shm").unlink(missing_ok=True)
        sound, runs = state(here / "a.db")
        whole_blocks += runs % 2 == 0
        figure.count(([] if sound == "ok" and runs % 2 == 0 else [sound, f"{runs} runs"]) + asked.again(here), place)
    figure.result = f"opened to whole blocks {whole_blocks} times, and went on to the same digest"
    return figure


def clock(bench: Bench) -> Figure:
    """R12."""
    figure, asked = (
        Figure("clock moved by years and time zone changed at every look at it; files dated 1970 and 2099"),
        bench.sweep,
    )
    negative = 0
    for n, by in enumerate(clocks.LEAPS[: 2 if bench.short else None]):
        here = copied(asked.start, bench.place / "try")

        def arrange(by: float = by, n: int = n) -> Steps:
            clocks.leap(by)
            return files(Steps(turn=200 + 60 * n, act=kill_me))

        ended = in_child(asked.line, here, arrange)
        for path in here.iterdir():
            os.utime(path, (0, 0) if n % 2 else (4_070_908_800, 4_070_908_800))
        found = asked.after(here, ended, KILLED)
        with contextlib.closing(sqlite3.connect(here / "a.db")) as connection:
            below = connection.execute(
                "SELECT count(*) FROM invocation WHERE seconds < 0 OR write_seconds < 0"
            ).fetchone()[0]
            order = connection.execute("SELECT id FROM invocation ORDER BY id").fetchall()
        negative += below
        figure.count(
            found + ([f"{below} negative durations"] if below else []) + ([] if order else ["no order"]), by, ended
        )
    figure.result = f"equal digests, {negative} negative durations"
    return figure


def _poll(db: str, stop: str, outbox: Any) -> None:
    looks, wrong, seen = 0, "", 0
    while not wrong and not Path(stop).exists():
        with open_results(db) as results:
            runs, values = len(results.runs()), len(results.outcomes())
        if runs % 2 or values != 2 * runs or runs < seen:
            wrong = f"{runs} runs, {values} values, after {seen}"
        seen, looks = runs, looks + 1
    outbox.put((looks, wrong))


def readers(bench: Bench) -> Figure:
    """R13."""
    figure, folder = Figure("looks of four readers beside a sweep that writes"), bench.folder("readers")
    lengths = list(range(20, 30 if bench.short else 100))
    (folder / "tiny.toml").write_text(TINY.replace("[20, 30, 40]", str(lengths)), encoding="utf-8")
    open_writer(folder / "a.db").close()
    context = multiprocessing.get_context("fork")
    outbox, stop = context.SimpleQueue(), folder / "stop"
    each = [context.Process(target=_poll, args=(str(folder / "a.db"), str(stop), outbox)) for _ in range(4)]
    for reader in each:
        reader.start()
    ended = in_child(SWEEP, folder, undisturbed)
    stop.touch()
    said = [outbox.get() for _ in each]
    for reader in each:
        reader.join()
    figure.times, wrong = sum(looks for looks, _ in said), [words for _, words in said if words]
    wrong += [] if ended.code == 0 and ended.acknowledged == 2 * len(lengths) else [f"exit {ended.code}", ended.err]
    figure.breaches, figure.told = len(wrong), wrong
    figure.result = f"only whole blocks seen, {len(lengths)} blocks written meanwhile, nobody stopped"
    return figure


class _Watch:
    """Looks at memory and log after each block."""

    def __init__(self, db: Path) -> None:
        self.db, self.seen = db, list[tuple[int, float, int]]()

    def forecast(self, forecast: object) -> None:
        """Nothing is said."""

    def stopping(self, number: int) -> None:
        """Nothing is said."""

    def advance(self, counts: Any) -> None:
        """Note memory in use, and the size of the log."""
        held = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
        log = self.db.with_name(f"{self.db.name}-wal")
        self.seen.append((counts.stored, held, log.stat().st_size if log.exists() else 0))


def long_run(bench: Bench) -> Figure:
    """R14."""
    figure, folder = Figure("runs in one sweep"), bench.folder("long")
    count = 2_000 if bench.short else 333_334
    text = (
        TINY.replace("count = 2", f"count = {count}")
        .replace("trials = 20", "trials = 2")
        .replace("[20, 30, 40]", "[2, 3, 4]")
    )
    course = text[text.index("[course.norm]") : text.index("[plasticity.")]
    (folder / "long.toml").write_text(text.replace(course, ""), encoding="utf-8")
    watch = _Watch(folder / "a.db")
    found = run_sweep(folder / "long.toml", folder / "a.db", workers=1, progress=watch)
    figure.times = found.stored
    tenth = next(held for stored, held, _ in watch.seen if stored >= found.stored // 10)
    last, log = watch.seen[-1][1], max(size for *_, size in watch.seen) / 2**20
    grown = last - tenth
    if found.missing or grown > 64 or log > 64:
        figure.breaches += 1
    figure.result = (
        f"memory {tenth:.0f} MB after a tenth, {last:.0f} MB at the end; log at most {log:.0f} MB;"
        f" {found.seconds:.0f} s, {found.stored / found.seconds:,.0f} runs a second"
    )
    (folder / "a.db").unlink()
    return figure


def surroundings(bench: Bench) -> Figure:
    """R15."""
    figure, folder = (
        Figure("names that differ by case only; a worker killed in the middle of a sweep"),
        bench.folder("around"),
    )
    cased = TINY.replace("[study.lengths]\n", '[arm.Slow]\n[arm.slow]\ncompare_with = "Slow"\n[study.lengths]\n')
    (folder / "cased.toml").write_text(cased, encoding="utf-8")
    ended = in_child(["check", "cased.toml"], folder, undisturbed)
    figure.count([] if ended.code == 2 else [f"exit {ended.code}: accepted"], "cased.toml")
    refused = ended.code == 2
    (folder / "long.toml").write_text(commands.LONG, encoding="utf-8")
    replaced = 0
    for n in range(0 if bench.short else 3):
        sweep = started("sweep", "long.toml", "--db", f"{n}.db", "--workers", "2", cwd=folder)
        wait_for_runs(folder / f"{n}.db", sweep, 1 + 60 * n)
        with contextlib.suppress(ProcessLookupError):
            os.kill(children(sweep)[0], signal.SIGKILL)
        _, said = sweep.communicate(timeout=120)
        replaced += sweep.returncode == 0
        figure.count([] if sweep.returncode == 0 else [f"exit {sweep.returncode}", said], n)
    figure.result = (
        f"{'refused' if refused else 'accepted'}; {replaced} of {figure.times - 1} sweeps finished with another worker"
    )
    return figure


def small_disk(bench: Bench) -> Figure:
    """R16."""
    figure = Figure("a disk of which so many bytes are left (a file system of its own, really full)")

    def left(place: Path, room: int) -> Callable[[], None]:
        ballast = leave(place, room)
        return ballast.unlink

    return _with_no_room(bench, figure, partial(on_small_disk, size=DISK), lambda folder: None, left)


def real_quota(bench: Bench) -> Figure:
    """R18."""
    figure = Figure("a quota of which so many bytes are left (the kernel refuses), on a btrfs of its own")

    def left(place: Path, room: int) -> Callable[[], None]:
        held = sum(file.stat().st_blocks * 512 for file in (place / "try").rglob("*") if file.is_file())
        limit(place / "try", held + 65_536 + 2 * room)  # a page is written anew before its place is free
        return partial(limit, place / "try", DISK * 4)

    return _with_no_room(bench, figure, under_a_quota, quota_folder, left)


def _with_no_room(
    bench: Bench,
    figure: Figure,
    on_disk: Callable[..., Any],
    make: Callable[[Path], None],
    left: Callable[[Path, int], Callable[[], None]],
) -> Figure:
    """Give commands on a disk that `left` leaves so many bytes of; what it returns takes that back."""
    place = bench.folder(on_disk.__name__ if on_disk is under_a_quota else "disk")
    names = ("sweep", "report", "merge", "migrate", "calibrate")[: 1 if bench.short else None]
    asked = {}
    for name in names:
        line, start = bench.writers[name]
        db = {"merge": "all.db", "migrate": "old.db"}.get(name, "a.db")
        asked[name] = task(line, start, db, bench.folder(f"disk_{name}"))

    def fill() -> tuple[Figure, dict[str, int]]:
        refused = dict.fromkeys(names, 0)
        for name, whole in asked.items():
            expected = bench.folder(f"disk_{name}") / "whole"
            need = sum(file.stat().st_size for file in expected.rglob("*") if file.is_file())
            for room in (need * n // 8 for n in ((3, 14) if bench.short else range(0, 16, 2))):
                shutil.rmtree(place / "try", ignore_errors=True)
                make(place / "try")
                here = Path(shutil.copytree(whole.start, place / "try", dirs_exist_ok=True))
                free = left(place, room)
                ended = in_child(whole.line, here, undisturbed)
                free()
                refused[name] += ended.code == 3
                pages = [path for path in listing(here) if path.endswith((".html", ".csv", ".toml"))]
                fresh = [path for path in pages if not (whole.start / path).exists()]
                half = [path for path in fresh if (here / path).read_bytes() != (expected / path).read_bytes()]
                found = [f"half a file: {half}"] if half and name != "calibrate" else []
                figure.count(found + whole.after(here, ended), name, room, ended)
        return figure, refused

    try:
        figure, refused = on_disk(place, work=fill)
    except NoSmallDisk as why:
        figure.result = f"not measured: {why}"
        return figure
    told = ", ".join(f"{name} {count}" for name, count in refused.items())
    figure.result = f"refused {told}, of {figure.times // len(names)} each; all went on"
    return figure


def errors(bench: Bench) -> Figure:
    """R17."""
    figure = Figure(
        "the n-th step of Python's own fails, of each command that writes; in turn: full, quota, read-only, broken, closed"
    )
    turn, kinds = cycle(ERRORS), dict[str, str]()
    for name, (line, start) in bench.writers.items():
        here = copied(start, bench.place / "try")
        done = in_child(line, here, lambda: system(Steps(OF_PYTHON)))
        figure.told += [] if done.code == 0 else [done.err]
        whole = {path: _compared(here / path) for path in listing(here)}
        before = {path: (start / path).read_bytes() for path in listing(start)}
        turns = bench.steps(done.steps, 50)
        kinds[name] = f"{len(turns)} of {done.steps}"
        for n in turns:
            number = next(turn)
            copied(start, here)
            ended = in_child(line, here, lambda n=n, number=number: system(Steps(OF_PYTHON, n), number, half=True))
            unread = ended.code == 2 and "cannot be read" in ended.err  # an input, as if it were not there
            found = list(faults_said(ended, (0, 2, 3) if unread else (0, 3)))
            for path in sorted(path for path in listing(here) if not _is_database(path)):
                if _compared(here / path) not in (before.get(path), whole.get(path)):
                    found.append(f"neither as it was nor whole: {path}")
            figure.count(found, name, n, number, ended)
    told = ", ".join(f"{name} {count}" for name, count in kinds.items())
    figure.result = f"exit 3 and one line, or done; every file as it was or whole ({told})"
    return figure


FIGURES: dict[str, Callable[[Bench], Figure]] = {
    f"R{n}": measure
    for n, measure in enumerate(
        (
            *(lost, equal, orphans, calibrate, outputs, writes, syncs, allocations, full, read_only),
            *(torn, clock, readers, long_run, surroundings, small_disk, errors, real_quota),
        ),
        1,
    )
}
