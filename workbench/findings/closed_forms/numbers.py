"""Numbers of the scenario as they are, two of them compared, and what a signal makes of one."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.findings.closed_forms.form import ClosedForm

FORMS: Mapping[str, ClosedForm] = {
    "same": ClosedForm("the number itself", "", {"number": "the number"}, lambda number: number),
    "ratio": ClosedForm(
        "over / under", "", {"over": "numerator", "under": "denominator"}, lambda over, under: over / under
    ),
    "squared_ratio": ClosedForm(
        "(over / under)^2", "", {"over": "numerator", "under": "denominator"}, lambda over, under: (over / under) ** 2
    ),
    "difference": ClosedForm(
        "of - less", "", {"of": "the number", "less": "what is taken off"}, lambda of, less: of - less
    ),
    "pulsed": ClosedForm(
        "number |amplitude|: a rate under pulses of either sign", "",
        {"number": "the rate", "amplitude": "of a pulse"}, lambda number, amplitude: number * abs(amplitude),
    ),
    "scaled": ClosedForm(
        "number (1 + gain signal): a number under a linear link", "",
        {"number": "without the signal", "gain": "of the link", "signal": "the signal"},
        lambda number, gain, signal: number * (1.0 + gain * signal),
    ),
    "shifted": ClosedForm(
        "number + gain signal: a number under a link that shifts it", "",
        {"number": "without the signal", "gain": "of the link", "signal": "the signal"},
        lambda number, gain, signal: number + gain * signal,
    ),
}  # fmt: skip
