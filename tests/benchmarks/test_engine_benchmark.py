"""How fast runs advance, side by side with a hand-written loop of the same kind; nothing here asserts a time.

    pytest tests/benchmarks/test_engine_benchmark.py --benchmark-only

The yardstick is the bare cost of the arithmetic: four muscles, one row of weights, noise and target shared by
all runs, no drugs, no homeostat, nothing recorded. `extra_info` holds millions of run-steps a second and, for the whole
sweep, the ratio to the yardstick measured in the same minute.
"""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from support.circuits import STRIATUM, batches, replaced

from workbench.execution.runner import run_sweep
from workbench.solver.run import solve, width_for

WIDTH, STEPS = 2048, 2000


def yardstick(steps: int = STEPS, width: int = WIDTH) -> float:
    """Advance `width` runs by hand-written in-place NumPy; return millions of run-steps a second."""
    rng = np.random.default_rng(0)
    n, target = 4, 0
    noise = rng.standard_normal((steps, n, 1)) * 0.12
    w1, w2, expected = np.full((n, width), 0.5), np.full((n, width), 0.5), np.zeros(width)
    ltp, ltd = np.linspace(0.05, 0.1, width), np.linspace(0.03, 0.08, width)
    u, m, a, b = (np.empty((n, width)) for _ in range(4))
    total, reward, error, up, down = (np.empty(width) for _ in range(5))
    drive = np.full((n, 1), 0.3 + 0.25 * 0.25)
    drive[target] = 0.55
    started = time.perf_counter()
    for t in range(steps):
        np.subtract(w1, w2, out=u)
        np.add(u, drive + noise[t], out=u)
        np.add.reduce(u, axis=0, out=total)
        np.multiply(total, 0.35 / 3, out=total)
        np.multiply(u, 1 + 0.35 / 3, out=u)
        np.subtract(u, total, out=u)
        u.clip(0.0, 1.0, out=m)
        np.add.reduce(m, axis=0, out=total)
        np.subtract(total, m[target], out=total)
        np.multiply(total, 0.1, out=total)
        np.divide(m[target], 0.6, out=reward)
        np.minimum(reward, 1.0, out=reward)
        np.subtract(reward, total, out=reward)
        np.subtract(reward, expected, out=error)
        np.multiply(error, 0.1, out=total)
        np.add(expected, total, out=expected)
        np.maximum(error, 0.0, out=up)
        np.subtract(up, error, out=down)
        for weight, more, less in ((w1, up, down), (w2, down, up)):
            np.multiply(more, ltp, out=total)
            np.multiply(less, ltd, out=reward)
            np.add(total, reward, out=reward)
            np.multiply(weight, reward, out=a)
            np.subtract(total, a, out=b)
            np.multiply(b, m, out=b)
            np.add(weight, b, out=weight)
    return steps * width / (time.perf_counter() - started) / 1e6


def yardstick_on_two_cores() -> float:
    """Return the yardsticks of two processes at once, added up."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        list(pool.map(yardstick, [10, 10]))  # both processes are up and warm
        return sum(pool.map(yardstick, [4 * STEPS, 4 * STEPS]))


def long(trials: int, subjects: int) -> str:
    return replaced(
        STRIATUM,
        ("trials = 150", f"trials = {trials}"),
        ("trials = 100", f"trials = {trials}"),
        ("count = 6", f"count = {subjects}"),
        ("every = 50", f"every = {trials // 5}"),
    )


def test_yardstick_one_core(benchmark: pytest.FixtureRequest) -> None:
    benchmark.extra_info["million run-steps a second"] = benchmark.pedantic(yardstick, rounds=5)


def test_yardstick_two_cores(benchmark: pytest.FixtureRequest) -> None:
    benchmark.extra_info["million run-steps a second"] = benchmark.pedantic(yardstick_on_two_cores, rounds=2)


@pytest.mark.parametrize("conditions", [3, 33])
def test_engine_one_core(benchmark: pytest.FixtureRequest, conditions: int) -> None:
    """One full block; with few conditions a subject the draws weigh more, since arms share them."""
    sweep = '[study.s]\n[study.s.sweep]\n"plasticity.cortex_d1.balance" = { from = 0.5, to = 2.0, steps = %d }\n'
    text = long(500, 1024 if conditions == 3 else 64) + (sweep % (conditions // 3) if conditions > 3 else "")
    first = batches(text, width=WIDTH)[0]
    result = benchmark.pedantic(solve, args=(first,), rounds=5, warmup_rounds=1)
    benchmark.extra_info["million run-steps a second"] = len(first) * result.steps / benchmark.stats.stats.min / 1e6
    benchmark.extra_info["share of drawing"] = result.draw_seconds / result.seconds
    benchmark.extra_info["width chosen"] = width_for(first.structure)


def test_sweep_end_to_end_on_two_workers(benchmark: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Plan, draw, advance, record and store: 64 subjects x 3 arms x 64 points, 12,000 trials a run."""
    sweep = '[study.s]\n[study.s.sweep]\n"plasticity.cortex_d1.balance" = { from = 0.5, to = 2.0, steps = 64 }\n'
    file = tmp_path / "striatum.toml"
    file.write_text(long(6000, 64) + sweep, encoding="utf-8")
    names = iter(range(10))

    def whole() -> object:
        return run_sweep(file, tmp_path / f"{next(names)}.db", workers=2)

    result = benchmark.pedantic(whole, rounds=2)
    rate = result.run_steps / benchmark.stats.stats.min / 1e6
    benchmark.extra_info["million run-steps a second"] = rate
    benchmark.extra_info["ratio to the two-core yardstick"] = rate / yardstick_on_two_cores()
