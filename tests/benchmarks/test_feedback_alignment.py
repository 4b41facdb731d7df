"""Layers with batches of samples, side by side with a fused C loop of the same arithmetic."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.circuits import less, only, replaced, shipped_rule

from workbench.component.registry import registry
from workbench.solver.block import Block
from workbench.solver.run import solve

SIZES = samples, n, h, m = 32, 30, 20, 10
STEPS, RUNS, TIMES = 256, 32, 5.0
LOOSE = ("-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros", "-fassociative-math", "-freciprocal-math")
"""What -ffast-math allows the compiler; linked with that, a library would flush the whole process's small numbers to 0."""
needs_compiler = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc on this machine")


@pytest.fixture(scope="module")
def fused(tmp_path_factory: pytest.TempPathFactory) -> Any:
    library = tmp_path_factory.mktemp("fused") / "feedback_alignment.so"
    source = Path(__file__).with_name("feedback_alignment.c")
    command = ["gcc", "-O3", "-march=native", *LOOSE, "-shared", "-fPIC", "-o", library, source]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(library)).feedback_alignment


def batch() -> Any:
    """The shipped network under one subject, so that every run sees the inputs that are given to the C loop."""
    text = less(shipped_rule("feedback_alignment"), "arm", "outcome", "course", "study")
    text = replaced(text, ("count = 3", "count = 1"), ("trials = 3000", f"trials = {STEPS}"))
    text += (
        f'[outcome.loss]\nreadout = "teacher_loss"\ntask = "map"\nwindow = "trials {STEPS - 1}-{STEPS} of learning"\n'
    )
    text += '[arm.fixed]\n[study.s.sweep]\n"plasticity.lower.rate" = { from = 0.008, to = 0.00801, steps = 32 }\n'
    return only(text)


@needs_compiler
def test_a_step_takes_at_most_five_times_the_fused_loop(fused: Any) -> None:
    wanted = batch()
    assert len(wanted) == RUNS
    block = Block(wanted, registry())
    block.build_all()
    maps, back, lower, upper = (
        np.ascontiguousarray(block.signals[name])
        for name in ("task.map.map", "plasticity.lower.feedback", "projection.lower.weight", "projection.upper.weight")
    )
    inputs = []
    for draws in block.draws:
        draws.begin("learning")
        for _ in range(STEPS // block.piece):
            draws.fill(block.piece)
            inputs.append(draws.table[:, :, 0].copy())
    given, loss = np.concatenate(inputs), np.zeros(RUNS)
    ours, theirs = [], []
    for _ in range(3):
        found = solve(wanted)
        ours.append(found.seconds - found.draw_seconds)
        weights = lower.copy(), upper.copy()
        started = time.perf_counter()
        places = [a.ctypes.data_as(ctypes.c_void_p) for a in (given, maps, back, *weights, loss)]
        numbers = [ctypes.c_long(value) for value in (RUNS, STEPS, *SIZES)]
        fused(*numbers, ctypes.c_double(0.008), *places)
        theirs.append(time.perf_counter() - started)
    assert found.outcomes["loss"][0] == pytest.approx(loss[0], rel=1e-9), "the first run has the rate of the C loop"
    assert min(ours) < TIMES * min(theirs), f"{min(ours):.3f} s against {min(theirs):.3f} s"
