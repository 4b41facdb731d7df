"""The ranges of the findings about learning rules are closed forms with their tolerance: each is computed here anew."""

from __future__ import annotations

from functools import partial
from math import exp, inf

import pytest
from rule_forms import (
    activated,
    captured,
    credit,
    cue_burst,
    double_exponential,
    double_exponential_peak,
    drives,
    error_left,
    held,
    held_for,
    left_over,
    lingering_change,
    mean_open,
    on_the_way,
    permitted,
    reward_gradient,
    score_variance,
    session_in_window,
    settled,
    steep,
    tail,
    unblocked,
)

from workbench.literature.read import read_drafts
from workbench.scenario.library import data_folder

Range = tuple[float, float]
RULES = {d.head.name: d for d in read_drafts(data_folder() / "findings") if d.document.file.endswith("rules_b.toml")}
NOTHING = (-1e-15, 1e-15)


def near(value: float, absolute: float = 0.0, *, share: float = 0.0) -> Range:
    width = absolute + share * abs(value)
    return value - width, value + width


def bandit() -> dict[str, list[Range | None]]:
    ours = (0.2, -0.1), (1.0, 0.3)
    better, worse = reward_gradient(*ours)
    variances = [near(score_variance(*ours, b) / 2000.0**2, share=0.02) for b in (0.0, 0.7)]
    exactly = near(better, 1e-12)
    return {
        "R10": [exactly, near(worse, 1e-12)] * 4,
        "R10B": [near(better, share=0.02)] * 2 + variances,
        "R10C": [None] * 3,  # signs
        "R10X": [exactly],
    }


def marks() -> dict[str, list[Range | None]]:
    change = partial(lingering_change, 0.1, mark=1.0, dopamine=0.5)
    shape = partial(double_exponential, rise=0.3, decay=1.0)
    plain, gated, blocked = (exp(-1.0 / 3.0 - 2.0 * a) for a in (0.0, activated(1.0), activated(1.0, 0.9)))
    exact = [near(credit(k, 8, q), 1e-12) for k, q in ((0, plain), (1, plain), (7, plain), (0, gated), (7, gated))]
    times = [near(1.0 / q, 1e-9) for q in (gated, plain)]
    before = change(0.0) * exp(-1.0 / 0.5)
    assert 2.5 <= 2.0 + double_exponential_peak(0.3, 1.0) <= 2.54
    assert min(shape(0.6), shape(1.0)) > 5.0 * max(shape(-1.0), shape(5.0))
    return {
        "R11": [near(change(1.0), 1e-12), near(change(5.0), 1e-12), near(before, 1e-12), NOTHING],
        "R11B": [(5.0, inf), (5.0, inf), NOTHING, None, near(shape(0.6) / shape(5.0), 1e-9)],
        "R11C": exact[:3],
        "R11X": [None],
        "R12": [*exact[3:], *times],
        "R12B": [near(credit(0, 8, blocked), 1e-12), None],
        "R12C": [None] * 3,
        "R12D": [None],
        "R12X": [near(credit(0, 8, gated), 1e-3)],
    }


def differences() -> dict[str, list[Range | None]]:
    cue = cue_burst(0.98, 5, 15)
    profile = (1.0, 0.0, cue, 0.0, 0.0, -1.0, -cue)
    return {
        "R13": [near(value, 1e-12) for value in profile],
        "R13B": [(-0.01, 0.01)] * 12,
        "R13X": [near(cue, 1e-3)],
        "R13Y": [near(-cue, 1e-3)],
        "R13Z": [(-0.01, 0.01)],
    }


HEALTHY, ILL = activated(0.2), activated(1.5 * 1.16)
ON, OFF = drives(0.25, 0.25, 0.35)


def phi(drive: float, active: float) -> float:
    return tail(drive, 0.2 - 0.2 * active, 0.12)


def balance() -> dict[str, list[Range | None]]:
    def pair(active: float, down: float = 1.0, surround: float = 0.35) -> tuple[float, float]:
        on, off = (settled(1.0, down, phi(drive, active)) for drive in drives(0.25, 0.25, surround))
        return on, off

    healthy = pair(HEALTHY)
    arms = healthy, pair(HEALTHY, 0.25), pair(ILL), pair(HEALTHY, surround=0.0)
    drawn = near(healthy[0], share=0.005)
    return {
        "R25": [near(healthy[0], 1e-9), near(healthy[1], 1e-9), drawn, near(healthy[1], share=0.04)],
        "R25B": [*(near(off / on, 1e-8) for on, off in arms), None, None, None],
        "R25X": [drawn],
    }


class Core:
    """The clamped synapse under one mechanism at one occupancy: practice, treatment, withdrawal."""

    def __init__(self, mechanism: str, occupied: float = 0.75, drive: float = OFF) -> None:
        treated = activated(1.74, occupied)
        self.ill = 0.05, 0.05 * permitted(ILL), phi(drive, ILL)
        gate = treated if mechanism in ("permission", "both") else ILL
        threshold = treated if mechanism in ("threshold", "both") else ILL
        self.treated = 0.05, 0.05 * permitted(gate), phi(drive, threshold)
        self.before = on_the_way(0.5, *self.ill, 1200)
        self.end = on_the_way(self.before, *self.treated, 2000)


def anticholinergic() -> dict[str, list[Range | None]]:
    exactly = partial(near, absolute=1e-6)
    doses = [Core(m, o) for m in ("permission", "threshold") for o in (0.5, 0.75, 0.9)]
    way = [Core("permission"), Core("threshold")]
    onset = [near(on_the_way(c.before, *c.treated, 20), 1.5e-3) for c in way]
    relapse = [near(on_the_way(c.end, *c.ill, 20), 1.5e-3) for c in way]
    on = [Core("permission", drive=ON), Core("threshold", drive=ON)]
    occupied = 3.0 * 18.3 / (3.0 * 18.3 + 29.28)
    raised = activated(1.74 * (1.0 + 0.5 * occupied))
    return {
        "R26": [*(exactly(settled(*c.treated)) for c in (Core("", 0.0), *doses, Core("both"), *on))],
        "R26B": [None] * 3,
        "R26C": [
            onset[0],
            relapse[0],
            onset[1],
            relapse[1],
            *(exactly(on_the_way(c.end, *c.ill, 2000)) for c in way),
        ],
        "R26D": [exactly(settled(1.0, permitted(raised), phi(OFF, raised)))],
        "R26X": [None],
    }


def windows() -> dict[str, list[Range | None]]:
    inside, late, alone = (
        session_in_window(0.05, gain, 24.0, hours, 1.0) for gain, hours in ((4, 6), (4, 200), (0, 0))
    )
    early = 1.0 - exp(-0.2)
    kept = partial(
        captured, early, protein_decay=1.0, leaving=10.0, rise=1e-3, trials_an_hour=200.0, length=0.1, capture=1e-3
    )
    captures = [
        near(kept(lag, tag), share=2e-3) for lag, tag in ((1.2, 1.5), (0.0, 1.5), (3.0, 1.5), (0.0, 1.0), (3.0, 1.0))
    ]
    return {
        "R27": [*(near(value, 1e-5) for value in (inside, late, alone, exp(-0.25)))],
        "R27B": [near(inside - alone, 2e-5), (0.0, 1e-4), None, None],
        "R27C": [NOTHING] * 4,
        "R27X": [near(alone, 1e-5)],
        "R28": [*captures, near(early, share=1e-3)],
        "R28B": [NOTHING] * 3,
        "R28C": [(0.0, 0.05)],
        "R28D": [(0.0, 0.05)],
        "R28X": captures[:1],
    }


def layers() -> dict[str, list[Range | None]]:
    everyone = (0.99, 1.0)

    def left(rule: str, samples: int) -> Range:
        steepness = steep(rule, 6, 4)
        return near(error_left(1.0 / steepness, steepness, samples), share=0.02)

    return {
        "R14": [(70.0, 110.0), *[everyone] * 6, (0.0, 1e-5)],
        "R14B": [NOTHING],
        "R14X": [everyone],
        "R15": [left("gradient", 5), left("node", 20), left("weight", 60)],
        "R15B": [(-inf, 0.0)] * 4,
        "R15X": [left("gradient", 5)],
    }


def receptors() -> dict[str, list[Range | None]]:
    channels = {"a": (0.5, 0.087), "b": (0.12, 0.548)}
    charge = [near(mean_open(*channels[c], rate), 1e-12) for rate in (1.0, 100.0) for c in "ab"]
    shares = (0.5, 1.0, 0.0)
    widths = [near(held_for(share), 1e-12) for share in shares]
    lags = [near(held(lag, share), 1e-9) for share in shares for lag in (0.1, 0.4)]
    other = mean_open(0.5, 0.056, 1.0), mean_open(0.12, 0.155, 1.0)
    assert charge[0][1] < charge[1][0] and charge[2][0] > charge[3][1] and other[0] > other[1]
    return {
        "R16": [*charge, None, None],
        "R16B": [*widths, *lags, NOTHING],
        "R16C": [near(unblocked(1.0, -70.0), 1e-9), near(unblocked(1.0, -20.0), 1e-9)],
        "R16X": [(0.0, inf)],
    }


def regions() -> dict[str, list[Range | None]]:
    """Motor: 0.7 of GluN2A, gain 0.5, potentiates. Sensory: a mark of 1 s, gain 1, depresses. Both start at 0.5."""
    motor = 100.0 * ((1.0 - 0.5 * left_over(10, 0.1, 5.0, lambda d: 0.15 * held(d, 0.7))) / 0.5 - 1.0)
    sensory = 100.0 * (left_over(10, 0.1, 5.0, lambda d: 0.2 * exp(-d)) - 1.0)
    changes = [near(value, 1e-9) for value in (motor, motor, sensory, sensory)]
    return {
        "R17": [*changes, *(near(held_for(share), 1e-12) for share in (0.7, 0.4, 0.4, 0.7))],
        "R17B": [NOTHING, changes[2]],
        "R17X": [near(motor, 1e-3)],
    }


THEORY = (
    bandit() | marks() | differences() | layers() | receptors() | regions() | balance() | anticholinergic() | windows()
)
"""For every criterion of every finding its range; None where a direction with a margin is asked for."""


@pytest.mark.parametrize("name", RULES)
def test_its_ranges_are_the_closed_form_with_its_tolerance(name: str) -> None:
    given = [raw["accept"] for raw in RULES[name].criteria.values()]
    assert len(given) == len(THEORY[name])
    for accept, expected in zip(given, THEORY[name], strict=True):
        if expected is not None:
            bounds = [sign * inf if end == "open" else end for sign, end in zip((-1, 1), accept, strict=True)]
            width = min(expected[1] - expected[0], 1.0)
            assert bounds == pytest.approx(expected, rel=1e-13, abs=1e-3 * width)


def test_every_finding_has_its_theory_and_every_control_its_reason() -> None:
    assert set(THEORY) == set(RULES)
    controls = {name for name in RULES if name[-1] in "XYZ"}
    assert controls == {name for name, draft in RULES.items() if draft.head.must_fail}
    assert {name[:3] for name in RULES} == {name[:3] for name in controls}, "a row without a control that must fail"


def test_the_closed_forms_agree_with_numbers_worked_out_apart() -> None:
    """Rounded as they were written down."""
    assert reward_gradient((0.2, -0.1), (1.0, 0.3)) == pytest.approx([0.17112, -0.17112], abs=5e-6)
    assert score_variance((0.2, -0.1), (1.0, 0.3), 0.0) == pytest.approx(0.0874, abs=5e-5)
    assert [credit(0, 8, exp(-s)) for s in (1 / 3, 4 / 3)] == pytest.approx([0.3046, 0.7364], abs=5e-5)
    assert double_exponential_peak(0.3, 1.0) == pytest.approx(0.52, abs=5e-3)
    assert cue_burst(0.98, 5, 15) == pytest.approx(0.80073, abs=5e-6)
    hours = (6.0, 200.0)
    assert [session_in_window(0.05, 4.0, 24.0, t, 1.0) for t in hours] == pytest.approx([0.18336, 0.04882], abs=5e-6)
