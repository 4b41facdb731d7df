"""What the engine must give where theory knows the answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from support.circuits import EVENT_PAIRING, HEAD, STRIATUM, SYNAPSE, replaced, solved

from workbench.pharmacology.disposition import OneCompartmentOral, TwoCompartmentOral
from workbench.plasticity.eligibility import Delayed, Exponential
from workbench.plasticity.hebb import Hebb
from workbench.plasticity.two_sided import TwoSided, kernel


def test_ojas_mean_field_follows_its_exact_flow() -> None:
    """The rule's mean drift integrates to ``u / sqrt(1 - |w0|^2 + |u|^2)``, ``u = exp(C t) w0`` (Oja 1982)."""
    rng = np.random.default_rng(3)
    rotation = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    spectrum = np.array([4.0, 2.0, 1.0, 0.5])
    covariance = rotation @ np.diag(spectrum) @ rotation.T
    start = rng.standard_normal(4) * 0.25
    rule = Hebb(rate=1.0, stabiliser="oja")

    def mean_drift(t: float, w: np.ndarray) -> np.ndarray:
        # E over inputs is exact with the eigenvectors, each scaled to its variance, as the sample.
        inputs = (rotation * np.sqrt(spectrum * 4)).T
        return np.mean(
            [rule.drift(y := np.array([[x @ w]]), y, x[:, None], w[None, :, None])[0, :, 0] for x in inputs], axis=0
        )

    solved_flow = solve_ivp(mean_drift, (0.0, 1.5), start, rtol=1e-11, atol=1e-13).y[:, -1]
    u = expm(covariance * 1.5) @ start
    assert np.allclose(solved_flow, u / np.sqrt(1 - start @ start + u @ u), atol=1e-9)


LEARN = (
    HEAD
    + """
[population.x]
kind = "source"
size = 4
[population.y]
[projection.w]
pre = "x"
post = "y"
weight = 0.0
spread = 0.25
[plasticity.w]
rule = "hebb"
stabiliser = "oja"
rate = 0.002
[task.inputs]
kind = "gaussian"
inputs = "x"
[phase.learning]
trials = 6000
[outcome.cosine]
readout = "principal_cosine"
projection = "w"
task = "inputs"
[outcome.norm]
readout = "weight_norm"
projection = "w"
[arm.one]
"""
)


def test_oja_settles_on_the_leading_eigenvector_with_norm_one() -> None:
    result = solved(replaced(LEARN, ("count = 6", "count = 32")))
    assert np.median(result.outcomes["cosine"]) > 0.99
    assert np.mean(result.outcomes["norm"]) == pytest.approx(1.0, abs=0.01)


def test_hebb_alone_grows_at_the_rate_of_the_leading_eigenvalue() -> None:
    """``d log|w| / dt = rate * lambda_1`` once the leading direction dominates; 64 subjects, tolerance 5 %."""
    logs = []
    for trials in (3000, 3400):
        text = replaced(
            LEARN,
            ('stabiliser = "oja"\n', ""),
            ("trials = 6000", f"trials = {trials}"),
        )
        logs.append(np.log(solved(replaced(text, ("count = 6", "count = 64"))).outcomes["norm"]).mean())
    # Online, E log growth is rate * lambda_1 minus half the variance of the increment, rate^2 (2 lambda_1^2).
    expected = 0.002 * 4.0 - 0.002**2 * 4.0**2
    assert (logs[1] - logs[0]) / 400 == pytest.approx(expected, rel=0.05)


CLAMPED = (
    HEAD
    + """
[population.x]
kind = "source"
[population.y]
kind = "source"
value = 0.8
[projection.w]
wiring = "one_to_one"
pre = "x"
post = "y"
weight = 0.2
bounds = [0.0, 1.0]
[plasticity.w]
rate = 0.02
ltp_gain = 1.5
ltd_gain = 0.5
[phase.learning]
trials = 400
[outcome.weight]
readout = "weight_mean"
projection = "w"
[arm.one]
"""
)


@settings(max_examples=10, deadline=None)
@given(gain=st.floats(0.1, 3.0), loss=st.floats(0.1, 3.0), balance=st.floats(0.25, 4.0))
def test_soft_bounds_settle_where_potentiation_meets_depression(gain: float, loss: float, balance: float) -> None:
    """With constant drive ``w* = P / (P + D)`` whatever the start, and the way there is geometric."""
    text = replaced(
        CLAMPED,
        ("ltp_gain = 1.5", f"ltp_gain = {gain!r}\nbalance = {balance!r}"),
        ("ltd_gain = 0.5", f"ltd_gain = {loss!r}"),
        ("count = 6", "count = 1"),
    )
    up, down = gain * np.sqrt(balance), loss / np.sqrt(balance)
    fixed = up / (up + down)
    expected = fixed + (0.2 - fixed) * (1 - 0.02 * 0.8 * (up + down)) ** 400
    assert solved(text).outcomes["weight"][0] == pytest.approx(expected, rel=1e-11)


def test_the_regrouped_kernel_equals_the_equation_as_written() -> None:
    """One trial in place against `drift`, for 4 units in 9 runs with general bounds."""
    rng = np.random.default_rng(5)
    weight, drive = rng.uniform(-0.5, 1.5, (4, 9)), rng.uniform(0, 1, (4, 9))
    up, down, back = rng.uniform(0, 0.1, 9), rng.uniform(0, 0.1, 9), rng.uniform(0, 0.01, 9)
    rule = TwoSided(rest=0.4)

    class Scratch:
        def scratch(self, slot: str, *shape: int) -> np.ndarray:
            return np.empty((*shape, 9))

        def spread(self, value, *shape: int):
            return value

        def derived(self, formula, *args):
            return formula(*args)

    for bounds in ((0.0, 1.0), (-0.5, 2.0)):
        expected = weight + rule.drift(weight, drive, up, down, back, bounds)
        moved = weight.copy()
        kernel(rule, Scratch(), moved, back, bounds)(drive * up, drive * down)
        assert np.allclose(moved, expected, rtol=1e-13, atol=1e-15)


def _linear_system(model: OneCompartmentOral | TwoCompartmentOral) -> np.ndarray:
    elimination = model.clearance / model.volume
    k12, k21 = getattr(model, "k12", 0.0), getattr(model, "k21", 0.0)
    return np.array([[-model.absorption, 0, 0], [model.absorption, -elimination - k12, k21], [0, k12, -k21]])


@settings(max_examples=40, deadline=None)
@given(
    ka=st.floats(0.1, 5.0),
    clearance=st.floats(2.0, 100.0),
    volume=st.floats(20.0, 1000.0),
    k12=st.floats(0.005, 0.5),
    k21=st.floats(0.005, 0.5),
    hours=st.floats(0.1, 200.0),
)
def test_one_dose_equals_the_matrix_exponential(
    ka: float, clearance: float, volume: float, k12: float, k21: float, hours: float
) -> None:
    """Relative to the peak of the response, 1e-9."""
    for model in (
        OneCompartmentOral(absorption=ka, clearance=clearance, volume=volume),
        TwoCompartmentOral(absorption=ka, clearance=clearance, volume=volume, k12=k12, k21=k21),
    ):
        gut = np.array([1000.0 / volume, 0.0, 0.0])
        exact = (expm(_linear_system(model) * hours) @ gut)[1]
        grid = model.response(np.linspace(0.01, 50, 200))
        assert model.response(np.array(hours)) == pytest.approx(
            exact, abs=1e-9 * float(np.max(grid)) + 1e-300, rel=2e-6
        )


DOSES = (
    HEAD
    + """
[drug.thp]
model = "two_compartment_oral"
[dose.thp]
drug = "thp"
amount = "10 mg"
every = "8 h"
during = "giving"
[phase.giving]
clock = "event"
order = 1
length = "100 h"
[phase.washing]
clock = "event"
order = 2
length = "200 h"
[outcome.during]
readout = "concentration"
drug = "thp"
window = "37.3 h into giving"
[outcome.after]
readout = "concentration"
drug = "thp"
window = "50 h into washing"
[arm.one]
"""
)


def _superposed(model: TwoCompartmentOral, doses: list[tuple[float, float]], hours: float) -> float:
    return float(sum(amount * model.response(np.array(hours - at)) for at, amount in doses if at <= hours))


def test_repeated_doses_are_the_superposition_of_single_ones() -> None:
    model = TwoCompartmentOral()
    result = solved(replaced(DOSES, ("count = 6", "count = 1")))
    doses = [(8.0 * k, 10.0) for k in range(13)]
    assert result.outcomes["during"][0] == pytest.approx(_superposed(model, doses, 37.3), rel=1e-12)
    assert result.outcomes["after"][0] == pytest.approx(_superposed(model, doses, 150.0), rel=1e-12)


def test_titration_raises_the_daily_total_step_by_step() -> None:
    text = replaced(
        DOSES,
        (
            'during = "giving"',
            'during = "giving"\ntitration_start = "6 mg/day"\ntitration_step = "6 mg/day"\ntitration_each = "1 day"',
        ),
        ("count = 6", "count = 1"),
    )
    model = TwoCompartmentOral()
    doses = [(8.0 * k, min(10.0, (6.0 + 6.0 * ((8 * k) // 24)) / 3)) for k in range(13)]
    assert solved(text).outcomes["during"][0] == pytest.approx(_superposed(model, doses, 37.3), rel=1e-12)


def test_the_trial_clock_sees_the_mean_over_each_dosing_interval() -> None:
    """Day 10 of 10 mg every 8 h: the mean of the superposed course over that day, by quadrature."""
    text = replaced(STRIATUM, ("trials = 100", "trials = 50"), ("count = 6", "count = 1"), ("cv = 0.3", "cv = 1e-12"))
    text = text.replace(
        'readout = "weight_mean"\nprojection = "cortex_d1"\nwindow = "end of treatment"',
        'readout = "concentration"\ndrug = "thp"\nwindow = "end of treatment"',
    )
    text = replaced(text, ("last 50 trials of treatment", "last 20 trials of treatment"))
    treated = solved(text, arms=["treated"]).outcomes["weight"][0]
    model = TwoCompartmentOral()
    times = np.linspace(216, 240, 24001)
    course = sum(
        10.0 * np.where(times >= 8 * k, model.response(np.maximum(times - 8 * k, 0.0)), 0.0) for k in range(30)
    )
    assert treated == pytest.approx(np.trapezoid(course, times) / 24.0, rel=1e-6)


def test_average_steady_concentration_is_dose_rate_over_clearance() -> None:
    text = replaced(STRIATUM, ("trials = 100", "trials = 1000"), ("count = 6", "count = 1"), ("cv = 0.3", "cv = 1e-12"))
    text = text.replace(
        'readout = "weight_mean"\nprojection = "cortex_d1"\nwindow = "end of treatment"',
        'readout = "concentration"\ndrug = "thp"\nwindow = "end of treatment"',
    )
    assert solved(text, arms=["treated"]).outcomes["weight"][0] == pytest.approx(30_000.0 / 24.0 / 16.0, rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(delay=st.floats(0.0, 8.0))
def test_trial_clock_and_event_clock_give_one_pairing_the_same_change(delay: float) -> None:
    """The factor of the trial clock is the mark that the event clock reads."""
    events = (
        HEAD.replace("count = 6", "count = 1")
        + SYNAPSE.replace("weight = 0.5", "weight = 0.3")
        + """
[plasticity.w]
drive = "hebb"
rate = 0.1
third_factor = "dopamine"
ltp_trace = "ltp"
ltd_trace = "ltd"
"""
        + EVENT_PAIRING
        + f"""[event.reward]
kind = "reinforcement"
phase = "pairing"
at = "{2.0 + delay!r} s"
[outcome.weight]
readout = "weight_mean"
projection = "w"
window = "end of pairing"
[arm.burst]
"""
    )
    response = float(Delayed().response(delay))
    assert solved(events).outcomes["weight"][0] == pytest.approx(0.3 + 0.1 * response * 0.7, rel=1e-9, abs=1e-12)


def test_marks_are_quoted_at_their_reference_delay() -> None:
    assert float(Delayed(reference=0.6).response(0.6)) == 1.0
    assert float(Exponential(reference=0.6).response(0.6)) == 1.0
    assert float(Delayed().response(-1.0)) == 0.0 and float(Exponential().response(-1.0)) == 0.0


SIGNS = [
    # pathway, what dopamine does, what the weight of the active, marked synapse does
    ("burst", 1.0, +1),
    ("burst", -1.0, -1),
    ("dip", 1.0, -1),
    ("dip", -1.0, +1),
]
"""The sign conventions of dopamine x eligibility, in one table: a burst strengthens a synapse that potentiates on
bursts (direct pathway) and weakens one that potentiates on dips (indirect pathway); a dip does the opposite."""


@pytest.mark.parametrize(("potentiate_on", "amplitude", "sign"), SIGNS)
def test_sign_of_dopamine_times_eligibility(potentiate_on: str, amplitude: float, sign: int) -> None:
    from support.signs import PAIRING

    text = PAIRING.format(potentiate_on=potentiate_on, amplitude=amplitude)
    change = solved(text).outcomes["weight"][0] - 0.5
    assert np.sign(change) == sign


def test_surround_inhibition_scales_a_uniform_input() -> None:
    """``u_k - s mean_(j != k) u_j``: a uniform input shrinks by ``1 - s``."""
    from support.signs import SURROUND

    assert solved(SURROUND.format(size=4, weight=0.25)).outcomes["weight"][0] == pytest.approx(
        0.5 + 0.1 * (0.75 * 0.5) * 0.5, rel=1e-12
    )
