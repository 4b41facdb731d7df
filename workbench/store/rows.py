"""The rows that the results of a chunk become: runs, their outcomes and their courses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from numpy.typing import NDArray
from sqlalchemy import Table, func, select
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.dialects.sqlite import insert as insert_into
from sqlalchemy.engine import Connection

import workbench.store.schema as tables
from workbench.solver.batch import BatchResult, Declared
from workbench.store.audit import Written
from workbench.store.complete import KEYS_AT_ONCE, Ask, complete_runs
from workbench.store.measures import IdCache, time_unit

if TYPE_CHECKING:
    from workbench.plan import BatchPlan

Rows = NDArray[np.int64]


def _statement(table: Table) -> str:
    # The text is compiled once and fed tuples: four times faster than dictionaries through Core. Only a row
    # that already exists may be passed over; "or ignore" would swallow a NULL as well.
    return str(insert_into(table).on_conflict_do_nothing().compile(dialect=dialect()))


WRITTEN = (tables.run, tables.outcome, tables.course, tables.failure, tables.cache_step_error, tables.lost_run)
INSERT = {t.name: _statement(t) for t in WRITTEN}


def insert(connection: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    """Insert rows into one of the tables `WRITTEN`; those that are there already stay as they are."""
    if rows:
        connection.exec_driver_sql(INSERT[table.name], rows)


def asking(connection: Connection) -> Ask:
    """Return what `complete_runs` puts its questions to."""
    return lambda sql, values: connection.exec_driver_sql(sql, values)


def insert_runs(
    connection: Connection, names: IdCache, batch_plan: BatchPlan, rows: Rows, result: BatchResult, written: Written
) -> tuple[list[int], int]:
    """Insert the runs that are new.

    Returns
    -------
    (list, int)
        The ids of all runs, in the result's order, and the first id that is new.
    """
    known = {key: number for key, (number, _) in complete_runs(asking(connection), result.keys, {}).items()}
    # Ids are given out here and not by SQLite: the rows of outcomes can then be built at once, without reading ids
    # back. No one else can insert, as the lock is ours.
    free = first = (connection.execute(select(func.max(tables.run.c.id))).scalar() or 0) + 1
    structure = names.structure(connection, batch_plan.batch.structure)
    subjects = batch_plan.batch.subjects[rows].tolist()
    fresh = []
    for i, key in enumerate(result.keys):
        if key not in known:
            failure = result.failures.get(i)
            ending = (int(failure.step), "failed") if failure else (int(result.steps), "stored")
            fresh.append((free, key, structure, batch_plan.batch.seed, subjects[i], *ending))
            known[key], free = free, free + 1
    insert(connection, tables.run, fresh)
    if fresh:
        _, keys, _, *others = zip(*fresh, strict=True)
        written.runs([keys, [batch_plan.batch.structure.identity] * len(fresh), *others])
    return [known[key] for key in result.keys], first


def insert_failures(
    connection: Connection, result: BatchResult, runs: Sequence[int], first: int, written: Written
) -> None:
    """Insert why runs failed; `runs` are the ids of all, those from `first` on are new."""
    rows = [(runs[i], f.reason, int(f.step), f.time) for i, f in sorted(result.failures.items())]
    old = [row[0] for row in rows if row[0] < first]
    there = {run for some in _parts(old) for (run,) in _ask(connection, "SELECT run FROM failure WHERE run", some)}
    insert(connection, tables.failure, rows)
    written.failed([row[0] for row in rows if row[0] not in there])


@dataclass(frozen=True)
class Good:
    """The runs of a result that did not fail.

    Attributes
    ----------
    rows, runs : array (runs that did not fail,)
        Their places in the result, and their ids.
    fresh : array of bool (runs that did not fail,)
        Which are new in this transaction, in ascending order of their ids: all they hold is new.
    """

    rows: Rows
    runs: Rows
    fresh: NDArray[np.bool_]


def good_runs(result: BatchResult, runs: Sequence[int], first: int) -> Good:
    """Return the runs that did not fail, of which those from `first` on are new."""
    rows = np.array([i for i in range(len(runs)) if i not in result.failures], dtype=np.int64)
    kept = np.asarray(runs, dtype=np.int64)[rows]
    fresh = kept >= first
    # Rows are inserted in the order of the primary key, which is fastest, and hashed in it as well; a repeated run
    # would break both.
    if (np.diff(kept[fresh]) <= 0).any():
        raise ValueError("a run occurs twice in the result")
    return Good(rows, kept, fresh)


def insert_outcomes(
    connection: Connection, result: BatchResult, good: Good, measures: Mapping[Declared, int], written: Written
) -> None:
    """Insert the outcomes of the runs that did not fail."""
    listed = sorted((number, d.name) for d, number in measures.items() if d.section == "outcome")
    if not listed:
        return
    values = np.array([_known(result.outcomes, name)[good.rows] for _, name in listed], dtype=np.float64)
    for (_, name), row in zip(listed, values, strict=True):
        _refuse_unknown(row, name)
    # Run by run, measures ascending: the order of the primary key, so that pages fill up in turn.
    ids = np.repeat(good.runs, len(listed)).tolist()
    each = [number for number, _ in listed]
    lacking = _lacking(connection, tables.outcome, good.runs[~good.fresh].tolist(), each)
    by_run = np.ascontiguousarray(values.T)
    insert(connection, tables.outcome, list(zip(ids, each * len(good.rows), by_run.ravel().tolist(), strict=True)))
    keys = [result.keys[i] for i in good.rows[good.fresh].tolist()]
    written.outcomes(good.runs[good.fresh], each, (keys, by_run[good.fresh]))
    for some, runs in lacking.items():
        written.outcomes(runs, some)


def insert_course(
    connection: Connection,
    names: IdCache,
    batch_plan: BatchPlan,
    result: BatchResult,
    good: Good,
    measure: tuple[Declared, int],
    written: Written,
) -> None:
    """Insert one course of the runs that did not fail."""
    declared, number = measure
    values = np.asarray(_known(result.courses, declared.name), dtype=np.float64)[:, good.rows]
    _refuse_unknown(values, declared.name)
    times = tuple(float(time) for time in result.times[declared.name])
    clock = names.clock(connection, time_unit(batch_plan.batch.structure, declared), times)
    # The shortest digits that keep every bit, straight from the array: a fifteenth of the time of text of a list.
    series = np.ascontiguousarray(values.T)
    texts = (orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY).decode() for row in series)
    rows = [(run, number, clock, text) for run, text in zip(good.runs.tolist(), texts, strict=True)]
    lacking = _lacking(connection, tables.course, good.runs[~good.fresh].tolist(), [number])
    insert(connection, tables.course, rows)
    fresh = np.flatnonzero(good.fresh).tolist()
    hashes = [_hash_of(connection, "measure", number)] * len(fresh), [_hash_of(connection, "clock", clock)] * len(fresh)
    held: list[list[Any]] = [[result.keys[int(good.rows[i])] for i in fresh], *hashes, [rows[i][3] for i in fresh]]
    written.courses(good.runs[good.fresh], [number], held)
    for some, runs in lacking.items():
        written.courses(runs, some)


def _hash_of(connection: Connection, table: str, number: int) -> bytes:
    return bytes(connection.exec_driver_sql(f"SELECT sha256 FROM {table} WHERE id = ?", (number,)).scalar_one())


def _lacking(
    connection: Connection, table: Table, runs: Sequence[int], measures: Sequence[int]
) -> dict[tuple[int, ...], list[int]]:
    """Return the runs, among some that were stored before, by the measures that they lack."""
    asked = f"SELECT run, measure FROM {table.name} WHERE run"
    there = {tuple(row) for some in _parts(runs) for row in _ask(connection, asked, some)}
    lacking: dict[tuple[int, ...], list[int]] = {}
    for run in runs:
        lacking.setdefault(tuple(n for n in measures if (run, n) not in there), []).append(run)
    return lacking


def _parts(runs: Sequence[int]) -> Iterator[tuple[int, ...]]:
    return (tuple(runs[start : start + KEYS_AT_ONCE]) for start in range(0, len(runs), KEYS_AT_ONCE))


def _ask(connection: Connection, sql: str, runs: tuple[int, ...]) -> Sequence[Any]:
    return connection.exec_driver_sql(f"{sql} IN ({', '.join('?' * len(runs))})", runs).all()


def _known(values: Mapping[str, NDArray[np.float64]], name: str) -> NDArray[np.float64]:
    if name not in values:
        raise ValueError(f"the result lacks {name!r} (it has: {', '.join(sorted(values)) or 'nothing'})")
    return values[name]


def _refuse_unknown(values: NDArray[np.float64], name: str) -> None:
    # SQLite would turn NaN into NULL without a word.
    if not np.isfinite(values).all():
        raise ValueError(f"{name!r} is not finite for a run that did not fail")
