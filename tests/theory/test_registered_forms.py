"""The registered closed forms against numbers worked out apart, and against quadrature, enumeration and small maps."""

from __future__ import annotations

from itertools import product
from math import exp, inf, pi

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy.integrate import quad, solve_ivp
from scipy.optimize import minimize_scalar
from support.cases import every_case

from workbench.findings.closed_forms import FORMS


def form(name: str, **given: object) -> float:
    return FORMS[name].value(**given)


BANDIT = {"preferences": (0.2, -0.1), "rewards": (1.0, 0.3)}
TRAIN_A, TRAIN_B = {"peak": 0.5, "decay": 0.087}, {"peak": 0.12, "decay": 0.548}
WINDOW = {"rate": 0.0025, "trials": 20.0, "duration": 1.0, "gain": 4.0, "decay": 24.0}
VOLLEY = form("cleared_mark", interval=1.0, decay=3.0, clearing=2.0, active=0.5)
DRUG = form("active_share_under_drug", level=1.0, half=1.0, occupied=0.9)

WORKED_OUT = [
    ("reward_gradient", 0.17112, 5e-6, {"rate": 5e-4, "trials": 2000.0, "action": 1, **BANDIT}),
    ("reward_gradient", -0.17112, 5e-6, {"rate": 5e-4, "trials": 2000.0, "action": 2, **BANDIT}),
    ("update_variance", 0.0874, 5e-5, {"rate": 1.0, "baseline": 0.0, "action": 1, **BANDIT}),
    ("update_variance", 0.0026, 1e-4, {"rate": 1.0, "baseline": 0.7, "action": 1, **BANDIT}),
    ("credit_share", 0.3046, 5e-5, {"step_from_end": 0, "steps": 8, "kept": exp(-1 / 3)}),
    ("credit_share", 0.7364, 5e-5, {"step_from_end": 0, "steps": 8, "kept": VOLLEY}),
    ("credit_share", 0.4092, 5e-5, {"step_from_end": 0, "steps": 8, "kept": exp(-1 / 3 - 2.0 * DRUG)}),
    ("cue_burst", 0.80073, 5e-6, {"reward": 1.0, "discount": 0.98, "cue": 5, "outcome": 15}),
    ("error_left", 0.513, 5e-4, {"rate": 1 / 8, "samples": 5, "scatter": 8.0}),
    ("error_left", 0.656, 5e-4, {"rate": 1 / 48, "samples": 20, "scatter": 48.0}),
    ("error_left", 0.749, 5e-4, {"rate": 1 / 208, "samples": 60, "scatter": 208.0}),
    ("mean_open", 0.0435, 5e-5, {"rate": 1.0, **TRAIN_A}),
    ("mean_open", 0.0552, 5e-5, {"rate": 1.0, **TRAIN_B}),
    ("mean_open", 0.472, 5e-4, {"rate": 100.0, **TRAIN_A}),
    ("mean_open", 0.119, 5e-4, {"rate": 100.0, **TRAIN_B}),
    ("magnesium_block", 0.0445, 5e-5, {"magnesium": 1.0, "potential": -70.0}),
    ("magnesium_block", 0.508, 5e-4, {"magnesium": 1.0, "potential": -20.0}),
    ("mixture_area", 0.3175, 1e-12, {"share_2a": 0.5, "decay_2a": 0.087, "decay_2b": 0.548}),
    ("lesson_in_window", 0.18336, 5e-6, {"dose": 200.0, "session": 206.0, **WINDOW}),
    ("lesson_in_window", 0.04882, 5e-6, {"dose": 6.0, "session": 206.0, **WINDOW}),
    ("lesson", 0.04877, 5e-6, {"rate": 0.0025, "trials": 20.0}),
    ("infused_level", 54.9, 1e-12, {"amount": 1317.6, "every": 24.0, "clearance": 1000.0}),
]  # fmt: skip
"""Rounded as they were written down apart from the engine, each with half of its last digit; 0.0026 was a sample's."""


@every_case(("name", "number", "digit", "given"), WORKED_OUT)
def test_it_gives_the_number_worked_out_apart(name: str, number: float, digit: float, given: dict[str, object]) -> None:
    assert form(name, **given) == pytest.approx(number, abs=digit, rel=0.0)


def test_scatter_is_the_moment_of_normal_inputs_by_quadrature() -> None:
    """``E x_1^2 |x|^2 = n + 2`` exactly by three nodes a dimension; one number for n inputs and m outputs has two."""
    nodes, weights = hermegauss(3)

    def moment(n: int) -> float:
        found = 0.0
        for at in product(range(3), repeat=n):
            x = nodes[list(at)]
            found += float(np.prod(weights[list(at)])) * x[0] ** 2 * float(x @ x)
        return found / (2.0 * pi) ** (0.5 * n)

    assert form("scatter_by_errors", inputs=6) == pytest.approx(moment(6))
    assert form("scatter_by_outputs", inputs=6, outputs=4) == pytest.approx(moment(6) * moment(4))
    assert form("scatter_by_weights", inputs=2, outputs=3) == pytest.approx(moment(2) * moment(6))


def test_the_gradient_is_that_of_the_expected_reward_with_three_actions() -> None:
    rewards = np.array([1.0, 0.3, -0.4])

    def worth(preferences: np.ndarray) -> float:
        p = np.exp(preferences) / np.exp(preferences).sum()
        return float(p @ rewards)

    at = np.array([0.2, -0.1, 0.5])
    for action, step in enumerate(1e-5 * np.eye(3), 1):
        slope = (worth(at + step) - worth(at - step)) / 2e-5
        given = {"preferences": tuple(at), "rewards": tuple(rewards), "action": action}
        assert form("reward_gradient", rate=0.5, trials=2, **given) == pytest.approx(slope, rel=1e-8)
    p = 1.0 / (1.0 + exp(-0.3))
    jump = (1.0 - 0.1) * (1.0 - p) + (0.3 - 0.1) * p
    found = form("update_variance", rate=0.5, baseline=0.1, action=1, **BANDIT)
    assert found == pytest.approx(0.25 * p * (1.0 - p) * jump**2, rel=1e-12)


@pytest.mark.parametrize("delay", [1.0, 0.0, -0.7])
def test_a_lingering_pulse_writes_the_area_of_mark_times_pulse(delay: float) -> None:
    start = max(delay, 0.0)
    area, _ = quad(lambda t: exp(-t / 0.9 - (t - delay) / 0.4), start, start + 40.0, epsabs=1e-13)
    given = {"activity": 2.0, "pulse": 2.0 + delay, "mark_decay": 0.9, "pulse_decay": 0.4}
    assert form("lingering_change", rate=0.1, amplitude=0.5, **given) == pytest.approx(0.05 * area, rel=1e-9)


def test_a_mark_with_a_rise_has_the_published_window() -> None:
    """Largest at 0.52 s; much at 0.6 and 1 s, little at 5 s, nothing before the activity."""

    def mark(delay: float) -> float:
        return form("double_exponential", activity=2.0, pulse=2.0 + delay, rise=0.3, decay=1.0)

    assert minimize_scalar(lambda d: -mark(d), bounds=(0.0, 3.0), method="bounded").x == pytest.approx(0.52, abs=5e-3)
    assert min(mark(0.6), mark(1.0)) > 5.0 * mark(5.0) and mark(-1.0) == 0.0


def test_credit_is_shared_as_marks_are_carried_from_step_to_step() -> None:
    kept = form("kept_mark", interval=1.5, decay=4.0)
    marks = np.zeros(5)
    for step in range(5):
        marks *= exp(-1.5 / 4.0)
        marks[step] += 1.0
    shares = [form("credit_share", step_from_end=k, steps=5, kept=kept) for k in range(5)]
    assert shares == pytest.approx(list(marks[::-1] / marks.sum()), rel=1e-12)


def test_the_burst_at_a_cue_is_the_value_of_the_first_state_as_a_linear_system_has_it() -> None:
    states = 11
    next_of = np.eye(states, k=1)
    values = np.linalg.solve(np.eye(states) - 0.95 * next_of, 2.0 * np.eye(states)[-1])
    burst = 0.95 * values[0]
    assert form("cue_burst", reward=2.0, discount=0.95, cue=5, outcome=15) == pytest.approx(burst, rel=1e-12)
    assert form("omission_dip", reward=2.0) == -values[-1]


def test_the_window_of_coincidence_and_the_train_are_areas() -> None:
    mixture = {"share_2a": 0.3, "decay_2a": 0.087, "decay_2b": 0.548}

    def change(lag: float, rate: float = 1.0, amplitude: float = 1.0) -> float:
        return form("pair_change", rate=rate, amplitude=amplitude, input=2.0, spike=2.0 + lag, **mixture)

    assert form("mixture_area", **mixture) == pytest.approx(0.3 * 0.087 + 0.7 * 0.548, rel=1e-13)
    apart = {"share_2a": 0.4, "decay_2a": 1e-3, "decay_2b": 50.0}
    assert form("mixture_area", **apart) == pytest.approx(0.4e-3 + 30.0, rel=1e-12)
    late = quad(change, 0.0, 0.4)[0], quad(change, 0.4, inf)[0]
    assert sum(late) == pytest.approx(form("mixture_area", **mixture), rel=1e-9)
    assert change(-1e-9) == 0.0 and change(0.0, rate=0.2, amplitude=3.0) == pytest.approx(0.6)
    for rate, tau in ((20.0, 0.087), (100.0, 0.548), (0.01, 0.003)):
        published = 0.5 * tau * rate * (1.0 - exp(-1.0 / (rate * tau)))
        assert form("mean_open", peak=0.5, decay=tau, rate=rate) == pytest.approx(published, rel=1e-12)


def test_magnesium_lets_half_through_where_its_constants_say() -> None:
    """At 3.57 mM and 0 mV; at 1 mM where ``0.062 V = -ln 3.57``, -20.53 mV; a decade of magnesium is 37.14 mV."""
    assert form("magnesium_block", magnesium=3.57, potential=0.0) == pytest.approx(0.5, rel=1e-15)
    assert form("magnesium_block", magnesium=1.0, potential=-20.5256) == pytest.approx(0.5, abs=1e-5)
    for potential in (-70.0, 0.0, 40.0):
        less = form("magnesium_block", magnesium=0.1, potential=potential - 37.13847)
        assert less == pytest.approx(form("magnesium_block", magnesium=1.0, potential=potential), rel=1e-6)
    assert form("magnesium_block", magnesium=0.0, potential=-70.0) == 1.0
    # exp(4.34) = 76.7075, over 3.57 21.4867; exp(1.24) = 3.45561, over 3.57 0.967959
    assert form("magnesium_block", magnesium=1.0, potential=-70.0) == pytest.approx(1.0 / 22.4867, rel=5e-6)
    assert form("magnesium_block", magnesium=1.0, potential=-20.0) == pytest.approx(1.0 / 1.967959, rel=5e-6)


def test_pairings_move_a_weight_to_its_bound_one_by_one() -> None:
    """Marks carried along, a weight moved at every spike: 6 pairings 2 s apart, 0.3 s from input to spike."""
    pairs = {"input": 1.0, "spike": 1.3, "every": 2.0, "pairs": 6}
    for bound, share, decays in ((1.0, 0.4, (0.5, 3.0)), (0.0, 1.0, (1.5, 1.0))):
        marks, weight = np.zeros(2), 0.4
        shares = np.array([share, 1.0 - share])
        for _ in range(6):
            marks += shares
            read = float(np.sum(marks * np.exp(-0.3 / np.array(decays))))
            weight += 0.1 * read * (bound - weight)
            marks *= np.exp(-2.0 / np.array(decays))
        if share < 1.0:
            left = form("left_by_mixture", rate=0.1, share_2a=share, decay_2a=decays[0], decay_2b=decays[1], **pairs)
        else:
            left = form("left_by_exponential", rate=0.1, decay=decays[0], **pairs)
        ways = {"bound_if_above": bound, "left_if_above": left, "bound_if_below": 0.2, "left_if_below": 0.5}
        found = form("percent_by_sign", sign=2.0, start=0.4, **ways)
        assert found == pytest.approx(100.0 * (weight / 0.4 - 1.0), rel=1e-12)
        assert form("percent_by_sign", sign=-2.0, start=0.4, **ways) == pytest.approx(-25.0)  # 0.4, half way to 0.2


def test_drives_are_those_of_the_matrices_of_a_blurred_map_with_surround() -> None:
    blurred = 0.25 * (0.7 * np.eye(5) + 0.3 * np.ones((5, 5)))
    others = (np.ones((5, 5)) - np.eye(5)) / 4.0
    drive = (np.eye(5) - 0.35 * others) @ blurred @ np.eye(5)[0]
    given = {"cue": 0.25, "overlap": 0.3, "surround": 0.35}
    assert form("cued_drive", **given) == pytest.approx(drive[0], rel=1e-12)
    assert form("neighbour_drive", **given, channels=5) == pytest.approx(drive[3], rel=1e-12)


def test_a_weight_goes_its_way_trial_by_trial_and_settles() -> None:
    tail, _ = quad(lambda x: exp(-0.5 * x * x) / (2.0 * pi) ** 0.5, (0.2 - 0.15) / 0.12, inf, epsabs=1e-13)
    phi = form("crossing", drive=0.15, threshold=0.2, noise=0.12)
    assert phi == pytest.approx(tail, rel=1e-9)
    up = form("potentiation", rate=0.05, gain=1.2, balance=4.0)
    down = form("permitted_depression", rate=0.05, gain=0.8, balance=4.0, permission=0.5)
    assert (up, down, form("depression", rate=0.05, gain=0.8, balance=4.0)) == pytest.approx((0.12, 0.01, 0.02))
    weight, way = 0.5, {"start": 0.5, "up": up, "down": down, "crossing": phi}
    for trial in range(1, 1001):
        weight += up * phi * (1.0 - weight) - down * (1.0 - phi) * weight
        if trial in (1, 20):
            assert form("weight_on_the_way", **way, trials=trial) == pytest.approx(weight, rel=1e-12)
    assert form("settled_weight", up=up, down=down, crossing=phi) == pytest.approx(weight, rel=1e-12)


def test_weights_that_compete_settle_where_a_quadratic_programme_takes_them_trial_by_trial() -> None:
    """The nearest point with the sum, by SLSQP, after each trial's free change, until nothing moves."""
    from scipy.optimize import minimize

    phi, up, down, total = np.array([0.7, 0.1, 0.1]), 0.4, 0.1, 0.8
    weight = np.full(3, total / 3.0)
    for _ in range(60):
        free = weight + up * phi * (1.0 - weight) - down * (1.0 - phi) * weight
        nearest = minimize(
            lambda w, free=free: float((w - free) @ (w - free)),
            weight,
            jac=lambda w, free=free: 2.0 * (w - free),
            bounds=[(0.0, 1.0)] * 3,
            constraints={"type": "eq", "fun": lambda w: w.sum() - total, "jac": lambda w: np.ones(3)},
            method="SLSQP",
            options={"ftol": 1e-14},
        )
        weight = nearest.x
    given = {"up": up, "down": down, "crossing_on": 0.7, "crossing_off": 0.1, "channels": 3, "total": total}
    found = [form("competing_weight", crossing=p, **given) for p in phi]
    assert found == pytest.approx(list(weight), abs=1e-6)
    loose = form("competing_weight", crossing=0.7, **{**given, "total": sum(_settled(p, up, down) for p in phi)})
    assert loose == pytest.approx(_settled(0.7, up, down), rel=1e-12), "a sum that comes by itself takes nothing off"


def _settled(crossing: float, up: float, down: float) -> float:
    return form("settled_weight", up=up, down=down, crossing=crossing)


@pytest.mark.parametrize("kept", [1, 2, 3, 4])
def test_kept_patterns_share_the_set_point(kept: int) -> None:
    """The right-hand side of BCM's flow is 0 there, weights and threshold, for patterns that overlap."""
    patterns, shares = np.eye(4) + 0.3, np.array([0.4, 0.3, 0.2, 0.1])
    y = form("shared_response", set_point=2.0, probabilities=tuple(shares), kept=kept)
    weight = np.linalg.solve(patterns, y * (np.arange(4) < kept))
    response = patterns @ weight
    threshold = shares @ response**2
    assert (shares * response * (response - threshold / 2.0)) @ patterns == pytest.approx(np.zeros(4), abs=1e-13)
    assert shares @ response == pytest.approx(2.0, rel=1e-14)


def test_each_weight_of_ojas_flow_is_that_of_a_fine_integration() -> None:
    """Uncorrelated inputs out of order of their variance: the k-th value belongs to the k-th largest."""
    variances, start = np.array([1.0, 4.0, 0.5]), np.full(3, 0.3)

    def flow(t: float, w: np.ndarray) -> np.ndarray:
        return 0.01 * (variances * w - 2.0 * float(w @ (variances * w)) * w)

    end = solve_ivp(flow, (0.0, 60.0), start, rtol=1e-12, atol=1e-14, method="DOP853").y[:, -1]
    given = {"rate": 0.01, "inputs": np.diag(variances), "weight": 0.3, "trials": 60, "decay": 2.0}
    found = [form("oja_weight", component=k, **given) for k in (1, 2, 3)]
    assert found == pytest.approx([end[1], end[0], end[2]], rel=1e-9)


def test_a_lesson_in_a_window_is_the_integral_of_its_rate() -> None:
    area, _ = quad(lambda t: 1.0 + 4.0 * exp(-t / 24.0), 6.0, 8.0, epsabs=1e-13)
    given = {**WINDOW, "duration": 2.0, "dose": 100.0, "session": 106.0}
    assert form("lesson_in_window", **given) == pytest.approx(1.0 - exp(-0.025 * area), rel=1e-12)
    alone = {**given, "gain": 0.0}
    assert form("lesson_in_window", **alone) == pytest.approx(form("lesson", rate=0.0025, trials=20.0), rel=1e-12)
    assert form("window_left", dose=100.0, session=106.0, decay=24.0) == pytest.approx(exp(-0.25))


def test_what_a_tag_captures_is_the_integral_over_drug_proteins_and_tag() -> None:
    """Tag, drug and both stages of the window by solve_ivp; with proteins at once, 0.26960 at 1.2 h."""
    weak = {"weak": 0.0, "duration": 0.1, "strong": 1.3}
    fast = form("proteins_met", **weak, clearance=1e9, volume=1.0, rise=1e-9, decay=1.0, tag=1.5)
    assert fast == pytest.approx(0.26960, abs=5e-6)
    assert form("met_at_once", **weak, decay=1.0, tag=1.5) == pytest.approx(fast, rel=1e-7)
    tag = form("set_tag", trials=20.0, duration=0.1, decay=1.5)
    setting = solve_ivp(lambda t, z: 200.0 * (1.0 - z) - z / 1.5, (0.0, 0.1), [0.0], rtol=1e-10, atol=1e-12)
    assert tag == pytest.approx(setting.y[0, -1], rel=1e-7)

    def flow(t: float, s: np.ndarray) -> list[float]:
        drug, first, proteins, mark, _ = s
        return [-2.0 * drug, 2.0 * drug - first / 0.5, first / 0.5 - proteins / 1.0, -mark / 1.5, mark * proteins]

    start = [1.0, 0.0, 0.0, exp(-1.2 / 1.5), 0.0]
    met = solve_ivp(flow, (0.0, 60.0), start, rtol=1e-10, atol=1e-13).y[4, -1]
    peak = 0.25  # of a second stage with rates 2 and 1: exp(-ln 2) / 2 of what enters it, twice as fast as it leaves
    found = form("proteins_met", **weak, clearance=20.0, volume=10.0, rise=0.5, decay=1.0, tag=1.5)
    assert found == pytest.approx(met / (2.0 * peak), rel=1e-7)
    opened = form("opened", amount=0.02, clearance=20.0, ec50=1e6, reference=1e-6)
    block, _ = quad(lambda t: 2.0 / 1e6 * exp(-2.0 * t), 0.0, inf, epsabs=0.0)
    assert opened == pytest.approx(block / 1e-6, rel=1e-9)
    kept = form("captured", early=0.2, capture=0.01, supply=1.0, tag=tag, met=found)
    assert kept == pytest.approx(0.2 * (1.0 - exp(-0.01 * tag * found)), rel=1e-12)


def test_receptors_of_an_untreated_and_a_treated_mutant() -> None:
    """Tone 1.5 with D2 inverted to -0.2: acetylcholine 1.74; a drug at three times its EC50 leaves a quarter free."""
    level = form("acetylcholine", tone=1.5, d2_efficacy=-0.2, d2_recruitment=0.8)
    assert level == pytest.approx(1.74)
    occupied = form("occupied_share", level=54.9, half=18.3)
    assert occupied == pytest.approx(0.75)
    assert form("active_share", level=level, half=1.0) == pytest.approx(1.74 / 2.74)
    assert form("active_share_under_drug", level=level, half=1.0, occupied=occupied) == pytest.approx(0.435 / 1.435)
    assert form("permission", active=0.3, threshold=0.3, exponent=5.0) == 0.5
    assert form("permission", active=0.6, threshold=0.3, exponent=5.0) == pytest.approx(1.0 / 33.0)
    assert form("required", number=0.2, need=1.0, available=0.0) == 0.0
    assert form("required", number=0.2, need=0.0, available=0.0) == 0.2
    assert form("required", number=0.2, need=0.5, available=0.4) == pytest.approx(0.14)  # half, and 0.4 of the other
    assert form("pulsed", number=0.2, amplitude=-3.0) == form("pulsed", number=0.2, amplitude=3.0) == pytest.approx(0.6)
    assert form("scaled", number=1.5, gain=0.5, signal=0.4) == pytest.approx(1.8)
    assert form("shifted", number=0.2, gain=-0.2, signal=0.5) == pytest.approx(0.1)


def test_a_lesson_in_a_driven_window_is_that_of_three_equations() -> None:
    """Drug, rise and decay by solve_ivp, the session's rate by quadrature."""
    clearance, volume, rise, decay = 20.0, 10.0, 3.0, 40.0
    ratio = decay / rise
    peak = np.exp(-np.log(ratio) / (ratio - 1.0))

    def flow(t: float, x: np.ndarray) -> list[float]:
        drug, first, window = x
        leaving = clearance / volume * drug
        return [-leaving, leaving - first / rise, first / rise - window / decay]

    found = solve_ivp(flow, (0.0, 32.0), [1.0, 0.0, 0.0], rtol=1e-11, atol=1e-14, dense_output=True)
    area, _ = quad(lambda t: found.sol(t)[2], 30.0, 32.0, epsabs=1e-12)
    given = {"rate": 0.002, "trials": 40.0, "duration": 2.0, "gain": 3.0, "opened": 0.7, "dose": 10.0, "session": 40.0}
    kinetics = {"clearance": clearance, "volume": volume, "rise": rise, "decay": decay}
    expected = 1.0 - exp(-0.002 * 20.0 * (2.0 + 3.0 * 0.7 / peak * area))
    assert form("lesson_in_driven_window", **given, **kinetics) == pytest.approx(expected, rel=1e-8)
