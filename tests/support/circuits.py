"""Small circuits as scenario text, and the way from text to solved runs; shared by several test folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from support.shipped_texts import shipped_text
from workbench.component.declaration import Component
from workbench.component.registry import registry
from workbench.plan import plan
from workbench.scenario.load import parse_scenario
from workbench.solver.batch import Batch, BatchResult
from workbench.solver.block import Block
from workbench.solver.run import solve

HEAD = """
schema = 1
title = "A small circuit"
[use]
context = "tests"
not_for = "anything else"
[subjects]
count = 6
seed = 7
"""

SYNAPSE = """
[population.axon]
kind = "source"
[population.spine]
kind = "source"
[projection.w]
wiring = "one_to_one"
pre = "axon"
post = "spine"
weight = 0.5
bounds = [0.0, 1.0]
"""
"""One fibre onto one spine."""
EVENT_PAIRING = """
[eligibility.ltp]
kind = "delayed"
[eligibility.ltd]
[modulator.dopamine]
source = "pulse"
[phase.pairing]
clock = "event"
length = "60 s"
[event.pairing]
kind = "activity"
phase = "pairing"
at = "2 s"
"""
"""One activity on the event clock, and the traces and dopamine that a rule with ``ltp`` and ``ltd`` reads."""

STRIATUM = (
    HEAD
    + """
[subjects.trait.clearance]
on = "drug.thp.clearance"
distribution = "lognormal"
median = 1.0
cv = 0.3
[population.cortex]
kind = "source"
size = 4
[population.d1]
size = 4
[population.d2]
size = 4
[population.muscle]
size = 4
baseline = 0.3
noise = 0.12
activation = "clip"
[projection.cortex_muscle]
wiring = "one_to_one"
pre = "cortex"
post = "muscle"
weight = 0.25
overlap = 0.25
[projection.cortex_d1]
pre = "cortex"
post = "d1"
bounds = [0.0, 1.0]
[projection.cortex_d2]
pre = "cortex"
post = "d2"
bounds = [0.0, 1.0]
[projection.d1_muscle]
wiring = "one_to_one"
pre = "d1"
post = "muscle"
[projection.d2_muscle]
wiring = "one_to_one"
pre = "d2"
post = "muscle"
sign = "inhibitory"
[projection.surround]
wiring = "surround"
pre = "muscle"
post = "muscle"
[plasticity.cortex_d1]
postsynaptic = "muscle"
third_factor = "dopamine"
ltp_permission = ["ltp", "restraint"]
ltd_permission = "ltd"
ltp_trace = "ltp"
ltd_trace = "ltd"
homeostat = "muscle"
depotentiation = 0.004
[plasticity.cortex_d2]
postsynaptic = "muscle"
third_factor = "dopamine"
potentiate_on = "dip"
ltp_permission = ["ltp", "restraint"]
ltd_permission = "ltd"
ltp_trace = "ltp"
ltd_trace = "ltd"
homeostat = "muscle"
depotentiation = 0.004
[eligibility.ltp]
kind = "delayed"
[eligibility.ltd]
kind = "delayed"
decay = "2 s"
[homeostat.muscle]
population = "muscle"
[modulator.dopamine]
source = "reward_prediction_error"
task = "reach"
[modulator.ach]
source = "cholinergic"
[receptor.m1]
ligand = "ach"
antagonists = "m1"
[gate.ltp]
form = "hill"
signal = "receptor.m1"
[gate.ltd]
form = "inverse_hill"
signal = "receptor.m1"
[gate.restraint]
form = "restraint"
of = "modulator.ach.d2_efficacy"
[drug.thp]
model = "two_compartment_oral"
[occupancy.m1]
drug = "thp"
[link.release]
signal = "occupancy.m1"
onto = "modulator.dopamine.release"
gain = 0.5
[dose.thp]
drug = "thp"
amount = "10 mg"
every = "8 h"
during = "treatment"
[task.reach]
kind = "cued_bandit"
cues = "cortex"
answers = "muscle"
[phase.practice]
order = 1
trials = 150
[phase.treatment]
order = 2
trials = 100
[outcome.overflow]
readout = "overflow_index"
task = "reach"
window = "last 50 trials of treatment"
[outcome.success]
readout = "success_rate"
task = "reach"
[outcome.weight]
readout = "weight_mean"
projection = "cortex_d1"
window = "end of treatment"
[course.overflow]
readout = "overflow_index"
task = "reach"
every = 50
[arm.healthy]
without = ["dose.thp"]
[arm.ill]
without = ["dose.thp"]
compare_with = "healthy"
[arm.ill.set]
"modulator.ach.tone" = 1.5
"modulator.ach.d2_efficacy" = -0.2
[arm.treated]
extends = "ill"
with = ["dose.thp"]
compare_with = "ill"
"""
)


def shipped_rule(name: str) -> str:
    """Return the text of a scenario of a learning rule, its numbers bare: tests change them, whatever is said of them."""
    text = shipped_text(f"rules/{name}")
    return re.sub(r'\{ value = ("[^"]*"|[-\d.e+]+), (?:range = \[[^]]*\], )?status = [^}]*\}', r"\1", text)


def less(text: str, *sections: str) -> str:
    """Return `text` without the tables of some sections."""
    return re.sub(rf"^\[({'|'.join(sections)})\..*?(?=^\[|\Z)", "", text, flags=re.MULTILINE | re.DOTALL)


def replaced(text: str, *swaps: tuple[str, str]) -> str:
    """Return `text` with each swap made; a swap that finds nothing is a mistake in the test."""
    for old, new in swaps:
        if old not in text:
            raise ValueError(f"not in the text: {old!r}")
        text = text.replace(old, new)
    return text


def batches(
    text: str, *, width: int = 4096, components: Iterable[type[Component]] = (), **options: object
) -> list[Batch]:
    """Return the batches of a scenario text."""
    known = registry().extended(components)
    scenario = parse_scenario(text.encode(), "test.toml", Path(), known)
    planned: Callable[..., object] = plan
    return [chunk.batch for chunk in planned(scenario, **options).chunks(lambda structure: width)]  # type: ignore[attr-defined]


def only(text: str, **options: object) -> Batch:
    """Return the single batch of a scenario text."""
    (batch,) = batches(text, **options)  # type: ignore[arg-type]
    return batch


def equal(one: BatchResult, other: BatchResult) -> bool:
    """Return whether two results hold the same runs with the same bits."""
    here, there = np.argsort(one.keys), np.argsort(other.keys)
    if [one.keys[i] for i in here] != [other.keys[i] for i in there]:
        return False
    values = [(one.outcomes[k][here], other.outcomes[k][there]) for k in one.outcomes]
    values += [(one.courses[k][:, here], other.courses[k][:, there]) for k in one.courses]
    return all(a.tobytes() == b.tobytes() for a, b in values)


def joined(results: list[BatchResult]) -> BatchResult:
    """Return the runs of several results as one."""
    first = results[0]
    return BatchResult(
        keys=tuple(key for r in results for key in r.keys),
        outcomes={k: np.concatenate([r.outcomes[k] for r in results]) for k in first.outcomes},
        courses={k: np.concatenate([r.courses[k] for r in results], axis=1) for k in first.courses},
        times=first.times,
        failures={},
        steps=first.steps,
        seconds=0.0,
        draw_seconds=0.0,
    )


def solved(text: str, **options: object) -> BatchResult:
    """Solve the single batch of a scenario text."""
    return solve(only(text, **options))


HEBB = (
    HEAD
    + """
[population.input]
kind = "source"
[population.output]
[projection.w]
pre = "input"
post = "output"
weight = 0.5
bounds = [0.0, 10.0]
[plasticity.w]
rule = "hebb"
rate = 0.1
[task.inputs]
kind = "patterns"
inputs = "input"
values = [1.0]
[phase.learning]
trials = 3
[outcome.weight]
readout = "synapse_weight"
projection = "w"
window = "end of learning"
"""
)
"""One weight, one input, one output."""


def one_step(text: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return all signals before and after the first step of phase ``learning``."""
    block = Block(only(text), registry())
    block.build_all()
    before = {name: np.array(array) for name, array in block.signals.items()}
    for draws in block.draws:
        draws.begin("learning")
    block.begin_piece(1)
    for step in block.steps("trial"):
        step.function(0)
    return before, {name: np.array(array) for name, array in block.signals.items()}
