"""The place in the file of a problem that only shows once arms, sweeps and traits are combined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

from workbench.component.field_path import field_path
from workbench.errors import Problem
from workbench.scenario.component_tables import raw_place
from workbench.scenario.model import Ref, Scenario
from workbench.scenario.text.document import Document
from workbench.scenario.text.syntax import Keys


class Places:
    """Finds the line that sets a path last: an axis, an arm or one it extends, a trait, or the table itself.

    `given` are paths that the command line sets; they have no line.
    """

    def __init__(self, scenario: Scenario, given: Iterable[str] = ()) -> None:
        self.scenario, self.given = scenario, frozenset(given)

    @cached_property
    def _document(self) -> Document:
        return self.scenario.document or Document(self.scenario.text, self.scenario.file, [])

    def problem(self, path: str, message: str, *, study: str = "", arm: str = "", moved: Iterable[str] = ()) -> Problem:
        """Return the finding `message` about `path` at its line.

        `moved` are paths whose new value made `path` wrong; the first that the study or the arm names is the place.
        """
        for candidate in (*moved, path):
            if candidate in self.given:
                return Problem(self.scenario.file, 0, 0, path, message)
            for keys in self._spoken(candidate, study, arm):
                if found := self._document.place_of(keys):
                    return Problem(*found, path, message)
        return self.located(Problem(self.scenario.file, 0, 0, path, message))

    def is_set(self, path: str, arm: str) -> bool:
        """Whether an arm, or one that it extends, sets `path` or the parameter behind it."""
        chosen = self.scenario.arms[arm].set
        return any(p in chosen for p in (path, *self._referred(path)))

    def located(self, problem: Problem) -> Problem:
        """Return `problem` with the line of the field, table or study that its key names, if it has no line yet."""
        if problem.line or problem.file != self.scenario.file or problem.key in self.given:
            return problem
        section, name, field = field_path(problem.key)
        keys: Keys = raw_place(self._document, (section, name), field) if field else (section, name)
        found = None
        while keys and (found := self._document.place_of(keys)) is None:
            keys = keys[:-1]
        if found is None:
            return problem
        file, line, column = found
        return replace(problem, file=file, line=line, column=column)

    def _spoken(self, path: str, study: str, arm: str) -> Iterator[Keys]:
        """Yield the places that give `path` its value above the table, the strongest first."""
        paths = (path, *self._referred(path))
        yield from (("study", study, "sweep", p) for p in paths)
        asked = self.scenario.studies.get(study)
        if asked is not None and any(axis.path in paths for axis in asked.axes):
            yield ("study", study, "table")
        yield from (("arm", above, "set", p) for above in self._extended(arm) for p in paths)
        traits = (trait for trait in self.scenario.subjects.traits if trait.on in paths)
        yield from (("subjects", "trait", trait.name, "on") for trait in traits)

    def _referred(self, path: str) -> tuple[str, ...]:
        section, name, field = field_path(path)
        table = self.scenario.tables.get(section, {}).get(name)
        value = None if table is None else table.fields.get(field)
        return (f"parameter.{value.name}",) if isinstance(value, Ref) else ()

    def _extended(self, arm: str) -> Iterator[str]:
        """Yield the arm and those that it extends."""
        raw: Any = self._document.content.get("arm", {})
        while arm in raw:
            yield arm
            arm = raw[arm].get("extends", "")
