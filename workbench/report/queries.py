"""The question to the database behind each table, as text that a reader can run: ``workbench query DB "..."``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Queries:
    """Questions about one sweep; each method returns one SQL text."""

    sweep: int

    def pairs(self, study: str, outcomes: Iterable[str] = ()) -> str:
        """Every comparison of a study: means and mean difference within subjects."""
        return (
            "select outcome, arm, baseline, count(*) as n, avg(value) as mean, avg(baseline_value) as mean_there, "
            f"avg(difference) as difference from pairs where {self._place(study)} and point = 0"
            f"{_among('outcome', outcomes)} group by outcome, arm, baseline"
        )

    def compared(self, study: str, rows: Iterable[tuple[str, str, str]]) -> str:
        """Chosen comparisons (outcome, arm, other arm), whether or not the scenario declares them as pairs."""
        chosen = ", ".join(f"({', '.join(map(quoted, row))})" for row in rows)
        return (
            "select outcome, a.arm, b.arm as baseline, count(*) as n, avg(a.value) as mean, "
            "avg(b.value) as mean_there, avg(a.value - b.value) as difference from outcomes a "
            "join outcomes b using (sweep, study, point, subject, outcome) "
            f"where {self._place(study)} and point = 0 and (outcome, a.arm, b.arm) in (values {chosen}) "
            "group by outcome, a.arm, b.arm"
        )

    def cells(self, study: str, outcomes: Iterable[str] = ()) -> str:
        """Every cell of a study: arm, point, number of runs and mean; the view `points` holds the swept values."""
        return (
            "select arm, point, outcome, count(*) as n, avg(value) as mean from outcomes "
            f"where {self._place(study)}{_among('outcome', outcomes)} group by arm, point, outcome"
        )

    def course(self, study: str, course: str, arms: Iterable[str] = ()) -> str:
        """A recorded course: mean by arm and time, at the study's first point."""
        return (
            "select arm, time, time_unit, count(*) as n, avg(value) as mean from timecourse "
            f"where {self._place(study)} and point = 0 and course = {quoted(course)}{_among('arm', arms)} "
            "group by arm, time"
        )

    def swept(self, study: str) -> str:
        """The swept values of a study."""
        return f"select point, path, number, text, unit from points where {self._place(study)}"

    def settings(self, prefix: str = "", arm: str = "") -> str:
        """Resolved settings, of all arms or one."""
        chosen = f" and path like {quoted(prefix + '%')}" if prefix else ""
        chosen += f" and arm = {quoted(arm)}" if arm else ""
        return (
            "select arm, path, number, text, unit, status, source, low, high from settings "
            f"where sweep = {self.sweep}{chosen}"
        )

    def text(self) -> str:
        """The scenario file itself."""
        return (
            "select scenario.name, cast(scenario.bytes as text) as text, scenario.parameter_set from sweep "
            f"join scenario on scenario.id = sweep.scenario where sweep.id = {self.sweep}"
        )

    def runs(self) -> str:
        """How many runs each arm of each study has, by status."""
        return (
            f"select study, arm, status, count(*) as n from runs where sweep = {self.sweep} group by study, arm, status"
        )

    def failures(self) -> str:
        """Why runs failed."""
        return (
            "select study, arm, reason, count(*) as n, min(model_time) as first from failures "
            f"where sweep = {self.sweep} group by study, arm, reason"
        )

    def measures(self) -> str:
        """What was measured."""
        return f"select distinct kind, name, readout, unit, better, meaning from measures where sweep = {self.sweep}"

    def facts(self) -> str:
        """The sweep's own row."""
        return f"select * from sweeps where sweep = {self.sweep}"

    def _place(self, study: str) -> str:
        return f"sweep = {self.sweep} and study = {quoted(study)}"


def _among(column: str, names: Iterable[str]) -> str:
    listed = ", ".join(quoted(name) for name in names)
    return f" and {column} in ({listed})" if listed else ""


def quoted(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
