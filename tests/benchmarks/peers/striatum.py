"""The shipped striatum in one condition over a range of LTP/LTD balances, in five programs on one core."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.peers.peer import Array, Missing, Peer, Run, clocked
from numpy.typing import NDArray
from support.striatal_reference import Arm, gates, simulate
from support.striatal_runs import REFRESH, draws, symbols

from workbench.plan import plan
from workbench.scenario.load import load_scenario
from workbench.scenario.model import Axis, Study
from workbench.scenario.shipped_files import scenarios_folder
from workbench.solver.batch import Batch
from workbench.solver.run import solve

MUSCLES, PHASES, ARM, OUTCOME = 4, ("practice", "treatment", "withdrawal"), "dyt1", "overflow_withdrawal"
LAST = 400
"""Trials at the end over which the outcome is a mean."""
ALONE = 4
"""Runs given to the program that takes them one at a time."""

C_ORDER = [
    "surround",
    "overlap",
    "drive",
    "baseline",
    "penalty",
    "target",
    "depotentiation",
    "noise",
    "initial",
    "value_rate",
    "homeostat",
    "homeostat_target",
    "forget",
    "dopamine",
    "ltp",
    "ltd",
    "depression",
    "d2_signal",
]
"""The parameters of striatum.c, in its order."""


@dataclass(frozen=True)
class Question:
    """The runs of one block with everything that chance decides, so that every program starts from the same."""

    batch: Batch
    trials: int
    numbers: dict[str, Any]
    cues: NDArray[np.int64]
    noise: Array

    @property
    def runs(self) -> int:
        """How many runs there are."""
        return len(self.batch)

    @property
    def arm(self) -> Arm:
        """The same numbers as the reference takes them."""
        return Arm(**self.numbers, refresh=REFRESH)

    def factors(self) -> dict[str, Array]:
        """Return what stands still from trial to trial, each ``(runs,)``."""
        arm = self.arm
        gate = gates(arm, 0.0)
        found = {
            **self.numbers,
            "dopamine": gate.dopamine,
            "depression": gate.depression,
            "forget": -np.expm1(-1 / np.asarray(arm.homeostat_window)),
            "ltp": arm.rate * gate.potentiation,
            "ltd": arm.rate * gate.depression / np.sqrt(arm.balance),
        }
        return {name: np.broadcast_to(np.asarray(value, dtype=float), self.runs) for name, value in found.items()}


def ask(subjects: int, balances: int, trials: int) -> Question:
    """Return the question: `subjects` people, each at `balances` values of the balance, `trials` in each phase.

    The condition is untreated, so that the phases differ in nothing but their draws.
    """
    scenario = load_scenario(scenarios_folder() / "dystonia.toml")
    balance = Axis("parameter.ltp_ltd_balance", tuple(np.linspace(0.5, 2.0, balances)), "1")
    study = Study("peers", "", (ARM,), subjects, (balance,), record=False, outcomes=(OUTCOME,))
    scenario = replace(scenario, studies={"peers": study})
    settings = {f"phase.{name}.trials": str(trials) for name in scenario.tables["phase"]}
    chunks = list(plan(scenario, settings=settings).chunks(lambda structure: subjects * balances))
    (batch,) = (chunk.batch for chunk in chunks)
    cues, noise = draws(batch, PHASES, trials, MUSCLES)
    return Question(batch, len(cues), symbols(batch.values), cues, noise)


def answer(question: Question) -> Array:
    """Return the outcome by the reference, whose equations stand as they are written."""
    return _reference(question, slice(None))


def peers(question: Question) -> list[Peer]:
    """Return the programs that answer the question."""
    every = question.runs * question.trials
    return [
        Peer("workbench, one core", lambda: ours(question), every),
        Peer("fused C, one core", lambda: clocked(fused(question)), every),
        Peer("JAX scan, float64", lambda: clocked(jax_scan(question, "float64")), every),
        Peer("JAX scan, float32", lambda: clocked(jax_scan(question, "float32")), every, same=np.inf),
        Peer("NumPy over all runs, as the equations stand", lambda: clocked(lambda: answer(question)), every),
        Peer("NumPy, one run at a time", lambda: clocked(lambda: one_at_a_time(question)), ALONE * question.trials),
    ]


def ours(question: Question) -> Run:
    """Return this engine on the same runs; drawing does not count, since the others are given their draws."""

    def run() -> tuple[Array, float]:
        result = solve(question.batch)
        return result.outcomes[OUTCOME], result.seconds - result.draw_seconds

    return run


def one_at_a_time(question: Question) -> Array:
    """Return the outcome of the first runs, each computed alone."""
    return np.concatenate([_reference(question, slice(i, i + 1)) for i in range(ALONE)])


def _reference(question: Question, runs: slice) -> Array:
    arm = replace(question.arm, **{k: v[runs] for k, v in question.numbers.items() if np.ndim(v)})
    cues, noise = question.cues[:, runs], question.noise[..., runs]
    course = simulate(arm, lambda t: 0.0, cues, lambda start, stop: noise[start:stop])
    return course.overflow(question.trials - LAST, question.trials)


def fused(question: Question) -> Callable[[], Array]:
    """Compile striatum.c, without leave to change the arithmetic, and return a call of it."""
    if shutil.which("gcc") is None:
        raise Missing("no gcc")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "striatum.so"
        source = Path(__file__).with_name("striatum.c")
        subprocess.run(["gcc", "-O3", "-march=native", "-shared", "-fPIC", "-o", library, source, "-lm"], check=True)
        compiled = ctypes.CDLL(str(library)).striatum
    factors = question.factors()
    parameters = np.ascontiguousarray([factors[name] for name in C_ORDER])
    cues, noise = (np.ascontiguousarray(a) for a in (question.cues.astype(np.int_), question.noise))
    out = np.empty(question.runs)
    places = [a.ctypes.data_as(ctypes.c_void_p) for a in (parameters, cues, noise, out)]
    numbers = [ctypes.c_long(n) for n in (question.runs, question.trials, LAST, REFRESH)]

    def run() -> Array:
        compiled(*places, *numbers)
        return out.copy()

    return run


def jax_scan(question: Question, precision: str) -> Callable[[], Array]:
    """Compile the trial as a scan over all runs at once and return a call of it."""
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        raise Missing("jax is not installed") from None
    jax.config.update("jax_enable_x64", True)
    p = {name: jnp.asarray(value, dtype=precision) for name, value in question.factors().items()}
    cues, noise = jnp.asarray(question.cues), jnp.asarray(question.noise, dtype=precision)
    runs, who, others = question.runs, jnp.arange(question.runs), MUSCLES - 1

    def trial(state: Any, given: Any) -> Any:
        w1, w2, value, theta, brake = state
        cue, xi, count = given
        a, b = w1[cue, :, who].T, w2[cue, :, who].T
        shown = jnp.where(jnp.arange(MUSCLES)[:, None] == cue, 1.0, p["overlap"])
        u = p["baseline"] + p["drive"] * shown + a - b + p["noise"] * xi
        m = jnp.clip(u - p["surround"] * (u.sum(axis=0) - u) / others, 0.0, 1.0)
        on = m[cue, who]
        off = (m.sum(axis=0) - on) / others
        error = jnp.clip(on / p["target"], 0.0, 1.0) - p["penalty"] * off - value[cue, who]
        value = value.at[cue, who].add(p["value_rate"] * error)
        theta = theta + (m * m - theta) * p["forget"]
        fresh = (theta / p["homeostat_target"]) ** p["homeostat"]
        brake = jnp.where(count % REFRESH == 0, fresh, brake)
        burst, dip = jnp.maximum(p["dopamine"] * error, 0.0), jnp.maximum(-p["dopamine"] * error, 0.0)
        up, down, back = p["ltp"], p["ltd"], p["depotentiation"] * p["depression"]
        da = up * burst * m * (1 - a) / brake - down * dip * m * a * brake - back * (a - p["initial"])
        db = p["d2_signal"] * up * dip * m * (1 - b) / brake - down * burst * m * b * brake
        db = db - back * (b - p["initial"])
        w1 = w1.at[cue, :, who].set(jnp.clip(a + da, 0.0, 1.0).T)
        w2 = w2.at[cue, :, who].set(jnp.clip(b + db, 0.0, 1.0).T)
        return (w1, w2, value, theta, brake), off / jnp.maximum(on, 0.01)

    def whole(cues: Any, noise: Any) -> Any:
        weights = jnp.broadcast_to(p["initial"], (MUSCLES, MUSCLES, runs))
        threshold = jnp.broadcast_to(p["homeostat_target"], (MUSCLES, runs))
        start = weights, weights, jnp.zeros((MUSCLES, runs), precision), threshold, jnp.ones((MUSCLES, runs), precision)
        _, ratios = jax.lax.scan(trial, start, (cues, noise, jnp.arange(question.trials)))
        return ratios[-LAST:].mean(axis=0)

    compiled = jax.jit(whole)
    return lambda: np.asarray(compiled(cues, noise), dtype=float)
