"""The event-clock scenarios follow their closed forms and the published figures they were set with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import expm

from workbench.plan import plan
from workbench.scenario.load import load_scenario
from workbench.scenario.shipped_files import scenarios_folder
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


Runs = dict[str, tuple[Mapping[str, float | Array], Mapping[str, Array]]]


@pytest.fixture(scope="module")
def one_dose() -> Runs:
    """Return numbers and outcomes of one dose in 100 subjects, by arm."""
    return {arm: found for arm, _, *found in rows_of("trihexyphenidyl.toml", "arms", 100)}  # type: ignore[misc]


def test_plasma_follows_the_matrix_exponential(one_dose: Runs) -> None:
    values, outcomes = one_dose["variant_a"]
    drawn = {name: np.asarray(values[f"drug.trihexyphenidyl.{name}"]) for name in ("clearance", "volume", "absorption")}
    heavier = np.asarray(values["drug.trihexyphenidyl.body_weight"]) / 70.0
    for hours, name in ((1.5, "plasma_1h30"), (2.0, "plasma_2h"), (24.0, "plasma_24h")):
        for subject in range(3):
            volume = drawn["volume"][subject] * heavier[subject]
            out = drawn["clearance"][subject] * heavier[subject] ** 0.75 / volume
            ka, k12, k21 = drawn["absorption"][subject], *(k * heavier[subject] ** -0.25 for k in (0.0328, 0.0867))
            flow = np.array([[-ka, 0.0, 0.0], [ka, -out - k12, k21], [0.0, k12, -k21]])
            central = (expm(flow * hours) @ [4.0, 0.0, 0.0])[1]
            assert outcomes[name][subject] == pytest.approx(central / volume * 1000.0, rel=1e-9)


def test_DY15_one_dose_reaches_the_published_concentration_and_occupancy(one_dose: Runs) -> None:
    _, outcomes = one_dose["variant_a"]
    assert 7.15 - 2.58 <= float(outcomes["cmax"].mean()) <= 7.15 + 2.58
    assert 201 - 71 <= float(outcomes["auc"].mean()) <= 201 + 71
    assert 0.20 <= float(outcomes["occupancy_2h"].mean()) <= 0.36


def test_the_three_kinetics_differ_by_their_half_lives(one_dose: Runs) -> None:
    for arm, half_life in (("variant_b", 8.7), ("variant_c", 3.7)):
        values, outcomes = one_dose[arm]
        out = np.asarray(values["drug.trihexyphenidyl.clearance"]) / np.asarray(values["drug.trihexyphenidyl.volume"])
        heavier = np.asarray(values["drug.trihexyphenidyl.body_weight"]) / 70.0
        np.testing.assert_allclose(outcomes["half_life"], np.log(2) / out * heavier**0.25, rtol=1e-12)
        assert float(np.median(outcomes["half_life"])) == pytest.approx(half_life, rel=0.1)
    assert float(np.median(one_dose["variant_a"][1]["half_life"])) == pytest.approx(33.0, rel=0.1)


def test_all_that_is_absorbed_is_cleared(one_dose: Runs) -> None:
    for arm in ("variant_a", "variant_b", "variant_c", "child"):
        values, outcomes = one_dose[arm]
        heavier = np.asarray(values["drug.trihexyphenidyl.body_weight"]) / 70.0
        cleared = np.asarray(values["drug.trihexyphenidyl.clearance"]) * heavier**0.75
        np.testing.assert_allclose(outcomes["auc_inf"], 4000.0 / cleared, rtol=1e-12)


def test_a_child_is_half_the_adult_of_the_same_draws(one_dose: Runs) -> None:
    """Arms move the typical weight; each subject keeps its own factor, and doses for each kg follow it."""
    adult, child, weighed = (one_dose[arm] for arm in ("variant_a", "child", "child_per_weight"))
    ratio = np.asarray(child[0]["drug.trihexyphenidyl.body_weight"]) / adult[0]["drug.trihexyphenidyl.body_weight"]
    np.testing.assert_allclose(ratio, 0.5, rtol=1e-12)
    np.testing.assert_allclose(child[1]["auc_inf"] / adult[1]["auc_inf"], 2.0**0.75, rtol=1e-12)
    own = np.asarray(weighed[0]["dose.single.body_weight"]) * 0.05714285714 / 4.0
    np.testing.assert_allclose(weighed[1]["auc_inf"] / child[1]["auc_inf"], own, rtol=1e-12)
    assert np.std(own) > 0.05


@pytest.fixture(scope="module")
def month() -> Runs:
    """Return numbers and outcomes of a month's treatment in 10 subjects, by arm."""
    found = rows_of("trihexyphenidyl_regimens.toml", "arms", 10)
    return {arm: pair for arm, _, *pair in found}  # type: ignore[misc]


def test_regimens_differ_as_they_must(month: Runs) -> None:
    of = {arm: outcomes for arm, (_, outcomes) in month.items()}
    assert np.all(of["once"]["peak"] > of["divided"]["peak"])
    assert np.all(of["once"]["trough"] < of["divided"]["trough"])
    np.testing.assert_allclose(of["once"]["average"], of["divided"]["average"], rtol=0.01)
    assert np.all(of["steady"]["auc_treatment"] > of["divided"]["auc_treatment"])
    assert np.all(of["missed"]["trough"] < of["divided"]["trough"])
    assert np.all(of["stopped"]["after_24h"] < of["missed"]["after_24h"])
    assert np.all(of["titrated"]["average"] < of["divided"]["average"])
    assert np.all(of["divided"]["trough"] < of["divided"]["average"])
    assert np.all(of["divided"]["average"] < of["divided"]["peak"])
    acting = np.asarray(month["divided"][0]["drug.trihexyphenidyl.effect"])
    assert np.all(of["divided"]["time_acting"][acting == 0.0] == 0.0) and np.any(acting == 0.0)


def test_a_steady_state_has_its_dose_rate_over_clearance(month: Runs) -> None:
    """The mean of a steady state, with the occasion's draws taken out by the area of a lone dose in the same phase."""
    values, outcomes = month["steady"]
    heavier = np.asarray(values["drug.trihexyphenidyl.body_weight"]) / 70.0
    usual = 30_000.0 / 24.0 / (np.asarray(values["drug.trihexyphenidyl.clearance"]) * heavier**0.75)
    occasion = np.log(outcomes["average"] / usual)
    np.testing.assert_allclose(outcomes["auc_treatment"] / 720.0, outcomes["average"], rtol=1e-9)
    assert np.all(np.abs(occasion) < 5 * 0.15 * np.sqrt(2)) and np.std(occasion) > 0.05


def test_every_route_has_the_same_area() -> None:
    found = {arm: outcomes for arm, _, _, outcomes in rows_of("routes.toml", "arms", 5)}
    for outcomes in found.values():
        np.testing.assert_allclose(outcomes["area"], found["bolus"]["area"], rtol=1e-12)
        np.testing.assert_allclose(outcomes["area_one"], found["bolus"]["area"], rtol=1e-12)
    assert np.all(found["bolus"]["peak_time"] == 0.0)
    np.testing.assert_allclose(found["bolus"]["peak"], 12_000.0 / 502.0, rtol=1e-12)
    np.testing.assert_allclose(found["infusion"]["peak_time"], 4.0, rtol=1e-12)
    assert np.all(found["overlapping"]["peak"] < found["infusion"]["peak"])
