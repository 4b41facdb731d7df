"""Met, missed or undecided: a value against a range, with the error of its calculation."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from workbench.analysis.criteria import value_of
from workbench.analysis.interval import ROUNDING
from workbench.findings.finding import Criterion
from workbench.findings.samples import Sample

Verdict = Literal["missed", "undecided", "not run", "fails as it must", "met"]
VERDICTS: tuple[Verdict, ...] = ("missed", "undecided", "not run", "fails as it must", "met")
"""From what a reader must see first to what needs no attention."""

RESAMPLES = 400
SEED = 20_140_626
SHARE = 0.1
"""The largest error, in widths of the range, with which a value inside it is sure."""
CLEAR = 2.0
"""A value further outside than so many errors is a clear miss."""


def monte_carlo_error(criterion: Criterion, sample: Sample) -> float | None:
    """Return the standard error of a statistic over simulated subjects, by resampling them.

    0 where all subjects are alike, so that nothing is random; None where it cannot be known: one subject, or a
    statistic that some resamples leave undefined.
    """
    if sample.subjects < 2:
        return None
    spread = np.ptp(sample.terms, axis=1)
    if np.all(spread <= ROUNDING * np.abs(sample.terms).max(axis=1)):
        return 0.0
    rng = np.random.default_rng(SEED)
    n = sample.subjects
    values = np.array([value_of(criterion, sample.of(rng.integers(0, n, n))) for _ in range(RESAMPLES)])
    return float(values.std(ddof=1)) if np.isfinite(values).all() else None


def verdict_of(value: float, accept: tuple[float, float], error: float | None) -> Verdict:
    """Return whether a value with the error of its calculation lies in a range.

    Inside counts as met if the error is below a tenth of the range's width, or of the distance to the only bound of an
    open range; outside counts as missed if the bound is more than two errors away.
    """
    low, high = accept
    if math.isnan(value):
        return "missed"
    if error is None:
        return "undecided"
    if low <= value <= high:
        bounds = [bound for bound in accept if math.isfinite(bound)]
        scale = high - low if len(bounds) == 2 else abs(value - bounds[0])
        return "met" if error == 0 or error < SHARE * scale else "undecided"
    return "missed" if max(low - value, value - high) > CLEAR * error else "undecided"


def people_needed(value: float, accept: tuple[float, float], error: float | None, people: int) -> int:
    """Return how many people would decide a value that stays as it is; 0 where no number would.

    An error falls with the square root of the number of people.
    """
    if error is None or math.isnan(value):
        return 0
    low, high = accept
    if low <= value <= high:
        bounds = [bound for bound in accept if math.isfinite(bound)]
        allowed = SHARE * (high - low if len(bounds) == 2 else abs(value - bounds[0]))
    else:
        allowed = max(low - value, value - high) / CLEAR
    return math.ceil(people * (error / allowed) ** 2) if allowed > 0 else 0


def joint(verdicts: list[Verdict]) -> Verdict:
    """Return the verdict of a finding from those of its criteria: the first of missed, not run, undecided, met."""
    order: tuple[Verdict, ...] = ("missed", "not run", "undecided", "met")
    return next((verdict for verdict in order if verdict in verdicts), "not run")


def turned(verdict: Verdict) -> Verdict:
    """Return the verdict of what theory says must fail: a miss is right, and meeting it is a mistake."""
    reversal: dict[Verdict, Verdict] = {"missed": "fails as it must", "met": "missed"}
    return reversal.get(verdict, verdict)
