"""Runs of the shipped striatum handed to another program: its numbers by symbol, and the draws of its subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from support.striatal_reference import Array
from workbench.solver.batch import Batch
from workbench.solver.streams import generator

PATHS = {
    "tone": "modulator.acetylcholine.tone",
    "d2_efficacy": "modulator.acetylcholine.d2_efficacy",
    "d2_recruitment": "modulator.acetylcholine.d2_recruitment",
    "k_ach": "receptor.m1.k_ligand",
    "th_d": "gate.depression.threshold",
    "h_d": "gate.depression.exponent",
    "th_p": "gate.potentiation.threshold",
    "restraint": "gate.restraint.strength",
    "dopamine": "modulator.dopamine.release",
    "m4_gain": "link.m4_release.gain",
    "d2_signal": "plasticity.cortex_d2.ltp_gain",
    "balance": "plasticity.cortex_d1.balance",
    "ec50_m1": "occupancy.m1.ec50",
    "ec50_m4": "occupancy.m4.ec50",
    "surround": "projection.surround.weight",
    "overlap": "projection.cortex_muscle.overlap",
    "drive": "projection.cortex_muscle.weight",
    "baseline": "population.muscle.baseline",
    "penalty": "task.reach.penalty",
    "target": "task.reach.target",
    "rate": "plasticity.cortex_d1.rate",
    "depotentiation": "plasticity.cortex_d1.depotentiation",
    "noise": "population.muscle.noise",
    "initial": "projection.cortex_d1.weight",
    "value_rate": "modulator.dopamine.learning_rate",
    "homeostat": "homeostat.muscle.strength",
    "homeostat_target": "homeostat.muscle.target",
    "homeostat_window": "homeostat.muscle.window",
}
"""Where the scenario has each symbol of the reference."""

REFRESH = 10
"""Trials from one look of the homeostat at its threshold to the next, as shipped."""


def symbols(values: Mapping[str, float | Array]) -> dict[str, Any]:
    """Return the numbers of a batch by the symbols of the reference."""
    return {name: values[path] for name, path in PATHS.items()}


def draws(batch: Batch, phases: Sequence[str], trials: int, size: int) -> tuple[NDArray[np.int64], Array]:
    """Return cues ``(trials, runs)`` and noise ``(trials, size, runs)`` from the subjects' own streams."""
    cues, noise = [], []
    subjects, of = np.unique(batch.subjects, return_inverse=True)
    for phase in phases:
        chance = [generator(batch.seed, int(s), "cue:task.reach", phase).random(trials) for s in subjects]
        normals = [generator(batch.seed, int(s), "noise:population.muscle", phase) for s in subjects]
        cues.append(np.floor(np.stack(chance, axis=-1) * size).astype(np.int64))
        noise.append(np.stack([source.standard_normal((trials, size)) for source in normals], axis=-1))
    return np.concatenate(cues)[..., of], np.concatenate(noise)[..., of]
