"""One worker process, as its parent sees it: started, asked, ended.

What becomes of a batch whose solver dies: once more, then in halves, until the runs that kill it are found.

A death says nothing that can be repeated: memory was short, someone ended the process, a component tore it down. So
the whole batch is tried again first. One that kills twice is cut, and what is innocent in it comes out, with the bits
that it would have had: results do not depend on neighbours. What is left is handed on as lost, with its reason.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import StorageError
from workbench.execution.threads import SINGLE_THREAD
from workbench.execution.worker import Differs, Fault, OutOfMemory, send

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.solver.batch import Batch, BatchResult, Failure


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
            self._process = start("workbench.execution.worker")
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
            return describe_ending(self._process.wait(LAST_BREATH))
        return describe_ending(None)

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


def start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a module of this package in a process that learns of Ctrl-C only from its parent, over its two pipes."""
    home = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(p for p in (home, os.environ.get("PYTHONPATH", "")) if p)
    command = [sys.executable, "-P", "-m", module, *arguments]
    environment = {**os.environ, **SINGLE_THREAD, "PYTHONPATH": path}
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, creationflags=flags
        )
    # Its own process group, so that Ctrl-C in a terminal reaches only the parent, from the first moment on.
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, process_group=0)


TRIES = 2
"""Deaths at which a batch is no longer tried as a whole."""
MOST_DEATHS = 24
"""Deaths that one batch may cost: twelve halvings find one run among 4,096, and some of several."""


class WorkerDied(Exception):
    """Whoever solved a batch came to an end before the answer; the text says how."""


def describe_ending(code: int | None) -> str:
    """Say how a process ended."""
    if code is None:
        return "closed its pipe"
    if code >= 0:
        return f"ended by itself (status {code})"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was ended by {name}" + (", perhaps for lack of memory" if name == "SIGKILL" else "")


@dataclass(frozen=True)
class _Lost:
    """Runs of a batch whose solver died last with all of them and no others."""

    rows: NDArray[np.int64]
    how: str


def solve_despite_deaths(batch: Batch, attempt: Callable[[Batch], BatchResult]) -> BatchResult:
    """Return what `attempt` says of `batch`; runs that it dies of come back as failures that are `lost`.

    Parameters
    ----------
    attempt
        Solves a batch; raises WorkerDied where it could not live to answer.
    """
    how = ""
    for _ in range(TRIES):
        try:
            return attempt(batch)
        except WorkerDied as death:
            how = str(death)
    solved, lost = _solve_in_parts(batch, attempt, how)
    return _joined(batch, solved, lost)


def _solve_in_parts(
    batch: Batch, attempt: Callable[[Batch], BatchResult], how: str
) -> tuple[list[tuple[NDArray[np.int64], BatchResult]], list[_Lost]]:
    """Solve `batch` in ever smaller parts, the largest first, as long as its deaths are not too many."""
    solved: list[tuple[NDArray[np.int64], BatchResult]] = []
    lost: list[_Lost] = []
    # Breadth first: the largest suspects are halved first, so most runs are cleared before the budget of deaths is
    # spent.
    deaths, suspects = TRIES, deque([_Lost(_group_equal_rows(batch), how)])
    while suspects:
        suspect = suspects.popleft()
        if len(suspect.rows) == 1 or deaths >= MOST_DEATHS:
            lost.append(suspect)
            continue
        for half in np.array_split(suspect.rows, 2):
            rows = np.sort(half)  # as in every batch, by subject
            try:
                solved.append((rows, attempt(batch.take(rows))))
            except WorkerDied as death:
                deaths += 1
                suspects.append(_Lost(half, str(death)))
    return solved, lost


def _group_equal_rows(batch: Batch) -> NDArray[np.int64]:
    """Return the rows of a batch, those of equal values side by side: one arm or point may be all that kills."""
    columns = [value for _, value in sorted(batch.values.items()) if not isinstance(value, float)]
    # If an arm or a point is the cause, its runs then fall into few halves instead of all.
    return np.lexsort([batch.subjects, *columns]).astype(np.int64)


def _joined(
    batch: Batch, solved: Sequence[tuple[NDArray[np.int64], BatchResult]], lost: Sequence[_Lost]
) -> BatchResult:
    from workbench.solver.batch import BatchResult

    first = solved[0][1] if solved else None
    listed = batch.structure.recordings
    # NaN stays where nothing was computed; the store refuses NaN for any run that is not marked as failed.
    outcomes = {t.name: np.full(len(batch), np.nan) for t in listed if t.section == "outcome"}
    times = first.times if first else {t.name: () for t in listed if t.section == "course"}
    courses = {name: np.full((len(at), len(batch)), np.nan) for name, at in times.items()}
    failures: dict[int, Failure] = {int(row): _failure(part) for part in lost for row in part.rows}
    for rows, result in solved:
        for name, values in result.outcomes.items():
            outcomes[name][rows] = values
        for name, values in result.courses.items():
            courses[name][:, rows] = values
        failures.update({int(rows[i]): failure for i, failure in result.failures.items()})
    return BatchResult(
        keys=batch.keys,
        outcomes=outcomes,
        courses=courses,
        times=times,
        failures=failures,
        steps=first.steps if first else 0,
        seconds=sum(result.seconds for _, result in solved),
        draw_seconds=sum(result.draw_seconds for _, result in solved),
        machines=tuple(dict.fromkeys(machine for _, result in solved for machine in result.machines)),
    )


def _failure(part: _Lost) -> Failure:
    from workbench.solver.batch import UNKNOWN_TIME, Failure

    others = len(part.rows) - 1
    beside = f" together with {others:,} other{'s' if others > 1 else ''}" if others else ""
    reason = f"the process that computed it{beside} {part.how}, each time it was tried"
    return Failure(reason, 0, UNKNOWN_TIME, lost=True)
