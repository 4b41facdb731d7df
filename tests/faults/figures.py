"""Reliability in figures: ``python tests/faults/figures.py`` measures R1 to R18 and writes ``reports/reliability.md``.

Names of figures (``R6 R7``) narrow what is measured; the other rows of the report stay. ``--short`` takes a few points
of each instead, and writes nothing. `WORKBENCH_FAULT_SECONDS=3600` lets allocations fail for an hour in place of a
minute. It ends with 5 if a figure shows a breach.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for place in (ROOT / "tests", ROOT):
    if str(place) not in sys.path:
        sys.path.append(str(place))

from support.reliability import measured  # noqa: E402 - after the places where it and its helpers lie

SECONDS = float(os.environ.get("WORKBENCH_FAULT_SECONDS", "60"))
REPORT = ROOT / "reports" / "reliability.md"
HEAD = """# Reliability in figures

Made by `python tests/faults/figures.py`; each row says when, and which commit was the last to change the package.
Machine: {machine}.

Every disturbed command must end with exit 3 and one line (0 where no harm was done; killed ones just end), leave a sound
database that holds every run it acknowledged, and finish with the digest of an undisturbed one when it is given again.
A breach of any of these counts; each figure should say 0.

| figure | what was done | times | breaches | result | measured |
| --- | --- | --- | --- | --- | --- |
"""
TAIL = """
Not covered: a fault inside one step (between two system calls of one write), other operating systems and file systems
than the one named, a disk that lies about what it has stored, and memory that runs out in Python's own objects rather
than in SQLite.
"""


def machine() -> str:
    """Return system, processor count and file system of this machine, and the versions that matter here."""
    import sqlite3

    folder = tempfile.gettempdir()
    mounts = Path("/proc/mounts")
    held = [line.split()[1:3] for line in mounts.read_text().splitlines()] if mounts.exists() else []
    kinds = [(len(where), kind) for where, kind in held if os.path.commonpath([where, folder]) == where]
    system = f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}, {os.cpu_count()} processors"
    return (
        f"{system}, files on {max(kinds)[1] if kinds else 'an unnamed file system'};"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def line(name: str, found: measured.Figure) -> str:
    """Return a figure as a row of the table."""
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    return f"| {name} | {found.done} | {found.times:,} | {found.breaches} | {found.result} | {date}{commit()} |"


@cache
def commit() -> str:
    """Return the last commit that changed the package, in words; "" where git does not say."""

    def said(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)

    last = said("log", "-1", "--format=%h", "--", "workbench")
    changed = said("diff", "--quiet", "HEAD", "--", "workbench").returncode
    return f" at {last.stdout.strip()}{' and changes' if changed else ''}" if last.stdout.strip() else ""


def kept() -> dict[str, str]:
    """Return the rows of the report by figure."""
    lines = REPORT.read_text(encoding="utf-8").splitlines() if REPORT.exists() else []
    return {text.split("|")[1].strip(): text for text in lines if text.startswith("| R")}


def main(arguments: list[str]) -> int:
    """Measure, print a line as each figure is known, and write the report where all were measured in full."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--short", action="store_true")
    asked.add_argument("figures", nargs="*", metavar="FIGURE")
    given = asked.parse_args(arguments)
    breaches = 0
    with tempfile.TemporaryDirectory(prefix="figures") as place:
        bench = measured.Bench(Path(place), short=given.short, seconds=0.0 if given.short else SECONDS)
        for name, measure in measured.FIGURES.items():
            if not given.figures or name in given.figures:
                found = measure(bench)
                breaches += found.breaches
                row = line(name, found)
                sys.stdout.write("\n  ".join([row, *found.told[:5]]) + "\n")
                sys.stdout.flush()
                if not given.short:
                    write({**kept(), name: row})
    return 5 if breaches else 0


def write(rows: dict[str, str]) -> None:
    """Write the report, figures in order."""
    table = "\n".join(rows[name] for name in measured.FIGURES if name in rows)
    REPORT.write_text(HEAD.format(machine=machine()) + table + "\n" + TAIL, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
