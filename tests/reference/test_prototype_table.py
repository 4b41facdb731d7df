"""The reference gives the prototype's overflow table: this fixes the reading of the equations.

The engine is then held to the reference.

The prototype gave its drug as a constant average concentration, rewarded at once, and left the M4 boost out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from striatal_reference import CONDITIONS, simulate

SUBJECTS, TRIALS = 24, 12_000
NG_PER_ML_PER_MG_A_DAY = 2.61
WINDOWS = ((200, 800), (3600, 4000), (7600, 8000), (11_600, 12_000))
ROUNDING = 0.005
MONTE_CARLO = 0.006
"""Three standard errors of a mean over 24 subjects, at a spread of 0.01 between subjects."""

TABLE = {
    ("wild_type", 0, 0.0): (0.42, 0.32, 0.32, 0.32),
    ("wild_type", 30, 0.0): (0.42, 0.32, 0.38, 0.32),
    ("dyt1", 15, 0.0): (0.46, 0.44, 0.39, 0.42),
    ("dyt1", 30, 0.0): (0.46, 0.44, 0.37, 0.36),
    ("wild_type", 0, 1.0): (0.42, 0.32, 0.32, 0.32),
    ("wild_type", 30, 1.0): (0.42, 0.32, 0.38, 0.32),
    ("dyt1", 0, 1.0): (0.46, 0.42, 0.45, 0.48),
    ("dyt1", 6, 1.0): (0.46, 0.42, 0.42, 0.43),
    ("dyt1", 15, 1.0): (0.46, 0.42, 0.37, 0.36),
    ("dyt1", 30, 1.0): (0.46, 0.42, 0.37, 0.32),
}
OFF_BY_THREE_PERCENT = {
    ("dyt1", 0, 0.0): (0.46, 0.44, 0.52, 0.56),
    ("dyt1", 6, 0.0): (0.46, 0.44, 0.47, 0.52),
}
"""Without a homeostat and hardly any drug the prototype ended 0.01-0.015 higher; cause unknown."""


def overflow_of(condition: str, daily: float, strength: float) -> list[float]:
    """Return mean overflow over subjects in the four windows, one arm of the prototype."""
    rng = np.random.default_rng(7)
    cues = rng.integers(0, 4, (TRIALS, SUBJECTS))
    arm = replace(CONDITIONS[condition], homeostat=strength, m4_gain=0.0)
    levels = (0.0, daily * NG_PER_ML_PER_MG_A_DAY)
    course = simulate(
        arm,
        lambda t: levels[4000 <= t < 8000],
        cues,
        lambda start, stop: rng.standard_normal((stop - start, 4, SUBJECTS)),
    )
    return [float(course.overflow(*window).mean()) for window in WINDOWS]


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_the_prototype_table_follows_from_the_equations(row: tuple[str, int, float]) -> None:
    assert overflow_of(*row) == pytest.approx(TABLE[row], abs=ROUNDING + MONTE_CARLO)


@pytest.mark.parametrize("row", OFF_BY_THREE_PERCENT, ids=str)
def test_two_late_rows_of_the_prototype_follow_within_three_percent(row: tuple[str, int, float]) -> None:
    found, published = overflow_of(*row), OFF_BY_THREE_PERCENT[row]
    assert found[:3] == pytest.approx(published[:3], abs=ROUNDING + MONTE_CARLO)
    assert found[3] == pytest.approx(published[3], rel=0.04)
