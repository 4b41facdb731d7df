"""Writing down what is asked: scenario, sweep, studies, arms, points, resolved settings, traits."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Table, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Connection

import workbench.store.schema as tables
from workbench.component.field_path import field_path
from workbench.scenario.model import Arm, Quantity, Ref, Scenario, Setting
from workbench.solver.batch import Structure
from workbench.store.provenance import UNIDENTIFIED, UNPACKAGED, provenance

if TYPE_CHECKING:
    from workbench.component.declaration import Parameter
    from workbench.plan import Plan, StudyPlan
    from workbench.plan.sources import Resolved
    from workbench.solver.batch import Machine
    from workbench.store.audit import Written

AT_ONCE = 4096
FACTOR = " (a factor on the arm's own value)"
"""What is said of a relative axis: it has no unit, and is another column than an absolute axis of the same path."""


@dataclass(frozen=True)
class StudyRows:
    """Where the rows of one study go: its id, the ids of its arms in order, and the id of its first point."""

    study: int
    arms: NDArray[np.int64]
    first_point: int


def now() -> str:
    """Return the time for people to read; never used for order or identity."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def identity(plan: Plan) -> bytes:
    """Return what makes this sweep this sweep: text, parameters, seed, settings, selection, levels, revisions.

    Library versions, worker counts and times do not enter: the same command continues the same sweep.
    """
    scenario = plan.scenario
    content = [
        [scenario.sha256, scenario.parameters.sha256, plan.seed],
        sorted((path, str(value)) for path, value in plan.settings.items()),
        [[s.name, list(s.arms), s.subjects, len(s.points), _levels(scenario, s.name)] for s in plan.studies],
        sorted({json.dumps([structure.identity.hex(), _recorded(structure)]) for structure in plan.structures()}),
    ]
    return hashlib.sha256(json.dumps(content).encode()).digest()


def _levels(scenario: Scenario, study: str) -> list[list[Any]]:
    # Levels may come from a table beside the scenario, so that its text alone does not fix them.
    axes = scenario.studies[study].axes if study in scenario.studies else ()
    return [[axis.path, axis.relative, axis.zip, axis.arms, [_exact(value) for value in axis.values]] for axis in axes]


def _recorded(structure: Structure) -> list[list[Any]]:
    return [[t.section, t.name, t.component, t.revision, t.source_sha256, t.fields] for t in structure.recordings]


def _exact(value: Any) -> str:
    number, text = number_or_text(value)
    return text or "" if number is None else number.hex()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def register(connection: Connection, plan: Plan, command: str, written: Written) -> tuple[int, dict[str, StudyRows]]:
    """Find or write the sweep of `plan`, inside the caller's transaction.

    Returns
    -------
    (int, dict)
        The sweep's id, and where each study's rows go.
    """
    key = identity(plan)
    found = connection.execute(select(tables.sweep.c.id).where(tables.sweep.c.identity == key)).scalar()
    if found is not None:
        return found, _places(connection, found, plan)
    sweep = _insert(
        connection,
        tables.sweep,
        scenario=scenario_id(connection, plan.scenario),
        identity=key,
        seed=plan.seed,
        subjects=max((s.subjects for s in plan.studies), default=0),
        expected=plan.expected,
        settings=json.dumps({path: str(value) for path, value in sorted(plan.settings.items())}),
        created=now(),
        command=command,
    )
    _arms(connection, sweep, plan)
    for ordinal, study in enumerate(plan.studies):
        _study(connection, sweep, ordinal, study, plan.scenario, written)
    _traits(connection, sweep, plan)
    return sweep, _places(connection, sweep, plan)


def open_invocation(
    connection: Connection, sweep: int, plan: Plan, command: str, workers: int, machine: Machine = ()
) -> int:
    """Write down that a command starts to work on `sweep`, with what its results depend on.

    A `machine` that computes for it and is another one gets a row of its own, with what its results depend on.
    """
    counts = dict.fromkeys(("computed", "reused", "failed", "run_steps", "write_seconds", "draw_seconds"), 0)
    invocation = _insert(
        connection,
        tables.invocation,
        sweep=sweep,
        started=now(),
        command=command,
        workers=workers,
        status="running",
        **counts,
    )
    found = provenance() | dict(machine) | _unpackaged(plan)
    rows = [{"invocation": invocation, "key": key, "value": value} for key, value in found.items()]
    connection.execute(insert(tables.provenance), rows)
    return invocation


def _unpackaged(plan: Plan) -> dict[str, str]:
    """Return the hash of each component that is not installed: without its text nobody can repeat the run.

    And of each component that refers to something that cannot be identified, what that is.
    """
    known, found = plan.scenario.registry, {}
    for table in (table for structure in plan.structures() for table in structure.tables if table.source_sha256):
        component = known.get(table.section, table.component)
        if not component.packaged:
            found[f"{UNPACKAGED}{table.section}.{table.component}"] = table.source_sha256
        if unknown := known.unidentified(component):
            found[f"{UNIDENTIFIED}{table.section}.{table.component}"] = "; ".join(unknown)
    return found


def _insert(connection: Connection, table: Table, **values: Any) -> int:
    key = connection.execute(insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def scenario_id(connection: Connection, scenario: Scenario) -> int:
    """Return the id of a scenario with its parameter set; their texts are kept when first seen."""
    parameters = scenario.parameters
    t = tables.scenario
    same = (
        t.c.sha256 == _bytes(scenario.sha256),
        t.c.parameter_sha256 == _bytes(parameters.sha256),
        t.c.name == scenario.name,
    )
    found = connection.execute(select(t.c.id).where(*same)).scalar()
    if found is not None:
        return int(found)
    return _insert(
        connection,
        t,
        sha256=_bytes(scenario.sha256),
        name=scenario.name,
        title=scenario.title,
        bytes=scenario.text,
        parameter_set=parameters.name,
        parameter_version=parameters.version,
        parameter_sha256=_bytes(parameters.sha256),
        parameter_bytes=parameters.text,
    )


def _bytes(sha256: str) -> bytes:
    # A scenario without a parameter set carries no hash: store that of nothing.
    return bytes.fromhex(sha256) if sha256 else hashlib.sha256(b"").digest()


def _arms(connection: Connection, sweep: int, plan: Plan) -> None:
    used = {arm for study in plan.studies for arm in study.arms}
    arms = [arm for name, arm in plan.scenario.arms.items() if name in used]
    compared = any(arm.compare_with for arm in arms)
    # An arm may be compared with one that comes after it: the ids are chosen first, so that no row is written twice.
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    first = (connection.execute(select(func.max(tables.arm.c.id))).scalar() or 0) + 1
    ids = {arm.name: first + ordinal for ordinal, arm in enumerate(arms)}
    rows: list[dict[str, Any]] = []
    for ordinal, arm in enumerate(arms):
        # Where no arm says what it is compared with, the first one is everybody's baseline.
        baseline = arm.compare_with if compared else arms[0].name
        named = {"id": ids[arm.name], "sweep": sweep, "ordinal": ordinal, "name": arm.name, "title": arm.title}
        said = {"words": in_words(arm, plan.scenario), "condition": arm.condition}
        rows.append({**named, **said, "baseline": ids.get(baseline or "") if baseline != arm.name else None})
    if rows:
        connection.execute(insert(tables.arm), rows)
    for arm in arms:
        rows = [_setting(sweep, ids[arm.name], path, r) for path, r in plan.resolved(arm.name).items()]
        if rows:
            connection.execute(insert(tables.setting), rows)


def in_words(arm: Arm, scenario: Scenario) -> str:
    """Say in one line what an arm changes."""
    titles = scenario.parameters.condition_titles
    parts = [titles.get(arm.condition) or f"condition {arm.condition}"] if arm.condition else []
    parts += [f"without {path}" for path in sorted(arm.without)]
    parts += [f"{path} = {_shown(value)}" for path, value in sorted(arm.set.items())]
    return "; ".join(parts) or "as the scenario stands"


def _shown(value: Setting) -> str:
    if isinstance(value, Quantity):
        return value.text
    return f"parameter {value.name}" if isinstance(value, Ref) else str(value)


def _setting(sweep: int, arm: int, path: str, resolved: Resolved) -> dict[str, Any]:
    number, text = (None, None) if resolved.value is None else number_or_text(resolved.value)
    evidence = resolved.evidence
    return {
        "sweep": sweep,
        "arm": arm,
        "path": path,
        "number": number,
        "text": text,
        "unit": resolved.unit,
        "status": evidence.status if evidence else "",
        "source": evidence.source if evidence else "",
        "origin": resolved.origin,
        "parameter": resolved.parameter or None,
        "traits": ", ".join(resolved.traits) or None,
        "low": _finite(evidence.low if evidence else None),
        "high": _finite(evidence.high if evidence else None),
    }


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def number_or_text(value: Any) -> tuple[float | None, str | None]:
    """Return (number, None) for a number and (None, text) for anything else, in plain Python types."""
    if isinstance(value, Quantity):
        value = value.number
    if _is_number(value):
        return float(value), None
    return None, value if isinstance(value, str) else json.dumps(value, default=str)


def _study(
    connection: Connection, sweep: int, place: int, study: StudyPlan, scenario: Scenario, written: Written
) -> None:
    number = _insert(connection, tables.study, sweep=sweep, ordinal=place, name=study.name, title=study.title)
    declared = scenario.studies[study.name].axes if study.name in scenario.studies else ()
    relative, axes = {axis.path for axis in declared if axis.relative}, dict[str, int]()
    first = (connection.execute(select(func.max(tables.point.c.id))).scalar() or 0) + 1
    for span in _spans(len(study.points)):
        points, values = [], []
        for ordinal in span:
            points.append((first + ordinal, number, ordinal))
            for path, value in study.points[ordinal].items():
                if path not in axes:
                    axes[path] = _axis(connection, scenario, path, path in relative, written)
                values.append((first + ordinal, axes[path], *number_or_text(value)))
        connection.exec_driver_sql("INSERT INTO point (id, study, ordinal) VALUES (?, ?, ?)", points)
        if values:
            connection.exec_driver_sql(
                "INSERT INTO point_value (point, axis, number, text) VALUES (?, ?, ?, ?)", values
            )


def _axis(connection: Connection, scenario: Scenario, path: str, relative: bool, written: Written) -> int:
    unit, meaning = describe_path(scenario, path)
    axis = {"path": path, "unit": "1" if relative else unit, "meaning": meaning + FACTOR if relative else meaning}
    t = tables.axis
    same = (t.c[name] == value for name, value in axis.items())
    found = connection.execute(select(t.c.id).where(*same)).scalar()
    number = int(found) if found is not None else _insert(connection, t, **axis)
    declared = _declared(scenario, path)
    if not relative and declared is not None and (declared.kind == "count" or declared.whole):
        done = connection.execute(upsert(tables.whole_axis).values(axis=number).on_conflict_do_nothing())
        if done.rowcount:
            written.axis_of_whole_numbers(number)
    return number


def describe_path(scenario: Scenario, path: str) -> tuple[str, str]:
    """Return unit and meaning of a settable path, ("1", "") for one that nobody described."""
    section, name, _ = field_path(path)
    if section == "parameter":
        value = scenario.parameters.values.get(name)
        return (value.unit if value else "1"), scenario.parameters.meanings.get(name, "")
    declared = _declared(scenario, path)
    return (declared.unit, declared.doc) if declared else ("1", "")


def _declared(scenario: Scenario, path: str) -> Parameter | None:
    """Return the field at a path of the component tables, None for anything else."""
    section, name, field = field_path(path)
    table = scenario.tables.get(section, {}).get(name)
    return table.component.parameters().get(field) if table else None


def _traits(connection: Connection, sweep: int, plan: Plan) -> None:
    listed = plan.scenario.subjects.traits
    if not listed:
        return
    ids = {
        trait.name: _insert(
            connection,
            tables.trait,
            sweep=sweep,
            name=trait.name,
            path=trait.on,
            distribution=trait.distribution,
            unit=trait.unit,
        )
        for trait in listed
    }
    for subjects in _spans(max(s.subjects for s in plan.studies)):
        for name, drawn in plan.traits(subjects).items():
            rows = list(zip([ids[name]] * len(subjects), subjects, drawn.tolist(), strict=True))
            connection.exec_driver_sql("INSERT INTO trait_value (trait, subject, value) VALUES (?, ?, ?)", rows)


def _spans(total: int) -> Iterator[range]:
    return (range(start, min(start + AT_ONCE, total)) for start in range(0, total, AT_ONCE))


def _places(connection: Connection, sweep: int, plan: Plan) -> dict[str, StudyRows]:
    arms = {row.name: row.id for row in connection.execute(select(tables.arm).where(tables.arm.c.sweep == sweep))}
    places = {}
    for row in connection.execute(select(tables.study).where(tables.study.c.sweep == sweep)).all():
        study = next(s for s in plan.studies if s.name == row.name)
        first = connection.execute(select(func.min(tables.point.c.id)).where(tables.point.c.study == row.id)).scalar()
        places[row.name] = StudyRows(
            row.id, np.array([arms[name] for name in study.arms], dtype=np.int64), int(first or 0)
        )
    return places
