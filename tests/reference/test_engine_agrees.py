"""The engine, run from the shipped scenario, gives the reference's numbers: per arm, per subject, to rounding.

The reference gets the numbers and the random draws of each run, and computes everything else by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from support.striatal_reference import Arm, Array, Course, Kinetics, daily_means, saturation, simulate
from support.striatal_runs import REFRESH, draws, symbols

from workbench.plan import plan
from workbench.scenario.load import load_scenario
from workbench.scenario.shipped_files import scenarios_folder
from workbench.solver.batch import Batch, BatchResult
from workbench.solver.run import solve, width_for

SUBJECTS, TRIALS, TRIALS_A_DAY = 3, 1000, 5
PHASES = ("practice", "treatment", "withdrawal")
EDGES = {name: (i * TRIALS, (i + 1) * TRIALS) for i, name in enumerate(PHASES)}
SAME = 1e-9
"""Both round at every step, in another order; the maps contract, so that rounding does not grow."""


@pytest.fixture(scope="module")
def solved() -> dict[str, tuple[Batch, BatchResult]]:
    """Return batch and result of every arm, by name, with shorter phases than shipped."""
    scenario = load_scenario(scenarios_folder() / "dystonia.toml")
    settings = {f"phase.{name}.trials": str(TRIALS) for name in PHASES}
    made = plan(scenario, subjects=SUBJECTS, settings=settings, studies=["arms"])
    names = made.studies[0].arms
    found = {}
    for chunk in made.chunks(width_for):
        result = solve(chunk.batch)
        for arm in np.unique(chunk.arms):
            rows = np.flatnonzero(chunk.arms == arm)
            outcomes = {name: values[rows] for name, values in result.outcomes.items()}
            found[names[arm]] = (chunk.batch.take(rows), replace(result, outcomes=outcomes))
    return found


def doses(values: Mapping[str, float | Array]) -> NDArray[np.float64]:
    """Return the amounts of all doses of the treatment phase, in mg: a daily total that climbs to its aim."""
    amount, every = np.max(values["dose.thp.amount"]), np.max(values["dose.thp.every"])
    given = np.arange(TRIALS / TRIALS_A_DAY * 24 / every)
    day = np.floor(given * every / 24)
    rises = np.floor(day / np.max(values["dose.thp.titration_each"]))
    total = np.max(values["dose.thp.titration_start"]) + rises * np.max(values["dose.thp.titration_step"])
    return np.asarray(np.minimum(amount, total * every / 24))


def concentrations(values: Mapping[str, float | Array]) -> Array:
    """Return the mean plasma concentration of each day of the protocol, ``(days, subjects)``."""
    clearance = np.broadcast_to(values["drug.trihexyphenidyl.clearance"], SUBJECTS)
    days = TRIALS // TRIALS_A_DAY
    every = int(np.max(values["dose.thp.every"]))
    silent = np.zeros(days * 24 // every)
    means = daily_means(np.concatenate([doses(values), silent]), every, clearance, Kinetics())
    return np.concatenate([np.zeros((days, SUBJECTS)), means])


def reference_of(batch: Batch) -> Course:
    """Compute the same runs by the reference."""
    cues, noise = draws(batch, PHASES, TRIALS, 4)
    daily = list(concentrations(batch.values))
    arm = Arm(**symbols(batch.values), refresh=REFRESH)
    return simulate(arm, lambda t: daily[t // TRIALS_A_DAY], cues, lambda start, stop: noise[start:stop])


ARMS = (
    "healthy",
    "healthy_thp30",
    "healthy_no_homeostasis",
    "dyt1",
    "dyt1_thp6",
    "dyt1_thp30",
    "dyt1_thp60",
    "dyt1_ach_depletion",
    "dyt1_d2_weakened",
    "dyt1_no_homeostasis",
)


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_equals_the_reference_subject_by_subject(
    solved: dict[str, tuple[Batch, BatchResult]], arm: str
) -> None:
    batch, result = solved[arm]
    course = reference_of(batch)
    for phase, (_, stop) in EDGES.items():
        expected = {
            "overflow": course.overflow(stop - 400, stop),
            "success": course.success(stop - 400, stop),
            "selectivity": course.selectivity(stop - 400, stop),
        }
        for name, values in expected.items():
            np.testing.assert_allclose(result.outcomes[f"{name}_{phase}"], values, rtol=SAME, err_msg=f"{name} {phase}")
    np.testing.assert_array_equal(result.outcomes["saturation_withdrawal"], saturation(course.final))


def test_the_drug_reaches_the_concentration_of_the_matrix_exponential(
    solved: dict[str, tuple[Batch, BatchResult]],
) -> None:
    batch, result = solved["dyt1_thp30"]
    last_day_of_treatment = 2 * TRIALS // TRIALS_A_DAY - 1
    expected = concentrations(batch.values)[last_day_of_treatment]
    np.testing.assert_allclose(result.outcomes["concentration_treatment"], expected, rtol=SAME)
