"""What an entry of the audit says of rows that came from another database."""

from __future__ import annotations

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

import workbench.store.tables as tables
from workbench.store.audit import Written
from workbench.store.merge_rows import added

AT_ONCE = 16_384
"""Places that are noted at once, and a subject's more: what is held in memory does not grow with their number."""


def note(driver: sqlite3.Connection, before: Mapping[str, int], written: Written) -> None:
    """Note the rows that `merge_rows.bring` has inserted.

    Parameters
    ----------
    before : mapping
        The largest id of ``axis``, ``study``, ``run`` and ``invocation`` before that.
    """
    d, run, study = driver, before["run"], before["study"]
    wholes = d.execute("SELECT axis FROM main.whole_axis WHERE axis > ?", (before["axis"],))
    for (axis,) in (*wholes, *added(d, tables.whole_axis)):
        written.axis_of_whole_numbers(axis)
    recorded: dict[int, list[int]] = defaultdict(list)
    fresh = d.execute("SELECT study, measure FROM main.sweep_measure WHERE study > ?", (study,))
    for number, measure in (*fresh, *added(d, tables.sweep_measure)):
        recorded[number].append(measure)
    for number, listed in recorded.items():
        written.recorded(number, listed)
    for (number,) in d.execute("SELECT id FROM main.invocation WHERE id > ?", (before["invocation"],)):
        written.ended(number)
    written.failed([number for (number,) in d.execute("SELECT run FROM main.failure WHERE run > ?", (run,))])
    keys = "study, subject, arm, point, invocation"
    written.lost(d.execute(f"SELECT {keys} FROM main.lost_run WHERE study > ? ORDER BY {keys}", (study,)))
    written.lost(added(d, tables.lost_run))
    _places(
        written,
        d.execute(
            "SELECT study, subject, arm, point FROM main.sweep_run WHERE study > ? ORDER BY study, subject, arm, point",
            (study,),
        ),
    )
    _places(written, added(d, tables.sweep_run))
    for table, take in ((tables.outcome, written.outcomes), (tables.course, written.courses)):
        asked = f"SELECT run, measure FROM main.{table.name} WHERE run > ? ORDER BY run, measure"
        for rows in (d.execute(asked, (run,)), added(d, table)):
            for measures, runs in _alike(rows):
                take(runs, measures)


def _places(written: Written, rows: Iterable[tuple[int, ...]]) -> None:
    """Note places, ordered by study and subject, in parts that end with a subject."""
    part: list[tuple[int, ...]] = []
    for row in rows:
        if part and (row[0] != part[-1][0] or (len(part) >= AT_ONCE and row[1] != part[-1][1])):
            written.places(part[0][0], [place[1:] for place in part])
            part = []
        part.append(row)
    if part:
        written.places(part[0][0], [place[1:] for place in part])


def _alike(rows: Iterable[tuple[int, ...]]) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """Yield the runs that got the same measures, with these; `rows` are ordered by run and measure."""
    found: dict[tuple[int, ...], array[int]] = defaultdict(lambda: array("q"))
    run, measures = 0, list[int]()
    for number, measure in rows:
        if number != run:
            if measures:
                found[tuple(measures)].append(run)
            run, measures = number, []
        measures.append(measure)
    if measures:
        found[tuple(measures)].append(run)
    for alike in sorted(found):
        yield alike, np.array(found[alike], dtype=np.int64)
