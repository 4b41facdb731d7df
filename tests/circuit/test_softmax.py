"""A policy takes each action as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.circuit.softmax import choose_action, probabilities


def test_a_policy_takes_each_action_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    drive, n = rng.normal(size=(4, 1)) @ np.ones((1, 200_000)), 200_000
    p, choice = np.empty_like(drive), np.empty_like(drive)
    probabilities(drive, out=p)
    choose_action(p, rng.random(n), np.empty(n), out=choice)
    assert np.all(choice.sum(axis=0) == 1.0)
    assert choice.mean(axis=1) == pytest.approx(p[:, 0], abs=4e-3)
    assert np.exp(drive[:, 0]) / np.exp(drive[:, 0]).sum() == pytest.approx(p[:, 0], rel=1e-14)
