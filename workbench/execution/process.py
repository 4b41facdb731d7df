"""One worker process, as its parent sees it: started, asked, ended."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import StorageError
from workbench.execution.deaths import WorkerDied, ending
from workbench.execution.threads import SINGLE_THREAD
from workbench.execution.worker import Differs, Fault, OutOfMemory, send

if TYPE_CHECKING:
    from workbench.solver.batch import Batch, BatchResult

CUT_OFF = (EOFError, OSError, pickle.UnpicklingError)
"""What a pipe says whose other end has gone."""
LAST_BREATH = 2.0
"""Seconds from the end of a worker's pipe to its own end, which says what it died of."""


class NotStarted(Exception):
    """A worker came to an end before its first word; the text says how."""


class WorkerProcess:
    """A worker: told one batch at a time, it answers.

    Raises
    ------
    StorageError
        If the system starts no further process.
    """

    def __init__(self) -> None:
        try:
            self._process = _start()
        except OSError as fault:
            raise StorageError(
                f"no worker process can be started ({fault.strerror}); stored runs are kept;"
                " give the same command again, with fewer --workers"
            ) from fault
        self._ready = False

    def ask(self, batch: Batch) -> BatchResult | Fault | Differs | OutOfMemory:
        """Return the answer to one batch.

        Raises
        ------
        NotStarted, WorkerDied
            If the process has come to an end, before its first word or after it.
        """
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        try:
            if not self._ready:
                pickle.load(process.stdout)  # noqa: S301 - our own worker wrote it
                self._ready = True
            send(batch, process.stdin)
            answer: BatchResult | Fault | Differs | OutOfMemory = pickle.load(process.stdout)  # noqa: S301
        except CUT_OFF:
            raise (WorkerDied if self._ready else NotStarted)(self._ended()) from None
        return answer

    def _ended(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            return ending(self._process.wait(LAST_BREATH))
        return ending(None)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def end(self) -> None:
        """End it if it lives, and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):  # what could not be written any more
                pipe.close()


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
