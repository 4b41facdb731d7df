"""What a rule pays in samples: squared error left of a linear map, learned from white normal inputs."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.findings.closed_forms.form import ClosedForm

SIZES = {"inputs": "n", "outputs": "m"}

FORMS: Mapping[str, ClosedForm] = {
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
}  # fmt: skip
