"""The threshold of potentiation: what it takes away, on which clock, and that it costs nothing at zero."""

from __future__ import annotations

import numpy as np
import pytest
from support.circuits import HEAD, joined, replaced, solved
from support.signs import PAIRING

from workbench.plasticity.two_sided import TwoSided
from workbench.solver.run import solve

CLAMPED = (
    HEAD.replace("count = 6", "count = 1")
    + """
[population.x]
kind = "source"
size = 3
[population.y]
kind = "source"
value = 0.8
size = 3
[projection.w]
wiring = "WIRING"
pre = "x"
post = "y"
weight = 0.2
bounds = [0.0, 1.0]
[plasticity.w]
drive = "hebb"
rate = 0.1
ltd_gain = 0.3
ltp_threshold = 0.0
[phase.learning]
trials = 3
[outcome.weight]
readout = "weight_mean"
projection = "w"
[arm.one]
"""
)


@pytest.mark.parametrize("wiring", ["one_to_one", "dense"])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.8, 5.0])
def test_three_trials_follow_the_equation_as_written(wiring: str, threshold: float) -> None:
    rule, weight = TwoSided(rate=0.1, ltp_threshold=threshold), np.array([[0.2]])
    for _ in range(3):
        weight = weight + rule.drift(weight, np.array([[0.8]]), 0.1, 0.03, 0.0, (0.0, 1.0))
    text = replaced(CLAMPED, ("WIRING", wiring), ("ltp_threshold = 0.0", f"ltp_threshold = {threshold}"))
    assert solved(text).outcomes["weight"][0] == pytest.approx(float(weight[0, 0]), rel=1e-13)


def test_it_acts_on_the_event_clock_and_leaves_depression_alone() -> None:
    changes = {}
    for amplitude in (1.0, -1.0):
        for threshold in (0.0, 0.4):
            text = PAIRING.format(potentiate_on="burst", amplitude=amplitude)
            text = replaced(text, ('drive = "hebb"', f'drive = "hebb"\nltp_threshold = {threshold}'))
            changes[amplitude, threshold] = solved(text).outcomes["weight"][0] - 0.5
    assert changes[1.0, 0.4] == pytest.approx(0.6 * changes[1.0, 0.0], rel=1e-12)
    assert changes[-1.0, 0.4] == changes[-1.0, 0.0] < 0.0


def test_a_run_without_threshold_keeps_its_bits_among_runs_that_have_one() -> None:
    """Even where drive is negative, as a linear unit's may be."""
    from support.circuits import batches

    text = CLAMPED.replace("WIRING", "dense").replace('kind = "source"\nvalue = 0.8', "baseline = -0.7\nnoise = 0.5")
    sweep = '[study.arms]\n[study.more.sweep]\n"plasticity.w.ltp_threshold" = { values = [0.0, 0.1, 0.4] }\n'
    alone, swept = solved(text), joined([solve(b) for b in batches(text + sweep)])
    place = swept.keys.index(alone.keys[0])
    assert swept.outcomes["weight"][place] == alone.outcomes["weight"][0]


@pytest.mark.parametrize(("side", "sign"), [("ltp", 0.0), ("ltd", 1.0)])
def test_negative_drive_is_below_every_threshold_but_still_turns_depression_round(side: str, sign: float) -> None:
    """An inhibited unit keeps its weight where others potentiate, and gains where others are depressed."""
    silent = "ltd_gain = 0.0" if side == "ltp" else "ltp_gain = 0.0\nltd_gain = 0.3"
    text = replaced(CLAMPED, ('kind = "source"\nvalue = 0.8', "baseline = -2.0"), ("ltd_gain = 0.3", silent))
    text = replaced(text, ("WIRING", "one_to_one"), ("ltp_threshold = 0.0", "ltp_threshold = 0.1"))
    change = solved(text).outcomes["weight"][0] - 0.2
    assert np.sign(np.round(change, 12)) == sign
