"""The log of a refit: every candidate that was simulated, stored at once, so that a killed search can be continued."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Table, func, insert, select, update

import workbench.store.schema as tables
from workbench.store.provenance import provenance
from workbench.store.register import now, scenario_id
from workbench.store.session import WriteSession

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Row

    from workbench.component.arrays import Array
    from workbench.scenario.model import Scenario


ENGINE = ("numpy", "scipy", "simd")
"""What the bits of a result depend on in addition to our own code."""


@dataclass(frozen=True)
class Sought:
    """What shapes the answer of every candidate, and the path of the search.

    Attributes
    ----------
    parameters : tuple of (name, unit, shipped, low, high)
    criteria : tuple of (finding, words, fitted, unit, published, error, low, high)
    findings_sha256 : str
        The hash over all that the findings say.
    structures : tuple of str
        Identities of the circuits that are run: components with their revisions.
    """

    scenario: Scenario
    parameters: tuple[tuple[str, str, float, float, float], ...]
    criteria: tuple[tuple[str, str, int, str, float | None, float, float | None, float | None], ...]
    findings_sha256: str
    structures: tuple[str, ...]
    seed: int
    subjects: int

    @property
    def parts(self) -> dict[str, bytes | int]:
        """What must be equal for a log to be continued, by column of ``calibration``; its other parts are lists."""
        versions = provenance()
        engine = [*self.structures, *(versions[name] for name in ENGINE)]
        return {
            "findings_sha256": bytes.fromhex(self.findings_sha256),
            "source_sha256": bytes.fromhex(versions["source_sha256"]),
            "engine_sha256": _hashed(json.dumps(engine)),
            "seed": self.seed,
            "subjects": self.subjects,
        }

    @property
    def identity(self) -> bytes:
        """The key of the log. The budget is no part of it: a candidate's answer is the same under any budget."""
        parts = {name: value.hex() if isinstance(value, bytes) else value for name, value in self.parts.items()}
        scenario = self.scenario
        whole = [scenario.name, scenario.sha256, scenario.parameters.sha256, parts, self.parameters]
        return _hashed(json.dumps(whole))


class CandidateLog(WriteSession):
    """The candidates of one calibration in a database; one process writes, others may read at any time.

    Attributes
    ----------
    path : Path
    calibration : int
        Its id.
    stored : int
        How many candidates it held when it was opened.
    said : str
        Whether it goes on or begins anew, and why.
    """

    def __init__(self, path: Path, sought: Sought, budget: int, command: str, lock_timeout: float) -> None:
        super().__init__(path, lock_timeout, command)
        try:
            with self._recording(command, "calibration", budget=budget) as (connection, written):
                self.calibration, self.said = _opened(connection, sought, budget, command)
                written.facts["calibration"] = self.calibration
                c = tables.candidate.c
                count = select(func.count()).where(c.calibration == self.calibration)
                self.stored = self._next = int(connection.execute(count).scalar_one())
        except BaseException:
            self.close()
            raise
        self._budget, self._command = budget, command

    def known(self) -> Iterator[tuple[str, Array, tuple[Array, tuple[float | None, ...]]]]:
        """Yield the stored candidates: search, values of the parameters, values and errors of the first criteria."""
        c, p, k = tables.candidate.c, tables.candidate_parameter.c, tables.candidate_criterion.c
        with self._transaction() as connection:
            mine = select(c.id, c.search).where(c.calibration == self.calibration).order_by(c.ordinal)
            rows = connection.execute(mine).all()
            ids = select(c.id).where(c.calibration == self.calibration)
            asked = select(p.candidate, p.number).where(p.candidate.in_(ids)).order_by(p.candidate, p.ordinal)
            values = _grouped(connection.execute(asked))
            asked_too = select(k.candidate, k.number, k.mc_error).where(k.candidate.in_(ids))
            found = _grouped(connection.execute(asked_too.order_by(k.candidate, k.ordinal)))
        for row in rows:
            numbers = np.array([np.nan if number is None else number for number, _ in found[row.id]])
            errors = tuple(error for _, error in found[row.id])
            yield row.search, np.array([number for (number,) in values[row.id]]), (numbers, errors)

    def store(
        self,
        search: str,
        step: int,
        batch: int,
        candidates: Array,
        values: Array,
        losses: Sequence[float | None],
        errors: Sequence[Sequence[float | None]] | None = None,
    ) -> None:
        """Store candidates (candidates, parameters) with the values (candidates, criteria) of the first criteria.

        All in one transaction: what this has returned from survives any end of the process.
        """
        with self._recording(self._command, "candidates", calibration=self.calibration) as (connection, _):
            first = (connection.execute(select(func.max(tables.candidate.c.id))).scalar() or 0) + 1
            rows, numbers, found = [], [], []
            for i, loss in enumerate(losses):
                place = (self._budget, batch, search, step)
                rows.append((first + i, self.calibration, self._next + i, *place, loss))
                numbers += [(first + i, j, number) for j, number in enumerate(candidates[i].tolist())]
                made = errors[i] if errors is not None else [None] * values.shape[1]
                pairs = zip(values[i].tolist(), made, strict=True)
                found += [(first + i, j, _finite(number), error) for j, (number, error) in enumerate(pairs)]
            _fill(connection, tables.candidate, rows)
            _fill(connection, tables.candidate_parameter, numbers)
            _fill(connection, tables.candidate_criterion, found)
        self._next += len(losses)

    def finish(self, status: str) -> None:
        """Write down how the command ended."""
        t = tables.calibration
        ended = {"calibration": self.calibration, "status": status}
        with self._recording(self._command, "finished", **ended) as (connection, _):
            connection.execute(update(t).where(t.c.id == self.calibration).values(status=status))


def _grouped(rows: Iterable[Any]) -> dict[int, list[tuple[Any, ...]]]:
    """Return what follows the candidate's id in each row, by that id."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    for candidate, *numbers in rows:
        found.setdefault(candidate, []).append(tuple(numbers))
    return found


def _opened(connection: Connection, sought: Sought, budget: int, command: str) -> tuple[int, str]:
    """Return the id of the log to write to, and what is said of it."""
    t, identity = tables.calibration, sought.identity
    scenario = scenario_id(connection, sought.scenario)
    changes = {"budget": budget, "status": "running", "command": command}
    found = connection.execute(select(t).where(t.c.identity == identity)).one_or_none()
    if found is not None:
        connection.execute(update(t).where(t.c.id == found.id).values(**changes))
        more = f", with a budget of {budget:,} instead of {found.budget:,}" if budget != found.budget else ""
        return int(found.id), f"continues calibration {found.id}{more}"
    said = _difference(connection, sought, scenario)
    row = {"scenario": scenario, "identity": identity, **sought.parts, **changes, "created": now()}
    key = connection.execute(insert(t).values(row)).inserted_primary_key
    assert key is not None
    number = int(key[0])
    _fill(connection, tables.calibration_parameter, [(number, i, *line) for i, line in enumerate(sought.parameters)])
    _fill(connection, tables.calibration_criterion, [(number, i, *line) for i, line in enumerate(sought.criteria)])
    return number, f"begins calibration {number}{said}"


def _difference(connection: Connection, sought: Sought, scenario: int) -> str:
    """Say what differs from the newest calibration of this scenario, so that its candidates cannot be used."""
    c, s = tables.calibration, tables.scenario
    asked = select(c, s.c.sha256, s.c.parameter_sha256).join(s, s.c.id == c.c.scenario)
    last = connection.execute(asked.where(s.c.name == sought.scenario.name).order_by(c.c.id.desc())).first()
    if last is None:
        return ""
    changed = [words for words, same in _same(connection, sought, scenario, last) if not same]
    return f" anew: {', '.join(changed) or 'something else'} changed since calibration {last.id}"


def _same(connection: Connection, sought: Sought, scenario: int, last: Row[Any]) -> Iterator[tuple[str, bool]]:
    t = tables.calibration_parameter
    names = connection.execute(select(t.c.name).where(t.c.calibration == last.id).order_by(t.c.ordinal)).scalars()
    here = connection.execute(select(tables.scenario).where(tables.scenario.c.id == scenario)).one()
    parts = sought.parts
    yield "the scenario", here.sha256 == last.sha256
    yield "the parameter set", here.parameter_sha256 == last.parameter_sha256
    yield "the findings", parts["findings_sha256"] == last.findings_sha256
    yield "the parameters that move", list(names) == [name for name, *_ in sought.parameters]
    yield "the seed", sought.seed == last.seed
    yield "the number of subjects", sought.subjects == last.subjects
    yield "the workbench", parts["source_sha256"] == last.source_sha256
    yield "libraries, processor or components", parts["engine_sha256"] == last.engine_sha256


def _fill(connection: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    """Insert rows, their values in the order of the columns."""
    placeholders = ", ".join("?" * len(table.columns))
    connection.exec_driver_sql(f"INSERT INTO {table.name} VALUES ({placeholders})", rows)


def _finite(number: float) -> float | None:
    return number if np.isfinite(number) else None


def _hashed(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
