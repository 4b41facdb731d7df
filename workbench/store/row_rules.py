"""Rules between the rows of a result database that its tables do not keep, and the hashes of stored texts."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from workbench.store.damage import Ask, Check, Damage, is_clean, readable
from workbench.store.provenance import OFFERED, UNPACKAGED

LARGEST = 1.7976931348623157e308
"""The largest finite double; what is larger is infinite. SQLite makes NULL of NaN, which is refused."""


@dataclass(frozen=True)
class Rule:
    """A rule, as a query for the rows that break it.

    Attributes
    ----------
    sql : str
        Selects the rows that break it: row in words, run or NULL, outcome or NULL, stored and right value or NULL.
    """

    table: str
    message: str
    sql: str


def _finite(table: str, column: str, row: str) -> Rule:
    return Rule(
        table,
        f"{column} is not a finite number",
        f"SELECT {row}, NULL, NULL, {column}, NULL FROM {table} WHERE abs({column}) > {LARGEST!r}",
    )


def _counted(table: str, owner: str) -> Rule:
    return Rule(
        table,
        "its ordinals are not 0, 1, 2, ... without a gap",
        f"SELECT '{table}s of {owner} ' || {owner}, NULL, NULL, max(ordinal) + 1, count(*) FROM {table}"
        f" GROUP BY {owner} HAVING max(ordinal) + 1 <> count(*) OR min(ordinal) <> 0",
    )


RULES = (
    Rule(
        "run",
        "no place of any sweep asks for it",
        "SELECT 'run ' || id, id, NULL, NULL, NULL FROM run WHERE id NOT IN (SELECT run FROM sweep_run)",
    ),
    Rule(
        "run",
        "its subject is not that of its place",
        "SELECT 'run ' || run.id, run.id, NULL, run.subject, s.subject FROM sweep_run AS s JOIN run ON run.id = s.run"
        " WHERE run.subject <> s.subject",
    ),
    Rule(
        "run",
        "its seed is not that of its sweep",
        "SELECT 'run ' || run.id, run.id, NULL, run.seed, sweep.seed FROM sweep_run AS s JOIN run ON run.id = s.run"
        " JOIN sweep ON sweep.id = s.sweep WHERE run.seed <> sweep.seed",
    ),
    Rule(
        "run",
        "its number of steps is negative",
        "SELECT 'run ' || id, id, NULL, steps, NULL FROM run WHERE steps < 0",
    ),
    Rule(
        "sweep_run",
        "its subject does not belong to its sweep",
        "SELECT 'place of run ' || s.run, s.run, NULL, s.subject, NULL FROM sweep_run AS s JOIN sweep"
        " ON sweep.id = s.sweep WHERE s.subject < 0 OR s.subject >= sweep.subjects",
    ),
    Rule(
        "sweep_run",
        "its study, arm or point belongs to another sweep or study",
        "SELECT 'place of run ' || s.run, s.run, NULL, NULL, NULL FROM sweep_run AS s JOIN study ON study.id = s.study"
        " JOIN arm ON arm.id = s.arm JOIN point ON point.id = s.point"
        " WHERE study.sweep <> s.sweep OR arm.sweep <> s.sweep OR point.study <> s.study",
    ),
    Rule(
        "sweep_measure",
        "its study belongs to another sweep",
        "SELECT 'measure ' || r.measure || ' of study ' || r.study, NULL, NULL, r.sweep, study.sweep"
        " FROM sweep_measure AS r JOIN study ON study.id = r.study WHERE study.sweep <> r.sweep",
    ),
    Rule(
        "setting",
        "its arm belongs to another sweep",
        "SELECT 'setting ' || setting.path, NULL, NULL, setting.sweep, arm.sweep FROM setting JOIN arm"
        " ON arm.id = setting.arm WHERE arm.sweep <> setting.sweep",
    ),
    Rule(
        "arm",
        "its baseline belongs to another sweep",
        "SELECT 'arm ' || arm.name, NULL, NULL, other.sweep, arm.sweep FROM arm JOIN arm AS other"
        " ON other.id = arm.baseline WHERE other.sweep <> arm.sweep",
    ),
    Rule(
        "failure",
        "it is stored as not failed, but has a reason for failing",
        "SELECT 'run ' || run.id, run.id, NULL, NULL, NULL FROM failure JOIN run ON run.id = failure.run"
        " WHERE run.status <> 'failed'",
    ),
    Rule(
        "run",
        "it has failed, but the reason is missing",
        "SELECT 'run ' || id, id, NULL, NULL, NULL FROM run"
        " WHERE status = 'failed' AND id NOT IN (SELECT run FROM failure)",
    ),
    *(
        Rule(
            kind,
            f"it belongs to a run that failed, or to a measure that is no {kind}",
            f"SELECT '{kind} of run ' || x.run, x.run, measure.name, NULL, NULL FROM {kind} AS x"
            " JOIN run ON run.id = x.run JOIN measure ON measure.id = x.measure"
            f" WHERE measure.kind <> '{kind}' OR run.status <> 'stored'",
        )
        for kind in ("outcome", "course")
    ),
    *(_counted(*pair) for pair in (("clock_time", "clock"), ("point", "study"), ("arm", "sweep"), ("study", "sweep"))),
    *(_counted(*pair) for pair in (("candidate", "calibration"), ("candidate_parameter", "candidate"))),
    _finite("outcome", "value", "'outcome of run ' || run"),
    _finite("setting", "number", "'setting ' || path || ' of arm ' || arm"),
    _finite("trait_value", "value", "'trait ' || trait || ' of subject ' || subject"),
    _finite("point_value", "number", "'value of point ' || point"),
    _finite("clock_time", "time", "'time of clock ' || clock"),
    _finite("cache_step_error", "mean", "'change of study ' || study"),
    _finite("cache_step_error", "largest", "'change of study ' || study"),
    _finite("candidate", "loss", "'candidate ' || id"),
    _finite("candidate_parameter", "number", "'candidate ' || candidate"),
    _finite("candidate_criterion", "number", "'candidate ' || candidate"),
    Rule(
        "candidate_parameter",
        "the candidate's parameters are not those of its calibration",
        "SELECT 'candidate ' || c.id, NULL, NULL, (SELECT count(*) FROM candidate_parameter AS p"
        " WHERE p.candidate = c.id) AS has, (SELECT count(*) FROM calibration_parameter AS p"
        " WHERE p.calibration = c.calibration) AS should FROM candidate AS c WHERE has <> should",
    ),
)


UNAUDITED = Rule(
    "sweep",
    "places are missing, although a command finished that filled them all",
    "SELECT 'sweep ' || x.id, NULL, NULL, (SELECT count(*) FROM sweep_run WHERE sweep_run.sweep = x.id) AS there,"
    " x.expected FROM sweep AS x WHERE there <> x.expected AND EXISTS (SELECT 1 FROM invocation AS i"
    " WHERE i.sweep = x.id AND i.status = 'finished' AND i.computed + i.reused >= x.expected)",
)
"""Asked of files without an audit; with one, its entries say which places were filled."""


def _recorded(kind: str) -> Iterator[Rule]:
    yield Rule(
        kind,
        "it is missing: the run is stored as not failed, and its study records it",
        f"SELECT '{kind} of run ' || s.run, s.run, measure.name, NULL, NULL FROM sweep_run AS s"
        " JOIN sweep_measure AS r ON r.study = s.study JOIN run ON run.id = s.run AND run.status = 'stored'"
        f" JOIN measure ON measure.id = r.measure AND measure.kind = '{kind}'"
        f" WHERE NOT EXISTS (SELECT 1 FROM {kind} AS x WHERE x.run = s.run AND x.measure = r.measure)",
    )
    yield Rule(
        kind,
        "no study of its run records it",
        f"SELECT '{kind} of run ' || x.run, x.run, measure.name, NULL, NULL FROM {kind} AS x"
        " JOIN measure ON measure.id = x.measure WHERE NOT EXISTS (SELECT 1 FROM sweep_run AS s"
        " JOIN sweep_measure AS r ON r.study = s.study AND r.measure = x.measure WHERE s.run = x.run)",
    )


def broken_rules(ask: Ask, audited: bool) -> Iterator[Damage]:
    """Yield every row that breaks a rule."""
    for rule in (*RULES, *_recorded("outcome"), *_recorded("course"), *([] if audited else [UNAUDITED])):
        for row, run, outcome, stored, computed in ask(rule.sql):
            yield Damage(rule.table, row or rule.table, rule.message, stored, computed, run, outcome)


def rows(ask: Ask, audited: bool) -> Check:
    """Look at how rows belong together: places, runs, outcomes, courses, failures."""
    check = Check("rows")
    counted = ("sweep_run", "run", "outcome", "course", "failure", "candidate")
    words = ("places", "runs", "outcomes", "courses", "failures", "candidates of calibrations")

    def look() -> Iterator[Damage]:
        found = [ask(f"SELECT count(*) FROM {table}").fetchone()[0] for table in counted]
        check.looked = ", ".join(f"{word} {n:,}" for n, word in zip(found, words, strict=True) if n)
        yield from broken_rules(ask, audited)

    return readable(check, look)


REVISIONS = 100
"""Revisions of a component, and of the engine, that a stored hash is tried with: which one it was is not stored."""
CHECKED = frozenset({("run", "status")})
"""Columns whose few words the table itself prescribes; there are too many of them to read each."""
OBJECTS = (
    ("sweep", "settings", dict, "id"),
    ("measure", "specification", dict, "id"),
    ("structure", "specification", list, "id"),
)
"""Columns that hold JSON: table, column, what it is, and what names the row."""


HASHED = {"scenario": "scenarios and their parameter sets", "clock": "clocks", "measure": "measures"}
"""Tables whose rows hold their own SHA-256."""


def texts(ask: Ask) -> Check:
    """Look at all texts and time courses."""
    check = Check("texts")

    def look() -> Iterator[Damage]:
        yield from broken_texts(ask)
        yield from broken_courses(ask)
        (courses,) = ask("SELECT count(*) FROM course").fetchone()
        check.looked = f"every text is UTF-8; {courses:,} time courses are numbers, one for each time"

    return readable(check, look)


def hashes(ask: Ask) -> Check:
    """Look at everything that is stored with its own SHA-256."""
    check = Check("hashes")

    def look() -> Iterator[Damage]:
        counts = [ask(f"SELECT count(*) FROM {table}").fetchone()[0] for table in HASHED]
        listed = ", ".join(f"{words} {n:,}" for words, n in zip(HASHED.values(), counts, strict=True) if n)
        check.looked = f"every stored SHA-256: {listed or 'none'}"
        yield from broken_scenarios(ask)
        yield from broken_clocks(ask)
        yield from broken_measures(ask)

    return readable(check, look)


def broken_texts(ask: Ask) -> Iterator[Damage]:
    """Yield every text that is no UTF-8, and everything that is to be JSON and is not."""
    tables = [name for (name,) in ask("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()]
    for table in (name for name in tables if not name.startswith("sqlite_")):
        described = ask("SELECT name, type, pk FROM pragma_table_info(?)", (table,)).fetchall()
        columns = [name for name, kind, _ in described if kind == "TEXT" and (table, name) not in CHECKED]
        if not columns or (table, "points") in [(table, name) for name in columns]:
            continue
        keys = [name for name, _, place in described if place]
        listed = ", ".join(f'"{name}"' for name in (*columns, *keys))
        for row in ask(f'SELECT {listed} FROM "{table}"'):
            for name, text in zip(columns, row, strict=False):
                if text is not None and not is_clean(text):
                    named = ", ".join(str(key).encode("ascii", "replace").decode() for key in row[len(columns) :])
                    yield Damage(table, f"row {named} of {table}", f"its {name} is not valid UTF-8")
    for table, column, kind, key in OBJECTS:
        for row, text in ask(f"SELECT {key}, {column} FROM {table}"):
            if not isinstance(_json(text), kind):
                yield Damage(table, f"row {row} of {table}", f"its {column} is not the expected JSON")


def broken_courses(ask: Ask) -> Iterator[Damage]:
    """Yield every time course that is not a finite number for each time of its clock."""
    lengths = dict(ask("SELECT clock, count(*) FROM clock_time GROUP BY clock").fetchall())
    asked = """SELECT course.run, measure.name, course.points, course.clock
    FROM course LEFT JOIN measure ON measure.id = course.measure"""
    for run, name, text, clock in ask(asked):
        values, times = _json(text), lengths.get(clock, 0)
        if not isinstance(values, list) or not all(type(v) is float and math.isfinite(v) for v in values):
            yield Damage("course", f"course of run {run}", "it is not a list of numbers", run=run, outcome=name)
        elif len(values) != times:
            message = "it has more or fewer values than times"
            yield Damage("course", f"course of run {run}", message, len(values), times, run, name)


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except (ValueError, TypeError):
        return None


UNEQUAL = "its SHA-256 is not the stored one"


def broken_scenarios(ask: Ask) -> Iterator[Damage]:
    """Yield every scenario or parameter set whose bytes have another hash."""
    for row, *pairs in ask("SELECT id, bytes, sha256, parameter_bytes, parameter_sha256 FROM scenario"):
        for what, text, kept in (("scenario", *pairs[:2]), ("parameter set", *pairs[2:])):
            found = hashlib.sha256(text).digest()
            if found != kept:
                yield Damage("scenario", f"{what} of row {row} of scenario", UNEQUAL, kept.hex(), found.hex())


def broken_clocks(ask: Ask) -> Iterator[Damage]:
    """Yield every clock whose times have another hash."""
    for row, unit, kept in ask("SELECT id, unit, sha256 FROM clock").fetchall():
        times = [time for (time,) in ask("SELECT time FROM clock_time WHERE clock = ? ORDER BY ordinal", (row,))]
        content = json.dumps([unit, [float(time).hex() for time in times]])
        found = hashlib.sha256(content.encode("utf-8", "surrogateescape")).digest()
        if found != kept:
            yield Damage("clock", f"clock {row}", UNEQUAL, kept.hex(), found.hex())


def broken_measures(ask: Ask) -> Iterator[Damage]:
    """Yield every measure that has another hash under any revision of its component."""
    sources = _sources(ask)
    for row, kind, name, readout, specification, kept in ask(
        "SELECT id, kind, name, readout, specification, sha256 FROM measure"
    ):
        tried = (
            json.dumps([kind, name, readout, revision, source, specification])
            for revision in range(REVISIONS)
            for source in sources
        )
        if not any(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest() == kept for text in tried):
            yield Damage("measure", f"{kind} {name!r} (row {row} of measure)", UNEQUAL, kept.hex())


def _sources(ask: Ask) -> Iterable[str]:
    """Return the hashes of source that components have; those of the workbench itself have none."""
    kept = ask("SELECT key, value FROM provenance").fetchall()
    other = (value.rpartition(" ")[2] for key, value in kept if key.startswith((OFFERED, UNPACKAGED)))
    return tuple(dict.fromkeys(("", *other)))
