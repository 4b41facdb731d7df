"""What is read as dopamine is what firing shows, not the error behind it."""

from __future__ import annotations

import numpy as np
import pytest
from support.circuits import only, replaced, shipped_rule

from workbench.solver.run import solve


@pytest.mark.parametrize("floor", [0.0, 0.25, 0.7, 1e6])
def test_dopamine_at_a_punishment_stops_at_the_floor(floor: float) -> None:
    text = replaced(shipped_rule("td_dopamine"), ("trials = 2400", "trials = 40"))
    outcomes = solve(only(text, arms=["punishment"], settings={"modulator.dopamine.floor": repr(floor)})).outcomes
    assert np.all(outcomes["reward_before"] == max(-1.0, -floor))


def test_the_error_itself_knows_no_floor() -> None:
    text = replaced(shipped_rule("td_dopamine"), ("trials = 2400", "trials = 20"))
    outcomes = solve(only(text, arms=["punishment_floor"])).outcomes
    assert np.all(outcomes["reward_after"] == 0.0) and np.all(outcomes["error_at_reward_after"] == -1.0)
