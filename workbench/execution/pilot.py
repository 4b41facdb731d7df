"""How long a sweep will take and how large its database will be: a small part of it, timed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workbench.declaration import Registry
    from workbench.design import Chunk, Plan
    from workbench.solver.batch import BatchResult

NARROW, WIDE = 32, 512
SLOW_SECONDS = 5.0
"""A narrow pilot that takes longer is the whole pilot: the estimate is then an upper bound."""

RUN_BYTES, OUTCOME_BYTES, COURSE_BYTES = 110, 17, 24
"""What a run with its place and key, an outcome, and a course besides its text take in the database, as measured."""


@dataclass(frozen=True)
class Forecast:
    """What a sweep will do, and a timed guess of what it costs.

    Attributes
    ----------
    reused : int
        Runs that are in the database already.
    rate : float
        Run-steps a second over all workers; 0 when nothing is left to compute.
    seconds : float
        Time for the runs that are left.
    database_bytes : float
        Size of the runs that are left, in the database.
    """

    plan: Plan
    reused: int
    workers: int
    rate: float = 0.0
    seconds: float = 0.0
    database_bytes: float = 0.0

    @property
    def left(self) -> int:
        """Runs to compute."""
        return self.plan.expected - self.reused


@dataclass(frozen=True)
class Cost:
    """What runs cost: seconds of one block as ``fixed + each * width``, steps of a run, bytes in the database."""

    fixed: float
    each: float
    steps: int
    run_bytes: float
    course_bytes: float

    def seconds(self, runs: int, width: int) -> float:
        """Return the time that one worker needs for `runs` in blocks of `width`."""
        return runs * (self.fixed / width + self.each)

    def database_bytes(self, plan: Plan, left: int) -> float:
        """Return the size of `left` of the plan's runs; only some studies keep courses."""
        recorded = sum(len(s.arms) * len(s.points) * s.subjects for s in plan.studies if s.record)
        return left * (self.run_bytes + self.course_bytes * recorded / plan.expected)


def cost_of(chunk: Chunk, registry: Registry | None) -> Cost:
    """Time the first runs of `chunk` in this process, at two widths.

    A step costs a fixed dispatch and a little for each run, so two narrow blocks tell what a full one
    will cost.
    """
    from workbench.solver.run import solve

    width = len(chunk.batch)
    result = solve(chunk.batch.take(np.arange(min(NARROW, width))), registry)
    narrow, seconds = len(result.keys), result.seconds
    fixed, each = 0.0, seconds / narrow
    if width >= 2 * narrow and seconds < SLOW_SECONDS:
        result = solve(chunk.batch.take(np.arange(min(WIDE, width))), registry)
        each = max(result.seconds - seconds, 0.0) / (len(result.keys) - narrow)
        fixed = max(result.seconds - each * len(result.keys), 0.0)
    return Cost(fixed, each, result.steps, RUN_BYTES + OUTCOME_BYTES * len(result.outcomes), _course_bytes(result))


def _course_bytes(result: BatchResult) -> float:
    """Return what the courses of one run take: they are kept as text, so the first run's are written out."""
    return sum(len(json.dumps(values[:, 0].tolist())) + COURSE_BYTES for values in result.courses.values())
