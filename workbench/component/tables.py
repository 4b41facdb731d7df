"""A scenario's tables as components see them when they check each other: plain numbers, defaults filled in.

One view for the checks of a file and for those of every arm and sweep: a field that the file leaves out has its
declared default, and a table knows what its component offers, so that nobody asks for a kind by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from workbench.component.declaration import Component
from workbench.component.registry import SECTIONS


class Fields(dict[str, Any]):
    """The fields of one table, by name; a number that differs between runs, or is not known yet, is None.

    Beside its own fields a table has ``section``, ``name`` and the key that chooses its component; a rule also has
    ``projection``, the name that it shares with its projection.

    Attributes
    ----------
    component : type of Component
        The component that the table chooses.
    """

    def __init__(self, component: type[Component], section: str, name: str, given: Mapping[str, Any]) -> None:
        super().__init__(component.defaults())
        self.update(given)
        self.component = component
        self |= {"section": section, "name": name, SECTIONS[section].key: component.name}
        if section == "plasticity":
            self["projection"] = name

    @property
    def kind(self) -> str:
        """The name of the component."""
        return self.component.name

    @property
    def key(self) -> str:
        """The key that chooses the component."""
        return SECTIONS[self["section"]].key

    def offers(self, what: str) -> bool:
        """Whether the component, with these fields, offers `what`."""
        return what in self.component.offered(self)

    def with_numbers(self, numbers: Mapping[str, float | None]) -> Fields:
        """Return the same table with other numbers in some fields."""
        return Fields(self.component, self["section"], self["name"], {**self, **numbers})


class Tables(dict[str, dict[str, Fields]]):
    """All tables of a scenario by section and name; every section is there, if empty."""

    def __init__(self, tables: Mapping[str, Mapping[str, Fields]]) -> None:
        super().__init__({section: dict(tables.get(section, {})) for section in SECTIONS})

    def offers(self, section: str, name: str | None, what: str) -> bool:
        """Whether there is such a table, and it offers `what`."""
        found = self[section].get(name or "")
        return found is not None and found.offers(what)

    def field(self, section: str, name: str | None, field: str) -> Any:
        """Return one field of a table; None where there is no such table, or it has no such field."""
        found = self[section].get(name or "")
        return None if found is None else found.get(field)

    def next(self, fields: Fields, step: str) -> Fields | None:
        """Return the table that `step` leads to: a reference, a rule's projection, or a projection's rule."""
        if step == "projection" and fields["section"] == "plasticity":
            return self["projection"].get(fields["name"])
        if step == "plasticity" and fields["section"] == "projection":
            return self["plasticity"].get(fields["name"])
        declared, named = fields.component.parameters().get(step), fields.get(step)
        if declared is None or named is None or declared.kind != "reference":
            return None
        return self[declared.section].get(named)

    def members(self, fields: Fields) -> int | None:
        """Return how many members a table has, so that others can be held against it: units, visits, patterns.

        A population that is like another one takes its size. None of those that are like each other in a circle, and
        of what has nothing to number.
        """
        counted = getattr(fields.component, "members", None)
        if counted is not None:
            found: int | None = counted(fields, self)
            return found
        seen: set[str] = set()
        while (name := fields.get("like")) and fields["section"] == "population":
            if name in seen:
                return None
            seen.add(name)
            fields = self["population"][name]
        return fields.get("size") if fields["section"] == "population" else None

    @property
    def clocks(self) -> set[str]:
        """The clocks on which the phases run."""
        return {phase.component.clock for phase in self["phase"].values()}

    def phases_on(self, clock: str) -> list[str]:
        """Return the phases on a clock, by name."""
        return sorted(name for name, phase in self["phase"].items() if phase.component.clock == clock)

    def phases_off(self, clock: str) -> list[str]:
        """Return the phases on any other clock, by name."""
        return sorted(name for name, phase in self["phase"].items() if phase.component.clock != clock)

    def showing(self, population: str | None) -> Sequence[tuple[Fields, str]]:
        """Return the tasks that show a population something, each with what it shows."""
        return self._showing.get(population, ())

    @cached_property
    def _showing(self) -> Mapping[str | None, Sequence[tuple[Fields, str]]]:
        """The tasks by the populations that they show something; who asks finds all tables there."""
        found: dict[str | None, list[tuple[Fields, str]]] = {}
        for task in self["task"].values():
            for name, declared in task.component.parameters().items():
                if declared.shows:
                    found.setdefault(task[name], []).append((task, declared.shows))
        return found

    def shown(self, population: str | None, what: str) -> Fields | None:
        """Return the first task that shows a population `what` (a pattern, one unit); None where none does."""
        return next((task for task, found in self.showing(population) if found == what), None)

    def kinds(self, section: str, what: str) -> list[str]:
        """Return the components of a section that offer `what`, by name: those installed and those in use here."""
        from workbench.component.registry import registry

        used = {table.component for table in self[section].values()}
        return sorted({c.name for c in (*registry(), *used) if c.section == section and what in c.offers})
