"""A run is known by what acts on it, never by where it stands or what it is called."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.small_world import (
    Dose,
    Overflow,
    TwoSided,
    arm,
    axis,
    laid_out,
    parameter_set,
    q,
    runs_of,
    scenario,
    table,
    trait,
)

from workbench.plan import plan
from workbench.plan.run_plans import run_keys
from workbench.scenario.model import Scenario, Study
from workbench.solver import batch


def keys(whole: Scenario, **asked: object) -> list[bytes]:
    """Return the keys of all runs, sorted."""
    return sorted(run.key for run in runs_of(whole, **asked).values())


BASE = keys(scenario(traits=[trait("t", "drug.thp.clearance")]))


def like_base(**rest: object) -> Scenario:
    return scenario(**{"traits": [trait("t", "drug.thp.clearance")], **rest})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "same",
    [
        like_base(arms=[arm("another", title="Another name")]),
        like_base(changed=[replace(scenario().table("population.d1"), title="Neurons")]),
        like_base(changed=[table("outcome.more", Overflow, margin=q(0.5))]),
        like_base(record=False, outcomes=("overflow",)),
        like_base(parameters=parameter_set({"unused": q(3.0)})),
        like_base(studies=[Study("other", "Other", ("base",), 3)]),
        like_base(arms=[arm(set={"drug.thp.effect": q(1.0)})]),
        replace(like_base(), title="x", summary=("y",), file="z.toml", text=b"# a comment"),
        replace(like_base(), tables=dict(reversed(like_base().tables.items()))),
    ],
    ids=[
        "arm name", "table title", "another outcome", "fewer recordings", "unused parameter", "study name",
        "default spelt out", "titles and comments", "order of the file",
    ],
)  # fmt: skip
def test_keys_do_not_depend_on(same: Scenario) -> None:
    assert keys(same) == BASE


@pytest.mark.parametrize(
    "other",
    [
        like_base(arms=[arm(set={"drug.thp.effect": q(0.5)})]),
        like_base(arms=[arm(set={"phase.rest.trials": 101})]),
        like_base(seed=2),
        like_base(traits=[trait("u", "drug.thp.clearance")]),
        like_base(arms=[arm(without=["homeostat.slow"])]),
    ],
    ids=["a number", "a length", "the seed", "another trait", "a lesion"],
)
def test_keys_depend_on(other: Scenario) -> None:
    assert not set(keys(other)) & set(BASE)


def test_keys_depend_on_the_revision_of_a_component(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TwoSided, "revision", 2)
    assert not set(keys(like_base())) & set(BASE)


def test_keys_of_a_component_from_a_notebook_depend_on_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TwoSided, "packaged", False)
    first = keys(like_base())
    monkeypatch.setattr(TwoSided, "source_sha256", classmethod(lambda cls: "edited"))
    assert not set(first) & set(BASE)
    assert not set(first) & set(keys(like_base()))


def test_more_subjects_keep_the_keys_of_the_first() -> None:
    assert set(BASE) < set(keys(like_base(), subjects=7))


def test_equal_runs_in_several_arms_points_and_studies_have_one_key() -> None:
    arms = [arm("a"), arm("b"), arm("c", without=["dose.thp"])]
    amounts = axis("dose.thp.amount", 10.0, 20.0, unit="mg")
    studies = [Study("one", "", ("a", "b"), 1), Study("two", "", ("a", "c"), 1, (amounts,))]
    runs = {place[:3]: run.key for place, run in runs_of(scenario(arms, studies=studies)).items()}
    assert runs["one", "a", 0] == runs["one", "b", 0] == runs["two", "a", 0]
    assert runs["two", "c", 0] == runs["two", "c", 1]
    assert len(set(runs.values())) == 3


def test_negative_zero_is_zero() -> None:
    (structure,) = plan(scenario()).structures()
    subject = np.zeros(1, np.int64)
    plus = run_keys(structure, {"a": 0.0, "b": np.array([0.0])}, 1, subject)
    assert run_keys(structure, {"a": -0.0, "b": np.array([-0.0])}, 1, subject) == plus


def test_a_number_shared_by_all_has_the_key_of_the_same_number_in_an_array() -> None:
    (structure,) = plan(scenario()).structures()
    subjects = np.arange(2)
    assert run_keys(structure, {"a": 0.1}, 1, subjects) == run_keys(structure, {"a": np.full(2, 0.1)}, 1, subjects)


def test_keys_of_an_arm_do_not_depend_on_which_arms_are_asked_for() -> None:
    arms = [arm("a"), arm("b", set={"drug.thp.effect": q(0.5)})]
    both = runs_of(scenario(arms))
    alone = runs_of(scenario(arms), arms=["b"])
    assert all(both[place].key == run.key for place, run in alone.items())
    assert {place[1] for place in alone} == {"b"}


def test_a_number_spelt_in_another_unit_has_the_same_key() -> None:
    hours = table("dose.thp", Dose, drug="thp", amount=q(10.0, "mg"), every=q(480.0, "min"), during="practice")
    assert keys(like_base(changed=[hours])) == BASE


def test_keys_are_those_of_an_earlier_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed key recomputes every stored run of every user: only on purpose."""
    monkeypatch.setattr(batch, "ENGINE_REVISION", 1)
    whole = scenario(subjects=1, traits=[trait("t", "drug.thp.clearance", "bernoulli", p=1.0)])
    (run,) = laid_out(plan(whole)).values()
    assert run.key.hex().startswith("be7854b54115c9ed")
