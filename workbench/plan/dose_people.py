"""Whose doses a table gives: its people and the subjects of a study, wherever either number was said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from workbench.scenario.dosing import people_of

if TYPE_CHECKING:
    from workbench.errors import Problem
    from workbench.plan.runs import StudyPlan
    from workbench.scenario.places import Places


def strangers(places: Places, studies: Iterable[StudyPlan]) -> Iterator[Problem]:
    """Yield each table that has fewer people than a study has subjects, or more than the scenario has."""
    for study, path, people in _tables(studies):
        count = max(study.subjects, places.scenario.subjects.count)
        if people < study.subjects or people > count:
            subjects = study.subjects if people < study.subjects else count
            message = f"the table has {people} IDs for {subjects} subjects; one ID is for all, several are one for each"
            yield places.problem(path, message, study=study.name)


def left_at_home(places: Places, studies: Iterable[StudyPlan]) -> Iterator[Problem]:
    """Yield a note for each table of which a study takes only the first people."""
    for study, path, people in _tables(studies):
        if study.subjects < people:
            message = f"study {study.name} takes the first {study.subjects} of the {people} people of this table"
            yield places.problem(path, message, study=study.name)


def _tables(studies: Iterable[StudyPlan]) -> Iterator[tuple[StudyPlan, str, int]]:
    for study in studies:
        found = {
            (f"dose.{table.name}.table", people_of(dict(table.fields)))
            for group in study.groups
            for table in group.structure.tables
            if table.section == "dose"
        }
        yield from ((study, path, people) for path, people in sorted(found) if people > 1)
