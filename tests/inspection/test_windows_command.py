"""A scenario's windows can be read without a page: what opens them, how long they last, what they scale."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from support.commands import workbench

from workbench.modulation.window import TwoStage
from workbench.scenario.shipped_files import scenarios_folder


@pytest.mark.parametrize(("rise", "decay", "half"), [(6.0, 57.0, 0.5), (20.0, 20.0, 2.0), (30.0, 5.0, 0.1)])
def test_the_level_after_a_reference_dose_is_that_of_the_two_stages(rise: float, decay: float, half: float) -> None:
    hours = np.array([0.0, 1.0, 4.0, 24.0, 100.0, 300.0])
    flow = solve_ivp(lambda t, m: [-m[0] / rise, m[0] / rise - m[1] / decay], (0.0, 300.0), [1.0, 0.0], "DOP853",
                     t_eval=np.linspace(0.0, 300.0, 60_001), rtol=1e-11, atol=1e-14)  # fmt: skip
    height = np.interp(hours, flow.t, flow.y[1]) / flow.y[1].max()
    wanted = (1.0 + half) * height / (half + height)
    found = TwoStage(opened_by="", reference=1.0, rise=rise, decay=decay, half=half).after_reference(hours)
    assert found == pytest.approx(wanted, abs=2e-6)


def test_the_command_says_what_opens_lasts_and_scales(tmp_path: Path) -> None:
    file = scenarios_folder() / "ketamine_therapy.toml"
    done = workbench("windows", str(file), "--arm", "both", cwd=tmp_path)
    assert done.returncode == 0 and "window.plasticity: Window of plasticity" in done.stdout
    said = json.loads(workbench("windows", str(file), "--arm", "both", "--json", cwd=tmp_path).stdout)["windows"]
    assert [window["name"] for window in said] == ["acute", "plasticity"]
    plasticity = said[1]
    assert plasticity["opened_by"] == "occupancy.block" and plasticity["peak"] == pytest.approx(1.0, abs=1e-3)
    scaled = {words.partition(":")[0] for words in plasticity["scales"]}
    assert scaled == {"plasticity.belief.rate", "plasticity.belief.session_rate", "plasticity.belief.supply"}
    levels = dict(plasticity["levels"])
    assert levels[24.0] > 0.9 and levels[48.0] > levels[120.0] > levels[168.0] > levels[240.0]


def test_an_unknown_arm_is_told(tmp_path: Path) -> None:
    done = workbench("windows", str(scenarios_folder() / "ketamine_therapy.toml"), "--arm", "nobody", cwd=tmp_path)
    assert done.returncode == 2 and "no arm 'nobody'" in done.stderr and "Traceback" not in done.stderr
