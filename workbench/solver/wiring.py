"""What a structure says of its tables, asked while components are built."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.solver.batch import Declared, Structure


class Wiring:
    """The tables of one structure, and the questions that several components ask of them."""

    def __init__(self, structure: Structure) -> None:
        self._tables: dict[tuple[str, str], Declared] = {(t.section, t.name): t for t in structure.tables}
        self.clocks = tuple(sorted({t.component for t in structure.tables if t.section == "phase"}))

    def has(self, section: str, name: str) -> bool:
        """Return whether the table exists in this structure."""
        return (section, name) in self._tables

    def names(self, section: str) -> list[str]:
        """Return the names of a section's tables, sorted."""
        return sorted(name for at, name in self._tables if at == section)

    def size(self, population: str) -> int:
        """Return the number of units."""
        fields = dict(self._tables["population", population].fields)
        while fields.get("like"):
            fields = dict(self._tables["population", fields["like"]].fields)
        units: int = fields["size"]
        return units

    def is_source(self, population: str) -> bool:
        """Return whether the population's activity comes from outside the circuit."""
        return self._tables["population", population].component == "source"

    def sources_of(self, population: str) -> int:
        """Return how many projections from sources reach a population."""
        ways = (dict(self._tables["projection", name].fields) for name in self.names("projection"))
        return sum(way.get("post") == population and self.is_source(way["pre"]) for way in ways)

    def is_task_driven(self, population: str) -> bool:
        """Return whether a task shows this population what to be."""
        return self._shown_by("cues", population) or self._shown_by("inputs", population)

    def is_cue(self, population: str) -> bool:
        """Return whether a task shows exactly one unit of this population at a time."""
        return self._shown_by("cues", population)

    def _shown_by(self, field: str, population: str) -> bool:
        return any(dict(self._tables["task", task].fields).get(field) == population for task in self.names("task"))
