"""What a refit will do, before it does it: how much, and about how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.loss import Loss, Target

if TYPE_CHECKING:
    from workbench.store.candidates import CandidateLog

PILOT = 16
"""Candidates in the batch of which the first block is timed."""


@dataclass(frozen=True)
class Outlook:
    """What a refit will do, and a timed guess of what it costs.

    Attributes
    ----------
    expected : int
        The budget: candidates that are simulated at most.
    said, stored
        Whether a stored log goes on or begins anew, and how many candidates it holds.
    rate, seconds : float
        Candidates a second, and the time for all that the log does not hold; 0 where nothing is left.
    """

    file: str
    title: str
    parameters: int
    targets: int
    arms: int
    subjects: int
    expected: int
    workers: int
    db: Path | None
    said: str
    stored: int
    rate: float
    seconds: float


def outlook(loss: Loss, targets: Sequence[Target], budget: int, log: CandidateLog | None) -> Outlook:
    """Say what will be done; times the layout and the first block of some candidates."""
    from workbench.execution.pilot import Work, estimated

    stored = log.stored if log is not None else 0
    left, rate = max(budget - stored, 0), 0.0
    if left:
        shipped, size = [[loss.scenario.parameters.values[name].number for name in loss.parameters]], min(PILOT, left)
        started = perf_counter()
        request = loss.request(np.repeat(shipped, size, axis=0), targets)
        work = [Work(*counted) for counted in request.counts()]
        planning = (perf_counter() - started) / size
        _, solving = estimated(work, request.widest, request.workers, request.registry)
        rate = 1 / (planning + solving / size)
    return Outlook(
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
        stored=stored,
        rate=rate,
        seconds=left / rate if rate else 0.0,
    )
