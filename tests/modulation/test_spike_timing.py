"""Paired stimulation: which side a pair opens, by how much, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.circuits import HEAD, joined, only, replaced, solved

from workbench.component.registry import registry
from workbench.errors import ScenarioError
from workbench.modulation.spike_timing import SpikeTiming
from workbench.scenario.load import parse_scenario
from workbench.solver.run import solve

PAIRING = (
    HEAD
    + """
[population.pulse]
kind = "source"
[population.channel]
kind = "source"
size = 3
value = 0.8
[population.response]
size = 3
[projection.w]
pre = "pulse"
post = "response"
weight = 1.0
bounds = [0.2, 2.0]
[plasticity.w]
postsynaptic = "channel"
third_factor = "timing"
rate = 0.1
[modulator.timing]
source = "spike_timing"
interval = "25 ms"
volley_latency = "20 ms"
tau_plus = "15 ms"
tau_minus = "30 ms"
[phase.pairing]
trials = 1
[outcome.weight]
readout = "weight_mean"
projection = "w"
[arm.one]
"""
)
intervals = st.floats(0.0, 100.0)


def change(interval: str) -> float:
    return float(solved(replaced(PAIRING, ('"25 ms"', f'"{interval}"'))).outcomes["weight"][0]) - 1.0


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("25 ms", 0.1 * 0.8 * (2.0 - 1.0) * np.exp(-5 / 15)),
        ("0.02 s", 0.1 * 0.8 * (2.0 - 1.0)),
        ("10 ms", -0.1 * 0.8 * (1.0 - 0.2) * np.exp(-10 / 30)),
        ("0 ms", -0.1 * 0.8 * (1.0 - 0.2) * np.exp(-20 / 30)),
    ],
)
def test_one_pair_changes_the_weight_by_the_closed_form(interval: str, expected: float) -> None:
    assert change(interval) == pytest.approx(expected, rel=1e-12)


def test_the_sign_turns_where_the_volley_arrives() -> None:
    assert change("19.999 ms") < 0.0 < change("20 ms")


@given(interval=intervals, latency=st.floats(1.0, 100.0), tau=st.floats(0.1, 1e3))
def test_a_pair_opens_one_side_and_never_more_than_fully(interval: float, latency: float, tau: float) -> None:
    burst, dip = SpikeTiming.burst(interval, latency, tau), SpikeTiming.dip(interval, latency, tau)
    assert 0.0 <= burst <= 1.0 and 0.0 <= dip <= 1.0
    assert burst == 0.0 or dip == 0.0
    assert (dip == 0.0) if interval >= latency else (burst == 0.0)


@given(near=st.floats(0.001, 50.0), further=st.floats(0.0, 50.0))
def test_either_side_fades_with_the_gap(near: float, further: float) -> None:
    for side, towards in ((SpikeTiming.burst, 1.0), (SpikeTiming.dip, -1.0)):
        assert side(60.0 + towards * (near + further), 60.0, 20.0) <= side(60.0 + towards * near, 60.0, 20.0)


def test_a_run_alone_has_the_bits_it_has_among_other_intervals() -> None:
    values = '[study.arms.sweep]\n"modulator.timing.interval" = { values = ["5 ms", "20 ms", "21.5 ms", "30 ms"] }\n'
    batch = only(replaced(PAIRING, ("trials = 1", "trials = 40")) + values)
    together = solve(batch)
    alone = joined([solve(batch.take(np.array([i]))) for i in range(len(batch))])
    assert together.outcomes["weight"].tobytes() == alone.outcomes["weight"].tobytes()


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ('"25 ms"', '"-5 ms"', "modulator.timing.interval", "0 ms"),
        ('"25 ms"', "25", "modulator.timing.interval", "quantity"),
        ('"25 ms"', '"25 mg"', "modulator.timing.interval", "ms"),
        ('volley_latency = "20 ms"', 'volley_latency = "2 s"', "modulator.timing.volley_latency", "100 ms"),
        ('tau_minus = "30 ms"', 'tau_minus = "0 ms"', "modulator.timing.tau_minus", "0.1 to"),
        ("trials = 1", 'clock = "event"\nlength = "1 h"', "modulator.timing.source", "trial clock"),
    ],
)
def test_what_cannot_be_is_refused_at_its_line(old: str, new: str, key: str, said: str) -> None:
    text = replaced(PAIRING, (old, new))
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text.encode(), "test.toml", Path(), registry())
    found = {problem.key: problem for problem in caught.value.problems}
    assert said in found[key].message
    assert text.splitlines()[found[key].line - 1].startswith(key.rpartition(".")[2])
