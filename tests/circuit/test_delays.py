"""Activity that arrives later: loops at their closed forms, and what a delay cannot be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.circuits import HEAD, HEBB

from workbench import simulate
from workbench.circuit.loops import spectral_radius
from workbench.errors import ScenarioError
from workbench.plan import plan
from workbench.scenario.load import parse_scenario

BACK = '[projection.back]\npre = "output"\npost = "output"\nweight = 0.5\ndelay = {0}\n'


def weight(text: str) -> float:
    (found,) = set(simulate(parse_scenario(text.encode(), "loop.toml", Path()))["weight"])
    return float(found)


def test_a_unit_that_hears_itself_a_trial_later_has_the_weight_computed_by_hand() -> None:
    """The output is W, 0.5 y more after the first trial: 0.5, 0.8, 1.03 and a rate of 0.1."""
    assert weight(HEBB + BACK.format(1)) == pytest.approx(0.5 + 0.1 * (0.5 + 0.8 + 1.03), rel=1e-15)


def test_two_trials_later_it_hears_what_it_was_two_trials_before() -> None:
    w, outputs = 0.5, []
    for trial in range(3):
        outputs.append(w + (0.5 * outputs[0] if trial == 2 else 0.0))
        w += 0.1 * outputs[-1]
    assert weight(HEBB + BACK.format(2)) == pytest.approx(w, rel=1e-15)


def test_a_delay_of_none_is_the_same_run() -> None:
    """What a projection gained later changes no run that does not use it."""

    def keys(text: str) -> list[bytes]:
        (chunk,) = plan(parse_scenario(text.encode(), "loop.toml", Path())).chunks(lambda structure: 99)
        return list(chunk.batch.keys)

    later = HEBB.replace("weight = 0.5\n", "weight = 0.5\ndelay = {0}\n")
    assert keys(later.format(0)) == keys(HEBB) != keys(later.format(1))


def test_a_rule_learns_from_what_arrives() -> None:
    """Nothing has arrived on the first trial: the output is W from the second one on."""
    later = HEBB.replace("weight = 0.5\n", "weight = 0.5\ndelay = 1\n")
    assert weight(later) == pytest.approx(0.5 * 1.1**2, rel=1e-15)


RIVALS = (
    HEAD
    + """
[population.first]
baseline = 1.0
activation = "relu"
[population.second]
baseline = {second}
activation = "relu"
[projection.down]
pre = "first"
post = "second"
weight = {weight}
sign = "inhibitory"
delay = 1
[projection.up]
pre = "second"
post = "first"
weight = {weight}
sign = "inhibitory"
delay = 1
[phase.p]
trials = {trials}
"""
)


def rivals(**settings: float) -> list[float]:
    text = RIVALS.format(**settings)
    for name in ("first", "second"):
        text += f'[outcome.{name}]\nreadout = "unit_activity"\npopulation = "{name}"\nwindow = "last 1 trials of p"\n'
    frame = simulate(parse_scenario(text.encode(), "rivals.toml", Path()), subjects=1)
    return [float(frame[name].iloc[0]) for name in ("first", "second")]


def test_units_that_inhibit_each_other_settle_where_theory_says() -> None:
    """x_1 = (I_1 - w I_2) / (1 - w^2)."""
    assert rivals(second=0.8, weight=0.5, trials=60) == pytest.approx([0.8, 0.4], rel=1e-12)


def test_strong_rivals_flip_together_for_ever() -> None:
    """With w = 1.5 both are silent on every other trial: the map has no fixed point that they reach."""
    assert rivals(second=0.9, weight=1.5, trials=41) == pytest.approx([1.0, 0.9], abs=1e-12)
    assert rivals(second=0.9, weight=1.5, trials=42) == pytest.approx([0.0, 0.0], abs=1e-12)


def linear(first: float, second: float, trials: int = 200) -> str:
    text = RIVALS.format(second=0.0, weight=1.0, trials=trials).replace('activation = "relu"\n', "")
    text = text.replace('sign = "inhibitory"\ndelay = 1\n[projection.up]', "delay = 1\n[projection.up]")
    text = text.replace("weight = 1.0", f"weight = {first}", 1).replace("weight = 1.0", f"weight = {second}", 1)
    return text + '[outcome.x]\nreadout = "unit_activity"\npopulation = "first"\nwindow = "last 1 trials of p"\n'


def test_a_linear_loop_settles_at_its_fixed_point() -> None:
    """x = 1 - b y and y = a x settle at 1 / (1 + a b)."""
    frame = simulate(parse_scenario(linear(0.8, 0.5).encode(), "linear.toml", Path()), subjects=1)
    assert frame["x"].iloc[0] == pytest.approx(1 / 1.4, rel=1e-12)


def test_a_linear_loop_that_grows_is_refused_with_its_spectral_radius() -> None:
    """Eigenvalues +-i sqrt(1.5): 1.2247 a trial."""
    with pytest.raises(ScenarioError, match=r"first -> second -> first grows: its spectral radius is 1\.225") as raised:
        simulate(parse_scenario(linear(1.0, 1.5).encode(), "linear.toml", Path()))
    (problem,) = raised.value.problems
    assert problem.key == "projection.down.delay"
    assert problem.line == linear(1.0, 1.5).splitlines().index("delay = 1") + 1


def test_a_loop_that_an_arm_makes_grow_is_refused_in_that_arm() -> None:
    text = linear(0.8, 0.5) + '[arm.calm]\n[arm.wild.set]\n"projection.up.weight" = 2.0\n'
    with pytest.raises(ScenarioError, match=r"spectral radius is 1\.265.*in arm wild"):
        simulate(parse_scenario(text.encode(), "linear.toml", Path()))


def test_the_radius_of_several_delays_is_that_of_the_roots() -> None:
    """z^3 = 0.3 z^2 + 0.4: the largest root by size."""
    maps = {1: np.array([[0.3]]), 3: np.array([[0.4]])}
    assert spectral_radius(maps) == pytest.approx(np.abs(np.roots([1.0, -0.3, 0.0, -0.4])).max(), rel=1e-12)
    assert spectral_radius({7: np.array([[0.5]])}) == pytest.approx(0.5 ** (1 / 7), rel=1e-12)


def test_a_loop_of_thousands_of_units_is_accepted_without_its_eigenvalues(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of 4,096 units take minutes: a file may not hold `check` up."""
    monkeypatch.setattr(np.linalg, "eigvals", lambda matrix: pytest.fail("looked for eigenvalues"))
    large = RIVALS.format(second=0.0, weight=0.5, trials=2).replace('activation = "relu"', "size = 4096")
    large = large.replace('pre = "', 'wiring = "one_to_one"\npre = "')
    large += '[outcome.x]\nreadout = "unit_activity"\npopulation = "first"\nwindow = "last 1 trials of p"\n'
    assert parse_scenario(large.encode(), "large.toml", Path()).tables["population"]["first"].fields["size"] == 4096


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEBB + BACK.format(-1), r"projection\.back\.delay: -1 is out of range \(at least 0\)"),
        (HEBB + BACK.format(1.5), r"projection\.back\.delay: expected a whole number, got 1\.5"),
        (HEBB + BACK.format('"6 ms"'), r"projection\.back\.delay: expected a whole number"),
        (
            HEBB.replace("trials = 3", 'clock = "event"\nlength = "1 h"') + BACK.format(1),
            r"projection\.back\.delay: counts trials, but phase learning runs on the event clock",
        ),
    ],
)
def test_a_delay_that_cannot_be_counted_is_refused_at_its_line(text: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        weight(text)


def test_a_cue_is_read_at_once() -> None:
    cued = (
        HEAD + '[population.cue]\nkind = "source"\nsize = 2\n[population.y]\n[projection.w]\npre = "cue"\npost = "y"\n'
    )
    cued += 'delay = 1\n[task.t]\nkind = "cued_bandit"\ncues = "cue"\nanswers = "y"\n[phase.p]\ntrials = 3\n'
    cued += '[outcome.x]\nreadout = "unit_activity"\npopulation = "cue"\nwindow = "last 1 trials of p"\n'
    with pytest.raises(ScenarioError, match=r"projection\.w\.delay: cue shows cues, which are read at once") as raised:
        weight(cued)
    assert any(p.key == "outcome.x.population" and "no activity to average" in p.message for p in raised.value.problems)
