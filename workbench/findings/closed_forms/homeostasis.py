"""What brings activity back to its set point: scaling, and inhibition that grows."""

from __future__ import annotations

import math
from collections.abc import Mapping

from workbench.findings.closed_forms.form import ClosedForm


def _logistic(weight: float, inputs: float, target: float, time: float, trials: float) -> float:
    start = weight * inputs
    return target / (1.0 + (target / start - 1.0) * math.exp(-target * trials / time))


def _shared(set_point: float, probabilities: tuple[float, ...], kept: float) -> float:
    return set_point / sum(probabilities[: int(kept)])


FORMS: Mapping[str, ClosedForm] = {
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
