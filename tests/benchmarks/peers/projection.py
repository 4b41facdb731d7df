"""A plastic projection onto one linear unit by Oja's rule, beside Brian2's compiled standalone program."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace

import numpy as np
from benchmarks.peers.peer import Array, Missing, Peer, Run, clocked

from workbench.component.registry import registry
from workbench.plan import plan
from workbench.scenario.load import load_scenario
from workbench.scenario.model import Study
from workbench.scenario.shipped_files import scenarios_folder
from workbench.solver.batch import Batch
from workbench.solver.block import Block
from workbench.solver.run import solve

ARM, OUTCOME, PROJECTION, INPUTS, PHASE = "oja", "norm", "projection.input_output", "input", "learning"


@dataclass(frozen=True)
class Question:
    """Runs with their inputs ``(trials, pre, runs)`` and the weights ``(pre, runs)`` they start from."""

    batch: Batch
    inputs: Array
    weights: Array
    rate: float
    decay: float


def ask(runs: int, trials: int) -> Question:
    """Return the question: so many subjects of the shipped scenario, for so many trials."""
    scenario = load_scenario(scenarios_folder() / "rules/oja.toml")
    scenario = replace(scenario, studies={"peers": Study("peers", "", (ARM,), runs, record=False, outcomes=(OUTCOME,))})
    chunks = plan(scenario, settings={f"phase.{PHASE}.trials": str(trials)}).chunks(lambda structure: runs)
    (batch,) = (chunk.batch for chunk in chunks)
    block = Block(batch, registry())
    block.build_all()
    for draws in block.draws:
        draws.begin(PHASE)
    shown = []
    for begin in range(0, trials, block.piece):
        steps = min(block.piece, trials - begin)
        block.begin_piece(steps)
        shown.append(block.pattern(INPUTS, block.size(INPUTS))[:steps].copy())
    numbers = [float(np.max(batch.values[f"plasticity.input_output.{field}"])) for field in ("rate", "decay")]
    weights = block.signals[f"{PROJECTION}.weight"].reshape(-1, runs).copy()
    return Question(batch, np.concatenate(shown), weights, *numbers)


def answer(question: Question) -> Array:
    """Return the length of the weights at the end, from the equation as it stands."""
    w = question.weights.copy()
    for x in question.inputs:
        y = (w * x).sum(axis=0)
        w += question.rate * (y * x - question.decay * y * y * w)
    return np.linalg.norm(w, axis=0)


def peers(question: Question) -> list[Peer]:
    """Return the programs that answer the question."""
    steps = len(question.batch) * len(question.inputs)
    return [
        Peer("workbench, one core", lambda: ours(question), steps),
        Peer("Brian2, C++ standalone", lambda: clocked(brian(question)), steps),
    ]


def ours(question: Question) -> Run:
    """Return this engine on the same runs; drawing does not count, since the others are given their inputs."""

    def run() -> tuple[Array, float]:
        result = solve(question.batch)
        return result.outcomes[OUTCOME], result.seconds - result.draw_seconds

    return run


def brian(question: Question):  # type: ignore[no-untyped-def]  # Brian2 has no types
    """Build the standalone program and return a call of it; a call starts the program and reads its weights back."""
    try:
        import brian2 as b2
    except ImportError as error:
        raise Missing("brian2 is not installed") from error
    trials, size, runs = question.inputs.shape
    folder = tempfile.mkdtemp(prefix="brian2-")
    b2.set_device("cpp_standalone", directory=folder, build_on_run=False)
    b2.prefs.devices.cpp_standalone.openmp_threads = 0
    inputs = b2.TimedArray(question.inputs.reshape(trials, size * runs), dt=1 * b2.ms)
    b2.defaultclock.dt = 1 * b2.ms
    space = {"inputs": inputs, "rate": question.rate, "decay": question.decay}
    pre = b2.NeuronGroup(size * runs, "x = inputs(t, i) : 1", namespace=space)
    post = b2.NeuronGroup(runs, "y : 1")
    synapses = b2.Synapses(pre, post, "w : 1\ny_post = w * x_pre : 1 (summed)", namespace=space)
    synapses.connect(i=np.arange(size * runs), j=np.tile(np.arange(runs), size))
    synapses.w = question.weights.reshape(-1)
    synapses.run_regularly("w += rate * (y_post * x_pre - decay * y_post * y_post * w)", when="end")
    network = b2.Network(pre, post, synapses)
    network.run(trials * b2.ms)
    b2.device.build(directory=folder, compile=True, run=False)

    def run() -> Array:
        b2.device.run(directory=folder, with_output=False, run_args=[])
        return np.linalg.norm(np.asarray(synapses.w).reshape(size, runs), axis=0)

    return run
