"""Sessions of therapy, the window of plasticity that they may fall into, and what a tag captures."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log

from workbench.findings.closed_forms.form import ClosedForm

NG_PER_ML = 1000.0
"""ng/mL in one mg/L."""


def _lesson_in_window(
    rate: float, trials: float, duration: float, gain: float, decay: float, dose: float, session: float
) -> float:
    since = session - dose
    area = decay * (exp(-since / decay) - exp(-(since + duration) / decay))
    return 1.0 - exp(-rate * trials / duration * (duration + gain * area))


def _lesson_in_driven_window(
    rate: float, trials: float, duration: float, gain: float, opened: float, clearance: float, volume: float,
    rise: float, decay: float, dose: float, session: float,
) -> float:  # fmt: skip
    """Return 1 - exp(-area) of three exponentials that follow each other: drug, rise, decay (partial fractions)."""
    rates = (clearance / volume, 1.0 / rise, 1.0 / decay)
    start, ratio = max(session - dose, 0.0), decay / rise  # before the dose the window is shut
    end = max(session - dose + duration, 0.0)
    peak = exp(-log(ratio) / (ratio - 1.0))
    area = 0.0
    for i, own in enumerate(rates):
        share = 1.0
        for j, other in enumerate(rates):
            share *= 1.0 if i == j else other / (other - own)
        area += share * (exp(-own * start) - exp(-own * end))
    return 1.0 - exp(-rate * trials / duration * (duration + gain * opened * decay / peak * area))


def _set_tag(trials: float, duration: float, decay: float) -> float:
    speed = trials / duration + 1.0 / decay
    return trials / duration / speed * (1.0 - exp(-speed * duration))


def _met_at_once(weak: float, duration: float, strong: float, decay: float, tag: float) -> float:
    return exp(-(strong - weak - duration) / tag) * tag * decay / (tag + decay)


def _proteins_met(
    weak: float, duration: float, strong: float, clearance: float, volume: float, rise: float, decay: float, tag: float
) -> float:
    """Return the product of three Laplace transforms at 1 / tag: drug, rise and decay follow each other."""
    lag, leaving = strong - weak - duration, clearance / volume
    s, up, down = 1.0 / tag, 1.0 / rise, 1.0 / decay
    ratio = decay / rise
    peak = exp(-log(ratio) / (ratio - 1.0))
    return exp(-lag * s) * leaving / (leaving + s) * up / (up + s) / (down + s) / peak


FORMS: Mapping[str, ClosedForm] = {
    "lesson": ClosedForm(
        "1 - exp(-rate trials): what a session teaches, of the way to 1", "",
        {"rate": "learning per trial", "trials": "of the session"}, lambda rate, trials: 1.0 - exp(-(rate * trials)),
    ),
    "lesson_in_window": ClosedForm(
        "1 - exp(-rate trials / T integral_s^(s + T) (1 + gain exp(-t / decay)) dt),  s = session - dose",
        "",
        {
            "rate": "learning per trial", "trials": "of the session", "duration": "T, h", "gain": "of the window at 1",
            "decay": "of the window, h", "dose": "its time, h", "session": "its time, h",
        },
        _lesson_in_window,
    ),
    "lesson_in_driven_window": ClosedForm(
        "1 - exp(-rate trials / T integral_s^(s + T) (1 + gain w(t)) dt),  s = session - dose,  w of height opened:\n"
        "a drug's exponential through a rise and a decay", "",
        {
            "rate": "learning per trial", "trials": "of the session", "duration": "T, h", "gain": "of the window at 1",
            "opened": "how far the dose opens it", "clearance": "L/h", "volume": "L", "rise": "of the window, h",
            "decay": "of the window, h", "dose": "its time, h", "session": "its time, h",
        },
        _lesson_in_driven_window,
    ),
    "window_left": ClosedForm(
        "exp(-(session - dose) / decay): a window that is open at once", "",
        {"dose": "its time, h", "session": "its time, h", "decay": "of the window, h"},
        lambda dose, session, decay: exp(-(session - dose) / decay),
    ),
    "opened": ClosedForm(
        "amount / clearance / ec50 / reference: a window under one bolus that occupies in proportion", "Rowland2011",
        {"amount": "mg", "clearance": "L/h", "ec50": "ng/mL", "reference": "integral that opens it to 1, h"},
        lambda amount, clearance, ec50, reference: amount * NG_PER_ML / clearance / ec50 / reference,
    ),
    "set_tag": ClosedForm(
        "f / (f + s) (1 - exp(-(f + s) duration)),  f = trials / duration, s = 1 / decay: the tag as a session ends",
        "",
        {"trials": "of the session", "duration": "h", "decay": "of the tag, h"}, _set_tag,
    ),
    "proteins_met": ClosedForm(
        "exp(-lag s) k / (k + s) 1 / (1 + rise s) decay / (1 + decay s) / peak,  s = 1 / tag, k = clearance / volume,\n"
        "lag = strong - weak - duration: integral of tag times proteins, h, of a whole tag", "Clopath2008",
        {
            "weak": "time of the session, h", "duration": "of the session, h", "strong": "time of the dose, h",
            "clearance": "L/h", "volume": "L", "rise": "of proteins, h", "decay": "of proteins, h",
            "tag": "decay of the tag, h",
        },
        _proteins_met,
    ),
    "met_at_once": ClosedForm(
        "exp(-D / tag) tag decay / (tag + decay),  D = strong - weak - duration: integral of tag times\n"
        "proteins, h, if all proteins are there at once", "Clopath2008",
        {
            "weak": "time of the session, h", "duration": "of the session, h", "strong": "time of the dose, h",
            "decay": "of proteins, h", "tag": "decay of the tag, h",
        },
        _met_at_once,
    ),
    "captured": ClosedForm(
        "early (1 - exp(-capture supply tag met))", "Clopath2008",
        {
            "early": "weight that is there to be kept", "capture": "rate, 1/h", "supply": "proteins at their peak",
            "tag": "as the session ends", "met": "integral of tag times proteins, h",
        },
        lambda early, capture, supply, tag, met: early * (1.0 - exp(-capture * supply * tag * met)),
    ),
}  # fmt: skip
