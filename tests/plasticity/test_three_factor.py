"""Three factors: what lingers between events, a step of trials as its equation reads, and the presets of two regions."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from support.circuits import HEAD, replaced, shipped_rule, solved

from workbench.plasticity.eligibility import DoubleExponential
from workbench.plasticity.three_factor import ThreeFactor

LINGERING = (
    HEAD.replace("count = 6", "count = 2")
    + """
[population.axon]
kind = "source"
value = 1.3
[population.spine]
kind = "source"
[projection.w]
pre = "axon"
post = "spine"
weight = 0.2
[plasticity.w]
rule = "three_factor"
third_factor = "dopamine"
trace = "mark"
rate = 0.1
[eligibility.mark]
kind = "double_exponential"
[modulator.dopamine]
source = "pulse"
amplitude = 0.8
decay = "0.7 s"
[phase.pairing]
clock = "event"
length = "8 s"
[event.activity]
kind = "activity"
phase = "pairing"
at = "1 s"
every = "0.9 s"
count = 4
[event.reward]
kind = "reinforcement"
phase = "pairing"
at = "0.5 s"
every = "1.7 s"
count = 3
[outcome.weight]
readout = "synapse_weight"
projection = "w"
[arm.one]
"""
)


def test_what_lingers_between_events_is_what_integration_gives() -> None:
    """Four marks and three pulses that overlap in every order, against a fine integration of both."""
    mark = DoubleExponential()
    activity, reward = [1.0 + 0.9 * k for k in range(4)], [0.5 + 1.7 * k for k in range(3)]

    def change(t: float, w: np.ndarray) -> list[float]:
        e = sum(1.3 * float(mark.response(t - at)) for at in activity if t >= at)
        d = sum(0.8 * np.exp(-(t - at) / 0.7) for at in reward if t >= at)
        return [0.1 * e * d]

    edges, w = sorted({0.0, 8.0, *activity, *reward}), np.array([0.2])
    for start, stop in pairwise(edges):
        w = solve_ivp(change, (start, stop - 1e-12), w, "DOP853", rtol=1e-11, atol=1e-14).y[:, -1]
    assert solved(LINGERING).outcomes["weight"][0] == pytest.approx(float(w[0]), rel=1e-9)


def test_what_happens_at_the_first_moment_counts() -> None:
    """Activity and dopamine at 0 s, and again in a second phase, which begins with nothing left."""
    swaps = [('at = "1 s"\nevery = "0.9 s"\ncount = 4', 'at = "0 s"'), ('at = "0.5 s"\nevery = "1.7 s"\ncount = 3', 'at = "0 s"'),
             ('kind = "double_exponential"', 'decay = "1 s"')]  # fmt: skip
    once = replaced(LINGERING, *swaps)
    gained = 0.1 * 1.3 * 0.8 * 0.7 / 1.7
    assert solved(once).outcomes["weight"][0] == pytest.approx(
        0.2 + gained * (1.0 - np.exp(-8.0 * 1.7 / 0.7)), rel=1e-12
    )
    again = once + '[phase.second]\norder = 2\nclock = "event"\nlength = "8 s"\n'
    again += '[event.later]\nkind = "reinforcement"\nphase = "second"\nat = "0 s"\n'
    assert solved(again).outcomes["weight"].tobytes() == solved(once).outcomes["weight"].tobytes()


def test_the_weight_on_the_way_does_not_depend_on_when_it_is_read() -> None:
    course = '[course.w]\nreadout = "synapse_weight"\nprojection = "w"\ninterval = "0.13 s"\n'
    assert solved(LINGERING + course).outcomes["weight"] == pytest.approx(
        solved(LINGERING).outcomes["weight"], rel=1e-13
    )


def test_a_step_of_the_trial_clock_is_the_equation_as_written() -> None:
    """Marks, values and weights of the shipped conditioning by a loop in plain Python, 3 episodes."""
    text = replaced(shipped_rule("td_dopamine"), ("trials = 2400", "trials = 60"))
    found = solved(text, arms=["reward"]).outcomes
    rule = ThreeFactor(drive="presynaptic", third_factor="dopamine", rate=0.4)
    w, e = np.zeros(11), np.zeros(11)
    for _ in range(3):
        for step in range(20):
            x, after = (np.eye(11)[k - 5] if 5 <= k <= 15 else np.zeros(11) for k in (step, step + 1))
            delta = float(step == 15) + 0.98 * float(w @ after) - float(w @ x)
            e = (0.0 if step == 0 else 0.98 * 0.8) * e + x
            w = w + rule.drift(e, np.asarray(delta))
    assert found["value"][0] == pytest.approx(w[0], rel=1e-13)


def test_exchanging_two_regions_exchanges_their_results_to_the_bit() -> None:
    results = [solved(shipped_rule("region_rules"), arms=[arm]) for arm in ("motor_sensory", "sensory_motor")]
    one, two = (result.outcomes for result in results)
    for what in ("change", "reversed_change", "width"):
        assert one[f"first_{what}"].tobytes() == two[f"second_{what}"].tobytes()
        assert one[f"second_{what}"].tobytes() == two[f"first_{what}"].tobytes()


PRESET = {"share_2a": 0.55, "trace": "1.5 s", "need_d1": 0.5, "ach_gain": 0.75, "sign": None}
"""Numbers of a site's preset, each with one that neither site has; a sign has only another one."""


@pytest.mark.parametrize("lesion", ["", "without_d1"])
@pytest.mark.parametrize("condition", ["motor_sensory", "sensory_motor"])
def test_every_number_of_a_preset_counts_at_its_site_and_at_no_other(condition: str, lesion: str) -> None:
    """In what is learned; the need of D1 receptors only without them, when the motor site's window potentiates nothing."""
    text, motor = shipped_rule("region_rules"), ("first", "second")[condition == "sensory_motor"]
    head = f'condition = "{condition}"\n' + (f'extends = "{lesion}"\n' if lesion else "")
    text += f"[arm.as_it_is]\n{head}"
    for site, number in product(("first", "second"), PRESET):
        other = (-1.0 if site == motor else 1.0) if number == "sign" else PRESET[number]
        shown = f'"{other}"' if isinstance(other, str) else other
        text += f'[arm.{site}_{number}]\n{head}[arm.{site}_{number}.set]\n"parameter.{site}_{number}" = {shown}\n'
    arms = ["as_it_is", *(f"{site}_{number}" for site, number in product(("first", "second"), PRESET))]
    found = {arm: solved(text, arms=[arm]).outcomes for arm in arms}
    for site, number in product(("first", "second"), PRESET):
        moved = {
            name.partition("_")[0]
            for name, values in found["as_it_is"].items()
            if name.endswith("change") and not np.array_equal(values, found[f"{site}_{number}"][name])
        }
        silent = (number, site) == ("share_2a", motor) if lesion else number == "need_d1"
        assert moved == (set() if silent else {site}), (site, number)
