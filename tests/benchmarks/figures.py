"""Speed in figures: ``python tests/benchmarks/figures.py`` measures and writes ``reports/benchmarks.md``.

A quarter of an hour on a quiet machine, with what ``pip install -e '.[dev,bench]'`` brings. ``--short`` asks small
questions and writes nothing. Nothing here asserts a time: each figure stands beside others of the same minutes.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for place in (ROOT / "tests", ROOT):
    if str(place) not in sys.path:
        sys.path.append(str(place))

from workbench.execution.threads import use_one_thread  # noqa: E402 - after the place where it lies

use_one_thread()  # before NumPy is there: every program gets one core

from benchmarks.peers.table import tables  # noqa: E402 - after the number of threads is set

REPORT = ROOT / "reports" / "benchmarks.md"
HEAD = """# Speed in figures

Made by `python tests/benchmarks/figures.py` on {date}, at {commit}.
Machine: {machine}.

A rate alone says little about another machine; the ratios were measured side by side, in turns, and the best of three
rounds counts. No test asserts a time.

## Beside other programs

Each program computes the same runs from the same draws on one core, and is timed only once its results agree with the
equations written out in NumPy (to {same:.0e}; float32 is told as it is). The first result includes compiling.

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
        f"{os.cpu_count()} processors, one of them used",
        f"BLAS {facts['blas']}",
    ]
    return ", ".join(filter(None, [*named, f"Python {platform.python_version()}", f"NumPy {np.__version__}"]))


def main(arguments: list[str]) -> int:
    """Measure, and write the report unless the questions are the short ones."""
    from benchmarks.peers.peer import SAME

    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--short", action="store_true")
    short = asked.parse_args(arguments).short
    if hasattr(os, "sched_setaffinity"):  # XLA would spread over every core, whatever the number of threads says
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    head = HEAD.format(
        date=datetime.now(UTC).date(), commit=commit.stdout.strip() or "no commit", machine=machine(), same=SAME
    )
    text = head + tables(short=short, note=lambda title: sys.stderr.write(f"{title} ...\n"))
    sys.stdout.write(text)
    if not short:
        REPORT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
