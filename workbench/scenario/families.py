"""One table that stands for several: an outcome ``at`` several times, an assessment for ``each`` of several visits.

``[outcome.madrs]`` with ``at = ["day 1", "day 30"]`` is ``[outcome.madrs_day_1]`` and ``[outcome.madrs_day_30]``: the
name of the table with that of the entry, or the entry's alone where it begins with the table's (``day`` and "day 1").
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from workbench.component.declaration import Parameter
from workbench.component.moments import TOGETHER
from workbench.component.registry import SECTIONS, Registry
from workbench.protocol.schedule import visit_times
from workbench.protocol.span import RELATIVE
from workbench.quantities import HOURS_PER_DAY, QuantityError, to_unit
from workbench.scenario.conformity import show
from workbench.scenario.names import name_fault
from workbench.scenario.text.document import Document, listed
from workbench.scenario.text.tree import Branch, Entry, Place, Value, Words

LISTS = {"outcome": "at", "assessment": "each"}
"""The key whose list makes several tables of one, by section."""
_ENTRY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*( [A-Za-z0-9_-]+)*")
_TIME = re.compile(r"(?P<unit>second|minute|hour|day|week) (?P<number>[0-9]+)")
_UNITS = {"second": (1, "s"), "minute": (1, "min"), "hour": (1, "h"), "day": (1, "day"), "week": (7, "day")}


def lists(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the section and name of each table of a document that may stand for several."""
    for section, key in LISTS.items():
        entry_name = content.get(section)
        for name, table in entry_name.items() if isinstance(entry_name, dict) else ():
            if isinstance(table, dict) and key in table:
                yield section, name


@dataclass(frozen=True)
class Family:
    """A table that stands for several, and the names of those."""

    path: str
    names: tuple[str, ...]


class FamilyReader:
    """Puts the tables that are meant in place of those that stand for several; reports faulty lists."""

    def __init__(self, document: Document, tree: Branch, content: Mapping[str, Any], registry: Registry) -> None:
        self.document, self.tree, self.content, self.registry = document, tree, content, registry
        phases = content.get("phase")
        self.phases = tuple(phases) if isinstance(phases, dict) else ()

    def read(self) -> list[Family]:
        """Change the tree; return what was made."""
        found = []
        for section, name in list(lists(self.content)):
            if LISTS[section] in self.declared(section, name):
                continue  # the component has a field of this name
            holder = self.tree.entries[section]
            assert isinstance(holder, Branch)
            made = self.made(section, name, holder)
            entries: dict[str, Entry] = {}
            for key, entry in holder.entries.items():
                entries.update(made if key == name else {key: entry})
            holder.entries = entries
            found.append(Family(f"{section}.{name}", tuple(made)))
        return found

    def declared(self, section: str, name: str) -> Mapping[str, Parameter]:
        """Return the fields of a table's component; none where the component is unknown."""
        chosen = self.content[section][name].get(SECTIONS[section].key, SECTIONS[section].default)
        known = chosen in self.registry.names(section)
        return self.registry.get(section, chosen).parameters() if known else {}

    def made(self, section: str, name: str, holder: Branch) -> dict[str, Entry]:
        """Return the tables that one stands for."""
        key = LISTS[section]
        table = holder.entries[name]
        assert isinstance(table, Branch)
        raw = self.content[section][name][key]
        if not isinstance(raw, list) or not raw:
            message = f'expected a list such as {key} = ["day 1", "day 3"], one table per entry, got {show(raw)}'
            self.document.report((section, name, key), message)
            return {}
        found: dict[str, Entry] = {}
        for index, entry in enumerate(raw):
            place = (section, name, key, index)
            if not isinstance(entry, str) or not _ENTRY.fullmatch(entry):
                message = f'expected words of letters and digits such as "day 1", got {show(entry)}'
                self.document.report(place, message)
                continue
            own = entry_name(name, entry)
            if fault := name_fault(own):
                self.document.report(place, fault)
            elif own in found or own in holder.entries:
                why = "is listed twice" if own in found else "already has a table of its own"
                self.document.report(place, f"{section}.{own} {why}")
            else:
                found[own] = self.one((section, name), table, entry, table.where((key, index)))
        return found

    def one(self, of: tuple[str, str], table: Branch, entry: str, place: Place) -> Branch:
        """Return the table for one entry of the list of the table `of`; the entry stands at `place`."""
        key = LISTS[of[0]]
        mark = f"{{{key}}}"
        title = table.entries.get("title")
        inner = {k: e for k, e in table.entries.items() if k not in (key, "title")}
        varied = filled(replace(table, entries=inner), mark, quantity(entry))
        if varied is None:
            varied = replace(table, entries=dict(inner))
            field, value = self.moment(of, table, entry, place)
            if field:
                varied.entries[field] = Value(place, Words(field), value)
        if isinstance(title, Value):
            varied.entries = {"title": replace(title, text=titled(title.text, mark, entry)), **varied.entries}
        kept = table.words if place.keys[-1] == 0 else Words("")  # comments are written once
        return replace(varied, words=replace(kept, key=entry_name(of[1], entry)))

    def moment(self, of: tuple[str, str], table: Branch, entry: str, place: Place) -> tuple[str, str]:
        """Return the field that an entry fills in where the table leaves it out, and its value as TOML text."""
        section, key, time = of[0], LISTS[of[0]], quantity(entry)
        fields = self.declared(*of)
        if section == "outcome" and "visit" in fields and "assessment" in table.entries:
            return self.visit(of, entry, place)
        if section == "outcome" and "assessment" in fields:
            given, value = "assessment", joined(entry)
        elif section == "outcome":
            given = "window"
            value = entry if entry in self.phases else f"{time} into {self.phases[0]}" if len(self.phases) == 1 else ""
            value = value if time != entry or entry in self.phases else ""
        else:
            given, value = "first", time if time != entry and "at" not in table.entries else ""
        if not fields:  # an unknown component is told where it is named
            return "", ""
        if given in table.entries or given not in fields:
            message = f"is the same for every entry: write {{{key}}} in it where the entry belongs"
            self.document.report((*of, key), message, at="key")
            return "", ""
        if not value:
            message = (
                f"{show(entry)} is not a time here: write {given} with {{{key}}} in it, which stands for the entry"
            )
            self.document.report((*of, key, *place.keys[-1:]), message)
        return given if value else "", f'"{value}"'

    def visit(self, of: tuple[str, str], entry: str, place: Place) -> tuple[str, str]:
        """Return which visit of its assessment falls at the time that an entry names."""
        name = self.content[of[0]][of[1]]["assessment"]
        assessment = self.content.get("assessment", {}).get(name) if isinstance(name, str) else None
        if not isinstance(assessment, dict):  # told where it is named
            return "", ""
        times = visits(assessment, self.declared("assessment", name))
        number = next((k for k, time in enumerate(times, 1) if abs(time - hours(entry)) < TOGETHER), 0)
        if not number:
            fell = listed(f"{time / HOURS_PER_DAY:g} day" for time in times)
            message = f"no visit of assessment.{name} falls at {show(entry)} (its visits: {fell})"
            self.document.report((*of, LISTS[of[0]], *place.keys[-1:]), message)
        return "visit" if number else "", str(number)


def joined(entry: str) -> str:
    """Return an entry as a name: "Day 1" as day_1."""
    return "_".join(entry.lower().split())


def entry_name(table: str, entry: str) -> str:
    """Return the name of the table that is made for an entry."""
    own = joined(entry)
    return own if own.startswith(f"{table}_") else f"{table}_{own}"


def quantity(entry: str) -> str:
    """Return "day 3" as "3 day", the quantity that it is; other words as they are."""
    match = _TIME.fullmatch(entry)
    if match is None:
        return entry
    factor, unit = _UNITS[match["unit"]]
    return f"{factor * int(match['number'])} {unit}"


def hours(text: Any) -> float:
    """Return a time as a file writes it, "day 30" or "24 h after dose.x", in hours; NaN if it is not a plain time."""
    if not isinstance(text, str):
        return math.nan
    relative = RELATIVE.fullmatch(text)
    try:
        return to_unit(quantity(relative["time"] if relative else text), "h")
    except QuantityError:
        return math.nan


def visits(assessment: Mapping[str, Any], declared: Mapping[str, Parameter]) -> list[float]:
    """Return when the visits of an assessment fall, in hours of whatever they are counted from."""
    first, every = (
        hours(assessment[field]) if field in assessment else float(declared[field].default)
        for field in ("first", "every")
    )
    at, count = assessment.get("at", []), assessment.get("count", declared["count"].default)
    if not isinstance(at, list) or not isinstance(count, int) or count > declared["count"].high:
        return []  # told where they are read
    return [float(time) for time in visit_times(tuple(map(hours, at)), first, every, count)]


def titled(text: str, mark: str, entry: str) -> str:
    """Return a title, as TOML text, for one entry: in place of the mark, or behind a comma."""
    if mark not in text:
        return f"{text[:-1]}, {entry}{text[-1]}" if text[-1:] in ('"', "'") else text
    whole = text.replace(mark, entry)
    return text[0] + whole[1:2].upper() + whole[2:] if text[1:].startswith(mark) else whole


def filled(table: Branch, mark: str, words: str) -> Branch | None:
    """Return the table with `words` in place of each mark in its values; None where there is no mark."""
    entries: dict[str, Entry] = {}
    found = False
    for key, entry in table.entries.items():
        entries[key] = entry
        if isinstance(entry, Value) and mark in entry.text:
            entries[key], found = replace(entry, text=entry.text.replace(mark, words)), True
        elif isinstance(entry, Branch) and (inner := filled(entry, mark, words)) is not None:
            entries[key], found = inner, True
    return replace(table, entries=entries) if found else None
