"""The tick clock against closed forms, and its order against a tight reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp
from support.circuits import STRIATUM, batches, replaced, solved
from support.slices import MIXED, SLICE

from workbench.component.declaration import Component, number
from workbench.component.registry import registry
from workbench.errors import AssemblyError
from workbench.plasticity.eligibility import Delayed, Exponential
from workbench.plasticity.two_sided import kernel
from workbench.solver.run import solve, width_for

TRAINS = [(10.0, 13.0), (33.0, 36.0), (56.0, 59.0)]


@pytest.mark.parametrize(
    "mark",
    [
        Exponential(decay=1.3),
        Exponential(decay=2.0, reference=0.8),
        Delayed(),
        Delayed(decay=2.0, shape=2.5, peak=0.9, reference=0.7),
    ],
)
def test_areas_under_marks_are_integrals_of_the_response(mark: Exponential | Delayed) -> None:
    whole = quad(lambda d: float(mark.response(d)), 0.0, 60.0, points=[0.3, 1.0, 3.0], epsabs=1e-13)[0]
    assert float(mark.total()) == pytest.approx(whole, rel=1e-9)

    def laid(since: float) -> float:  # area of the mark of a drive of 1/s that began `since` ago
        return quad(lambda d: (since - d) * float(mark.response(d)), 0.0, since, points=[min(0.3, since / 2)])[0]

    for since in (0.1, 0.5, 2.0, 7.0):
        grown = float(mark.total()) * since - float(mark.remaining(0.0)) + float(mark.remaining(since))
        assert grown == pytest.approx(laid(since), rel=1e-7, abs=1e-10)


def _area(response: Callable[[float], float], until: float) -> float:
    """Area up to `until` under the mark of the three trains, by quadrature over the moments that left it."""

    def left_by(moment: float) -> float:
        return quad(response, 0.0, until - moment, points=[0.3, 1.0], limit=200)[0] if until > moment else 0.0

    return sum(quad(left_by, start, min(stop, until))[0] for start, stop in TRAINS if start < until)


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("side", ["ltp", "ltd"])
@pytest.mark.parametrize("step", ["1 s", "60 s"])
def test_one_side_alone_is_exact_at_any_step(side: str, delayed: bool, step: str) -> None:
    text = replaced(SLICE, ('step = "1 s"', f'step = "{step}"'))
    if side == "ltd":
        text = replaced(
            text, ('bath = "free"', 'bath = "blocked"'), ('[bath.free]\nmagnesium = "0 mM"', "[bath.blocked]")
        )
    kind = Delayed(decay=1.0) if delayed else Exponential(decay=1.0 if side == "ltp" else 2.0)
    if delayed:
        text = replaced(
            text,
            ('[eligibility.plus]\ndecay = "1 s"', '[eligibility.plus]\nkind = "delayed"\ndecay = "1 s"'),
            ('[eligibility.minus]\ndecay = "2 s"', '[eligibility.minus]\nkind = "delayed"\ndecay = "1 s"'),
        )
    bound, gain = (2.0, 0.09) if side == "ltp" else (0.3, 0.05)
    found = solved(text).outcomes
    for name, until in (("weight", 180.0), ("after", 14.0)):
        area = _area(lambda d: float(kind.response(d)), until)
        assert found[name][0] == pytest.approx(bound + (1.0 - bound) * np.exp(-gain * area), rel=1e-8)


def _reference(pace: float = 1.0) -> float:
    """The mixed protocol as the differential equation reads, solved piece by piece between its edges."""
    edges = [0.0, *(edge for span in TRAINS for edge in span), 60.0, 64.0, 65.0, 165.0, 180.0]
    state = np.array([0.0, 0.0, 1.0])
    for start, stop in pairwise(edges):
        middle = (start + stop) / 2
        plus = float(any(a < middle < b for a, b in TRAINS))
        minus, low = float(60.0 < middle < 64.0), float(65.0 < middle < 165.0)

        def flow(t: float, x: np.ndarray, plus: float = plus, minus: float = minus, low: float = low) -> list[float]:
            up, down, weight = x
            change = 0.09 * up * (2.0 - weight) - 0.05 * down * (weight - 0.3) - 0.005 * low * max(weight - 1.0, 0.0)
            return [-up / 1.0 + plus, -down / 2.0 + minus, pace * change]

        state = solve_ivp(flow, (start, stop), state, method="DOP853", rtol=1e-12, atol=1e-14).y[:, -1]
    return float(state[2])


def test_both_sides_together_are_of_second_order() -> None:
    exact, errors = _reference(), []
    for step in ("1 s", "0.5 s", "0.25 s", "0.125 s"):
        text = replaced(MIXED, ('step = "1 s"', f'step = "{step}"'))
        errors.append(abs(solved(text).outcomes["weight"][0] - exact))
    assert errors[0] < 1e-3
    slopes = np.diff(np.log2(errors)) / -1.0
    assert np.all(slopes > 1.9) and np.all(slopes < 2.1), (errors, slopes)


def test_pace_scales_all_three_terms_alike() -> None:
    text = replaced(MIXED, ("rate = 1.0", 'rate = 1.0\npace = "0.5 1/s"'), ('step = "1 s"', 'step = "0.05 s"'))
    assert solved(text).outcomes["weight"][0] == pytest.approx(_reference(pace=0.5), abs=1e-6)


def test_dense_weights_move_as_one_to_one_weights_do() -> None:
    dense = replaced(MIXED, ('wiring = "one_to_one"', 'wiring = "dense"'))
    assert solved(dense).outcomes["weight"][0] == solved(MIXED).outcomes["weight"][0]


def test_the_threshold_of_potentiation_takes_its_share_of_the_clamped_drive() -> None:
    plain, high = (
        solved(replaced(SLICE, ("ltp_gain = 0.09", gain))).outcomes["weight"][0]
        for gain in ("ltp_gain = 0.054", "ltp_gain = 0.09\nltp_threshold = 0.4")
    )
    assert high == pytest.approx(plain, rel=1e-13)


def test_low_frequency_marks_nothing_and_returns_only_what_lies_above_rest() -> None:
    lfs = replaced(SLICE, ("trains = 3", 'rate = "5 Hz"\nlength = "60 s"'))
    after = [
        solved(replaced(lfs, ("weight = 1.0", f"weight = {start}"), ('"above"', f'"{side}"'))).outcomes["weight"][0]
        for side in ("above", "both_sides")
        for start in (0.6, 1.5)
    ]
    kept = np.exp(-0.005 * 60.0)
    assert after == pytest.approx([0.6, 1 + 0.5 * kept, 1 - 0.4 * kept, 1 + 0.5 * kept], rel=1e-12)


def test_between_the_rates_and_the_magnesium_of_the_file_lies_a_sharp_switch() -> None:
    text = replaced(SLICE, ('magnesium = "0 mM"', 'magnesium = "0.5 mM"'))
    assert (
        solved(text).outcomes["weight"][0] < 1.0 < solved(replaced(text, ("0.5 mM", "0.49 mM"))).outcomes["weight"][0]
    )
    above = solved(replaced(SLICE, ("trains = 3", 'trains = 3\nrate = "5.1 Hz"'))).outcomes["weight"][0]
    assert above == solved(SLICE).outcomes["weight"][0]


def test_one_weight_above_and_one_below_rest_return_by_the_equation_as_written() -> None:
    """On the trial clock, too: `drift` against the step in place."""
    from workbench.plasticity.two_sided import TwoSided

    rng = np.random.default_rng(11)
    weight, drive = rng.uniform(0.0, 1.0, (4, 9)), rng.uniform(0, 1, (4, 9))
    up, down, back = rng.uniform(0, 0.1, 9), rng.uniform(0, 0.1, 9), rng.uniform(0, 0.01, 9)
    rule = TwoSided(rest=0.4, depotentiation_from="above")

    class Scratch:
        def scratch(self, slot: str, *shape: int) -> np.ndarray:
            return np.empty((*shape, 9))

        def spread(self, value, *shape: int):
            return value

        def derived(self, formula, *args):
            return formula(*args)

    expected = weight + rule.drift(weight, drive, up, down, back, (0.0, 1.0))
    moved = weight.copy()
    kernel(rule, Scratch(), moved, back, (0.0, 1.0))(drive * up, drive * down)
    assert np.allclose(moved, expected, rtol=1e-13, atol=1e-15)
    both = weight + TwoSided(rest=0.4).drift(weight, drive, up, down, back, (0.0, 1.0))
    assert not np.allclose(moved, both, rtol=1e-6)


@settings(max_examples=15, deadline=None)
@given(minutes=st.floats(0.05, 2.9))
def test_a_reading_changes_nothing_and_falls_on_its_moment(minutes: float) -> None:
    text = replaced(SLICE, ("14 s into slice", f"{minutes:.6f} min into slice"))
    found, plain = solved(text).outcomes, solved(SLICE).outcomes
    area = _area(lambda d: float(np.exp(-d)), round(minutes, 6) * 60.0)
    assert found["weight"][0] == pytest.approx(plain["weight"][0], rel=1e-12)
    assert found["after"][0] == pytest.approx(2.0 - np.exp(-0.09 * area), rel=1e-8)


@pytest.mark.parametrize("drug", [False, True])
def test_what_is_recorded_changes_no_bit(drug: bool) -> None:
    """Both sides at once, steps of 7 s and a drug that moves a gate; recorded 60 times, or once at the end."""
    text = replaced(MIXED, ('step = "1 s"', 'step = "7 s"'))
    if drug:
        text += DRUG + (
            '[occupancy.a]\ndrug = "thp"\n[modulator.ach]\nsource = "cholinergic"\n'
            '[receptor.m1]\nligand = "ach"\nantagonists = "a"\n[gate.d]\nform = "inverse_hill"\nsignal = "receptor.m1"\n'
        )
        text = replaced(text, ("50 min into slice", "end of slice"), ("rate = 1.0", 'rate = 1.0\nltd_permission = "d"'))
        text = replaced(text, ('every = "0.5 h"', 'every = "6 min"'))
    often = text + '[course.w]\nreadout = "weight_mean"\nprojection = "w"\ninterval = "3 s"\n'
    few, many = solved(text), solved(often)
    assert few.keys == many.keys and len(many.times["w"]) == 61
    assert all(few.outcomes[name].tobytes() == many.outcomes[name].tobytes() for name in few.outcomes)


def test_courses_run_through_the_phases_in_hours() -> None:
    text = replaced(SLICE, ("[phase.slice]\n", "[phase.slice]\norder = 1\n"))
    text += '[phase.later]\norder = 2\nclock = "tick"\nlength = "2 min"\n'
    text += '[course.weight]\nreadout = "weight_mean"\nprojection = "w"\ninterval = "1 min"\n'
    found = solved(text)
    assert np.array(found.times["weight"]) * 60.0 == pytest.approx([0, 1, 2, 3, 4, 5], abs=1e-9)
    assert found.courses["weight"][[0, -1], 0] == pytest.approx([1.0, found.outcomes["weight"][0]])


DRUG = """
[drug.thp]
model = "one_compartment_oral"
[dose.thp]
drug = "thp"
amount = "5 mg"
every = "0.5 h"
during = "slice"
[outcome.plasma]
readout = "concentration"
drug = "thp"
window = "50 min into slice"
"""


def test_a_drug_with_kinetics_is_where_it_is_on_the_event_clock() -> None:
    ticks = replaced(SLICE + DRUG, ('length = "3 min"\nstep = "1 s"', 'length = "1 h"\nstep = "7 s"'))
    head = ticks[: ticks.index("[population.axon]")]
    events = head + DRUG + '[phase.slice]\nclock = "event"\nlength = "1 h"\n[arm.one]\n'
    assert solved(ticks).outcomes["plasma"] == pytest.approx(solved(events).outcomes["plasma"], rel=1e-11)


def test_a_drug_in_the_bath_occupies_by_its_affinity_and_competes_with_the_transmitter() -> None:
    text = SLICE + (
        '[drug.a]\nmodel = "bath"\nconcentration = "100 nM"\n[occupancy.a]\nform = "affinity"\ndrug = "a"\nki = "15 nM"\n'
        '[modulator.ach]\nsource = "cholinergic"\n[receptor.m1]\nligand = "ach"\nantagonists = "a"\n'
        '[outcome.m1]\nreadout = "level"\nsignal = "receptor.m1"\n'
        '[outcome.share]\nreadout = "occupancy"\noccupancy = "a"\n'
    )
    found = solved(text).outcomes
    assert found["share"][0] == pytest.approx(100 / 115, rel=1e-14)
    assert found["m1"][0] == pytest.approx(0.2 / (0.2 + 1 / (1 - 100 / 115)), rel=1e-13)


def test_a_number_is_read_as_its_links_leave_it() -> None:
    text = SLICE + (
        '[drug.a]\nmodel = "bath"\nconcentration = "30 nM"\n[occupancy.a]\nform = "affinity"\ndrug = "a"\nki = "10 nM"\n'
        '[modulator.dopamine]\nsource = "pulse"\namplitude = 0.5\n'
        '[link.up]\nsignal = "occupancy.a"\nonto = "modulator.dopamine.amplitude"\ngain = 0.4\n'
        '[outcome.release]\nreadout = "number"\npath = "modulator.dopamine.amplitude"\n'
        '[study.arms]\n[study.s.sweep]\n"drug.a.concentration" = { values = ["0 nM", "30 nM"] }\n'
    )
    found = np.concatenate([solve(b).outcomes["release"] for b in batches(text, studies=["s"])])
    assert found == pytest.approx([0.5, 0.5 * 1.3], rel=1e-14)


TRAINED = (
    STRIATUM
    + """
[bath.free]
magnesium = "0 mM"
[phase.slice]
clock = "tick"
order = 3
length = "10 min"
[stimulus.hfs]
phase = "slice"
projection = "cortex_d1"
bath = "free"
[outcome.sliced]
readout = "weight_mean"
projection = "cortex_d1"
window = "end of slice"
[outcome.other]
readout = "weight_mean"
projection = "cortex_d2"
window = "end of slice"
[outcome.other_before]
readout = "weight_mean"
projection = "cortex_d2"
window = "end of treatment"
"""
)


def test_a_brain_that_has_practised_can_be_sliced() -> None:
    """Dense weights of cues, learned trial by trial, are stimulated; the other pathway stays as practice left it."""
    plain, sliced = solved(STRIATUM), solved(TRAINED)
    assert all(np.array_equal(plain.outcomes[name], sliced.outcomes[name]) for name in plain.outcomes)
    assert np.array_equal(sliced.outcomes["other"], sliced.outcomes["other_before"])
    assert np.all(sliced.outcomes["sliced"] > sliced.outcomes["weight"] + 0.01)


@dataclass(frozen=True, kw_only=True)
class Stubborn(Component):
    """A rule that knows trials only."""

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "stubborn"
    equation: ClassVar[str] = "dW = 0"

    rate: float = number(1.0, "1", "does nothing")


def test_a_rule_without_a_form_for_this_clock_is_refused_before_anything_runs() -> None:
    text = SLICE.split("[plasticity.w]")[0] + '[plasticity.w]\nrule = "stubborn"\n'
    text += "[bath.free]" + SLICE.split("[bath.free]")[1]
    known = registry().extended([Stubborn])
    (batch,) = batches(text, components=[Stubborn])
    with pytest.raises(
        AssemblyError, match=r"stimulus\.hfs: the rule of w \(stubborn\) has no form for the tick clock"
    ):
        width_for(batch.structure, known)
