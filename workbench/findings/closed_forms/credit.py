"""How credit reaches a weight: traces, policies on the gradient of reward, temporal differences, and samples."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp

import numpy as np

from workbench.component.arrays import Array
from workbench.findings.closed_forms.form import ClosedForm, Kind


def _lingering_change(
    rate: float, amplitude: float, activity: float, pulse: float, mark_decay: float, pulse_decay: float
) -> float:
    delay = pulse - activity
    left = exp(-delay / mark_decay) if delay >= 0.0 else exp(delay / pulse_decay)
    return rate * amplitude * left * mark_decay * pulse_decay / (mark_decay + pulse_decay)


def _double_exponential(activity: float, pulse: float, rise: float, decay: float) -> float:
    delay = pulse - activity
    return exp(-delay / decay) - exp(-delay / rise) if delay >= 0.0 else 0.0


def _credit_share(step_from_end: float, steps: float, kept: float) -> float:
    return float(kept**step_from_end * (1.0 - kept) / (1.0 - kept**steps))


SIZES = {"inputs": "n", "outputs": "m"}


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
    "lingering_change": ClosedForm(
        "rate amplitude left tau_e tau_d / (tau_e + tau_d),  T = pulse - activity,\n"
        "left = exp(-T / tau_e), or exp(T / tau_d) of a pulse that came first", "Izhikevich2007",
        {
            "rate": "learning rate", "amplitude": "of the pulse", "activity": "its time, s", "pulse": "its time, s",
            "mark_decay": "tau_e, s", "pulse_decay": "tau_d, s",
        },
        _lingering_change,
    ),
    "double_exponential": ClosedForm(
        "exp(-T / decay) - exp(-T / rise),  T = pulse - activity; 0 before the trace", "",
        {"activity": "its time, s", "pulse": "its time, s", "rise": "of the trace, s", "decay": "of the trace, s"},
        _double_exponential,
    ),
    "kept_mark": ClosedForm(
        "exp(-interval / decay): what one step leaves of a trace", "Izhikevich2007",
        {"interval": "between steps, s", "decay": "of the trace, s"}, lambda interval, decay: exp(-interval / decay),
    ),
    "cleared_mark": ClosedForm(
        "exp(-interval / decay - clearing active): the same where a volley shortens it", "",
        {
            "interval": "between steps, s", "decay": "of the trace, s", "clearing": "by a volley with all receptors",
            "active": "share of receptors that are active",
        },
        lambda interval, decay, clearing, active: exp(-interval / decay - clearing * active),
    ),
    "credit_share": ClosedForm(
        "q^k (1 - q) / (1 - q^steps): share of step k from the end (0 is the last) in a reward's credit",
        "Izhikevich2007",
        {"step_from_end": "k", "steps": "how many", "kept": "q, what one step leaves of a trace"}, _credit_share,
    ),
    "error_left": ClosedForm(
        "(1 - 2 rate + rate^2 D)^samples", "Werfel2005",
        {"rate": "learning rate", "samples": "how many", "scatter": "D, mean square of a step over that of the error"},
        lambda rate, samples, scatter: (1.0 - 2.0 * rate + rate**2 * scatter) ** samples,
    ),
    "scatter_by_errors": ClosedForm(
        "D = n + 2: every output hears its own error", "Werfel2005", {"inputs": "n"}, lambda inputs: inputs + 2.0
    ),
    "scatter_by_outputs": ClosedForm(
        "D = (n + 2) (m + 2): one number for jittered outputs", "Werfel2005", SIZES,
        lambda inputs, outputs: (inputs + 2.0) * (outputs + 2.0),
    ),
    "scatter_by_weights": ClosedForm(
        "D = (n + 2) (n m + 2): one number for jittered weights", "Werfel2005", SIZES,
        lambda inputs, outputs: (inputs + 2.0) * (inputs * outputs + 2.0),
    ),
    "cue_burst": ClosedForm(
        "reward discount^(outcome - cue + 1): the error on arrival of an unannounced cue", "Schultz1997",
        {"reward": "its size", "discount": "per step", "cue": "its step", "outcome": "step of the reward"},
        lambda reward, discount, cue, outcome: reward * discount ** (outcome - cue + 1.0),
    ),
    "omission_dip": ClosedForm(
        "-reward: what was expected and does not come", "Schultz1997", {"reward": "its size"}, lambda reward: -reward
    ),
}  # fmt: skip
