"""Tables that act on nothing in any arm: each is refused by name.

The graph of who depends on what comes from the components' own declarations: a field that names a table reads it, one
declared with ``acts`` acts on it. What outcomes, courses, phases and learning rules reach over this graph is alive.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from workbench.component.declaration import Component, Parameter
from workbench.component.field_path import field_path
from workbench.component.registry import SECTIONS, Registry
from workbench.scenario.model import Arm, Study, Table
from workbench.scenario.paths import Tables
from workbench.scenario.text.document import Document, listed

ROOTS = ("outcome", "course", "phase", "plasticity")
"""What is recorded, the protocol, and what learns: these count even if nothing depends on them."""
NAMING = ("reference", "references", "signal", "anchor", "path")
"""Kinds of fields that name other tables."""


def report_inert(
    document: Document, tables: Tables, arms: Mapping[str, Arm], studies: Iterable[Study], registry: Registry
) -> None:
    """Report every table that acts on nothing in any arm, at its line, with what would make it act."""
    graphs = list(_graphs(tables, arms, list(studies), registry))
    every = [table for named in tables.values() for table in named.values()]
    alive = set().union(*(graph.alive for graph in graphs))
    ways = cache(lambda section: _ways(section, registry))
    for table in every:
        message = ""
        if table.path not in alive:
            message = _why(table, graphs, tables, ways)
        elif (section := table.component.fed_by) and not any(g.acting(table.path, section) for g in graphs):
            message = _unfed(table, section, tables)
        if message:
            document.report((table.section, table.name), message, at="key")


@dataclass(frozen=True)
class _Graph:
    """Who depends on what in one arm: its tables, and triples (one, other, how).

    One "reads" the other, or the other "acts" on it; one "needs" the other to stand on, and does not depend on it.
    `anything` says that a component from outside, which declares nothing of what it reads, may read any of them.
    """

    tables: frozenset[str]
    edges: frozenset[tuple[str, str, str]]
    anything: bool = False

    @cached_property
    def alive(self) -> set[str]:
        """The tables that something recorded or learned depends on."""
        reads: dict[str, list[str]] = {}
        for one, other, _ in self.edges:
            reads.setdefault(one, []).append(other)
        ahead = [path for path in self.tables if self.anything or path.partition(".")[0] in ROOTS]
        found = set(ahead)
        while ahead:
            new = [path for path in reads.get(ahead.pop(), ()) if path in self.tables and path not in found]
            found.update(new)
            ahead += new
        return found

    def readers(self, path: str) -> set[str]:
        """Return the tables of this arm that depend on `path`."""
        return self._readers.get(path, set())

    @cached_property
    def _readers(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for one, other, how in self.edges:
            if how != "needs" and one in self.tables:
                found.setdefault(other, set()).add(one)
        return found

    def acting(self, path: str, section: str) -> bool:
        """Whether a table of `section` acts on `path`."""
        return (path, section) in self._acting

    @cached_property
    def _acting(self) -> set[tuple[str, str]]:
        return {(one, other.partition(".")[0]) for one, other, how in self.edges if how == "acts"}


def _graphs(
    tables: Tables, arms: Mapping[str, Arm], studies: Collection[Study], registry: Registry
) -> Iterator[_Graph]:
    """Yield the graph of every arm, in each study; arms that differ in nothing that matters share one."""
    every = {table.path: table for named in tables.values() for table in named.values()}
    seen = set()
    for arm in arms.values():
        for axes in [study.axes_of(arm.name) for study in studies if arm.name in study.arms] or [{}]:
            chosen = {path: (value,) for path, value in arm.set.items()}
            chosen |= {path: axis.values for path, axis in axes.items()}
            shaping = {path: values for path, values in chosen.items() if _shapes(path, every, registry)}
            key = (arm.without, tuple(sorted(shaping.items(), key=lambda item: item[0])))
            if key not in seen:
                seen.add(key)
                yield _graph(every, arm.without, shaping, registry)


def _shapes(path: str, every: Mapping[str, Table], registry: Registry) -> bool:
    """Whether a value at `path` may change which tables name each other."""
    named = field_path(path)
    table, field = every.get(named.table), named.field
    if table is None:
        return False
    declared = (registry.get(table.section, name).parameters() for name in registry.names(table.section))
    return field == SECTIONS[table.section].key or any(field in d and d[field].kind in NAMING for d in declared)


def _graph(
    every: Mapping[str, Table], without: frozenset[str], chosen: Mapping[str, tuple[Any, ...]], registry: Registry
) -> _Graph:
    present = {path for path in every if path not in without}
    present -= {f"plasticity.{path.partition('.')[2]}" for path in without if path.startswith("projection.")}
    edges: set[tuple[str, str, str]] = set()
    anything = False
    for path in present:
        table = every[path]
        for component in _components(table, chosen, registry):
            stranger = bool(component.offered_by) or not component.packaged
            anything |= stranger and not any(p.kind in NAMING for p in component.parameters().values())
            for parameter, other in _named(table, component, chosen):
                edges.add((path, other, "needs" if _acts(parameter) else "reads"))
                if (_acts(parameter) or stranger) and _takes(every.get(other), parameter):
                    edges.add((other, path, "acts"))
        if table.section == "plasticity":  # a rule and its projection have one name, and make one weight
            edges |= {(path, f"projection.{table.name}", "needs"), (f"projection.{table.name}", path, "acts")}
    return _Graph(frozenset(present), frozenset(edges), anything)


def _acts(parameter: Parameter) -> bool:
    """Whether a table acts on what this field names, or moves a number of it."""
    return parameter.acts or parameter.moved


def _components(table: Table, chosen: Mapping[str, tuple[Any, ...]], registry: Registry) -> list[type[Component]]:
    """Return what a table may be in one arm: more than one where a sweep exchanges it."""
    names = chosen.get(f"{table.path}.{SECTIONS[table.section].key}")
    return [table.component] if names is None else [registry.get(table.section, name) for name in names]


def _named(
    table: Table, component: type[Component], chosen: Mapping[str, tuple[Any, ...]]
) -> Iterator[tuple[Parameter, str]]:
    """Yield every field by which a table names others, with the path of the table that it names."""
    for field, parameter in component.parameters().items():
        if parameter.kind not in NAMING:
            continue
        given = None if parameter.required else parameter.default
        for value in chosen.get(f"{table.path}.{field}", (table.fields.get(field, given),)):
            for name in value if isinstance(value, tuple | list) else (value,):
                if parameter.kind in ("reference", "references"):
                    yield parameter, f"{parameter.section}.{name}"
                elif parameter.kind == "path":
                    yield parameter, field_path(str(name)).table
                else:
                    yield parameter, str(name)


def _takes(table: Table | None, parameter: Parameter) -> bool:
    """Whether what a field does to a table changes it: projections onto a source do not."""
    return table is None or parameter.name != "post" or table.component.takes_input


def _why(table: Table, graphs: Collection[_Graph], tables: Tables, ways: Callable[[str], str]) -> str:
    """Say why a table acts on nothing, and what would make it act."""
    present = [graph for graph in graphs if table.path in graph.tables]
    if not present:
        return "acts in no run: every arm is without it"
    end = table.fields.get("post") if table.section == "projection" else None
    source = tables.get("population", {}).get(str(end))
    if source is not None and not source.component.takes_input:
        return f"acts on nothing: {end} is a source, whose activity comes from outside; nothing is added to it"
    readers = sorted(set().union(*(graph.readers(table.path) for graph in present)))
    if readers:
        verb, them = ("depends", "that") if len(readers) == 1 else ("depend", "those")
        return f"acts on nothing: only {listed(readers)} {verb} on it, and nothing depends on {them}"
    return f"acts on nothing: {SECTIONS[table.section].unread} ({ways(table.section)})"


def _ways(section: str, registry: Registry) -> str:
    """Return what can name a table of a section, in words."""
    found: dict[str, set[str]] = {}
    drives = component_drives(section, registry)
    for component in registry:
        for parameter in component.parameters().values():
            if parameter.section == section or (drives and parameter.kind == "signal"):
                found.setdefault(component.section, set()).add(parameter.name)
    named = (("plasticity", "a rule"), *((name, f"{_article(name)} {name}") for name in sorted(found.keys())))
    namers = [words for name, words in dict(reversed(named)).items() if name in found]
    return f"it acts when named by {' or '.join(sorted(namers))}"


def component_drives(section: str, registry: Registry) -> bool:
    """Whether tables of a section make a signal that others may read."""
    return any(component.drives for component in registry if component.section == section)


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _unfed(table: Table, section: str, tables: Tables) -> str:
    """Return why a table stays at zero: nothing drives it."""
    withheld = [
        other.path
        for other in tables.get(section, {}).values()
        if any(_acts(p) and other.fields.get(f) == table.name for f, p in other.component.parameters().items())
    ]
    if withheld:
        return f"stays at zero: every arm is without {listed(sorted(withheld))}"
    return f"stays at zero: no {section} names it"
