"""The reference gives the prototype's overflow table: this fixes the reading of the equations.

The engine is then held to the reference.

The prototype gave its drug as a constant average concentration, rewarded at once, and left the M4 boost out.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from support.cases import every_case
from support.striatal_reference import CONDITIONS, Arm, Array, simulate

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
OFF_BY_A_FEW_PERCENT = {
    ("dyt1", 0, 0.0): (0.46, 0.44, 0.52, 0.56),
    ("dyt1", 6, 0.0): (0.46, 0.44, 0.47, 0.52),
}
"""Without a homeostat and hardly any drug the prototype ended 0.01-0.015 higher; cause unknown."""


Row = tuple[str, int, float]


@pytest.fixture(scope="module")
def found() -> dict[Row, list[float]]:
    """Return mean overflow in the four windows by row; all rows are run side by side on the same cues and noise."""
    rng = np.random.default_rng(7)
    rows = [*TABLE, *OFF_BY_A_FEW_PERCENT]
    arms = [CONDITIONS[condition] for condition, _, _ in rows]

    def each(values: Iterable[float]) -> Array:
        return np.repeat(np.array(list(values), dtype=float), SUBJECTS)

    arm = Arm(
        tone=each(float(a.tone) for a in arms),
        d2_efficacy=each(float(a.d2_efficacy) for a in arms),
        dopamine=each(float(a.dopamine) for a in arms),
        d2_signal=each(float(a.d2_signal) for a in arms),
        homeostat=each(strength for _, _, strength in rows),
        m4_gain=0.0,
    )
    treated = each(daily * NG_PER_ML_PER_MG_A_DAY for _, daily, _ in rows)
    levels = (np.zeros_like(treated), treated)
    course = simulate(
        arm,
        lambda t: levels[4000 <= t < 8000],
        np.tile(rng.integers(0, 4, (TRIALS, SUBJECTS)), (1, len(rows))),
        lambda start, stop: np.tile(rng.standard_normal((stop - start, 4, SUBJECTS)), (1, 1, len(rows))),
    )
    means = [course.overflow(*window).reshape(len(rows), SUBJECTS).mean(axis=1) for window in WINDOWS]
    return {row: [float(mean[i]) for mean in means] for i, row in enumerate(rows)}


@every_case("row", TABLE, ids=str)
def test_the_prototype_table_follows_from_the_equations(found: dict[Row, list[float]], row: Row) -> None:
    assert found[row] == pytest.approx(TABLE[row], abs=ROUNDING + MONTE_CARLO)


@pytest.mark.parametrize("row", OFF_BY_A_FEW_PERCENT, ids=str)
def test_two_late_rows_of_the_prototype_follow_within_four_percent(found: dict[Row, list[float]], row: Row) -> None:
    published = OFF_BY_A_FEW_PERCENT[row]
    assert found[row][:3] == pytest.approx(published[:3], abs=ROUNDING + MONTE_CARLO)
    assert found[row][3] == pytest.approx(published[3], rel=0.04)
