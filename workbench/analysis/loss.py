"""How far a set of parameter values lies from published numbers, for many candidates in one batch.

A residual is the distance of a criterion's value from the published number in units of its error; where no number was
published, the distance outside the accepted range, in half of its width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.criteria import value_of
from workbench.analysis.ledger import in_words
from workbench.analysis.samples import Sample, terms_of
from workbench.execution.simulate import simulate_columns
from workbench.literature.model import Criterion, Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.scenario.model import Scenario

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_] | np.bool_

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

    def residual(self, value: float) -> float:
        """Return the distance of a value from what was published, in errors."""
        if not math.isfinite(value):
            return UNDEFINED
        if self.criterion.target is not None:
            return (value - self.criterion.target) / self.scale
        low, high = self.criterion.accept
        return (max(value - high, 0.0) - max(low - value, 0.0)) / self.scale

    def inside(self, value: float) -> bool:
        """Return whether a value lies in the accepted range."""
        return self.criterion.accept[0] <= value <= self.criterion.accept[1]


def targets_of(findings: Sequence[Finding]) -> list[Target]:
    """Return the criteria that can be evaluated candidate by candidate.

    Not those along a sweep or of a course, nor among subjects who are chosen by a trait.
    """
    return [
        Target(finding.name, criterion)
        for finding in findings
        for criterion in finding.criteria
        if not (criterion.over or criterion.at or criterion.against_at or criterion.kind == "course")
        and not (criterion.among and criterion.among.trait)
    ]


@dataclass(frozen=True)
class Loss:
    """Values of targets in one scenario; `parameters` are names in its parameter set, moved together."""

    scenario: Scenario
    parameters: tuple[str, ...]
    subjects: int | None = None
    seed: int | None = None
    workers: int = 1

    def values(self, candidates: Array, targets: Sequence[Target]) -> Array:
        """Return (candidates, targets); `candidates` is (candidates, parameters) in the units of the parameter set."""
        asked = {arm for target in targets for arm in target.criterion.arms_needed}
        arms = tuple(name for name in self.scenario.arms if name in asked)
        points = {f"parameter.{name}": candidates[:, i].tolist() for i, name in enumerate(self.parameters)}
        found = simulate_columns(
            self.scenario, points, arms=arms, subjects=self.subjects, seed=self.seed, workers=self.workers
        )
        shape = (len(candidates), len(arms), -1)

        def column(measure: str, arm: str) -> Array:
            values: Array = found[measure].reshape(shape)[:, arms.index(arm)]
            return values

        rows = []
        for c in (target.criterion for target in targets):
            each = zip(np.moveaxis(_terms(c, column), 1, 0), _chosen(c, column, len(candidates)), strict=True)
            rows.append([value_of(c, _finished(terms, chosen, c.times)) for terms, chosen in each])
        return np.array(rows).T

    def residuals(self, candidates: Array, targets: Sequence[Target]) -> Array:
        """Return (candidates, targets): distances from what was published, in errors."""
        values = self.values(candidates, targets)
        return np.array([[t.residual(v) for t, v in zip(targets, row, strict=True)] for row in values])


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
    nothing = np.full((len(terms), 1, *terms.shape[2:]), np.nan)
    return Sample(terms[:, kept] if kept.any() else nothing, np.array(times))
