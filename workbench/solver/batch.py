"""What goes into the solver and what comes out: plain frozen data that may cross a process border."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

ENGINE_REVISION = 1
"""Raise it when the solver itself (not a component) changes any result bit: every run gets a new key."""

RECORDINGS = ("outcome", "course")
"""Sections that only watch: they shape what is recorded, never what happens, so they are no part of a run's key."""


@dataclass(frozen=True)
class Declared:
    """One table as the solver needs it: component by name, structural fields as sorted pairs.

    For recordings (`outcome`, `course`) the numeric fields are structural too. `stream` names its random numbers; ""
    is its own name.
    """

    section: str
    name: str
    component: str
    revision: int
    fields: tuple[tuple[str, Any], ...]
    source_sha256: str = ""
    stream: str = ""

    def field(self, name: str) -> Any:
        """Return one structural field."""
        return dict(self.fields)[name]


@dataclass(frozen=True)
class Structure:
    """All tables that a group of runs shares; runs of one structure can advance in one block."""

    tables: tuple[Declared, ...]

    @cached_property
    def identity(self) -> bytes:
        """SHA-256 over everything that shapes results: components, revisions, structural fields, engine."""
        acting = [t for t in self.tables if t.section not in RECORDINGS]
        listed = sorted(
            [t.section, t.name, t.component, t.revision, t.source_sha256, t.fields, *filter(None, [t.stream])]
            for t in acting
        )
        return hashlib.sha256(json.dumps([ENGINE_REVISION, listed], sort_keys=True).encode()).digest()

    @property
    def recordings(self) -> tuple[Declared, ...]:
        """The outcomes and courses to record."""
        return tuple(t for t in self.tables if t.section in RECORDINGS)


@dataclass(frozen=True)
class Batch:
    """Runs of one structure, ordered by subject.

    Attributes
    ----------
    subjects : array (runs,)
        Subject number of each run.
    values : mapping
        Every numeric path of the acting tables: a float where all runs share it for the whole scenario,
        else an array ``(runs,)``; canonical units.
    keys : tuple of bytes
        The 32-byte identity of each run.
    """

    structure: Structure
    seed: int
    subjects: NDArray[np.int64]
    values: Mapping[str, float | NDArray[np.float64]]
    keys: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, index: NDArray[np.int64]) -> Batch:
        """Return the runs at `index`, in that order."""
        values = {p: v if isinstance(v, float) else v[index] for p, v in self.values.items()}
        return Batch(self.structure, self.seed, self.subjects[index], values, tuple(self.keys[i] for i in index))


UNKNOWN_TIME = "unknown time"
"""Model time of the failure of a run that is lost."""


@dataclass(frozen=True)
class Failure:
    """Why one run could not be finished, at which step, and when in model time (with unit).

    A run that is `lost` had no say in it: whatever computed it came to an end. It may well be finished another time.
    """

    reason: str
    step: int
    time: str
    lost: bool = False


Machine = tuple[tuple[str, str], ...]
"""What the last digits of results depend on apart from versions, by name: processor, linear algebra, C library."""


@dataclass(frozen=True)
class BatchResult:
    """What the solver says of a batch, in the batch's order.

    Attributes
    ----------
    outcomes : mapping name -> array (runs,)
        NaN for failed runs only.
    courses : mapping name -> array (times, runs)
    times : mapping name -> tuple
        Time of each recorded value; trial number (end of the bin) on the trial clock, hours on the event clock.
    failures : mapping run index -> Failure
    steps : int
        Steps each run took (trials or events).
    machines : tuple of Machine
        Which others than that of whoever asked have computed it or parts of it.
    """

    keys: tuple[bytes, ...]
    outcomes: Mapping[str, NDArray[np.float64]]
    courses: Mapping[str, NDArray[np.float64]]
    times: Mapping[str, tuple[float, ...]]
    failures: Mapping[int, Failure]
    steps: int
    seconds: float
    draw_seconds: float
    machines: tuple[Machine, ...] = ()

    def take(self, index: NDArray[np.int64]) -> BatchResult:
        """Return what is said of the runs at `index`, in that order."""
        return replace(
            self,
            keys=tuple(self.keys[i] for i in index),
            outcomes={name: values[index] for name, values in self.outcomes.items()},
            courses={name: values[:, index] for name, values in self.courses.items()},
            failures={new: self.failures[old] for new, old in enumerate(index.tolist()) if old in self.failures},
        )
