"""How many simulated people pass through 112 days a second, beside a hand-written loop; nothing here asserts a time.

    pytest tests/benchmarks/test_therapy_benchmark.py --benchmark-only

The yardstick advances the same state (late and early weights and tags of two channels and three cues) by plain Euler
steps of half an hour, with one window that all runs share: no drug, no sessions, no visits, nothing recorded or stored.
"""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from workbench.execution.runner import run_sweep
from workbench.scenario.shipped_files import scenarios_folder

WIDTH, DAYS = 2048, 112
ARMS = ("placebo", "ketamine", "therapy", "both")


def yardstick(days: float = DAYS, width: int = WIDTH) -> float:
    """Advance `width` runs by hand-written in-place NumPy; return runs of 112 days a second."""
    late = np.broadcast_to(np.array([0.43, 0.61])[:, None, None], (2, 3, width)) + np.linspace(-0.05, 0.05, width)
    early, tag = np.zeros_like(late), np.zeros_like(late)
    weight, p, work = np.empty_like(late), np.empty_like(late), np.empty_like(late)
    asymptote = np.array([0.85, 1.0])[:, None, None]
    steps, dt = int(days * 48), 0.5
    started = time.perf_counter()
    for k in range(steps):
        window = np.exp(-k * dt / 57.0)
        np.add(late, early, out=weight)
        np.subtract(weight[1], weight[0], out=p[1])
        np.multiply(p[1], 3.17, out=p[1])
        np.exp(p[1], out=p[1])
        np.add(p[1], 1.0, out=p[1])
        np.divide(1.0, p[1], out=p[0])
        np.subtract(1.0, p[0], out=p[1])
        np.subtract(asymptote, weight, out=work)
        np.multiply(work, p, out=work)
        np.multiply(work, dt * 0.0029 * (1.0 + 3.5 * window), out=work)
        np.add(early, work, out=early)
        np.subtract(1.0, tag, out=work)
        np.multiply(work, p, out=work)
        np.multiply(work, dt * 0.5, out=work)
        np.multiply(tag, 1.0 - dt / 1.5, out=tag)
        np.add(tag, work, out=tag)
        np.multiply(tag, early, out=work)
        np.multiply(work, dt * 0.026 * (0.46 + 1.23 * window), out=work)
        np.multiply(early, 1.0 - dt / 17.0, out=early)
        np.subtract(early, work, out=early)
        np.add(late, work, out=late)
        np.subtract(late, 0.3, out=work)
        np.multiply(work, dt / (97.0 * 24.0), out=work)
        np.subtract(late, work, out=late)
    return width * days / DAYS / (time.perf_counter() - started)


def yardstick_on_two_cores() -> float:
    """Return the yardsticks of two processes at once, added up."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        list(pool.map(yardstick, [0.1, 0.1]))  # both processes are up and warm
        return sum(pool.map(yardstick, [DAYS, DAYS]))


def test_yardstick_two_cores(benchmark: pytest.FixtureRequest) -> None:
    benchmark.extra_info["runs of 112 days a second"] = benchmark.pedantic(yardstick_on_two_cores, rounds=2)


def test_people_through_112_days_on_two_workers(benchmark: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Plan, draw, dose, teach, visit, record and store: 8,192 people in each of the four arms of the 2 x 2."""
    text = (scenarios_folder() / "ketamine_therapy.toml").read_text(encoding="utf-8")
    studies = text.index("[study.unblinding]")
    file = tmp_path / "therapy.toml"
    file.write_text(text[:studies], encoding="utf-8")
    names = iter(range(10))

    def whole() -> object:
        return run_sweep(file, tmp_path / f"{next(names)}.db", workers=2, arms=ARMS, subjects=8192)

    result = benchmark.pedantic(whole, rounds=2)
    rate = result.stored / benchmark.stats.stats.min
    benchmark.extra_info["runs of 112 days a second"] = rate
    benchmark.extra_info["ratio to the two-core yardstick"] = rate / yardstick_on_two_cores()
