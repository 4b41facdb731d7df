"""Feedback against finite differences, and a layer's step as its equation reads."""

from __future__ import annotations

import numpy as np
import pytest
from support.circuits import less, one_step, replaced, shipped_rule, solved

from workbench.plasticity.routed_error import RoutedError


def _network(feedback: str, activation: str) -> str:
    text = replaced(shipped_rule("feedback_alignment"), ('feedback = "fixed"', f'feedback = "{feedback}"'), ("spread = 0.01", "spread = 0.4"),
                    ("count = 3", "count = 8"), ("trials = 3000", "trials = 1"))  # fmt: skip
    text = less(text, "outcome", "course", "arm", "study").replace(
        'kind = "layer"\nsize = 20', f'kind = "layer"\nsize = 20\nactivation = "{activation}"'
    )
    return text + '[outcome.loss]\nreadout = "teacher_loss"\ntask = "map"\n[arm.one]\n'


@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_the_transpose_sends_back_what_finite_differences_find(activation: str) -> None:
    """B = W^T: the change of the lower weights is -rate times the gradient of half the squared error a sample, to 1e-6."""
    before, after = one_step(_network("transpose", activation))
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
    before, after = one_step(_network("fixed", "linear"))
    error = np.einsum("rbm,rmh->rbh", after["plasticity.upper.error"], before["plasticity.lower.feedback"])
    expected = RoutedError.drift(0.008, error, after["population.input.activity"])
    moved = after["projection.lower.weight"] - before["projection.lower.weight"]
    assert moved == pytest.approx(expected, rel=1e-11, abs=1e-14)
    before, after = one_step(_network("zero", "linear"))
    assert np.array_equal(after["projection.lower.weight"], before["projection.lower.weight"])
