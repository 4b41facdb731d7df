"""Shares stay between 0 and 1 in every person: what would leave is drawn so that it cannot, or refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cases import every_case
from support.circuits import HEAD, only, solved

from workbench.component.declaration import Component, Parameter
from workbench.component.registry import registry
from workbench.errors import ScenarioError
from workbench.pharmacology.linear import varied
from workbench.plan.columns import Form, TraitFactor
from workbench.plan.soundness import _outside
from workbench.solver.batch import RECORDINGS
from workbench.solver.run import solve

ORAL = (
    HEAD.replace("count = 6", "count = 400")
    + """
[drug.d]
model = "one_compartment_oral"
clearance = "3 L/h"
volume = "24 L"
absorption = "0.9 1/h"
bioavailability = 0.9
bioavailability_occasion_cv = 0.4
[phase.obs]
clock = "event"
length = "200 h"
[dose.x]
drug = "d"
during = "obs"
amount = "100 mg"
count = 1
[outcome.area]
readout = "area_to_infinity"
drug = "d"
window = "end of obs"
"""
)


def test_no_one_absorbs_more_than_is_given() -> None:
    shares = solved(ORAL).outcomes["area"] * 3.0 / 100e3
    assert shares.max() <= 1.0 and shares.min() > 0.0
    assert np.median(shares) == pytest.approx(0.9, abs=0.02) and shares.std() > 0.1


def test_a_small_variation_is_what_it_says() -> None:
    text = ORAL.replace("0.9\nb", "0.5\nb").replace("= 0.4", "= 0.05").replace("count = 400", "count = 2000")
    shares = solved(text).outcomes["area"] * 3.0 / 100e3
    assert shares.std() / shares.mean() == pytest.approx(0.05, rel=0.06)


@given(st.floats(0.0, 1.0), st.floats(0.0, 10.0), st.floats(-8.0, 8.0))
def test_any_share_that_varies_stays_one(share: float, cv: float, score: float) -> None:
    found = share * float(np.asarray(varied(share, cv, score)))
    assert 0.0 <= found <= 1.0 + 1e-15
    assert share * float(np.asarray(varied(share, 0.0, score))) == pytest.approx(share)


def test_a_whole_dose_that_varies_is_refused() -> None:
    with pytest.raises(ScenarioError) as caught:
        only(ORAL.replace("bioavailability = 0.9", "bioavailability = 1.0"))
    (problem,) = caught.value.problems
    assert problem.key == "drug.d.bioavailability_occasion_cv" and "clearance_occasion_cv" in problem.message


SHARES = [(c, p) for c in registry() for p in c.parameters().values()
          if p.kind == "number" and p.high == 1.0 and not (p.structural or p.whole) and c.section not in RECORDINGS]  # fmt: skip


@pytest.mark.parametrize("distribution", ['"lognormal"\nmedian = 1.0\ncv = 0.8', '"normal"\nmean = 1.0\nsd = 0.5',
                                          '"uniform"\nlow = 0.1\nhigh = 1.9'])  # fmt: skip
def test_a_trait_that_takes_a_share_out_of_its_range_is_refused(distribution: str) -> None:
    text = ORAL.replace("bioavailability_occasion_cv = 0.4\n", "")
    trait = f'[subjects.trait.share]\non = "drug.d.bioavailability"\ndistribution = {distribution}\n'
    with pytest.raises(ScenarioError, match="out of range"):
        only(text + trait)


def test_every_share_is_declared_with_its_range() -> None:
    """What is called a share of something has the range of one; the plan checks every person against it."""
    named = [(c, p) for c in registry() for p in c.parameters().values()
             if p.kind == "number" and not p.structural and p.doc.startswith("share of") and c.section not in RECORDINGS]  # fmt: skip
    assert named and all((p.low, p.high) == (0.0, 1.0) for _, p in named)
    assert {p.name for _, p in SHARES} >= {"bioavailability", "formed", "effect", "nasal_share", "oral_share"}


@every_case(("component", "parameter"), SHARES, ids=lambda x: getattr(x, "name", ""))
def test_no_draw_takes_a_share_out_of_its_range_unseen(component: type[Component], parameter: Parameter) -> None:
    """A number is its base times what traits draw; every product of every subject is held against the range."""
    form = Form(0.9, (TraitFactor("t"),))
    for draw, told in ((np.array([1.0, 1.1]), False), (np.array([1.0, 1.2]), True), (np.array([1.0, np.nan]), True)):
        assert bool(list(_outside(form, parameter, {"t": draw}, "in subject {}"))) == told
    if parameter.low == 0.0:
        assert list(_outside(form, parameter, {"t": np.array([-1e-9])}, "in subject {}"))


LINK = """
[drug.b]
model = "one_compartment_intravenous"
clearance = "0.1 L/h"
volume = "10 L"
[occupancy.b]
drug = "b"
ec50 = "1 ng/mL"
[dose.b]
drug = "b"
during = "obs"
amount = "{amount} mg"
count = 1
[link.share]
signal = "occupancy.b"
onto = "drug.d.bioavailability"
gain = {gain}
"""


@pytest.mark.parametrize(("gain", "amount", "fails"), [(0.5, 10, True), (0.05, 10, False), (0.5, 0, False)])
def test_a_link_that_takes_a_share_past_1_fails_the_run(gain: float, amount: float, fails: bool) -> None:
    text = ORAL.replace("count = 400", "count = 2").replace("bioavailability_occasion_cv = 0.4\n", "")
    text = text.replace("area_to_infinity", "area_under_curve").replace(
        'drug = "d"\nduring', 'drug = "d"\nfirst = "1 h"\nduring'
    )
    found = solve(only(text + LINK.format(gain=gain, amount=amount)))
    assert bool(found.failures) == fails
    if fails:
        assert "drug.d.bioavailability out of its range" in found.failures[0].reason
