"""Competition for a fixed sum over units: nearest point with that sum, in each form of weights, and a run's own bits."""

from __future__ import annotations

import numpy as np
import pytest
from support.circuits import HEAD, batches, equal, joined, replaced, solved

from workbench.plasticity.two_sided import TwoSided
from workbench.solver.run import solve

TOTAL = 0.9
CLAMPED = (
    HEAD.replace("count = 6", "count = 2")
    + """
[population.x]
kind = "source"
size = 3
[population.y]
baseline = 0.4
noise = 0.3
size = 3
[projection.w]
wiring = "WIRING"
pre = "x"
post = "y"
weight = 0.3
spread = 0.1
bounds = [0.0, 0.6]
[plasticity.w]
rate = 0.2
ltd_gain = 0.3
competition = "subtractive"
total = 0.9
[phase.learning]
trials = 4
"""
    + "\n".join(
        f'[outcome.w{j}{i}]\nreadout = "synapse_weight"\nprojection = "w"\nunit_number = {j}\ninput_number = {i}\n'
        for j in range(1, 4)
        for i in range(1, 4)
    )
    + "[arm.one]\n"
)
SHOWN = '[task.cue]\nkind = "cued_bandit"\ncues = "x"\nanswers = "y"\norder = "fixed"\n'


def weights(text: str) -> np.ndarray:
    """Return the weights at the end, ``(units, inputs, runs)``."""
    found = solved(text).outcomes
    return np.array([[found[f"w{j}{i}"] for i in (1, 2, 3)] for j in (1, 2, 3)])


def test_each_input_has_one_sum_over_units() -> None:
    dense = weights(CLAMPED.replace("WIRING", "dense"))
    assert dense.sum(axis=0) == pytest.approx(TOTAL, abs=1e-14)
    assert np.ptp(dense, axis=0).min() > 1e-3, "units that do not differ compete for nothing"


def test_one_to_one_weights_have_one_sum() -> None:
    single = weights(replaced(CLAMPED, ("WIRING", "one_to_one"), ("spread = 0.1\n", "")))
    assert single[:, 0].sum(axis=0) == pytest.approx(TOTAL, abs=1e-14)


def test_only_the_row_of_the_shown_cue_is_brought_to_its_sum() -> None:
    found = weights(CLAMPED.replace("WIRING", "dense") + SHOWN)
    sums = found.sum(axis=0)
    assert sums[0] == pytest.approx(TOTAL, abs=1e-14)
    assert np.abs(sums[1:] - TOTAL).min() > 1e-3


@pytest.mark.parametrize(("total", "bound"), [(0.1, 0.0), (1.75, 0.6)])
def test_a_trial_ends_at_the_nearest_point_with_that_sum(total: float, bound: float) -> None:
    """What is taken off is the same for all units that meet no bound; those at one would lose less or gain less."""
    text = replaced(CLAMPED, ("WIRING", "dense"), ("trials = 4", "trials = 1"))
    text = replaced(
        text, ("baseline = 0.4\nnoise = 0.3", 'kind = "source"\nvalue = 0.8'), ("total = 0.9", f"total = {total}")
    )
    after = weights(text)
    before = weights(replaced(text, ("rate = 0.2", "rate = 0.0"), ('competition = "subtractive"', "")))
    free = before + TwoSided().drift(before, np.array(0.8), 0.2, 0.06, 0.0, (0.0, 0.6))
    taken = free - after
    inside = (after > 0.0) & (after < 0.6)
    assert (after == bound).any()
    for at in np.ndindex(after.shape[1:]):
        row = (slice(None), *at)
        mu = taken[row][inside[row]]
        assert np.ptp(mu) < 1e-14
        assert (taken[row][after[row] == 0.0] <= mu[0]).all()
        assert (taken[row][after[row] == 0.6] >= mu[0]).all()
    assert after.sum(axis=0) == pytest.approx(total, abs=1e-14)


def test_runs_with_sums_of_their_own_keep_their_bits() -> None:
    study = '[study.sums]\n[study.sums.sweep]\n"plasticity.w.total" = { values = [0.5, 0.9, 1.4] }\n'
    (batch,) = batches(CLAMPED.replace("WIRING", "dense") + study)
    whole = solve(batch)
    assert equal(joined([solve(batch.take(np.array([i]))) for i in range(len(batch))]), whole)
