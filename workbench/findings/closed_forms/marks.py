"""Marks at synapses: what a later pulse makes of one, and how credit falls from step to step."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp

from workbench.findings.closed_forms.form import ClosedForm


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


FORMS: Mapping[str, ClosedForm] = {
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
        "exp(-T / decay) - exp(-T / rise),  T = pulse - activity; 0 before the mark", "",
        {"activity": "its time, s", "pulse": "its time, s", "rise": "of the mark, s", "decay": "of the mark, s"},
        _double_exponential,
    ),
    "kept_mark": ClosedForm(
        "exp(-interval / decay): what one step leaves of a mark", "Izhikevich2007",
        {"interval": "between steps, s", "decay": "of the mark, s"}, lambda interval, decay: exp(-interval / decay),
    ),
    "cleared_mark": ClosedForm(
        "exp(-interval / decay - clearing active): the same where a volley shortens it", "",
        {
            "interval": "between steps, s", "decay": "of the mark, s", "clearing": "by a volley with all receptors",
            "active": "share of receptors that are active",
        },
        lambda interval, decay, clearing, active: exp(-interval / decay - clearing * active),
    ),
    "credit_share": ClosedForm(
        "q^k (1 - q) / (1 - q^steps): share of step k from the end (0 is the last) in a reward's credit",
        "Izhikevich2007",
        {"step_from_end": "k", "steps": "how many", "kept": "q, what one step leaves of a mark"}, _credit_share,
    ),
}  # fmt: skip
