"""A sweep: every run that a scenario asks for, computed once and stored as it comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from workbench.errors import InertError, OtherRuns, ScenarioError, StorageError, UsageError
from workbench.execution.crew import solve_each
from workbench.execution.executors import LOCAL, Executor, choose_executor, count_workers, crew
from workbench.execution.fitness import check_fitness, with_rules
from workbench.execution.pilot import EMPTY_BYTES, RunForecast, Work, bytes_of, estimate_work
from workbench.execution.progress import RunCounts, Silent
from workbench.execution.signals import StopSignal
from workbench.files import make_folder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from workbench.component.declaration import Component
    from workbench.component.registry import Registry
    from workbench.errors import Problem
    from workbench.execution.limits import Limits
    from workbench.execution.pilot import RunProgress
    from workbench.execution.reasons import Explanation
    from workbench.plan import BatchPlan, Plan
    from workbench.scenario.model import Scenario
    from workbench.solver.batch import Batch, BatchResult, Structure
    from workbench.store.write import Writer

    Task = str | tuple[BatchPlan, NDArray[np.int64]]
    """What is being solved: rows of a chunk to be stored, or one of the two looks at a sample's steps."""

RESULTS = Path("data") / "results"
"""Where databases go when no path is given, below the working folder."""

LOCK_TIMEOUT = 30.0
MAX_POINTS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class SweepResult(RunCounts):
    """What a sweep did: where its runs stand, and more.

    Attributes
    ----------
    sweep : int
        Its id in the database `db`.
    workers : int
        Processes that computed.
    write_seconds, draw_seconds : float
        Time the parent spent storing; time all workers together spent drawing noise.
    stopped : int
        Signal that stopped it early, else 0; SIGTERM if a limit did.
    limit : str
        The limit that stopped it, in words.
    notes : tuple of Problem
        What the scenario says that is accepted and yet worth knowing, as `check` prints it.
    why
        Why runs were new, where the database had an earlier sweep of the scenario.
    """

    sweep: int
    scenario: str
    db: Path
    workers: int
    write_seconds: float
    draw_seconds: float
    stopped: int = 0
    limit: str = ""
    notes: tuple[Problem, ...] = ()
    why: Explanation | None = None


@dataclass(frozen=True)
class Request:
    """A sweep that can be done: what runs, where it goes, and who computes.

    `registry` is None unless the scenario uses components that only this process knows.
    """

    plan: Plan
    db: Path
    workers: int
    registry: Registry | None
    executor: Executor = LOCAL

    @cached_property
    def size(self) -> Callable[[Structure], int]:
        """How long a block of a structure is: as few equal ones as give each worker as many as the others.

        A step costs as many calls in a narrow block as in a wide one. But three blocks on two workers take as long as
        four: one worker would compute the last while the other waits.
        """
        from workbench.solver.run import shape_of

        largest: dict[Structure, tuple[int, int]] = {}
        for study in self.plan.studies:
            for group in study.groups:
                asked = group.runs_per_subject * study.subjects, group.runs_per_subject
                largest[group.structure] = max(asked, largest.get(group.structure, asked))

        def size(structure: Structure) -> int:
            shape, (runs, whole) = shape_of(structure, self.registry), largest[structure]
            most = min(shape.width, shape.subjects * whole)
            workers = max(self.workers, 1)
            blocks = workers * -(-runs // (workers * most))
            # Equal blocks for all workers, unless they would become so narrow that their overhead outweighs the idle
            # time.
            share = max(-(-runs // blocks), WORTH_SHARING)
            filled = -(-share // whole) * whole  # up to the end of a subject
            return filled if filled <= most else min(share, most)

        return size

    def chunks(self) -> Iterator[BatchPlan]:
        """Yield the runs, a block at a time."""
        return self.plan.chunks(self.size)

    def widest(self, structure: Structure | None = None) -> BatchPlan:
        """Return the first of the widest blocks, of one structure or of all: where a sweep spends its time."""
        return self.plan.widest(self.size, None if structure is None else lambda other: other == structure)

    def counts(self) -> Iterator[tuple[Structure, int, int]]:
        """Yield for each group of runs its structure, and how many runs and blocks it has."""
        return self.plan.counts(self.size)


STEPPED_SAMPLE = 64
"""Runs that are solved once more with half their steps."""
WORTH_SHARING = 1024
"""Blocks are not cut smaller than this to keep workers busy: narrow blocks cost more a run."""


def prepare(
    scenario: Scenario | str | Path,
    db: str | Path | None = None,
    *,
    workers: int | None = None,
    subjects: int | None = None,
    arms: Iterable[str] = (),
    studies: Iterable[str] = (),
    settings: Mapping[str, str] | None = None,
    seed: int | None = None,
    max_points: int = MAX_POINTS,
    components: Iterable[type[Component]] = (),
    executor: str = "local",
    scheduler: str | None = None,
    mixed_machines: bool = False,
) -> Request:
    """Read the scenario and plan its runs; writes nothing. Parameters as for `run_sweep`."""
    from workbench.plan import plan

    if workers is not None and workers < 0:
        raise UsageError(f"workers is {workers} (0 or more)")
    document, registry = read_scenario(scenario, components, max_points, db)
    where = choose_executor(executor, scheduler, mixed_machines, workers, registry)
    planned = plan(
        document,
        subjects=subjects,
        arms=tuple(arms) or None,
        studies=tuple(studies) or None,
        settings=settings or {},
        seed=seed,
        max_points=max_points,
    )
    planned = check_fitness(planned, registry)
    path = RESULTS / f"{document.name}.db" if db is None else Path(db)
    return Request(planned, path, count_workers(where, workers, registry), registry, where)


def read_scenario(
    scenario: Scenario | str | Path,
    components: Iterable[type[Component]] = (),
    max_points: int = MAX_POINTS,
    db: str | Path | None = None,
) -> tuple[Scenario, Registry | None]:
    """Return the document, and its registry if that knows more than the installed components.

    A database of earlier runs, `db` or where they go by default, tells whose a component was that is not installed.
    """
    from workbench.component.registry import registry
    from workbench.scenario import load_scenario

    extra = tuple(components)
    known = registry().extended(extra) if extra else registry()
    if isinstance(scenario, (str, Path)):
        try:
            document = load_scenario(scenario, registry=known, max_points=max_points)
        except ScenarioError as error:
            from workbench.store.origins import remembered

            kept = remembered(known, Path(db) if db is not None else RESULTS / f"{Path(scenario).stem}.db")
            if kept is not None:
                load_scenario(scenario, registry=kept, max_points=max_points)
            if isinstance(error, InertError):
                raise with_rules(error, known) from None
            raise
    else:
        document = scenario
    return document, None if document.registry is registry() else document.registry


def forecast(request: Request) -> RunForecast:
    """Say what a sweep would do and cost; times a small pilot and writes nothing."""
    return _estimate_cost(request, _remaining(request, request.db.exists()))


@dataclass(frozen=True)
class _Remaining:
    """What is left to compute.

    Attributes
    ----------
    work : tuple of Work
        Empty where the database holds everything.
    reused : int
        How many runs it does hold.
    fresh : bool
        Whether there is no database yet.
    why
        Why the rest is new, where another sweep is alike.
    """

    work: tuple[Work, ...]
    reused: int
    fresh: bool
    why: Explanation | None


def _estimate_cost(request: Request, left: _Remaining) -> RunForecast:
    """Return what it costs to compute what is left; times a small pilot."""
    asked = request.plan.expected
    if not left.work:
        return RunForecast(plan=request.plan, expected=asked, reused=left.reused, workers=request.workers)
    run_steps, seconds = estimate_work(left.work, request.widest, request.workers, request.registry)
    size = sum(part.runs * bytes_of(part.structure, request.registry) for part in left.work)
    return RunForecast(
        plan=request.plan,
        expected=asked,
        reused=left.reused,
        workers=request.workers,
        rate=run_steps / seconds if seconds else 0.0,
        seconds=seconds,
        database_bytes=size + EMPTY_BYTES * left.fresh,
        why=left.why,
    )


def _remaining(request: Request, continued: bool) -> _Remaining:
    """Return what a database does not hold yet; it is `continued`, or there is none."""
    if not continued:
        return _Remaining(tuple(Work(*counted) for counted in request.counts()), 0, True, None)
    from workbench.execution.earlier import why_new
    from workbench.store.complete import found_rows

    reused, held = 0, False
    runs: Counter[Structure] = Counter()
    blocks: Counter[Structure] = Counter()
    places: Counter[tuple[str, str]] = Counter()
    arms = {study.name: study.arms for study in request.plan.studies}
    for chunk, complete, in_part in found_rows(request.db, request.chunks(), request.plan.scenario.registry):
        reused, held = reused + int(complete.sum()), held or in_part
        if not complete.all():
            runs[chunk.batch.structure] += int((~complete).sum())
            blocks[chunk.batch.structure] += 1
            for arm, count in Counter(chunk.arms[~complete].tolist()).items():
                places[chunk.study, arms[chunk.study][arm]] += count
    left = tuple(Work(structure, runs[structure], blocks[structure]) for structure in runs)
    return _Remaining(left, reused, False, why_new(request.db, request.plan, places, held))


def run_sweep(
    scenario: Scenario | str | Path,
    db: str | Path | None = None,
    *,
    workers: int | None = None,
    subjects: int | None = None,
    arms: Iterable[str] = (),
    studies: Iterable[str] = (),
    settings: Mapping[str, str] | None = None,
    seed: int | None = None,
    max_points: int = MAX_POINTS,
    components: Iterable[type[Component]] = (),
    executor: str = "local",
    scheduler: str | None = None,
    mixed_machines: bool = False,
    fail_fast: bool = False,
    progress: RunProgress | None = None,
    command: str = "",
    lock_timeout: float = LOCK_TIMEOUT,
    limits: Limits | None = None,
) -> SweepResult:
    """Compute what is missing of a scenario's runs and store it, a block at a time.

    Ctrl-C once finishes and stores what is in flight and returns with `stopped` set; the same call goes on
    from there. A second Ctrl-C raises `StoppedAtOnce`.

    Parameters
    ----------
    db
        The database, made if it does not exist; ``data/results/NAME.db`` below the working folder if None.
    workers
        Processes; every core if None, this process alone for 0 or 1.
    subjects, arms, studies, seed
        Replace what the scenario says; `arms` narrows every study to these, and only these `studies` are run.
    settings
        Path -> value as text (``{"modulator.acetylcholine.tone": "1.2"}``), above every other layer.
    components
        Component classes that are not installed (a rule written in a notebook); then this process computes alone.
    executor, scheduler
        "local", or "dask": the workers of the scheduler at this address, or in the file that it wrote, compute; a
        cluster of `workers` processes is started here if there is none.
    mixed_machines
        Let workers compute whose processor or C library rounds differently; their results are stored as those of
        other machines.
    fail_fast
        Stop after the first block in which a run failed.
    limits
        Time and memory that it may take: where one is reached, blocks under way are finished and stored, at least one,
        and `stopped` is set as by a signal.

    Raises
    ------
    ScenarioError
        If the scenario or the arguments ask for something impossible; no file is touched then.
    StorageError
        If the database cannot be written, or no scheduler answers; every block stored before is kept.
    """
    request = prepare(
        scenario,
        db,
        workers=workers,
        subjects=subjects,
        arms=arms,
        studies=studies,
        settings=settings,
        seed=seed,
        max_points=max_points,
        components=components,
        executor=executor,
        scheduler=scheduler,
        mixed_machines=mixed_machines,
    )
    return carry_out(
        request, fail_fast=fail_fast, progress=progress, command=command, lock_timeout=lock_timeout, limits=limits
    )


def carry_out(
    request: Request,
    *,
    fail_fast: bool = False,
    progress: RunProgress | None = None,
    command: str = "",
    lock_timeout: float = LOCK_TIMEOUT,
    limits: Limits | None = None,
) -> SweepResult:
    """Do what `prepare` found possible; see `run_sweep`."""
    from workbench.solver.steps_halved import halved, step_errors
    from workbench.store.write import open_writer

    watcher, started = progress or Silent(), perf_counter()
    if request.db.parent == RESULTS:
        make_folder(RESULTS, "--db")
    continued = request.db.exists()
    begun = False  # a command that is given again computes a block each time, however small its limits are
    with (
        StopSignal(watcher.stopping, lambda: limits.reached() if limits and begun else "") as stop,
        open_writer(request.db, lock_timeout=lock_timeout, command=command) as writer,
        ExitStack() as staff,
    ):
        sweep = writer.begin(request.plan, command=command, workers=request.workers)
        try:
            left, sample = _remaining(request, continued), _stepped_sample(request, writer)
            idle = not left.work and sample is None
            solvers = crew(1) if idle else crew(request.workers, request.registry, request.executor)
            # Workers start first: importing NumPy takes them about as long as timing the pilot.
            hands = staff.enter_context(solvers)  # they start up while the pilot is timed
            expected = _estimate_cost(request, left)
            watcher.forecast(expected)
            solved: dict[str, BatchResult] = {}
            work: Iterable[tuple[Task, Batch]] = _missing(request, writer, fail_fast)
            if sample is not None:
                # At the front of the queue, so that the step error is known even of a sweep that is stopped early.
                work = chain([("coarse", sample.batch), ("fine", halved(sample.batch))], work)
            for label, result in solve_each(work, hands, stop):
                if isinstance(label, str):
                    solved[label] = result
                    continue
                chunk, rows = label
                writer.store(chunk, rows, result)
                begun = True
                watcher.advance(_counts(request.plan, writer, perf_counter() - started))
            whole = not any(f.lost for result in solved.values() for f in result.failures.values())
            if sample is not None and len(solved) == 2 and whole:
                writer.note_steps(sample, step_errors(solved["coarse"], solved["fine"]))
        except BaseException as fault:
            # The fault that broke the sweep off is the one to report, not that it could not be written down.
            with suppress(StorageError):
                writer.finish("broken off")
            if isinstance(fault, OtherRuns):
                raise _with_changes(fault, request) from fault
            raise
        begun = False  # a limit that is reached from here on stops nothing
        counts = _counts(request.plan, writer, perf_counter() - started)
        stopped = stop.requested if counts.missing or not stop.limit else 0
        tally = writer.finish("stopped" if stopped else "finished")
    return SweepResult(
        **vars(counts),
        sweep=sweep,
        scenario=request.plan.scenario.name,
        db=request.db,
        workers=request.workers,
        write_seconds=tally.write_seconds,
        draw_seconds=tally.draw_seconds,
        stopped=stopped,
        limit=stop.limit if stopped else "",
        notes=request.plan.notes,
        why=expected.why,
    )


def _with_changes(fault: OtherRuns, request: Request) -> OtherRuns:
    """Return the refusal to go on with other runs, with what has changed since the first of them."""
    from workbench.execution.earlier import changed_since

    return OtherRuns(fault.db, fault.sweep, "; ".join(map(str, changed_since(request.db, request.plan))))


def _stepped_sample(request: Request, writer: Writer) -> BatchPlan | None:
    """Return the runs that are solved with half their steps as well; None where that was done, or nothing is stepped.

    They come first, so that the one long block of few runs does not keep the other workers waiting at the end.
    """
    from workbench.solver.steps_halved import is_stepped

    sample = request.plan.sample(is_stepped, STEPPED_SAMPLE)
    return sample if sample is not None and writer.lacks_steps(sample) else None


def _missing(
    request: Request, writer: Writer, fail_fast: bool
) -> Iterator[tuple[tuple[BatchPlan, NDArray[np.int64]], Batch]]:
    """Yield what must be computed, block by block; blocks that are already stored are skipped."""
    for chunk in request.chunks():
        rows = writer.missing(chunk)
        if len(rows):
            yield (chunk, rows), chunk.batch.take(rows)
        if fail_fast and writer.tally.failed:
            return


def _counts(plan: Plan, writer: Writer, seconds: float) -> RunCounts:
    tally = writer.tally
    return RunCounts(
        expected=plan.expected,
        stored=tally.computed - tally.failed,
        failed=tally.failed + tally.reused_failed,
        lost=tally.lost,
        reused=tally.reused - tally.reused_failed,
        run_steps=tally.run_steps,
        seconds=seconds,
    )
