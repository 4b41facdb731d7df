"""Ctrl-C, SIGTERM and SIGHUP at any moment of a command: its exit code, no traceback, one object where one is due.

Moments are counted in events instead of milliseconds: the n-th import, opened file or other event that Python lets an
observer see interrupts the command, whatever the speed of the machine. WORKBENCH_TEST_LADDER=STEP tries real time as well: every command, every STEP ms up to 1.5 s.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.commands import ROOT, SMALL, process, started, wait_for_runs

from workbench.cli.progress_bar import Bar, Lines, RunWords
from workbench.execution.runner import run_sweep

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")
LADDER = int(os.environ.get("WORKBENCH_TEST_LADDER", "0"))

COUNTING = """
import os, sys
left = int(os.environ["MOMENT"])
def count(event, details):
    global left
    if "workbench" in sys.modules:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), int(os.environ["SIGNAL"]))
sys.addaudithook(count)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("signals")
    (place / "small.toml").write_text(SMALL)
    (place / "site").mkdir()
    (place / "site" / "sitecustomize.py").write_text(COUNTING)
    run_sweep(place / "small.toml", place / "a.db", workers=1, studies=["strength"])
    return place


def interrupted(folder: Path, moment: int, number: int, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command that gets a signal at its n-th event, be it an import, a file that is opened or another one."""
    path = os.pathsep.join([str(folder / "site"), str(ROOT)])
    changes = {"PYTHONPATH": path, "MOMENT": str(moment), "SIGNAL": str(int(number))}
    return process(*words, cwd=folder, **changes)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (30, ("--help",)),
        (2500, ("check", "small.toml")),
        (4000, ("query", "a.db", "select * from runs")),
        (5000, ("sweep", "small.toml", "--db", "b.db", "--workers", "1")),
    ],
)
def test_I02_an_early_interrupt_is_silent(folder: Path, moment: int, words: tuple[str, ...]) -> None:
    done = interrupted(folder, moment, signal.SIGINT, *words)
    assert (done.returncode, done.stdout) == (130, "")
    lines = [line for line in done.stderr.splitlines() if not line.startswith(("small.toml", "  ", "pilot"))]
    assert all(line.startswith("error: stopped") for line in lines) and len(lines) <= 1, done.stderr


@pytest.mark.parametrize(
    ("moment", "number", "code"), [(30, signal.SIGTERM, 143), (1500, signal.SIGTERM, 143), (2500, signal.SIGHUP, 129)]
)
def test_I03_another_signal_has_its_own_code_and_its_object(folder: Path, moment: int, number: int, code: int) -> None:
    done = interrupted(folder, moment, number, "check", "small.toml", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == found["exit"] == code and not found["ok"] and done.stderr == ""
    assert found["schema"] == 1 and "stopped by" in found["errors"][0]["message"]


def test_I03_what_nohup_has_ignored_stays_ignored(folder: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        done = interrupted(folder, 2500, signal.SIGHUP, "check", "small.toml")
    finally:
        signal.signal(signal.SIGHUP, before)
    assert done.returncode == 0 and done.stdout


def test_I03_a_closed_terminal_lets_a_sweep_store_what_is_in_flight(folder: Path) -> None:
    from support.commands import LONG

    (folder / "long.toml").write_text(LONG)
    sweep = started("sweep", "long.toml", "--db", "long.db", "--workers", "1", "--subjects", "4", cwd=folder)
    wait_for_runs(folder / "long.db", sweep)
    sweep.send_signal(signal.SIGHUP)
    _, err = sweep.communicate(timeout=60)
    assert sweep.returncode == 129
    assert "SIGHUP: finishing and storing what is in flight" in err and "go on with: workbench sweep" in err


def test_I02_what_a_handler_says_passes_by_a_line_that_is_being_written(capfd: pytest.CaptureFixture[str]) -> None:
    words = RunWords()

    class Entered:
        """A stream in the middle of a line, which nobody may enter again."""

        def write(self, text: str) -> None:
            raise RuntimeError("reentrant call")

    real, sys.stderr = sys.stderr, Entered()  # type: ignore[assignment]
    try:
        Lines(words).stopping(signal.SIGINT)
        Bar(words).stopping(signal.SIGTERM)
        Lines(words, quiet=True).stopping(signal.SIGINT)
    finally:
        sys.stderr = real
    assert [line.partition(":")[0] for line in capfd.readouterr().err.splitlines()] == ["Ctrl-C", "SIGTERM"]


EVERY = (
    ("--help",),
    ("doctor",),
    ("check", "small.toml"),
    ("check", "small.toml", "--json"),
    ("query", "a.db", "select * from runs"),
    ("compare", "a.db"),
    ("report", "a.db", "--output", "a.html", "--force"),
    ("sweep", "small.toml", "--db", "new.db", "--workers", "2"),
    ("findings", str(ROOT / "scenarios" / "rules" / "oja.toml"), "--db", "oja.db"),
    ("gallery", str(ROOT / "scenarios" / "rules" / "oja.toml"), "--db", "oja.db", "--output", "g.html", "--force"),
    ("calibrate", str(ROOT / "scenarios" / "dystonia_slice.toml"), "--db", "refit.db", "--to", "refit.toml"),
)


@pytest.mark.skipif(not LADDER, reason="WORKBENCH_TEST_LADDER is not set")
@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_I02_an_interrupt_at_any_millisecond(folder: Path, words: tuple[str, ...]) -> None:
    """Python itself, before our first line, may still print a traceback of its own: `site` is loading then."""
    for wait in range(0, 1501, LADDER):
        running = started(*words, cwd=folder)
        time.sleep(wait / 1000)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=120)
        if "init_import_site" in err or "runpy" in err:
            continue
        assert running.returncode in (0, 130, -signal.SIGINT), (wait, err)
        assert "Traceback" not in err and "Exception ignored" not in err, (wait, err)
        assert "--json" not in words or not out or json.loads(out)["schema"] == 1
