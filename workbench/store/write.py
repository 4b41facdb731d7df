"""The one writer: each chunk of runs goes in whole, in one transaction, once."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from numpy.typing import NDArray
from sqlalchemy import Table, func, null, select
from sqlalchemy.dialects.sqlite import dialect, insert
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

import workbench.store.connection as database
import workbench.store.tables as tables
from workbench.errors import StorageError, UsageError
from workbench.solver.batch import BatchResult, Declared
from workbench.store.catalogue import Catalogue
from workbench.store.complete import Ask, complete_runs
from workbench.store.lease import Lease
from workbench.store.measure import time_unit
from workbench.store.register import Place, open_invocation, register
from workbench.store.views import write_views

if TYPE_CHECKING:
    from workbench.design import Chunk, Plan
    from workbench.solver.steps_halved import StepError

Rows = NDArray[np.int64]


def _statement(table: Table) -> str:
    # The text is compiled once and fed tuples: four times faster than dictionaries through Core. Only a row
    # that exists already may be passed over; "or ignore" would swallow a NULL as well.
    return str(insert(table).on_conflict_do_nothing().compile(dialect=dialect()))


def _link_statement() -> str:
    # A place that holds another run already must never change hands: make that a NULL, which the table refuses.
    t = tables.sweep_run
    statement = insert(t)
    return str(
        statement.on_conflict_do_update(
            index_elements=[t.c.study, t.c.subject, t.c.arm, t.c.point],
            set_={"run": null()},
            where=t.c.run != statement.excluded.run,
        ).compile(dialect=dialect())
    )


WRITTEN = (tables.run, tables.outcome, tables.course, tables.failure, tables.cache_step_error)
INSERT = {t.name: _statement(t) for t in WRITTEN}
LINK = _link_statement()


@dataclass
class Tally:
    """What one command did so far.

    Attributes
    ----------
    computed, failed : int
        Runs computed, and those of them that failed.
    reused, reused_failed : int
        Places filled by runs that were there (or came with an equal run), and those of them that had failed.
        `computed` and `reused` add up to the places visited.
    """

    computed: int = 0
    failed: int = 0
    reused: int = 0
    reused_failed: int = 0
    run_steps: int = 0
    write_seconds: float = 0.0
    draw_seconds: float = 0.0


@dataclass(frozen=True)
class _Begun:
    """The sweep being written."""

    sweep: int
    invocation: int
    places: Mapping[str, Place]
    catalogue: Catalogue
    started: float = field(default_factory=perf_counter)


def open_writer(path: str | Path, *, lock_timeout: float = 30.0) -> Writer:
    """Open `path` for writing, creating the database if there is none; a context manager.

    Parameters
    ----------
    lock_timeout : float, seconds
        How long to wait while another process writes.

    Raises
    ------
    StorageError
        If the file is not ours, damaged, too new, read-only, or held by another writer.
    """
    path = Path(path)
    return Writer(path, *hold(path, lock_timeout))


def hold(path: Path, lock_timeout: float) -> tuple[Lease, Connection]:
    """Return the right to write to `path` and a connection to it; see `open_writer`."""
    if path.exists():
        database.inspect(path)
    elif not path.absolute().parent.is_dir():
        raise StorageError(f"{path}: the folder {path.parent} does not exist; create it or choose another --db")
    lease = Lease(path, lock_timeout)
    try:
        with writing_faults(path):
            if not path.exists():
                database.create(path)
            return lease, database.writing(path, lock_timeout)
    except BaseException:
        lease.release()
        raise


@contextmanager
def writing_faults(path: Path) -> Iterator[None]:
    """Turn complaints about the file, SQLAlchemy's too, into `StorageError`; other errors pass."""
    try:
        with database.storage_faults(path):
            yield
    except DBAPIError as fault:
        explained = database.explain(path, fault.orig) if isinstance(fault.orig, sqlite3.Error) else None
        raise explained or fault from fault


class Writer:
    """Writes sweeps into one database: `begin`, then for each chunk `missing` and `store`, then `finish`.

    What `store` has returned from survives any end of the process. Storing the same runs again changes nothing.

    Attributes
    ----------
    tally : Tally
        Counts and seconds since `begin`.
    """

    def __init__(self, path: Path, lease: Lease, connection: Connection) -> None:
        self.path, self.tally = path, Tally()
        self._lease, self._connection = lease, connection
        self._begun: _Begun | None = None

    def begin(self, plan: Plan, *, command: str = "", workers: int = 1) -> int:
        """Write down what `plan` asks for, or find it, and return the sweep's id.

        The same scenario, parameters, seed, settings, arms and subjects continue the same sweep.
        """
        self.tally = Tally()
        with self._transaction() as connection:
            sweep, places = register(connection, plan, command)
            invocation = open_invocation(connection, sweep, plan, command, workers)
            write_views(connection)
        self._begun = _Begun(sweep, invocation, places, Catalogue(sweep, plan.scenario))
        return sweep

    def missing(self, chunk: Chunk) -> Rows:
        """Return the rows of `chunk` that must be computed, each key once; rows that exist are linked.

        A run exists if it failed, or if it holds every outcome and course that the chunk's study records.
        """
        keys = chunk.batch.keys
        with self._transaction() as connection:
            needed: dict[str, list[int]] = {"outcome": [], "course": []}
            for declared, number in self._measures(connection, chunk).items():
                needed[declared.section].append(number)
            complete = complete_runs(_asking(connection), keys, needed)
            there = [i for i, key in enumerate(keys) if key in complete]
            self._link(connection, chunk, there, [complete[keys[i]][0] for i in there])
        self.tally.reused += len(there)
        self.tally.reused_failed += sum(complete[keys[i]][1] for i in there)
        first = {key: i for i, key in reversed(list(enumerate(keys))) if key not in complete}
        return np.array(sorted(first.values()), dtype=np.int64)

    def store(self, chunk: Chunk, rows: Rows, result: BatchResult) -> None:
        """Store what the solver said of the rows of `chunk` that `missing` returned (or a part of them).

        Raises
        ------
        ValueError
            If the result is of other runs, lacks a recording, or holds a number that is not finite
            for a run that did not fail. Nothing of the chunk is stored then.
        """
        if tuple(chunk.batch.keys[i] for i in rows) != result.keys:
            raise ValueError(f"the result's {len(result.keys)} keys are not those of the {len(rows)} rows to store")
        with self._transaction() as connection, _without_collecting():
            measures = self._measures(connection, chunk)
            runs = self._insert_runs(connection, chunk, rows, result)
            good = np.array([i for i in range(len(rows)) if i not in result.failures], dtype=np.int64)
            kept = np.asarray(runs, dtype=np.int64)[good]
            self._insert_outcomes(connection, result, good, kept, measures)
            for course in (item for item in measures.items() if item[0].section == "course"):
                self._insert_course(connection, chunk, result, good, kept, course)
            failures = [(runs[i], f.reason, int(f.step), f.time) for i, f in sorted(result.failures.items())]
            _insert(connection, tables.failure, failures)
            by_key = dict(zip(result.keys, runs, strict=True))
            filled = [i for i, key in enumerate(chunk.batch.keys) if key in by_key]
            self._link(connection, chunk, filled, [by_key[chunk.batch.keys[i]] for i in filled])
        self._count(result, [chunk.batch.keys[i] for i in filled])

    def lacks_steps(self, chunk: Chunk) -> bool:
        """Return whether nothing is known of the step's error in the study of `chunk`."""
        t, study = tables.cache_step_error, self._current().places[chunk.study].study
        with self._transaction() as connection:
            return connection.execute(select(t.c.runs).where(t.c.study == study).limit(1)).first() is None

    def note_steps(self, chunk: Chunk, errors: Iterable[StepError]) -> None:
        """Write down what halving the step changed in a sample of runs of a study."""
        study = self._current().places[chunk.study].study
        with self._transaction() as connection:
            numbers = {d.name: n for d, n in self._measures(connection, chunk).items() if d.section == "outcome"}
            rows = [(study, numbers[e.outcome], e.runs, e.mean, e.largest) for e in errors]
            _insert(connection, tables.cache_step_error, rows)

    def finish(self, status: str = "finished") -> Tally:
        """Write down how the command ended and return its counts; the database stays open."""
        begun, t = self._current(), tables.invocation
        seconds = perf_counter() - begun.started
        with self._transaction() as connection:
            counts = {name: value for name, value in asdict(self.tally).items() if name in t.c}
            statement = t.update().where(t.c.id == begun.invocation)
            connection.execute(statement.values(status=status, seconds=seconds, **counts))
        return self.tally

    def close(self) -> None:
        """Close the database and let the next writer in."""
        try:
            database.close(self._connection)
        finally:
            self._lease.release()

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """All or nothing; the time spent here is the time spent writing."""
        started = perf_counter()
        try:
            with writing_faults(self.path), self._connection.begin():
                yield self._connection
        except BaseException:
            if self._begun is not None:
                self._begun.catalogue.forget()
            raise
        finally:
            self.tally.write_seconds += perf_counter() - started

    def _current(self) -> _Begun:
        if self._begun is None:
            raise ValueError("begin() comes before missing(), store() and finish()")
        return self._begun

    def _count(self, result: BatchResult, filled: Sequence[bytes]) -> None:
        failed = {result.keys[i]: failure for i, failure in result.failures.items()}
        self.tally.computed += len(result.keys)
        self.tally.failed += len(failed)
        self.tally.reused += len(filled) - len(result.keys)
        self.tally.reused_failed += sum(key in failed for key in filled) - len(failed)
        self.tally.run_steps += result.steps * (len(result.keys) - len(failed)) + sum(f.step for f in failed.values())
        self.tally.draw_seconds += result.draw_seconds

    def _measures(self, connection: Connection, chunk: Chunk) -> dict[Declared, int]:
        begun = self._current()
        return begun.catalogue.measures(connection, begun.places[chunk.study].study, chunk.batch.structure)

    def _link(self, connection: Connection, chunk: Chunk, rows: Sequence[int], runs: Sequence[int]) -> None:
        """Link places of the sweep to runs; what is linked already stays."""
        if not rows:
            return
        begun = self._current()
        place = begun.places[chunk.study]
        index = np.asarray(rows, dtype=np.int64)
        subjects = chunk.batch.subjects[index].tolist()
        arms = place.arms[chunk.arms[index]].tolist()
        points = (chunk.points[index] + place.first_point).tolist()
        same = [begun.sweep] * len(rows), [place.study] * len(rows)
        try:
            connection.exec_driver_sql(LINK, list(zip(*same, subjects, arms, points, runs, strict=True)))
        except DBAPIError as fault:
            if "sweep_run.run" not in str(fault.orig):
                raise
            raise UsageError(
                f"{self.path}: sweep {begun.sweep} holds other runs at these places: a data file or an installed"
                " component has changed since; use another --db to keep both"
            ) from fault

    def _insert_runs(self, connection: Connection, chunk: Chunk, rows: Rows, result: BatchResult) -> list[int]:
        """Insert the runs that are new and return the ids of all, in the result's order."""
        known = {key: number for key, (number, _) in complete_runs(_asking(connection), result.keys, {}).items()}
        free = (connection.execute(select(func.max(tables.run.c.id))).scalar() or 0) + 1
        structure = self._current().catalogue.structure(connection, chunk.batch.structure)
        subjects = chunk.batch.subjects[rows].tolist()
        fresh = []
        for i, key in enumerate(result.keys):
            if key not in known:
                failure = result.failures.get(i)
                ending = (int(failure.step), "failed") if failure else (int(result.steps), "stored")
                fresh.append((free, key, structure, chunk.batch.seed, subjects[i], *ending))
                known[key], free = free, free + 1
        _insert(connection, tables.run, fresh)
        return [known[key] for key in result.keys]

    def _insert_outcomes(
        self, connection: Connection, result: BatchResult, good: Rows, runs: Rows, measures: Mapping[Declared, int]
    ) -> None:
        listed = sorted((number, d.name) for d, number in measures.items() if d.section == "outcome")
        if not listed:
            return
        values = np.array([_known(result.outcomes, name)[good] for _, name in listed], dtype=np.float64)
        for (_, name), row in zip(listed, values, strict=True):
            _refuse_unknown(row, name)
        # Run by run, measures ascending: the order of the primary key, so that pages fill up in turn.
        ids = np.repeat(runs, len(listed)).tolist()
        numbers = [number for number, _ in listed] * len(good)
        _insert(connection, tables.outcome, list(zip(ids, numbers, values.T.ravel().tolist(), strict=True)))

    def _insert_course(
        self,
        connection: Connection,
        chunk: Chunk,
        result: BatchResult,
        good: Rows,
        runs: Rows,
        measure: tuple[Declared, int],
    ) -> None:
        declared, number = measure
        values = np.asarray(_known(result.courses, declared.name), dtype=np.float64)[:, good]
        _refuse_unknown(values, declared.name)
        times = tuple(float(time) for time in result.times[declared.name])
        clock = self._current().catalogue.clock(connection, time_unit(chunk.batch.structure, declared), times)
        # The shortest digits that keep every bit, straight from the array: a fifteenth of the time of text of a list.
        series = np.ascontiguousarray(values.T)
        texts = (orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY).decode() for row in series)
        rows = [(run, number, clock, text) for run, text in zip(runs.tolist(), texts, strict=True)]
        _insert(connection, tables.course, rows)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Make many tuples without looks for cycles among them, of which there are none."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _asking(connection: Connection) -> Ask:
    return lambda sql, values: connection.exec_driver_sql(sql, values)


def _insert(connection: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        connection.exec_driver_sql(INSERT[table.name], rows)


def _known(values: Mapping[str, NDArray[np.float64]], name: str) -> NDArray[np.float64]:
    if name not in values:
        raise ValueError(f"the result lacks {name!r} (it has: {', '.join(sorted(values)) or 'nothing'})")
    return values[name]


def _refuse_unknown(values: NDArray[np.float64], name: str) -> None:
    # SQLite would turn NaN into NULL without a word.
    if not np.isfinite(values).all():
        raise ValueError(f"{name!r} is not finite for a run that did not fail")
