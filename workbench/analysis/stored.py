"""Stored outcomes and courses as arrays by arm, point and subject: what a statistic is taken of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from workbench.analysis.selection import Selection
    from workbench.arrays import Array
    from workbench.findings.finding import Among

    Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """One outcome in one arm of a study: `values` is (points, subjects), NaN where nothing is stored."""

    points: Whole
    subjects: Whole
    values: Array

    def at(self, point: int) -> pd.Series[float]:
        """Return the values at one point, by subject."""
        import pandas as pd

        found = np.flatnonzero(self.points == point)
        row = self.values[found[0]] if len(found) else np.full(len(self.subjects), np.nan)
        return pd.Series(row, index=self.subjects).dropna()


@dataclass(frozen=True)
class Stored:
    """Reads one sweep; everything is read once."""

    selection: Selection
    _tables: dict[tuple[str, str], dict[str, Table]] = field(default_factory=dict)
    _courses: dict[tuple[str, str, str, int], pd.DataFrame] = field(default_factory=dict)

    def table(self, study: str, outcome: str, arm: str) -> Table:
        """Return an outcome in an arm, over all points and subjects of a study; empty where nothing is stored."""
        if (study, outcome) not in self._tables:
            rows = self.selection.sql(
                "select arm, point, subject, value from outcomes where sweep = :sweep and study = :study"
                " and outcome = :outcome",
                study=study,
                outcome=outcome,
            )
            self._tables[study, outcome] = {str(name): _table(group) for name, group in rows.groupby("arm")}
        nothing = Table(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 0)))
        return self._tables[study, outcome].get(arm, nothing)

    def course(self, study: str, name: str, arm: str, point: int) -> pd.DataFrame:
        """Return a recorded course: one row a subject, one column a time; empty where nothing is stored."""
        key = (study, name, arm, point)
        if key not in self._courses:
            rows = self.selection.sql(
                "select subject, time, value from timecourse where sweep = :sweep and study = :study"
                " and course = :course and arm = :arm and point = :point",
                study=study,
                course=name,
                arm=arm,
                point=point,
            )
            table = rows.pivot_table(index="subject", columns="time", values="value")
            self._courses[key] = table.dropna()
        return self._courses[key]

    def levels(self, study: str, path: str) -> dict[int, float | str]:
        """Return the value of a swept path at each point of a study."""
        axes = self.selection.axes
        rows = axes[(axes.study == study) & (axes.path == path)]
        return {
            int(point): float(number) if number == number and number is not None else str(text)
            for point, number, text in zip(rows.point, rows.number, rows.text, strict=True)
        }

    def subjects(self, among: Among, study: str, point: int = 0) -> Whole:
        """Return the subjects that count, by a trait or by an outcome at a point of the study."""
        if among.trait:
            rows = self.selection.sql(
                "select subject, value from traits where sweep = :sweep and trait = :trait", trait=among.trait
            ).set_index("subject")["value"]
        else:
            rows = self.table(study, among.outcome, among.arm).at(point)
        kept = rows[(rows > _or(among.above, -np.inf)) & (rows < _or(among.below, np.inf))]
        return kept.index.to_numpy(dtype=np.int64)


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _table(rows: pd.DataFrame) -> Table:
    points, subjects = np.unique(rows.point), np.unique(rows.subject)
    values = np.full((len(points), len(subjects)), np.nan)
    values[np.searchsorted(points, rows.point), np.searchsorted(subjects, rows.subject)] = rows.value
    return Table(points.astype(np.int64), subjects.astype(np.int64), values)
