"""Refitting to what was seen in those who responded, and to when two arms part: as pandas works it out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import workbench as api
from workbench.analysis.intervals import hedges_g
from workbench.calibration.loss import FitTarget, Loss, targets_of
from workbench.findings.finding import Among, Criterion, Finding
from workbench.scenario.shipped_files import scenarios_folder

ARMS = ("ketamine_05", "placebo")
ANSWERED = Among(outcome="response_day_1", arm="ketamine_05", above=0.5)
VISITS, DAYS = ("madrs_day_1", "madrs_day_3", "madrs_day_7", "madrs_day_12"), (1.0, 3.0, 7.0, 12.0)
CRITERIA = (
    Criterion("hedges_g", "outcome", "madrs_day_7", ARMS, (-9.0, 9.0), among=ANSWERED),
    Criterion(
        "last_time", "outcome", VISITS[0], ARMS, (0.0, 9.0), measures=VISITS, times=DAYS, of="hedges_g", below=-0.2
    ),
    Criterion("mean", "outcome", "madrs_day_1", ("placebo",), (0.0, 60.0), among=ANSWERED),
)


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    scenario = api.load_scenario(scenarios_folder() / "ketamine_dose.toml")
    loss = Loss(scenario, ("acute_shift",), subjects=32)
    return loss.values(np.array([[0.1], [0.4]]), [FitTarget("K", c) for c in CRITERIA])


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    points = pd.DataFrame({"parameter.acute_shift": [0.1, 0.4]})
    return api.simulate(scenarios_folder() / "ketamine_dose.toml", points, arms=list(ARMS), subjects=32)


@pytest.mark.parametrize("candidate", [0, 1])
def test_candidates_have_the_values_of_their_own_responders(values, frame, candidate: int) -> None:
    drug, placebo = (frame[(frame.point == candidate) & (frame.arm == arm)].set_index("subject") for arm in ARMS)
    answered = drug.response_day_1 > 0.5
    assert 3 < answered.sum() < 30
    g = hedges_g(drug.madrs_day_7[answered].to_numpy(), placebo.madrs_day_7[answered].to_numpy())
    apart = [day for visit, day in zip(VISITS, DAYS, strict=True) if hedges_g(drug[visit].to_numpy(), placebo[visit].to_numpy()) <= -0.2]  # fmt: skip
    assert values[candidate] == pytest.approx([g, max(apart), placebo.madrs_day_1[answered].mean()])


def test_who_is_chosen_by_a_trait_is_no_target() -> None:
    finding = Finding("K", "", "x", (), "", "", "", "page", criteria=(
        *CRITERIA, Criterion("mean", "outcome", "madrs_day_1", ("placebo",), (0.0, 1.0), among=Among(trait="acute", above=1.0)),
    ))  # fmt: skip
    assert [target.criterion for target in targets_of([finding])] == list(CRITERIA)
