"""The statistics of findings: the value of a criterion on a sample of subjects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.analysis.intervals import hedges_g
from workbench.findings.finding import Criterion
from workbench.findings.grammar import StatisticName
from workbench.findings.samples import ROUNDING, Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array


def value_of(criterion: Criterion, sample: Sample) -> float:
    """Return the statistic of a sample; NaN where it is not defined (a ratio to zero, a time never reached)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(_STATISTICS[criterion.statistic](criterion, sample.terms, sample.along))  # type: ignore[index]


def _mean(_: Criterion, terms: Array, __: Array) -> Any:
    return terms[0].mean()


def _median(_: Criterion, terms: Array, __: Array) -> Any:
    return np.median(terms[0])


def _hits(c: Criterion, values: Array) -> Any:
    """Return the share of values beyond the bounds; a value that equals one but for rounding counts."""
    inside = np.ones(values.shape, dtype=np.bool_)
    if c.above is not None:
        inside &= values >= c.above - ROUNDING * max(abs(c.above), 1.0)
    if c.below is not None:
        inside &= values <= c.below + ROUNDING * max(abs(c.below), 1.0)
    return inside.mean()


def _pair(c: Criterion, terms: Array) -> Array:
    if len(terms) == 1:
        return np.asarray(terms[0])
    return np.asarray(terms[0] / terms[1] if c.of == "ratio" else terms[0] - terms[1])


def _share(c: Criterion, terms: Array, _: Array) -> Any:
    return _hits(c, _pair(c, terms))


def _share_difference(c: Criterion, terms: Array, _: Array) -> Any:
    half = len(terms) // 2
    return _hits(c, _pair(c, terms[:half])) - _hits(c, _pair(c, terms[half:]))


def _difference(_: Criterion, terms: Array, __: Array) -> Any:
    return (terms[0] - terms[1]).mean()


def _ratio(_: Criterion, terms: Array, __: Array) -> Any:
    return _over(terms[0].mean(), terms[1].mean())


def _gain_ratio(_: Criterion, terms: Array, __: Array) -> Any:
    return _over((terms[0] - terms[1]).mean(), (terms[2] - terms[3]).mean())


def _hedges_g(_: Criterion, terms: Array, __: Array) -> Any:
    return hedges_g(terms[0], terms[1])


def _interaction(_: Criterion, terms: Array, __: Array) -> Any:
    both, first, second, neither = terms
    return ((both - first) - (second - neither)).mean()


def _main_effect(_: Criterion, terms: Array, __: Array) -> Any:
    both, first, second, neither = terms
    return 0.5 * ((both - second) + (first - neither)).mean()


def _beyond(c: Criterion, terms: Array) -> NDArray[np.bool_]:
    """Return at which times the two arms are as far apart as asked; `terms` is (2, subjects, times)."""
    times = range(terms.shape[2])
    apart = [
        hedges_g(terms[0, :, k], terms[1, :, k]) if c.of == "hedges_g" else (terms[0, :, k] - terms[1, :, k]).mean()
        for k in times
    ]
    return np.array([(c.above is None or d >= c.above) and (c.below is None or d <= c.below) for d in apart])


def _first_time(c: Criterion, terms: Array, along: Array) -> Any:
    there = _beyond(c, terms)
    return along[there.argmax()] if there.any() else np.nan


def _last_time(c: Criterion, terms: Array, along: Array) -> Any:
    there = np.flatnonzero(_beyond(c, terms))
    return along[there[-1]] if len(there) else np.nan


def _over(above: Any, below: Any) -> Any:
    return above / below if below != 0 else np.nan


def _effect_size(_: Criterion, terms: Array, __: Array) -> Any:
    if terms.shape[1] < 2:
        return np.nan
    return _over((terms[0] - terms[1]).mean(), np.sqrt(terms.var(axis=1, ddof=1).mean()))


def _slope(_: Criterion, terms: Array, along: Array) -> Any:
    centred = along - along.mean()
    return _over((centred * terms.mean(axis=1)).sum(), (centred**2).sum())


def _correlation(_: Criterion, terms: Array, along: Array) -> Any:
    """Return the correlation of means; what does not vary is not correlated with anything."""
    first, second = (terms[0].mean(axis=0), terms[1].mean(axis=0)) if terms.ndim == 3 else (terms.mean(axis=1), along)
    if any(np.ptp(v) <= ROUNDING * np.abs(v).max() for v in (first, second)):
        return 0.0
    return np.corrcoef(first, second)[0, 1]


def _time_to(c: Criterion, terms: Array, along: Array) -> Any:
    mean = terms[0].mean(axis=0)
    reached = (mean > c.above) if c.above is not None else (mean < c.below)
    return along[reached.argmax()] if reached.any() else np.nan


def _peak_to_trough(_: Criterion, terms: Array, __: Array) -> Any:
    mean = terms[0].mean(axis=0)
    return _over(mean.max(), mean.min())


def _argmax(_: Criterion, terms: Array, along: Array) -> Any:
    return along[terms.mean(axis=1).argmax()]


def _order(_: Criterion, terms: Array, __: Array) -> Any:
    return np.diff(terms.mean(axis=1)).min()


def holding(criterion: Criterion, sample: Sample) -> NDArray[np.bool_]:
    """Return, for each swept value of a ``holds_over``, whether the inner statistic lies in its range."""
    inner = replace(criterion, statistic=criterion.of, over="")
    low, high = criterion.holds or (-np.inf, np.inf)
    blocks = np.split(sample.terms, len(sample.along))
    return np.array([low <= value_of(inner, Sample(block, np.empty(0))) <= high for block in blocks])


def _holds_over(c: Criterion, terms: Array, along: Array) -> Any:
    return holding(c, Sample(terms, along)).mean()


_STATISTICS: Mapping[StatisticName, Callable[[Criterion, Array, Array], Any]] = {
    "mean": _mean,
    "median": _median,
    "share": _share,
    "share_difference": _share_difference,
    "difference": _difference,
    "ratio": _ratio,
    "gain_ratio": _gain_ratio,
    "difference_ratio": _gain_ratio,
    "effect_size": _effect_size,
    "hedges_g": _hedges_g,
    "interaction": _interaction,
    "main_effect": _main_effect,
    "first_time": _first_time,
    "last_time": _last_time,
    "slope": _slope,
    "correlation": _correlation,
    "time_to": _time_to,
    "peak_to_trough": _peak_to_trough,
    "argmax": _argmax,
    "order": _order,
    "holds_over": _holds_over,
}
