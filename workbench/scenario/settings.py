"""Values for paths: what an arm sets, an axis lists, or a command line asks for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from workbench.component.declaration import Parameter
from workbench.quantities import convert, counts_molecules
from workbench.scenario.conformity import conforms
from workbench.scenario.csv_tables import NUMBER
from workbench.scenario.model import Quantity, Setting
from workbench.scenario.paths import RECORDINGS, PathError, Paths, Target, Unreadable
from workbench.scenario.references import plain_tables, reference_fault
from workbench.scenario.shapes import LIMIT
from workbench.scenario.text.document import listed
from workbench.scenario.text.syntax import Keys
from workbench.scenario.values import MASSES, ValueReader, range_fault


class SettingReader:
    """Finds paths and reads values for them; every problem is reported at the place it is given."""

    def __init__(self, reader: ValueReader, paths: Paths) -> None:
        self.reader, self.paths = reader, paths
        self.document = reader.document
        self._whole = plain_tables(paths.tables, paths.parameters)
        self._referred = {*reader.used, *_references(reader.document.content)}

    def target(self, path: str, keys: Keys) -> Target | None:
        """Return what `path` names if an arm or axis may change it, or None after a report."""
        try:
            found = self.paths.find(path)
        except Unreadable:
            return None
        except PathError as error:
            self.document.report(keys, str(error), at="key", got=error.got, known=error.known)
            return None
        if found.table is None and found.parameter.name not in self._referred:
            message = f"no field refers to {found.path}, so a new value would have no effect"
            self.document.report(keys, message, at="key")
            return None
        if found.table is not None and found.table.section in RECORDINGS:
            self.document.report(keys, "recordings are the same in all arms; they cannot be set or swept", at="key")
            return None
        return found

    def read(self, target: Target, raw: Any, keys: Keys) -> Setting | None:
        """Return the setting of `target`, checked like the field in its own table, or None after a report."""
        if not conforms(self.document, keys, target.parameter, raw):
            return None
        setting = self.reader.read(target.parameter, raw, keys)
        if setting is None or not self._complete(target, setting, keys):
            return None
        own = target.table is not None and target.parameter.name in target.table.fields
        if own and self.reader.refuse_zero(target.parameter, setting, keys):
            return None
        if isinstance(setting, Quantity) and target.table is None:
            return setting if self._lands(target.parameter.name, setting, keys) else None
        fault = reference_fault(target.parameter, setting, self.paths, self._whole)
        if fault is not None:
            message, got, known = fault
            self.document.report(keys, message, got=got, known=known)
            return None
        return setting

    def plain_numbers(self, target: Target, cells: Sequence[str], unit: str) -> list[float | None]:
        """Return the number of each of many cells in the field's unit, None for one that has to be read by itself.

        That is each cell that `read` would refuse, and all of them where the unit counts molecules of a drug.
        """
        field = target.parameter
        fields = (field, *(self.reader.used.get(field.name, ()) if target.table is None else ()))
        molar = field.unit in MASSES and unit != field.unit and counts_molecules(unit, field.unit)
        if molar or any(other.unit != field.unit for other in fields):
            return [None] * len(cells)
        low, high, whole, zero = _shared_limits(fields)
        is_number, nan = NUMBER.fullmatch, math.nan
        numbers = (float(cell) if is_number(cell) else nan for cell in cells)
        if unit != field.unit:
            numbers = (convert(number, unit, field.unit) for number in numbers)
        found = [number if low <= number <= high else None for number in numbers]
        if not (whole or zero):
            return found
        return [None if n is None or (whole and n % 1.0) or (zero and n == 0.0) else n for n in found]

    def _complete(self, target: Target, setting: Setting, keys: Keys) -> bool:
        """Whether the table has every field that is required by the component that `setting` chooses, if it does."""
        table, registry = target.table, self.paths.registry
        if table is None or registry is None or target.parameter.name in table.component.parameters():
            return True
        declared = registry.get(table.section, str(setting)).parameters().values()
        missing = [field.name for field in declared if field.required and field.name not in table.fields]
        if missing:
            self.document.report(keys, f"{table.path} lacks what {setting} needs: {listed(missing)}")
        return not missing

    def _lands(self, name: str, value: Quantity, keys: Keys) -> bool:
        """Whether a new value of a parameter lies in the range of every field that takes it."""
        for field in self.reader.used.get(name, ()):
            fault = range_fault(field, convert(value.number, value.unit, field.unit))
            if fault:
                self.document.report(keys, f"{value.text} is out of range for the field {field.name} ({fault})")
                return False
        return True


def _shared_limits(fields: Sequence[Parameter]) -> tuple[float, float, bool, bool]:
    """Return the range in which a number fits all fields, whether it must be whole, and whether 0 means nothing."""
    low, high = max(-LIMIT, *(f.low for f in fields)), min(LIMIT, *(f.high for f in fields))
    return low, high, any(f.whole for f in fields), any(bool(f.zero) for f in fields)


def _references(raw: Any) -> Iterator[str]:
    """Yield the parameters that anything in a document refers to, whether it can be read or not."""
    if isinstance(raw, dict):
        if isinstance(raw.get("ref"), str):
            yield raw["ref"]
        raw = list(raw.values())
    if isinstance(raw, list):
        for entry in raw:
            yield from _references(entry)
