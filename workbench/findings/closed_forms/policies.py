"""Policies that climb the gradient of expected reward."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workbench.arrays import Array
from workbench.findings.closed_forms.form import ClosedForm, Kind

LISTS: Mapping[str, Kind] = {"preferences": "list", "rewards": "list"}


def _policy(preferences: tuple[float, ...]) -> Array:
    weight = np.exp(np.asarray(preferences))
    return np.asarray(weight / weight.sum())


def _place(action: float, actions: int) -> int:
    if action not in range(1, actions + 1):
        raise ValueError(f"action {action:g} of 1 to {actions}")
    return int(action) - 1


def _reward_gradient(
    rate: float, trials: float, preferences: tuple[float, ...], rewards: tuple[float, ...], action: float
) -> float:
    p, worth = _policy(preferences), np.asarray(rewards)
    return float(rate * trials * (p * (worth - p @ worth))[_place(action, len(p))])


def _reward_slope(
    rate: float, trials: float, preferences: tuple[float, ...], rewards: tuple[float, ...], action: float
) -> float:
    step = np.zeros(len(preferences))
    step[_place(action, len(preferences))] = 1e-5
    above, below = (float(_policy(tuple(preferences + sign * step)) @ np.asarray(rewards)) for sign in (1.0, -1.0))
    return rate * trials * (above - below) / 2e-5


def _update_variance(
    rate: float, preferences: tuple[float, ...], rewards: tuple[float, ...], baseline: float, action: float
) -> float:
    """Return the variance over actions, each with its probability."""
    p = _policy(preferences)
    own = _place(action, len(p))
    change = rate * (np.asarray(rewards) - baseline) * ((np.arange(len(p)) == own) - p[own])
    return float(p @ (change - p @ change) ** 2)


FORMS: Mapping[str, ClosedForm] = {
    "reward_gradient": ClosedForm(
        "rate trials p_a (R_a - J),  p = softmax(preferences), J = sum_k p_k R_k", "Williams1992",
        {
            "rate": "learning rate", "trials": "how many", "preferences": "of all actions",
            "rewards": "of all actions", "action": "a, from 1",
        },
        _reward_gradient, LISTS,
    ),
    "reward_slope": ClosedForm(
        "rate trials (J(preference_a + h) - J(preference_a - h)) / 2 h,  J = sum_k p_k R_k,  h = 1e-5", "",
        {
            "rate": "learning rate", "trials": "how many", "preferences": "of all actions",
            "rewards": "of all actions", "action": "a, from 1",
        },
        _reward_slope, LISTS,
    ),
    "update_variance": ClosedForm(
        "variance over actions k of rate (R_k - baseline) (1[k = a] - p_a)", "Williams1992",
        {
            "rate": "learning rate", "preferences": "of all actions", "rewards": "of all actions",
            "baseline": "what reward is compared with", "action": "a, from 1",
        },
        _update_variance, LISTS,
    ),
}  # fmt: skip
