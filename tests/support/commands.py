"""Running the real command, and small scenarios to run it on."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.cli.main import main

ROOT = Path(__file__).resolve().parents[2]

HEAD = """schema = 1
title = "Small and quick"
[use]
not_for = "anything but tests"
context = "tests"
[subjects]
count = 6
seed = 7
[population.input]
kind = "source"
size = 4
[population.output]
size = 1
[projection.input_output]
pre = "input"
post = "output"
weight = 0.0
spread = 0.2
[task.inputs]
kind = "gaussian"
inputs = "input"
spectrum = [4.0, 2.0, 1.0, 0.5]
[phase.learning]
trials = 300
[outcome.norm]
readout = "weight_norm"
projection = "input_output"
window = "end of learning"
[outcome.mean]
readout = "weight_mean"
projection = "input_output"
window = "end of learning"
[course.norm]
readout = "weight_norm"
projection = "input_output"
every = 100
"""

SMALL = (
    HEAD
    + """
[plasticity.input_output]
rule = "hebb"
stabiliser = "oja"
rate = 0.002
[arm.slow]
[arm.fast]
compare_with = "slow"
[arm.fast.set]
"plasticity.input_output.rate" = 0.004
[study.arms]
[study.strength]
subjects = 3
record = false
[study.strength.sweep]
"projection.input_output.spread" = { values = [0.1, 0.2, 0.3] }
"""
)
"""12 + 18 runs, of which 6 are the same in both studies."""

LONG = (
    HEAD
    + f"""
[plasticity.input_output]
rule = "hebb"
stabiliser = "oja"
rate = 0.002
[study.lengths]
subjects = 20
[study.lengths.sweep]
"phase.learning.trials" = {{ values = {[3000 + 100 * i for i in range(16)]} }}
"""
)
"""16 blocks, one for each length, each a tenth of a second or more."""

DIVERGING = (
    HEAD
    + """
[plasticity.input_output]
rule = "hebb"
rate = 0.001
[arm.calm]
[arm.wild]
[arm.wild.set]
"plasticity.input_output.rate" = 5.0
[study.arms]
"""
)
"""The runs of one arm overflow."""


def command(*arguments: str | Path) -> list[str]:
    """Return the command line that runs the workbench of this checkout."""
    return [sys.executable, "-m", "workbench", *map(str, arguments)]


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a plain terminal-less shell."""
    path = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH", "")) if p)
    return {**os.environ, "PYTHONPATH": path, **changes}


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


def workbench(*arguments: str | Path, cwd: Path) -> Done:
    """Run one command to its end, in this process: the same code as in `process`, without a second of imports."""
    out, err, before = io.StringIO(), io.StringIO(), Path.cwd()
    os.chdir(cwd)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([str(a) for a in arguments])
    finally:
        os.chdir(before)
    return Done(code, out.getvalue(), err.getvalue())


def process(*arguments: str | Path, cwd: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end, in a process of its own."""
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def started(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """Start one command and return at once."""
    return subprocess.Popen(
        command(*arguments), cwd=cwd, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def answer(done: Done | subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the one JSON object on standard output."""
    (line,) = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def stored_runs(db: Path) -> int:
    """Return how many runs are in a database that may be in the middle of a sweep, or not there yet."""
    try:
        connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=10)
    except sqlite3.OperationalError:
        return 0
    try:
        return int(connection.execute("SELECT count(*) FROM run").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()


def wait_for_runs(db: Path, process: subprocess.Popen[str], least: int = 1) -> int:
    """Wait until a running sweep has stored something; fail if it ends before."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = stored_runs(db)
        if found >= least:
            assert process.poll() is None, "the sweep ended before it could be disturbed"
            return found
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    raise AssertionError("nothing was stored in time")


def children(process: subprocess.Popen[str]) -> list[int]:
    """Return the process numbers of a command's children (Linux)."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in listed.read_text().split()]


def gone(pids: list[int], seconds: float = 10.0) -> bool:
    """Whether all processes end within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(_alive(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
