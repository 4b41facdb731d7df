"""The arms: named sets of overrides, with ``extends`` folded in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from workbench.component.field_path import field_path
from workbench.errors import quoted
from workbench.scenario.component_tables import raw_place
from workbench.scenario.conformity import conforming_entries, show
from workbench.scenario.model import UNREADABLE, Arm, ParameterSet, Setting, Table
from workbench.scenario.names import name_fault
from workbench.scenario.paths import PathError, Paths, Unreadable
from workbench.scenario.settings import SettingReader
from workbench.scenario.shapes import ArmShape
from workbench.scenario.text.document import Document, listed
from workbench.scenario.text.syntax import Keys

DEFAULT = Arm("default", "", None, frozenset(), MappingProxyType({}), None)
FIXED = ("outcome", "course", "phase", "task", "population")
"""Sections that every arm has: what happens to whom, and what is recorded."""
DEEPEST = 50
"""How many arms may extend each other in a row."""


def is_switched_off(table: Table) -> bool:
    """Whether ``without`` keeps the table with nothing in it (a dose of amount 0): all arms then share one program."""
    return bool(table.component.withheld_by)


def read_arms(settings: SettingReader) -> Mapping[str, Arm]:
    """Return the arms in the order of the file; a scenario without any has the arm ``default``."""
    document = settings.document
    raw = document.content.get("arm")
    if raw is None:
        return MappingProxyType({DEFAULT.name: DEFAULT})
    if not isinstance(raw, dict):
        document.report(("arm",), f"expected tables [arm.NAME], got {show(raw)}")
        return MappingProxyType({DEFAULT.name: DEFAULT})
    reader = _Arms(settings, settings.paths, settings.paths.parameters, raw, {})
    for name in raw:
        reader.arm(name, ())
    for name in raw:
        reader.check_removed(reader.done[name])
    reader.check_short()
    reader.check_opened()
    return MappingProxyType({name: reader.done[name] for name in raw})


def note_alone(document: Document, arms: Mapping[str, Arm], elsewhere: Collection[str]) -> None:
    """Note each arm without a baseline where others have one; `elsewhere` are arms that something else compares.

    Where no arm names a baseline, all are compared with the first arm.
    """
    compared = {arm.compare_with for arm in arms.values() if arm.compare_with}
    for arm in arms.values() if compared else ():
        if not arm.compare_with and arm.name not in compared and arm.name not in elsewhere:
            message = 'has no baseline (compare_with = "...") and is the baseline of none: it is compared with nothing'
            document.note(("arm", arm.name), message, at="key")


@dataclass(frozen=True)
class _Arms:
    settings: SettingReader
    paths: Paths
    parameters: ParameterSet
    raw: Mapping[str, Any]
    done: dict[str, Arm]

    def arm(self, name: str, below: tuple[str, ...]) -> Arm:
        """Return an arm, resolving the arm it extends first; `below` are the arms that extend it."""
        if name in self.done:
            return self.done[name]
        keys: Keys = ("arm", name)
        if fault := name_fault(name):
            self.settings.document.report(keys, fault, at="key")
        own = conforming_entries(self.settings.document, keys, ArmShape, self.raw[name])
        base = self.base(own.get("extends"), (*below, name), keys)
        compared = base.compare_with if base.compare_with != name else None
        without, chosen = self.without(own, base, keys), self.set(own.get("set", {}), keys)
        for path in chosen:
            table = field_path(path).table
            if table in without:
                message = f'this arm is without {table}, so this value has no effect (with = ["{table}"] takes it back)'
                self.settings.document.report((*keys, "set", path), message, at="key")
        self.done[name] = Arm(
            name=name,
            title=own.get("title", ""),
            condition=self.condition(own["condition"], keys) if "condition" in own else base.condition,
            without=without,
            set=MappingProxyType({**base.set, **chosen}),
            compare_with=self.baseline(name, own["compare_with"], keys) if "compare_with" in own else compared,
            short=own.get("short", ""),
        )
        return self.done[name]

    def base(self, extends: str | None, below: tuple[str, ...], keys: Keys) -> Arm:
        """Return the arm that this one extends, or the empty one."""
        if extends is None:
            return DEFAULT
        if len(below) > DEEPEST:
            message = f"a chain of arms that extend each other is longer than {DEEPEST}"
            self.settings.document.report((*keys, "extends"), message)
            return DEFAULT
        if extends in below:
            circle = " -> ".join((*below[below.index(extends) :], extends))
            self.settings.document.report((*keys, "extends"), f"arms extend each other in a circle: {circle}")
            return DEFAULT
        if extends not in self.raw:
            self.unknown("arm", extends, tuple(self.raw), (*keys, "extends"))
            return DEFAULT
        return self.arm(extends, below)

    def condition(self, name: str, keys: Keys) -> str | None:
        if name in self.parameters.conditions:
            return name
        if self.parameters is UNREADABLE:
            return None
        self.unknown("condition", name, tuple(self.parameters.conditions), (*keys, "condition"))
        return None

    def baseline(self, name: str, other: str, keys: Keys) -> str | None:
        if other == name:
            self.settings.document.report((*keys, "compare_with"), "an arm cannot be its own baseline")
            return None
        if other not in self.raw:
            self.unknown("arm", other, tuple(self.raw), (*keys, "compare_with"))
            return None
        return other

    def unknown(self, what: str, name: str, known: tuple[str, ...], keys: Keys) -> None:
        self.settings.document.report(keys, f"no {what} {show(name)} (defined: {listed(known)})", got=name, known=known)

    def without(self, own: Mapping[str, Any], base: Arm, keys: Keys) -> frozenset[str]:
        """Return the tables that this arm lacks: its base's and its own, except those that ``with`` takes back."""
        added = self.tables(own.get("with", []), (*keys, "with"))
        removed = self.tables(own.get("without", []), (*keys, "without"))
        for index, path in added.items():
            if path not in base.without:
                message = f"{path} is already in this arm; `with` takes back only what the extended arm is without"
                self.settings.document.report((*keys, "with", index), message)
        return (base.without - frozenset(added.values())) | frozenset(removed.values())

    def tables(self, listed_paths: list[str], keys: Keys) -> dict[int, str]:
        """Return the paths of tables that an arm may lack, by their place in the list."""
        found = {}
        for index, path in enumerate(listed_paths):
            place = (*keys, index)
            try:
                table = self.paths.find_table(path)
            except Unreadable:
                continue
            except PathError as error:
                self.settings.document.report(place, str(error), got=error.got, known=error.known)
                continue
            if table.section in FIXED:
                self.settings.document.report(place, f"an arm cannot be without a {table.section}: all arms share them")
            else:
                found[index] = table.path
        return found

    def set(self, raw: Mapping[str, Any], keys: Keys) -> dict[str, Setting]:
        found = {}
        for path, value in raw.items():
            place = (*keys, "set", path)
            target = self.settings.target(path, place)
            setting = self.settings.read(target, value, place) if target is not None else None
            if target is not None and setting is not None:
                found[target.path] = setting
        return found

    def check_removed(self, arm: Arm) -> None:
        """Report a table that this arm keeps although the arm is without one that it needs.

        A projection takes its learning rule along.
        """
        gone = {path for path in arm.without if not is_switched_off(self.paths.find_table(path))}
        gone |= {f"plasticity.{path.partition('.')[2]}" for path in gone if path.startswith("projection.")}
        for table in (table for named in self.paths.tables.values() for table in named.values()):
            if table.path in gone:
                continue
            needed = next((path for path in _needs(table) if path in gone), None)
            if needed is not None:
                message = f"{table.path} needs {needed}, which this arm is without; remove both or neither"
                self.settings.document.report(("arm", arm.name, "without"), message, at="key")

    def check_short(self) -> None:
        """Report a short name that two arms share: a figure could not tell them apart."""
        first: dict[str, str] = {}
        for arm in self.done.values():
            if arm.short and (other := first.setdefault(arm.short.casefold(), arm.name)) != arm.name:
                message = f"{show(arm.short)} is also the short name of arm {quoted(other)}"
                self.settings.document.report(("arm", arm.name, "short"), message)

    def check_opened(self) -> None:
        """Report a window that opens in no arm, because every arm is without the doses of its drug."""
        tables = self.paths.tables
        occupancies = {table.path: table for table in tables.get("occupancy", {}).values()}
        for window in tables.get("window", {}).values():
            occupancy = occupancies.get(str(window.fields.get("opened_by")))
            drug = None if occupancy is None else occupancy.fields.get("drug")
            doses = {dose.path for dose in tables.get("dose", {}).values() if dose.fields.get("drug") == drug}
            arms = [arm for arm in self.done.values() if window.path not in arm.without]
            if doses and arms and all(doses <= arm.without for arm in arms):
                message = f"the window never opens: every arm is without {listed(sorted(doses))}"
                place = raw_place(self.settings.document, ("window", window.name), "opened_by")
                self.settings.document.report(place, message)


def _needs(table: Table) -> list[str]:
    """Return the paths of the tables that this one requires."""
    found = []
    for name, parameter in table.component.parameters().items():
        value = table.fields.get(name)
        if parameter.kind == "reference" and (parameter.required or parameter.needed) and value is not None:
            found.append(f"{parameter.section}.{value}")
        elif parameter.kind in ("signal", "anchor") and value is not None:
            found.append(str(value))
        elif parameter.kind == "path" and value is not None:
            found.append(field_path(str(value)).table)
    return found
