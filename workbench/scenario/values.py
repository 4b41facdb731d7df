"""One value of one field: from what TOML made of it to a setting in the declared unit.

Shapes have been checked before; here units, ranges, references to parameters and evidence are read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.component.declaration import Parameter
from workbench.component.registry import SECTIONS
from workbench.errors import quoted
from workbench.protocol.span import in_days, parse_span
from workbench.quantities import (
    QuantityError,
    accepted_text,
    convert,
    convert_to_mass,
    counts_molecules,
    same_kind,
    split_quantity,
    to_unit,
)
from workbench.scenario.conformity import expected_number, show
from workbench.scenario.dosing import read_dosing
from workbench.scenario.model import UNREADABLE, Evidence, ParameterSet, Quantity, Ref, Setting
from workbench.scenario.shapes import LIMIT
from workbench.scenario.text.document import Document, listed
from workbench.scenario.text.syntax import Keys

MASSES = ("ng/mL", "mg", "ng h/mL")
"""Units of fields that weigh a drug; what counts its molecules is turned into them by its molar mass."""


@dataclass(frozen=True)
class ValueReader:
    """Reads values of `document`, which may refer to `parameters` and cite `sources` (None: any source goes).

    `used` gathers, by parameter name, the fields that refer to it; they limit what ``parameter.x`` may be set to.
    Files that values name are looked up in `base`; `content` is the whole scenario where `document` is only a piece.
    """

    document: Document
    parameters: ParameterSet
    sources: Collection[str] | None = None
    used: dict[str, list[Parameter]] = field(default_factory=dict)
    base: Path = Path()
    content: Mapping[str, Any] | None = None

    def read(self, parameter: Parameter, raw: Any, keys: Keys) -> Setting | None:
        """Return the setting for a field whose `raw` value has the right shape, or None after a report."""
        match parameter.kind:
            case "number":
                return self.number(parameter, raw, keys)
            case "numbers" | "interval":
                return self.numbers(parameter, raw, keys)
            case "references":
                return (raw,) if isinstance(raw, str) else tuple(raw)
            case "window":
                return self.window(raw, keys)
            case "dosing":
                return read_dosing(self.document, self.base, raw, keys)
            case _:
                return raw  # type: ignore[no-any-return]

    def number(self, parameter: Parameter, raw: Any, keys: Keys) -> Quantity | Ref | None:
        """Return a quantity in the parameter's unit or a reference; the value must lie in its range."""
        if not isinstance(raw, dict):
            return self.quantity(parameter, raw, keys)
        if "ref" in raw:
            return self.reference(parameter, raw["ref"], keys)
        found = self.quantity(parameter, raw["value"], (*keys, "value"))
        evidence = self.evidence(parameter.unit, raw, keys, found)
        return None if found is None else Quantity(found.number, found.unit, found.text, evidence)

    def numbers(self, parameter: Parameter, raw: list[Any], keys: Keys) -> tuple[float, ...] | None:
        """Return a list of plain numbers in the parameter's unit; an interval must rise."""
        found = [self.quantity(parameter, entry, (*keys, i)) for i, entry in enumerate(raw)]
        if any(entry is None for entry in found):
            return None
        values = tuple(entry.number for entry in found if entry is not None)
        if parameter.kind == "interval" and not values[0] < values[1]:
            self.document.report(keys, f"the first number must be below the second, got {show(raw)}")
            return None
        return values

    def quantity(self, parameter: Parameter, raw: Any, keys: Keys) -> Quantity | None:
        """Return a bare number or a quoted quantity in the parameter's unit, if it lies in its range."""
        number = self.plain(parameter.unit, raw, keys)
        if number is None:
            return None
        fault = range_fault(parameter, number)
        if fault:
            more = f": {parameter.zero}" if parameter.zero and number == 0.0 else ""
            self.document.report(keys, f"{show(raw)} is out of range ({fault}){more}")
            return None
        return Quantity(number, parameter.unit, raw if isinstance(raw, str) else repr(raw))

    def plain(self, unit: str, raw: Any, keys: Keys) -> float | None:
        """Return a number in `unit`: bare where the unit is "1", quoted with its unit elsewhere."""
        bare = isinstance(raw, (int, float)) and not isinstance(raw, bool)
        if (not bare and not isinstance(raw, str)) or bare != (unit == "1"):
            hint = f'a value of the parameter set is written {{ ref = "{raw}" }}' if self._is_name(raw) else ""
            self.document.report(keys, f"{expected_number(unit)}, got {show(raw)}", hint=hint)
            return None
        try:
            if not bare and self._is_molar(raw, unit):
                return self._weighed(raw, unit, keys)
            number = float(raw) if bare else to_unit(in_days(raw) if unit == "h" else raw, unit)
        except (QuantityError, OverflowError) as error:
            hint = f'a value of the parameter set is written {{ ref = "{raw}" }}' if self._is_name(raw) else ""
            self.document.report(keys, f"{show(raw)}: {error}", hint=hint)
            return None
        if not abs(number) <= LIMIT:
            self.document.report(keys, f"{show(raw)} is out of range (between -{LIMIT:g} and {LIMIT:g})")
            return None
        return number

    def _is_molar(self, raw: str, unit: str) -> bool:
        given = split_quantity(raw)[1] if unit in MASSES else ""
        return bool(given) and counts_molecules(given, unit)

    def _weighed(self, raw: str, unit: str, keys: Keys) -> float | None:
        """Return a value that counts molecules in the mass unit `unit`, by the molar mass of its table's drug."""
        content = self.document.content if self.content is None else self.content
        drug = drug_at(content, keys)
        if drug is None:
            raise QuantityError(f"counts molecules, and no drug says what they weigh ({accepted_text(unit)})")
        mass = molar_mass(content, self.parameters, drug)
        if mass is None:
            message = f"{show(raw)} counts molecules, and drug.{drug} has no molar_mass (g/mol) to turn it into {unit}"
            self.document.report(keys, message)
        return convert_to_mass(raw, unit, mass) if mass else None

    def _is_name(self, raw: Any) -> bool:
        return isinstance(raw, str) and raw in self.parameters.values

    def refuse_zero(self, parameter: Parameter, setting: Setting | None, keys: Keys) -> bool:
        """Report a 0 where the number, once given, is one above 0; return whether it is one."""
        value = self.parameters.values.get(setting.name) if isinstance(setting, Ref) else setting
        nothing = bool(parameter.zero) and isinstance(value, Quantity) and value.number == 0.0
        if nothing and isinstance(value, Quantity):
            self.document.report(keys, f"{show(value.text)} is not above 0: {parameter.zero}")
        return nothing

    def reference(self, parameter: Parameter, name: str, keys: Keys) -> Ref | None:
        """Return a reference to a value of the parameter set that fits the field in kind and range."""
        value = self.parameters.values.get(name)
        if value is None and self.parameters is UNREADABLE:
            return None
        if value is None:
            known = tuple(self.parameters.values)
            where = f"{quoted(self.parameters.name)} has: {listed(known)}" if known else "no parameter set is named"
            self.document.report((*keys, "ref"), f"unknown parameter {show(name)} ({where})", got=name, known=known)
            return None
        if not same_kind(value.unit, parameter.unit):
            message = f"parameter {quoted(name)} is in {quoted(value.unit)}, but this field is in {parameter.unit!r}"
            if parameter.unit in MASSES and counts_molecules(value.unit, parameter.unit):
                message += "; molar values are turned into mass only where they are written in the scenario"
            self.document.report((*keys, "ref"), message)
            return None
        self.used.setdefault(name, []).append(parameter)
        for origin, landing in landings(self.parameters, name):
            fault = range_fault(parameter, convert(landing.number, landing.unit, parameter.unit))
            if fault:
                self.document.report((*keys, "ref"), f"{origin} is {landing.text}, out of range here ({fault})")
                return None
        return Ref(name)

    def evidence(self, unit: str, raw: Mapping[str, Any], keys: Keys, found: Quantity | None) -> Evidence:
        """Return what stands beside a value; its source must be in the bibliography and its range hold the value."""
        low, high = self.plausible(unit, raw, keys, found)
        source, status, fitted_to = raw.get("source", ""), raw.get("status", "assumed"), tuple(raw.get("fitted_to", ()))
        if source and self.sources is not None and source not in self.sources:
            message = f"unknown source {show(source)} (expected an entry of the bibliography, references.bib)"
            self.document.report((*keys, "source"), message, got=source, known=self.sources)
        if status == "measured" and not (source or raw.get("note")):
            message = "a measured value needs its origin (source, or a note if it is unpublished)"
            self.document.report((*keys, "status"), message)
        if status == "fitted" and not (source or fitted_to):
            self.document.report((*keys, "status"), "a fitted value needs what it was fitted to (fitted_to or source)")
        return Evidence(status, source, low, high, fitted_to, raw.get("note", ""))

    def plausible(
        self, unit: str, raw: Mapping[str, Any], keys: Keys, found: Quantity | None
    ) -> tuple[float | None, float | None]:
        """Return the plausible range beside a value, or None twice."""
        if "range" not in raw:
            return None, None
        low, high = (self.plain(unit, end, (*keys, "range", i)) for i, end in enumerate(raw["range"]))
        if low is None or high is None:
            return None, None
        if not low <= high:
            self.document.report((*keys, "range"), f"the range ends below its start, got {show(raw['range'])}")
        elif found is not None and not low <= found.number <= high:
            self.document.report((*keys, "range"), f"{found.text} lies outside its own range {show(raw['range'])}")
        return low, high

    def window(self, raw: str, keys: Keys) -> str | None:
        """Return a window's words if they can be read; its phase is checked with the other references."""
        try:
            parse_span(raw)
        except ValueError as error:
            self.document.report(keys, f"{show(raw)}: {error}")
            return None
        return raw


def range_fault(parameter: Parameter, number: float) -> str:
    """Return the rule that `number` breaks, in words, or ""."""
    if parameter.low <= number <= parameter.high:
        return "a whole number" if parameter.whole and number != int(number) else ""
    unit = "" if parameter.unit == "1" else f" {parameter.unit}"
    if parameter.low == float("-inf"):
        return f"at most {parameter.high:g}{unit}"
    if parameter.high == float("inf"):
        return f"at least {parameter.low:g}{unit}"
    return f"{parameter.low:g} to {parameter.high:g}{unit}"


def landings(parameters: ParameterSet, name: str) -> list[tuple[str, Quantity]]:
    """Return every value that a parameter may take, base and conditions, with where it is written."""
    base = [(f"parameter.{name}", parameters.values[name])]
    conditions = parameters.conditions.items()
    return base + [(f"condition.{c}.{name}", values[name]) for c, values in conditions if name in values]


MOLAR_MASS = "molar_mass"
UNIT = "g/mol"


def drug_at(content: Mapping[str, Any], keys: Keys) -> str | None:
    """Return the drug that the table behind a place in a file is about, or None.

    A place is a table's own (``occupancy.block.ec50``) or one that names it: the key of an arm or of an axis.
    """
    path = next((str(key).split(".") for key in keys if str(key).partition(".")[0] in SECTIONS), [])
    section, name = (*path, *(str(key) for key in keys[1:2]))[:2] if path else ("", "")
    table = _table(content, section, name)
    if "drug" not in table and isinstance(table.get("occupancy"), str):
        table = _table(content, "occupancy", table["occupancy"])
    drug = table.get("drug")
    return drug if isinstance(drug, str) else None


def molar_mass(content: Mapping[str, Any], parameters: ParameterSet, drug: str) -> float | None:
    """Return a drug's molar mass in g/mol as the file gives it, 0 where it cannot be read, None where it is missing."""
    raw = _table(content, "drug", drug).get(MOLAR_MASS)
    if isinstance(raw, dict) and "ref" in raw:
        value = parameters.values.get(str(raw["ref"]))
        return value.number if value is not None and value.unit == UNIT else 0.0
    text = raw.get("value") if isinstance(raw, dict) else raw
    if text is None:
        return None
    try:
        return to_unit(text, UNIT) if isinstance(text, str) else 0.0
    except QuantityError:
        return 0.0


def _table(content: Mapping[str, Any], section: str, name: str) -> Mapping[str, Any]:
    named = content.get(section)
    found = named.get(name) if isinstance(named, dict) else None
    return found if isinstance(found, dict) else {}
