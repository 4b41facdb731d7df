"""Speed in figures: ``python tests/benchmarks/figures.py`` measures and writes ``reports/benchmarks.md``.

Twenty minutes on a quiet machine, with what ``pip install -e '.[dev,bench]'`` brings. ``--only`` measures one part and
leaves the other as it stands in the report; ``--beside`` measures another checkout in turn with this one; ``--short``
asks small questions and writes nothing. Nothing here asserts a time: each figure stands beside others of the same
minutes.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for place in (ROOT / "tests", ROOT):
    if str(place) not in sys.path:
        sys.path.append(str(place))

from workbench.execution.threads import use_one_thread  # noqa: E402 - after the place where it lies

use_one_thread()  # before NumPy is there: every program gets one core

from benchmarks import dystonia  # noqa: E402 - after the place where it lies
from benchmarks.peers.peer import SAME  # noqa: E402 - after the number of threads is set
from benchmarks.peers.table import tables as peer_tables  # noqa: E402 - after the number of threads is set

REPORT = ROOT / "reports" / "benchmarks.md"
HEAD = """# Speed in figures

Made by `python tests/benchmarks/figures.py`. A rate alone says little about another machine; what is compared was
measured side by side, in turns. No test asserts a time.
"""
DYSTONIA = """`scenarios/dystonia.toml`: four muscles, two pathways, a drug. A block is solved in one process; CPU time counts, without
planning. A sweep is the command as a whole: start, plan, compute, store.
"""
PEERS = f"""Each program computes the same runs from the same draws on one core, and is timed only once its results agree with the
equations written out in NumPy (to {SAME:.0e}; float32 is told as it is). The best of three rounds counts. The first
result includes compiling.
"""


def machine() -> str:
    """Return processor, system and versions."""
    import numpy as np

    from workbench.store.provenance import provenance

    facts = provenance()
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    named = [
        model or platform.processor() or platform.machine(),
        f"{os.cpu_count()} processors",
        f"BLAS {facts['blas']}",
    ]
    return ", ".join(filter(None, [*named, f"Python {platform.python_version()}", f"NumPy {np.__version__}"]))


def load() -> str:
    """Return how busy the machine was as a part began."""
    return f"{os.getloadavg()[0]:.1f} processes waiting or running" if hasattr(os, "getloadavg") else "load unknown"


def dystonia_part(short: bool, beside: Path | None, rounds: int, note: Callable[[str], object]) -> str:
    """Return what a run-step of the dystonia scenario costs."""
    return f"{DYSTONIA}\n{dystonia.tables(beside, short=short, note=note, rounds=rounds)}"


def peers_part(short: bool, beside: Path | None, rounds: int, note: Callable[[str], object]) -> str:
    """Return how fast other programs compute the same."""
    if hasattr(os, "sched_setaffinity"):  # XLA would spread over every core, whatever the number of threads says
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    return f"{PEERS}\n{peer_tables(short=short, note=note)}"


PARTS = {"dystonia": ("One scenario", dystonia_part), "peers": ("Beside other programs", peers_part)}


def written() -> dict[str, str]:
    """Return the parts of the report as it stands, by title."""
    text = REPORT.read_text(encoding="utf-8") if REPORT.exists() else ""
    return {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in text.split("\n## ")[1:]}


def main(arguments: list[str]) -> int:
    """Measure, and write the report unless the questions are the short ones."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--short", action="store_true")
    asked.add_argument("--only", choices=PARTS)
    asked.add_argument("--beside", type=Path)
    asked.add_argument("--rounds", type=int, default=3, help="how often each figure of one scenario is taken")
    given = asked.parse_args(arguments)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    parts = written()
    for name, (title, measure) in PARTS.items():
        if given.only in (None, name):
            began = f"On {datetime.now(UTC).date()}, at {commit.stdout.strip() or 'no commit'}, {load()} before: {machine()}."
            told = measure(given.short, given.beside, given.rounds, lambda title: sys.stderr.write(f"{title} ...\n"))
            parts[title] = f"{began}\n\n{told}".strip()
    ordered = [title for title, _ in PARTS.values() if title in parts]
    text = "\n".join([HEAD, *(f"## {title}\n\n{parts[title]}\n" for title in ordered)])
    sys.stdout.write(text)
    if not given.short:
        REPORT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
