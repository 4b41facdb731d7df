"""Other muscles at movement onset against rest: the linear circuit's closed form, and what rest may not be."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.circuits import HEAD, replaced, solved

from workbench.component.registry import registry
from workbench.errors import ScenarioError
from workbench.scenario.load import parse_scenario

ONSET = (
    HEAD.replace("count = 6", "count = 1")
    + """
[population.command]
kind = "source"
size = 4
[population.muscle]
size = 4
baseline = 0.3
[population.resting]
size = 4
baseline = 0.3
[projection.command_muscle]
wiring = "one_to_one"
pre = "command"
post = "muscle"
weight = 0.15
overlap = 0.1
[projection.surround]
wiring = "surround"
pre = "muscle"
post = "muscle"
weight = 0.6
[projection.resting_surround]
wiring = "surround"
pre = "resting"
post = "resting"
weight = 0.6
[task.movement]
kind = "cued_bandit"
cues = "command"
answers = "muscle"
[phase.movements]
trials = 3
[outcome.ratio]
readout = "relative_to_rest"
task = "movement"
rest = "resting"
[outcome.again]
readout = "relative_to_rest"
task = "movement"
rest = "resting"
window = "last 1 trials of movements"
[arm.one]
"""
)


def ratio(spread: float, surround: float) -> float:
    text = replaced(ONSET, ("overlap = 0.1", f"overlap = {spread!r}"), ("weight = 0.6", f"weight = {surround!r}"))
    found = solved(text).outcomes
    assert found["again"][0] == pytest.approx(found["ratio"][0], rel=1e-12)
    return float(found["ratio"][0])


@settings(max_examples=20, deadline=None)
@given(spread=st.floats(0.0, 1.0), surround=st.floats(0.0, 0.9))
def test_it_is_the_closed_form_of_four_muscles(spread: float, surround: float) -> None:
    expected = 1.0 + 0.15 / 0.3 * (spread - surround * (1.0 + 2.0 * spread) / 3.0) / (1.0 - surround)
    assert ratio(spread, surround) == pytest.approx(expected, rel=1e-9)


def test_inhibition_suppresses_the_others_and_spread_undoes_it() -> None:
    assert ratio(0.0, 0.0) == pytest.approx(1.0)
    assert ratio(0.1, 0.8) < ratio(0.1, 0.4) < 1.0 < ratio(0.6, 0.2)
    assert ratio(0.1, 0.5) < ratio(0.2, 0.5) < ratio(0.4, 0.5)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('rest = "resting"\n[outcome.again]', 'rest = "muscle"\n[outcome.again]'),
        ('post = "muscle"\nweight = 0.15', 'post = "resting"\nweight = 0.15'),
    ],
)
def test_a_commanded_population_is_no_rest(old: str, new: str) -> None:
    text = replaced(ONSET, (old, new))
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text.encode(), "test.toml", Path(), registry())
    found = next(problem for problem in caught.value.problems if problem.key == "outcome.ratio.rest")
    assert "commanded by task movement" in found.message
    assert text.splitlines()[found.line - 1].startswith("rest =")
