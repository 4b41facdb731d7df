"""Weights under a fixed sum: how many take part, and how many fill up."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from workbench.arrays import Array
from workbench.findings.closed_forms.components import INPUTS, spectrum
from workbench.findings.closed_forms.form import ClosedForm


def _participation(inputs: Array) -> float:
    leading = spectrum(inputs)[1][:, 0]
    return float(np.abs(leading).sum() ** 2 / (leading @ leading))


FORMS: Mapping[str, ClosedForm] = {
    "leading_participation": ClosedForm(
        "(sum_i |e_1i|)^2 / sum_i e_1i^2", "MillerMacKay1994", {"inputs": "task"}, _participation, INPUTS
    ),
    "full_weights": ClosedForm(
        "floor(total / bound): how many weights a fixed sum fills", "MillerMacKay1994",
        {"total": "the sum", "bound": "upper bound"}, lambda total, bound: float(math.floor(total / bound + 1e-9)),
    ),
}  # fmt: skip
