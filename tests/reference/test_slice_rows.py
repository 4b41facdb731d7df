"""The virtual slice gives every row that the prototype of the science sheet gave, within a point."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.cases import every_case

from workbench.execution.runner import run_sweep
from workbench.plan import plan
from workbench.report import build_report
from workbench.scenario.load import load_scenario
from workbench.scenario.model import Scenario
from workbench.scenario.shipped_files import scenarios_folder
from workbench.solver.run import solve, width_for

HFS = {
    "wt_ltd": 60.0,
    "dyt1_ltd": 98.6,
    "dyt1_pirenzepine_ltd": 60.9,
    "wt_d2block_ltd": 95.6,
    "wt_ltp": 149.0,
    "dyt1_ltp": 172.0,
    "wt_d2block_ltp": 171.7,
    "dyt1_d2block_ltp": 171.9,
    "wt_pirenzepine_ltp": 107.3,
    "dyt1_pirenzepine_ltp": 166.3,
}
LFS = {"wt_ltp": 102.4, "dyt1_ltp": 167.0, "dyt1_pirenzepine_ltp": 103.7}


def slice_scenario(*, spread: bool) -> Scenario:
    found = load_scenario(scenarios_folder() / "dystonia_slice.toml")
    return found if spread else replace(found, subjects=replace(found.subjects, traits=()))


def outcomes(scenario: Scenario, subjects: int) -> dict[str, dict[str, np.ndarray]]:
    made = plan(scenario, studies=["arms"], subjects=subjects)
    found: dict[str, dict[str, np.ndarray]] = {}
    for chunk in made.chunks(width_for):
        solved = solve(chunk.batch).outcomes
        for arm in np.unique(chunk.arms):
            mine = {name: values[chunk.arms == arm] for name, values in solved.items()}
            found[made.studies[0].arms[arm]] = mine
    return found


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, float]]:
    found = outcomes(slice_scenario(spread=False), 1)
    return {arm: {name: float(values[0]) for name, values in mine.items()} for arm, mine in found.items()}


@every_case("arm", HFS)
def test_after_high_frequency(rows: dict[str, dict[str, float]], arm: str) -> None:
    assert rows[arm]["epsp_hfs"] == pytest.approx(HFS[arm], abs=1.0)


@pytest.mark.parametrize("arm", LFS)
def test_after_low_frequency(rows: dict[str, dict[str, float]], arm: str) -> None:
    assert rows[arm]["epsp_lfs"] == pytest.approx(LFS[arm], abs=1.0)


def test_without_low_frequency_nothing_changes_any_more(rows: dict[str, dict[str, float]]) -> None:
    assert all(row["epsp_lfs"] == row["epsp_hfs"] for arm, row in rows.items() if arm.endswith("_ltd"))


def test_depletion_and_every_M1_antagonist_give_depression_back(rows: dict[str, dict[str, float]]) -> None:
    """Rows DY07, DY09 and DY11; biperiden too, which is the row that the model is expected to miss (DY22)."""
    rescued = ("dyt1_pirenzepine_ltd", "dyt1_thp_ltd", "dyt1_depleted_ltd", "wt_d2block_pirenzepine_ltd")
    assert all(abs(rows[arm]["epsp_hfs"] - rows["wt_ltd"]["epsp_hfs"]) < 12.0 for arm in rescued)
    assert rows["dyt1_biperiden_ltd"] == pytest.approx({**rows["dyt1_thp_ltd"], "dopamine_release": 0.5})


def test_trihexyphenidyl_raises_evoked_dopamine_release(rows: dict[str, dict[str, float]]) -> None:
    """DY21: +65 % and +35 % at full block of M4, about half as much release in DYT1."""
    release = {arm: rows[arm]["dopamine_release"] for arm in ("wt_ltd", "wt_thp_ltd", "dyt1_ltd", "dyt1_thp_ltd")}
    share = 100.0 / (100.0 + 1.6)
    assert release["wt_thp_ltd"] == pytest.approx(1.0 + 0.65 * share, rel=1e-12)
    assert release["dyt1_thp_ltd"] / release["dyt1_ltd"] == pytest.approx(1.0 + 0.35 * share, rel=1e-12)
    assert release["dyt1_ltd"] == 0.5


def test_bounds_of_the_synapse_are_those_of_the_parameter_set() -> None:
    """Bounds shape the program, so the file holds them as numbers; the set holds their evidence."""
    scenario = slice_scenario(spread=True)
    low, high = (scenario.parameters.values[name].number for name in ("slice_w_min", "slice_w_max"))
    assert scenario.table("projection.cortex_spn").fields["bounds"] == (low, high)


def test_affinities_are_those_of_the_logarithms_in_the_set() -> None:
    values = slice_scenario(spread=True).parameters.values
    for receptor in ("m1", "m4"):
        exact = 10.0 ** (9.0 - values[f"thp_pki_{receptor}"].number)
        assert values[f"thp_ki_{receptor}"].number == pytest.approx(exact, rel=0.02)


def test_slices_differ_by_their_pace_and_are_the_same_in_every_arm() -> None:
    found = outcomes(slice_scenario(spread=True), 12)
    fall = 100.0 - found["wt_ltd"]["epsp_hfs"]
    assert 2.0 < fall.std() < 8.0
    rise = found["wt_ltp"]["epsp_hfs"] - 100.0
    assert np.corrcoef(fall, rise)[0, 1] > 0.99


def test_the_page_speaks_of_slices_not_of_patients(tmp_path: Path) -> None:
    text = (scenarios_folder() / "dystonia_slice.toml").read_bytes()
    (tmp_path / "slice.toml").write_bytes(text)
    result = run_sweep(
        tmp_path / "slice.toml", db=tmp_path / "s.db", arms=["wt_ltd", "dyt1_ltd"], subjects=2, workers=0
    )
    page = build_report(result.db, tmp_path / "s.html").read_text(encoding="utf-8")
    assert "simulated slices" in page and "simulated patients" not in page
