"""The public event-handling benchmark: 29 dose tables with the concentrations that NONMEM printed for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from circuits import HEAD, only, replaced
from nonmem_rules import System, amounts_at

from workbench.arrays import Value
from workbench.declaration import number
from workbench.pharmacology.disposition import OneCompartmentOral
from workbench.registry import registry
from workbench.solver.run import solve

PRINTED = json.loads((Path(__file__).parent / "data" / "nonmem_dosing.json").read_text())
HOURS = np.arange(131.0)


@dataclass(frozen=True, kw_only=True)
class CentralFirst(OneCompartmentOral):
    """A gut and a central compartment; doses enter the central one, and F and the lag are those of that one."""

    name: ClassVar[str] = "central_first"
    entry: ClassVar[str] = "central"

    bioavailability: Value = number(1.0, "1", "F of the central compartment", low=0.0, high=10.0)


def engine(records: list[list[float]], share: float, lag: float, length: float = 0.0) -> Any:
    """Return the concentrations at 0, 1 ... 130 h, ug/L; where the model has a duration (RATE -2) it is TINF."""
    rows = "".join(
        ",".join(str(x) for x in (*r[:2], max(r[2], 0), *r[3:], length if r[2] == -2 else 0)) + "\n" for r in records
    )
    text = replaced(HEAD, ("count = 6", "count = 1")) + (
        f'[drug.d]\nmodel = "central_first"\nclearance = "1.1 L/h"\nvolume = "20 L"\nabsorption = "1.5 1/h"\n'
        f'bioavailability = {share}\nlag = "{lag} h"\n[phase.obs]\nclock = "event"\nlength = "130.5 h"\n'
        f'[course.c]\nreadout = "concentration"\ndrug = "d"\ninterval = "1 h"\n'
        f'[outcome.first]\nreadout = "concentration"\ndrug = "d"\nwindow = "0 h into obs"\n'
        f'[dose.x]\nregimen = "table"\ndrug = "d"\nduring = "obs"\n'
        f'table = """\nTIME,AMT,RATE,II,ADDL,SS,EVID,CMT,TINF\n{rows}"""\n'
    )
    result = solve(only(text, components=[CentralFirst]), registry().extended([CentralFirst]))
    return result.courses["c"][: len(HOURS), 0]


def rules(records: list[list[float]], share: float, lag: float) -> Any:
    """Return the same by the rules of NONMEM, written down apart."""
    matrix = np.array([[-1.5, 0.0], [1.5, -1.1 / 20.0]])
    rows = [dict(zip(PRINTED["columns"], map(float, record), strict=True)) for record in records]
    return 50.0 * amounts_at(System(matrix, [1.0, share], [0.0, lag], entry=2), rows, HOURS)[:, 1]


def half_a_digit(printed: Any) -> Any:
    """Return half a unit of the fifth digit, which is all that is printed."""
    with np.errstate(divide="ignore"):
        return np.where(printed > 0.0, (0.5 + 1e-6) * 10.0 ** (np.floor(np.log10(printed)) - 4.0), 1e-9)


@pytest.mark.parametrize("table", PRINTED["tables"], ids=lambda table: str(table["id"]))
def test_the_concentrations_are_those_that_nonmem_printed(table: dict[str, Any]) -> None:
    """All 131 of each table, to the last printed digit: nothing is left out."""
    printed = np.array(table["printed"])
    mine = engine(table["records"], table["share"], table["lag"], table.get("length", 0.0))
    assert mine.shape == printed.shape == (131,)
    assert np.all(np.abs(mine - printed) <= half_a_digit(printed))


def test_the_rules_that_other_tests_go_by_are_those_of_what_was_printed() -> None:
    """The interpreter of the rules stands in for NONMEM where nothing was printed; here it has to stand the same test."""
    for table in PRINTED["tables"]:
        if "length" not in table:  # a duration of the model is no word of the table
            printed = np.array(table["printed"])
            assert np.all(
                np.abs(rules(table["records"], table["share"], table["lag"]) - printed) <= half_a_digit(printed)
            )


@pytest.mark.parametrize("rate", [0, 10])
@pytest.mark.parametrize("lag", [5.0, 12.0, 17.0, 30.0])
def test_a_steady_state_is_what_doses_since_long_have_left(lag: float, rate: int) -> None:
    """Also where the lag reaches the interval (12 h), of which no table was printed.

    NONMEM's manual takes the steady state without a lag and goes on by the interval less the lag. That is right while
    the lag is shorter; beyond it there is nothing to go on by, and doses are still to come that were given before.
    """
    since_long = [[0, 100, rate, 12, 60, 0, 1, 2]]
    matrix = np.array([[-1.5, 0.0], [1.5, -1.1 / 20.0]])
    rows = [dict(zip(PRINTED["columns"], map(float, record), strict=True)) for record in since_long]
    system = System(matrix, [1.0, 0.6], [0.0, lag], entry=2)
    right = 50.0 * amounts_at(system, rows, 480.0 + np.arange(60.0))[:, 1]
    mine = engine([[0, 100, rate, 12, 20, 1, 1, 2]], 0.6, lag)[:60]
    assert np.max(np.abs(mine - right)) < 1e-8 * np.max(right)
