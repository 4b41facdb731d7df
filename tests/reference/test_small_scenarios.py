"""The event-clock scenarios follow their closed forms and the published figures they were set with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import expm

from workbench.design import plan
from workbench.scenario.library import scenarios_folder
from workbench.scenario.load import load_scenario
from workbench.solver.run import solve, width_for

Array = NDArray[np.float64]
Row = tuple[str, Mapping[str, object], Mapping[str, float | Array], Mapping[str, Array]]


def rows_of(file: str, study: str, subjects: int) -> Iterator[Row]:
    """Yield arm, point, numbers and outcomes of every (arm, point) of one study; arrays run over subjects."""
    made = plan(load_scenario(scenarios_folder() / file), studies=[study], subjects=subjects)
    planned = made.studies[0]
    for chunk in made.chunks(width_for):
        outcomes = solve(chunk.batch).outcomes
        for arm, point in sorted(set(zip(chunk.arms.tolist(), chunk.points.tolist(), strict=True))):
            rows = np.flatnonzero((chunk.arms == arm) & (chunk.points == point))
            batch = chunk.batch.take(rows)
            found = {name: values[rows] for name, values in outcomes.items()}
            yield planned.arms[arm], planned.points[point], batch.values, found


@pytest.fixture(scope="module")
def change_at() -> dict[str, dict[float, float]]:
    """Return, per arm, the weight change after ten pairings by the delay of dopamine in seconds."""
    found: dict[str, dict[float, float]] = {}
    for arm, point, values, outcomes in rows_of("dopamine_window.toml", "delay", 1):
        delay = float(str(point["event.dopamine.at"])) - float(np.max(values["event.pairing.at"]))
        found.setdefault(arm, {})[round(delay, 6)] = float(outcomes["weight"][0]) - 0.5
    return found


def test_DY20_dopamine_counts_only_inside_its_window(change_at: dict[str, dict[float, float]]) -> None:
    burst = change_at["burst"]
    assert burst[1.0] >= 3 * burst[5.0]
    assert abs(burst[-1.0]) < 0.1 * burst[1.0]
    assert burst[0.3] == pytest.approx(0.0, abs=1e-9)
    assert all(change == 0.0 for change in change_at["no_dopamine"].values())


def test_ten_pairings_follow_the_closed_form_of_soft_bounds(change_at: dict[str, dict[float, float]]) -> None:
    def kernel(delay: float) -> float:
        z = (delay - 0.3) / (0.8 - 0.3)
        return float(z * np.exp(1 - z) * np.exp(-delay / 1.0))

    for delay in (0.6, 1.0, 1.5):
        earlier = sum(kernel(delay + 10.0 * k) for k in range(1, 10))
        step = 0.08 * kernel(delay) / kernel(0.8)
        assert earlier < 1e-5 * kernel(delay)
        assert change_at["burst"][delay] == pytest.approx(0.5 - 0.5 * (1 - step) ** 10, rel=1e-4)


def test_a_dip_depresses_and_a_burst_potentiates(change_at: dict[str, dict[float, float]]) -> None:
    assert change_at["dip"][1.0] < 0.0 < change_at["burst"][1.0]


@pytest.fixture(scope="module")
def one_dose() -> tuple[Mapping[str, float | Array], Mapping[str, Array]]:
    """Return numbers and outcomes of 4 mg in 40 subjects."""
    found = {arm: (values, outcomes) for arm, _, values, outcomes in rows_of("trihexyphenidyl.toml", "arms", 40)}
    return found["dose_4mg"]


def test_plasma_follows_the_matrix_exponential(
    one_dose: tuple[Mapping[str, float | Array], Mapping[str, Array]],
) -> None:
    values, outcomes = one_dose
    clearance = np.asarray(values["drug.variant_a.clearance"])
    for hours, name in ((1.5, "plasma_a_1h30"), (2.0, "plasma_a_2h"), (24.0, "plasma_a_24h")):
        for subject in range(3):
            out = clearance[subject] / 502.0
            flow = np.array([[-2.07, 0.0, 0.0], [2.07, -out - 0.0328, 0.0867], [0.0, 0.0328, -0.0867]])
            central = (expm(flow * hours) @ [4.0, 0.0, 0.0])[1]
            assert outcomes[name][subject] == pytest.approx(central / 502.0 * 1000.0, rel=1e-9)


def test_DY15_one_dose_reaches_the_published_concentration_and_occupancy(
    one_dose: tuple[Mapping[str, float | Array], Mapping[str, Array]],
) -> None:
    _, outcomes = one_dose
    assert 4.5 <= float(outcomes["plasma_a_1h30"].mean()) <= 9.7
    assert 0.20 <= float(outcomes["occupancy_m1_a_2h"].mean()) <= 0.36


def test_the_three_kinetics_differ_by_their_half_lives(
    one_dose: tuple[Mapping[str, float | Array], Mapping[str, Array]],
) -> None:
    values, outcomes = one_dose
    a, b, c = (float(outcomes[f"plasma_{variant}_24h"].mean()) for variant in "abc")
    assert a > b > c
    reference_clearance = {"b": 40.0, "c": 94.0}
    for variant, half_life in (("b", 8.7), ("c", 3.7)):
        assert np.log(2) * 502.0 / reference_clearance[variant] == pytest.approx(half_life, abs=0.05)
        spread = np.asarray(values[f"drug.variant_{variant}.clearance"]) / reference_clearance[variant]
        assert 0.8 < float(np.median(spread)) < 1.25
