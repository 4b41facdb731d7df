"""The spiking form of inhibitory balance against a loop in plain Python, spike by spike in the stated order."""

from __future__ import annotations

import numpy as np
from support.circuits import HEAD, only

from workbench.component.registry import registry
from workbench.solver.block import Block

STEPS = 64
CIRCUIT = (
    HEAD
    + f"""
[population.x]
kind = "source"
size = 3
[population.y]
kind = "escape_rate"
spikes = "trains"
drive = 1.0
rate_at_rest = "200 Hz"
[projection.w]
pre = "x"
post = "y"
sign = "inhibitory"
weight = 0.3
bounds = [0.0, 5.0]
[plasticity.w]
rule = "spike_balance"
rate = 0.05
target = "8 Hz"
[task.trains]
kind = "poisson"
inputs = "x"
rate = "300 Hz"
[phase.learning]
trials = {STEPS}
[outcome.weight]
readout = "weight_mean"
projection = "w"
"""
)


def test_potential_traces_and_weights_follow_the_stated_order() -> None:
    batch = only(CIRCUIT)
    block = Block(batch, registry())
    block.build_all()
    for draws in block.draws:
        draws.begin("learning")
    block.begin_piece(STEPS)
    chances = next(d for d in block.draws if d.stream == "spikes:population.y").table
    steps = [s.function for s in block.steps("trial") if s.stage != "drive"]
    runs = len(batch)
    w, v = np.full((3, runs), 0.3), np.full(runs, 1.0)
    before, after = np.zeros((3, runs)), np.zeros(runs)
    dt, tau, alpha, spikes = 0.0005, 0.02, 2 * 8 * 0.02, 0
    for t in range(STEPS):
        for function in steps:
            function(t)
        s = block.signals["population.x.activity"].copy()
        v = 1.0 + (v - 1.0) * np.exp(-dt / tau) - (w * s).sum(axis=0)
        y = (chances[t, 0] < 1.0 - np.exp(-dt * 200.0 * np.exp(v))).astype(float)
        before, after = before * np.exp(-dt / tau), after * np.exp(-dt / tau)
        w = np.clip(w + 0.05 * (s * (after - alpha) + y * before), 0.0, 5.0)
        before, after = before + s, after + y
        assert np.array_equal(y, block.signals["population.y.activity"][0])
        spikes += int(y.sum())
    assert spikes > 12, "the test says something only if the unit fires"
    assert np.allclose(block.signals["projection.w.weight"][0], w, rtol=1e-12)
