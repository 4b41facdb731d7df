"""One number for all results: the same for any order, chunking, worker count or history of interruptions."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from workbench.store.whole import reading

_SWEEPS = """SELECT sweep.id, sweep.identity, scenario.sha256, scenario.parameter_sha256,
    sweep.seed, sweep.subjects, sweep.settings
FROM sweep JOIN scenario ON scenario.id = sweep.scenario ORDER BY sweep.identity"""
_STUDIES = "SELECT id, name FROM study WHERE sweep = ? ORDER BY name"
_POINTS = """SELECT axis.path, v.number, v.text, axis.unit FROM point_value AS v JOIN axis ON axis.id = v.axis
WHERE v.point = ? ORDER BY axis.path, axis.unit"""
_RUNS = """SELECT arm.name, s.point, s.subject, run.id, run.status, run.steps,
    failure.reason, failure.step, failure.time
FROM sweep_run AS s JOIN arm ON arm.id = s.arm JOIN point ON point.id = s.point JOIN run ON run.id = s.run
    LEFT JOIN failure ON failure.run = run.id
WHERE s.study = ? ORDER BY s.subject, arm.ordinal, point.ordinal"""
_OUTCOMES = """SELECT measure.name, outcome.value
FROM sweep_measure AS recorded JOIN measure ON measure.id = recorded.measure
    JOIN outcome ON outcome.run = ? AND outcome.measure = recorded.measure
WHERE recorded.study = ? ORDER BY measure.name"""
_COURSES = """SELECT measure.name, course.points, clock.sha256
FROM sweep_measure AS recorded JOIN measure ON measure.id = recorded.measure
    JOIN course ON course.run = ? AND course.measure = recorded.measure JOIN clock ON clock.id = course.clock
WHERE recorded.study = ? ORDER BY measure.name"""


def digest(path: str | Path, sweep: int | None = None) -> str:
    """Return the SHA-256 over the content of all sweeps (or of one), floats as hex.

    Ids, clocks, hosts, durations and the order of rows do not enter; nor do the candidates of calibrations, which
    record a search and not what a scenario gives: the digest is the same with and without one in the file. The rows of
    a sweep come in the order of its subjects, arms and points, which the sweep's identity fixes; nothing is held in
    memory.
    """
    with reading(Path(path)) as connection:
        connection.execute("BEGIN")
        return digest_of(connection, sweep)


def digest_of_values(path: str | Path) -> str:
    """Return the SHA-256 over seeds, arms, points, subjects and results alone, without any text that asked for them.

    Two scenarios in other words, with another base or another order of tables, have one if their results are equal to
    the last bit, whatever their names of sweeps and files.
    """
    with reading(Path(path)) as connection:
        connection.execute("BEGIN")
        sweeps = [sweep for sweep, *_ in connection.execute(_SWEEPS).fetchall()]
        found = sorted(_hashed(_without_texts(_lines(connection, sweep))) for sweep in sweeps)
        return _hashed([[one] for one in found])


def _without_texts(lines: Iterable[list[Any]]) -> Iterator[list[Any]]:
    for line in lines:
        yield [line[0], *line[4:]] if line[0] == "sweep" else line


def digest_of(connection: sqlite3.Connection, sweep: int | None = None) -> str:
    """Return the `digest` of what a connection sees."""
    return _hashed(_lines(connection, sweep))


def _hashed(lines: Iterable[list[Any]]) -> str:
    total = hashlib.sha256()
    for line in lines:
        total.update(json.dumps(line).encode() + b"\n")
    return total.hexdigest()


def _lines(connection: sqlite3.Connection, only: int | None) -> Iterator[list[Any]]:
    for sweep, identity, scenario, parameters, *rest in connection.execute(_SWEEPS).fetchall():
        if only is not None and sweep != only:
            continue
        yield ["sweep", identity.hex(), scenario.hex(), parameters.hex(), *rest]
        for study, name in connection.execute(_STUDIES, (sweep,)).fetchall():
            yield ["study", name]
            yield from _runs(connection, study)


def _runs(connection: sqlite3.Connection, study: int) -> Iterator[list[Any]]:
    for arm, point, subject, run, *ending in connection.execute(_RUNS, (study,)):
        values = [[path, _exact(number), *rest] for path, number, *rest in connection.execute(_POINTS, (point,))]
        outcomes = [[name, _exact(value)] for name, value in connection.execute(_OUTCOMES, (run, study))]
        courses = [[name, *_course(*course)] for name, *course in connection.execute(_COURSES, (run, study))]
        yield [arm, values, subject, ending, outcomes, courses]


def _exact(value: float | None) -> str | None:
    return None if value is None else float(value).hex()


def _course(points: str, clock: bytes) -> tuple[str, list[str]]:
    return clock.hex(), [float(value).hex() for value in orjson.loads(points)]
