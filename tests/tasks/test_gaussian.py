"""Inputs whose moments are known: a ring with a broad bump, by its equation and as it is shown."""

from __future__ import annotations

import numpy as np
import pytest
from support.circuits import shipped_rule, solved
from support.shown_inputs import shown

from workbench.circuit.populations import Source
from workbench.component.tables import Fields, Tables
from workbench.errors import ScenarioError
from workbench.tasks.gaussian import Ring

POPULATION = Tables({"population": {"x": Fields(Source, "population", "x", {"size": 16})}})


RING = {"inputs": "x", "width": 3.0, "common": 0.2, "bump": 0.3}


def covariance(**settings: float) -> np.ndarray:
    """Return the covariance of a ring with these settings beside its own."""
    found: np.ndarray = Ring.covariance_of(Fields(Ring, "task", "ring", {**RING, **settings}), POPULATION)
    return found


def spread_over(moment: np.ndarray) -> float:
    """Return over how many inputs the leading eigenvector is spread, by the power method."""
    vector = np.ones(len(moment))
    for _ in range(3000):
        vector = moment @ vector
        vector /= vector.sum()
    return float(1.0 / (vector @ vector))


def test_a_bump_over_neighbours_is_the_equation_entry_by_entry() -> None:
    found = covariance(bump_width=2.0)
    for i, j in ((0, 0), (0, 1), (1, 2), (3, 12), (15, 1), (8, 8)):
        apart = min(abs(i - j), 16 - abs(i - j))
        gains = [1.0 + 0.3 * np.exp(-((min(k, 16 - k) / 2.0) ** 2)) for k in (i, j)]
        expected = (np.exp(-((apart / 3.0) ** 2)) + 0.2) * gains[0] * gains[1]
        assert found[i, j] == pytest.approx(expected, abs=2e-3), "but for what a closed ring leaves of eigenvalues < 0"
    assert found.argmax() == 0 and np.allclose(found[1], found[15][np.r_[0, 15:0:-1]])


def test_a_budget_is_spread_over_fewer_inputs_the_broader_the_bump_is() -> None:
    """15.24 of 16 at width 2, as the leading eigenvector has it; a bump on one input alone leaves 15.81."""
    assert spread_over(covariance(bump_width=2.0)) == pytest.approx(15.24, abs=5e-3)
    assert spread_over(covariance(bump_width=0.0)) == pytest.approx(15.81, abs=5e-3)


def test_without_a_width_or_with_hardly_any_the_bump_is_on_the_first_input_alone() -> None:
    plain = covariance()
    for width in (0.0, 1e-3):
        assert covariance(bump_width=width).tobytes() == plain.tobytes()


def test_a_bump_that_would_be_negative_is_refused() -> None:
    with pytest.raises(ScenarioError, match="bump_width"):
        solved(shipped_rule("sum_budget").replace("bump_width = 2.0", "bump_width = -1.0"))


def test_inputs_on_a_ring_have_the_covariance_that_they_say() -> None:
    table, block = shown('kind = "ring"\ninputs = "x"\nwidth = 1.0\n', 12_800)
    vectors, values = (block.signals[f"task.t.{what}"][..., 0] for what in ("eigenvectors", "eigenvalues"))
    distance = np.array([[0, 1, 2, 1], [1, 0, 1, 2], [2, 1, 0, 1], [1, 2, 1, 0]])
    gain = np.array([1.3, 1.0, 1.0, 1.0])
    expected = (np.exp(-(distance**2.0)) + 0.2) * np.outer(gain, gain)
    assert np.allclose((vectors.T * values) @ vectors, expected, atol=1e-12)
    assert np.cov(table[:, :, 1].T) == pytest.approx(expected, abs=0.08)
