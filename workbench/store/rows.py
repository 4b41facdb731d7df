"""The rows that the results of a chunk become: runs, their outcomes and their courses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from numpy.typing import NDArray
from sqlalchemy import Table, func, select
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.dialects.sqlite import insert as insert_into
from sqlalchemy.engine import Connection

import workbench.store.tables as tables
from workbench.solver.batch import BatchResult, Declared
from workbench.store.catalogue import Catalogue
from workbench.store.complete import Ask, complete_runs
from workbench.store.measure import time_unit

if TYPE_CHECKING:
    from workbench.design import Chunk

Rows = NDArray[np.int64]


def _statement(table: Table) -> str:
    # The text is compiled once and fed tuples: four times faster than dictionaries through Core. Only a row
    # that exists already may be passed over; "or ignore" would swallow a NULL as well.
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
    connection: Connection, catalogue: Catalogue, chunk: Chunk, rows: Rows, result: BatchResult
) -> list[int]:
    """Insert the runs that are new and return the ids of all, in the result's order."""
    known = {key: number for key, (number, _) in complete_runs(asking(connection), result.keys, {}).items()}
    free = (connection.execute(select(func.max(tables.run.c.id))).scalar() or 0) + 1
    structure = catalogue.structure(connection, chunk.batch.structure)
    subjects = chunk.batch.subjects[rows].tolist()
    fresh = []
    for i, key in enumerate(result.keys):
        if key not in known:
            failure = result.failures.get(i)
            ending = (int(failure.step), "failed") if failure else (int(result.steps), "stored")
            fresh.append((free, key, structure, chunk.batch.seed, subjects[i], *ending))
            known[key], free = free, free + 1
    insert(connection, tables.run, fresh)
    return [known[key] for key in result.keys]


def insert_outcomes(
    connection: Connection, result: BatchResult, good: Rows, runs: Rows, measures: Mapping[Declared, int]
) -> None:
    """Insert the outcomes of the runs that did not fail.

    Parameters
    ----------
    good, runs : array (runs that did not fail,)
        Their places in the result, and their ids.
    """
    listed = sorted((number, d.name) for d, number in measures.items() if d.section == "outcome")
    if not listed:
        return
    values = np.array([_known(result.outcomes, name)[good] for _, name in listed], dtype=np.float64)
    for (_, name), row in zip(listed, values, strict=True):
        _refuse_unknown(row, name)
    # Run by run, measures ascending: the order of the primary key, so that pages fill up in turn.
    ids = np.repeat(runs, len(listed)).tolist()
    numbers = [number for number, _ in listed] * len(good)
    insert(connection, tables.outcome, list(zip(ids, numbers, values.T.ravel().tolist(), strict=True)))


def insert_course(
    connection: Connection,
    catalogue: Catalogue,
    chunk: Chunk,
    result: BatchResult,
    good: Rows,
    runs: Rows,
    measure: tuple[Declared, int],
) -> None:
    """Insert one course of the runs that did not fail; `good` and `runs` as in `insert_outcomes`."""
    declared, number = measure
    values = np.asarray(_known(result.courses, declared.name), dtype=np.float64)[:, good]
    _refuse_unknown(values, declared.name)
    times = tuple(float(time) for time in result.times[declared.name])
    clock = catalogue.clock(connection, time_unit(chunk.batch.structure, declared), times)
    # The shortest digits that keep every bit, straight from the array: a fifteenth of the time of text of a list.
    series = np.ascontiguousarray(values.T)
    texts = (orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY).decode() for row in series)
    rows = [(run, number, clock, text) for run, text in zip(runs.tolist(), texts, strict=True)]
    insert(connection, tables.course, rows)


def _known(values: Mapping[str, NDArray[np.float64]], name: str) -> NDArray[np.float64]:
    if name not in values:
        raise ValueError(f"the result lacks {name!r} (it has: {', '.join(sorted(values)) or 'nothing'})")
    return values[name]


def _refuse_unknown(values: NDArray[np.float64], name: str) -> None:
    # SQLite would turn NaN into NULL without a word.
    if not np.isfinite(values).all():
        raise ValueError(f"{name!r} is not finite for a run that did not fail")
