"""How far a set of parameter values lies from published numbers, for many candidates in one batch.

A residual is the distance of a criterion's value from the published number in units of its error; where no number was
published, the distance outside the accepted range, in half of its width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.execution.crew import Crew
from workbench.execution.executors import crew
from workbench.execution.runner import Request, read_scenario
from workbench.execution.simulate import points_request, solve_points
from workbench.findings.finding import Criterion, Finding
from workbench.findings.ledger import in_words, monte_carlo_error
from workbench.findings.samples import Sample, terms_of
from workbench.findings.statistic_values import value_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array
    from workbench.scenario.model import Scenario

    Mask = NDArray[np.bool_] | np.bool_

UNDEFINED = 1e3
"""Residual of a candidate at which a run failed or a statistic is not defined."""
SWEPT = "it is measured in a sweep or a time course"


@dataclass(frozen=True)
class FitTarget:
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
            # Large but finite, so that a search can still compare candidates of which most fail.
            return UNDEFINED
        if self.criterion.target is not None:
            return (value - self.criterion.target) / self.scale
        low, high = self.criterion.accept
        # Flat within the accepted range: every value there agrees with what was published, and none is to be
        # preferred.
        return (max(value - high, 0.0) - max(low - value, 0.0)) / self.scale

    def recorded(self, fitted: bool) -> tuple[str, str, int, str, float | None, float, float | None, float | None]:
        """Return what a log says of it: finding, words, whether it is fitted to, unit, target, scale, range."""
        low, high = (bound if math.isfinite(bound) else None for bound in self.criterion.accept)
        c = self.criterion
        return self.finding, self.words, int(fitted), c.unit, c.target, self.scale, low, high

    def inside(self, value: float) -> bool:
        """Return whether a value lies in the accepted range."""
        return self.criterion.accept[0] <= value <= self.criterion.accept[1]


def targets_of(findings: Sequence[Finding]) -> list[FitTarget]:
    """Return the criteria that can be evaluated candidate by candidate.

    Not those along a sweep or of a course, nor among subjects who are chosen by a trait, nor what is only shown beside.
    """
    return [
        FitTarget(finding.name, criterion)
        for finding in findings
        for criterion in finding.criteria
        if not criterion.beside
        and not (criterion.over or criterion.at or criterion.against_at or criterion.kind == "course")
        and not (criterion.among and criterion.among.trait)
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

    def arms(self, targets: Sequence[FitTarget]) -> tuple[str, ...]:
        """Return the arms that some targets are taken of, in the scenario's order."""
        named = {arm for target in targets for arm in target.criterion.arms_needed}
        return tuple(name for name in self.scenario.arms if name in named)

    def points(self, candidates: Array) -> dict[str, list[float]]:
        """Return candidates as columns by path."""
        return {f"parameter.{name}": candidates[:, i].tolist() for i, name in enumerate(self.parameters)}

    def request(self, candidates: Array, targets: Sequence[FitTarget]) -> Request:
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

    def samples(self, candidates: Array, targets: Sequence[FitTarget]) -> Iterator[list[Sample]]:
        """Yield, for each target, what it is taken of in each candidate.

        `candidates` is (candidates, parameters) in the units of the parameter set.
        """
        arms = self.arms(targets)
        found = solve_points(self.request(candidates, targets), self.points(candidates), self.hands)
        shape = (len(candidates), len(arms), -1)

        def column(measure: str, arm: str) -> Array:
            values: Array = found[measure].reshape(shape)[:, arms.index(arm)]
            return values

        for c in (target.criterion for target in targets):
            each = zip(np.moveaxis(_terms(c, column), 1, 0), _chosen(c, column, len(candidates)), strict=True)
            yield [_finished(terms, chosen, c.times) for terms, chosen in each]

    def values(self, candidates: Array, targets: Sequence[FitTarget]) -> Array:
        """Return (candidates, targets): the statistics, NaN where one is not defined."""
        return np.array([_values(t, of) for t, of in zip(targets, self.samples(candidates, targets), strict=True)]).T

    def values_and_errors(
        self, candidates: Array, targets: Sequence[FitTarget]
    ) -> tuple[Array, list[list[float | None]]]:
        """Return `values` and, in the same order, their standard errors over simulated subjects."""
        of = list(self.samples(candidates, targets))
        values = np.array([_values(t, some) for t, some in zip(targets, of, strict=True)]).T
        pairs = list(zip(targets, of, strict=True))
        errors = [[monte_carlo_error(t.criterion, some[i]) for t, some in pairs] for i in range(len(values))]
        return values, errors


def residuals(values: Array, targets: Sequence[FitTarget]) -> Array:
    """Return (candidates, targets): distances of values from what was published, in errors."""
    return np.array([[t.residual(v) for t, v in zip(targets, row, strict=True)] for row in values])


def _values(target: FitTarget, samples: Sequence[Sample]) -> list[float]:
    return [value_of(target.criterion, sample) for sample in samples]


Column = Callable[[str, str], "Array"]
"""A function (measure, arm) that gives values by candidate and subject."""


def _terms(c: Criterion, column: Column) -> Array:
    """Return what a criterion is taken of: (terms, candidates, subjects), and times last for several visits."""
    if c.measures:
        return np.stack([np.stack([column(measure, arm) for measure in c.measures], axis=-1) for arm in c.arms])
    return np.stack([column(t.measure, t.arm) for t in terms_of(c)]) - c.baseline


def _chosen(c: Criterion, column: Column, candidates: int) -> Sequence[Mask]:
    """Return, for each candidate, which subjects count."""
    if c.among is None:
        return [np.True_] * candidates
    values = column(c.among.outcome, c.among.arm)
    low = -np.inf if c.among.above is None else c.among.above
    high = np.inf if c.among.below is None else c.among.below
    return list((values > low) & (values < high))


def _finished(terms: Array, chosen: Mask, times: tuple[float, ...]) -> Sample:
    """Return the subjects that count and whose runs all finished; one of NaN where none is left."""
    lasting = np.isfinite(terms).all(axis=0)
    kept = (lasting.all(axis=-1) if times else lasting) & chosen
    # One subject of NaN instead of none: statistics of an empty sample warn or raise, those of NaN are NaN.
    nothing = np.full((len(terms), 1, *terms.shape[2:]), np.nan)
    return Sample(terms[:, kept] if kept.any() else nothing, np.array(times))
