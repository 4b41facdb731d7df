"""What theory expects, as named formulas: a finding names one and says which numbers of its scenario go into it.

A closed registry: no file holds a formula. None of them calls the engine's own kernels: they are other derivations
of the same result, or other methods (a matrix exponential, a root).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.literature.criterion_text import CriterionText
from workbench.literature.settings import SettingFault, setting_at
from workbench.scenario.conformity import show
from workbench.scenario.document import listed
from workbench.scenario.model import Scenario

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ClosedForm:
    """One formula.

    Attributes
    ----------
    equation : str
        What it says.
    source : str
        A key of the bibliography; "" for what follows in a line.
    needs : mapping name -> meaning
        Its arguments: numbers, paths of numbers (``plasticity.w.rate``), or a task (``task.inputs``), which stands
        for the covariance of its inputs.
    """

    equation: str
    source: str
    needs: Mapping[str, str]
    value: Callable[..., float]


def _spectrum(inputs: Array) -> tuple[Array, Array]:
    """Return eigenvalues, largest first, and their eigenvectors in columns."""
    values, vectors = np.linalg.eigh(inputs)
    return values[::-1], vectors[:, ::-1]


def _grown(rate: float, inputs: Array, weight: float, trials: float) -> Array:
    """Return Hebb's weights after `trials` from equal starts, by the matrix exponential."""
    from scipy.linalg import expm

    found: Array = expm(rate * trials * inputs) @ np.full(len(inputs), weight)
    return found


def _log_growth(rate: float, inputs: Array, trials: float) -> float:
    return float(rate * np.linalg.eigvalsh(inputs)[-1] * trials)


def _time_to_bound(rate: float, inputs: Array, weight: float, bound: float) -> float:
    from scipy.optimize import brentq

    longest = 2.0 * math.log(bound / weight) / (rate * float(np.linalg.eigvalsh(inputs)[-1]))
    return float(brentq(lambda t: _grown(rate, inputs, weight, t).max() - bound, 0.0, longest, xtol=1e-12))


def _oja(rate: float, inputs: Array, weight: float, trials: float, decay: float = 1.0) -> Array:
    """Return Oja's weights in eigen-coordinates: each grows by its own exponential over a common length."""
    values, vectors = _spectrum(inputs)
    start = vectors.T @ np.full(len(inputs), weight)
    growth = np.exp(2.0 * rate * values * trials)
    return np.asarray(start * np.sqrt(growth) / math.sqrt(1.0 + decay * float(start**2 @ (growth - 1.0))))


def _oja_norm(**given: Any) -> float:
    return float(np.linalg.norm(_oja(**given)))


def _oja_cosine(**given: Any) -> float:
    found = _oja(**given)
    return float(abs(found[0]) / np.linalg.norm(found))


def _participation(inputs: Array) -> float:
    leading = _spectrum(inputs)[1][:, 0]
    return float(np.abs(leading).sum() ** 2 / (leading @ leading))


def _logistic(weight: float, inputs: float, target: float, time: float, trials: float) -> float:
    start = weight * inputs
    return target / (1.0 + (target / start - 1.0) * math.exp(-target * trials / time))


FORMS: Mapping[str, ClosedForm] = {
    "log_growth": ClosedForm(
        "rate * lambda_1 * trials", "Hebb1949",
        {"rate": "learning rate", "inputs": "task", "trials": "length of the stretch"}, _log_growth,
    ),
    "time_to_bound": ClosedForm(
        "t with max_i [exp(rate C t) W(0)]_i = bound", "Hebb1949",
        {"rate": "learning rate", "inputs": "task", "weight": "equal start", "bound": "upper bound"}, _time_to_bound,
    ),
    "leading_eigenvalue": ClosedForm(
        "lambda_1", "Oja1982", {"inputs": "task"}, lambda inputs: float(np.linalg.eigvalsh(inputs)[-1])
    ),
    "oja_norm": ClosedForm(
        "|W(t)|, along e_k W_k(0) exp(r l_k t) / sqrt(1 + decay sum_j W_j(0)^2 (exp(2 r l_j t) - 1))", "Oja1982",
        {"rate": "r", "inputs": "task", "weight": "equal start", "trials": "t", "decay": "decay"}, _oja_norm,
    ),
    "oja_cosine": ClosedForm(
        "|W_1(t)| / |W(t)|, as in oja_norm", "Oja1982",
        {"rate": "r", "inputs": "task", "weight": "equal start", "trials": "t", "decay": "decay"}, _oja_cosine,
    ),
    "norm_at_rest": ClosedForm(
        "1 / sqrt(decay)", "Oja1982", {"decay": "decay"}, lambda decay: 1.0 / math.sqrt(decay)
    ),
    "leading_participation": ClosedForm(
        "(sum_i |e_1i|)^2 / sum_i e_1i^2", "MillerMacKay1994", {"inputs": "task"}, _participation
    ),
    "full_weights": ClosedForm(
        "floor(total / bound): how many weights a fixed sum fills", "MillerMacKay1994",
        {"total": "the sum", "bound": "upper bound"}, lambda total, bound: float(math.floor(total / bound + 1e-9)),
    ),
    "same": ClosedForm("the number itself", "", {"number": "the number"}, lambda number: number),
    "ratio": ClosedForm(
        "over / under", "", {"over": "numerator", "under": "denominator"}, lambda over, under: over / under
    ),
    "squared_ratio": ClosedForm(
        "(over / under)^2", "", {"over": "numerator", "under": "denominator"}, lambda over, under: (over / under) ** 2
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
        {"target": "set point", "rate": "learning rate", "time": "time constant", "power": "|x|^2"},
        lambda target, rate, time, power: target + rate * time * power,
    ),
    "balanced_weight": ClosedForm(
        "excitation - target / input: the inhibition that leaves the target", "Vogels2011",
        {"excitation": "excitatory weight", "target": "set point", "input": "activity of the channel"},
        lambda excitation, target, input: excitation - target / input,  # noqa: A006
    ),
}  # fmt: skip
"""Every closed form by name."""


def accepted(
    text: CriterionText, scenario: Scenario, arm: str, at: Mapping[str, Any], unit: str
) -> tuple[float, float] | None:
    """Return the accepted range of a criterion: as given, or around a closed form; None after a report."""
    if "accept" not in text.raw and "expected" not in text.raw:
        text.report("accept", "is missing (a range; or expected, a closed form)", at="key")
        return None
    if "accept" in text.raw and "expected" in text.raw:
        text.report("expected", "stands for accept: give one of the two", at="key")
        return None
    if "accept" in text.raw:
        for key in ("within", "within_share"):
            if key in text.raw:
                text.report(key, "goes with expected, a closed form", at="key")
        return text.range("accept", unit)
    value = _value(text, scenario, arm, at)
    margin = text.number("within", unit)
    share = text.raw.get("within_share")
    if (margin is None) == (share is None):
        text.report("expected", "needs its tolerance: within, in the unit of the outcome, or within_share", at="key")
        return None
    if value is None:
        return None
    margin = abs(value) * float(share) if margin is None else margin  # type: ignore[arg-type]
    if not margin > 0:
        text.report("within", "a tolerance is above 0", at="key")
        return None
    return value - margin, value + margin


def _value(text: CriterionText, scenario: Scenario, arm: str, at: Mapping[str, Any]) -> float | None:
    """Return what the named formula gives for this arm and point, or None after a report."""
    raw = dict(text.raw["expected"])
    name = raw.pop("closed_form", None)
    if name not in FORMS:
        message = f"no closed form {show(name)} (one of: {listed(FORMS)})"
        text.document.report((*text.keys, "expected"), message, got=str(name), known=tuple(FORMS))
        return None
    form = FORMS[name]
    if set(raw) != set(form.needs):
        needs = ", ".join(f"{key} ({what})" for key, what in form.needs.items())
        text.report("expected", f"{name}, {form.equation}, needs {needs}; got {listed(raw)}")
        return None
    given: dict[str, Any] = {}
    for key, value in raw.items():
        try:
            given[key] = setting_at(scenario, arm, at, value)
        except SettingFault as fault:
            text.document.report((*text.keys, "expected", key), str(fault))
    if len(given) < len(raw):
        return None
    try:
        return form.value(**given)
    except (ArithmeticError, ValueError, TypeError) as error:
        text.report("expected", f"{name} has no value for these numbers ({error})")
        return None
