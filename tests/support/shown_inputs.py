"""What a task shows, over many trials, to a circuit that learns nothing."""

from __future__ import annotations

import numpy as np

from support.circuits import HEAD, only
from workbench.component.registry import registry
from workbench.solver.block import Block

CIRCUIT = (
    HEAD
    + """
[population.x]
kind = "source"
size = 4
[population.y]
[projection.w]
pre = "x"
post = "y"
weight = 0.1
[plasticity.w]
rule = "hebb"
rate = 0.0
[phase.learning]
trials = 10
[outcome.norm]
readout = "weight_norm"
projection = "w"
"""
)


def shown(task: str, trials: int, subjects: int = 4) -> tuple[np.ndarray, Block]:
    """Return what a task shows, (trial, input, subject), and the block that shows it."""
    batch = only(CIRCUIT + "[task.t]\n" + task, subjects=subjects)
    block = Block(batch.take(np.repeat(np.arange(subjects), 2)), registry())
    block.build_all()
    for draws in block.draws:
        draws.begin("learning")
    pieces = []
    for begin in range(0, trials, block.piece):
        block.phase, block.trial = "learning", begin
        block.begin_piece(min(block.piece, trials - begin))
        pieces.append(block.pattern("x", 4)[: trials - begin].copy())
    return np.concatenate(pieces), block
