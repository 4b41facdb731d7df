"""Weights against their own start: all units, one of them, or the others; and what cannot be asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.circuits import HEAD, replaced, solved

from workbench.component.registry import registry
from workbench.errors import ScenarioError
from workbench.scenario.load import parse_scenario

GROWTH = (
    HEAD
    + """
[population.x]
kind = "source"
size = 2
[population.y]
kind = "source"
size = 3
value = 1.0
[projection.w]
pre = "x"
post = "y"
weight = 0.4
spread = 0.05
bounds = [0.0, 1.0]
[plasticity.w]
drive = "hebb"
rate = RATE
ltd_gain = 0.0
[phase.learning]
trials = 4
[outcome.all]
readout = "evoked_response"
projection = "w"
[outcome.one]
readout = "evoked_response"
projection = "w"
units = "one"
unit_number = 2
[outcome.others]
readout = "evoked_response"
projection = "w"
units = "others"
unit_number = 2
[outcome.change]
readout = "weight_change"
projection = "w"
[outcome.mean]
readout = "weight_mean"
projection = "w"
[arm.one]
"""
)


def grown(rate: float) -> dict[str, np.ndarray]:
    return solved(GROWTH.replace("RATE", repr(rate))).outcomes


def test_without_learning_everything_stays_at_its_start() -> None:
    found = grown(0.0)
    assert all((found[name] == 100.0).all() for name in ("all", "one", "others"))
    assert (found["change"] == 0.0).all()


def test_percentages_refer_to_each_runs_own_start() -> None:
    found, start = grown(0.05), grown(0.0)["mean"]
    assert np.ptp(start) > 0.0
    assert found["all"] == pytest.approx(100.0 * found["mean"] / start, rel=1e-12)
    assert found["change"] == pytest.approx(found["all"] - 100.0, rel=1e-9)
    between = np.sort([found["one"], found["others"]], axis=0)
    assert ((between[0] <= found["all"]) & (found["all"] <= between[1])).all()


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        (
            "unit_number = 2\n[outcome.others]",
            "unit_number = 4\n[outcome.others]",
            "outcome.one.unit_number",
            "3 units",
        ),
        ("weight = 0.4", "weight = 0.0", "outcome.all.projection", "weight 0"),
        (
            'projection = "w"\n[outcome.one]',
            'projection = "v"\n[outcome.one]',
            "outcome.all.projection",
            "nothing changes",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(old: str, new: str, key: str, said: str) -> None:
    unlearned = '[population.shown]\nkind = "source"\nsize = 3\n[projection.v]\nwiring = "one_to_one"\npre = "shown"\npost = "y"\n[phase.learning]'
    text = replaced(GROWTH.replace("RATE", "0.1"), (old, new), ("[phase.learning]", unlearned))
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text.encode(), "test.toml", Path(), registry())
    assert said in next(p.message for p in caught.value.problems if p.key == key)
