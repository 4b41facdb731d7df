"""The mean field of the cubic rule against exact moments of its sources, the gradient of kurtosis, and its order."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp
from support.circuits import HEAD, equal, joined, only, replaced, solved

from workbench.component.registry import registry
from workbench.errors import ScenarioError
from workbench.solver.block import Block
from workbench.solver.run import solve

RATE, TRIALS = 0.0005, 240
FLOW = (
    HEAD.replace("count = 6", "count = 1")
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
spread = 0.3
[plasticity.w]
rule = "cubic"
form = "heavy"
stabiliser = "none"
rate = 0.0005
[task.voices]
kind = "mixture"
inputs = "x"
[phase.learning]
clock = "flow"
trials = 240
step = 24
[arm.one]
"""
    + "".join(
        f'[outcome.w{j}{i}]\nreadout = "synapse_weight"\nprojection = "w"\nunit_number = {j}\ninput_number = {i}\n'
        for j in (1, 2)
        for i in (1, 2, 3, 4)
    )
)
SOURCES = (stats.laplace(scale=0.5**0.5), stats.laplace(scale=0.5**0.5), stats.uniform(-(3.0**0.5), 12.0**0.5))
FOURTH = (*(float(source.moment(4)) for source in SOURCES), float(stats.expon(loc=-1.0).moment(4)))
"""Laplace, Laplace, uniform, exponential, as a mixture has them, each of mean 0 and variance 1."""


def weights(text: str) -> np.ndarray:
    found = solved(text, subjects=1).outcomes
    return np.array([[found[f"w{j}{i}"][0] for i in (1, 2, 3, 4)] for j in (1, 2)])


def moments() -> np.ndarray:
    """Return ``E[x_i x_j x_k x_l]`` of the mixtures from those of the sources, factor by factor."""
    block = Block(only(FLOW), registry())
    block.build_all()
    mixing = np.array(block.signals["task.voices.mixing"][:, :, 0])
    tensor = np.zeros((4,) * 4)
    for at in product(range(4), repeat=4):
        counts = [at.count(k) for k in range(4)]
        tensor[at] = np.prod([{0: 1.0, 2: 1.0, 4: FOURTH[k]}.get(c, 0.0) for k, c in enumerate(counts)])
    return np.einsum("ia,jb,kc,ld,abcd->ijkl", *(mixing,) * 4, tensor)


def drift_of(w: np.ndarray, tensor: np.ndarray, form: str, stabiliser: str) -> np.ndarray:
    """Return the average of rate f x less the decay, for one unit, as E reads."""
    cubed, power = np.einsum("ijkl,j,k,l->i", tensor, w, w, w), float(w @ w)
    fourth = float(cubed @ w)
    if form == "threshold":
        return RATE * (cubed - fourth / power * w)
    grown = RATE * (cubed if form == "heavy" else -cubed)
    if stabiliser == "oja":
        return grown - RATE * fourth * w
    return grown - float(grown @ w) / power * w if stabiliser == "l2" else grown


CASES = [
    ("heavy", "none"),
    ("heavy", "oja"),
    ("heavy", "l2"),
    ("light", "none"),
    ("light", "l2"),
    ("threshold", "none"),
]


@pytest.mark.parametrize(("form", "stabiliser"), CASES)
def test_steps_are_of_fourth_order_towards_the_flow_of_exact_moments(form: str, stabiliser: str) -> None:
    swaps = (('form = "heavy"', f'form = "{form}"'), ('"none"', f'"{stabiliser}"'))
    start, tensor = weights(replaced(FLOW, ("rate = 0.0005", "rate = 0.0"))), moments()
    assert start.std() > 0.05
    if stabiliser == "l2":
        start /= np.sqrt((start**2).sum(axis=1, keepdims=True))
    truth = np.array([
        solve_ivp(
            lambda t, w: drift_of(w, tensor, form, stabiliser), (0.0, TRIALS), row, rtol=1e-12, atol=1e-14,
            method="DOP853",
        ).y[:, -1]
        for row in start
    ])  # fmt: skip
    assert np.abs(truth - start).max() > 0.01, "the weights have gone some way"
    errors = []
    for step in (24, 12):
        text = replaced(FLOW, *swaps, ("step = 24", f"step = {step}"))
        errors.append(np.abs(weights(text) - truth).max())
    assert errors[1] < 1e-6 and 3.4 < np.log2(errors[0] / errors[1]) < 4.7, errors


def test_the_form_with_a_threshold_climbs_the_gradient_of_normalised_kurtosis() -> None:
    """By central differences: dw = rate m2^2 / 4 grad(m4 / m2^2), which leaves the length as it is."""
    tensor = moments()
    w = weights(replaced(FLOW, ("rate = 0.0005", "rate = 0.0")))[0]
    moved = weights(replaced(FLOW, ('"heavy"', '"threshold"'), ("trials = 240", "trials = 1"), ("0.0005", "1e-6")))[0]

    def kurtosis(at: np.ndarray) -> float:
        return float(np.einsum("ijkl,i,j,k,l->", tensor, at, at, at, at) / (at @ at) ** 2)

    slope = np.array([(kurtosis(w + d) - kurtosis(w - d)) / 2e-5 for d in 1e-5 * np.eye(4)])
    assert (moved - w) / 1e-6 == pytest.approx(0.25 * (w @ w) ** 2 * slope, rel=1e-5, abs=1e-7)
    assert abs(slope @ w) < 1e-8


def test_a_subject_alone_has_the_bits_it_has_in_a_block() -> None:
    batch = only(FLOW, subjects=9)
    assert equal(solve(batch), joined([solve(batch.take(np.array([i]))) for i in range(len(batch))]))


def test_what_has_no_known_fourth_moments_or_no_flow_is_refused() -> None:
    other = replaced(FLOW, ('kind = "mixture"', 'kind = "gaussian"'))
    with pytest.raises(ScenarioError, match="the mean field of cubic is a sum over mixture, but x shows a gaussian"):
        solved(other)
    with pytest.raises(ScenarioError, match="cubic with deflation has no mean field here; use the trial clock"):
        solved(replaced(FLOW, ('"none"', '"deflation"')))
    with pytest.raises(ScenarioError, match="the mean field of hebb is a sum over gaussian or patterns or ring"):
        solved(replaced(FLOW, ('rule = "cubic"\nform = "heavy"', 'rule = "hebb"')))
