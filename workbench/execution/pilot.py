"""How long a sweep will take and how large its database will be: a small part of it, timed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workbench.design import Chunk, Plan
    from workbench.registry import Registry
    from workbench.solver.batch import Structure

NARROW, WIDE = 32, 512
PATIENCE = 0.15
"""Seconds for each of the two; long enough for some hundred steps, too short to matter."""

RUN_BYTES, OUTCOME_BYTES, COURSE_BYTES, SAMPLE_BYTES = 110, 17, 24, 20
"""What a run with its place and key, an outcome, a course, and one of its values (kept as text) take in the database,
as measured."""


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
    """What runs cost: seconds of one block as ``fixed + each * width``, and steps of a run."""

    fixed: float
    each: float
    steps: int

    def seconds(self, runs: int, blocks: int) -> float:
        """Return the time that one worker needs for `runs` in so many blocks."""
        return self.fixed * blocks + self.each * runs


def cost_of(chunk: Chunk, registry: Registry | None) -> Cost:
    """Time the first steps of `chunk` in this process, at two widths.

    A step costs a fixed dispatch and a little for each run, so two narrow blocks tell what a full one
    will cost. Where the whole block is narrow, all of it is taken for dispatch.
    """
    from workbench.solver.run import rehearse

    width = len(chunk.batch)
    narrow = min(NARROW, width)
    seen = rehearse(chunk.batch.take(np.arange(narrow)), PATIENCE, registry)
    fixed, each = seen.seconds_a_step, 0.0
    if width >= 2 * narrow:
        wide = min(WIDE, width)
        step = rehearse(chunk.batch.take(np.arange(wide)), PATIENCE, registry).seconds_a_step
        each = max(step - seen.seconds_a_step, 0.0) / (wide - narrow)
        fixed = max(step - each * wide, 0.0)
    return Cost(fixed * seen.steps, each * seen.steps, seen.steps)


def bytes_of(structure: Structure, registry: Registry | None) -> float:
    """Return what one run of `structure` takes in the database."""
    from workbench.solver.run import shape_of

    shape = shape_of(structure, registry)
    courses = sum(COURSE_BYTES + SAMPLE_BYTES * samples for samples in shape.samples)
    return RUN_BYTES + OUTCOME_BYTES * shape.outcomes + courses
