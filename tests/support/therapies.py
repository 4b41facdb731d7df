"""Sessions in a window of plasticity as scenario text; shared by several test folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from support.circuits import HEAD
from workbench.component.registry import registry
from workbench.plan import plan
from workbench.scenario.load import parse_scenario
from workbench.solver.run import solve

OPENED = (
    HEAD.replace("count = 6", "count = 2")
    + """
[population.cue]
kind = "source"
size = 3
[population.belief]
kind = "choice"
cues = "cue"
favoured_cues = [1, 2]
[projection.belief]
pre = "cue"
post = "belief"
weight = 0.0
spread = 0.06
[plasticity.belief]
rule = "tag_and_capture"
[drug.ketamine]
model = "two_compartment_intravenous"
clearance = "80 L/h"
volume = "120 L"
k12 = "1.1 1/h"
k21 = "0.8 1/h"
[occupancy.block]
drug = "ketamine"
ec50 = "150 ng/mL"
[dose.infusion]
drug = "ketamine"
amount = "35 mg"
duration = "40 min"
every = "48 h"
count = 1
during = "care"
[window.plasticity]
opened_by = "occupancy.block"
reference = "0.5 h"
[phase.care]
clock = "tick"
length = "14 day"
step = "0.5 h"
[outcome.window]
readout = "level"
signal = "window.plasticity"
window = "30 h into care"
[outcome.weight]
readout = "weight_mean"
projection = "belief"
[arm.ketamine]
"""
)
"""A drug, a window, and synapses that nothing teaches but life."""

THERAPY = (
    OPENED
    + """
[window.acute]
opened_by = "occupancy.block"
rise = "3 h"
decay = "100 h"
reference = "0.5 h"
[link.acute]
form = "shift"
signal = "window.acute"
onto = "population.belief.bias"
gain = 0.23
[link.life]
signal = "window.plasticity"
onto = "plasticity.belief.rate"
gain = 3.5
[link.sessions]
signal = "window.plasticity"
onto = "plasticity.belief.session_rate"
gain = 3.5
[link.proteins]
form = "shift"
signal = "window.plasticity"
onto = "plasticity.belief.supply"
gain = 1.23
[link.block_life]
signal = "occupancy.block"
onto = "plasticity.belief.rate"
gain = -1.0
[link.block_sessions]
signal = "occupancy.block"
onto = "plasticity.belief.session_rate"
gain = -1.0
[session.training]
phase = "care"
projection = "belief"
targets = [1]
first = "24 h after dose.infusion"
every = "12 h"
count = 8
[expectancy.care]
phase = "care"
after = "dose.infusion"
active = "infusion"
[scale.madrs]
projection = "belief"
cues = [1, 2]
expectancy = "care"
[assessment.baseline]
phase = "care"
scale = "madrs"
[assessment.later]
phase = "care"
scale = "madrs"
at = ["1 day", "7 day", "13 day"]
after = "dose.infusion"
[outcome.first_day]
readout = "symptom_score"
assessment = "later"
[outcome.last_day]
readout = "symptom_score"
assessment = "later"
visit = 3
[outcome.response]
readout = "response"
assessment = "later"
compared_with = "baseline"
[outcome.expected]
readout = "expected_score"
scale = "madrs"
[outcome.neutral]
readout = "choice_share"
projection = "belief"
cue = 3
[arm.placebo]
without = ["dose.infusion", "session.training"]
[arm.ketamine_alone]
without = ["session.training"]
[arm.therapy]
without = ["dose.infusion"]
[arm.sham]
[arm.sham.set]
"session.training.content" = "sham"
[arm.stressor]
[arm.stressor.set]
"session.training.content" = "stressor"
"""
)
"""The same, with everything that a trial has; arm ``ketamine`` is drug and training."""


def by_arm(text: str, width: int = 4096) -> dict[str, dict[str, np.ndarray]]:
    """Return the outcomes of every arm, subjects in order."""
    found: dict[str, dict[str, np.ndarray]] = {}
    planned = plan(parse_scenario(text.encode(), "test.toml", Path(), registry()))
    for chunk in planned.chunks(lambda structure: width):
        result = solve(chunk.batch)
        assert not result.failures
        names = np.asarray(chunk.arms)
        for arm in dict.fromkeys(names.tolist()):
            mine = {name: value[names == arm] for name, value in result.outcomes.items()}
            before = found.get(arm)
            found[arm] = mine if before is None else {k: np.concatenate([before[k], v]) for k, v in mine.items()}
    return found


def arm(found: dict, name: str) -> dict[str, np.ndarray]:
    """Return an arm by name; chunks number the arms in the order of the file."""
    order = ["ketamine", "placebo", "ketamine_alone", "therapy", "sham", "stressor"]
    return found[name] if name in found else found[order.index(name)]
