"""Bursts and dips of a temporal difference, once it has learned."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.findings.closed_forms.form import ClosedForm

FORMS: Mapping[str, ClosedForm] = {
    "cue_burst": ClosedForm(
        "reward discount^(outcome - cue + 1): the error on arrival of an unannounced cue", "Schultz1997",
        {"reward": "its size", "discount": "per step", "cue": "its step", "outcome": "step of the reward"},
        lambda reward, discount, cue, outcome: reward * discount ** (outcome - cue + 1.0),
    ),
    "omission_dip": ClosedForm(
        "-reward: what was expected and does not come", "Schultz1997", {"reward": "its size"}, lambda reward: -reward
    ),
}  # fmt: skip
