"""Components that the stored scenario names and that are not installed where the page is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.component.registry import SECTIONS, registry
from workbench.report.words import each, plain
from workbench.store.provenance import changed, origins

if TYPE_CHECKING:
    from workbench.component.declaration import Component
    from workbench.report.ground import Ground

UNKNOWN = "a package that is not known"


@dataclass(frozen=True)
class Absent:
    """One component: its section and name, the tables that use it, and whose it was when the runs were stored."""

    section: str
    name: str
    tables: tuple[str, ...]
    package: str

    def __str__(self) -> str:
        tables = ", ".join(map(plain, self.tables))
        return f"{self.section} “{plain(self.name)}” of {self.package} (used as {tables})"


def absent(ground: Ground) -> list[Absent]:
    """Return every component of any arm, outcome or course that nobody here knows, in the order of the sections."""
    known, kept = registry(), origins(ground.selection.results, ground.selection.sweep)
    found: dict[tuple[str, str], dict[str, None]] = {}
    for section, table, name in _named(ground):
        if (section, name) not in known:
            found.setdefault((section, name), {})[table] = None
    order = list(SECTIONS)
    return [
        Absent(*key, tuple(sorted(tables)), kept.get(key, UNKNOWN))
        for key, tables in sorted(found.items(), key=lambda item: (order.index(item[0][0]), item[0][1]))
    ]


def _named(ground: Ground) -> list[tuple[str, str, str]]:
    """Return section, table and component of every table of every arm."""
    keys = {(section.name, section.key) for section in SECTIONS.values()}
    found = []
    for row in each(ground.selection.settings):
        parts = str(row.path).split(".")
        if len(parts) == 3 and (parts[0], parts[2]) in keys and isinstance(row.text, str):
            found.append((parts[0], parts[1], row.text))
    measures = ground.selection.measures
    for row in each(measures[measures.kind.isin(["outcome", "course"])]):
        found.append(("outcome", str(row.name), str(row.readout)))
    return found


def sentences(ground: Ground, missing: Sequence[Absent], used: Sequence[type[Component]]) -> list[str]:
    """Say what of the model the page cannot show, and whose source is no longer that of the stored runs."""
    said = []
    if missing:
        said.append(
            f"Not installed where this page was made: {'; '.join(map(str, missing))}. The runs did use "
            f"{'it' if len(missing) == 1 else 'them'}; the settings are listed below, but equation, meaning of the "
            "fields and sources can be shown only where the package is installed."
        )
    other = changed(ground.selection.results, ground.selection.sweep, used)
    said += [f"{one[0].upper()}{one[1:]}: the equation below is that of today." for one in other]
    return said
