"""One sweep of a database, read as small typed frames for analysis and report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.component.field_path import field_path
from workbench.errors import UsageError, quoted
from workbench.scenario.text.document import outline

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store.read import Results
    from workbench.store.study_values import StudyValues


OUTCOMES_AT_ONCE = 8
"""Outcomes of which all values are in memory together: 64 bytes a run."""


@dataclass(frozen=True)
class Selection:
    """A sweep of an open database; every frame is read once, when first asked for."""

    results: Results
    sweep: int

    def sql(self, query: str, **values: Any) -> pd.DataFrame:
        """Return the rows of a reading query; ``:sweep`` and the given names are bound."""
        rows: pd.DataFrame = self.results.sql(query, {"sweep": self.sweep, **values})
        return rows

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """The sweep's own row: seed, subjects, expected, command, scenario's name, title and hash."""
        rows = self.sql("select * from sweeps where sweep = :sweep")
        return {str(k): v for k, v in rows.iloc[0].items()}

    @cached_property
    def arms(self) -> pd.DataFrame:
        """Arms in the file's order: name, title, words, condition, baseline ("" where there is none)."""
        return self.sql(
            "select a.name, a.title, a.words, coalesce(a.condition, '') as condition, coalesce(b.name, '') as baseline"
            " from arm a left join arm b on b.id = a.baseline where a.sweep = :sweep order by a.ordinal"
        ).set_index("name", drop=False)

    @cached_property
    def studies(self) -> pd.DataFrame:
        """Studies in the file's order: name, title, and the number of their points."""
        return self.sql(
            "select s.name, s.title, count(p.id) as points from study s left join point p on p.study = s.id"
            " where s.sweep = :sweep group by s.id order by s.ordinal"
        ).set_index("name", drop=False)

    @cached_property
    def measures(self) -> pd.DataFrame:
        """What was measured: kind (outcome or course), name, unit, meaning, better ("lower", "higher" or "")."""
        return self.sql(
            "select m.kind, m.name, m.readout, m.unit, m.meaning, m.better, m.specification,"
            " max(u.title) as title from measure m"
            " join sweep_measure u on u.measure = m.id where u.sweep = :sweep group by m.id order by m.id"
        )

    @cached_property
    def settings(self) -> pd.DataFrame:
        """Every arm's resolved settings: arm, path, number, text, unit, status, source, origin, low, high."""
        return self.sql("select * from settings where sweep = :sweep order by arm, path")

    @cached_property
    def axes(self) -> pd.DataFrame:
        """Swept values: study, point, path, number, text, unit."""
        return self.sql("select * from points where sweep = :sweep order by study, point, path")

    @cached_property
    def meanings(self) -> Mapping[str, str]:
        """What each swept path means, by path."""
        rows = self.sql("select distinct path, meaning from columns where path <> ''")
        return dict(zip(rows.path, rows.meaning, strict=True))

    @cached_property
    def progress(self) -> pd.DataFrame:
        """Per study and arm: how many runs were stored and how many failed."""
        return self.sql(
            "select study, arm, sum(status = 'stored') as stored, sum(status = 'failed') as failed from runs"
            " where sweep = :sweep group by study, arm"
        )

    @cached_property
    def scenario(self) -> dict[str, Any]:
        """The stored scenario file as plain nested mappings."""
        return outline(self.results.scenario_text(self.sweep))

    @cached_property
    def parameter_set(self) -> dict[str, Any]:
        """The stored parameter set as plain nested mappings; empty where the scenario uses none."""
        return outline(self.results.parameter_text(self.sweep))

    @cached_property
    def _kept(self) -> dict[tuple[str, ...], pd.DataFrame]:
        return {}

    def kept(self, key: tuple[str, ...], make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Return the frame under `key`, made when first asked for; nobody may change it."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def values(self, study: str, outcome: str) -> pd.DataFrame:
        """Return point, arm, subject and value of every finished run of a study; read once for each outcome."""

        def read() -> pd.DataFrame:
            return self.results.study_values(self.sweep, study, [outcome]).rows(outcome)

        return self.kept(("values", study, outcome), read)

    def study_values(self, study: str, outcomes: Sequence[str]) -> Iterator[tuple[str, StudyValues]]:
        """Yield each of `outcomes` with the values of a study that hold it; some are read at a time, and none kept."""
        for start in range(0, len(outcomes), OUTCOMES_AT_ONCE):
            names = outcomes[start : start + OUTCOMES_AT_ONCE]
            found = self.results.study_values(self.sweep, study, names)
            yield from ((name, found) for name in names)

    def outcomes_named(self) -> list[str]:
        """Return the names of the recorded outcomes, in the file's order."""
        found = self.measures
        return [str(name) for name in found[found.kind == "outcome"].name]

    def measure(self, kind: str, name: str) -> Mapping[str, Any]:
        """Return name, unit, meaning and better of one outcome or course."""
        found = self.measures
        rows = found[(found.kind == kind) & (found.name == name)]
        if rows.empty:
            known = ", ".join(found[found.kind == kind].name)
            raise UsageError(f"{kind} {quoted(name)} is not in this sweep (known: {known})")
        return {str(k): v for k, v in rows.iloc[0].items()}

    def paths(self, study: str) -> list[str]:
        """Return the swept paths of a study, sorted."""
        return sorted(set(self.axes[self.axes.study == study].path))


def select(source: Results | Selection | str | Path, sweep: int | None = None) -> Selection:
    """Return one sweep of `source`: the one worked on last, unless `sweep` names another.

    Raises
    ------
    UsageError
        If there is no such sweep; lists those that exist.
    """
    if isinstance(source, Selection):
        return source
    if isinstance(source, str | Path):
        from workbench.store.read import open_results

        source = open_results(source)
    known = [int(i) for i in source.sql("select id from sweep order by id")["id"]]
    if sweep is not None and sweep not in known:
        raise UsageError(f"there is no sweep {sweep} in {source.path} (known: {', '.join(map(str, known)) or 'none'})")
    return Selection(source, source.latest if sweep is None else sweep)


def relative_axes(scenario: dict[str, Any], study: str) -> frozenset[str]:
    """Return the paths of a study whose values are factors on the arm's own value."""
    sweep = scenario.get("study", {}).get(study, {}).get("sweep", {})
    return frozenset(path for path, axis in sweep.items() if isinstance(axis, dict) and axis.get("relative") is True)


def fields_using(scenario: dict[str, Any], parameter: str) -> list[str]:
    """Return the paths ``section.name.field`` that take their number from a parameter of the set."""
    found = []
    for section, tables in scenario.items():
        for name, table in tables.items() if isinstance(tables, dict) else ():
            for field, value in table.items() if isinstance(table, dict) else ():
                if isinstance(value, dict) and value.get("ref") == parameter:
                    found.append(f"{section}.{name}.{field}")
    return found


def own_number(scenario: dict[str, Any], settings: dict[str, float | str], path: str) -> float | str | None:
    """Return an arm's setting at a path; for ``parameter.x`` that of a field which takes its number from x."""
    if path in settings:
        return settings[path]
    section, name, _ = field_path(path)
    users = fields_using(scenario, name) if section == "parameter" else []
    return next((settings[user] for user in users if user in settings), None)
