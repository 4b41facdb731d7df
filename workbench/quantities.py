"""Text with a unit, ``"0.5 mg/kg"``, to a number in a declared unit. Used only when files are read.

The units are a closed list of our own, so that a message can name them all, so that a body weight
(the ``kg`` of ``mg/kg``) never cancels against a mass, and so that loading pint stays cheap.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from workbench.errors import quoted

if TYPE_CHECKING:
    from pint import UnitRegistry

HOURS_PER_DAY, SECONDS_PER_HOUR = 24.0, 3600.0

DEFINITIONS = """
nano- = 1e-9 = n-
micro- = 1e-6 = µ- = μ- = u-
milli- = 1e-3 = m-
kilo- = 1e3 = k-
second = [time] = s
minute = 60 * second = min
hour = 60 * minute = h = hr
day = 24 * hour = d
week = 7 * day
gram = [mass] = g
mcg = 1e-6 * gram
body_kilogram = [body_mass]
liter = [volume] = L = l = litre
mole = [substance] = mol
molar = mole / liter = M
meter = [length] = m
volt = [potential] = V
hertz = 1 / second = Hz
trial = [trial]
"""

KINDS = {
    "[time]": ("ms", "s", "min", "h", "day", "week"),
    "[trial]": ("trial",),
    "1 / [time]": ("1/s", "Hz", "1/min", "1/h", "1/day"),
    "1 / [trial]": ("1/trial",),
    "[trial] / [time]": ("trial/day",),
    "[mass]": ("ng", "ug", "mg", "g", "kg"),
    "[mass] / [body_mass]": ("mg/kg", "ug/kg", "g/kg"),
    "[mass] / [time]": ("mg/h", "mg/day"),
    "[mass] / [body_mass] / [time]": ("mg/kg/h", "mg/kg/day"),
    "[volume]": ("mL", "L"),
    "[volume] / [body_mass]": ("L/kg",),
    "[volume] / [time]": ("mL/min", "L/h", "L/day"),
    "[volume] / [time] / [body_mass]": ("L/h/kg",),
    "[mass] / [volume]": ("ng/mL", "ug/mL", "ug/L", "mg/L"),
    "[substance] / [volume]": ("nM", "uM", "mM"),
    "[substance]": ("nmol", "umol", "mol"),
    "[volume] / [substance]": ("1/nM", "1/uM"),
    "[length]": ("um", "mm"),
    "[potential]": ("mV", "V"),
    "[mass] / [substance]": ("g/mol",),
}
"""The spellings offered in messages, by kind as pint names it."""
COMMON = {spelling: kind for kind, spellings in KINDS.items() for spelling in spellings}

# [0-9], as \d also takes the digits of other scripts, which nobody means.
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*(.*?)\s*", re.DOTALL)
_COMMA = re.compile(r",\s*[0-9]")
_BARE = re.compile(_NUMBER)
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_NAME = r"[A-Za-zµμ]{1,16}(?:\^-?[1-9])?"
_UNIT = re.compile(rf"(?:1|{_NAME})(?:\s*[*/]\s*{_NAME})*")
_BODY = re.compile(r"/\s*kg\b(?!\^)")


class QuantityError(ValueError):
    """A quantity cannot be read, or is of another kind than asked for; the message lists the accepted units."""


def split_quantity(text: str) -> tuple[float, str]:
    """Return number and unit text of a quantity; the unit is "" where none is written.

    Raises
    ------
    QuantityError
        If the text does not start with a plain number.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise QuantityError('not a quantity (a number and a unit, such as "30 mg")')
    if _COMMA.match(match[2]):
        raise QuantityError('a decimal number has a point, not a comma (such as "2.5 mg")')
    return float(match[1]), match[2]


def parse_number(text: str) -> float | None:
    """Return the number that a text is, None if it is none; 1_0, inf and nan, which Python accepts, do not count."""
    return float(text) if _BARE.fullmatch(text) else None


def parse_integer(text: str) -> int | None:
    """Return the whole number that a text is, None if it is not one or has more digits than any count needs."""
    return int(text) if _WHOLE.fullmatch(text) else None


def to_unit(text: str, unit: str) -> float:
    """Return the number of `text` in `unit`, rounded to 15 digits so that "250 ms" equals "0.25 s".

    Raises
    ------
    QuantityError
        If the text is not a quantity, its unit is missing or unknown, or it is of another kind than `unit`.
    """
    number, given = split_quantity(text)
    if not given:
        raise QuantityError(f"the unit is missing ({accepted_text(unit)})")
    return convert(number, given, unit)


def convert(number: float, given: str, unit: str) -> float:
    """Return `number`, written in the unit `given`, in `unit`; errors as in `to_unit`."""
    if given == unit:
        return number
    if not is_known_unit(given):
        near = next((other for other in accepted_units(unit) if other.casefold() == given.casefold()), "")
        meant = f"; capitals count: {near!r}?" if near else ""
        raise QuantityError(f"unknown unit {quoted(given)} ({accepted_text(unit)}{meant})")
    if not same_kind(given, unit):
        raise QuantityError(f"{quoted(given)} is not a unit of this kind ({accepted_text(unit)})")
    return float(f"{number * _factor(given, unit):.15g}")


def counts_molecules(given: str, unit: str) -> bool:
    """Whether `given` is molar and `unit` a mass of the same substance: uM and ng/mL, nmol and mg."""
    # Most numbers are written in the unit itself, which needs no parser: a mass is not molar.
    return given != unit and is_known_unit(given) and _dimension(f"{given}*g/mol") == _dimension(unit) is not None


def convert_to_mass(text: str, unit: str, molar_mass: float) -> float:
    """Return the number of a molar `text` in the mass `unit` (`molar_mass` in g/mol)."""
    number, given = split_quantity(text)
    return float(f"{number * molar_mass * _factor(f'{given}*g/mol', unit):.15g}")


def is_known_unit(unit: str) -> bool:
    """Whether `unit` can be read ("1" is the unit of a pure number)."""
    return _dimension(unit) is not None


def same_kind(unit: str, other: str) -> bool:
    """Whether both units measure the same kind of quantity; ``mg/kg`` and "1" do not."""
    return unit == other or _dimension(unit) == _dimension(other) is not None


def accepted_units(unit: str) -> tuple[str, ...]:
    """Return the usual units of the same kind as `unit`, itself first."""
    return (unit, *(other for other in COMMON if other != unit and same_kind(other, unit)))


def accepted_text(unit: str) -> str:
    """Return the accepted units in words, for messages."""
    return "a pure number is written bare" if unit == "1" else f"units: {', '.join(accepted_units(unit))}"


@cache
def _registry() -> UnitRegistry[float]:
    import pint

    units: UnitRegistry[float] = pint.UnitRegistry(None)
    units.load_definitions(DEFINITIONS.strip().splitlines())
    return units


@cache
def _parse_unit(unit: str) -> Any:
    """Return pint's quantity of one `unit`, or None; only plain products and small powers reach pint's parser."""
    import pint

    if not _UNIT.fullmatch(unit):
        return None
    try:
        return _registry().Quantity(1, "") * _registry().parse_expression(_BODY.sub("/body_kilogram", unit))
    except (pint.UndefinedUnitError, pint.DefinitionSyntaxError):
        return None


@cache
def _dimension(unit: str) -> str | None:
    if unit in COMMON:
        return COMMON[unit]  # without pint, whose import takes a tenth of a second
    parsed = _parse_unit(unit)
    return None if parsed is None else str(parsed.dimensionality)


@cache
def _factor(given: str, unit: str) -> float:
    return float(_parse_unit(given).to(_parse_unit(unit).units).magnitude)
