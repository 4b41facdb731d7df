"""Candidates of a refit: each simulated once, stored as it comes, and found again after a stop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from workbench.calibration.loss import FitTarget, Loss, residuals
from workbench.component.arrays import Array
from workbench.errors import WorkbenchError
from workbench.execution.progress import Counts, Forecast, Progress
from workbench.execution.signals import StopSignal

if TYPE_CHECKING:
    from workbench.store.refit_log import CandidateLog


Answer = tuple[Array, tuple[float | None, ...]]
"""Values of the criteria of one candidate, and their Monte-Carlo errors where these were asked for."""

RUNS_AT_ONCE = 16_384
"""Runs simulated and stored together: some blocks of each circuit, and not more than a stop may have to wait for."""


class Stopped(WorkbenchError):
    """A signal ended a refit between two batches; what was stored is kept."""

    def __init__(self, number: int, message: str) -> None:
        self.number, self.exit_code = number, 128 + number
        super().__init__(message)


@dataclass(frozen=True, kw_only=True)
class CandidateCounts(Counts):
    """Where a refit stands: candidates `computed` now or reused from the log, and the `least` loss of them."""

    computed: int
    least: float

    @property
    def missing(self) -> int:
        """Candidates that the budget still allows."""
        return self.expected - self.computed - self.reused


@dataclass(frozen=True, kw_only=True)
class CandidateForecast(Forecast):
    """What a refit will do: simulate as many candidates as its budget allows, `rate` of them a second.

    Attributes
    ----------
    said
        Whether a stored log goes on or begins anew.
    """

    file: str
    title: str
    parameters: int
    targets: int
    arms: int
    subjects: int
    db: Path | None
    said: str


if TYPE_CHECKING:
    RefitProgress = Progress[CandidateForecast, CandidateCounts]
    """Receiver of a refit's progress."""

COMPARED = "compared"


class Candidates:
    """Answers for candidates: from this search, from the log, or by simulation.

    `targets` are all criteria that are ever looked at; the first `fitted` of them make the loss.

    Attributes
    ----------
    computed, reused : int
        Different candidates that were simulated now, and that the log held.
    """

    def __init__(
        self,
        loss: Loss,
        targets: Sequence[FitTarget],
        fitted: int,
        budget: int,
        log: CandidateLog | None = None,
        progress: RefitProgress | None = None,
        stop: StopSignal | None = None,
    ) -> None:
        self.loss, self.targets, self.fitted, self.budget = loss, tuple(targets), fitted, budget
        self.computed = self.reused = 0
        self.log, self._progress, self._stop = log, progress, stop or StopSignal()
        self._answers: dict[bytes, Answer] = {}
        self._compared: dict[bytes, Answer] = {}
        self._asked: set[bytes] = set()
        self._batch, self._least, self._started = 0, np.inf, perf_counter()
        for search, values, answer in log.known() if log is not None else ():
            (self._compared if search == COMPARED else self._answers)[values.tobytes()] = answer

    @property
    def spent(self) -> int:
        """How many different candidates the search has asked for; the same however often it was stopped."""
        return len(self._asked)

    def residuals(self, candidates: Array, search: str, step: int) -> Array:
        """Return (candidates, fitted targets): distances from what was published, in errors."""
        targets = self.targets[: self.fitted]
        fresh = {c.tobytes(): c for c in candidates if c.tobytes() not in self._answers}
        new = {c.tobytes() for c in candidates} - self._asked
        self._asked |= new
        self.reused += len(new - fresh.keys())
        self._batch += 1
        for part in self._parts(list(fresh.values()), targets):
            values = self.loss.values(part, targets)
            losses = (residuals(values, targets) ** 2).sum(axis=1).tolist()
            if self.log is not None:
                self.log.store(search, step, self._batch, part, values, losses)
            self._answers.update({c.tobytes(): (row, ()) for c, row in zip(part, values, strict=True)})
            self.computed += len(part)
            self._tell(min(losses))
        found = residuals(np.array([self._answers[c.tobytes()][0] for c in candidates]), targets)
        self._tell(float((found**2).sum(axis=1).min()))
        return found

    def compared(self, candidates: Array) -> list[Answer]:
        """Return the values of all criteria in each candidate, and their errors over simulated subjects."""
        fresh = {c.tobytes(): c for c in candidates if c.tobytes() not in self._compared}
        self._batch += 1
        for part in self._parts(list(fresh.values()), self.targets):
            values, errors = self.loss.values_and_errors(part, self.targets)
            if self.log is not None:
                self.log.store(COMPARED, 0, self._batch, part, values, [None] * len(part), errors)
            answers = zip(part, values, errors, strict=True)
            self._compared.update({c.tobytes(): (row, tuple(made)) for c, row, made in answers})
        return [self._compared[c.tobytes()] for c in candidates]

    def at_once(self, targets: Sequence[FitTarget]) -> int:
        """Return how many candidates are simulated and stored together."""
        return max(1, RUNS_AT_ONCE // (len(self.loss.arms(targets)) * self.loss.subjects))

    def _parts(self, waiting: Sequence[Array], targets: Sequence[FitTarget]) -> Iterator[Array]:
        size = self.at_once(targets)
        for start in range(0, len(waiting), size):
            if self._stop.requested:
                raise Stopped(self._stop.requested, f"stopped after {self.spent:,} candidates")
            yield np.array(waiting[start : start + size])

    def _tell(self, loss: float) -> None:
        self._least = min(self._least, loss)
        if self._progress is not None:
            self._progress.advance(
                CandidateCounts(
                    expected=self.budget,
                    computed=self.computed,
                    reused=self.reused,
                    least=self._least,
                    seconds=perf_counter() - self._started,
                )
            )


PILOT = 16
"""Candidates in the batch of which the first block is timed."""


def forecast(loss: Loss, targets: Sequence[FitTarget], budget: int, log: CandidateLog | None) -> CandidateForecast:
    """Say what will be done; times the layout and the first block of some candidates."""
    from workbench.execution.pilot import Work, estimate_work

    stored = log.stored if log is not None else 0
    left, rate = max(budget - stored, 0), 0.0
    if left:
        shipped, size = [[loss.scenario.parameters.values[name].number for name in loss.parameters]], min(PILOT, left)
        started = perf_counter()
        request = loss.request(np.repeat(shipped, size, axis=0), targets)
        work = [Work(*counted) for counted in request.counts()]
        planning = (perf_counter() - started) / size
        _, solving = estimate_work(work, request.widest, request.workers, request.registry)
        rate = 1 / (planning + solving / size)
    return CandidateForecast(
        file=loss.scenario.file,
        title=loss.scenario.title,
        parameters=len(loss.parameters),
        targets=len(targets),
        arms=len(loss.arms(targets)),
        subjects=loss.subjects,
        expected=budget,
        workers=loss.workers,
        db=log.path if log is not None else None,
        said=log.said if log is not None else "",
        reused=stored,
        rate=rate,
        seconds=left / rate if rate else 0.0,
    )
