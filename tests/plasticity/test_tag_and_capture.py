"""Early weights, tags and capture against an integration of the equations as they read, and the order of the step."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from support.circuits import batches, replaced, solved
from support.therapies import OPENED, THERAPY

from workbench.protocol.schedule import Recurrence
from workbench.protocol.sessions import Timetable
from workbench.solver.run import solve

RATE, EVENTS, ASYMPTOTES = 0.0058, 0.5, np.array([0.85, 1.0])
SESSION = """
[session.training]
phase = "care"
projection = "belief"
targets = [1, 3]
trials = 40.0
duration = "2 h"
first = "12 h"
every = "10 h"
count = 3
fidelity = 0.8
[outcome.after]
readout = "choice_share"
projection = "belief"
cue = 1
window = "45 h into care"
"""
PLAIN = replaced(OPENED + SESSION, ("spread = 0.06", "spread = 0.0"), ("14 day", "2 day"))


def exact(until: float, *, adaptive: bool = True, first: float = 12.0) -> tuple[float, float]:
    """Return mean weight and maladaptive choice at cue 1, integrated between the edges of the sessions."""
    targets = np.array([1.0, 0.0, 1.0])

    def flow(t: float, x: np.ndarray, on: float) -> np.ndarray:
        late, early, tag = x.reshape(3, 2, 3)
        weight = late + early
        chosen = 1.0 / (1.0 + np.exp(3.17 * (weight[1] - weight[0])))
        p = np.stack([chosen, 1.0 - chosen])
        pace = on * 20.0 * targets
        k = 0.0128 * 0.8 * pace
        taught, other = (0, 1) if adaptive else (1, 0)
        d_early = RATE * EVENTS * p * (ASYMPTOTES[:, None] - weight) - early / 17.0
        d_early[taught] += k * (1.0 - weight[taught])
        d_early[other] -= 0.5 * k * weight[other]
        captured = 0.026 * 0.46 * tag * early
        d_late = captured - (late - 0.3) / (97.0 * 24.0)
        d_tag = -tag / 1.5 + (EVENTS * p + pace) * (1.0 - tag)
        return np.concatenate([d_late.ravel(), (d_early - captured).ravel(), d_tag.ravel()])

    state = np.concatenate([np.repeat([0.43, 0.61], 3), np.zeros(12)])
    edges = [0.0, *(first + 10.0 * k + end for k in range(3) for end in (0.0, 2.0)), until]
    for i, (start, stop) in enumerate(pairwise(edges)):
        state = solve_ivp(flow, (start, stop), state, "DOP853", args=(float(i % 2),), rtol=1e-11, atol=1e-13).y[:, -1]
    late, early, _ = state.reshape(3, 2, 3)
    weight = late + early
    return float(weight.mean()), float(1.0 - 1.0 / (1.0 + np.exp(3.17 * (weight[1, 0] - weight[0, 0]))))


@pytest.mark.parametrize("content", ["adaptive", "stressor"])
@pytest.mark.parametrize("first", [12.0, 12.2], ids=["on the grid", "off the grid"])
def test_a_step_is_of_second_order(content: str, first: float) -> None:
    """A step in which a session begins or ends is cut there, so that off the grid is no worse than on it."""
    errors, (_, wanted) = [], exact(45.0, adaptive=content == "adaptive", first=first)
    for step in ("1 h", "0.5 h", "0.25 h", "0.1 h", "0.05 h"):
        text = replaced(
            PLAIN,
            ('step = "0.5 h"', f'step = "{step}"'),
            ("trials = 40.0", f'trials = 40.0\ncontent = "{content}"'),
            ('first = "12 h"', f'first = "{first} h"'),
        )
        errors.append(abs(solved(text).outcomes["after"][0] - wanted))
    slopes = -np.diff(np.log(errors)) / np.log([2.0, 2.0, 2.5, 2.0])
    assert errors[0] < 4e-5, errors
    assert np.all(slopes > 1.5) and np.mean(slopes) > 1.85, (errors, slopes)


def test_half_an_hour_is_a_fine_step_for_what_a_trial_reports() -> None:
    assert solved(PLAIN).outcomes["weight"][0] == pytest.approx(exact(48.0)[0], abs=1e-5)


def test_sessions_are_found_at_any_step_and_last_as_long_as_they_should() -> None:
    first, every, duration = np.array([1.3, 0.0, 4.0, 2.0]), 5.0, np.array([1.1, 0.5, 4.0, 1.0])
    held = np.array([True, True, True, False])
    times = Timetable(Recurrence(first, every, np.array([4.0, 2.0, 4.0, 4.0])), duration, held, 18.0)
    for step in (0.1, 0.5, 0.7, 3.0, 24.0):
        edges = np.arange(0.0, 24.0 + step, step)
        for start, stop in pairwise(edges):
            spans = [
                [(b, b + d) for b in f + every * np.arange(n) if b < 18.0]
                for f, d, n in zip(first, duration, (4, 2, 4, 0), strict=True)
            ]
            wanted = [
                run for run, mine in enumerate(spans) if any(a < stop - 1e-9 and b > start + 1e-9 for a, b in mine)
            ]
            assert sorted(set(times.among(start, stop).tolist())) == wanted, (start, stop)
    now, total = np.zeros(3), np.zeros(3)
    for _ in range(12):
        on, edge = times.at(now, np.arange(3))
        edge = np.minimum(edge, 24.0)
        total += np.where(on, edge - now, 0.0)
        now = edge
    assert total == pytest.approx([4 * 1.1, 2 * 0.5, 3 * 4.0]) and np.all(now == 24.0)


def test_what_is_not_captured_fades_and_what_is_captured_stays() -> None:
    share = []
    for capture in ("0 1/h", "0.2 1/h"):
        text = replaced(
            THERAPY,
            (
                'rule = "tag_and_capture"',
                f'rule = "tag_and_capture"\ncapture = "{capture}"\nrate = 0.0\nlate_decay = "10000 day"',
            ),
        )
        text += '[study.s]\narms = ["ketamine", "ketamine_alone"]\n'
        share.append(_both(text))
    assert abs(share[0]) < 1e-3 < 0.1 < share[1]


def _both(text: str) -> float:
    """Return how much training changed the score at the end of the phase; subjects take turns between the two arms."""
    found = np.concatenate([solve(batch).outcomes["expected"] for batch in batches(text)])
    return abs(float(found[::2].mean() - found[1::2].mean())) / 42.0
