"""What becomes of one file: refused in lines that say where, or accepted, planned, and run once in every arm."""

from __future__ import annotations

import re
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any
from unittest import mock

import numpy as np

from support.commands import SMALL
from support.commands import workbench as run
from support.lean import lean
from workbench.cli import main as front
from workbench.execution.runner import prepare
from workbench.solver.run import solve

SECONDS, MEGABYTES = 2.0, 300
"""What a refusal may cost: seconds of a processor, and memory in all."""
LONGEST = 4_000
"""Letters of a line: lists of names are cut after twenty, each name after eighty letters."""
HANGS = 20.0
"""Seconds of a processor after which a command counts as one that never ends."""
PLACED = re.compile(r"error: (?P<file>[^\n:]+):(?P<line>\d+):(?P<column>\d+): \S.*")
MORE = re.compile(r"error: \d+ more problems \(\d+ in all\)")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u202a-\u202e\u2028\u2029]")


class TooLong(BaseException):
    """The time for one example is over."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `TooLong` after so many seconds of the processor."""

    def stop(number: int, frame: FrameType | None) -> None:
        if frame is None or "/workbench/" not in frame.f_code.co_filename:
            signal.setitimer(signal.ITIMER_PROF, 0.005)  # in the middle of what must not be broken off: in a moment
            return
        raise TooLong

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def peak_reset() -> None:
    """Begin to measure the largest memory anew (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak() -> float:
    """Return the largest memory since the last reset, in megabytes."""
    with suppress(OSError):
        return int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]) / 1024  # type: ignore[index]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024) / 1024


def resident() -> float:
    """Return the memory in use, in megabytes."""
    with suppress(OSError):
        return int(re.search(r"VmRSS:\s*(\d+)", Path("/proc/self/status").read_text())[1]) / 1024  # type: ignore[index]
    return peak()


@cache
def loaded() -> float:
    """Return the memory of a process that has checked a small file, in megabytes: seen in a process of its own."""
    with lean() as process, TemporaryDirectory() as name:
        (Path(name) / "small.toml").write_text(SMALL, encoding="utf-8")
        ended = process("check", "small.toml", cwd=Path(name))
    assert ended.code == 0, ended
    return ended.megabytes


@dataclass
class Verdict:
    """What became of a file. `faults` are ours: what must never happen, in words."""

    code: int = 0
    lines: tuple[str, ...] = ()
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    megabytes: float = 0.0
    simulated: int = 0
    failed_runs: int = 0
    too_long: bool = False


def asked(*arguments: str, folder: Path, located: bool = True) -> Verdict:
    """Run one command on files that may be broken, and judge how it ends."""
    found, faults = Verdict(), list[BaseException]()

    def internal(error: BaseException, *rest: Any) -> int:
        faults.append(error)
        return 1

    peak_reset()
    before, started = resident(), time.process_time()
    with mock.patch.object(front, "internal_fault", internal):
        try:
            with limited(HANGS):
                done = run(*arguments, cwd=folder)
        except TooLong:
            found.faults.append(f"{arguments[0]} does not end")
            return found
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is a fault
            found.faults.append(f"{arguments[0]} lets out {told(error)}")
            return found
    found.seconds, found.megabytes = time.process_time() - started, peak() - before
    found.code, found.lines = done.returncode, tuple(done.stderr.splitlines())
    found.faults += [f"{arguments[0]}: {told(error)}" for error in faults]
    if found.code not in (0, 2, 3, 5) and not faults:
        found.faults.append(f"{arguments[0]}: exit {found.code}: {found.lines[:1]}")
    if found.code and located:
        found.faults += list(ill_said(found.lines, folder))
    if CONTROL.search(done.stderr + done.stdout):
        found.faults.append(f"{arguments[0]}: control characters are printed raw")
    if found.code and found.seconds > SECONDS:
        found.faults.append(f"{arguments[0]}: {found.seconds:.1f} s")
    if found.megabytes + loaded() > MEGABYTES:
        found.faults.append(f"{arguments[0]}: {found.megabytes:.0f} MB more than the {loaded():.0f} MB of any command")
    return found


def ill_said(lines: tuple[str, ...], folder: Path) -> Iterator[str]:
    """Yield what is wrong with the lines of a refusal: each names a file, a place in it, and something wrong."""
    if not any(line.startswith("error: ") for line in lines):
        yield "nothing is said"
    for line in lines:
        if line.startswith("hint: ") or MORE.fullmatch(line):
            continue
        if len(line) > LONGEST:
            yield f"{len(line)} letters in a line: {line[:200]}"
        match = PLACED.fullmatch(line)
        if match is None:
            yield f"no place: {line[:300]}"
            continue
        file = folder / match["file"]
        if file.is_file():
            text = file.read_bytes().decode("utf-8-sig", errors="replace")
            text = re.split(r"\r\n|\r|\n" if file.suffix == ".csv" else r"\r?\n", text)
            row, column = int(match["line"]), int(match["column"])
            if not 1 <= row <= len(text) or not 1 <= column <= len(text[row - 1]) + 1:
                yield f"a place outside the file: {line[:300]}"


def told(error: BaseException) -> str:
    """Return an exception with where it came from."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/workbench/" in f.filename]
    where = " < ".join(f"{Path(f.filename).name}:{f.name}:{f.lineno}" for f in reversed(frames[-4:]))
    return f"{type(error).__name__}: {str(error)[:200]} at {where}"


def scenario(file: str, folder: Path, seconds: float, *, also: tuple[str, ...] = ()) -> Verdict:
    """Check a scenario; where it is accepted, plan it and run each arm once, as long as that takes few `seconds`."""
    found = asked("check", file, folder=folder)
    for command in also if found.code == 0 and not found.faults else ():
        more = asked(*command.split(), file, folder=folder, located=False)
        found.faults += more.faults
    if found.code or found.faults:
        return found
    try:
        with limited(seconds):
            run_each_arm(folder / file, found)
    except TooLong:
        found.too_long = True
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is a fault
        found.faults.append(f"accepted, but a run ends with {told(error)}")
    return found


def run_each_arm(file: Path, found: Verdict) -> None:
    """Run the first subject of every arm of every study at its first point."""
    plan = prepare(file, file.with_suffix(".db"), workers=0).plan
    for study in plan.studies:
        for group in study.groups:
            first = plan._chunk(study, group, np.arange(min(group.runs_per_subject, 4096)))
            _, rows = np.unique(first.arms, return_index=True)
            batch = first.batch.take(rows)
            result = solve(batch)
            found.simulated += len(batch)
            found.failed_runs += len(result.failures)
            sound = [run for run in range(len(batch)) if run not in result.failures]
            for name, values in [*result.outcomes.items(), *result.courses.items()]:
                if not np.isfinite(values[..., sound]).all():
                    found.faults.append(f"{name} has no number, and the run counts as done")
