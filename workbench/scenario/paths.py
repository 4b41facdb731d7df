"""Dotted paths: from ``dose.thp.amount`` to the table and the declared field, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from workbench.component.declaration import Parameter
from workbench.component.field_path import field_path
from workbench.component.registry import SECTIONS, Registry
from workbench.errors import quoted
from workbench.scenario.model import UNREADABLE, ParameterSet, Table
from workbench.scenario.text.document import listed

RECORDINGS = ("outcome", "course")
PARAMETER = "parameter"

Tables = Mapping[str, Mapping[str, Table]]


@dataclass(frozen=True)
class Target:
    """What a path names: one field of a table, or one value of the parameter set (`table` is None)."""

    path: str
    parameter: Parameter
    table: Table | None


class PathError(LookupError):
    """A path names nothing; `got` and `known` are the part that failed and what it could have been."""

    def __init__(self, message: str, got: str, known: tuple[str, ...]) -> None:
        super().__init__(message)
        self.got, self.known = got, known


class Unreadable(PathError):
    """A path leads into a table that is defined but could not be read; so no further problem is reported."""


@dataclass(frozen=True)
class Paths:
    """Finds what paths name.

    `broken` are paths of tables that the file defines but that could not be read. With a `registry`, the key that
    chooses a table's component is a path too: ``plasticity.cortex_d1.rule``.
    """

    tables: Tables
    parameters: ParameterSet
    broken: frozenset[str] = frozenset()
    registry: Registry | None = None

    def find(self, path: str) -> Target:
        """Return what `path` names; ``dose.thp.titration.start`` is the field ``titration_start``.

        Raises
        ------
        PathError
            If there is no such section, table, field or parameter.
        """
        section, name, field = field_path(path)
        if section == PARAMETER:
            return self._parameter(path.partition(".")[2])
        if section not in SECTIONS:
            raise self._no_section(path, section)
        if not name or not field:
            message = f'{quoted(path)} is not a whole path (one key in quotes: "section.name.field")'
            raise PathError(message, "", ())
        table = self._table(section, name)
        declared = table.component.parameters()
        field = field.replace(".", "_")
        field = table.component.former_fields.get(field, field)
        if self.registry is not None and field == SECTIONS[section].key:
            names = self.registry.names(section)
            choice = Parameter(field, "option", table.component.name, SECTIONS[section].doc, choices=names)
            return Target(f"{table.path}.{field}", choice, table)
        if field not in declared:
            fields = tuple(declared)
            raise PathError(f"{table.path} has no field {quoted(field)} (fields: {listed(fields)})", field, fields)
        return Target(f"{table.path}.{field}", declared[field], table)

    def _no_section(self, path: str, section: str) -> PathError:
        """Return the error for a path that starts with no section; what ends like it is the nearest name."""
        message = f"no section {quoted(section)} (a path is section.name.field)"
        near = [f"{PARAMETER}.{path}"] if path in self.parameters.values else []
        near += [self._ends[path]] if path in self._ends else []
        return PathError(message, near[0] if near else section, (*near[:1], *SECTIONS, PARAMETER))

    def find_table(self, path: str) -> Table:
        """Return the table that ``section.name`` names; PathError if there is none."""
        section, _, name = path.partition(".")
        if section not in SECTIONS or not name:
            known = tuple(f"{s}.{n}" for s in self.tables for n in self.names(s))
            near = tuple(full for full in known if full.endswith(f".{path}"))
            raise PathError(f"no table {quoted(path)} (a path such as dose.NAME)", near[0] if near else path, known)
        return self._table(section, name)

    def names(self, section: str) -> tuple[str, ...]:
        """Return every name that the file defines in `section`, readable or not."""
        return tuple(self._names(section))

    def defines(self, section: str, name: str) -> bool:
        """Whether the file defines this name in `section`, readable or not."""
        return name in self._names(section)

    def _names(self, section: str) -> Mapping[str, None]:
        # Asked once for every reference of a file, of which there may be thousands.
        if section not in self._memo:
            broken = (path.partition(".")[2] for path in self.broken if path.startswith(f"{section}."))
            self._memo[section] = dict.fromkeys((*self.tables.get(section, {}), *sorted(broken)))
        return self._memo[section]

    @cached_property
    def _memo(self) -> dict[str, Mapping[str, None]]:
        return {}

    @cached_property
    def signals(self) -> Mapping[str, None]:
        """The paths of all tables that make a signal."""
        tables = (table for named in self.tables.values() for table in named.values())
        return dict.fromkeys(table.path for table in tables if table.component.drives)

    @cached_property
    def _ends(self) -> Mapping[str, str]:
        """The end of every field's path, from each dot on, with the first field that has it."""
        found: dict[str, str] = {}
        for named in self.tables.values():
            for table in named.values():
                for field in table.fields:
                    parts = f"{table.path}.{field}".split(".")
                    for start in range(1, len(parts)):
                        found.setdefault(".".join(parts[start:]), ".".join(parts))
        return found

    def _table(self, section: str, name: str) -> Table:
        if f"{section}.{name}" in self.broken:
            raise Unreadable(f"{section}.{name} could not be read", name, ())
        table = self.tables.get(section, {}).get(name)
        if table is None:
            names = self.names(section)
            raise PathError(f"no {section} {quoted(name)} (defined: {listed(names)})", name, names)
        return table

    def _parameter(self, name: str) -> Target:
        value = self.parameters.values.get(name)
        if value is None and self.parameters is UNREADABLE:
            raise Unreadable("the parameter set could not be found", name, ())
        if value is None:
            known = tuple(self.parameters.values)
            raise PathError(f"no parameter {quoted(name)} in the set (known: {listed(known)})", name, known)
        declared = Parameter(name, "number", None, self.parameters.meanings.get(name, ""), unit=value.unit)
        return Target(f"{PARAMETER}.{name}", declared, None)
