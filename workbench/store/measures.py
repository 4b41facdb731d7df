"""Ids of what the chunks of a sweep name: measures, structures, clocks; written down when first seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection

import workbench.store.schema as tables
from workbench.component.registry import Registry
from workbench.protocol.span import parse_span
from workbench.scenario.model import Scenario
from workbench.solver.batch import RECORDINGS, Declared, Structure
from workbench.store.audit import Written
from workbench.store.views import write_views


class IdCache:
    """What one sweep's chunks have named so far.

    Methods work inside the caller's transaction; where that is rolled back, `forget` must follow.
    """

    def __init__(self, sweep: int, scenario: Scenario) -> None:
        self._sweep, self._scenario = sweep, scenario
        self._measures: dict[tuple[int, Declared], int] = {}
        self._structures: dict[bytes, int] = {}
        self._clocks: dict[tuple[str, tuple[float, ...]], int] = {}

    def forget(self) -> None:
        """Drop all ids: the rows behind some of them may be gone."""
        self._measures.clear()
        self._structures.clear()
        self._clocks.clear()

    def measures(
        self, connection: Connection, study: int, structure: Structure, written: Written
    ) -> dict[Declared, int]:
        """Return the ids of what a study records of runs of this structure; new ones get their columns."""
        fresh = [declared for declared in structure.recordings if (study, declared) not in self._measures]
        for declared in sorted(fresh, key=self._place):
            number = _find_or_insert(connection, tables.measure, vars(measure_of(declared, self._scenario.registry)))
            table = self._scenario.tables.get(declared.section, {}).get(declared.name)
            link = {"sweep": self._sweep, "study": study, "measure": number, "title": table.title if table else ""}
            done = connection.execute(insert(tables.sweep_measure).values(link).on_conflict_do_nothing())
            if done.rowcount:
                written.recorded(study, [number])
            self._measures[study, declared] = number
        if fresh:
            write_views(connection)
        return {declared: self._measures[study, declared] for declared in structure.recordings}

    def _place(self, declared: Declared) -> tuple[bool, int]:
        # Ids then follow the scenario, and so does every list of outcomes.
        named = list(self._scenario.tables.get(declared.section, {}))
        return declared.section == "course", named.index(declared.name) if declared.name in named else len(named)

    def structure(self, connection: Connection, structure: Structure) -> int:
        """Return the id of a structure, kept with its acting tables so that a run can be traced to them."""
        key = structure.identity
        if key not in self._structures:
            acting = [t for t in structure.tables if t.section not in RECORDINGS]
            text = json.dumps(
                [[t.section, t.name, t.component, t.revision, t.source_sha256, dict(t.fields)] for t in acting]
            )
            self._structures[key] = _find_or_insert(
                connection, tables.structure, {"sha256": key, "specification": text}
            )
        return self._structures[key]

    def clock(self, connection: Connection, unit: str, times: tuple[float, ...]) -> int:
        """Return the id of the times at which a course was recorded."""
        if (unit, times) not in self._clocks:
            content = json.dumps([unit, [time.hex() for time in times]])
            key = hashlib.sha256(content.encode()).digest()
            number = _find_or_insert(connection, tables.clock, {"sha256": key, "unit": unit})
            rows = [{"clock": number, "ordinal": i, "time": time} for i, time in enumerate(times)]
            if rows:
                connection.execute(insert(tables.clock_time).on_conflict_do_nothing(), rows)
            self._clocks[unit, times] = number
        return self._clocks[unit, times]


def _find_or_insert(connection: Connection, table: Table, values: Mapping[str, Any]) -> int:
    connection.execute(insert(table).values(**values).on_conflict_do_nothing())
    found = connection.execute(select(table.c.id).where(table.c.sha256 == values["sha256"])).scalar_one()
    return int(found)


@dataclass(frozen=True)
class Measure:
    """One outcome or course with everything that decides its value, given the run.

    Attributes
    ----------
    sha256 : bytes
        Over kind, name, readout, revision and settings: a changed window is another measure.
    better : str
        "lower", "higher" or "": which direction is an improvement.
    specification : str
        The settings as JSON.
    """

    kind: str
    name: str
    sha256: bytes
    readout: str
    unit: str
    meaning: str
    better: str
    specification: str


def measure_of(declared: Declared, registry: Registry) -> Measure:
    """Describe one recording of a structure."""
    specification = json.dumps(dict(declared.fields), sort_keys=True)
    content = [
        declared.section,
        declared.name,
        declared.component,
        declared.revision,
        declared.source_sha256,
        specification,
    ]
    component = registry.get(declared.section, declared.component)
    return Measure(
        kind=declared.section,
        name=declared.name,
        sha256=hashlib.sha256(json.dumps(content).encode()).digest(),
        readout=declared.component,
        unit=getattr(component, "unit", "1"),
        meaning=getattr(component, "meaning", "") or component.summary(),
        better=getattr(component, "better", ""),
        specification=specification,
    )


def time_unit(structure: Structure, declared: Declared) -> str:
    """Return the unit of a course's times: trials on the trial and flow clocks, hours on the event and tick clocks.

    The course's own settings say which (`every` counts trials, `interval` hours); a course without them
    follows the phase that its window names, or the clock that its protocol runs on.
    """
    fields = dict(declared.fields)
    if fields.get("every") or fields.get("interval"):
        return "trial" if fields.get("every") else "h"
    clocks = {table.name: table.component for table in structure.tables if table.section == "phase"}
    span = fields.get("window")
    phase = parse_span(span).phase if span else ""
    running = {clocks[phase]} if phase in clocks else set(clocks.values())
    return "trial" if running & {"trial", "flow"} else "h"
