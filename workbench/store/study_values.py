"""What the runs of one study gave, in columns: as many numbers as a large sweep has, and no Python object for each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

ROWS_AT_ONCE = 50_000

_RECORDED = """SELECT measure.name, measure.id FROM sweep_measure AS recorded
    JOIN measure ON measure.id = recorded.measure AND measure.kind = 'outcome'
WHERE recorded.study = ?"""


@dataclass(frozen=True)
class StudyValues:
    """Some outcomes of every run of a study, ordered by point, name of the arm and subject.

    Attributes
    ----------
    arms : array of str
        Names, sorted; `arm` holds places in it.
    values : mapping outcome -> array (runs,)
        NaN where a run has no value, because it failed.
    """

    arms: NDArray[np.object_]
    arm: NDArray[np.int32]
    point: NDArray[np.int64]
    subject: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]

    def rows(self, outcome: str) -> pd.DataFrame:
        """Return point, arm, subject and value of every run that has one."""
        import pandas as pd

        values = self.values[outcome]
        there = ~np.isnan(values)
        return pd.DataFrame(
            {
                "point": self.point[there],
                "arm": self.arms[self.arm[there]],
                "subject": self.subject[there],
                "value": values[there],
            }
        )

    def tables(self, outcome: str) -> Iterator[tuple[int, pd.DataFrame]]:
        """Yield each point at which a run has a value, with a table: subjects down, arms across, gaps where none is."""
        import pandas as pd

        values = self.values[outcome]
        there = np.flatnonzero(~np.isnan(values))
        for of_point in _cut(self.point, there):
            by_arm = _cut(self.arm, of_point)
            people = [self.subject[rows] for rows in by_arm]
            # Each arm has its subjects in order, and nearly always the same ones: then nothing need be sorted.
            alike = all(np.array_equal(some, people[0]) for some in people[1:])
            subjects = people[0] if alike else np.unique(np.concatenate(people))
            table = np.full((len(by_arm), len(subjects)), np.nan)
            for across, (rows, some) in enumerate(zip(by_arm, people, strict=True)):
                table[across, slice(None) if alike else np.searchsorted(subjects, some)] = values[rows]
            arms = self.arms[[self.arm[rows[0]] for rows in by_arm]]
            yield int(self.point[of_point[0]]), pd.DataFrame(table.T, index=subjects, columns=arms)


def _cut(sorted_by: NDArray[np.integer[Any]], rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return stretches of some rows of one value each; the values ascend."""
    return np.split(rows, np.flatnonzero(np.diff(sorted_by[rows])) + 1) if len(rows) else []


def study_values(connection: sqlite3.Connection, sweep: int, study: str, outcomes: Sequence[str]) -> StudyValues:
    """Return `outcomes` of the runs of a study; one that it does not record has no value in any run."""
    known = connection.execute("SELECT id FROM study WHERE sweep = ? AND name = ?", (sweep, study)).fetchone()
    number = known[0] if known else None
    recorded = dict(connection.execute(_RECORDED, (number,)).fetchall())
    asked = [
        f"(SELECT value FROM outcome WHERE run = s.run AND measure = {recorded[name]})" if name in recorded else "NULL"
        for name in outcomes
    ]
    # One look-up for each value, next to each other in the file: faster than joining, and no row for each value.
    cursor = connection.execute(
        f"SELECT {', '.join(['s.arm', 's.point', 's.subject', *asked])} FROM sweep_run AS s WHERE s.study = ?",
        (number,),
    )
    kinds = [np.int64] * 3 + [np.float64] * len(outcomes)
    parts: list[list[NDArray[np.generic]]] = [[np.empty(0, kind)] for kind in kinds]
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        for part, kind, column in zip(parts, kinds, zip(*rows, strict=True), strict=True):
            part.append(np.array(column, dtype=kind))
    arm, point, subject, *values = (np.concatenate(part) for part in parts)
    names = connection.execute("SELECT id, name FROM arm WHERE sweep = ? ORDER BY name", (sweep,)).fetchall()
    ordinals = connection.execute("SELECT id, ordinal FROM point WHERE study = ? ORDER BY id", (number,)).fetchall()
    places = np.zeros(1 + max((n for n, _ in names), default=0), np.int32)
    places[[n for n, _ in names]] = np.arange(len(names))
    ids, numbered = np.array(ordinals, dtype=np.int64).reshape(-1, 2).T
    arm, point = places[arm], numbered[np.searchsorted(ids, point)]
    order = np.lexsort((subject, arm, point))
    listed = np.array([name for _, name in names], dtype=object)
    found = {name: value[order] for name, value in zip(outcomes, values, strict=True)}
    return StudyValues(listed, arm[order], point[order], subject[order], found)
