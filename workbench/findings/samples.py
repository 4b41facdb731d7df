"""Which stored numbers a criterion is taken of.

A sample is an array whose second axis is the subjects: (terms, subjects) or, for courses, (terms, subjects, times).
Resampling the subjects of a sample is all that a Monte-Carlo error needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.findings.finding import Criterion
from workbench.findings.grammar import TIMED

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from workbench.analysis.selection import Selection
    from workbench.component.arrays import Array
    from workbench.findings.finding import Among

    Whole = NDArray[np.int64]


ROUNDING = 1e-9


class NotStored(LookupError):
    """What a criterion asks for is not in the database; the message says what."""


@dataclass(frozen=True)
class Sample:
    """What a statistic is taken of.

    Attributes
    ----------
    terms : array (terms, subjects) or (terms, subjects, times)
    along : array
        Swept values or times that go with the terms or the last axis; empty where there are none.
    left_out : int
        Subjects that lack one of the terms.
    """

    terms: Array
    along: Array
    left_out: int = 0

    @property
    def subjects(self) -> int:
        """How many subjects the sample holds."""
        return int(self.terms.shape[1])

    def of(self, index: NDArray[np.int64]) -> Sample:
        """Return the sample of the subjects at `index`."""
        return Sample(self.terms[:, index], self.along)


@dataclass(frozen=True)
class Term:
    """One value a subject of a criterion: a measure in an arm; `second` ones are taken at the second point or time."""

    measure: str
    arm: str
    second: bool = False


def terms_of(c: Criterion) -> list[Term]:
    """Return what a criterion compares at one point, in the order that its statistic expects."""
    other = c.against or c.measure
    if c.statistic in ("share", "share_difference") and c.against:
        return [Term(measure, arm) for arm in c.arms for measure in (c.measure, c.against)]
    if c.statistic == "gain_ratio":
        return [Term(c.measure, arm) for arm in c.arms] + [Term(other, arm, second=True) for arm in c.arms]
    if c.statistic in ("difference", "ratio", "effect_size", "hedges_g"):
        return [Term(c.measure, c.arms[0]), Term(other, c.arms[-1], second=True)]
    return [Term(c.measure, arm) for arm in c.arms]


def sample_of(criterion: Criterion, stored: Stored, study: str, point: int | None = None) -> Sample:
    """Return the numbers that `criterion` is taken of, in `study`.

    `point` is one point of a study that spreads points over parameter ranges; the criterion's own point otherwise.

    Raises
    ------
    NotStored
        If an arm, point, outcome or course has no stored run.
    """
    reader = _Reader(criterion, stored, study, point)
    columns, along = reader.columns()
    return reader.joined(columns, along)


@dataclass(frozen=True)
class _Reader:
    criterion: Criterion
    stored: Stored
    study: str
    fixed: int | None

    def columns(self) -> tuple[list[Any], Array]:
        """Return one column of values by subject (or one table, subjects x times) for each term."""
        c = self.criterion
        if c.statistic in TIMED:
            return self.along_times()
        if c.statistic in ("time_to", "peak_to_trough") or (c.kind == "course" and c.statistic == "correlation"):
            names = [c.measure, *([c.against] if c.against else [])]
            tables = [self.whole(name) for name in names]
            times = tables[0].columns.to_numpy(dtype=np.float64)
            if any(not np.array_equal(times, t.columns) for t in tables):
                raise NotStored(f"courses {' and '.join(names)} are recorded at different times")
            return tables, times
        if c.over:
            points = self.along()
            inner = replace(c, over="", statistic=c.of) if c.statistic == "holds_over" else replace(c, over="")
            parts = [self.terms(inner, point) for point in points.values()]
            return [term for part in parts for term in part], np.array(list(points))
        return self.terms(c, self.point(c.at)), np.empty(0)

    def along_times(self) -> tuple[list[Any], Array]:
        """Return a table (subjects x times) for each of two arms: a course, or a column for each visit."""
        c, point = self.criterion, self.point(self.criterion.at)
        if c.kind == "course":
            tables = [self.whole(c.measure, arm) for arm in c.arms]
            return tables, tables[0].columns.to_numpy(dtype=np.float64)
        import pandas as pd

        visits = [[self.column(measure, arm, point, None) for measure in c.measures] for arm in c.arms]
        return [pd.concat(columns, axis="columns", join="inner") for columns in visits], np.array(c.times)

    def terms(self, c: Criterion, point: int) -> list[Any]:
        """Return the columns of a statistic at one point."""
        second = self.point(c.against_at) if c.against_at else point
        later = c.time if c.against_time is None else c.against_time
        return [
            self.column(term.measure, term.arm, second if term.second else point, later if term.second else c.time)
            for term in terms_of(c)
        ]

    def column(self, measure: str, arm: str, point: int, time: float | None) -> Any:
        """Return the values of an outcome, or of a course at a moment, by subject."""
        if self.criterion.kind == "course":
            table = self.stored.course(self.study, measure, arm, point)
            if table.empty:
                raise NotStored(f"course {measure} of arm {arm}")
            return table.iloc[:, _nearest(table.columns.to_numpy(dtype=np.float64), time or 0.0, measure)]
        values = self.stored.table(self.study, measure, arm).at(point)
        if values.empty:
            raise NotStored(f"outcome {measure} of arm {arm}")
        return values

    def whole(self, measure: str, arm: str = "") -> Any:
        """Return a course of an arm, the first unless named: subjects x times."""
        c = self.criterion
        arm = arm or c.arms[0]
        table = self.stored.course(self.study, measure, arm, self.point(c.at))
        if table.empty:
            raise NotStored(f"course {measure} of arm {arm}")
        if c.time is None:
            return table
        return table.loc[:, [time for time in table.columns if float(time) >= c.time]]

    def point(self, at: Mapping[str, float | str]) -> int:
        """Return the ordinal of the point at which some paths have some values."""
        if self.fixed is not None:
            return self.fixed
        points: set[int] | None = None
        for path, value in at.items():
            levels = self.stored.levels(self.study, path)
            here = {point for point, level in levels.items() if is_same_level(level, value)}
            points = here if points is None else points & here
        if points is None:
            return 0
        if not points:
            raise NotStored(f"point {', '.join(f'{path} = {value}' for path, value in at.items())}")
        return min(points)

    def along(self) -> dict[float, int]:
        """Return the points along the swept path, by its value, rising."""
        c = self.criterion
        levels = self.stored.levels(self.study, c.over)
        for path, value in c.at.items():
            here = {p for p, level in self.stored.levels(self.study, path).items() if is_same_level(level, value)}
            levels = {point: level for point, level in levels.items() if point in here}
        if not levels:
            raise NotStored(f"study {self.study}")
        rising = sorted((float(level), point) for point, level in levels.items())
        return dict(rising)

    def joined(self, columns: list[Any], along: Array) -> Sample:
        """Return the sample of the subjects that have all the columns, and that count."""
        c = self.criterion
        kept, every = columns[0].index, columns[0].index
        for column in columns[1:]:
            kept, every = kept.intersection(column.index), every.union(column.index)
        if c.among is not None:
            chosen = self.stored.subjects(c.among, self.study, 0 if c.over else self.point(c.at))
            kept, every = kept.intersection(chosen), every.intersection(chosen)
        if not len(kept):
            raise NotStored("a subject with everything that is asked for")
        terms = np.stack([column.loc[kept].to_numpy(dtype=np.float64) for column in columns]) - c.baseline
        return Sample(terms, along, len(every) - len(kept))


def _nearest(times: Array, time: float, course: str) -> int:
    """Return the place of the recorded time nearest to `time`, which must lie within the course."""
    place = int(np.argmin(np.abs(times - time)))
    interval = float(np.diff(times).max()) if len(times) > 1 else abs(time)
    if abs(times[place] - time) > interval:
        raise NotStored(f"course {course} at {time:g} (recorded from {times[0]:g} to {times[-1]:g})")
    return place


def is_same_level(level: float | str, value: float | str) -> bool:
    """Return whether a stored level is the value asked for."""
    if isinstance(level, str) or isinstance(value, str):
        return str(level) == str(value)
    return abs(level - value) <= ROUNDING * max(abs(level), abs(value))


@dataclass(frozen=True)
class OutcomeTable:
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
    _tables: dict[tuple[str, str], dict[str, OutcomeTable]] = field(default_factory=dict)
    _courses: dict[tuple[str, str, str, int], pd.DataFrame] = field(default_factory=dict)

    def table(self, study: str, outcome: str, arm: str) -> OutcomeTable:
        """Return an outcome in an arm, over all points and subjects of a study; empty where nothing is stored."""
        if (study, outcome) not in self._tables:
            rows = self.selection.sql(
                "select arm, point, subject, value from outcomes where sweep = :sweep and study = :study"
                " and outcome = :outcome",
                study=study,
                outcome=outcome,
            )
            self._tables[study, outcome] = {str(name): _table(group) for name, group in rows.groupby("arm")}
        nothing = OutcomeTable(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 0)))
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
            # A level that is a text has NaN as its number.
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


def _table(rows: pd.DataFrame) -> OutcomeTable:
    points, subjects = np.unique(rows.point), np.unique(rows.subject)
    values = np.full((len(points), len(subjects)), np.nan)
    values[np.searchsorted(points, rows.point), np.searchsorted(subjects, rows.subject)] = rows.value
    return OutcomeTable(points.astype(np.int64), subjects.astype(np.int64), values)
