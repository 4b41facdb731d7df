"""Body weight is one fact of a person: a drug, its metabolites and its doses share it, wherever it is said."""

from __future__ import annotations

import numpy as np
import pytest
from support.circuits import HEAD, only, solved

from workbench.errors import ScenarioError

TEXT = (
    HEAD.replace("count = 6", "count = 5")
    + """
[drug.d]
model = "one_compartment_intravenous"
clearance = "30 L/h"
volume = "140 L"
{drug}
[drug.made]
model = "metabolite"
parent = "d"
formed = 0.5
clearance = "3 L/h"
volume = "14 L"
[phase.obs]
clock = "event"
length = "24 h"
[dose.x]
drug = "d"
during = "obs"
amount_per_weight = "0.5 mg/kg"
count = 1
{dose}
[outcome.c1]
readout = "concentration"
drug = "d"
window = "0 h into obs"
[outcome.made]
readout = "concentration"
drug = "made"
window = "5 h into obs"
"""
)
CHILD = 'body_weight = "18 kg"'
TRAIT = '[subjects.trait.weight]\non = "{on}"\ndistribution = "uniform"\nlow = {low}\nhigh = {high}\n'


def first(text: str, **options: object) -> np.ndarray:
    return np.asarray(solved(text, **options).outcomes["c1"])


@pytest.mark.parametrize(("drug", "dose"), [(CHILD, ""), ("", CHILD), (CHILD, CHILD)])
def test_a_weight_said_once_is_that_of_drug_dose_and_metabolite(drug: str, dose: str) -> None:
    """9 mg into 36 L."""
    text = TEXT.format(drug=drug, dose=dose)
    assert first(text) == pytest.approx(250.0)
    values = only(text).values
    assert {values[path] for path in values if path.endswith("body_weight")} == {18.0}


def test_an_arm_that_says_it_in_one_place_moves_both() -> None:
    text = TEXT.format(drug=CHILD, dose="") + '[arm.heavy]\n[arm.heavy.set]\n"dose.x.body_weight" = "36 kg"\n'
    assert only(text).values["drug.d.body_weight"] == 36.0
    assert (
        only(TEXT.format(drug="", dose=""), settings={"drug.d.body_weight": "18 kg"}).values["dose.x.body_weight"]
        == 18.0
    )


@pytest.mark.parametrize("on", ["drug.d.body_weight", "dose.x.body_weight", "drug.made.body_weight"])
@pytest.mark.parametrize("mode", ["set", "multiply"])
def test_a_trait_that_names_one_moves_all(on: str, mode: str) -> None:
    span = {"low": '"20 kg"', "high": '"90 kg"'} if mode == "set" else {"low": 0.5, "high": 1.5}
    values = only(TEXT.format(drug="", dose="") + TRAIT.format(on=on, **span) + f'mode = "{mode}"\n').values
    weights = [np.asarray(values[path]) for path in values if path.endswith("body_weight")]
    assert len(weights) == 3 and np.ptp(weights[0]) > 1.0
    assert all(w.tobytes() == weights[0].tobytes() for w in weights)


def test_a_trait_that_names_both_acts_once() -> None:
    effects = '[subjects.trait.w]\ndistribution = "uniform"\nlow = 0.5\nhigh = 1.5\n[subjects.trait.w.effects]\n'
    one = '"drug.d.body_weight" = { reference = 1.0, exponent = 1.0 }\n'
    text = TEXT.format(drug="", dose="")
    assert (
        first(text + effects + one).tobytes() == first(text + effects + one + one.replace("drug.d", "dose.x")).tobytes()
    )


def test_two_weights_of_one_person_are_refused_at_their_line() -> None:
    text = TEXT.format(drug=CHILD, dose='body_weight = "40 kg"')
    with pytest.raises(ScenarioError) as caught:
        only(text)
    (problem,) = caught.value.problems
    assert problem.key == "dose.x.body_weight" and "18 kg and 40 kg" in problem.message
    assert text.splitlines()[problem.line - 1] == 'body_weight = "40 kg"'
