"""A weight between potentiation and depression: the drive, how often it passes, where the weight settles and when."""

from __future__ import annotations

import math
from collections.abc import Mapping
from math import sqrt

from workbench.findings.closed_forms.form import ClosedForm


def _logistic(weight: float, inputs: float, target: float, time: float, trials: float) -> float:
    start = weight * inputs
    return target / (1.0 + (target / start - 1.0) * math.exp(-target * trials / time))


def _shared(set_point: float, probabilities: tuple[float, ...], kept: float) -> float:
    return set_point / sum(probabilities[: int(kept)])


MAP = {"cue": "weight of the cue", "overlap": "share that the others get", "surround": "inhibition by the others' mean"}
SIDES = {"up": "potentiation per trial", "down": "depression per trial", "crossing": "phi, share of trials that pass"}


def _neighbour(cue: float, overlap: float, surround: float, channels: float) -> float:
    others, off = channels - 1.0, cue * overlap
    return off - surround * (cue + off * (others - 1.0)) / others


def _crossing(drive: float, threshold: float, noise: float) -> float:
    from scipy.special import ndtr

    return float(ndtr((drive - threshold) / noise))


def _settled(up: float, down: float, crossing: float) -> float:
    return up * crossing / (up * crossing + down * (1.0 - crossing))


def _on_the_way(start: float, up: float, down: float, crossing: float, trials: float) -> float:
    end = _settled(up, down, crossing)
    return float(end + (start - end) * (1.0 - up * crossing - down * (1.0 - crossing)) ** trials)


def _competing(
    up: float, down: float, crossing: float, crossing_on: float, crossing_off: float, channels: float, total: float
) -> float:
    """Find by a root what is taken off all channels together, in units of one trial's change."""
    from scipy.optimize import brentq

    def left(taken: float, phi: float) -> float:
        return min(max((up * phi - taken) / (up * phi + down * (1.0 - phi)), 0.0), 1.0)

    def excess(taken: float) -> float:
        return left(taken, crossing_on) + (channels - 1.0) * left(taken, crossing_off) - total

    return left(float(brentq(excess, -(up + down), up + down, xtol=1e-15)), crossing)


FORMS: Mapping[str, ClosedForm] = {
    "cued_drive": ClosedForm(
        "cue - surround cue overlap: mean drive of the channel that is shown", "", MAP,
        lambda cue, overlap, surround: cue - surround * (cue * overlap),
    ),
    "neighbour_drive": ClosedForm(
        "o - surround (cue + o (n - 2)) / (n - 1),  o = cue overlap: mean drive of another channel", "",
        {**MAP, "channels": "n"}, _neighbour,
    ),
    "crossing": ClosedForm(
        "Q((threshold - drive) / noise): how often a noisy drive passes", "",
        {"drive": "its mean", "threshold": "of potentiation", "noise": "standard deviation"}, _crossing,
    ),
    "potentiation": ClosedForm(
        "rate gain sqrt(balance)", "",
        {"rate": "learning rate", "gain": "of potentiation", "balance": "of both sides"},
        lambda rate, gain, balance: rate * gain * sqrt(balance),
    ),
    "depression": ClosedForm(
        "rate gain / sqrt(balance)", "",
        {"rate": "learning rate", "gain": "of depression", "balance": "of both sides"},
        lambda rate, gain, balance: rate * gain / sqrt(balance),
    ),
    "permitted_depression": ClosedForm(
        "rate gain permission / sqrt(balance)", "",
        {"rate": "learning rate", "gain": "of depression", "balance": "of both sides", "permission": "of a gate"},
        lambda rate, gain, balance, permission: rate * gain / sqrt(balance) * permission,
    ),
    "settled_weight": ClosedForm(
        "A+ phi / (A+ phi + A- (1 - phi)), between bounds 0 and 1", "", SIDES, _settled
    ),
    "weight_on_the_way": ClosedForm(
        "w* + (start - w*) (1 - A+ phi - A- (1 - phi))^trials,  w* as in settled_weight", "",
        {"start": "weight", **SIDES, "trials": "how many"}, _on_the_way,
    ),
    "competing_weight": ClosedForm(
        "(A+ phi - mu) / (A+ phi + A- (1 - phi)) within 0 and 1, mu such that the shown channel and its n - 1\n"
        "neighbours sum to total", "MillerMacKay1994",
        {
            **SIDES, "crossing_on": "phi of the shown channel", "crossing_off": "phi of a neighbour", "channels": "n",
            "total": "the sum that is held",
        },
        _competing,
    ),
    "logistic_rate": ClosedForm(
        "target / (1 + (target / y_0 - 1) exp(-target t / time)),  y_0 = weight * inputs", "vanRossum2000",
        {
            "weight": "equal start", "inputs": "number of inputs, each 1", "target": "set point",
            "time": "time constant", "trials": "t",
        },
        _logistic,
    ),
    "scaled_hebb_rate": ClosedForm(
        "target + rate * time * |x|^2: where growth and scaling balance", "vanRossum2000",
        {"target": "set point", "rate": "learning rate", "time": "time constant", "pattern": "x, what is shown"},
        lambda target, rate, time, pattern: target + rate * time * sum(x * x for x in pattern), {"pattern": "list"},
    ),
    "balanced_weight": ClosedForm(
        "excitation - target / input: the inhibition that leaves the target", "Vogels2011",
        {"excitation": "excitatory weight", "target": "set point", "input": "activity of the channel"},
        lambda excitation, target, input: excitation - target / input,  # noqa: A006
    ),
    "shared_response": ClosedForm(
        "set_point / (p_1 + ... + p_k): response to each of the first k patterns where all of these are kept",
        "IntratorCooper1992",
        {"set_point": "mean response", "probabilities": "p, how often each is shown", "kept": "k, how many are kept"},
        _shared, {"probabilities": "list"},
    ),
}  # fmt: skip
