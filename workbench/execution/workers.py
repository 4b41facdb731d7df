"""A crew solves batches: in worker processes, or in this process when one is enough."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from workbench.errors import StorageError, shorten
from workbench.execution.crew import AHEAD, NO_MEMORY, result_of
from workbench.execution.process import NotStarted, WorkerDied, WorkerProcess, solve_despite_deaths
from workbench.execution.worker import Differs, Fault, OutOfMemory

if TYPE_CHECKING:
    from workbench.component.registry import Registry
    from workbench.solver.batch import Batch, BatchResult

STARTS = 4
"""Workers in a row that end before their first word, after which no more are started."""


class Alone:
    """Solves in this process; knows components that exist only here (a rule written in a notebook)."""

    room = 1

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry

    def submit(self, batch: Batch) -> Future[BatchResult]:
        """Solve at once; the future is already done."""
        future: Future[BatchResult] = Future()
        future.set_result(solve_despite_deaths(batch, self._attempt))
        return future

    def give_up(self) -> None:
        """Nothing is under way between two calls of `submit`."""

    def news(self) -> tuple[str, ...]:
        """Nothing happens between two calls of `submit`."""
        return ()

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
        self.room = size + AHEAD
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

    def news(self) -> tuple[str, ...]:
        """Nobody need know of a worker that was replaced."""
        return ()

    def _attempt(self, batch: Batch) -> BatchResult:
        answer = self._ask(batch)
        if isinstance(answer, Differs):
            from workbench.solver.run import solve

            # One block at a time: feeders are threads of this process, and each block takes a worker's memory.
            with self._here:
                return solve(batch)
        return result_of(answer)

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
            # Even a dead worker's place goes back (as None): a lost place would leave a feeder waiting for ever.
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
            # All are killed before any is waited for: otherwise the stop would take as long as all of them together.
            worker.kill()
        if hasattr(self, "_feeders"):
            self._feeders.shutdown(cancel_futures=True)
        for worker in living:
            worker.end()
