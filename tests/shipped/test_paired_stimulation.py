"""Paired stimulation and movement onset: the published signs, what makes them, and where the sign turns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.shipped_runs import Shipped

import workbench as api
from workbench.execution.simulate import simulate_columns
from workbench.scenario.shipped_files import scenarios_folder

NAME = "dystonia_pas"
SCENARIO = scenarios_folder() / f"{NAME}.toml"


@pytest.fixture(scope="module")
def rows(shipped: Shipped) -> pd.DataFrame:
    return api.open_results(shipped.db(NAME)).outcomes()


@pytest.fixture(scope="module")
def means(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean of each outcome (columns) in each arm (rows) of the study over all arms."""
    return rows.query("study == 'arms'").pivot_table(index="arm", columns="outcome", values="value", observed=True)


def test_late_pulse_spares_healthy_neighbours_and_no_others(means: pd.DataFrame) -> None:
    """DY12: the change of the neighbours relative to that of the nerve's own muscle."""
    rise = means - 100.0
    assert abs(rise.mep_neighbour["control_ltp"]) < 0.25 * rise.mep_homologous["control_ltp"]
    assert rise.mep_neighbour["patient_ltp"] > 0.5 * rise.mep_homologous["patient_ltp"]
    assert rise.mep_homologous["patient_ltp"] > rise.mep_homologous["control_ltp"] > 0.0
    assert rise.mep_homologous_early["patient_ltp"] > rise.mep_homologous_early["control_ltp"] > 0.0


def test_early_pulse_raises_healthy_neighbours_and_lowers_those_of_patients(means: pd.DataFrame) -> None:
    """DY13: own muscle falls in both; the neighbours part ways."""
    for who in ("control", "patient"):
        assert means.mep_homologous[f"{who}_ltd"] < 100.0
    assert means.mep_neighbour["control_ltd"] > 100.0 > means.mep_neighbour["patient_ltd"]
    assert means.mep_homologous_early["patient_ltd"] < means.mep_homologous_early["control_ltd"]


def test_movement_onset_suppresses_the_others_only_in_health(means: pd.DataFrame) -> None:
    """DY14; pairing has no say in it, and without pairing no response changes."""
    assert means.onset_ratio["control_onset"] < 0.95 < 1.0 <= means.onset_ratio["patient_onset"]
    assert means.onset_ratio["control_ltp"] == means.onset_ratio["control_ltd"] == means.onset_ratio["control_onset"]
    assert means.mep_homologous["patient_onset"] == means.mep_neighbour["control_onset"] == 100.0


def test_about_half_of_the_healthy_respond(rows: pd.DataFrame) -> None:
    found = rows.query("study == 'arms' and arm == 'control_ltp' and outcome == 'mep_homologous'")["value"]
    assert 0.4 <= (np.abs(found - 100.0) > 5.0).mean() <= 0.6


def own_and_neighbour(path: str, values: list[float], arm: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each subject's responses and onset ratio, ``(subjects, values)``, along one number."""
    found = simulate_columns(SCENARIO, {path: values}, arms=[arm], subjects=8)
    order = np.lexsort((found["point"], found["subject"]))
    shape = (-1, len(values))
    return tuple(found[name][order].reshape(shape) for name in ("mep_homologous", "mep_neighbour", "onset_ratio"))


@pytest.mark.parametrize(("arm", "towards"), [("patient_ltp", 1.0), ("patient_ltd", -1.0), ("control_ltd", -1.0)])
def test_the_more_drive_spreads_the_more_neighbours_follow(arm: str, towards: float) -> None:
    _, neighbour, onset = own_and_neighbour("parameter.spread_to_neighbours", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9], arm)
    assert (np.diff(towards * neighbour, axis=1) >= 0.0).all()
    assert (towards * (neighbour[:, -1] - neighbour[:, 0])).max() > 1.0
    assert (np.diff(onset, axis=1) > 0.0).all()


def test_surround_inhibition_turns_the_neighbours_of_a_depressed_muscle_up() -> None:
    _, neighbour, onset = own_and_neighbour("parameter.surround_inhibition", [0.0, 0.2, 0.4, 0.6, 0.8], "control_ltd")
    assert (np.diff(neighbour, axis=1) >= 0.0).all() and neighbour[:, 0].min() < 100.0 < neighbour[:, -1].max()
    assert (np.diff(onset, axis=1) < 0.0).all()


def test_a_higher_threshold_never_makes_more_of_potentiation() -> None:
    own, neighbour, _ = own_and_neighbour("parameter.theta_pas", [0.0, 0.1, 0.2, 0.4, 0.8], "patient_ltp")
    assert (np.diff(own, axis=1) <= 0.0).all() and (np.diff(neighbour, axis=1) <= 0.0).all()


@pytest.mark.parametrize("arm", ["control_ltp", "patient_ltp"])
def test_the_sign_turns_at_each_persons_own_volley(arm: str) -> None:
    """The interval at which a responder's response turns from falling to rising spreads around 20 ms."""
    intervals = [float(value) for value in np.arange(5.0, 30.5, 0.5)]
    own, _, _ = own_and_neighbour("modulator.timing.interval", intervals, arm)
    change = np.round(own - 100.0, 9)
    responders = change[(change != 0.0).any(axis=1)]
    assert len(responders) >= 2
    signs = np.sign(responders)
    assert (np.diff(signs, axis=1) >= 0.0).all()
    turns = np.array(intervals)[(signs > 0.0).argmax(axis=1)]
    assert ((turns > 17.0) & (turns < 23.0)).all()
