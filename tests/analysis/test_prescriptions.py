"""What a page says of an arm's doses is what the arm was given."""

from __future__ import annotations

import json

import pytest

from workbench.analysis.arm_tables import arm_tables
from workbench.analysis.protocol import regimens
from workbench.protocol.schedule import doses_given
from workbench.report.words import _prescribed


def dose_hours(settings: dict[str, float | str], name: str) -> list[float]:
    """Return when the doses of a stored arm's table fall."""
    tables = arm_tables(settings)
    return [hour for hour, _ in doses_given(tables["dose"][name], tables) or ()]


PLAIN: dict[str, float | str] = {
    "phase.treatment.clock": "tick",
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
        ({"steady_state": "true"}, None, ("at steady state from the start",)),
    ],
)
def test_a_regimen_is_said_as_it_is_given(changed: dict[str, float | str], said: str | None, details: object) -> None:
    settings = {**PLAIN, **{f"dose.d.{name}": value for name, value in changed.items()}}
    (regimen,) = regimens(settings)
    assert regimen.details == details
    assert said is None or _prescribed(regimen) == said


def test_an_arm_without_amount_is_given_nothing() -> None:
    assert regimens({**PLAIN, "dose.d.amount": 0.0}) == ()


def test_a_table_of_several_people_is_not_told_as_that_of_all() -> None:
    """The first who is given anything is told, as one of them; nobody reads "no drug" because the first has placebo."""
    rows = [[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, ""], [1.0, 5.0, 30.0, 0.0, 8.0, 2.0, 0.0, 1.0, 0.0, ""]]
    settings: dict[str, float | str] = {
        "phase.treatment.clock": "tick",
        "phase.treatment.length": 240.0,
        "dose.d.drug": "d",
        "dose.d.during": "treatment",
        "dose.d.regimen": "table",
        "dose.d.amount_factor": 1.0,
        "dose.d.given": 1.0,
        "dose.d.table": json.dumps(rows),
    }
    (regimen,) = regimens(settings)
    assert _prescribed(regimen) == "30 mg, 3 doses, one every 8 h"
    assert regimen.details == ("the first after 5 h", "as one of 2 people, each with records of their own")
    assert dose_hours(settings, "d") == [5.0, 13.0, 21.0]
    older = {**settings, "dose.d.table": "[[0.0, 0.0, 10.0, 0.0, 8.0, 1.0, 0.0], [0.0, 30.0, 0.0, 0.0, 0.0, 0.0, 0.0]]"}
    assert dose_hours(older, "d") == [0.0, 8.0], "a database of before has fewer cells a record"
    assert (
        regimens({**settings, "dose.d.given": 0.0}) == () and dose_hours({**settings, "dose.d.given": 0.0}, "d") == []
    )
