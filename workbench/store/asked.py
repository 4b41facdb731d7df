"""What the store needs to know of a plan and its chunks; `workbench.design` provides both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.scenario.model import Evidence, Scenario
from workbench.solver.batch import Batch, Structure


class Resolved(Protocol):
    """A parameter of one arm after every layer: its value, unit, the layer it came from, and its evidence."""

    @property
    def value(self) -> Any: ...
    @property
    def unit(self) -> str: ...
    @property
    def origin(self) -> str: ...
    @property
    def evidence(self) -> Evidence | None: ...


class StudyPlan(Protocol):
    """Arms x points x subjects; a point is a mapping path -> value, its ordinal the place in `points`."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def arms(self) -> tuple[str, ...]: ...
    @property
    def points(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def subjects(self) -> int: ...


class Plan(Protocol):
    """Everything one command asks for."""

    @property
    def scenario(self) -> Scenario: ...
    @property
    def seed(self) -> int: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...
    @property
    def studies(self) -> Sequence[StudyPlan]: ...
    @property
    def expected(self) -> int: ...
    def structures(self) -> Iterable[Structure]: ...
    def resolved(self, arm: str) -> Mapping[str, Resolved]: ...
    def traits(self, subjects: range) -> Mapping[str, NDArray[np.float64]]: ...


class Chunk(Protocol):
    """Runs of one structure with the places they fill: row i is (study, arms[i], points[i], batch.subjects[i])."""

    @property
    def batch(self) -> Batch: ...
    @property
    def study(self) -> str: ...
    @property
    def arms(self) -> NDArray[np.int64]: ...
    @property
    def points(self) -> NDArray[np.int64]: ...
