"""The kinetics of parameter set ketamine-2 against the values printed for them, and what was computed from them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from support.circuits import HEAD, replaced

from workbench.component.registry import registry
from workbench.plan import plan
from workbench.scenario.load import load_scenario, parse_scenario
from workbench.scenario.model import Scenario
from workbench.scenario.shipped_files import data_folder, scenarios_folder
from workbench.solver.run import solve

MINUTES = (10, 20, 40, 60, 80, 120, 180, 230, 360, 480)
PRINTED = {
    "pooled": (139, 200, 261, 102, 74, 52, 36, 28, 17, 11),
    "domino": (182, 210, 240, 55, 46, 36, 25, 18, 8, 4),
    "clements": (62, 109, 177, 115, 85, 59, 44, 36, 22, 14),
}
"""ng/mL after 35 mg over 40 min at 70 kg."""
DRUG = """
[drug.ketamine]
model = "multi_compartment_intravenous"
clearance = { ref = "clearance" }
volume = { ref = "volume" }
[compartment.shallow]
drug = "ketamine"
flow = { ref = "shallow_flow" }
volume = { ref = "shallow_volume" }
[compartment.deep]
drug = "ketamine"
flow = { ref = "deep_flow" }
volume = { ref = "deep_volume" }
[dose.infusion]
drug = "ketamine"
amount = "35 mg"
duration = "40 min"
count = 1
during = "given"
[phase.given]
clock = "event"
length = "200 h"
"""


def curves(outcomes: str, *swaps: tuple[str, str]) -> Scenario:
    head = replaced(HEAD, ("count = 6", "count = 1"), ("[use]", 'parameters = "ketamine-2"\n[use]'))
    arms = '[arm.pooled]\n[arm.domino]\ncondition = "domino"\n[arm.clements]\ncondition = "clements"\n'
    known = replaced(head + DRUG + outcomes + arms, *swaps)
    return parse_scenario(known.encode(), "test.toml", data_folder(), registry())


def outcomes_of(scenario: Scenario, **options: int) -> dict[str, dict[str, float]]:
    """Return the mean of each outcome, by arm."""
    found: dict[str, dict[str, float]] = {}
    for chunk in plan(scenario, **options).chunks(lambda structure: 4096):  # type: ignore[arg-type]
        result = solve(chunk.batch)
        names = list(scenario.arms)
        for arm in np.unique(chunk.arms):
            mine = chunk.arms == arm
            found[names[arm]] = {name: float(np.mean(v[mine])) for name, v in result.outcomes.items()}
    return found


def test_the_printed_concentrations_come_out() -> None:
    read = "".join(
        f'[outcome.at_{m}]\nreadout = "concentration"\ndrug = "ketamine"\nwindow = "{m} min into given"\n'
        for m in MINUTES
    )
    found = outcomes_of(curves(read))
    for name, printed in PRINTED.items():
        assert tuple(round(found[name][f"at_{m}"]) for m in MINUTES) == printed


def test_the_reference_drive_is_the_integral_of_block_squared() -> None:
    kept = load_scenario(scenarios_folder() / "ketamine_pk.toml").parameters.values
    v1, v2, v3 = (kept[n].number for n in ("volume", "shallow_volume", "deep_volume"))
    cl, q2, q3 = (kept[n].number for n in ("clearance", "shallow_flow", "deep_flow"))
    half = kept["half_block"].number
    matrix = np.array([[-(cl + q2 + q3) / v1, q2 / v2, q3 / v3], [q2 / v1, -q2 / v2, 0], [q3 / v1, 0, -q3 / v3]])
    rates, modes = np.linalg.eig(matrix)
    unit = np.linalg.solve(modes, np.array([1.0, 0.0, 0.0]))
    lasting = 40.0 / 60.0

    def block_squared(hours: float) -> float:
        past = max(hours - lasting, 0.0)
        grown = (np.exp(rates * hours) - np.exp(rates * past)) / rates
        level = 1000.0 / v1 * 35.0 / lasting * float(modes[0] @ (grown * unit))
        return (level / (level + half)) ** 2

    edges = [0.0, lasting, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]
    whole = sum(quad(block_squared, *pair, epsabs=1e-13)[0] for pair in pairwise(edges))
    assert kept["reference_drive"].number == pytest.approx(whole, abs=1e-9)


def test_the_spray_has_the_published_bioavailability_time_and_half_life() -> None:
    """54 and 51 % of 56 and 84 mg follow from what one spray loses; the peak is 20 to 40 min after it."""
    scenario = load_scenario(scenarios_folder() / "ketamine_pk.toml")
    found = outcomes_of(scenario, subjects=4)
    clearance = scenario.parameters.values["spray_clearance"].number
    whole = {arm: found[arm]["esketamine_area"] * clearance / 1000.0 for arm in ("spray", "spray_56", "spray_84")}
    assert whole["spray"] / 28.0 == pytest.approx(0.54 + 0.46 * 0.186, rel=1e-9)
    assert whole["spray_56"] / 56.0 == pytest.approx(0.54, abs=0.005)
    assert whole["spray_84"] / (4 * 84.0) == pytest.approx(0.51, abs=0.005)
    assert found["swallowed"]["swallowed_area"] * clearance / 84_000.0 == pytest.approx(0.186, rel=1e-9)
    for arm in ("spray", "spray_56"):
        assert 20.0 <= found[arm]["esketamine_time"] * 60.0 <= 40.0


def test_norketamine_peaks_hours_after_an_infusion() -> None:
    tables = """[drug.norketamine]
model = "metabolite"
parent = "ketamine"
formed = { ref = "norketamine_formed" }
mass_ratio = { ref = "norketamine_mass_ratio" }
clearance = { ref = "norketamine_clearance" }
volume = { ref = "norketamine_volume" }
"""
    for readout in ("peak_concentration", "time_of_peak", "terminal_half_life"):
        tables += f'[outcome.{readout}]\nreadout = "{readout}"\ndrug = "norketamine"\nwindow = "end of given"\n'
    found = outcomes_of(curves(tables))["pooled"]
    assert found["peak_concentration"] == pytest.approx(62.0, abs=0.5)
    assert found["time_of_peak"] * 60.0 == pytest.approx(160.0, abs=2.0)
