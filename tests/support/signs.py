"""Two circuits of a few units for the tests of signs and of surround inhibition."""

from __future__ import annotations

from support.circuits import HEAD, SYNAPSE

_ONE = HEAD.replace("count = 6", "count = 1").replace("{", "{{").replace("}", "}}")

PAIRING = (
    _ONE
    + SYNAPSE
    + """
[plasticity.w]
drive = "hebb"
third_factor = "dopamine"
potentiate_on = "{potentiate_on}"
ltp_trace = "mark"
ltd_trace = "mark"
[eligibility.mark]
[modulator.dopamine]
source = "pulse"
amplitude = {amplitude}
[phase.pairing]
clock = "event"
length = "60 s"
[event.pairing]
kind = "activity"
phase = "pairing"
at = "2 s"
[event.reward]
kind = "reinforcement"
phase = "pairing"
at = "3 s"
[outcome.weight]
readout = "weight_mean"
projection = "w"
window = "end of pairing"
[arm.one]
"""
)

SURROUND = (
    _ONE
    + """
[population.x]
kind = "source"
size = {size}
[population.y]
size = {size}
[projection.w]
wiring = "one_to_one"
pre = "x"
post = "y"
weight = 0.5
bounds = [0.0, 1.0]
[projection.surround]
wiring = "surround"
pre = "y"
post = "y"
weight = {weight}
[plasticity.w]
drive = "activity"
rate = 0.1
ltp_gain = 1.0
ltd_gain = 0.0
[phase.learning]
trials = 1
[outcome.weight]
readout = "weight_mean"
projection = "w"
[arm.one]
"""
)
