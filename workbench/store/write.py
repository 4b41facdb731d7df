"""The one writer: each batch of runs is stored whole, once, in one transaction."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import null, select
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.dialects.sqlite import insert as insert_into
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

import workbench.store.schema as tables
from workbench.errors import OtherRuns
from workbench.solver.batch import BatchResult, Declared
from workbench.store.audit import Written
from workbench.store.complete import complete_runs
from workbench.store.measures import IdCache
from workbench.store.register import StudyRows, open_invocation, register
from workbench.store.rows import (
    Rows,
    asking,
    good_runs,
    insert,
    insert_course,
    insert_failures,
    insert_outcomes,
    insert_runs,
)
from workbench.store.session import WriteSession
from workbench.store.views import write_views
from workbench.store.whole import ask_again

if TYPE_CHECKING:
    from workbench.plan import BatchPlan, Plan
    from workbench.solver.batch import Machine
    from workbench.solver.steps_halved import StepError


def _link_statement() -> str:
    # A place that holds another run already must never change hands: make that a NULL, which the table refuses.
    t = tables.sweep_run
    statement = insert_into(t)
    return str(
        statement.on_conflict_do_update(
            index_elements=[t.c.study, t.c.subject, t.c.arm, t.c.point],
            set_={"run": null()},
            where=t.c.run != statement.excluded.run,
        ).compile(dialect=dialect())
    )


LINK = _link_statement()


@dataclass
class Tally:
    """What one command did so far.

    Attributes
    ----------
    computed, failed : int
        Runs computed, and those of them that failed.
    lost : int
        Places, among the failed ones of this command, whose run was lost with the process that computed it.
    reused, reused_failed : int
        Places filled by runs that were there (or came with an equal run), and those of them that had failed.
        `computed` and `reused` add up to the places visited.
    """

    computed: int = 0
    failed: int = 0
    lost: int = 0
    reused: int = 0
    reused_failed: int = 0
    run_steps: int = 0
    write_seconds: float = 0.0
    draw_seconds: float = 0.0


@dataclass
class _Share:
    """What another machine computed: its invocation, and how many runs."""

    invocation: int
    computed: int = 0
    failed: int = 0
    run_steps: int = 0


@dataclass(frozen=True)
class _Begun:
    """The sweep being written."""

    sweep: int
    invocation: int
    command: str
    places: Mapping[str, StudyRows]
    ids: IdCache
    plan: Plan
    machines: dict[Machine, _Share] = field(default_factory=dict)
    started: float = field(default_factory=perf_counter)


def open_writer(path: str | Path, *, lock_timeout: float = 30.0, command: str = "") -> Writer:
    """Open `path` for writing, creating the database if there is none; a context manager.

    Parameters
    ----------
    lock_timeout : float, seconds
        How long to wait while another process writes.
    command : str
        What is asked, for the audit of a new file.

    Raises
    ------
    StorageError
        If the file is not ours, damaged, too new, read-only, or held by another writer.
    """
    return Writer(Path(path), lock_timeout, command)


class Writer(WriteSession):
    """Writes sweeps into one database: `begin`, then for each chunk `missing` and `store`, then `finish`.

    What `store` has returned from survives any end of the process. Storing the same runs again changes nothing.

    Attributes
    ----------
    tally : Tally
        Counts and seconds since `begin`.
    """

    def __init__(self, path: Path, lock_timeout: float, command: str = "") -> None:
        super().__init__(path, lock_timeout, command)
        self.tally = Tally()
        self._begun: _Begun | None = None
        self._lost: dict[bytes, str] = {}

    def begin(self, plan: Plan, *, command: str = "", workers: int = 1) -> int:
        """Write down what `plan` asks for, or find it, and return the sweep's id.

        The same scenario, parameters, seed, settings, arms and subjects continue the same sweep.
        """
        self.tally, self._lost = Tally(), {}
        with self._recording(command, "sweep") as (connection, written):
            sweep, places = register(connection, plan, command, written)
            invocation = open_invocation(connection, sweep, plan, command, workers)
            write_views(connection)
            written.facts |= {"sweep": sweep, "invocation": invocation, "expected": plan.expected}
        self._begun = _Begun(sweep, invocation, command, places, IdCache(sweep, plan.scenario), plan)
        return sweep

    def missing(self, batch_plan: BatchPlan) -> Rows:
        """Return the rows of `chunk` that must be computed, each key once; rows that exist are linked.

        A run exists if it failed, or if it holds every outcome and course that the chunk's study records. One that an
        earlier command lost does not exist; one that this command has lost is not asked for again.
        """
        keys = batch_plan.batch.keys
        with self._record_batch(batch_plan) as (connection, written):
            needed: dict[str, list[int]] = {"outcome": [], "course": []}
            for declared, number in self._measures(connection, batch_plan, written).items():
                needed[declared.section].append(number)
            complete = complete_runs(asking(connection), keys, needed)
            there = [i for i, key in enumerate(keys) if key in complete]
            self._link(connection, batch_plan, there, [complete[keys[i]][0] for i in there], written)
            gone = [i for i, key in enumerate(keys) if key in self._lost and key not in complete]
            self._lose(connection, batch_plan, gone, written)
            written.facts |= {"computed": 0, "failed": 0}
        self._count_lost(len(gone), 0)
        self.tally.reused += len(there)
        self.tally.reused_failed += sum(complete[keys[i]][1] for i in there)
        passed = complete.keys() | self._lost.keys()
        # From the end on, so that of equal keys the first row remains: it alone is computed, the others are linked.
        first = {key: i for i, key in reversed(list(enumerate(keys))) if key not in passed}
        return np.array(sorted(first.values()), dtype=np.int64)

    def store(self, batch_plan: BatchPlan, rows: Rows, result: BatchResult) -> None:
        """Store what the solver said of the rows of `chunk` that `missing` returned (or a part of them).

        Runs that were lost go into no table of results, so that the next command computes them; the command that lost
        them writes down which, and why. Another machine that computed them has an invocation of its own, which the
        audit names beside the runs.

        Raises
        ------
        ValueError
            If the result is of other runs, lacks a recording, or holds a number that is not finite
            for a run that did not fail. Nothing of the chunk is stored then.
        """
        if tuple(batch_plan.batch.keys[i] for i in rows) != result.keys:
            raise ValueError(f"the result's {len(result.keys)} keys are not those of the {len(rows)} rows to store")
        lost = {result.keys[i]: f.reason for i, f in result.failures.items() if f.lost}
        # A run whose process died is no result: it keeps its place empty and is computed again next time.
        if lost:
            there = np.array([i for i, key in enumerate(result.keys) if key not in lost], dtype=np.int64)
            rows, result = rows[there], result.take(there)
        # One transaction for runs, outcomes, courses, failures and places: after a kill a run is stored with all of
        # them or not at all.
        with self._record_batch(batch_plan) as (connection, written), _without_collecting():
            gone = [i for i, key in enumerate(batch_plan.batch.keys) if key in lost]
            self._lost.update(lost)
            # In the transaction of the results: a kill between the two would forget which runs were lost.
            self._lose(connection, batch_plan, gone, written)
            measures = self._measures(connection, batch_plan, written)
            ids = self._current().ids
            runs, first = insert_runs(connection, ids, batch_plan, rows, result, written)
            good = good_runs(result, runs, first)
            insert_outcomes(connection, result, good, measures, written)
            for course in (item for item in measures.items() if item[0].section == "course" and len(good.rows)):
                insert_course(connection, ids, batch_plan, result, good, course, written)
            insert_failures(connection, result, runs, first, written)
            by_key = dict(zip(result.keys, runs, strict=True))
            filled = [i for i, key in enumerate(batch_plan.batch.keys) if key in by_key]
            self._link(connection, batch_plan, filled, [by_key[batch_plan.batch.keys[i]] for i in filled], written)
            written.facts |= {"computed": len(rows), "failed": len(result.failures)}
            machines = {machine: self._invocation_of(connection, machine) for machine in result.machines}
            if machines:
                written.facts["machines"] = sorted(machines.values())
        for machine, invocation in machines.items():
            self._share(machine, invocation, result)
        self._count(result, [batch_plan.batch.keys[i] for i in filled])
        self._count_lost(len(gone), len(lost))

    def _invocation_of(self, connection: Connection, machine: Machine) -> int:
        begun = self._current()
        if machine in begun.machines:
            return begun.machines[machine].invocation
        return open_invocation(connection, begun.sweep, begun.plan, begun.command, 0, machine)

    def _share(self, machine: Machine, invocation: int, result: BatchResult) -> None:
        share = self._current().machines.setdefault(machine, _Share(invocation))
        share.computed += len(result.keys)
        share.failed += len(result.failures)
        share.run_steps += _steps_of(result)

    def lacks_steps(self, batch_plan: BatchPlan) -> bool:
        """Return whether nothing is known of the step's error in the study of `chunk`."""
        t, study = tables.cache_step_error, self._current().places[batch_plan.study].study
        with self._transaction() as connection:
            return connection.execute(select(t.c.runs).where(t.c.study == study).limit(1)).first() is None

    def note_steps(self, batch_plan: BatchPlan, errors: Iterable[StepError]) -> None:
        """Write down what halving the step changed in a sample of runs of a study."""
        study = self._current().places[batch_plan.study].study
        with self._record_batch(batch_plan) as (connection, written):
            measures = self._measures(connection, batch_plan, written)
            numbers = {d.name: n for d, n in measures.items() if d.section == "outcome"}
            rows = [(study, numbers[e.outcome], e.runs, e.mean, e.largest) for e in errors]
            insert(connection, tables.cache_step_error, rows)

    def finish(self, status: str = "finished") -> Tally:
        """Write down how the command ended and return its counts; the database stays open."""
        begun, t = self._current(), tables.invocation
        seconds = perf_counter() - begun.started
        ended = {"sweep": begun.sweep, "invocation": begun.invocation, "status": status}
        with self._recording(begun.command, "finished", **ended) as (connection, written):
            counts = {name: value for name, value in asdict(self.tally).items() if name in t.c}
            statement = t.update().where(t.c.id == begun.invocation)
            connection.execute(statement.values(status=status, seconds=seconds, **counts))
            written.ended(begun.invocation)
            for share in begun.machines.values():
                mine = {name: value for name, value in asdict(share).items() if name in t.c}
                connection.execute(t.update().where(t.c.id == share.invocation).values(status=status, **mine))
                written.ended(share.invocation)
        return self.tally

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """All or nothing; the time spent here is the time spent writing."""
        started = perf_counter()
        try:
            with super()._transaction() as connection:
                yield connection
        except BaseException:
            # Rolled back: ids that were cached in this transaction name rows that do not exist.
            if self._begun is not None:
                self._begun.ids.forget()
            raise
        finally:
            self.tally.write_seconds += perf_counter() - started

    def _current(self) -> _Begun:
        if self._begun is None:
            raise ValueError("begin() comes before missing(), store() and finish()")
        return self._begun

    def _count(self, result: BatchResult, filled: Sequence[bytes]) -> None:
        failed = {result.keys[i]: failure for i, failure in result.failures.items()}
        self.tally.computed += len(result.keys)
        self.tally.failed += len(failed)
        self.tally.reused += len(filled) - len(result.keys)
        self.tally.reused_failed += sum(key in failed for key in filled) - len(failed)
        self.tally.run_steps += _steps_of(result)
        self.tally.draw_seconds += result.draw_seconds

    def _count_lost(self, places: int, computed: int) -> None:
        self.tally.lost += places
        self.tally.computed += computed
        self.tally.failed += computed
        self.tally.reused += places - computed
        self.tally.reused_failed += places - computed

    def _lose(self, connection: Connection, batch_plan: BatchPlan, rows: Sequence[int], written: Written) -> None:
        """Write down that the runs of these places were lost."""
        if not rows:
            return
        begun = self._current()
        keys = [batch_plan.batch.keys[i] for i in rows]
        columns = self._places(batch_plan, rows), [(begun.invocation, key, self._lost[key]) for key in keys]
        lost = [(*place, *rest) for place, rest in zip(*columns, strict=True)]
        there = {tuple(row) for row in connection.execute(select(tables.lost_run))}
        insert(connection, tables.lost_run, lost)
        written.lost([row[1:6] for row in lost if row not in there])

    def _places(self, batch_plan: BatchPlan, rows: Sequence[int]) -> list[tuple[int, int, int, int, int]]:
        """Return sweep, study, subject, arm and point of some rows of a chunk."""
        begun = self._current()
        place = begun.places[batch_plan.study]
        index = np.asarray(rows, dtype=np.int64)
        subjects = batch_plan.batch.subjects[index].tolist()
        arms = place.arms[batch_plan.arms[index]].tolist()
        points = (batch_plan.points[index] + place.first_point).tolist()
        same = [begun.sweep] * len(rows), [place.study] * len(rows)
        return list(zip(*same, subjects, arms, points, strict=True))

    @contextmanager
    def _record_batch(self, batch_plan: BatchPlan) -> Iterator[tuple[Connection, Written]]:
        """A transaction whose entry names the sweep and the study of a chunk."""
        begun = self._current()
        named = {"sweep": begun.sweep, "invocation": begun.invocation, "study": begun.places[batch_plan.study].study}
        with self._recording(begun.command, "chunk", **named) as recording:
            yield recording

    def _measures(self, connection: Connection, batch_plan: BatchPlan, written: Written) -> dict[Declared, int]:
        begun = self._current()
        return begun.ids.measures(connection, begun.places[batch_plan.study].study, batch_plan.batch.structure, written)

    def _link(
        self, connection: Connection, batch_plan: BatchPlan, rows: Sequence[int], runs: Sequence[int], written: Written
    ) -> None:
        """Link places of the sweep to runs; what is linked already stays."""
        if not rows:
            return
        begun = self._current()
        places = self._places(batch_plan, rows)
        there = self._standing(connection, places)
        try:
            connection.exec_driver_sql(LINK, [(*place, run) for place, run in zip(places, runs, strict=True)])
        except DBAPIError as fault:
            if "sweep_run.run" not in str(fault.orig):
                raise
            ask_again(self.path)
            raise OtherRuns(str(self.path), begun.sweep) from fault
        fresh = [i for i, place in enumerate(places) if place[2:] not in there]
        written.places(places[0][1], [places[i][2:] for i in fresh], [batch_plan.batch.keys[rows[i]] for i in fresh])

    def _standing(self, connection: Connection, places: Sequence[tuple[int, ...]]) -> set[tuple[int, ...]]:
        """Return the places (subject, arm, point) of a study that are linked already, among those of some subjects."""
        _, study, subjects, arms, _ = zip(*places, strict=True)
        asked = f"""SELECT subject, arm, point FROM sweep_run
            WHERE study = ? AND subject BETWEEN ? AND ? AND arm IN ({", ".join(map(str, sorted(set(arms))))})"""
        found = connection.exec_driver_sql(asked, (study[0], min(subjects), max(subjects)))
        return {tuple(row) for row in found}


def _steps_of(result: BatchResult) -> int:
    """Return the steps of all runs together; those that failed went no further."""
    done = result.steps * (len(result.keys) - len(result.failures))
    return done + sum(failure.step for failure in result.failures.values())


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Switch the garbage collector off while many tuples are made, which hold no cycles."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
