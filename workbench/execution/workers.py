"""A crew solves batches: in worker processes, or in this process when one is enough."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from workbench.errors import StorageError
from workbench.execution.threads import SINGLE_THREAD
from workbench.execution.worker import Differs, Fault, send

if TYPE_CHECKING:
    from workbench.execution.signals import StopSignal
    from workbench.registry import Registry
    from workbench.solver.batch import Batch, BatchResult

T = TypeVar("T")
AHEAD = 2
"""Blocks queued beyond the busy workers: enough that none waits while the parent stores."""


class ExecutionFault(RuntimeError):
    """A bug of ours in a worker; the message is the worker's traceback."""


class Crew(Protocol):
    """Whoever solves batches."""

    size: int

    def submit(self, batch: Batch) -> Future[BatchResult]:
        """Start solving `batch`."""

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
        from workbench.solver.run import solve

        future: Future[BatchResult] = Future()
        future.set_result(solve(batch, self._registry))
        return future

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Processes:
    """Worker processes, one thread each to feed it.

    Started as plain commands and not by `multiprocessing`, which would import the caller's main
    module again: a three-line script without a guard must be able to run a sweep.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        self._workers = [_start() for _ in range(size)]
        for worker in self._workers:
            self._idle.put(worker)
        self._feeders = ThreadPoolExecutor(size, thread_name_prefix="feeder")
        self._here = Lock()

    def submit(self, batch: Batch) -> Future[BatchResult]:
        """Hand `batch` to the next idle worker."""
        return self._feeders.submit(self._solve, batch)

    def _solve(self, batch: Batch) -> BatchResult:
        worker = self._idle.get()
        try:
            answer = _ask(worker, batch)
        finally:
            self._idle.put(worker)
        if isinstance(answer, Differs):
            from workbench.solver.run import solve

            with self._here:
                return solve(batch)
        if isinstance(answer, Fault):
            fault = ExecutionFault(answer.traceback)
            if answer.error is not None:
                raise answer.error from fault
            raise fault
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.kill()
        self._feeders.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.communicate()


def _start() -> subprocess.Popen[bytes]:
    home = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(p for p in (home, os.environ.get("PYTHONPATH", "")) if p)
    command = [sys.executable, "-P", "-m", "workbench.execution.worker"]
    environment = {**os.environ, **SINGLE_THREAD, "PYTHONPATH": path}
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, creationflags=flags
        )
    # Its own process group, so that Ctrl-C in a terminal reaches only the parent, from the first moment on.
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, process_group=0)


def _ask(worker: subprocess.Popen[bytes], batch: Batch) -> BatchResult | Fault | Differs:
    assert worker.stdin is not None and worker.stdout is not None
    try:
        send(batch, worker.stdin)
        answer: BatchResult | Fault | Differs = pickle.load(worker.stdout)  # noqa: S301 - our own worker wrote it
    except (EOFError, OSError, pickle.UnpicklingError):
        code = worker.poll()
        raise StorageError(
            f"worker process {worker.pid} ended unexpectedly (status {code}), perhaps for want of memory; "
            "stored runs are kept; give the same command again, with fewer --workers if need be"
        ) from None
    return answer


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
            result = _patient(future, stop)
        except CancelledError:
            continue
        except Exception as fault:  # noqa: BLE001 - raised below, once the other blocks are safe
            error = error or fault
        else:
            yield label, result
    if error is not None:
        raise error


def _patient(future: Future[BatchResult], stop: StopSignal) -> BatchResult:
    """Wait in short stretches: on some systems a signal is not handled while a thread waits.

    Once a stop is requested, a batch that no worker has begun is given up: CancelledError.
    """
    while True:
        if stop.requested:
            future.cancel()
        try:
            return future.result(timeout=0.25)
        except TimeoutError:
            if future.done():
                raise
