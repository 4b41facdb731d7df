"""The worker process: reads batches from its standard input, answers on its standard output.

It lives exactly as long as the pipe from its parent: when the parent closes it or dies, however
suddenly, the reading thread sees the end and ends the process in the middle of whatever it does.
Ctrl-C is the parent's business, so interrupts are ignored here.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.solver.batch import Batch, BatchResult


PR_SET_PDEATHSIG = 1
EXHAUSTED = 71
"""Exit status of a worker that had no memory left to read what it was asked (EX_OSERR)."""


@dataclass(frozen=True)
class Fault:
    """What went wrong in a worker: the user-facing error if it was one, and the traceback as text."""

    error: WorkbenchError | None
    traceback: str


@dataclass(frozen=True)
class Ready:
    """The worker's first word: it has come to life."""


@dataclass(frozen=True)
class OutOfMemory:
    """The worker's answer where memory was too short for the batch; it lives on."""


@dataclass(frozen=True)
class Differs:
    """The worker's answer where a component is not here what it is in the parent, which then solves the batch."""


def send(message: Batch | BatchResult | Fault | Differs | OutOfMemory | Ready, pipe: IO[bytes]) -> None:
    """Write one message to the other process."""
    pickle.dump(message, pipe, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def private_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Take standard input and output for messages; stray prints go to standard error instead."""
    # A print in someone's component would otherwise land between two messages and break the protocol.
    inbox = os.fdopen(os.dup(0), "rb")
    outbox = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return inbox, outbox


def _receive(inbox: IO[bytes], batches: SimpleQueue[Batch | Fault]) -> None:
    while True:
        try:
            # Read in a thread of its own, so that the worker notices a closed pipe while it is computing, and does
            # not outlive its parent.
            batches.put(pickle.load(inbox))  # noqa: S301 - our own parent wrote it
        except (EOFError, OSError, pickle.UnpicklingError):
            os._exit(0)
        except MemoryError:
            os._exit(EXHAUSTED)  # the rest of the message would be taken for the next one
        except Exception as error:  # noqa: BLE001 - a module that cannot be loaded: handed to the parent
            batches.put(_fault(error))


def die_with_parent() -> None:
    """Have the system end this process when its parent dies, in case it can no longer look at its pipe (Linux)."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            import ctypes

            # A SIGKILL of the parent runs none of its code; without this the workers would compute on until their
            # next message.
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@cache
def _agrees(section: str, name: str, source: str) -> bool:
    """Whether another package's component is here what it was in the parent when its runs were named.

    Its file may have been written again, and whoever runs a sweep may have set a constant of its module.
    """
    from workbench.component.registry import registry

    found = registry().get(section, name).identity()
    return not found.unknown and found.sha256 == source


def _fault(error: Exception) -> Fault:
    from workbench.component.offers import blame_package

    known = error if isinstance(error, WorkbenchError) else blame_package(error)
    return Fault(known, traceback.format_exc())


def answer(batch: Batch) -> BatchResult | Fault | Differs | OutOfMemory:
    """Solve a batch, and say what went wrong where it could not be."""
    try:
        from workbench.solver.run import solve

        others = (table for table in batch.structure.tables if table.source_sha256)
        if not all(_agrees(table.section, table.component, table.source_sha256) for table in others):
            return Differs()
        return solve(batch)
    except MemoryError:
        return OutOfMemory()
    except Exception as error:  # noqa: BLE001 - every fault is handed to the parent, which reports it
        return _fault(error)


def main() -> None:
    """Solve batches until the parent is gone."""
    # Stopping is the parent's decision: it lets blocks in flight finish, which a signal to the whole group would
    # prevent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logging.getLogger("workbench").addHandler(logging.NullHandler())  # the parent has said it
    die_with_parent()
    inbox, outbox = private_pipes()
    batches: SimpleQueue[Batch | Fault] = SimpleQueue()
    threading.Thread(target=_receive, args=(inbox, batches), daemon=True).start()
    try:
        send(Ready(), outbox)
        while True:
            given = batches.get()
            send(given if isinstance(given, Fault) else answer(given), outbox)
    except OSError:
        sys.exit(0)
    except MemoryError:
        os._exit(EXHAUSTED)  # half an answer may be on its way


if __name__ == "__main__":
    # Under its real name, so that messages unpickle to the parent's classes and not to __main__'s.
    from workbench.execution import worker

    worker.main()
