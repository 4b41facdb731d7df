"""Whoever solves batches, as a sweep sees them: batches go in, arrays come out in the same order."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, Future
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from workbench.errors import WorkerNote
from workbench.execution.process import WorkerDied
from workbench.execution.worker import Fault, OutOfMemory

if TYPE_CHECKING:
    from workbench.execution.signals import StopSignal
    from workbench.solver.batch import Batch, BatchResult

T = TypeVar("T")
AHEAD = 2
"""Blocks queued beyond the busy workers: enough that none waits while the parent stores."""
NO_MEMORY = "ran out of memory"
LOOK = 0.25
"""Seconds after which whoever waits for a batch looks up."""


class ExecutionFault(RuntimeError):
    """A bug of ours in a worker; the message is the worker's traceback."""


class Crew(Protocol):
    """Whoever solves batches: this process, processes beside it, or workers on other machines."""

    @property
    def room(self) -> int:
        """How many batches may be under way at once; grows where workers join."""

    def submit(self, batch: Batch) -> Future[BatchResult]:
        """Start solving `batch`."""

    def give_up(self) -> None:
        """Begin no further attempt at what is under way: somebody asked to stop."""

    def news(self) -> Iterable[str]:
        """Return, once each, what has happened to workers that whoever waits should know."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def result_of(answer: BatchResult | Fault | OutOfMemory) -> BatchResult:
    """Return what a worker has answered, or raise what it says.

    Raises
    ------
    WorkerDied
        If its memory was too short.
    ExecutionFault, WorkbenchError
        If something went wrong there.
    """
    if isinstance(answer, OutOfMemory):
        raise WorkerDied(NO_MEMORY)
    if isinstance(answer, Fault):
        fault = ExecutionFault(answer.traceback)
        if answer.error is not None:
            raise answer.error from fault
        raise fault
    return answer


def solve_each(batches: Iterable[tuple[T, Batch]], crew: Crew, stop: StopSignal) -> Iterator[tuple[T, BatchResult]]:
    """Solve batches, a few at a time, and yield results in the order of submission.

    After a stop is requested nothing new is started; what is being solved is finished and yielded. So is
    what was being solved beside a batch that failed by a bug, before its error is raised.
    """
    flying: deque[tuple[T, Future[BatchResult]]] = deque()
    waiting = iter(batches)
    error: BaseException | None = None
    while True:
        while error is None and len(flying) < crew.room and not stop.requested:
            step = next(waiting, None)
            if step is None:
                break
            label, batch = step
            flying.append((label, crew.submit(batch)))
        if not flying:
            break
        label, future = flying[0]
        _tell(crew)
        if not _came(future, crew, stop):
            continue  # perhaps a worker has joined meanwhile
        flying.popleft()
        try:
            result = future.result()
        except CancelledError:
            continue
        except Exception as fault:  # noqa: BLE001 - raised below, once the other blocks are safe
            error = error or fault
        else:
            yield label, result
    _tell(crew)
    if error is not None:
        raise error


def _tell(crew: Crew) -> None:
    for line in crew.news():
        warnings.warn(line, WorkerNote, stacklevel=3)


def _came(future: Future[BatchResult], crew: Crew, stop: StopSignal) -> bool:
    """Wait for a short time only: on some systems a signal is not handled while a thread waits.

    Once a stop is requested, a batch that no worker has begun is given up.
    """
    if stop.requested:
        crew.give_up()
        future.cancel()
    try:
        future.exception(timeout=LOOK)
    except CancelledError:
        return True
    except TimeoutError:
        return future.done()
    return True
