"""Transmitter, drug and receptor: what is there, what is occupied, what is active and what it permits."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.findings.closed_forms.form import ClosedForm

NG_PER_ML = 1000.0
"""ng/mL in one mg/L."""


def _active(level: float, half: float, occupied: float) -> float:
    free = level * (1.0 - occupied)
    return free / (free + half)


FORMS: Mapping[str, ClosedForm] = {
    "acetylcholine": ClosedForm(
        "tone (1 - d2_efficacy d2_recruitment)", "",
        {"tone": "before D2 control", "d2_efficacy": "of D2 receptors", "d2_recruitment": "share that is recruited"},
        lambda tone, d2_efficacy, d2_recruitment: tone * (1.0 - d2_efficacy * d2_recruitment),
    ),
    "infused_level": ClosedForm(
        "amount / every / clearance, ng/mL: a steady infusion without a break", "Rowland2011",
        {"amount": "of a dose, mg", "every": "interval, h", "clearance": "L/h"},
        lambda amount, every, clearance: amount / every / clearance * NG_PER_ML,
    ),
    "occupied_share": ClosedForm(
        "C / (C + half)", "Gaddum1957",
        {"level": "C, concentration", "half": "the one that occupies half, in its unit"},
        lambda level, half: level / (level + half),
    ),
    "active_share": ClosedForm(
        "A / (A + half): receptors that no drug reaches", "Gaddum1957",
        {"level": "A, transmitter", "half": "the one that activates half, in its unit"},
        lambda level, half: level / (level + half),
    ),
    "active_share_under_drug": ClosedForm(
        "A (1 - o) / (A (1 - o) + half)", "Gaddum1957",
        {"level": "A, transmitter", "half": "the one that activates half", "occupied": "o, share a drug takes"},
        _active,
    ),
    "required": ClosedForm(
        "number ((1 - need) + need available): the part that needs nothing, and the part that has what it needs",
        "Shen2008",
        {"number": "with all there", "need": "share of it that needs it", "available": "share of it that is there"},
        lambda number, need, available: number * ((1.0 - need) + need * available),
    ),
    "permission": ClosedForm(
        "1 / (1 + (active / threshold)^exponent)", "",
        {"active": "share of receptors", "threshold": "the share that closes half", "exponent": "steepness"},
        lambda active, threshold, exponent: 1.0 / (1.0 + (active / threshold) ** exponent),
    ),
}  # fmt: skip
