"""Quantities: closed forms of unit conversion, body weight as a kind of its own, messages that list units."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cases import every_case

from workbench.component.registry import registry
from workbench.quantities import (
    COMMON,
    QuantityError,
    _parse_unit,
    accepted_units,
    convert,
    is_known_unit,
    same_kind,
    split_quantity,
    to_unit,
)


@every_case(
    ("text", "unit", "number"),
    [
        ("30 mg", "mg", 30.0),
        ("30 mg", "g", 0.03),
        ("0.5 mg/kg", "mg/kg", 0.5),
        ("500 ug/kg", "mg/kg", 0.5),
        ("2 mg/kg/day", "mg/kg/h", 2 / 24),
        ("2 mg/day", "mg/day", 2.0),
        ("24 h", "day", 1.0),
        ("3 d", "h", 72.0),
        ("40 min", "h", 2 / 3),
        ("250 ms", "s", 0.25),
        ("500 trials", "trial", 500.0),
        ("4 ng/mL", "ug/L", 4.0),
        ("5 nM", "uM", 0.005),
        ("400 mL/min", "L/h", 24.0),
        ("0.1 1/h", "1/day", 2.4),
        ("1e-3 s", "ms", 1.0),
        ("-.5mV", "mV", -0.5),
        ("5 µg", "mg", 0.005),
    ],
)
def test_text_becomes_number_in_the_declared_unit(text, unit, number):
    assert to_unit(text, unit) == pytest.approx(number, rel=1e-14)


def test_equal_quantities_become_equal_floats():
    assert to_unit("250 ms", "s") == to_unit("0.25 s", "s")
    assert to_unit("0.3 mg", "ug") == to_unit("300 ug", "ug")


@pytest.mark.parametrize("unit", ["1", "mg", "ng/mL", "h"])
def test_mg_per_kg_is_a_kind_of_its_own(unit):
    assert not same_kind("mg/kg", unit)
    with pytest.raises(QuantityError, match="not a unit of this kind"):
        convert(1.0, "mg/kg", unit)


@given(st.sampled_from([*COMMON]), st.sampled_from([*COMMON]), st.floats(-1e9, 1e9))
def test_conversion_there_and_back_is_the_identity(given_unit, unit, number):
    if same_kind(given_unit, unit):
        assert convert(convert(number, given_unit, unit), unit, given_unit) == pytest.approx(number, rel=1e-12)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    for read in (split_quantity, lambda t: to_unit(t, "mg")):
        try:
            read(text)
        except QuantityError as error:
            assert str(error)


@pytest.mark.parametrize("unit", ["9**9**9**9", "m" * 1000, "mg.__class__", "mg**mg", "()", "/h", "mg/", "h^99"])
def test_units_that_are_expressions_are_unknown(unit):
    assert not is_known_unit(unit)


def test_message_lists_units_of_the_same_kind():
    with pytest.raises(QuantityError, match=r"units: h, ms, s, min, day, week"):
        to_unit("3 mg", "h")
    assert accepted_units("mg/day")[0] == "mg/day"


def test_every_declared_unit_is_known():
    declared = {(c.__name__, p.unit) for c in registry() for p in c.parameters().values()}
    assert [(name, unit) for name, unit in declared if not is_known_unit(unit)] == []


def test_the_kinds_of_the_usual_units_are_those_that_pint_finds():
    assert {unit: str(_parse_unit(unit).dimensionality) for unit in COMMON} == COMMON


def test_pint_is_not_imported_where_no_unit_differs():
    asked = "q.to_unit('3 mg', 'mg'), q.same_kind('mg/kg', 'mg'), q.counts_molecules('mg', 'mg')"
    code = f"import sys, workbench.quantities as q; {asked}; sys.exit('pint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
