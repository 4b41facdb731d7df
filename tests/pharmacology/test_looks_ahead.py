"""Drugs and windows are followed ahead in one go: how far changes no bit, and neither does who is left out on the way."""

from __future__ import annotations

import numpy as np
import pytest
from support.circuits import HEAD, equal, only, replaced
from support.therapies import OPENED, THERAPY

from workbench.modulation import window_opening
from workbench.pharmacology import crossings, exposure, profile, remaining
from workbench.solver.run import solve

COURSE = replaced(
    THERAPY,
    ("count = 2", "count = 20"),
    ("count = 1\nduring", "count = 3\nduring"),
    ('step = "0.5 h"', 'step = "2 h"'),
    ('every = "48 h"', 'every = "50 h"'),
) + (
    '[course.window]\nreadout = "level"\nsignal = "window.plasticity"\ninterval = "31.1 h"\n'
    '[course.plasma]\nreadout = "concentration"\ndrug = "ketamine"\ninterval = "20.7 h"\n'
    '[subjects.trait.clearance]\non = "drug.ketamine.clearance"\ndistribution = "lognormal"\nmedian = 1.0\ncv = 0.3\n'
    '[study.s]\narms = ["ketamine_alone", "placebo"]\nsweep = { "dose.infusion.every" = { values = ["50 h", "61.3 h"] } }\n'
)
"""Runs differ in rates, in when doses come, and in whether any does."""
DELAYED = ("[drug.ketamine]\n", '[drug.ketamine]\nequilibration = "3 h"\n')


@pytest.mark.parametrize("swaps", [(), (DELAYED,)], ids=["at once", "delayed"])
def test_how_far_ahead_changes_no_bit(swaps: tuple[tuple[str, str], ...], monkeypatch: pytest.MonkeyPatch) -> None:
    batch = only(replaced(COURSE, *swaps))
    usual = solve(batch)
    assert np.ptp(usual.courses["window"]) > 0.1, "the window opens"
    monkeypatch.setattr(window_opening, "MOST", 1)
    monkeypatch.setattr(exposure, "AT_ONCE", 1)
    assert equal(solve(batch), usual)


SLOWED = (
    replaced(OPENED, ('step = "0.5 h"', 'step = "4 h"'), ('length = "14 day"', 'length = "32 h"'))
    + """
[drug.slow]
model = "one_compartment_oral"
[dose.slow]
drug = "slow"
amount = "5 mg"
count = 1
during = "care"
[occupancy.enzyme]
drug = "slow"
ec50 = "5 ng/mL"
[link.enzyme]
signal = "occupancy.enzyme"
onto = "drug.ketamine.clearance"
gain = -0.6
[study.s]
sweep = { "dose.infusion.amount" = { values = ["0 mg", "35 mg"] } }
"""
)


def test_a_window_of_a_drug_that_links_move_is_the_same_however_runs_part(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = only(SLOWED)
    usual = solve(batch)
    assert np.ptp(usual.outcomes["window"]) > 0.1, "some have the drug"
    monkeypatch.setattr(remaining, "FEW", 1)
    assert equal(solve(batch), usual)


DAILY = (
    HEAD.replace("count = 6", "count = 150")
    + """
[drug.thp]
model = "two_compartment_oral"
[subjects.trait.clearance]
on = "drug.thp.clearance"
distribution = "lognormal"
median = 1.0
cv = 0.4
[dose.thp]
drug = "thp"
amount = "2 mg"
every = "8 h"
during = "treatment"
[phase.treatment]
clock = "event"
length = "3 day"
[outcome.peak]
readout = "peak_concentration"
drug = "thp"
window = "end of treatment"
[outcome.above]
readout = "time_above"
drug = "thp"
threshold = "6 ng/mL"
window = "end of treatment"
[arm.thp]
"""
)


def test_turns_and_crossings_of_several_stretches_are_those_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = only(DAILY)
    usual = solve(batch)
    assert np.ptp(usual.outcomes["above"]) > 1.0
    monkeypatch.setattr(profile, "AT_ONCE", 1)
    monkeypatch.setattr(crossings, "WORTH", len(batch))
    assert equal(solve(batch), usual)
