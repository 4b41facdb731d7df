"""Drugs that compete at one site: Gaddum's sum, whatever their number, names and order."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.circuits import HEAD, solved

from workbench.errors import ScenarioError
from workbench.modulation.receptors import Competitive

SITE = (
    HEAD.replace("count = 6", "count = 1")
    + """
[modulator.ach]
source = "cholinergic"
d2_efficacy = 0.0
[phase.obs]
clock = "event"
length = "24 h"
"""
)
DRUG = """
[drug.{name}]
model = "one_compartment_intravenous"
clearance = "{clearance} L/h"
volume = "{volume} L"
[occupancy.{name}]
drug = "{name}"
ec50 = "{half} ng/mL"
efficacy = {efficacy}
[dose.{name}]
drug = "{name}"
during = "obs"
amount = "{amount} mg"
count = 1
"""
A = {"name": "a", "clearance": 1, "volume": 100, "half": 20, "amount": 6, "efficacy": 0}
B = {"name": "b", "clearance": 2, "volume": 50, "half": 40, "amount": 4, "efficacy": 0}


def active(*drugs: dict[str, object], tone: float = 1.0) -> float:
    """Return what is active 3 h after the doses."""
    names = ", ".join(f'"{drug["name"]}"' for drug in drugs)
    text = SITE.replace("d2_efficacy", f"tone = {tone!r}\nd2_efficacy")
    text += f'[receptor.m1]\nligand = "ach"\nantagonists = [{names}]\n' + "".join(DRUG.format(**d) for d in drugs)
    text += '[outcome.active]\nreadout = "level"\nsignal = "receptor.m1"\nwindow = "3 h into obs"\n'
    return float(solved(text).outcomes["active"][0])


def test_two_antagonists_at_one_site_add_up() -> None:
    """A / (A + K (1 + Ca / Ka + Cb / Kb)) with Ca = 60 exp(-0.03), Cb = 80 exp(-0.12) ng/mL."""
    taken = 60.0 * np.exp(-0.03) / 20.0 + 80.0 * np.exp(-0.12) / 40.0
    assert active(A, B) == pytest.approx(1.0 / (2.0 + taken), rel=1e-13)
    assert active(A, B) == pytest.approx(0.149585, abs=5e-7)


def test_a_drug_split_in_two_halves_acts_as_the_whole() -> None:
    halves = [{**A, "name": name, "amount": 3} for name in ("left", "right")]
    assert active(*halves) == pytest.approx(active(A), rel=1e-14)


def test_a_drug_that_is_not_given_changes_no_bit() -> None:
    assert active(A, {**B, "amount": 0}) == active(A) == active({**B, "amount": 0}, A)


@pytest.mark.parametrize(("tone", "expected"), [(1.0, (1.0 + 0.1 * 2.0) / (1.0 + 1.0 + 2.0)), (0.0, 0.1 * 2.0 / 3.0)])
def test_a_partial_agonist_displaces_the_transmitter_and_acts_itself(tone: float, expected: float) -> None:
    partial = {**A, "clearance": 1e-4, "volume": 1000, "amount": 40, "efficacy": 0.1}
    assert active(partial, tone=tone) == pytest.approx(expected, rel=1e-6)


def test_schild_dose_ratios_less_one_add_up() -> None:
    """A dose ratio is how much more transmitter gives the same activation."""

    def ratio(*taken: float) -> float:
        free = np.asarray(Competitive.free(1.0, *(r / (1.0 + r) for r in taken), *taken))
        return float(1.0 / free)

    assert ratio(10.0, 5.0) == pytest.approx(ratio(10.0) + ratio(5.0) - 1.0, rel=1e-14) == pytest.approx(16.0)


LEVELS = st.lists(st.floats(0.0, 1e6), min_size=2, max_size=5)


@given(LEVELS, st.floats(0.0, 1.0))
def test_the_order_of_drugs_changes_no_bit_and_shares_stay_shares(ratios: list[float], susceptibility: float) -> None:
    def free(some: tuple[float, ...]) -> bytes:
        return np.asarray(
            Competitive.free(susceptibility, *(r / (1.0 + r) for r in some), *some), dtype=np.float64
        ).tobytes()

    assert len({free(order) for order in permutations(ratios)}) == 1
    assert 0.0 <= np.frombuffer(free(tuple(ratios)))[0] <= 1.0


@given(LEVELS, st.floats(1e-3, 1e3), st.floats(0.0, 1.0))
def test_drugs_with_one_half_act_as_their_sum(ratios: list[float], level: float, susceptibility: float) -> None:
    def activation(some: list[float]) -> float:
        free = Competitive.free(susceptibility, *(r / (1.0 + r) for r in some), *some)
        return float(np.asarray(Competitive.activation(level, 1.0, free)))

    if susceptibility == 1.0:
        total = sum(ratios)
        assert activation(ratios) == pytest.approx(level / (level + 1.0 + total), rel=1e-9)
    assert activation(ratios) <= activation([max(ratios), 0.0]) * (1.0 + 1e-12)


def test_one_drug_counts_once() -> None:
    text = SITE + "".join(DRUG.format(**A)) + '[occupancy.again]\ndrug = "a"\n'
    text += '[receptor.m1]\nligand = "ach"\nantagonists = ["a", "again"]\n'
    text += '[outcome.active]\nreadout = "level"\nsignal = "receptor.m1"\n'
    with pytest.raises(ScenarioError) as caught:
        solved(text)
    assert any("counted twice" in problem.message for problem in caught.value.problems)
