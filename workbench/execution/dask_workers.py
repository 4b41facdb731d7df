"""Who is there of a Dask scheduler's workers: greeted before they compute, refused where they differ, missed when gone.

A thread looks at the scheduler's list twice a second. It sees workers that join late and those that have died, and a
scheduler that answers no more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from threading import Condition, Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from workbench.errors import StorageError, shorten
from workbench.execution.greeting import Greeting, greet, machine_of, other_code, other_machine
from workbench.store.provenance import provenance

if TYPE_CHECKING:
    from distributed import Client

    from workbench.solver.batch import Machine

PATIENCE = 10.0
"""Seconds in which a scheduler must answer."""
LOOK = 0.5
"""Seconds between two looks at who is there."""
WORTH_TELLING = 5.0
"""Seconds without any worker after which that is reported: one that died is replaced sooner."""


@dataclass(eq=False)
class Worker:
    """A worker that may compute.

    Attributes
    ----------
    process : str
        Which process answered at its address.
    machine : Machine
        Empty where results here and there are the same bits.
    gone : bool
        Whether it has died.
    """

    address: str
    process: str
    machine: Machine = ()
    gone: bool = False


@dataclass(frozen=True)
class Refusal:
    """Why a worker may not compute; `machine` if it is for its machine alone."""

    why: str
    machine: bool = False


def list_workers(client: Client) -> set[str]:
    """Return the addresses of the workers that a scheduler has now."""
    return set(client.sync(client.scheduler.ncores, callback_timeout=PATIENCE))


class DaskWorkers:
    """The workers of one scheduler.

    Parameters
    ----------
    scheduler : str
        What to call it.
    mixed : bool
        Whether a worker may compute whose machine is another one.
    """

    def __init__(self, client: Client, scheduler: str, mixed: bool) -> None:
        self._client, self._scheduler, self._mixed = client, scheduler, mixed
        self._changed, self._stirred = Condition(), Event()
        self._workers: dict[str, Worker] = {}
        self._greeted: dict[str, Any] = {}
        self._refused: dict[str, Refusal] = {}
        self._idle: deque[Worker] = deque()
        self._told: deque[str] = deque()
        self._lost = ""
        self._ended = self._begins_nothing = self._had_any = False
        self._alone_since: float | None = None
        self._look()
        self._watch = Thread(target=self._keep_looking, name="workers", daemon=True)
        self._watch.start()

    def __len__(self) -> int:
        """How many may compute, or may turn out to."""
        with self._changed:
            return len(self._workers) + len(self._greeted)

    @property
    def ended(self) -> bool:
        """Whether nobody waits for anything any more."""
        return self._ended

    def news(self) -> Iterator[str]:
        """Yield what has happened, once each."""
        while self._told:
            yield self._told.popleft()

    def take(self) -> Worker:
        """Wait until a worker has nothing to do, and return it.

        Raises
        ------
        StorageError
            If the scheduler is lost, or all workers that there are were refused.
        CancelledError
            If nobody waits any more.
        """
        with self._changed:
            while True:
                self._refuse_lost()
                if self._ended or self._begins_nothing:
                    raise CancelledError
                if self._idle:
                    return self._idle.popleft()
                if self._refused and not self._had_any and not self._greeted:
                    raise StorageError(self._nobody())
                self._changed.wait()

    def give_back(self, worker: Worker) -> None:
        """Let others have a worker."""
        with self._changed:
            if not worker.gone and self._workers.get(worker.address) is worker:
                self._idle.append(worker)
                self._changed.notify_all()

    def wait(self, worker: Worker, done: Callable[[], bool]) -> bool:
        """Wait until something is `done`, and say whether it is; it never will be once the worker is gone.

        Raises
        ------
        StorageError
            If the scheduler is lost.
        """
        with self._changed:
            self._changed.wait_for(lambda: done() or worker.gone or self._lost or self._ended)
            if not done():
                self._refuse_lost()
            return done()

    def stir(self, *_: object) -> None:
        """Have whoever waits look again."""
        self._stirred.set()
        with self._changed:
            self._changed.notify_all()

    def bury(self, worker: Worker) -> None:
        """Note that another process answers at a worker's address; it is greeted anew."""
        with self._changed:
            self._forget(worker.address)
        self.stir()

    def refuse(self, address: str, refusal: Refusal) -> None:
        """Give a worker nothing to compute."""
        with self._changed:
            self._forget(address)
            self._refused[address] = refusal
        self._told.append(f"worker {address} computes nothing: {refusal.why}")
        self.stir()

    def lose(self, how: str) -> None:
        """Note that the scheduler answers no more."""
        with self._changed:
            if not self._ended:
                self._lost = self._lost or how
            self._changed.notify_all()

    def begin_nothing(self) -> None:
        """Hand out no worker from now on; what is being computed goes on."""
        self._begins_nothing = True
        self.stir()

    def end(self) -> None:
        """Wait for nothing from now on."""
        with self._changed:
            self._ended = True
        self.stir()

    def _refuse_lost(self) -> None:
        if self._lost:
            raise StorageError(
                f"{self._scheduler}: the Dask scheduler answers no more ({self._lost}); stored runs are kept;"
                " the same command goes on once there is a scheduler again"
            )

    def _nobody(self) -> str:
        address, first = min(self._refused.items())
        more = f"; {len(self._refused):,} were refused in all" if len(self._refused) > 1 else ""
        hint = "install there what is installed here"
        if all(refusal.machine for refusal in self._refused.values()):
            hint = "--mixed-machines lets them compute, and stores their results as those of other machines"
        return f"{self._scheduler}: no worker may compute ({address}: {first.why}{more})\nhint: {hint}"

    def _keep_looking(self) -> None:
        while not self._ended:
            self._stirred.wait(LOOK)
            self._stirred.clear()
            try:
                self._look()
            except Exception as fault:  # noqa: BLE001 - whatever it says, there is no list of workers any more
                self.lose(shorten(str(fault) or type(fault).__name__))
                return

    def _look(self) -> None:
        if self._client.status != "running":
            raise ConnectionError("its connection was closed")
        there = list_workers(self._client)
        with self._changed:
            for address in [*self._workers, *self._greeted, *self._refused]:
                if address not in there:
                    self._forget(address)
            fresh = there - self._workers.keys() - self._greeted.keys() - self._refused.keys()
        for address in sorted(fresh):
            self._greeted[address] = asked = self._client.submit(
                greet, workers=[address], allow_other_workers=False, pure=False
            )
            asked.add_done_callback(self.stir)
        for address, asked in list(self._greeted.items()):
            if asked.done():
                self._judge(address, asked)
        self._tell_of_none()
        with self._changed:
            self._changed.notify_all()

    def _forget(self, address: str) -> None:
        self._greeted.pop(address, None)
        self._refused.pop(address, None)
        if worker := self._workers.pop(address, None):
            worker.gone = True
            if worker in self._idle:
                self._idle.remove(worker)

    def _judge(self, address: str, asked: Any) -> None:
        """Let a worker compute, or refuse it, by its greeting."""
        try:
            greeting: Greeting = asked.result(timeout=PATIENCE)
        except (ImportError, AttributeError) as fault:
            self.refuse(address, Refusal(f"it has no workbench like the one here ({shorten(str(fault))})"))
            return
        except (TimeoutError, CancelledError):
            return  # it died on its way, or is slow, or the scheduler is lost: another look will tell
        except Exception as fault:  # noqa: BLE001 - whatever keeps it from saying who it is
            self.refuse(address, Refusal(f"it cannot say what it computes with ({shorten(str(fault))})"))
            return
        here = provenance()
        if others := other_code(here, greeting.provenance):
            self.refuse(address, Refusal("; ".join(others)))
            return
        others = other_machine(here, greeting.provenance)
        if others and not self._mixed:
            self.refuse(address, Refusal("; ".join(others), machine=True))
            return
        if others:
            self._told.append(f"worker {address} is another machine, and its results are kept as such: {others[0]}")
        worker = Worker(address, greeting.process, machine_of(greeting.provenance) if others else ())
        with self._changed:
            self._greeted.pop(address, None)
            self._workers[address] = worker
            self._had_any = True
            self._idle.append(worker)
            self._changed.notify_all()

    def _tell_of_none(self) -> None:
        if self._workers or self._greeted:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = monotonic()
        elif 0 < self._alone_since < monotonic() - WORTH_TELLING:
            self._alone_since = float("inf")
            self._told.append(f"{self._scheduler} has no worker that may compute; waiting for one")
