"""A stimulated synapse as scenario text; shared by several test folders."""

from __future__ import annotations

from support.circuits import HEAD

SLICE = (
    HEAD.replace("count = 6", "count = 1")
    + """
[population.axon]
kind = "source"
size = 2
[population.spine]
size = 2
[projection.w]
wiring = "one_to_one"
pre = "axon"
post = "spine"
weight = 1.0
bounds = [0.3, 2.0]
[plasticity.w]
rate = 1.0
ltp_gain = 0.09
ltd_gain = 0.05
ltp_trace = "plus"
ltd_trace = "minus"
depotentiation = 0.005
depotentiation_from = "above"
rest = 1.0
[eligibility.plus]
decay = "1 s"
[eligibility.minus]
decay = "2 s"
[bath.free]
magnesium = "0 mM"
[phase.slice]
clock = "tick"
length = "3 min"
step = "1 s"
[stimulus.hfs]
phase = "slice"
projection = "w"
bath = "free"
at = "10 s"
trains = 3
[outcome.weight]
readout = "weight_mean"
projection = "w"
window = "end of slice"
[outcome.after]
readout = "weight_mean"
projection = "w"
window = "14 s into slice"
[arm.one]
"""
)

MIXED = (
    SLICE
    + """
[bath.blocked]
[stimulus.ltd]
phase = "slice"
projection = "w"
bath = "blocked"
at = "60 s"
length = "4 s"
[stimulus.lfs]
phase = "slice"
projection = "w"
bath = "blocked"
at = "65 s"
rate = "2 Hz"
length = "100 s"
"""
)
"""Potentiation first; its mark still fades while depression is marked, and low frequency follows at once."""
