"""A small sound scenario and its parameter set, as text."""

from __future__ import annotations

SOUND = """\
schema = 1
title = "Does a drug slow learning?"
parameters = "small"

[use]
context = "a test"
not_for = "anything else"

[subjects]
count = 5
seed = 7

[population.cue]
kind = "source"
size = 4
[population.muscle]
size = 4
noise = { ref = "noise" }

[projection.map]
wiring = "one_to_one"
pre = "cue"
post = "muscle"
bounds = [0.0, 1.0]
overlap = { value = 0.1, range = [0.0, 0.3], status = "assumed", note = "a guess" }
[plasticity.map]
rule = "two_sided"
third_factor = "dopamine"
rate = 0.05

[modulator.dopamine]
source = "reward_prediction_error"
task = "reach"

[drug.thp]
model = "one_compartment_oral"
absorption = "1.2 1/h"
clearance = { ref = "clearance" }
volume = "200 L"
[occupancy.m1]
drug = "thp"
ec50 = "4 ng/mL"
[link.release]
signal = "occupancy.m1"
onto = "modulator.dopamine.release"
gain = 0.5
[dose.thp]
drug = "thp"
amount = "10 mg"
every = "8 h"
during = "treatment"
[dose.thp.titration]
start = "2 mg/day"
step = "2 mg/day"
each = "3 d"

[task.reach]
kind = "cued_bandit"
cues = "cue"
answers = "muscle"

[phase.practice]
order = 1
trials = 50
[phase.treatment]
order = 2
trials = 50

[outcome.overflow]
readout = "overflow_index"
task = "reach"
window = "last 20 trials of treatment"

[arm.plain]
without = ["dose.thp"]
[arm.treated]
condition = "ill"
compare_with = "plain"
[arm.low]
extends = "treated"
[arm.low.set]
"dose.thp.amount" = "5 mg"
"""

PARAMETERS = """\
schema = 1
name = "small"
version = "1.0"
title = "A small set"

[parameter.noise]
value = 0.1
range = [0.05, 0.2]
meaning = "motor noise"
[parameter.clearance]
value = "20 L/h"
status = "fitted"
fitted_to = ["K1"]
meaning = "clearance of the drug"

[condition.ill]
title = "Ill"
noise = 0.15
clearance = "400 mL/min"
"""

TRAITS = """
[subjects.trait.weight]
distribution = "lognormal"
median = "70 kg"
cv = 0.15
[subjects.trait.weight.effects]
"drug.thp.clearance" = { reference = "70000 g", exponent = 0.75 }
[subjects.trait.noise]
on = "population.muscle.noise"
mode = "set"
distribution = "truncated_normal"
mean = { ref = "noise" }
sd = 0.01
low = 0.0
[subjects.correlation]
"weight.noise" = 0.5
"""
