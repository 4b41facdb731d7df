"""Accepted but worth a note: arms that no study runs, fields without effect, an unbalanced design."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from workbench.scenario.component_tables import raw_place
from workbench.scenario.model import Arm, Study, Table
from workbench.scenario.paths import Tables
from workbench.scenario.text.document import Document

DIGITS = 12
"""Numbers that agree to so many digits print alike."""


def note_idle_arms(document: Document, arms: Mapping[str, Arm], studies: Collection[Study]) -> None:
    """Note every arm that no study runs."""
    run = {name for study in studies for name in study.arms}
    for name in arms.keys() - run:
        document.note(("arm", name), "no study runs it", at="key")


def note_idle_fields(document: Document, tables: Tables, arms: Mapping[str, Arm], studies: Collection[Study]) -> None:
    """Note every field that the file gives and that no arm uses, because it goes with another choice."""
    for table in (table for named in tables.values() for table in named.values()):
        for field, parameter in table.component.parameters().items():
            if field not in table.fields or parameter.only_with is None:
                continue
            chooser, used = parameter.only_with
            if not set(used) & set(_chosen(table, chooser, arms, studies)):
                message = f"has no effect here: it goes with {chooser} = {' or '.join(used)}"
                document.note(raw_place(document, (table.section, table.name), field), message, at="key")


def _chosen(table: Table, chooser: str, arms: Mapping[str, Arm], studies: Collection[Study]) -> Iterator[Any]:
    """Yield what an option of a table may be in any arm."""
    path = f"{table.path}.{chooser}"
    yield table.fields.get(chooser, table.component.parameters()[chooser].default)
    yield from (arm.set[path] for arm in arms.values() if path in arm.set)
    yield from (value for study in studies for axis in study.axes if axis.path == path for value in axis.values)


def near_equals(values: tuple[Any, ...]) -> Iterator[tuple[int, int]]:
    """Yield pairs of places whose numbers differ, but not in the first 12 digits."""
    seen: dict[str, int] = {}
    for place, value in enumerate(values):
        if isinstance(value, float):
            first = seen.setdefault(f"{value:.{DIGITS}g}", place)
            if values[first] != value:
                yield first, place


def sobol_remark(n: int) -> str:
    """Return what a Sobol design of `n` points loses; "" for a power of two."""
    if n < 2 or not n & (n - 1):
        return ""
    below = 1 << (n.bit_length() - 1)
    return f"a Sobol design is balanced only at powers of two, and {n:,} is not one: use {below:,} or {2 * below:,}"
