"""Sets of parameters held to the findings that the shipped numbers were fitted to: which of them still give them back.

A study over assumed ranges knows nothing of what was published. Of its sets those count as held in which every fitted
finding that can be judged there keeps its published range: target and 1.96 times its error where the finding states
them, else what its criterion accepts. A rate, a level or a g cannot be judged in few people, and a criterion at a point
of another sweep not at all; both are left out and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from workbench.findings.samples import NotStored, Stored, sample_of
from workbench.findings.statistic_values import value_of
from workbench.terms import FEWEST_HELD, FEWEST_PEOPLE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.analysis.selection import Selection
    from workbench.component.arrays import Array
    from workbench.findings.finding import Criterion
    from workbench.findings.ledger import LedgerRow


PAIRED = ("difference", "interaction", "main_effect", "gain_ratio", "difference_ratio")
"""Statistics of differences within the same subjects; all others are rates, levels or in units of people's spread."""
NORMAL = 1.96


@dataclass(frozen=True)
class HeldSets:
    """Which sets of a study over assumed ranges give back the fitted findings.

    `values` is (criteria, sets), the statistic of each criterion in each set, of which `ranges` are the published
    ranges and `names` the findings; `left_out` names fitted findings that cannot be judged in this study.
    """

    study: str
    sets: NDArray[np.int64]
    names: tuple[str, ...]
    ranges: Array
    values: Array
    left_out: tuple[str, ...]

    @property
    def findings(self) -> tuple[str, ...]:
        """The findings that the sets are held to, each once."""
        return tuple(dict.fromkeys(self.names))

    @cached_property
    def inside(self) -> NDArray[np.int64]:
        """The sets in which every one of them lies in its published range."""
        low, high = self.ranges[:, :1], self.ranges[:, 1:]
        kept = np.all((self.values >= low) & (self.values <= high), axis=0)
        return self.sets[kept]

    @property
    def effective(self) -> float:
        """How many equally good sets the weighted sets are worth: (sum of weights)^2 / sum of squared weights.

        A set weighs exp(-1/2 sum ((value - middle of the range) / its standard error)^2), the range being 1.96 errors
        to either side.
        """
        middle = self.ranges.mean(axis=1, keepdims=True)
        error = (self.ranges[:, 1:] - self.ranges[:, :1]) / (2.0 * NORMAL)
        score = 0.5 * (((self.values - middle) / error) ** 2).sum(axis=0)
        weights = np.exp(-(score - score.min()))
        return float(weights.sum() ** 2 / (weights**2).sum())

    @property
    def enough(self) -> bool:
        """Whether so many sets are left that a range over them can be relied on."""
        return len(self.inside) >= FEWEST_HELD


def find_held_sets(selection: Selection, study: str, rows: Sequence[LedgerRow]) -> HeldSets | None:
    """Return which sets of `study` give back the fitted findings among `rows`; None where none can be judged there."""
    stored, points = Stored(selection), _points(selection, study)
    names, ranges, values, left_out = [], [], [], []
    for row in rows:
        if row.role != "fit":
            continue
        for criterion in row.finding.criteria:
            if criterion.beside:
                continue
            accepted = published_range(criterion)
            found = _values(criterion, stored, study, points) if accepted else None
            if accepted is None or found is None:
                left_out.append(row.finding.name)
                continue
            names.append(row.finding.name)
            ranges.append(accepted)
            values.append(found)
    if not names:
        return None
    missing = tuple(name for name in dict.fromkeys(left_out) if name not in names)
    return HeldSets(study, points, tuple(names), np.array(ranges), np.array(values), missing)


def published_range(criterion: Criterion) -> tuple[float, float] | None:
    """Return target and 1.96 errors where a criterion states them, else what it accepts; None where an end is open."""
    if criterion.target is not None and criterion.error:
        half = NORMAL * criterion.error
        return criterion.target - half, criterion.target + half
    return criterion.accept if np.isfinite(criterion.accept).all() else None


def _points(selection: Selection, study: str) -> NDArray[np.int64]:
    axes = selection.axes
    return np.unique(axes[axes.study == study].point).astype(np.int64)


def _values(criterion: Criterion, stored: Stored, study: str, points: NDArray[np.int64]) -> Array | None:
    """Return the statistic in every set, None where a set lacks it, or has too few people for what it is."""
    if criterion.over or criterion.at or criterion.against_at:
        return None
    found = []
    for point in points:
        try:
            sample = sample_of(replace(criterion, study=study), stored, study, int(point))
        except NotStored:
            return None
        if sample.subjects < FEWEST_PEOPLE and not _paired(criterion, sample.terms):
            return None
        found.append(value_of(criterion, sample))
    values = np.array(found)
    return values if len(values) and np.isfinite(values).all() else None


def _paired(criterion: Criterion, terms: Array) -> bool:
    yes_or_no = bool(np.isin(terms, (0.0, 1.0)).all())
    return criterion.statistic in PAIRED and not yes_or_no
