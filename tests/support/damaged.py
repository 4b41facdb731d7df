"""A database with one of everything that a sweep stores, and what can happen to it: edits by hand, bytes that change."""

from __future__ import annotations

import math
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from support.commands import SMALL

TEXT = (
    SMALL.replace('stabiliser = "oja"\n', "").replace("count = 6", "count = 3")
    + """
[arm.wild]
title = "Too fast"
[arm.wild.set]
"plasticity.input_output.rate" = 5.0
[subjects.trait.pace]
on = "plasticity.input_output.rate"
distribution = "uniform"
low = 0.8
high = 1.2
"""
)
"""Three arms, of which one fails; a trait, courses, a swept value."""


def executed(path: Path, *statements: str | tuple[str, tuple[object, ...]]) -> None:
    """Change a database as anybody can who has the `sqlite3` command: its keys and references are not asked."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            sql, values = (statement, ()) if isinstance(statement, str) else statement
            assert connection.execute(sql, values).rowcount != 0, f"changes nothing: {sql}"


def ulp(path: Path) -> None:
    """Move one outcome by a unit in its last place."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        run, measure, value = connection.execute("SELECT * FROM outcome ORDER BY run DESC LIMIT 1").fetchone()
        moved = math.nextafter(value, math.inf), run, measure
        connection.execute("UPDATE outcome SET value = ? WHERE run = ? AND measure = ?", moved)


@dataclass(frozen=True)
class Edit:
    """What was done by hand, and the table that must be named; `same` if it stays readable as it was."""

    table: str
    change: Callable[[Path], None] | str | tuple[str, ...]

    def to(self, path: Path) -> None:
        """Do it to a file."""
        if callable(self.change):
            self.change(path)
        else:
            executed(path, *([self.change] if isinstance(self.change, str) else self.change))


NO_TEXT = "CAST(x'41ff42' AS TEXT)"
LAST_RUN = "(SELECT max(id) FROM run WHERE status = 'stored')"
ONE_RUN = "(SELECT run FROM outcome ORDER BY run LIMIT 1)"
EDITS = {
    "an outcome moved by one unit in its last place": Edit("outcome", ulp),
    "an outcome deleted": Edit("outcome", f"DELETE FROM outcome WHERE run = {ONE_RUN}"),
    "an outcome of a run that failed": Edit(
        "outcome", "INSERT INTO outcome SELECT run, (SELECT min(measure) FROM outcome), 0.5 FROM failure LIMIT 1"
    ),
    "an outcome that is infinite": Edit("outcome", f"UPDATE outcome SET value = 9e999 WHERE run = {ONE_RUN}"),
    "an outcome of no run": Edit("outcome", "INSERT INTO outcome VALUES (9999, 1, 0.5)"),
    "an outcome of no measure": Edit("outcome", f"INSERT INTO outcome VALUES ({ONE_RUN}, 99, 0.5)"),
    "a run that is said to have failed": Edit("run", f"UPDATE run SET status = 'failed' WHERE id = {ONE_RUN}"),
    "a run that is said not to have failed": Edit(
        "run", ("DELETE FROM failure WHERE run = (SELECT min(run) FROM failure)",)
    ),
    "the steps of a run": Edit("run", f"UPDATE run SET steps = steps + 1 WHERE id = {ONE_RUN}"),
    "the key of a run": Edit("run", f"UPDATE run SET key = zeroblob(32) WHERE id = {ONE_RUN}"),
    "the seed of a run": Edit("run", f"UPDATE run SET seed = 8 WHERE id = {ONE_RUN}"),
    "the subject of a run": Edit("run", f"UPDATE run SET subject = subject + 1 WHERE id = {ONE_RUN}"),
    "a run added": Edit(
        "run", "INSERT INTO run SELECT 999, randomblob(32), structure, 7, 0, 20, 'stored' FROM run LIMIT 1"
    ),
    "two places with each other's runs": Edit(
        "run",
        "UPDATE sweep_run SET run = (SELECT max(run) FROM outcome) WHERE run = (SELECT min(run) FROM outcome)",
    ),
    "a run deleted with all that is its own": Edit(
        "sweep_run",
        tuple(
            f"DELETE FROM {table} WHERE {key} = {LAST_RUN}"
            for table, key in (("outcome", "run"), ("sweep_run", "run"), ("run", "id"))
        ),
    ),
    "the reason of a failure": Edit("failure", "UPDATE failure SET reason = 'bad luck'"),
    "the scenario's text": Edit(
        "scenario", "UPDATE scenario SET bytes = CAST(replace(bytes, 'Small', 'Large') AS BLOB)"
    ),
    "the scenario's title": Edit("scenario", "UPDATE scenario SET title = 'Large and slow'"),
    "the scenario's hash": Edit("scenario", "UPDATE scenario SET sha256 = zeroblob(32)"),
    "the parameter set": Edit("scenario", "UPDATE scenario SET parameter_bytes = CAST('x' AS BLOB)"),
    "the settings of a sweep": Edit("sweep", 'UPDATE sweep SET settings = \'{"modulator.x": "1"}\''),
    "the settings of a sweep, no JSON": Edit("sweep", "UPDATE sweep SET settings = '{'"),
    "the identity of a sweep": Edit("sweep", "UPDATE sweep SET identity = zeroblob(32)"),
    "how many runs a sweep expects": Edit("sweep", "UPDATE sweep SET expected = expected - 1"),
    "the name of a study": Edit("study", "UPDATE study SET name = 'weakness' WHERE ordinal = 1"),
    "an arm renamed": Edit("arm", "UPDATE arm SET name = 'quick' WHERE name = 'fast'"),
    "the baseline of an arm": Edit("arm", "UPDATE arm SET baseline = NULL"),
    "the number of a setting": Edit("setting", "UPDATE setting SET number = 0.005 WHERE path LIKE '%.rate'"),
    "the source of a setting": Edit("setting", "UPDATE setting SET source = 'Nobody1999'"),
    "a setting deleted": Edit("setting", "DELETE FROM setting WHERE path LIKE '%.rate'"),
    "a swept value": Edit("point_value", "UPDATE point_value SET number = 0.25 WHERE number = 0.2"),
    "the unit of an axis": Edit("point_value", "UPDATE axis SET unit = 'h'"),
    "a trait of a subject": Edit("trait_value", "UPDATE trait_value SET value = value + 1e-12 WHERE subject = 1"),
    "a measure's unit": Edit("sweep_measure", "UPDATE measure SET unit = 'h'"),
    "a measure's name": Edit("measure", "UPDATE measure SET name = 'means' WHERE name = 'mean'"),
    "what a measure reads": Edit("measure", "UPDATE measure SET specification = '{}'"),
    "the better end of a measure": Edit("sweep_measure", "UPDATE measure SET better = 'lower'"),
    "a time of a clock": Edit("clock", "UPDATE clock_time SET time = 6.0 WHERE ordinal = 0"),
    "a number of a course": Edit("course", "UPDATE course SET points = replace(points, '0.', '0.1')"),
    "a course cut short": Edit("course", "UPDATE course SET points = '[0.1]' WHERE run = 1"),
    "a course that is no JSON": Edit("course", "UPDATE course SET points = substr(points, 1, 20) WHERE run = 1"),
    "a course of NaN": Edit("course", "UPDATE course SET points = '[NaN, NaN, NaN, NaN]' WHERE run = 1"),
    "a course of words": Edit("course", 'UPDATE course SET points = \'["a", "b", "c", "d"]\' WHERE run = 1'),
    "a structure": Edit("structure", "UPDATE structure SET specification = '[]'"),
    "what a column means": Edit("columns", "UPDATE columns SET meaning = 'something' WHERE name = 'value'"),
    "a title that is no text": Edit("scenario", f"UPDATE scenario SET title = {NO_TEXT}"),
    "an arm's name that is no text": Edit("arm", f"UPDATE arm SET name = {NO_TEXT} WHERE ordinal = 0"),
    "a course that is no text": Edit("course", f"UPDATE course SET points = {NO_TEXT} WHERE run = 1"),
    "a view that selects something else": Edit(
        "sqlite_schema", ("DROP VIEW outcomes", "CREATE VIEW outcomes AS SELECT run, 2 * value AS value FROM outcome")
    ),
    "a view dropped": Edit("sqlite_schema", "DROP VIEW pairs"),
    "a trigger": Edit("sqlite_schema", "CREATE TRIGGER t AFTER INSERT ON outcome BEGIN DELETE FROM outcome; END"),
    "a table of somebody's": Edit("sqlite_schema", "CREATE TABLE mine (x)"),
    "a table dropped": Edit("", "DROP TABLE course"),
    "a version that nobody wrote": Edit("", "PRAGMA user_version = 0"),
}


def flipped(content: bytes, seed: int) -> bytes:
    """Return a file in which one to sixteen bytes are other ones."""
    chance, data = random.Random(seed), bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        place = chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8) if chance.random() < 0.5 else chance.randrange(1, 256)
    return bytes(data)
