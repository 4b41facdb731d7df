"""What a file costs grows with its size, and not with the square of it: the lines that run are counted, not the time.

A file twice as long may run each line twice as often. Whoever looks at all tables for each table runs some line four
times as often, which a minute of a processor tells at sizes that `check` accepts, and no small file does.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from support.commands import workbench
from support.growing import GROWING

import workbench as package
from workbench.execution.runner import prepare
from workbench.solver.run import solve
from workbench.solver.steps import _circle

SIZE = 12
OURS = str(Path(package.__file__).parent)
COSTLY = {"drugs", "doses"}
"""Of these one run costs more than in proportion: every dose is an event, at which every drug is looked at."""


def lines_run(work: Any) -> Counter[tuple[str, int]]:
    """Return how often each line of the package has run; a line that loops counts once a turn."""
    found: Counter[tuple[str, int]] = Counter()

    def line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            found[frame.f_code.co_filename, frame.f_lineno] += 1
        return line

    def call(frame: FrameType, event: str, _: Any) -> Any:
        return line if frame.f_code.co_filename.startswith(OURS) else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        work()
    finally:
        sys.settrace(before)
    return found


def read_and_run(folder: Path, text: str, kind: str) -> None:
    """Check a file, plan it, and simulate the first run of its first study."""
    (folder / "grows.toml").write_text(text, encoding="utf-8")
    done = workbench("check", "grows.toml", cwd=folder)
    assert done.returncode == 0, done.stderr
    plan = prepare(folder / "grows.toml", folder / "grows.db", workers=0).plan
    chunk = next(iter(plan.chunks(lambda structure: 1024)))
    if kind not in COSTLY:
        assert not solve(chunk.batch.take(np.arange(1))).failures


@pytest.mark.parametrize("kind", GROWING)
def test_S08_P8_a_file_twice_as_long_runs_no_line_much_more_than_twice_as_often(kind: str, tmp_path: Path) -> None:
    read_and_run(tmp_path, GROWING[kind](4), kind)  # what is made once is made
    small, large = (lines_run(lambda n=n: read_and_run(tmp_path, GROWING[kind](n), kind)) for n in (SIZE, 2 * SIZE))
    grown = {line: (small[line], count) for line, count in large.items() if count > 10 * SIZE}
    assert len(grown) > 20, "the lines that read a file are counted"
    assert {line: counts for line, counts in grown.items() if counts[1] > 2.7 * counts[0]} == {}


def test_S12_P8_a_loop_of_thousands_of_steps_is_told_soon() -> None:
    """From each step to all others would take minutes; the loop is told, and a shorter one where it is soon found."""

    def ring(n: int, also: int = 0) -> dict[int, set[int]]:
        return {i: {(i + 1) % n, *([also] if also and i == 2 * also else [])} for i in range(n)}

    assert len(_circle(ring(3000))) == 3000
    assert len(_circle(ring(300, also=7))) == 8
    counts = [sum(lines_run(lambda n=n: _circle(ring(n))).values()) for n in (1000, 2000)]
    assert counts[1] < 2.7 * counts[0]
