"""Tasks of states: their values are those of all walks."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.tasks.transitions import Chain


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
