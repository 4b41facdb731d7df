"""The views people read, written again whenever a new swept path or outcome appears.

Arms, studies, outcomes and courses stand by name; every outcome is a column of its exact name, swept paths become
columns with short names that are not taken, and the table ``columns`` says what each means.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.solver.batch import UNKNOWN_TIME

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy.engine import Connection

Ask = Callable[[str], Sequence[Sequence[Any]]]
"""Puts a question to the database that the views are for, and returns its rows."""

VIEWS = (
    "sweeps",
    "runs",
    "failures",
    "outcomes",
    "outcomes_wide",
    "pairs",
    "timecourse",
    "settings",
    "measures",
    "points",
    "traits",
    "step_errors",
    "calibrations",
    "candidates",
    "candidate_parameters",
    "candidate_criteria",
)
KEYS = ("sweep", "study", "arm", "point", "subject", "run")
RESERVED = (*KEYS, "true", "false")
"""What no outcome and no swept path can have as the name of its column; SQLite drops the last two without a word."""
MEANINGS: Mapping[str, str] = {
    "sweep": "one command's set of runs",
    "study": "which arms and points were crossed",
    "arm": "the named set of overrides",
    "point": "number of the combination of swept values within its study",
    "subject": "number of the virtual subject; the same in every arm and point",
    "run": "one simulation; arms that ask for the same numbers share it; NULL where it was lost with its process",
    "status": "stored, or failed (see failures)",
    "outcome": "name of the outcome",
    "course": "name of the recorded time course",
    "value": "what was measured, in `unit`",
    "unit": "unit of the value",
    "baseline": "the arm that this one is compared with",
    "baseline_value": "the same subject's value in the baseline arm",
    "difference": "value minus baseline_value, within the subject",
    "time": "end of the recorded interval, in `time_unit`",
    "time_unit": "unit of the time",
    "mean_change": "mean change of the outcome, with its sign, when every step of a sample of runs is halved",
    "largest_change": "the largest change of any run of that sample",
    "calibration": "one refit of a scenario's parameters: all candidates that it simulated",
    "candidate": "number of the candidate within its calibration, in the order of computing",
    "budget": "candidates that were allowed when this was asked for",
    "batch": "number of the batch of its budget's search with which the candidate was simulated",
    "search": "generation, descent (with its number), end, or compared: the shipped and the final values",
    "step": "number of the batch within its search",
    "loss": "sum of squared distances from the targets, in published errors; NULL where only compared",
    "candidates": "how many candidates the calibration holds, the two compared at the end among them",
    "least_loss": "the smallest loss of its candidates",
    "parameter": "name in the parameter set",
    "finding": "name of the finding",
    "criterion": "what is taken of which arms",
    "number": "a value that is a number, in `unit`",
    "low": "lower end of the range: what evidence allows a parameter, or what a criterion accepts; NULL where open",
    "high": "upper end of the range; NULL where open",
    "fitted": "1 for a target, 0 for a criterion that is only shown",
    "published": "the published number",
    "mc_error": "standard error of the value over simulated subjects; NULL where it was not asked for",
}

_PLACE = """sweep_run AS s
    JOIN study ON study.id = s.study
    JOIN arm ON arm.id = s.arm
    JOIN point ON point.id = s.point"""
_NAMES = "s.sweep, study.name AS study, arm.name AS arm, point.ordinal AS point, s.subject, s.run"
_LOST = """lost_run AS s
    JOIN study ON study.id = s.study
    JOIN arm ON arm.id = s.arm
    JOIN point ON point.id = s.point"""
_STILL_LOST = """NOT EXISTS (SELECT 1 FROM sweep_run AS r
        WHERE r.study = s.study AND r.subject = s.subject AND r.arm = s.arm AND r.point = s.point)
    AND NOT EXISTS (SELECT 1 FROM lost_run AS later
        WHERE later.study = s.study AND later.subject = s.subject AND later.arm = s.arm AND later.point = s.point
        AND later.invocation > s.invocation)"""
_LOST_NAMES = _NAMES.replace("s.run", "NULL AS run")

_FIXED: Mapping[str, str] = {
    "sweeps": f"""SELECT sweep.id AS sweep, scenario.name AS scenario, scenario.title,
    lower(hex(scenario.sha256)) AS scenario_sha256,
    scenario.parameter_set, scenario.parameter_version, lower(hex(scenario.parameter_sha256)) AS parameter_sha256,
    sweep.seed, sweep.subjects, sweep.expected,
    (SELECT count(*) FROM study JOIN sweep_run AS s ON s.study = study.id JOIN run ON run.id = s.run
        WHERE study.sweep = sweep.id AND run.status = 'stored') AS stored,
    (SELECT count(*) FROM study JOIN sweep_run AS s ON s.study = study.id JOIN run ON run.id = s.run
        WHERE study.sweep = sweep.id AND run.status = 'failed')
        + (SELECT count(*) FROM study JOIN lost_run AS s ON s.study = study.id
        WHERE study.sweep = sweep.id AND {_STILL_LOST}) AS failed,
    sweep.settings, sweep.created, sweep.command, lower(hex(sweep.identity)) AS identity
FROM sweep JOIN scenario ON scenario.id = sweep.scenario""",
    "failures": f"""SELECT {_NAMES}, failure.reason, failure.step, failure.time AS model_time
FROM {_PLACE}
    JOIN failure ON failure.run = s.run
UNION ALL SELECT {_LOST_NAMES}, s.reason, 0, '{UNKNOWN_TIME}'
FROM {_LOST}
WHERE {_STILL_LOST}""",
    "outcomes": f"""SELECT {_NAMES}, measure.name AS outcome, outcome.value, measure.unit
FROM {_PLACE}
    JOIN sweep_measure AS recorded ON recorded.study = s.study
    JOIN measure ON measure.id = recorded.measure
    JOIN outcome ON outcome.run = s.run AND outcome.measure = recorded.measure""",
    "pairs": """SELECT s.sweep, study.name AS study, point.ordinal AS point, s.subject, arm.name AS arm,
    other.name AS baseline, measure.name AS outcome, outcome.value, base.value AS baseline_value,
    outcome.value - base.value AS difference, measure.unit
FROM sweep_run AS s
    JOIN arm ON arm.id = s.arm
    JOIN arm AS other ON other.id = arm.baseline
    JOIN sweep_run AS b ON b.study = s.study AND b.subject = s.subject AND b.arm = arm.baseline AND b.point = s.point
    JOIN study ON study.id = s.study
    JOIN point ON point.id = s.point
    JOIN sweep_measure AS recorded ON recorded.study = s.study
    JOIN measure ON measure.id = recorded.measure
    JOIN outcome ON outcome.run = s.run AND outcome.measure = recorded.measure
    JOIN outcome AS base ON base.run = b.run AND base.measure = recorded.measure""",
    "timecourse": f"""SELECT {_NAMES}, measure.name AS course, clock_time.time, clock.unit AS time_unit,
    item.value, measure.unit
FROM {_PLACE}
    JOIN sweep_measure AS recorded ON recorded.study = s.study
    JOIN measure ON measure.id = recorded.measure
    JOIN course ON course.run = s.run AND course.measure = recorded.measure
    JOIN clock ON clock.id = course.clock
    JOIN json_each(course.points) AS item
    JOIN clock_time ON clock_time.clock = course.clock AND clock_time.ordinal = item.key""",
    "settings": """SELECT setting.sweep, arm.name AS arm, setting.path, setting.number, setting.text, setting.unit,
    setting.status, setting.source, setting.origin, setting.parameter, setting.traits,
    setting.low, setting.high
FROM setting JOIN arm ON arm.id = setting.arm""",
    "measures": """SELECT recorded.sweep, study.name AS study, measure.kind, measure.name, recorded.title,
    measure.readout, measure.unit, measure.better, measure.meaning, measure.specification
FROM sweep_measure AS recorded
    JOIN study ON study.id = recorded.study JOIN measure ON measure.id = recorded.measure""",
    "points": """SELECT study.sweep, study.name AS study, point.ordinal AS point, axis.path, v.number, v.text, axis.unit
FROM point JOIN study ON study.id = point.study
    JOIN point_value AS v ON v.point = point.id JOIN axis ON axis.id = v.axis""",
    "traits": """SELECT trait.sweep, v.subject, trait.name AS trait, v.value, trait.unit, trait.path, trait.distribution
FROM trait JOIN trait_value AS v ON v.trait = trait.id""",
    "step_errors": """SELECT study.sweep, study.name AS study, measure.name AS outcome, e.runs,
    e.mean AS mean_change, e.largest AS largest_change, measure.unit
FROM cache_step_error AS e JOIN study ON study.id = e.study JOIN measure ON measure.id = e.measure""",
    "calibrations": """SELECT c.id AS calibration, scenario.name AS scenario,
    lower(hex(scenario.sha256)) AS scenario_sha256, scenario.parameter_set, scenario.parameter_version,
    lower(hex(scenario.parameter_sha256)) AS parameter_sha256, lower(hex(c.findings_sha256)) AS findings_sha256,
    lower(hex(c.source_sha256)) AS source_sha256, lower(hex(c.engine_sha256)) AS engine_sha256, c.seed, c.subjects,
    c.budget, (SELECT count(*) FROM candidate WHERE candidate.calibration = c.id) AS candidates,
    (SELECT min(loss) FROM candidate WHERE candidate.calibration = c.id) AS least_loss,
    c.status, c.created, c.command, lower(hex(c.identity)) AS identity
FROM calibration AS c JOIN scenario ON scenario.id = c.scenario""",
    "candidates": """SELECT calibration, ordinal AS candidate, budget, batch, search, step, loss
FROM candidate""",
    "candidate_parameters": """SELECT c.calibration, c.ordinal AS candidate, p.name AS parameter, v.number, p.unit
FROM candidate AS c JOIN candidate_parameter AS v ON v.candidate = c.id
    JOIN calibration_parameter AS p ON p.calibration = c.calibration AND p.ordinal = v.ordinal""",
    "candidate_criteria": """SELECT c.calibration, c.ordinal AS candidate, k.finding, k.words AS criterion, k.fitted,
    v.number, v.mc_error, k.published, k.low, k.high, k.unit
FROM candidate AS c JOIN candidate_criterion AS v ON v.candidate = c.id
    JOIN calibration_criterion AS k ON k.calibration = c.calibration AND k.ordinal = v.ordinal""",
}


@dataclass(frozen=True)
class Column:
    """A column that comes from what was swept or measured: its SQL name, where it comes from, and the ids behind it."""

    name: str
    path: str
    unit: str
    meaning: str
    ids: tuple[int, ...]
    whole: bool = False


def short_names(paths: Sequence[str], taken: Iterable[str] = ()) -> tuple[str, ...]:
    """Return one column name per path: the shortest tail that no other path shares, joined by ``_``.

    Names differ also when letter case is ignored, as SQLite does, and from those in `taken`; they do not
    depend on the order of `paths` (equal paths are told apart by a number, in order).

    >>> short_names(["plasticity.d1.balance", "plasticity.d2.balance", "modulator.ach.tone"])
    ('d1_balance', 'd2_balance', 'tone')
    """
    tails = {path: _tails(path) for path in paths}
    shared = Counter(tail for path in tails for tail in set(tails[path]))
    used = {name.lower() for name in taken}
    names = {}
    for place in sorted(range(len(paths)), key=lambda i: paths[i]):
        free = [tail for tail in tails[paths[place]] if tail not in used]
        lone = [tail for tail in free if shared[tail] == 1]
        start = name = (lone or free or tails[paths[place]])[0]
        number = 2
        while name in used:
            name, number = f"{start}_{number}", number + 1
        used.add(name)
        names[place] = name
    return tuple(names[place] for place in range(len(paths)))


def _tails(path: str) -> list[str]:
    parts = [re.sub(r"\W", "_", part, flags=re.ASCII).lower() for part in path.split(".")]
    tails = ["_".join(parts[-n:]) for n in range(1, len(parts) + 1)]
    return [tail if not tail[0].isdigit() else f"_{tail}" for tail in tails]


def swept_columns(ask: Ask, taken: Iterable[str] = ()) -> tuple[Column, ...]:
    """Return one column per swept path of the whole file; what is called so by right keeps its name."""
    rows = ask("SELECT id, path, unit, meaning, id IN (SELECT axis FROM whole_axis) FROM axis ORDER BY path, id")
    names = short_names([path for _, path, *_ in rows], (*RESERVED, "status", *MEANINGS, *taken))
    return tuple(
        Column(name, path, unit, meaning, (axis,), bool(whole))
        for name, (axis, path, unit, meaning, whole) in zip(names, rows, strict=True)
    )


def outcome_columns(ask: Ask) -> tuple[Column, ...]:
    """Return the columns of the outcomes of the whole file, each of the outcome's own name.

    SQLite takes names that differ by letter case for one. Where no study has both, both are one column, which holds in
    each row what its own study calls so. A file that an older version wrote may hold more: a study with both, or an
    outcome with the name of a key; these get names that nothing else has.
    """
    rows = ask("SELECT id, name, unit, meaning FROM measure WHERE kind = 'outcome' ORDER BY name, id")
    names = list(dict.fromkeys(name for _, name, *_ in rows))
    beside = ask(
        "SELECT min(measure.name), max(measure.name) FROM sweep_measure AS r JOIN measure ON measure.id = r.measure"
        " WHERE measure.kind = 'outcome' GROUP BY r.study, lower(measure.name)"
        " HAVING min(measure.name) < max(measure.name)"
    )
    apart = {name.lower() for pair in beside for name in pair}
    columns, others = {name: name for name in names if name.lower() not in (*RESERVED, *apart)}, []
    for name in names:
        if name.lower() in apart and name == name.lower() and name not in RESERVED:
            columns[name] = name
        elif name not in columns:
            others.append(name)
    columns.update(zip(others, short_names([f"outcome.{name}" for name in others], (*RESERVED, *columns)), strict=True))
    ids: dict[str, list[int]] = {}
    for number, name, *_ in rows:
        ids.setdefault(columns[name].lower(), []).append(number)
    latest = {name: (unit, meaning) for _, name, unit, meaning in rows}
    return tuple(
        Column(columns[name], f"outcome.{name}", *latest[name], tuple(ids[columns[name].lower()])) for name in names
    )


def view_queries(ask: Ask) -> dict[str, str]:
    """Return what each view of this database selects."""
    swept, wide = _columns(ask)
    spelled = {column.name.lower(): column for column in wide}  # the last spelling of those that are one column
    return dict(_FIXED, runs=_runs(swept), outcomes_wide=_outcomes_wide(swept, list(spelled.values())))


def column_rows(ask: Ask) -> list[tuple[str, str, str, str, str]]:
    """Return the rows of ``columns``: view, name, path, unit, meaning. The views must be there."""
    swept, wide = _columns(ask)
    described = [("runs", c) for c in swept] + [("outcomes_wide", c) for c in (*swept, *wide)]
    rows = [(view, c.name, c.path, c.unit, c.meaning) for view, c in described]
    rows += [
        (view, name, "", "", MEANINGS[name])
        for view in VIEWS
        for _, name, *_ in ask(f"PRAGMA table_info({view})")
        if name in (KEYS if view == "outcomes_wide" else MEANINGS)
    ]
    return rows


def shadow_views(driver: sqlite3.Connection) -> None:
    """Put our own views, and ``columns``, before those of a file that has other ones; for this connection alone."""

    def ask(sql: str) -> Sequence[Sequence[Any]]:
        return driver.execute(sql).fetchall()

    queries = view_queries(ask)
    # The file may lie on a read-only disk, so temporary views must not need a file beside it.
    driver.execute("PRAGMA temp_store = MEMORY")
    for view in VIEWS:
        driver.execute(f"CREATE TEMP VIEW {view} AS {queries[view]}")
    driver.execute(
        "CREATE TEMP TABLE columns (view TEXT, name TEXT, path TEXT, unit TEXT, meaning TEXT, PRIMARY KEY (view, name))"
        " WITHOUT ROWID"
    )
    driver.executemany("INSERT INTO temp.columns VALUES (?, ?, ?, ?, ?)", column_rows(ask))
    driver.commit()


def _columns(ask: Ask) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """Return the columns of swept paths and of outcomes."""
    wide = outcome_columns(ask)
    return swept_columns(ask, [column.name for column in wide]), wide


def write_views(connection: Connection) -> None:
    """Drop and create every view, and fill ``columns``; inside the caller's transaction."""

    def ask(sql: str) -> Sequence[Sequence[Any]]:
        return connection.exec_driver_sql(sql).all()

    queries = view_queries(ask)
    for view in VIEWS:
        # Written anew each time: a column for a new swept path or outcome cannot be added to a view.
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {view}")
        connection.exec_driver_sql(f"CREATE VIEW {view} AS {queries[view]}")
    connection.exec_driver_sql("DELETE FROM columns")
    rows = column_rows(ask)
    connection.exec_driver_sql("INSERT INTO columns (view, name, path, unit, meaning) VALUES (?, ?, ?, ?, ?)", rows)


def _swept_value(column: Column) -> str:
    values = f"FROM point_value AS v WHERE v.point = s.point AND v.axis = {column.ids[0]}"
    number = "CAST(v.number AS INTEGER)" if column.whole else "v.number"
    return f'(SELECT coalesce({number}, v.text) {values}) AS "{column.name}"'


def _outcome_value(column: Column) -> str:
    # A run may hold values of two measures of one name (its window was changed): the study says which is its own.
    # One look-up per column: twice as fast as grouping, and no limit of 64 joined tables.
    listed = ", ".join(str(number) for number in column.ids)
    # The names of measures are numbers of the file itself, never text of a user, so they may stand in the SQL.
    found = f"""SELECT outcome.value FROM sweep_measure AS recorded
        JOIN outcome ON outcome.run = s.run AND outcome.measure = recorded.measure
        WHERE recorded.study = s.study AND recorded.measure IN ({listed})"""
    return f'({found}) AS "{column.name}"'


def _runs(swept: Sequence[Column]) -> str:
    values = ["", *map(_swept_value, swept)]
    return f"""SELECT {_NAMES}, run.status{", ".join(values)}
FROM {_PLACE}
    JOIN run ON run.id = s.run
UNION ALL SELECT {_LOST_NAMES}, 'failed'{", ".join(values)}
FROM {_LOST}
WHERE {_STILL_LOST}"""


def _outcomes_wide(swept: Sequence[Column], outcomes: Sequence[Column]) -> str:
    columns = [_NAMES, *map(_swept_value, swept), *map(_outcome_value, outcomes)]
    return f"""SELECT {", ".join(columns)}
FROM {_PLACE}
    JOIN run ON run.id = s.run AND run.status = 'stored'"""
