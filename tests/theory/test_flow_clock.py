"""The flow clock: mean fields by exact solution or in steps of a stated order, whatever is read on the way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from support.circuits import HEAD, replaced, solved

from workbench.circuit.populations import Source
from workbench.component.tables import Fields, Tables
from workbench.errors import AssemblyError, ScenarioError
from workbench.findings.closed_forms import FORMS
from workbench.plasticity.hebb import EXACT
from workbench.tasks.gaussian import Ring

LEARN = (
    HEAD
    + """
[population.x]
kind = "source"
size = 4
[population.y]
size = 2
[projection.w]
pre = "x"
post = "y"
weight = 0.3
spread = 0.05
bounds = [0.0, 9.0]
[plasticity.w]
rule = "hebb"
stabiliser = "oja"
rate = 0.004
[task.inputs]
kind = "ring"
inputs = "x"
width = 1.0
[phase.learning]
clock = "flow"
trials = 240
step = 24
[outcome.w1]
readout = "synapse_weight"
projection = "w"
[outcome.w2]
readout = "synapse_weight"
projection = "w"
unit_number = 2
input_number = 2
[arm.one]
"""
)
START = LEARN.replace("trials = 240", "trials = 1").replace("rate = 0.004", "rate = 0.0")
COVARIANCE = Ring.covariance_of(
    Fields(Ring, "task", "ring", {"inputs": "x", "width": 1.0, "common": 0.2, "bump": 0.3}),
    Tables({"population": {"x": Fields(Source, "population", "x", {"size": 4})}}),
)
DECAYS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "none": lambda d, w: 0.0 * w,
    "oja": lambda d, w: np.diag(np.diag(d @ w.T)) @ w,
    "subspace": lambda d, w: (d @ w.T) @ w,
    "sanger": lambda d, w: np.tril(d @ w.T) @ w,
    "l2": lambda d, w: np.diag(np.diag(d @ w.T) / (w**2).sum(axis=1)) @ w,
    "sum_divisive": lambda d, w: np.diag(d.sum(axis=1) / w.sum(axis=1)) @ w,
}
"""What each stabiliser takes off the drive ``d = w C``, as matrices."""


def weights(text: str) -> np.ndarray:
    """Return the first subject's weights, each read by an outcome of its own."""
    found = solved(replaced(text, ("count = 6", "count = 1")) + everything(), subjects=1)
    return np.array([[found.outcomes[f"w{j}{i}"][0] for i in range(1, 5)] for j in (1, 2)])


def everything() -> str:
    return "".join(
        f'[outcome.w{j}{i}]\nreadout = "synapse_weight"\nprojection = "w"\nunit_number = {j}\ninput_number = {i}\n'
        for j in (1, 2)
        for i in range(1, 5)
    )


def reference(stabiliser: str, start: np.ndarray) -> np.ndarray:
    """Integrate the mean field by SciPy, from the same start."""

    def drift(t: float, flat: np.ndarray) -> np.ndarray:
        w = flat.reshape(2, 4)
        d = w @ COVARIANCE
        return (0.004 * (d - DECAYS[stabiliser](d, w))).ravel()

    found = solve_ivp(drift, (0.0, 240.0), start.ravel(), rtol=1e-12, atol=1e-14, method="DOP853")
    return found.y[:, -1].reshape(2, 4)


def with_(stabiliser: str, text: str = LEARN) -> str:
    return replaced(text, ('"oja"', f'"{stabiliser}"'))


def on_its_manifold(stabiliser: str, start: np.ndarray) -> np.ndarray:
    """A fixed sum or norm holds from the first moment on: the flow starts from weights that already have it."""
    if stabiliser == "l2":
        return start / np.sqrt((start**2).sum(axis=1, keepdims=True))
    return start / start.sum(axis=1, keepdims=True) if stabiliser == "sum_divisive" else start


@pytest.mark.parametrize("stabiliser", EXACT)
def test_exact_solutions_agree_with_a_fine_integration(stabiliser: str) -> None:
    start = on_its_manifold(stabiliser, weights(START))
    assert np.allclose(weights(with_(stabiliser)), reference(stabiliser, start), rtol=1e-9)


@pytest.mark.parametrize("stabiliser", ["oja", "sanger", "subspace"])
def test_runge_kutta_steps_are_of_fourth_order(stabiliser: str) -> None:
    text, truth = with_(stabiliser), reference(stabiliser, weights(START))
    errors = []
    for step in (24, 12):
        stepped = replaced(text, ("step = 24", f'step = {step}\nsolution = "stepped"'))
        errors.append(np.abs(weights(stepped) - truth).max())
    assert 3.6 < np.log2(errors[0] / errors[1]) < 4.6, errors


@pytest.mark.parametrize("stabiliser", ["l2", "sum_divisive"])
def test_steps_start_from_the_fixed_size_as_the_exact_solution_does(stabiliser: str) -> None:
    exact = weights(with_(stabiliser))
    stepped = weights(with_(stabiliser).replace("step = 24", 'step = 2\nsolution = "stepped"'))
    assert np.allclose(stepped, exact, rtol=1e-6)


def test_projected_euler_steps_are_of_first_order() -> None:
    text = replaced(with_("sum_subtractive"), ("trials = 240", "trials = 48"))
    fine = weights(
        replaced(text, ("step = 24", "step = 1"), ("rate = 0.004", "rate = 0.0004"), ("trials = 48", "trials = 480"))
    )
    errors = [np.abs(weights(replaced(text, ("step = 24", f"step = {step}"))) - fine).max() for step in (8, 4, 2)]
    assert 0.6 < np.log2(errors[0] / errors[1]) < 1.4 and errors[2] < errors[1], errors


@pytest.mark.parametrize(("stabiliser", "pace"), [("oja", 7), ("none", 7), ("sanger", 24)])
def test_what_is_read_on_the_way_changes_no_bit(stabiliser: str, pace: int) -> None:
    plain = solved(with_(stabiliser))
    course = f'[course.w]\nreadout = "synapse_weight"\nprojection = "w"\nevery = {pace}\n'
    watched = solved(with_(stabiliser) + course)
    assert all(plain.outcomes[k].tobytes() == watched.outcomes[k].tobytes() for k in plain.outcomes)


def test_a_run_stops_where_its_first_weight_meets_the_bound_and_its_neighbours_go_on() -> None:
    text = replaced(with_("none"), ("bounds = [0.0, 9.0]", "bounds = [0.0, 0.9]"), ("spread = 0.05", "spread = 0.0"))
    text += '[outcome.time]\nreadout = "bound_time"\nprojection = "w"\n[arm.two]\n[arm.two.set]\n"plasticity.w.rate" = 0.0001\n'
    found = solved(text)
    fast = found.outcomes["time"] > 0
    expected = FORMS["time_to_bound"].value(rate=0.004, inputs=COVARIANCE, weight=0.3, bound=0.9)
    assert found.outcomes["time"][fast] == pytest.approx(expected, rel=1e-9)
    assert fast.sum() == 6 and found.outcomes["w1"][fast] == pytest.approx(0.9, rel=1e-9)
    assert np.all(found.outcomes["w1"][~fast] < 0.9) and np.all(found.outcomes["w1"][~fast] > 0.3)


@pytest.mark.parametrize(
    ("swap", "words"),
    [
        ((("rule = \"hebb\"\nstabiliser = \"oja\"\n", ""),), "two_sided (plasticity.w) has no mean field; use the trial clock"),
        ((("size = 2\n", "size = 2\nnoise = 0.1\n"),), "needs linear units without noise"),
        ((("size = 2\n", 'size = 2\nactivation = "relu"\n'),), "needs linear units without noise"),
        ((("size = 2\n", "size = 2\nbaseline = 0.1\n"),), "to be the only input of y"),
        ((('"oja"', '"scaling"'),), "hebb with scaling has no mean field here"),
    ],
)  # fmt: skip
def test_what_has_no_mean_field_is_refused(swap: tuple[tuple[str, str], ...], words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        solved(replaced(LEARN, *swap))
    assert any(words in p.message and p.line > 0 for p in caught.value.problems), caught.value.problems


def test_what_is_summed_trial_by_trial_cannot_be_read_off_a_flow() -> None:
    bandit = (
        '[task.reach]\nkind = "cued_bandit"\ncues = "c"\nanswers = "y"\n[population.c]\nkind = "source"\nsize = 2\n'
    )
    with pytest.raises(AssemblyError, match="is summed trial by trial, and phase learning"):
        solved(LEARN + bandit + '[outcome.o]\nreadout = "overflow_index"\ntask = "reach"\n')


def test_a_reading_inside_a_step_is_refused() -> None:
    course = '[course.w]\nreadout = "synapse_weight"\nprojection = "w"\nevery = 7\n'
    with pytest.raises(ScenarioError, match="goes in steps of 24 trials, but course w is read every 7"):
        solved(with_("sanger") + course)
    outcome = '[outcome.early]\nreadout = "synapse_weight"\nprojection = "w"\nwindow = "trials 0-7 of learning"\n'
    with pytest.raises(AssemblyError, match="something is read after 7 trials, within a step of 24"):
        solved(with_("sanger") + outcome)


def test_a_link_onto_the_rate_acts_on_a_flow_as_on_trials() -> None:
    """What drives from outside stands still during a flow, but it is there."""
    link = '[modulator.ach]\nsource = "cholinergic"\ntone = 1.5\n[link.more]\nsignal = "modulator.ach"\nonto = "plasticity.w.rate"\ngain = 1.0\n'
    linked, plain = solved(LEARN + link).outcomes["w1"], solved(LEARN).outcomes["w1"]
    assert not np.allclose(linked, plain, rtol=1e-3)
    factor = (
        solved(LEARN + link + '[outcome.rate]\nreadout = "number"\npath = "plasticity.w.rate"\n').outcomes["rate"][0]
        / 0.004
    )
    scaled = solved(replaced(LEARN, ("rate = 0.004", f"rate = {float(0.004 * factor)!r}"))).outcomes["w1"]
    assert np.allclose(linked, scaled, rtol=1e-12)
