"""Reading a result database into typed pandas frames; never writes, and works while a sweep is writing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from workbench.errors import UsageError
from workbench.scenario.text.document import Document
from workbench.store.connection import storage_faults
from workbench.store.frame import fetch, fetch_typed
from workbench.store.question import answer_question, question_faults
from workbench.store.study_values import StudyValues, study_values
from workbench.store.views import KEYS
from workbench.store.whole import reading

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class CourseRow:
    """One run's recorded course: `values` at the times of its clock."""

    arm: str
    subject: int
    clock: int
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Clock:
    """When the values of a course were recorded, in `unit`."""

    unit: str
    times: NDArray[np.float64]


@dataclass(frozen=True)
class Placed:
    """What must be asked of the engine to see one stored run again.

    Attributes
    ----------
    key : bytes
        The 32-byte identity that the repeated run must have.
    settings : mapping path -> text
        The sweep's own ``--set`` overrides.
    """

    run: int
    key: bytes
    sweep: int
    study: str
    arm: str
    point: int
    subject: int
    seed: int
    status: str
    settings: Mapping[str, str]


def open_results(path: str | Path) -> Results:
    """Open a result database for reading.

    Raises
    ------
    StorageError
        If it is missing, no workbench database, damaged or too new.
    """
    results = Results(Path(path))
    with reading(results.path):
        return results


def query(path: str | Path, sql: str, max_rows: int | None = None) -> pd.DataFrame:
    """Return the answer to a read-only SQL question; `UsageError` if it has more than `max_rows` rows."""
    with answer_question(Path(path), sql, max_rows) as answer:
        return answer.table()


class Results:
    """The stored results as pandas frames.

    Every method reads afresh, through a connection of its own that cannot write, so that a notebook left
    open never blocks a sweep. Inside ``with results:`` all of them see the file as it was at the first
    one. Frames may be narrowed to one sweep or one study; names are categories in the scenario's order.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: ExitStack | None = None
        self._connection: sqlite3.Connection | None = None

    @classmethod
    def over(cls, path: Path, connection: sqlite3.Connection) -> Results:
        """Return the results that a connection sees, which somebody else has opened and will close."""
        results = cls(path)
        results._connection = connection
        return results

    def __enter__(self) -> Results:
        self._held = ExitStack()
        self._connection = self._held.enter_context(reading(self.path))
        # Without a transaction every question would see the file as it is by then.
        self._connection.execute("BEGIN")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file where ``with`` holds it."""
        held, self._held, self._connection = self._held, None, None
        if held is not None:
            held.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if self._connection is not None:
            with storage_faults(self.path):
                yield self._connection
        else:
            with reading(self.path) as connection:
                yield connection

    def sweeps(self) -> pd.DataFrame:
        """Return one row per sweep: scenario, parameter set, seed, and how many runs are expected, stored, failed."""
        return self._view("sweeps", None, None)

    @property
    def latest(self) -> int:
        """The id of the sweep that was worked on last."""
        found = self._rows("SELECT sweep FROM invocation ORDER BY id DESC LIMIT 1")
        if not found:
            raise UsageError(f"{self.path}: no sweep is stored in this database")
        return int(found[0][0])

    def runs(self, sweep: int | None = None, study: str | None = None) -> pd.DataFrame:
        """Return one row per (arm, point, subject) with its status and one column per swept path."""
        return self._view("runs", sweep, study)

    def outcomes(self, sweep: int | None = None, study: str | None = None) -> pd.DataFrame:
        """Return one row per run and outcome: value and unit."""
        return self._view("outcomes", sweep, study)

    def outcomes_wide(self, sweep: int | None = None, study: str | None = None) -> pd.DataFrame:
        """Return one row per run that did not fail: swept values and one column per outcome, of its exact name."""
        frame = self._view("outcomes_wide", sweep, study)
        if sweep is None:
            return frame
        rows = self._rows("SELECT name FROM measures WHERE kind = 'outcome' AND sweep = ?", (sweep,))
        spelled = {name.lower(): name for (name,) in rows if name not in frame.columns}  # as this sweep spells it
        return frame.rename(columns={c: spelled.get(c.lower(), c) for c in frame.columns})

    def pairs(self, sweep: int | None = None, study: str | None = None) -> pd.DataFrame:
        """Return each subject's value beside its value in the arm's baseline, and the difference."""
        return self._view("pairs", sweep, study)

    def interactions(self, sweep: int | None = None, study: str | None = None) -> pd.DataFrame:
        """Return each subject's values in the four arms of every declared interaction, and the interaction as `value`.

        Of the latest sweep unless one is named.
        """

        return interaction_rows(self, self.latest if sweep is None else sweep, study)

    def timecourse(self, sweep: int | None = None, study: str | None = None) -> pd.DataFrame:
        """Return one row per recorded time of each course."""
        return self._view("timecourse", sweep, study)

    def course_rows(self, sweep: int, study: str, course: str, most: int) -> tuple[list[CourseRow], dict[int, Clock]]:
        """Return a course of the first `most` subjects at the study's first point, a row a run, and the clocks by id.

        What the view `timecourse` says in a row a value; read whole, it takes a tenth of the time.
        """
        rows = self._rows(
            """SELECT arm.name, s.subject, course.clock, course.points
            FROM sweep_run AS s JOIN study ON study.id = s.study JOIN arm ON arm.id = s.arm
                JOIN point ON point.id = s.point JOIN sweep_measure AS recorded ON recorded.study = s.study
                JOIN measure ON measure.id = recorded.measure AND measure.kind = 'course' AND measure.name = ?
                JOIN course ON course.run = s.run AND course.measure = recorded.measure
            WHERE s.sweep = ? AND study.name = ? AND point.ordinal = 0 AND s.subject < ?
            ORDER BY arm.ordinal, s.subject""",
            (course, sweep, study, most),
        )
        clocks = {}
        for clock in {row[2] for row in rows}:
            times = self._rows("SELECT time FROM clock_time WHERE clock = ? ORDER BY ordinal", (clock,))
            ((unit,),) = self._rows("SELECT unit FROM clock WHERE id = ?", (clock,))
            clocks[clock] = Clock(unit, np.array([time for (time,) in times], dtype=np.float64))
        return [
            CourseRow(arm, subject, clock, np.array(orjson.loads(text))) for arm, subject, clock, text in rows
        ], clocks

    def study_values(self, sweep: int, study: str, outcomes: Sequence[str]) -> StudyValues:
        """Return some outcomes of every run of a study, in columns."""
        with self._reading() as connection:
            return study_values(connection, sweep, study, outcomes)

    def failures(self, sweep: int | None = None, study: str | None = None) -> pd.DataFrame:
        """Return the runs that could not be finished: reason, step and model time."""
        return self._view("failures", sweep, study)

    def measures(self, sweep: int | None = None, study: str | None = None) -> pd.DataFrame:
        """Return what each study records: readout, unit, meaning, title, and which direction is better."""
        return self._view("measures", sweep, study)

    def points(self, sweep: int | None = None, study: str | None = None, *, wide: bool = False) -> pd.DataFrame:
        """Return the swept values of each point: one row for each swept path, as number or text, with unit.

        A point of several paths, crossed or zipped, has as many rows: joined to runs by its point alone, each run
        comes as often. `wide` gives one row a point, and a column for each path.
        """
        long = self._view("points", sweep, study)
        if not wide:
            return long
        keys = ["sweep", "study", "point"]
        value = long["number"].astype(object).where(long["number"].notna(), long["text"])
        named = long[[*keys, "path"]].astype({"study": str, "path": str})
        table = named.assign(value=value).pivot(index=keys, columns="path", values="value")
        return table.rename_axis(columns=None).infer_objects().reset_index()

    def step_errors(self, sweep: int | None = None) -> pd.DataFrame:
        """Return how far each outcome of a sample of runs moves with half the step; empty where nothing is stepped."""
        return self._view("step_errors", sweep, None)

    def settings(self, sweep: int | None = None) -> pd.DataFrame:
        """Return every resolved parameter of each arm: value, unit, status, source, and the layer it came from."""
        return self._view("settings", sweep, None)

    def traits(self, sweep: int | None = None) -> pd.DataFrame:
        """Return what differs between the subjects."""
        return self._view("traits", sweep, None)

    def columns(self) -> pd.DataFrame:
        """Return what each column of each view means: path, unit, meaning."""
        return self._frame("SELECT * FROM columns")

    def arms(self, sweep: int | None = None) -> pd.DataFrame:
        """Return each sweep's arms in order: title, what they change in words, condition, baseline."""
        where, values = _narrowed(sweep, None)
        return self._frame(
            "SELECT * FROM (SELECT arm.sweep, arm.name AS arm, arm.title, arm.words, arm.condition,"
            " other.name AS baseline, arm.ordinal FROM arm LEFT JOIN arm AS other ON other.id = arm.baseline)"
            f"{where} ORDER BY sweep, ordinal",
            values,
        ).drop(columns="ordinal")

    def studies(self, sweep: int | None = None) -> pd.DataFrame:
        """Return each sweep's studies in order, with their titles."""
        where, values = _narrowed(sweep, None)
        return self._frame(f"SELECT sweep, name AS study, title FROM study{where} ORDER BY sweep, ordinal", values)

    def invocations(self, sweep: int | None = None) -> pd.DataFrame:
        """Return each command that worked on a sweep: start, duration, counts, time spent writing and drawing."""
        where, values = _narrowed(sweep, None)
        return self._frame(f"SELECT id AS invocation, * FROM invocation{where} ORDER BY id", values).drop(columns="id")

    def provenance(self, sweep: int | None = None) -> pd.DataFrame:
        """Return versions, machine class and code hash of each invocation, one row per key."""
        where, values = _narrowed(sweep, None)
        return self._frame(
            "SELECT * FROM (SELECT i.sweep, p.invocation, p.key, p.value FROM provenance AS p"
            f" JOIN invocation AS i ON i.id = p.invocation){where} ORDER BY invocation, key",
            values,
        )

    def scenario_names(self, sweep: int) -> tuple[str, str]:
        """Return the name of a sweep's scenario, and that of its parameter set, "" where it has none."""
        name, parameter_set = self._scenario(sweep, "name, parameter_set")
        return name, parameter_set

    def scenario_text(self, sweep: int) -> bytes:
        """Return the scenario file's exact bytes."""
        return bytes(self._scenario(sweep, "bytes")[0])

    def parameter_text(self, sweep: int) -> bytes:
        """Return the parameter set's exact bytes."""
        return bytes(self._scenario(sweep, "parameter_bytes")[0])

    def placed(self, run: int) -> Placed:
        """Return where a stored run stands, the first place if several share it.

        Raises
        ------
        UsageError
            If there is no such run.
        """
        rows = self._rows(
            """SELECT run.key, s.sweep, study.name, arm.name, point.ordinal, s.subject, run.seed, run.status,
                sweep.settings
            FROM run JOIN sweep_run AS s ON s.run = run.id JOIN study ON study.id = s.study JOIN arm ON arm.id = s.arm
                JOIN point ON point.id = s.point JOIN sweep ON sweep.id = s.sweep
            WHERE run.id = ? ORDER BY s.sweep, s.study, s.arm, s.point LIMIT 1""",
            (run,),
        )
        if not rows:
            raise UsageError(f"{self.path}: there is no run {run}")
        key, sweep, study, arm, point, subject, seed, status, settings = rows[0]
        return Placed(run, key, sweep, study, arm, point, subject, seed, status, json.loads(settings))

    def outcomes_of(self, run: int) -> dict[str, float]:
        """Return the stored outcomes of one run by name."""
        rows = self._rows(
            "SELECT measure.name, outcome.value FROM outcome JOIN measure ON measure.id = outcome.measure"
            " WHERE outcome.run = ? ORDER BY measure.name",
            (run,),
        )
        return dict(rows)

    def sql(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> pd.DataFrame:
        """Return the answer to one SQL question, with the types that SQLite gives; `values` are bound.

        Raises
        ------
        UsageError
            If the text is not a valid query, or tries to change something.
        """
        with self._reading() as connection, question_faults(self.path):
            return fetch(connection, sql, values)

    def _scenario(self, sweep: int, columns: str) -> tuple[Any, ...]:
        listed = ", ".join(f"scenario.{column}" for column in columns.split(", "))
        rows = self._rows(
            f"SELECT {listed} FROM scenario JOIN sweep ON sweep.scenario = scenario.id WHERE sweep.id = ?", (sweep,)
        )
        if not rows:
            raise UsageError(f"{self.path}: there is no sweep {sweep}")
        return rows[0]

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._reading() as connection:
            return connection.execute(sql, values).fetchall()

    def _view(self, view: str, sweep: int | None, study: str | None) -> pd.DataFrame:
        where, values = _narrowed(sweep, study)
        with self._reading() as connection:
            listed = {"arm": _in_order(connection, "arm"), "study": _in_order(connection, "study")}
            listed["baseline"] = listed["arm"]
            fixed = (*KEYS, "status") if view in ("runs", "outcomes_wide") else None
            return fetch_typed(connection, f"SELECT * FROM {view}{where}", values, listed, fixed)

    def _frame(self, sql: str, values: Sequence[Any] = ()) -> pd.DataFrame:
        with self._reading() as connection:
            return fetch(connection, sql, values)


def _in_order(connection: sqlite3.Connection, table: str) -> list[str]:
    rows = connection.execute(f"SELECT name FROM {table} ORDER BY sweep, ordinal")
    return list(dict.fromkeys(name for (name,) in rows))


def _narrowed(sweep: int | None, study: str | None) -> tuple[str, list[Any]]:
    asked = [(name, value) for name, value in (("sweep", sweep), ("study", study)) if value is not None]
    where = " AND ".join(f"{name} = ?" for name, _ in asked)
    return (f" WHERE {where}" if where else ""), [value for _, value in asked]


TERMS = ("both", "first", "second", "neither")
"""The four arms of an interaction, in the order in which a scenario lists them."""
INTERACTION_KEYS = ["sweep", "study", "interaction", "point", "subject", "outcome", "unit"]


def declared(text: bytes) -> dict[str, tuple[str, ...]]:
    """Return the four arms of every interaction in a stored scenario's text; it was checked when it was stored."""
    raw: dict[str, Any] = Document(text, "stored scenario", []).content.get("interaction", {})
    return {name: tuple(table["arms"]) for name, table in raw.items()}


def interaction_rows(results: Results, sweep: int, study: str | None = None) -> pd.DataFrame:
    """Return one row per interaction, study, point, subject and outcome of which all four values are stored.

    Columns are those of `INTERACTION_KEYS`, the values in the four arms (`both`, `first`, `second`, `neither`), and
    `value`, (both - first) - (second - neither).
    """
    import pandas as pd

    parts = [_one(results, sweep, study, name, arms) for name, arms in declared(results.scenario_text(sweep)).items()]
    columns = [*INTERACTION_KEYS, *TERMS, "value"]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return found[columns]


def _one(results: Results, sweep: int, study: str | None, name: str, arms: tuple[str, ...]) -> pd.DataFrame:
    narrowed = "" if study is None else " and study = :study"
    rows = results.sql(
        "select study, arm, point, subject, outcome, unit, value from outcomes where sweep = :sweep"
        f" and arm in (:both, :first, :second, :neither){narrowed}",
        {"sweep": sweep, **dict(zip(TERMS, arms, strict=True)), **({} if study is None else {"study": study})},
    )
    place = [key for key in INTERACTION_KEYS if key not in ("sweep", "interaction")]
    wide = rows.set_index([*place, "arm"])["value"].unstack("arm").reindex(columns=list(arms)).dropna()
    wide = wide.set_axis(list(TERMS), axis="columns").reset_index()
    value = (wide["both"] - wide["first"]) - (wide["second"] - wide["neither"])
    return wide.assign(sweep=sweep, interaction=name, value=value)
