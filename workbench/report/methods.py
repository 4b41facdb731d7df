"""Methods to paste: the model in words, equations and tables, made from the components' own declarations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.analysis.protocol import arm_settings
from workbench.component.declaration import Component
from workbench.component.field_path import field_path
from workbench.component.registry import SECTIONS, registry
from workbench.report.page_tables import PageTable
from workbench.report.words import NOTHING, name_in_words, number, row_records, sentence
from workbench.store.origins import changed, origins

if TYPE_CHECKING:
    from workbench.report.ground import Ground


NOT_SAID = "The scenario does not say."


Place = tuple[str, str]
"""A table of the scenario: its section and its name."""


def used(ground: Ground) -> dict[Place, type[Component]]:
    """Return the components of the sweep by the table that uses them, in the order of the sections."""
    known = registry()
    rows = ground.selection.settings
    found: dict[Place, type[Component]] = {}
    texts = [(field_path(path), text) for path, text in dict(zip(rows.path, rows.text, strict=True)).items()]
    for section in SECTIONS.values():
        for path, text in texts:
            is_key = path.section == section.name and path.field == section.key
            if is_key and isinstance(text, str) and (section.name, text) in known:
                found[section.name, path.name] = known.get(section.name, text)
    for kind in ("outcome", "course"):
        for measure in row_records(ground.selection.measures[ground.selection.measures.kind == kind]):
            if ("outcome", measure.readout) in known:
                found["outcome", measure.name] = known.get("outcome", measure.readout)
    return found


def sources(ground: Ground) -> set[str]:
    """Return the works that the components in use declare."""
    return {key for component in used(ground).values() for key in component.sources}


def equations(ground: Ground) -> PageTable:
    """Every component in use: what it is, its equation, its sources; of one that is not installed, whose it was."""
    found = used(ground)
    unique = {(section, component.name): component for (section, _), component in found.items()}
    rows = []
    for (section, name), component in unique.items():
        of = sorted(table for (where, table), c in found.items() if where == section and c is component)
        text = "\n".join(line.strip() for line in component.equation.strip().splitlines())
        where = ", ".join(map(name_in_words, of[:6]))
        said = f"{component.summary()} ({section} “{name_in_words(name)}”; used as {where})"
        rows.append((said, text, ", ".join(component.sources)))
    rows += [(f"Not installed here: {one}", "not known here", "") for one in absent(ground)]
    table = PageTable("Words and equations", ("Component", "Equation", "Sources"), tuple(rows), look="equations")
    return table.of("equations", ground.queries.settings())


def components(ground: Ground) -> list[type[Component]]:
    """Return every component in use, in the order of the sections."""
    return list(used(ground).values())


def model_tables(ground: Ground) -> list[PageTable]:
    """The model in the tables of Nordlie, Gewaltig and Plesser: summary, then a table for each kind of part."""
    arm = ground.aims.benefit.arm if ground.aims.benefit and ground.aims.benefit.arm else ""
    arm = arm or str(ground.selection.arms.index[0])
    settings = arm_settings(ground.selection, arm)
    tables = _kinds(ground)
    query = ground.queries.settings(arm=arm)
    made = [
        _summary(tables).of("model_summary", query),
        *(_part(s, title, settings, tables).of(f"model_{s}", query) for s, title in PARTS.items()),
    ]
    return [table for table in made if table.rows]


def _kinds(ground: Ground) -> dict[Place, str]:
    """Return what each table is, also where the component is not installed."""
    found = {place: name_in_words(component.name) for place, component in used(ground).items()}
    for one in absent(ground):
        for table in one.tables:
            place, kind = (one.section, table), f"{name_in_words(one.name)} (not installed: {one.package})"
            found[place] = f"{found[place]} or {kind}" if place in found else kind
    return found


PARTS = {
    "population": "Populations",
    "projection": "Connectivity",
    "plasticity": "Plasticity",
    "modulator": "Transmitters",
    "task": "Input: task",
    "drug": "Input: drugs",
}


def _summary(tables: Mapping[Place, str]) -> PageTable:
    rows = []
    for section in SECTIONS.values():
        mine = _of_section(tables, section.name)
        if mine:
            kinds = ", ".join(dict.fromkeys(mine.values()))
            rows.append(
                (section.name, sentence(section.doc), f"{len(mine)}: {', '.join(map(name_in_words, mine))}", kinds)
            )
    return PageTable("Model summary", ("Part", "What it is", "In this model", "Kinds"), tuple(rows))


def _of_section(tables: Mapping[Place, str], section: str) -> dict[str, str]:
    return {name: kind for (where, name), kind in tables.items() if where == section}


def _part(section: str, title: str, settings: Mapping[str, Any], tables: Mapping[Place, str]) -> PageTable:
    """One row a part: its kind and its settings, those that differ from nothing."""
    rows = []
    for name, kind in _of_section(tables, section).items():
        prefix = f"{section}.{name}."
        mine = {p.removeprefix(prefix): v for p, v in settings.items() if p.startswith(prefix)}
        key = SECTIONS[section].key
        said = "; ".join(
            f"{name_in_words(k)} {_shown(v)}" for k, v in mine.items() if k != key and _shown(v) not in ("", NOTHING)
        )
        rows.append((name_in_words(name), kind, said))
    return PageTable(title, ("Name", "Kind", "Settings"), tuple(rows))


def _shown(value: float | str) -> str:
    return number(value) if isinstance(value, float) else "" if value in ("None", "nan", "[]") else str(value)


def credibility(ground: Ground, evaluation: str) -> PageTable:
    """The terms of ICH M15 (model-informed drug development), filled from what the scenario states."""
    use, aims = ground.selection.scenario.get("use", {}), ground.aims
    rows = (
        ("Question of interest", str(use.get("question", "")) or NOT_SAID),
        ("Context of use", str(use.get("context", "")) or NOT_SAID),
        ("Not to be used for", str(use.get("not_for", "")) or NOT_SAID),
        ("Model influence", sentence(aims.influence) or NOT_SAID),
        ("Consequence of a wrong decision", sentence(aims.consequence) or NOT_SAID),
        ("Model risk", "Influence and consequence together, as stated above." if aims.influence else NOT_SAID),
        ("Model evaluation", evaluation),
    )
    table = PageTable("Credibility, in the terms of ICH M15", ("Term", "Here"), rows)
    return table.of("credibility", ground.queries.text())


UNKNOWN = "a package that is not known"


@dataclass(frozen=True)
class Absent:
    """One component: its section and name, the tables that use it, and whose it was when the runs were stored."""

    section: str
    name: str
    tables: tuple[str, ...]
    package: str

    def __str__(self) -> str:
        tables = ", ".join(map(name_in_words, self.tables))
        return f"{self.section} “{name_in_words(self.name)}” of {self.package} (used as {tables})"


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
    for row in row_records(ground.selection.settings):
        path = field_path(str(row.path))
        if (path.section, path.field) in keys and isinstance(row.text, str):
            found.append((path.section, path.name, row.text))
    measures = ground.selection.measures
    for row in row_records(measures[measures.kind.isin(["outcome", "course"])]):
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
