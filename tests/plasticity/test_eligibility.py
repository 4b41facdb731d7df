"""The rules beneath: plain forms against what the engine runs, marks against quadrature, and feedback against differences."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from support.circuits import HEAD, less, only, replaced, shipped_rule, solved

from workbench.circuit.softmax import probabilities, take
from workbench.component.registry import registry
from workbench.plasticity.eligibility import DoubleExponential, Exponential, Nmda, modes_of, summed
from workbench.plasticity.routed_error import RoutedError
from workbench.plasticity.three_factor import ThreeFactor
from workbench.solver.block import Block
from workbench.solver.draws import generator
from workbench.solver.run import solve
from workbench.tasks.transitions import Chain

MARKS = [DoubleExponential(), DoubleExponential(rise=0.1, decay=3.0), Nmda(), Nmda(share_2a=0.9)]


@pytest.mark.parametrize("mark", MARKS)
def test_the_area_of_a_mark_is_its_integral_whole_and_from_later_on(mark: DoubleExponential | Nmda) -> None:
    def height(t: float) -> float:
        return float(mark.response(t))

    assert float(mark.total()) == pytest.approx(quad(height, 0.0, 150.0, limit=400)[0], rel=1e-9)
    for since in (0.0, 0.4, 2.0):
        twice = quad(lambda t, a=since: (t - a) * height(t), since, 150.0, limit=400)[0]
        assert float(mark.remaining(since)) == pytest.approx(twice, rel=1e-7)


def test_modes_add_up_to_the_response() -> None:
    late = np.linspace(-1.0, 5.0, 61)
    for mark in (*MARKS, Exponential(decay=0.7, reference=0.2)):
        assert summed(modes_of(mark), late) == pytest.approx(mark.response(late), rel=1e-14, abs=1e-300)


def test_a_rise_and_a_fall_are_largest_where_they_say() -> None:
    mark = DoubleExponential(rise=0.3, decay=1.0)
    late = np.linspace(0.0, 3.0, 300_001)
    assert late[np.argmax(mark.response(late))] == pytest.approx(float(mark.peak()), abs=2e-5)
    assert float(mark.response(mark.peak())) == pytest.approx(1.0, rel=1e-14)


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


@pytest.mark.parametrize(("ends", "forward"), [("both", 0.5), ("both", 0.7), ("right", 0.4), ("none", 0.5)])
def test_the_value_of_a_chain_is_the_mean_of_walks(ends: str, forward: float) -> None:
    """By summing discounted rewards over every path, 400 steps deep."""
    chain, size, discount = Chain(states="s", ends=ends, forward=forward, reward=2.0), 5, 0.9
    p, mean = chain.matrix(size)
    assert np.all(p.sum(axis=1) <= 1.0 + 1e-12) and (ends != "none" or np.allclose(p.sum(axis=1), 1.0))
    value, reach = np.zeros(size), np.eye(size)
    for k in range(400):
        value += discount**k * (reach @ mean)
        reach = reach @ p
    assert chain.value(size, discount) == pytest.approx(value, rel=1e-12)


def test_a_policy_takes_each_action_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    drive, n = rng.normal(size=(4, 1)) @ np.ones((1, 200_000)), 200_000
    p, choice = np.empty_like(drive), np.empty_like(drive)
    probabilities(drive, out=p)
    take(p, rng.random(n), np.empty(n), out=choice)
    assert np.all(choice.sum(axis=0) == 1.0)
    assert choice.mean(axis=1) == pytest.approx(p[:, 0], abs=4e-3)
    assert np.exp(drive[:, 0]) / np.exp(drive[:, 0]).sum() == pytest.approx(p[:, 0], rel=1e-14)


def _network(feedback: str, activation: str) -> str:
    text = replaced(shipped_rule("feedback_alignment"), ('feedback = "fixed"', f'feedback = "{feedback}"'), ("spread = 0.01", "spread = 0.4"),
                    ("count = 3", "count = 8"), ("trials = 3000", "trials = 1"))  # fmt: skip
    text = less(text, "outcome", "course", "arm", "study").replace(
        'kind = "layer"\nsize = 20', f'kind = "layer"\nsize = 20\nactivation = "{activation}"'
    )
    return text + '[outcome.loss]\nreadout = "teacher_loss"\ntask = "map"\n[arm.one]\n'


def _step(text: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return all signals before and after one step."""
    block = Block(only(text), registry())
    block.build_all()
    before = {name: np.array(array) for name, array in block.signals.items()}
    for draws in block.draws:
        draws.begin("learning")
    block.begin_piece(1)
    for step in block.steps("trial"):
        step.function(0)
    return before, {name: np.array(array) for name, array in block.signals.items()}


@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_the_transpose_sends_back_what_finite_differences_find(activation: str) -> None:
    """B = W^T: the change of the lower weights is -rate times the gradient of half the squared error a sample, to 1e-6."""
    before, after = _step(_network("transpose", activation))
    x, target = after["population.input.activity"], after["task.map.target"]
    lower, upper = before["projection.lower.weight"], before["projection.upper.weight"]

    def loss(weights: np.ndarray) -> float:
        hidden = x[0] @ weights.T
        hidden = np.tanh(hidden) if activation == "tanh" else hidden
        return 0.5 * float(np.sum((target[0] - hidden @ upper[0].T) ** 2)) / len(x[0])

    change = (after["projection.lower.weight"] - lower)[0] / -0.008
    for j, i in ((0, 0), (7, 3), (19, 29)):
        moved = lower[0].copy()
        values = []
        for sign in (1.0, -1.0):
            moved[j, i] = lower[0, j, i] + sign * 1e-5
            values.append(loss(moved))
        assert change[j, i] == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-6)


@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_the_readout_of_finite_differences_sees_one_wrong_slope(activation: str) -> None:
    """Zero but for rounding where the error is sent back by the transpose, also at later steps; else far from it."""
    outcome = '[outcome.off]\nreadout = "gradient_error"\nprojection = "{}"\n[arm.one]'
    found = {}
    for feedback in ("transpose", "fixed", "zero"):
        for layer in ("lower", "upper"):
            text = _network(feedback, activation).replace("trials = 1", "trials = 7")
            found[feedback, layer] = solved(text.replace("[arm.one]", outcome.format(layer))).outcomes["off"]
    assert found["transpose", "lower"].max() < 1e-7
    assert max(found[feedback, "upper"].max() for feedback in ("transpose", "fixed", "zero")) < 1e-7
    assert found["fixed", "lower"].min() > 0.3
    assert found["zero", "lower"] == pytest.approx(1.0, abs=1e-12)


def test_products_of_matrices_are_the_equation_as_written() -> None:
    """The kernel of fixed feedback against `drift`, and a layer without feedback stays as it is to the bit."""
    before, after = _step(_network("fixed", "linear"))
    error = np.einsum("rbm,rmh->rbh", after["plasticity.upper.error"], before["plasticity.lower.feedback"])
    expected = RoutedError.drift(0.008, error, after["population.input.activity"])
    moved = after["projection.lower.weight"] - before["projection.lower.weight"]
    assert moved == pytest.approx(expected, rel=1e-11, abs=1e-14)
    before, after = _step(_network("zero", "linear"))
    assert np.array_equal(after["projection.lower.weight"], before["projection.lower.weight"])


@pytest.mark.parametrize("of", ["node", "weight"])
def test_a_jitter_changes_weights_by_what_the_error_says_of_it(of: str) -> None:
    """One step by the equation as written: the difference of two squared errors, at a jitter where it keeps digits."""
    text = replaced(
        shipped_rule("sample_efficiency"),
        ("trials = 60", "trials = 1"),
        ("count = 5000", "count = 8"),
        ("size = 1e-4", "size = 0.1"),
    )
    text = less(text, "outcome", "course", "arm", "study")
    text += '[outcome.loss]\nreadout = "teacher_loss"\ntask = "map"\n[arm.one]\n'
    before, after = _step(text)
    batch = only(text)
    x, target = after["population.input.activity"][:, 0], after["task.map.target"][:, 0]
    weight = before[f"projection.{of}.weight"]
    shape = (4, 6) if of == "weight" else (4,)
    rate = {"node": 1 / 48, "weight": 1 / 208}[of]
    for r, subject in enumerate(batch.subjects.tolist()):
        jitter = generator(batch.seed, subject, f"jitter:projection.{of}", "learning").standard_normal(shape)
        y = weight[r] @ x[r]
        tried = (weight[r] + 0.1 * jitter) @ x[r] if of == "weight" else y + 0.1 * jitter
        said = 0.5 * (np.sum((target[r] - tried) ** 2) - np.sum((target[r] - y) ** 2))
        direction = jitter if of == "weight" else np.outer(jitter, x[r])
        expected = weight[r] - rate * said / 0.1 * direction
        assert after[f"projection.{of}.weight"][r] == pytest.approx(expected, rel=1e-9, abs=1e-12)


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


def test_a_layer_that_diverges_is_noted_and_its_neighbours_go_on() -> None:
    text = replaced(shipped_rule("feedback_alignment"), ("trials = 3000", "trials = 200"))
    text = less(text, "outcome", "course", "arm", "study")
    text += '[outcome.loss]\nreadout = "teacher_loss"\ntask = "map"\n[arm.one]\n'
    wild = '[study.s.sweep]\n"plasticity.lower.rate" = { values = [0.008, 0.9] }\n'
    found, calm = solve(only(text + wild)), solved(text)
    assert len(found.failures) == 3 and "no longer finite" in next(iter(found.failures.values())).reason
    kept = [i for i in range(6) if i not in found.failures]
    assert found.outcomes["loss"][kept].tobytes() == calm.outcomes["loss"].tobytes()
