"""What a page says of an arm's doses is what the arm was given."""

from __future__ import annotations

import pytest

from workbench.analysis.protocol import regimens
from workbench.report.words import _prescribed

PLAIN: dict[str, float | str] = {
    "phase.treatment.length": 240.0,
    "dose.d.drug": "d",
    "dose.d.amount": 10.0,
    "dose.d.every": 8.0,
    "dose.d.during": "treatment",
    "dose.d.missed": "[]",
    "dose.d.steady_state": "false",
    "dose.d.until": 1e6,
}


@pytest.mark.parametrize(
    ("changed", "said", "details"),
    [
        ({}, "30 mg a day (10 mg every 8 h)", ()),
        ({"count": 1.0}, "10 mg once", ()),
        ({"count": 3.0, "duration": 4.0}, "10 mg, 3 doses, one every 8 h", ("each over 4 h",)),
        ({"every": 240.0}, "10 mg once", ()),
        ({"amount": 0.0, "amount_per_weight": 0.25}, "0.25 mg/kg every 8 h", ()),
        ({"until": 100.0, "first": 5.0}, None, ("the first after 5 h", "stopped after 100 h")),
        ({"until": 240.0}, None, ()),
        ({"missed": "[2.0, 5.0]"}, None, ("without doses 2, 5",)),
        ({"steady_state": "true"}, None, ("as if given for ever before",)),
    ],
)
def test_a_regimen_is_said_as_it_is_given(changed: dict[str, float | str], said: str | None, details: object) -> None:
    settings = {**PLAIN, **{f"dose.d.{name}": value for name, value in changed.items()}}
    (regimen,) = regimens(settings, {"dose.d.amount": "mg"})
    assert regimen.details == details
    assert said is None or _prescribed(regimen) == said


def test_an_arm_without_amount_is_given_nothing() -> None:
    assert regimens({**PLAIN, "dose.d.amount": 0.0}, {}) == ()
