"""The one writer: each chunk of runs goes in whole, in one transaction, once."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Table, func, select
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from workbench.declaration import Registry
from workbench.errors import StorageError
from workbench.solver.batch import BatchResult, Declared, Structure
from workbench.store import connection as database
from workbench.store import tables
from workbench.store.asked import Chunk, Plan
from workbench.store.lease import Lease
from workbench.store.measure import measure_of, time_unit
from workbench.store.register import Place, open_invocation, register
from workbench.store.views import write_views

KEYS_AT_ONCE = 1000


def _statement(table: Table) -> str:
    # The text is compiled once and fed tuples: four times faster here than dictionaries through Core.
    # Only a row that exists already may be passed over; "or ignore" would swallow a NULL as well.
    return str(upsert(table).on_conflict_do_nothing().compile(dialect=dialect()))


INSERT = {t.name: _statement(t) for t in (tables.run, tables.outcome, tables.course, tables.failure, tables.sweep_run)}


@dataclass
class Tally:
    """What one command did so far.

    `computed` + `reused` is the number of places filled; `failed` counts computed runs that failed.
    """

    computed: int = 0
    reused: int = 0
    failed: int = 0
    run_steps: int = 0
    write_seconds: float = 0.0
    draw_seconds: float = 0.0


@dataclass
class _Sweep:
    """The sweep being written, and the ids found so far for what its chunks name."""

    id: int
    invocation: int
    registry: Registry
    places: Mapping[str, Place]
    titles: Mapping[tuple[str, str], str]
    started: float = field(default_factory=perf_counter)
    measures: dict[tuple[int, Declared], int] = field(default_factory=dict)
    structures: dict[bytes, int] = field(default_factory=dict)
    clocks: dict[tuple[str, tuple[float, ...]], int] = field(default_factory=dict)

    def forget(self) -> None:
        """Drop the ids found so far: they may have been rolled back."""
        self.measures.clear()
        self.structures.clear()
        self.clocks.clear()


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
    if path.is_dir() or path.exists():
        database.inspect(path)
    elif not path.absolute().parent.is_dir():
        raise StorageError(f"{path}: the folder {path.parent} does not exist; create it or choose another --db")
    lease = Lease(path, lock_timeout)
    try:
        with database.storage_faults(path):
            if not path.exists():
                database.create(path)
            return Writer(path, lease, database.writing(path, lock_timeout))
    except DBAPIError as fault:
        lease.release()
        raise _explained(path, fault) from fault
    except BaseException:
        lease.release()
        raise


def _explained(path: Path, fault: DBAPIError) -> Exception:
    explained = database.explain(path, fault.orig) if isinstance(fault.orig, sqlite3.Error) else None
    return explained or fault


class Writer:
    """Writes sweeps into one database: `begin`, then for each chunk `missing` and `store`, then `finish`.

    What `store` has returned from survives any end of the process. Storing the same runs again changes nothing.

    Attributes
    ----------
    tally : Tally
        Counts and seconds of the sweep begun last.
    """

    def __init__(self, path: Path, lease: Lease, connection: Connection) -> None:
        self.path, self.tally = path, Tally()
        self._lease, self._connection = lease, connection
        self._sweep: _Sweep | None = None

    def begin(self, plan: Plan, *, command: str = "", workers: int = 1) -> int:
        """Write down what `plan` asks for, or find it, and return the sweep's id.

        The same scenario, parameters, seed, settings, arms and subjects continue the same sweep.
        """
        self.tally = Tally()
        with self._transaction() as connection:
            sweep, places = register(connection, plan, command)
            invocation = open_invocation(connection, sweep, command, workers)
            write_views(connection)
        titles = {
            (t.section, t.name): t.title
            for s in ("outcome", "course")
            for t in plan.scenario.tables.get(s, {}).values()
        }
        self._sweep = _Sweep(sweep, invocation, plan.scenario.registry, places, titles)
        return sweep

    def missing(self, chunk: Chunk) -> NDArray[np.int64]:
        """Return the rows of `chunk` that must be computed, each key once; rows that exist are linked.

        A run exists if it failed, or if it holds every outcome and course that the chunk's study records.
        """
        keys = chunk.batch.keys
        with self._transaction() as connection:
            complete = self._complete(connection, keys, self._measures(connection, chunk))
            there = [i for i, key in enumerate(keys) if key in complete]
            self._place(connection, chunk, there, [complete[keys[i]] for i in there])
        self.tally.reused += len(there)
        first = {key: i for i, key in reversed(list(enumerate(keys))) if key not in complete}
        return np.array(sorted(first.values()), dtype=np.int64)

    def store(self, chunk: Chunk, rows: NDArray[np.int64], result: BatchResult) -> None:
        """Store what the solver said of the rows of `chunk` that `missing` returned (or a part of them).

        Raises
        ------
        ValueError
            If the result is of other runs, lacks a recording, or holds a number that is not finite
            for a run that did not fail. Nothing of the chunk is stored then.
        """
        if tuple(chunk.batch.keys[i] for i in rows) != result.keys:
            raise ValueError(f"the result's {len(result.keys)} keys are not those of the {len(rows)} rows to store")
        with self._transaction() as connection:
            measures = self._measures(connection, chunk)
            runs = self._runs(connection, chunk, rows, result)
            good = np.array([i for i in range(len(rows)) if i not in result.failures], dtype=np.int64)
            self._outcomes(connection, result, runs, good, measures)
            self._courses(connection, chunk.batch.structure, result, runs, good, measures)
            failures = [(runs[i], f.reason, int(f.step), f.time) for i, f in sorted(result.failures.items())]
            self._insert(connection, tables.failure, failures)
            by_key = dict(zip(result.keys, runs, strict=True))
            filled = [i for i, key in enumerate(chunk.batch.keys) if key in by_key]
            self._place(connection, chunk, filled, [by_key[chunk.batch.keys[i]] for i in filled])
        self._count(result, shared=len(filled) - len(rows))

    def finish(self, status: str = "finished") -> Tally:
        """Write down how the command ended and return its counts; the database stays open."""
        sweep, t = self._begun(), tables.invocation
        seconds = perf_counter() - sweep.started
        with self._transaction() as connection:
            values = vars(self.tally) | {"status": status, "seconds": seconds}
            connection.execute(t.update().where(t.c.id == sweep.invocation).values(**values))
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
            with self._connection.begin():
                yield self._connection
        except BaseException as fault:
            if self._sweep is not None:
                self._sweep.forget()
            if isinstance(fault, DBAPIError):
                raise _explained(self.path, fault) from fault
            raise
        finally:
            self.tally.write_seconds += perf_counter() - started

    def _begun(self) -> _Sweep:
        if self._sweep is None:
            raise ValueError("begin() comes before missing(), store() and finish()")
        return self._sweep

    def _count(self, result: BatchResult, shared: int) -> None:
        failed_steps = sum(failure.step for failure in result.failures.values())
        self.tally.computed += len(result.keys)
        self.tally.reused += shared
        self.tally.failed += len(result.failures)
        self.tally.run_steps += result.steps * (len(result.keys) - len(result.failures)) + failed_steps
        self.tally.draw_seconds += result.draw_seconds

    @staticmethod
    def _insert(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            connection.exec_driver_sql(INSERT[table.name], list(rows))

    def _place(self, connection: Connection, chunk: Chunk, rows: Sequence[int], runs: Sequence[int]) -> None:
        """Link places of the sweep to runs; what is linked already stays."""
        sweep = self._begun()
        place = sweep.places[chunk.study]
        index = np.asarray(rows, dtype=np.int64)
        arms = place.arms[chunk.arms[index]].tolist()
        points = (chunk.points[index] + place.first_point).tolist()
        subjects = chunk.batch.subjects[index].tolist()
        links = [
            (sweep.id, place.study, subject, arm, point, run)
            for subject, arm, point, run in zip(subjects, arms, points, runs, strict=True)
        ]
        self._insert(connection, tables.sweep_run, links)

    @staticmethod
    def _complete(connection: Connection, keys: Sequence[bytes], measures: Mapping[Declared, int]) -> dict[bytes, int]:
        """Return the ids of those runs that need not be computed, by key."""
        needed = {kind: [str(i) for d, i in measures.items() if d.section == kind] for kind in ("outcome", "course")}
        held = " + ".join(
            f"(SELECT count(*) FROM {kind} AS x WHERE x.run = run.id AND x.measure IN ({', '.join(ids)}))"
            for kind, ids in needed.items()
        )
        complete: dict[bytes, int] = {}
        for start in range(0, len(keys), KEYS_AT_ONCE):
            some = keys[start : start + KEYS_AT_ONCE]
            marks = ", ".join("?" * len(some))
            query = (
                f"SELECT key, id FROM run WHERE key IN ({marks}) AND (status = 'failed' OR {held} = {len(measures)})"
            )
            complete.update((row[0], row[1]) for row in connection.exec_driver_sql(query, tuple(some)))
        return complete

    def _measures(self, connection: Connection, chunk: Chunk) -> dict[Declared, int]:
        """Return the ids of what the chunk's study records, writing down those seen for the first time."""
        sweep = self._begun()
        study = sweep.places[chunk.study].study
        recorded = chunk.batch.structure.recordings
        fresh = [declared for declared in recorded if (study, declared) not in sweep.measures]
        for declared in fresh:
            number = self._measure(connection, declared)
            title = sweep.titles.get((declared.section, declared.name), "")
            statement = upsert(tables.sweep_measure).values(sweep=sweep.id, study=study, measure=number, title=title)
            connection.execute(statement.on_conflict_do_nothing())
            sweep.measures[study, declared] = number
        if fresh:
            write_views(connection)
        return {declared: sweep.measures[study, declared] for declared in recorded}

    def _measure(self, connection: Connection, declared: Declared) -> int:
        described = vars(measure_of(declared, self._begun().registry))
        return _find_or_insert(connection, tables.measure, described)

    def _runs(self, connection: Connection, chunk: Chunk, rows: NDArray[np.int64], result: BatchResult) -> list[int]:
        """Insert the runs that are new and return the ids of all, in the result's order."""
        known = self._complete(connection, result.keys, {})
        free = (connection.execute(select(func.max(tables.run.c.id))).scalar() or 0) + 1
        structure = self._structure(connection, chunk.batch.structure)
        subjects = chunk.batch.subjects[rows].tolist()
        ids, fresh = [], []
        for i, key in enumerate(result.keys):
            number = known.get(key)
            if number is None:
                known[key] = number = free
                free += 1
                failure = result.failures.get(i)
                ending = (int(failure.step), "failed") if failure else (int(result.steps), "stored")
                fresh.append((number, key, structure, chunk.batch.seed, subjects[i], *ending))
            ids.append(number)
        self._insert(connection, tables.run, fresh)
        return ids

    def _structure(self, connection: Connection, structure: Structure) -> int:
        known = self._begun().structures
        key = structure.identity
        if key not in known:
            acting = [t for t in structure.tables if t not in structure.recordings]
            content = [[t.section, t.name, t.component, t.revision, dict(t.fields)] for t in acting]
            known[key] = _find_or_insert(
                connection, tables.structure, {"sha256": key, "specification": json.dumps(content)}
            )
        return known[key]

    def _outcomes(
        self,
        connection: Connection,
        result: BatchResult,
        runs: Sequence[int],
        good: NDArray[np.int64],
        measures: Mapping[Declared, int],
    ) -> None:
        listed = sorted((number, d.name) for d, number in measures.items() if d.section == "outcome")
        if not listed:
            return
        values = np.array([_recorded(result.outcomes, name)[good] for _, name in listed], dtype=np.float64)
        for (_, name), row in zip(listed, values, strict=True):
            _refuse_unknown(row, name)
        # Run by run, measures ascending: the order of the primary key, so that pages fill up in turn.
        ids = np.repeat(np.asarray(runs, dtype=np.int64)[good], len(listed)).tolist()
        numbers = [number for number, _ in listed] * len(good)
        self._insert(connection, tables.outcome, list(zip(ids, numbers, values.T.ravel().tolist(), strict=True)))

    def _courses(
        self,
        connection: Connection,
        structure: Structure,
        result: BatchResult,
        runs: Sequence[int],
        good: NDArray[np.int64],
        measures: Mapping[Declared, int],
    ) -> None:
        for declared, number in measures.items():
            if declared.section != "course":
                continue
            values = np.asarray(_recorded(result.courses, declared.name), dtype=np.float64)[:, good]
            _refuse_unknown(values, declared.name)
            clock = self._clock(
                connection, time_unit(structure, declared), tuple(map(float, result.times[declared.name]))
            )
            texts = [json.dumps(points) for points in values.T.tolist()]
            self._insert(
                connection, tables.course, [(runs[i], number, clock, text) for i, text in zip(good, texts, strict=True)]
            )

    def _clock(self, connection: Connection, unit: str, times: tuple[float, ...]) -> int:
        known = self._begun().clocks
        if (unit, times) not in known:
            content = json.dumps([unit, [time.hex() for time in times]])
            number = _find_or_insert(
                connection, tables.clock, {"sha256": hashlib.sha256(content.encode()).digest(), "unit": unit}
            )
            rows = [{"clock": number, "ordinal": i, "time": time} for i, time in enumerate(times)]
            connection.execute(upsert(tables.clock_time).on_conflict_do_nothing(), rows)
            known[unit, times] = number
        return known[unit, times]


def _recorded(values: Mapping[str, NDArray[np.float64]], name: str) -> NDArray[np.float64]:
    if name not in values:
        raise ValueError(f"the result lacks {name!r} (it has: {', '.join(sorted(values)) or 'nothing'})")
    return values[name]


def _refuse_unknown(values: NDArray[np.float64], name: str) -> None:
    # SQLite would turn NaN into NULL without a word.
    if not np.isfinite(values).all():
        raise ValueError(f"{name!r} is not finite for a run that did not fail")


def _find_or_insert(connection: Connection, table: Table, values: Mapping[str, Any]) -> int:
    connection.execute(upsert(table).values(**values).on_conflict_do_nothing())
    found = connection.execute(select(table.c.id).where(table.c.sha256 == values["sha256"])).scalar_one()
    return int(found)
