"""How far a set of parameter values lies from published numbers, for many candidates in one batch.

A residual is the distance of a criterion's value from the published number in units of its error; where no number was
published, the distance outside the accepted range, in half of its width.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.criteria import value_of
from workbench.analysis.ledger import in_words
from workbench.analysis.samples import Sample, terms_of
from workbench.analysis.verdict import monte_carlo_error
from workbench.execution.simulate import points_request, solved
from workbench.execution.sweep import Request, read_scenario
from workbench.execution.workers import Crew, crew
from workbench.literature.model import Criterion, Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.scenario.model import Scenario

    Array = NDArray[np.float64]

UNDEFINED = 1e3
"""Residual of a candidate at which a run failed or a statistic is not defined."""
SWEPT = "it is taken of a sweep or a course"


@dataclass(frozen=True)
class Target:
    """One criterion of a finding that candidates are held against."""

    finding: str
    criterion: Criterion

    @property
    def words(self) -> str:
        """What is taken of which arms."""
        return in_words(self.criterion)

    @property
    def scale(self) -> float:
        """The published error; without one, half the width of the accepted range (or the distance of 0 from it)."""
        if self.criterion.error is not None:
            return self.criterion.error
        low, high = self.criterion.accept
        if math.isfinite(low) and math.isfinite(high):
            return (high - low) / 2
        bound = low if math.isfinite(low) else high
        return abs(bound) or 1.0

    @property
    def width(self) -> float:
        """The width of the accepted range; of an open one, twice the scale."""
        low, high = self.criterion.accept
        return high - low if math.isfinite(low) and math.isfinite(high) else 2 * self.scale

    def residual(self, value: float) -> float:
        """Return the distance of a value from what was published, in errors."""
        if not math.isfinite(value):
            return UNDEFINED
        if self.criterion.target is not None:
            return (value - self.criterion.target) / self.scale
        low, high = self.criterion.accept
        return (max(value - high, 0.0) - max(low - value, 0.0)) / self.scale

    def recorded(self, fitted: bool) -> tuple[str, str, int, str, float | None, float, float | None, float | None]:
        """Return what a log says of it: finding, words, whether it is fitted to, unit, target, scale, range."""
        low, high = (bound if math.isfinite(bound) else None for bound in self.criterion.accept)
        c = self.criterion
        return self.finding, self.words, int(fitted), c.unit, c.target, self.scale, low, high

    def inside(self, value: float) -> bool:
        """Return whether a value lies in the accepted range."""
        return self.criterion.accept[0] <= value <= self.criterion.accept[1]


def targets_of(findings: Sequence[Finding]) -> list[Target]:
    """Return the criteria that can be evaluated candidate by candidate: not those along a sweep or of a course."""
    return [
        Target(finding.name, criterion)
        for finding in findings
        for criterion in finding.criteria
        if not (criterion.over or criterion.at or criterion.against_at or criterion.among or criterion.kind == "course")
    ]


@dataclass(frozen=True)
class Loss:
    """Values of targets in one scenario; `parameters` are names in its parameter set, moved together.

    All candidates have the same subjects, and so the same noise.
    """

    scenario: Scenario
    parameters: tuple[str, ...]
    subjects: int
    workers: int = 1
    hands: Crew | None = None

    def arms(self, targets: Sequence[Target]) -> tuple[str, ...]:
        """Return the arms that some targets are taken of, in the scenario's order."""
        named = {arm for target in targets for arm in target.criterion.arms}
        return tuple(name for name in self.scenario.arms if name in named)

    def points(self, candidates: Array) -> dict[str, list[float]]:
        """Return candidates as columns by path."""
        return {f"parameter.{name}": candidates[:, i].tolist() for i, name in enumerate(self.parameters)}

    def request(self, candidates: Array, targets: Sequence[Target]) -> Request:
        """Return the runs of some candidates in the arms that the targets are taken of."""
        arms = self.arms(targets)
        return points_request(
            self.scenario, self.points(candidates), arms=arms, subjects=self.subjects, workers=self.workers
        )

    @contextmanager
    def at_work(self) -> Iterator[Loss]:
        """Keep the worker processes for all batches, instead of starting them for each."""
        _, registry = read_scenario(self.scenario)
        with crew(self.workers, registry) as hands:
            yield replace(self, hands=hands)

    def samples(self, candidates: Array, targets: Sequence[Target]) -> Iterator[list[Sample]]:
        """Yield, for each target, what it is taken of in each candidate.

        `candidates` is (candidates, parameters) in the units of the parameter set.
        """
        arms = self.arms(targets)
        found = solved(self.request(candidates, targets), self.points(candidates), self.hands)
        shape = (len(candidates), len(arms), -1)
        for target in targets:
            columns = [found[t.measure].reshape(shape)[:, arms.index(t.arm)] for t in terms_of(target.criterion)]
            stacked = np.stack(columns) - target.criterion.baseline
            yield [_finished(one) for one in np.moveaxis(stacked, 1, 0)]

    def values(self, candidates: Array, targets: Sequence[Target]) -> Array:
        """Return (candidates, targets): the statistics, NaN where one is not defined."""
        return np.array([_values(t, of) for t, of in zip(targets, self.samples(candidates, targets), strict=True)]).T

    def values_and_errors(self, candidates: Array, targets: Sequence[Target]) -> tuple[Array, list[list[float | None]]]:
        """Return `values` and, in the same order, their standard errors over simulated subjects."""
        of = list(self.samples(candidates, targets))
        values = np.array([_values(t, some) for t, some in zip(targets, of, strict=True)]).T
        pairs = list(zip(targets, of, strict=True))
        errors = [[monte_carlo_error(t.criterion, some[i]) for t, some in pairs] for i in range(len(values))]
        return values, errors


def residuals(values: Array, targets: Sequence[Target]) -> Array:
    """Return (candidates, targets): distances of values from what was published, in errors."""
    return np.array([[t.residual(v) for t, v in zip(targets, row, strict=True)] for row in values])


def _values(target: Target, samples: Sequence[Sample]) -> list[float]:
    return [value_of(target.criterion, sample) for sample in samples]


def _finished(terms: Array) -> Sample:
    """Return the subjects whose runs all finished; none is left where a statistic has nothing to be taken of."""
    kept = np.isfinite(terms).all(axis=0)
    return Sample(terms[:, kept] if kept.any() else np.full((len(terms), 1), np.nan), np.empty(0))
