"""What a run-step of the shipped dystonia scenario costs, block by block and from end to end, here and elsewhere.

Every figure is taken in a process of its own, which runs the package of one checkout: with a second one, both take
turns, so that a machine whose pace drifts is fair to both.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = "scenarios/dystonia.toml"
BLOCKS = (
    ("arms", 1020),
    ("arms", 1500),
    ("arms", 3000),
    ("balance_by_tone", 2890),
    ("balance_by_tone", 5780),
    ("task_structure", 30),
)
"""Studies, and how many runs of each advance together."""
SWEEPS = (("arms", ("--study", "arms")), ("every study", ()))
BLOCK = """
import json, sys, time
from workbench.execution.runner import prepare
from workbench.solver.run import solve
scenario, study, width = sys.argv[1:]
planned = prepare(scenario, "none.db", workers=1, studies=[study]).plan
batch = next(iter(planned.chunks(lambda structure: int(width)))).batch
started = time.process_time()
found = solve(batch)
cpu = time.process_time() - started
print(json.dumps({"runs": len(batch), "steps": len(batch) * found.steps, "cpu": cpu}))
"""
Figures = dict[str, float]


@dataclass(frozen=True)
class Checkout:
    """A tree of the project whose package is measured."""

    folder: Path

    @property
    def commit(self) -> str:
        """Its commit."""
        asked = ["git", "rev-parse", "--short", "HEAD"]
        return subprocess.run(asked, cwd=self.folder, capture_output=True, text=True).stdout.strip() or "no commit"

    @property
    def surroundings(self) -> Mapping[str, str]:
        """The environment in which Python finds its package, and every process computes on one core."""
        return os.environ | {"PYTHONPATH": str(self.folder), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

    def block(self, study: str, width: int) -> Figures:
        """Solve the first block of so many runs; planning is not counted."""
        asked = [sys.executable, "-c", BLOCK, SCENARIO, study, str(width)]
        told = subprocess.run(asked, cwd=self.folder, env=self.surroundings, capture_output=True, text=True, check=True)
        found: Figures = json.loads(told.stdout)
        return found | {"cost": found["cpu"] / found["steps"] * 1e9}

    def sweep(self, words: tuple[str, ...]) -> Figures:
        """Read, plan, compute on two workers, and store: the command as a whole."""
        with tempfile.TemporaryDirectory() as folder:
            db = Path(folder) / "dystonia.db"
            asked = [sys.executable, "-m", "workbench", "sweep", SCENARIO, "--db", str(db), "--workers", "2", *words]
            started = time.perf_counter()
            running = subprocess.Popen(
                asked, cwd=self.folder, env=self.surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            _, status, used = os.wait4(running.pid, 0)
            running.returncode = os.waitstatus_to_exitcode(status)
            wall = time.perf_counter() - started
            if running.returncode:
                raise RuntimeError(f"{' '.join(asked)} ended with {running.returncode}")
            with sqlite3.connect(db) as opened:
                runs, steps = opened.execute("select sum(computed), sum(run_steps) from invocation").fetchone()
        cpu = used.ru_utime + used.ru_stime
        return {"runs": runs, "steps": steps, "cpu": cpu, "wall": wall, "rate": steps / wall / 1e6}


def in_turns(measure: Callable[[Checkout], Figures], checkouts: list[Checkout], rounds: int) -> list[Figures]:
    """Return the median figures of each checkout."""
    told: list[list[Figures]] = [[] for _ in checkouts]
    for _ in range(rounds):
        for kept, checkout in zip(told, checkouts, strict=True):
            kept.append(measure(checkout))
    return [{key: statistics.median(found[key] for found in kept) for key in kept[0]} for kept in told]


def tables(beside: Path | None, *, short: bool, note: Callable[[str], object], rounds: int = 3) -> str:
    """Return the text of this part of the report.

    Parameters
    ----------
    beside : Path, optional
        Another checkout that is measured in turn.
    short : bool
        One small block and no sweep, for a test.
    rounds : int
        How often each figure is taken.
    """
    checkouts = [*([Checkout(beside.resolve())] if beside is not None else []), Checkout(ROOT)]
    rounds = 1 if short else rounds
    lines = [f"Medians of {rounds}. " + " ".join(_named(checkouts)), ""]
    lines += _header("study", "runs wide", *(f"ns a run-step, {at}" for at in _titles(checkouts)))
    for study, width in BLOCKS[-1:] if short else BLOCKS:
        note(f"{study}, {width} runs wide")
        found = in_turns(lambda at, s=study, w=width: at.block(s, w), checkouts, rounds)  # type: ignore[misc]
        lines.append(_row(study, f"{found[-1]['runs']:,.0f}", *(f"{figures['cost']:.0f}" for figures in found)))
    lines.append("")
    columns = [f"{what}, {at}" for at in _titles(checkouts) for what in ("M run-steps/s", "wall s", "CPU s")]
    if not short:
        lines += _header("swept and stored, two workers", "runs", "M run-steps", *columns)
    for title, words in () if short else SWEEPS:
        note(f"sweep of {title}")
        found = in_turns(lambda at, w=words: at.sweep(w), checkouts, rounds)  # type: ignore[misc]
        figures = (f"{each['rate']:.1f} {each['wall']:.1f} {each['cpu']:.1f}".split() for each in found)
        asked = f"{found[-1]['runs']:,.0f}", f"{found[-1]['steps'] / 1e6:.0f}"
        lines.append(_row(title, *asked, *(one for each in figures for one in each)))
    return "\n".join(lines).rstrip() + "\n"


def _titles(checkouts: list[Checkout]) -> list[str]:
    return ["now"] if len(checkouts) == 1 else ["before", "now"]


def _named(checkouts: list[Checkout]) -> Iterator[str]:
    for title, checkout in zip(_titles(checkouts), checkouts, strict=True):
        yield f"{title.capitalize()} is {checkout.commit}."


def _header(*cells: str) -> list[str]:
    return [_row(*cells), _row(*("---" for _ in cells))]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
