"""The workers of a Dask scheduler as a crew: batches go to them, results come back to whoever stores them.

Dask carries batches and results, and knows who is there. Which worker solves what, and what becomes of a batch whose
worker died, is decided here, as for the processes of this machine: Dask itself would try a deadly batch on four workers
before it gives up, and count the death against batches that only waited.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from workbench.errors import StorageError, shorten
from workbench.execution.crew import AHEAD, ExecutionFault, result_of
from workbench.execution.dask_workers import PATIENCE, DaskWorkers, Refusal, Worker, list_workers
from workbench.execution.greeting import Stranger, solve_here
from workbench.execution.local_cluster import LocalCluster
from workbench.execution.process import WorkerDied, solve_despite_deaths
from workbench.execution.worker import Differs

if TYPE_CHECKING:
    from distributed import Client

    from workbench.solver.batch import Batch, BatchResult

FETCH = 2.0
"""Seconds that a result may take to arrive before its worker is looked for; twice as many the next time."""
MOST = 1024
"""Batches under way at once, at most."""
VANISHED = "left its Dask scheduler (killed, out of memory or cut off)"


def count_scheduler_workers(scheduler: str) -> int:
    """Return how many workers a scheduler has now.

    Raises
    ------
    StorageError
        If it does not answer.
    """
    with _quiet(), _connected(scheduler) as client:
        return len(list_workers(client))


class DaskCrew:
    """The workers of a scheduler, or of a cluster that is started here.

    Parameters
    ----------
    scheduler : str
        Its address, or the file that it was told to write; "" starts a cluster.
    workers : int
        Of a cluster that is started.
    mixed : bool
        Whether workers may compute whose machine is another one.
    """

    def __init__(self, scheduler: str, workers: int, mixed: bool) -> None:
        self._given_up = False
        self._cluster: LocalCluster | None = None
        with ExitStack() as stack:
            stack.enter_context(_quiet())
            if not scheduler:
                self._cluster = LocalCluster(max(workers, 1))
                stack.callback(self._cluster.close)
                scheduler = self._cluster.address
            self._client = stack.enter_context(_connected(scheduler))
            self._workers = DaskWorkers(self._client, scheduler, mixed)
            stack.callback(self._workers.end)
            self._feeders = ThreadPoolExecutor(MOST, thread_name_prefix="feeder")
            self._held = stack.pop_all()

    @property
    def room(self) -> int:
        """As many batches as there are workers, and a few more."""
        return min(len(self._workers) + AHEAD, MOST)

    def submit(self, batch: Batch) -> Future[BatchResult]:
        """Hand `batch` to the next idle worker."""
        return self._feeders.submit(solve_despite_deaths, batch, self._attempt)

    def give_up(self) -> None:
        """Wait for no worker, and try nothing again: CancelledError where nothing is being computed."""
        self._given_up = True
        self._workers.begin_nothing()

    def news(self) -> Iterator[str]:
        """Yield which workers were refused, and that there are none."""
        return self._workers.news()

    def _attempt(self, batch: Batch) -> BatchResult:
        while True:
            worker = self._workers.take()
            try:
                answer = self._ask(worker, batch)
            except WorkerDied:
                if self._given_up or self._workers.ended:
                    raise CancelledError from None
                raise
            finally:
                self._workers.give_back(worker)
            if isinstance(answer, Differs):
                self._workers.refuse(worker.address, Refusal("a component of the scenario is another one there"))
                continue
            result = result_of(answer)
            return replace(result, machines=(worker.machine,)) if worker.machine else result

    def _ask(self, worker: Worker, batch: Batch) -> Any:
        """Return what a worker answers.

        Raises
        ------
        WorkerDied
            If it came to an end before.
        """
        asked = self._client.submit(
            solve_here, batch, worker.process, workers=[worker.address], allow_other_workers=False, pure=False
        )
        asked.add_done_callback(self._workers.stir)
        try:
            if not self._workers.wait(worker, asked.done):
                raise WorkerDied(VANISHED)
            answer = self._fetched(worker, asked)
        finally:
            with suppress(Exception):  # a scheduler that is gone has nothing to be told
                asked.cancel()
        if isinstance(answer, Stranger):
            self._workers.bury(worker)
            raise WorkerDied(VANISHED)
        return answer

    def _fetched(self, worker: Worker, asked: Any) -> Any:
        patience = FETCH
        while True:
            try:
                return asked.result(timeout=patience)
            except CancelledError:
                self._workers.lose("its connection was closed")
                self._workers.wait(worker, lambda: False)
                raise
            except TimeoutError:
                if worker.gone:
                    raise WorkerDied(VANISHED) from None
                patience *= 2
            except Exception as fault:
                if type(fault).__name__ == "KilledWorker":
                    raise WorkerDied(VANISHED) from None
                raise ExecutionFault(f"{worker.address}: {type(fault).__name__}: {fault}") from fault

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._workers.end()
        if self._cluster is not None and kind is not None:
            self._cluster.close(at_once=True)
        self._held.close()
        self._feeders.shutdown(cancel_futures=True)


@contextmanager
def _connected(scheduler: str) -> Iterator[Client]:
    """Talk to a scheduler, by its address or by the file that it has written."""
    from distributed import Client

    file = Path(scheduler)
    if file.suffix == ".json" and not file.exists():  # Dask would wait for it without end
        raise StorageError(f"{scheduler}: no Dask scheduler has written this file; nothing was computed")
    where = {"scheduler_file": str(file)} if file.is_file() else {"address": scheduler}
    try:
        client = Client(**where, timeout=PATIENCE, set_as_default=False)
    except Exception as fault:
        said = shorten(" ".join(f"{type(fault).__name__}: {fault}".split()))
        raise StorageError(f"{scheduler}: no Dask scheduler answers ({said}); nothing was computed") from fault
    try:
        yield client
    finally:
        with suppress(Exception):  # its scheduler may be gone
            client.close(timeout=PATIENCE)


@contextmanager
def _quiet() -> Iterator[None]:
    """Say in one line of ours what Dask says in many; and let a batch be as large as it is."""
    import dask
    import distributed  # noqa: F401 - its loggers are there once it is

    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.CRITICAL + 1)
    try:
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"}):
            yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)
