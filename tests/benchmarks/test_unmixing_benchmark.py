"""The cubic rule on wide layers, side by side with a fused C loop of the same arithmetic.

    pytest tests/benchmarks/test_unmixing_benchmark.py --benchmark-only

`extra_info` holds microseconds a step of both, measured in turn within the same minute, and their ratio.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.circuits import HEAD, only

from workbench.component.registry import registry
from workbench.solver.block import Block

POST, PRE, RUNS, STEPS, ROUNDS = 4, 16, 512, 64, 15
RATE = 0.0003
CIRCUIT = (
    HEAD
    + f"""
[population.x]
kind = "source"
size = {PRE}
[population.y]
size = {POST}
[projection.w]
pre = "x"
post = "y"
weight = 0.0
spread = 0.25
[plasticity.w]
rule = "cubic"
stabiliser = "l2"
rate = {RATE}
[task.voices]
kind = "mixture"
inputs = "x"
laplace = {PRE}
uniform = 0
exponential = 0
[phase.learning]
trials = {STEPS}
[outcome.norm]
readout = "weight_norm"
projection = "w"
"""
)


LOOSE = ("-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros", "-fassociative-math", "-freciprocal-math")
"""What -ffast-math allows the compiler; linked with that, a library would flush the whole process's small numbers to 0."""


@pytest.fixture(scope="module")
def fused(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The C loop, compiled here; skipped where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    library = tmp_path_factory.mktemp("fused") / "cubic.so"
    source = Path(__file__).with_name("cubic.c")
    options = ("-O3", "-march=native", *LOOSE, "-shared", "-fPIC")
    subprocess.run([compiler, *options, "-o", str(library), str(source), "-lm"], check=True)
    function = ctypes.CDLL(str(library)).cubic
    pointer = np.ctypeslib.ndpointer(np.float64, flags="C")
    function.argtypes = [pointer, pointer, pointer, *[ctypes.c_size_t] * 3, ctypes.c_double]
    return function


def built() -> tuple[Block, list[Any]]:
    """Return a block of as many runs as are asked for, its draws made, and the functions of one step."""
    batch = only(CIRCUIT, subjects=RUNS)
    block = Block(batch, registry())
    block.build_all()
    for draws in block.draws:
        draws.begin("learning")
    block.phase = "learning"
    block.begin_piece(STEPS)
    return block, [s.function for s in block.steps("trial") if s.stage != "drive"]


def test_the_step_in_numpy_and_in_c_give_the_same(fused: Any) -> None:
    block, functions = built()
    weight = block.signals["projection.w.weight"]
    theirs, scratch = weight.copy(), np.empty((2, RUNS))
    for t in range(STEPS):
        for function in functions:
            function(t)
        fused(theirs, np.ascontiguousarray(block.signals["population.x.activity"]), scratch, POST, PRE, RUNS, RATE)
    assert np.allclose(weight, theirs, rtol=1e-9, atol=1e-12)


def test_a_wide_cubic_layer_takes_no_more_than_five_times_fused_c(benchmark: Any, fused: Any) -> None:
    block, functions = built()
    inputs = np.ascontiguousarray(block.signals["population.x.activity"]) + 1e-3
    theirs, scratch = block.signals["projection.w.weight"].copy(), np.empty((2, RUNS))
    mine_took, theirs_took = [], []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for t in range(STEPS):
            for function in functions:
                function(t)
        middle = time.perf_counter()
        for _t in range(STEPS):
            fused(theirs, inputs, scratch, POST, PRE, RUNS, RATE)
        mine_took.append((middle - started) / STEPS)
        theirs_took.append((time.perf_counter() - middle) / STEPS)
    ratio = min(mine_took) / min(theirs_took)
    benchmark.extra_info.update(engine_us=1e6 * min(mine_took), c_us=1e6 * min(theirs_took), ratio=ratio)
    benchmark.pedantic(lambda: [function(0) for function in functions], rounds=20)
    assert ratio < 5.0
