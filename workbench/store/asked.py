"""What a sweep asked for, as the keys of its runs know it: planned now, or as a database holds it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import StorageError
from workbench.scenario.base import WRITTEN_WHOLE
from workbench.scenario.shipped_files import parameter_file
from workbench.scenario.text.document import Document
from workbench.solver.batch import ENGINE_REVISION, RECORDINGS
from workbench.store.damage import damaged
from workbench.store.register import FACTOR, number_or_text

if TYPE_CHECKING:
    from workbench.plan import Plan

SEEN = 8
"""Subjects whose traits are compared: a changed distribution moves the first of them already."""


@dataclass(frozen=True)
class ResolvedValue:
    """One resolved value of an arm: a number or a text, where it comes from, and the parameter behind it."""

    number: float | None
    text: str | None
    unit: str = ""
    origin: str = ""
    parameter: str = ""
    traits: str = ""

    @property
    def content(self) -> tuple[float | None, str | None, str]:
        """The part of it that enters the key of a run."""
        return self.number, self.text, self.traits

    def __str__(self) -> str:
        if self.number is None:
            return "nothing" if self.text is None else self.text
        return f"{self.number!r} {self.unit}" if self.unit not in ("", "1") else f"{self.number!r}"


@dataclass(frozen=True)
class StudyGrid:
    """The points of one study: how many, and the values of each path; those of `relative` paths are factors."""

    points: int
    levels: Mapping[str, frozenset[str]]
    relative: frozenset[str]


@dataclass(frozen=True)
class Made:
    """What a table is made of: its component, the revision of that and the hash of its source where it is not ours.

    `unknown` is what the component refers to and nothing can identify: its runs are never used again.
    """

    component: str
    revision: int
    source: str
    unknown: str = ""


@dataclass(frozen=True)
class Asked:
    """Everything of one sweep that its runs are identified by, and the texts that say it.

    Attributes
    ----------
    sweep : int
        Its id in the database; 0 for one that is only planned.
    values : mapping arm -> path -> ResolvedValue
    traits : mapping name -> values of the first subjects
    made : mapping (section, name) -> Made
        Empty where no run of the sweep is stored.
    engines : frozenset of int
        Revisions of the engine; empty where they are unknown.
    missing : int
        Runs that it asked for and that are not stored.
    """

    sweep: int
    created: str
    scenario: str
    document: Document
    parameters: bytes
    parameter_file: str
    seed: int
    subjects: int
    settings: Mapping[str, str]
    values: Mapping[str, Mapping[str, ResolvedValue]]
    grids: Mapping[str, StudyGrid]
    traits: Mapping[str, tuple[float, ...]]
    made: Mapping[tuple[str, str], frozenset[Made]]
    engines: frozenset[int]
    missing: int = 0
    versions: Mapping[str, str] | None = None


def planned(plan: Plan) -> Asked:
    """Return what a plan asks for."""
    scenario, arms = plan.scenario, dict.fromkeys(arm for study in plan.studies for arm in study.arms)
    values = {arm: {path: _value(r) for path, r in plan.resolved(arm).items()} for arm in arms}
    grids = {}
    for study in plan.studies:
        axes = scenario.studies[study.name].axes if study.name in scenario.studies else ()
        levels = {p: frozenset(map(_exact, v)) for group in study.points.groups for p, v in group.levels.items()}
        grids[study.name] = StudyGrid(len(study.points), levels, frozenset(axis.path for axis in axes if axis.relative))
    most = max((study.subjects for study in plan.studies), default=0)
    draws = plan.traits(range(min(SEEN, most))) if scenario.subjects.traits else {}
    made: dict[tuple[str, str], set[Made]] = {}
    for table in (table for structure in plan.structures() for table in structure.tables):
        if table.section not in RECORDINGS:
            unknown = scenario.registry.unidentified(scenario.registry.get(table.section, table.component))
            one = Made(table.component, table.revision, table.source_sha256, "; ".join(unknown))
            made.setdefault((table.section, table.name), set()).add(one)
    name = scenario.parameters.name
    file = parameter_file(name, Path(scenario.file).parent) if name else None
    return Asked(
        sweep=0,
        created="",
        scenario=scenario.name,
        document=scenario.document or Document(scenario.text, scenario.file, []),
        parameters=scenario.parameters.text,
        parameter_file=str(file or f"{name}.toml"),
        seed=plan.seed,
        subjects=most,
        settings=plan.settings,
        values=values,
        grids=grids,
        traits={name: tuple(drawn.tolist()) for name, drawn in draws.items()},
        made={key: frozenset(found) for key, found in made.items()},
        engines=frozenset({ENGINE_REVISION}),
    )


def _value(resolved: Any) -> ResolvedValue:
    number, text = (None, None) if resolved.value is None else number_or_text(resolved.value)
    traits = ", ".join(resolved.traits)
    return ResolvedValue(number, text, resolved.unit, resolved.origin, resolved.parameter, traits)


def _exact(value: Any) -> str:
    number, text = number_or_text(value)
    return _level(number, text)


def _level(number: float | None, text: str | None) -> str:
    return repr(number) if number is not None else str(text)


def _file_of(name: str, text: bytes) -> str:
    """Return the name of the file that a line belongs to: a text merged from several files has lines of its own."""
    return f"{name}.toml as stored" if text.startswith(WRITTEN_WHOLE.encode()) else f"{name}.toml"


_SWEEP = """SELECT sweep.created, scenario.name, scenario.bytes, scenario.parameter_bytes, scenario.parameter_set,
    scenario.sha256, scenario.parameter_sha256,
    sweep.seed, sweep.subjects, sweep.settings,
    sweep.expected
        - (SELECT count(*) FROM study JOIN sweep_run AS s ON s.study = study.id WHERE study.sweep = sweep.id)
FROM sweep JOIN scenario ON scenario.id = sweep.scenario WHERE sweep.id = ?"""
_VALUES = """SELECT arm.name, v.path, v.number, v.text, v.unit, v.origin, coalesce(v.parameter, ''),
    coalesce(v.traits, '')
FROM arm LEFT JOIN setting AS v ON v.arm = arm.id WHERE arm.sweep = ?"""
_LEVELS = """SELECT DISTINCT study.name, axis.path, v.number, v.text, axis.meaning
FROM study JOIN point ON point.study = study.id JOIN point_value AS v ON v.point = point.id
    JOIN axis ON axis.id = v.axis WHERE study.sweep = ?"""
_POINTS = """SELECT study.name, count(point.id) FROM study LEFT JOIN point ON point.study = study.id
WHERE study.sweep = ? GROUP BY study.id"""
_TRAITS = """SELECT trait.name, v.value FROM trait JOIN trait_value AS v ON v.trait = trait.id
WHERE trait.sweep = ? AND v.subject < ? ORDER BY v.subject"""
_STRUCTURES = """SELECT DISTINCT structure.sha256, structure.specification
FROM study JOIN sweep_run AS s ON s.study = study.id
    AND s.subject = (SELECT min(o.subject) FROM sweep_run AS o WHERE o.study = study.id)
    JOIN run ON run.id = s.run JOIN structure ON structure.id = run.structure
WHERE study.sweep = ?"""
_VERSIONS = """SELECT p.key, p.value FROM provenance AS p WHERE p.invocation =
    (SELECT max(id) FROM invocation WHERE sweep = ?) AND p.key IN ('workbench', 'git_commit')"""


def stored(connection: sqlite3.Connection, sweep: int, path: Path) -> Asked:
    """Return what a stored sweep asked for; `path` is the database, for messages.

    Raises
    ------
    StorageError
        If its texts are not as they were written.
    """
    try:
        return _stored(connection, sweep)
    except (ValueError, TypeError, AttributeError) as fault:
        raise damaged(path, f"what sweep {sweep} asked for ({fault})") from fault


def readable(connection: sqlite3.Connection, sweeps: Iterable[int], path: Path) -> Iterator[Asked]:
    """Yield what some stored sweeps asked for; one whose texts are damaged stops no other."""
    for sweep in sweeps:
        with suppress(StorageError):
            yield stored(connection, sweep, path)


def _stored(connection: sqlite3.Connection, sweep: int) -> Asked:
    ask = connection.execute
    created, name, text, parameters, chosen, *hashes, seed, subjects, settings, missing = ask(
        _SWEEP, (sweep,)
    ).fetchone()
    if [hashlib.sha256(one).digest() for one in (text, parameters)] != hashes:
        raise ValueError("its scenario or parameter set has another hash than the one stored")
    values: dict[str, dict[str, ResolvedValue]] = {}
    for arm, path, *rest in ask(_VALUES, (sweep,)):
        values.setdefault(arm, {})
        if path is not None:
            values[arm][path] = ResolvedValue(*rest)
    levels: dict[str, dict[str, set[str]]] = {}
    relative: dict[str, set[str]] = {}
    for study, path, number, word, meaning in ask(_LEVELS, (sweep,)):
        levels.setdefault(study, {}).setdefault(path, set()).add(_level(number, word))
        if meaning.endswith(FACTOR):
            relative.setdefault(study, set()).add(path)
    grids = {
        study: StudyGrid(
            points,
            {path: frozenset(found) for path, found in levels.get(study, {}).items()},
            frozenset(relative.get(study, ())),
        )
        for study, points in ask(_POINTS, (sweep,))
    }
    traits: dict[str, list[float]] = {}
    for trait, value in ask(_TRAITS, (sweep, SEEN)):
        traits.setdefault(trait, []).append(value)
    made, engines = _made(ask(_STRUCTURES, (sweep,)).fetchall())
    return Asked(
        sweep=sweep,
        created=created,
        scenario=name,
        document=Document(bytes(text), _file_of(name, text), []),
        parameters=bytes(parameters),
        parameter_file=f"{chosen}.toml",
        seed=seed,
        subjects=subjects,
        settings=json.loads(settings),
        values=values,
        grids=grids,
        traits={trait: tuple(found) for trait, found in traits.items()},
        made=made,
        engines=engines,
        missing=missing,
        versions=dict(ask(_VERSIONS, (sweep,)).fetchall()),
    )


def _made(structures: list[tuple[bytes, str]]) -> tuple[dict[tuple[str, str], frozenset[Made]], frozenset[int]]:
    """Return what each table is made of, and the engine's revisions, of stored structures."""
    made: dict[tuple[str, str], set[Made]] = {}
    engines: set[int] = set()
    for sha, specification in structures:
        tables = json.loads(specification)
        for section, name, component, revision, source, _ in tables:
            made.setdefault((section, name), set()).add(Made(component, revision, source))
        engines.update(engines_of(bytes(sha), tables))
    return {key: frozenset(found) for key, found in made.items()}, frozenset(engines)


def engines_of(sha: bytes, tables: list[list[Any]]) -> list[int]:
    """Return which revisions of the engine a stored structure can be of."""
    # The engine's revision is in the hash alone. Streams of their own are not kept: their structures tell nothing.
    listed = sorted([*head, sorted([k, v] for k, v in fields.items())] for *head, fields in tables)
    return [
        revision
        for revision in range(ENGINE_REVISION + 1)
        if hashlib.sha256(json.dumps([revision, listed], sort_keys=True).encode()).digest() == sha
    ]
