"""Where activity settles that comes back to the units it came from."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.findings.closed_forms.form import ClosedForm

FORMS: Mapping[str, ClosedForm] = {
    "shared_activity": ClosedForm(
        "(own - weight other) / (1 - weight^2), weight < 1 and own > weight other:\n"
        "where x = own - weight y and y = other - weight x",
        "",
        {"own": "input of the unit", "other": "input of its rival", "weight": "of the inhibition, both ways"},
        lambda own, other, weight: (own - weight * other) / (1.0 - weight**2),
    ),
    "flipping_activity": ClosedForm(
        "own / 2, weight other > own: silent on every other trial",
        "",
        {"own": "input of the unit"},
        lambda own: own / 2.0,
    ),
}
