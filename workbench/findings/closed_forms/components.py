"""Growth along the directions of the inputs, and where Oja's decay stops it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.component.arrays import Array
from workbench.findings.closed_forms.form import ClosedForm, Kind


def _participation(inputs: Array) -> float:
    leading = spectrum(inputs)[1][:, 0]
    return float(np.abs(leading).sum() ** 2 / (leading @ leading))


INPUTS: Mapping[str, Kind] = {"inputs": "task"}


def spectrum(inputs: Array) -> tuple[Array, Array]:
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
    values, vectors = spectrum(inputs)
    start = vectors.T @ np.full(len(inputs), weight)
    growth = np.exp(2.0 * rate * values * trials)
    return np.asarray(start * np.sqrt(growth) / math.sqrt(1.0 + decay * float(start**2 @ (growth - 1.0))))


def _oja_weight(component: float, **given: Any) -> float:
    return float(abs(_oja(**given)[int(component) - 1]))


def _oja_norm(**given: Any) -> float:
    return float(np.linalg.norm(_oja(**given)))


def _oja_cosine(**given: Any) -> float:
    found = _oja(**given)
    return float(abs(found[0]) / np.linalg.norm(found))


FORMS: Mapping[str, ClosedForm] = {
    "log_growth": ClosedForm(
        "rate * lambda_1 * trials", "Hebb1949",
        {"rate": "learning rate", "inputs": "task", "trials": "length of the stretch"}, _log_growth, INPUTS,
    ),
    "time_to_bound": ClosedForm(
        "t with max_i [exp(rate C t) W(0)]_i = bound", "Hebb1949",
        {"rate": "learning rate", "inputs": "task", "weight": "equal start", "bound": "upper bound"},
        _time_to_bound, INPUTS,
    ),
    "leading_eigenvalue": ClosedForm(
        "lambda_1", "Oja1982", {"inputs": "task"}, lambda inputs: float(np.linalg.eigvalsh(inputs)[-1]), INPUTS
    ),
    "oja_norm": ClosedForm(
        "|W(t)|, along e_k W_k(0) exp(r l_k t) / sqrt(1 + decay sum_j W_j(0)^2 (exp(2 r l_j t) - 1))", "Oja1982",
        {"rate": "r", "inputs": "task", "weight": "equal start", "trials": "t", "decay": "decay"}, _oja_norm, INPUTS,
    ),
    "oja_cosine": ClosedForm(
        "|W_1(t)| / |W(t)|, as in oja_norm", "Oja1982",
        {"rate": "r", "inputs": "task", "weight": "equal start", "trials": "t", "decay": "decay"}, _oja_cosine, INPUTS,
    ),
    "oja_weight": ClosedForm(
        "|W_k(t)| along e_k, as in oja_norm: the k-th weight itself where the inputs are uncorrelated",
        "Oja1982",
        {
            "component": "k, from the largest variance", "rate": "r", "inputs": "task", "weight": "equal start",
            "trials": "t", "decay": "decay",
        },
        _oja_weight, INPUTS,
    ),
    "norm_at_rest": ClosedForm(
        "1 / sqrt(decay)", "Oja1982", {"decay": "decay"}, lambda decay: 1.0 / math.sqrt(decay)
    ),
    "leading_participation": ClosedForm(
        "(sum_i |e_1i|)^2 / sum_i e_1i^2", "MillerMacKay1994", {"inputs": "task"}, _participation, INPUTS
    ),
    "full_weights": ClosedForm(
        "floor(total / bound): how many weights a fixed sum fills", "MillerMacKay1994",
        {"total": "the sum", "bound": "upper bound"}, lambda total, bound: float(math.floor(total / bound + 1e-9)),
    ),
}  # fmt: skip
