"""A crew solves batches: in worker processes, or in this process when one is enough."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from workbench.errors import StorageError, shorten
from workbench.execution.process import NotStarted, WorkerDied, WorkerProcess, solve_despite_deaths
from workbench.execution.worker import Differs, Fault, OutOfMemory

if TYPE_CHECKING:
    from workbench.component.registry import Registry
    from workbench.execution.signals import StopSignal
    from workbench.solver.batch import Batch, BatchResult

T = TypeVar("T")
AHEAD = 2
"""Blocks queued beyond the busy workers: enough that none waits while the parent stores."""


STARTS = 4
"""Workers in a row that end before their first word, after which no more are started."""
NO_MEMORY = "ran out of memory"


class ExecutionFault(RuntimeError):
    """A bug of ours in a worker; the message is the worker's traceback."""


class Crew(Protocol):
    """Whoever solves batches."""

    size: int

    def submit(self, batch: Batch) -> Future[BatchResult]:
        """Start solving `batch`."""

    def give_up(self) -> None:
        """Begin no further attempt at what is under way: somebody asked to stop."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Alone:
    """Solves in this process; knows components that exist only here (a rule written in a notebook)."""

    size = 1

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry

    def submit(self, batch: Batch) -> Future[BatchResult]:
        """Solve at once; the future is already done."""
        future: Future[BatchResult] = Future()
        future.set_result(solve_despite_deaths(batch, self._attempt))
        return future

    def give_up(self) -> None:
        """Nothing is under way between two calls of `submit`."""

    def _attempt(self, batch: Batch) -> BatchResult:
        from workbench.solver.run import solve

        try:
            return solve(batch, self._registry)
        except MemoryError:
            raise WorkerDied(NO_MEMORY) from None
        except SystemExit as end:
            raise WorkerDied(f"asked to be ended ({shorten(str(end))})") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Processes:
    """Worker processes, one thread each to feed it; one that dies is replaced.

    Started as plain commands and not by `multiprocessing`, which would import the caller's main
    module again: a three-line script without a guard must be able to run a sweep.

    A worker that hangs is waited for: a long block looks the same from outside. A second Ctrl-C ends it.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._guard = Lock()
        self._closed = self._given_up = False
        self._failed_starts = 0
        self._living: set[WorkerProcess] = set()
        self._idle: SimpleQueue[WorkerProcess | None] = SimpleQueue()
        try:
            for _ in range(size):
                self._idle.put(self._started())
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self._feeders = ThreadPoolExecutor(size, thread_name_prefix="feeder")
        self._here = Lock()

    def submit(self, batch: Batch) -> Future[BatchResult]:
        """Hand `batch` to the next idle worker."""
        return self._feeders.submit(solve_despite_deaths, batch, self._attempt)

    def give_up(self) -> None:
        """Try nothing again: batches whose worker dies from now on are given up, CancelledError."""
        self._given_up = True

    def _attempt(self, batch: Batch) -> BatchResult:
        answer = self._ask(batch)
        if isinstance(answer, Differs):
            from workbench.solver.run import solve

            with self._here:
                return solve(batch)
        if isinstance(answer, OutOfMemory):
            raise WorkerDied(NO_MEMORY)
        if isinstance(answer, Fault):
            fault = ExecutionFault(answer.traceback)
            if answer.error is not None:
                raise answer.error from fault
            raise fault
        return answer

    def _ask(self, batch: Batch) -> BatchResult | Fault | Differs | OutOfMemory:
        """Have the next idle worker answer; a dead one leaves its place to a new one."""
        worker = self._idle.get()
        try:
            while True:
                worker = worker or self._started()
                try:
                    answer = worker.ask(batch)
                except NotStarted as death:
                    self._bury(worker)
                    worker = None
                    self._count_failed_start(str(death))
                except WorkerDied:
                    self._bury(worker)
                    worker, self._failed_starts = None, 0
                    if self._closed or self._given_up:
                        raise CancelledError from None
                    raise
                else:
                    self._failed_starts = 0
                    return answer
        finally:
            self._idle.put(worker)

    def _started(self) -> WorkerProcess:
        with self._guard:  # between these two lines nobody may find the crew closed and miss the new process
            if self._closed:
                raise CancelledError
            worker = WorkerProcess()
            self._living.add(worker)
        return worker

    def _bury(self, worker: WorkerProcess) -> None:
        worker.end()
        with self._guard:
            self._living.discard(worker)

    def _count_failed_start(self, how: str) -> None:
        self._failed_starts += 1
        if self._closed:
            raise CancelledError
        if self._failed_starts >= STARTS:
            raise StorageError(
                f"worker processes cannot be started: {self._failed_starts} in a row {how} before their first word;"
                " stored runs are kept; try --workers 1, which needs none"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            self._closed = True
            living = list(self._living)
        for worker in living:
            worker.kill()
        if hasattr(self, "_feeders"):
            self._feeders.shutdown(cancel_futures=True)
        for worker in living:
            worker.end()


def crew(workers: int, registry: Registry | None = None) -> Crew:
    """Return who solves: worker processes for `workers` of 2 or more and the installed components, else this process.

    Parameters
    ----------
    registry
        Given when components exist that another process could not import; then no process is started.
    """
    return Alone(registry) if workers < 2 or registry is not None else Processes(workers)


def solve_each(batches: Iterable[tuple[T, Batch]], crew: Crew, stop: StopSignal) -> Iterator[tuple[T, BatchResult]]:
    """Solve batches, a few at a time, and yield results in the order of submission.

    After a stop is requested nothing new is started; what is being solved is finished and yielded. So is
    what was being solved beside a batch that failed by a bug, before its error is raised.
    """
    flying: deque[tuple[T, Future[BatchResult]]] = deque()
    waiting = iter(batches)
    limit = 1 if crew.size == 1 else crew.size + AHEAD
    error: BaseException | None = None
    while True:
        while error is None and len(flying) < limit and not stop.requested:
            step = next(waiting, None)
            if step is None:
                break
            label, batch = step
            flying.append((label, crew.submit(batch)))
        if not flying:
            break
        label, future = flying.popleft()
        try:
            result = _patient(future, crew, stop)
        except CancelledError:
            continue
        except Exception as fault:  # noqa: BLE001 - raised below, once the other blocks are safe
            error = error or fault
        else:
            yield label, result
    if error is not None:
        raise error


def _patient(future: Future[BatchResult], crew: Crew, stop: StopSignal) -> BatchResult:
    """Wait in short stretches: on some systems a signal is not handled while a thread waits.

    Once a stop is requested, a batch that no worker has begun is given up: CancelledError.
    """
    while True:
        if stop.requested:
            crew.give_up()
            future.cancel()
        try:
            return future.result(timeout=0.25)
        except TimeoutError:
            if future.done():
                raise
