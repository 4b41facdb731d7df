"""Compartments and inputs as chance has them, the same numbers on every processor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def drawn_systems(seed: int, systems: int) -> list[tuple[Array, Array, Array]]:
    """Return rates of elimination, out and back ``(runs,)``: drugs, extremes, and rates back that meet or nearly do.

    Powers of two and products alone, which every processor rounds alike.
    """
    rng, found = np.random.default_rng(seed), []
    for i in range(systems):
        size, reach = int(rng.integers(1, 6)), 14 if i % 2 else 2  # half of them span 28 powers of two
        clearance, volume, *drawn = np.ldexp(
            rng.uniform(1.0, 2.0, 2 + 2 * size), rng.integers(-reach, reach, 2 + 2 * size)
        )
        flows, volumes = np.array(drawn[:size]), np.array(drawn[size:])
        alike = int(rng.integers(1, size + 1))
        flows[:alike], volumes[:alike] = flows[0], volumes[0]
        if i % 3 == 1:
            volumes[0] = np.nextafter(volumes[0], np.inf)
        found.append((np.array([clearance / volume]), flows[:, None] / volume, (flows / volumes)[:, None]))
    return found


FLOW = """
schema = 1
title = "Drawn patterns"
[use]
context = "tests"
not_for = "anything else"
[subjects]
count = 1
seed = 1
[population.x]
kind = "source"
size = 4
[population.y]
size = 1
[projection.w]
pre = "x"
post = "y"
weights = {start}
[plasticity.w]
rule = "hebb"
stabiliser = "{stabiliser}"
rate = 0.01
[task.shown]
kind = "patterns"
inputs = "x"
values = {patterns}
[phase.learning]
clock = "flow"
trials = 300
[outcome.norm]
readout = "weight_norm"
projection = "w"
window = "end of learning"
[outcome.power]
readout = "output_power"
projection = "w"
task = "shown"
window = "end of learning"
[arm.one]
"""


def drawn_flows(seed: int, flows: int) -> list[tuple[str, Array, Array, str]]:
    """Return scenarios of one unit on drawn patterns, with start weights, patterns and stabiliser.

    A third of them have fewer patterns than inputs, a third patterns that look the same from all sides.
    """
    rng, found = np.random.default_rng(seed), []
    for i in range(flows):
        count = (5, 2, 4)[i % 3]
        patterns = np.eye(4) if i % 3 == 2 else rng.integers(-64, 64, (count, 4)) / 64.0
        start, stabiliser = rng.integers(8, 32, 4) / 64.0, ("none", "oja")[i // 3 % 2]
        text = FLOW.format(start=start.tolist(), stabiliser=stabiliser, patterns=patterns.ravel().tolist())
        found.append((text, start, patterns, stabiliser))
    return found
