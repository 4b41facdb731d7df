"""What another rounding moves: last digits, but for what amplifies them."""

from __future__ import annotations

import numpy as np
from circuits import HEAD, only
from numpy.typing import NDArray

from workbench.solver.batch import BatchResult
from workbench.solver.nudged import WHEN, nudged
from workbench.solver.run import solve
from workbench.tasks.gaussian import Ring

MIXTURE = (
    HEAD
    + """
[population.x]
kind = "source"
size = 4
[population.y]
size = 4
[projection.w]
pre = "x"
post = "y"
weight = 0.0
spread = 1.0
[plasticity.w]
rule = "cubic"
form = "threshold"
rate = 0.0001
[task.voices]
kind = "mixture"
inputs = "x"
[phase.learning]
clock = "flow"
trials = 100000
step = 50
[outcome.amari]
readout = "amari_index"
projection = "w"
task = "voices"
window = "end of learning"
[arm.one]
"""
)
RING = (
    HEAD
    + """
[population.x]
kind = "source"
size = 6
[population.y]
size = 1
[projection.w]
pre = "x"
post = "y"
weight = 0.5
[plasticity.w]
rule = "hebb"
rate = 0.001
[task.ring]
kind = "ring"
inputs = "x"
width = 1.0
bump = 0.0
[phase.learning]
trials = 50
[outcome.norm]
readout = "weight_norm"
projection = "w"
[arm.one]
"""
)


def apart(one: BatchResult, two: BatchResult) -> float:
    """Return the largest difference of any outcome."""
    return max(float(np.max(np.abs(values - two.outcomes[name]))) for name, values in one.outcomes.items())


def turned(vectors: NDArray[np.float64], first: int, angle: float) -> NDArray[np.float64]:
    """Return the eigenvectors with two of one eigenvalue turned about each other, and the sign of another changed."""
    found, (one, two) = vectors.copy(), vectors[first : first + 2]
    found[first] = np.cos(angle) * one + np.sin(angle) * two
    found[first + 1] = np.cos(angle) * two - np.sin(angle) * one
    found[0] = -found[0]
    return found


def test_inputs_on_a_ring_do_not_hang_on_which_eigenvectors_were_found() -> None:
    steps = np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    covariance = np.exp(-(np.minimum(steps, 6 - steps).astype(float) ** 2)) + 0.2
    values, rows = np.linalg.eigh(covariance)
    vectors, sizes = rows.T[::-1, :, None], values[::-1, None]
    assert np.isclose(sizes[1, 0], sizes[2, 0]), "two of one eigenvalue"
    ring = Ring(inputs="x")
    root = ring.root(vectors, sizes)[..., 0]
    assert np.allclose(root.T @ root, covariance, rtol=0.0, atol=1e-14)
    assert np.allclose(ring.root(turned(vectors, 1, 1.0), sizes)[..., 0], root, rtol=0.0, atol=1e-14)
    assert apart(solve(only(RING)), solve(nudged(only(RING), 1))) < 1e-13


def test_a_source_that_no_unit_hears_is_no_quotient_of_rounding_errors() -> None:
    """Light tails are left alone by all units: what they still hear of them has decayed to rounding errors."""
    batch = only(MIXTURE)
    whole = solve(batch)
    assert np.all(whole.outcomes["amari"] >= 3.0 / 24.0), "one source of four unheard is a share of 3 in 2 m (m - 1)"
    assert max(apart(whole, solve(nudged(batch, seed))) for seed in (1, 2)) < 1e-9


def test_nudging_moves_every_number_but_moments_and_zeros_by_a_unit_in_the_last_place() -> None:
    batch = only(MIXTURE)
    one, two = nudged(batch, 1), nudged(batch, 2)
    for path, value in batch.values.items():
        moved = np.abs(np.asarray(one.values[path]) - value) / np.spacing(np.abs(value))
        still = path.partition(".")[0] in WHEN or value == 0.0
        assert np.all(moved == 0.0) if still else np.all((moved == 1.0) | (moved == 0.5)), path
    assert one.values == nudged(batch, 1).values and one.values != two.values
