"""Where ketamine and training add: exactly in the drive of a choice, nearly in points; and a drug that does nothing."""

from __future__ import annotations

import numpy as np
import pytest
from support.circuits import batches, replaced
from support.therapies import THERAPY

from workbench.plan import plan
from workbench.scenario import load_scenario
from workbench.scenario.shipped_files import scenarios_folder
from workbench.solver.run import solve

GAINS = (
    'onto = "plasticity.belief.rate"\ngain = 3.5',
    'onto = "plasticity.belief.session_rate"\ngain = 3.5',
    'onto = "plasticity.belief.supply"\ngain = 1.23',
)
CLOSED = [(gain, gain.rpartition(" ")[0] + " 0.0") for gain in GAINS]
"""The window is there, and changes nothing."""
UNHINDERED = ("gain = -1.0", "gain = 0.0")
MOMENTS = """
[outcome.chosen]
readout = "choice_share"
projection = "belief"
cue = 1
window = "150 h into care"
[outcome.points]
readout = "expected_score"
scale = "madrs"
window = "150 h into care"
[study.crossed]
arms = ["ketamine", "ketamine_alone", "therapy", "placebo"]
"""
ARMS = ("ketamine", "ketamine_alone", "therapy", "placebo")


def in_arms(text: str, *outcomes: str) -> dict[str, np.ndarray]:
    """Return each outcome as (arms, subjects), in the order of `ARMS`."""
    values: dict[str, list[np.ndarray]] = {}
    scenario_order = []
    for name in ARMS:
        (batch,) = batches(text, arms=[name], studies=["crossed"])
        solved = solve(batch)
        order = np.argsort(batch.subjects)
        scenario_order.append(name)
        for outcome in outcomes:
            values.setdefault(outcome, []).append(solved.outcomes[outcome][order])
    return {name: np.stack(arms) for name, arms in values.items()}


def joint(values: np.ndarray) -> np.ndarray:
    both, first, second, neither = values
    return np.asarray((both - first) - (second - neither))


def drive(share: np.ndarray) -> np.ndarray:
    return np.log(share / (1.0 - share))


def test_without_a_window_the_drive_of_a_choice_is_the_sum_of_both() -> None:
    """Sessions move weights, the drug adds to the drive: where everyday life trains nothing they do not meet."""
    text = replaced(THERAPY + MOMENTS, *CLOSED, UNHINDERED, ('rule = "tag_and_capture"', 'rule = "tag_and_capture"\nevents = "0 1/h"'))  # fmt: skip
    found = in_arms(text, "chosen", "points")
    each = drive(found["chosen"])
    assert np.abs(joint(each)).max() < 1e-10
    assert (each[1] - each[3]).max() < -0.1 and (each[2] - each[3]).max() < -0.1, "and both do something"
    points = joint(found["points"])
    assert 1e-3 < np.abs(points).max() < 1.0, "the curve of choice: less than a point, with effects of several"


def test_everyday_life_couples_them_a_little_through_the_choice_that_it_trains() -> None:
    found = in_arms(replaced(THERAPY + MOMENTS, *CLOSED), "chosen", "points")
    whole = in_arms(THERAPY + MOMENTS, "chosen", "points")
    assert 1e-6 < np.abs(joint(drive(found["chosen"]))).max() < 0.1
    assert abs(joint(found["points"]).mean()) < 1.0 and joint(whole["points"]).mean() < -3.0


@pytest.mark.parametrize("scenario", ["ketamine_dose"])
def test_a_drug_that_moves_nothing_is_placebo_bit_for_bit(scenario: str) -> None:
    """No lift of mood, no learning, no proteins, no hindrance, nobody who can tell."""
    off = ("acute_shift", "learning_gain", "protein_gain", "block_of_learning", "unblinding")
    document = load_scenario(scenarios_folder() / f"{scenario}.toml")
    arms = ("placebo", "ketamine_10")
    settings = {f"parameter.{name}": "0" for name in off}
    runs = [
        solve(chunk.batch)
        for arm in arms
        for chunk in plan(document, arms=[arm], studies=["arms"], subjects=16, settings=settings).chunks(lambda _: 64)
    ]
    placebo, drug = runs
    given = ("concentration", "block_end", "window_day_1")
    assert all(drug.outcomes[name].min() > 0.1 for name in given), "the drug is there all the same"
    for name in set(placebo.outcomes) - set(given):
        assert placebo.outcomes[name].tobytes() == drug.outcomes[name].tobytes(), name
    assert placebo.courses["madrs"].tobytes() == drug.courses["madrs"].tobytes()


def test_without_tags_to_gate_it_capture_reaches_what_was_never_trained() -> None:
    """The drift of a cue that nobody works on, with tags of an hour and a half, and with tags that never fade."""
    drifts = []
    for life in ("1.5 h", "10000 h"):
        text = replaced(THERAPY, ('rule = "tag_and_capture"', f'rule = "tag_and_capture"\ntag_decay = "{life}"'))
        text += '[study.crossed]\narms = ["ketamine", "placebo"]\n'
        ends = []
        for arm in ("ketamine", "placebo"):
            (batch,) = batches(text, arms=[arm], studies=["crossed"])
            ends.append(solve(batch).outcomes["neutral"].mean())
        drifts.append(abs(ends[0] - ends[1]))
    assert 0.0 < drifts[0] < drifts[1] < 0.2
