"""Subjects differ by named draws; subject i is the same whatever else is asked."""

from __future__ import annotations

from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from support.small_world import arm, axis, parameter_set, q, scenario, table, trait, value_of

from workbench.errors import ScenarioError
from workbench.plan import plan
from workbench.plan.traits import DISTRIBUTIONS, ends
from workbench.scenario.model import Effect, Ref, Trait

MANY = range(20_000)


def draws(*traits: Trait, which: range = MANY, seed: int = 1, **rest: object) -> dict[str, np.ndarray]:
    return plan(scenario(traits=traits, seed=seed, **rest)).traits(which)  # type: ignore[arg-type]


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 50), st.integers(1, 50))
def test_a_subject_is_the_same_in_any_range(start: int, skip: int, length: int) -> None:
    one = trait("t")
    whole = draws(one, which=range(start, start + skip + length))["t"]
    part = draws(one, which=range(start + skip, start + skip + length))["t"]
    assert part.tobytes() == whole[skip:].tobytes()


def test_a_trait_is_unchanged_by_other_traits_and_their_order() -> None:
    alone = draws(trait("b"))["b"]
    for others in ([trait("a"), trait("b")], [trait("b"), trait("c"), trait("a")]):
        assert draws(*others)["b"].tobytes() == alone.tobytes()


def test_a_trait_follows_the_seed_and_its_name() -> None:
    first = draws(trait("a"), trait("b"))
    assert not np.any(first["a"] == first["b"])
    assert not np.any(first["a"] == draws(trait("a"), seed=2)["a"])


@pytest.mark.parametrize(
    ("asked", "reference"),
    [
        (trait("t", median=70.0, cv=0.15), stats.lognorm(np.sqrt(np.log(1 + 0.15**2)), scale=70.0)),
        (trait("t", distribution="normal", mean=3.0, sd=2.0), stats.norm(3.0, 2.0)),
        (trait("t", distribution="uniform", low=-1.0, high=4.0), stats.uniform(-1.0, 5.0)),
        (
            trait("t", distribution="truncated_normal", mean=1.0, sd=1.0, low=0.0, high=1.5),
            stats.truncnorm(-1.0, 0.5, loc=1.0),
        ),
        (trait("t", distribution="truncated_normal", mean=0.0, sd=1.0, low=9.0), stats.truncnorm(9.0, np.inf)),
    ],
    ids=["lognormal", "normal", "uniform", "truncated normal", "far tail"],
)
def test_draws_follow_their_distribution(asked: Trait, reference: object) -> None:
    assert stats.kstest(draws(asked)["t"], reference.cdf).pvalue > 1e-3  # type: ignore[attr-defined]


def test_a_lognormal_has_the_coefficient_of_variation_it_names() -> None:
    found = draws(trait("t", median=2.0, cv=0.4))["t"]
    assert found.std() / found.mean() == pytest.approx(0.4, rel=0.03)
    assert np.median(found) == pytest.approx(2.0, rel=0.01)


def test_a_truncated_normal_never_leaves_its_range() -> None:
    found = draws(trait("t", distribution="truncated_normal", mean=0.0, sd=5.0, low=-0.1, high=0.1))["t"]
    assert found.min() >= -0.1
    assert found.max() <= 0.1


def test_bernoulli_and_choice_have_the_shares_they_name() -> None:
    found = draws(
        trait("b", distribution="bernoulli", p=0.3),
        trait("c", distribution="choice", values=(q(1.0), q(2.0), q(3.0)), weights=(q(1), q(2), q(1))),
        trait("none", distribution="bernoulli", p=0.0),
        trait("all", distribution="bernoulli", p=1.0),
    )
    assert found["b"].mean() == pytest.approx(0.3, abs=0.015)
    assert [np.mean(found["c"] == v) for v in (1.0, 2.0, 3.0)] == pytest.approx([0.25, 0.5, 0.25], abs=0.015)
    assert (found["none"].max(), found["all"].min()) == (0.0, 1.0)


def test_empirical_draws_are_members_of_the_sample() -> None:
    found = draws(trait("t", distribution="empirical", values=(5.0, 1.0, 3.0)))["t"]
    assert [np.mean(found == v) for v in (1.0, 3.0, 5.0)] == pytest.approx([1 / 3] * 3, abs=0.015)


def test_correlation_is_that_of_the_normal_scores() -> None:
    found = draws(
        trait("a", distribution="normal", mean=0.0, sd=1.0),
        trait("b", distribution="normal", mean=5.0, sd=3.0),
        trait("c", distribution="normal", mean=0.0, sd=1.0),
        correlation=[("b", "a", 0.6), ("b", "c", -0.4)],
    )
    matrix = np.corrcoef([found["a"], found["b"], found["c"]])
    assert matrix[0, 1] == pytest.approx(0.6, abs=0.02)
    assert matrix[1, 2] == pytest.approx(-0.4, abs=0.02)
    assert matrix[0, 2] == pytest.approx(0.0, abs=0.02)


def test_correlation_keeps_every_marginal_distribution() -> None:
    found = draws(
        trait("a", median=2.0, cv=0.5),
        trait("b", distribution="uniform", low=0.0, high=1.0),
        correlation=[("a", "b", 0.8)],
    )
    assert stats.kstest(found["b"], stats.uniform().cdf).pvalue > 1e-3
    assert stats.spearmanr(found["a"], found["b"]).statistic == pytest.approx(0.79, abs=0.02)


def test_uncorrelated_traits_are_untouched_by_the_correlation_of_others() -> None:
    traits = trait("a"), trait("b"), trait("c")
    assert draws(*traits)["c"].tobytes() == draws(*traits, correlation=[("a", "b", 0.5)])["c"].tobytes()


def test_correlated_subjects_are_the_same_whatever_the_count() -> None:
    traits = trait("a"), trait("b"), trait("c")
    pairs = [("a", "b", 0.5), ("b", "c", 0.3)]
    whole = draws(*traits, correlation=pairs)
    for which in (range(3), range(17, 18), range(100, 1133)):
        part = draws(*traits, which=which, correlation=pairs)
        assert all(part[n].tobytes() == whole[n][which.start : which.stop].tobytes() for n in part)


def test_impossible_correlations_are_refused() -> None:
    pairs = [("a", "b", 0.9), ("b", "c", 0.9), ("a", "c", -0.9)]
    with pytest.raises(ScenarioError, match=r"subjects\.correlation: these correlations contradict each other"):
        draws(trait("a"), trait("b"), trait("c"), correlation=pairs)


def test_a_trait_multiplies_or_sets_the_number_it_acts_on() -> None:
    weight = table(
        "projection.cortex_d1",
        scenario().table("projection.cortex_d1").component,
        pre="cortex",
        post="d1",
        weight=q(0.5),
    )
    multiplied = scenario(traits=[trait("t", "projection.cortex_d1.weight")], changed=[weight])
    drawn = plan(multiplied).traits(range(3))["t"]
    assert value_of(multiplied, "projection.cortex_d1.weight").tolist() == (0.5 * drawn).tolist()
    replaced = scenario(traits=[trait("t", "projection.cortex_d1.weight", mode="set")], changed=[weight])
    assert value_of(replaced, "projection.cortex_d1.weight").tolist() == drawn.tolist()


def test_a_covariate_scales_by_a_power_of_its_ratio_to_the_reference() -> None:
    weight = trait("weight", median=70.0, cv=0.2, unit="kg", effects=[Effect("drug.thp.clearance", 70.0, 0.75)])
    asked = scenario(traits=[weight])
    kilograms = plan(asked).traits(range(3))["weight"]
    np.testing.assert_allclose(value_of(asked, "drug.thp.clearance"), 10.0 * (kilograms / 70.0) ** 0.75, rtol=1e-15)


def test_several_traits_on_one_number_multiply_in_any_order_of_the_file() -> None:
    a, b = trait("a", "drug.thp.clearance"), trait("b", "drug.thp.clearance")
    assert (
        value_of(scenario(traits=[a, b]), "drug.thp.clearance").tobytes()
        == value_of(scenario(traits=[b, a]), "drug.thp.clearance").tobytes()
    )


def test_all_arms_and_points_share_their_subject() -> None:
    asked = scenario(
        [arm("a"), arm("b")], [axis("gate.m1.threshold", 0.1, 0.2)], traits=[trait("t", "drug.thp.clearance")]
    )
    numbers = value_of(asked, "drug.thp.clearance").reshape(2, 2, 3)
    assert (numbers == numbers[0, 0]).all()
    assert len(set(numbers[0, 0].tolist())) == 3


def test_a_parameter_of_a_distribution_is_taken_from_the_set_and_may_be_set() -> None:
    share = parameter_set({"share": q(1.0)})
    asked = scenario(traits=[trait("t", distribution="bernoulli", p=Ref("share"))], parameters=share)
    assert plan(asked).traits(range(50))["t"].min() == 1.0
    assert plan(asked, settings={"parameter.share": "0"}).traits(range(50))["t"].max() == 0.0


def test_a_parameter_of_a_distribution_may_not_differ_between_arms() -> None:
    share = parameter_set({"share": q(1.0)})
    arms = [arm("a"), arm("b", set={"parameter.share": q(0.5)})]
    asked = scenario(arms, traits=[trait("t", distribution="bernoulli", p=Ref("share"))], parameters=share)
    with pytest.raises(ScenarioError, match=r"subjects\.trait\.t: parameter\.share differs between arms"):
        plan(asked)


def test_a_trait_that_leaves_the_physical_range_is_refused_by_name() -> None:
    asked = scenario(traits=[trait("t", "drug.thp.clearance", "normal", mean=-1.0, sd=0.01)])
    with pytest.raises(ScenarioError, match=r"drug\.thp\.clearance: -\d.* in arm base, subject 0 .*at least 0 L/h"):
        plan(asked)


def test_a_rare_draw_outside_the_range_is_found_before_any_run() -> None:
    asked = scenario(traits=[trait("t", "drug.thp.clearance", "normal", mean=1.0, sd=0.28)], subjects=20_000)
    negative = np.flatnonzero(plan(asked, subjects=10).traits(range(20_000))["t"] < 0)
    assert negative[0] > 1000
    with pytest.raises(ScenarioError, match=f"subject {negative[0]} is out of range") as caught:
        plan(asked)
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    "rest",
    [
        {"distribution": "lognormal", "median": 3.0, "cv": 0.7},
        {"distribution": "normal", "mean": -2.0, "sd": 5.0},
        {"distribution": "truncated_normal", "mean": 0.0, "sd": 1.0, "low": -0.5, "high": 4.0},
        {"distribution": "uniform", "low": 1.0, "high": 2.0},
        {"distribution": "bernoulli", "p": 0.5},
        {"distribution": "choice", "values": (3.0, 1.0, 2.0)},
        {"distribution": "empirical", "values": (3.0, 1.0, 2.0)},
    ],
    ids=lambda rest: rest["distribution"],
)
def test_no_draw_lies_beyond_the_ends_of_its_trait(rest: dict[str, object]) -> None:
    settings = {name: value for name, value in rest.items() if name != "distribution"}
    outermost = np.array([2.0**-54, 0.25, 0.75, 1.0 - 2.0**-53])  # of 2^53 cells the first, two others, and the last
    draws = DISTRIBUTIONS[str(rest["distribution"])](outermost, settings)
    low, high = ends(trait("t", **rest), settings)
    assert low <= draws.min() <= draws.max() <= high
    assert high - low < 20 * (draws.max() - draws.min())


def test_100_000_subjects_are_drawn_in_a_moment() -> None:
    asked = plan(scenario(traits=[trait("a"), trait("b"), trait("c")], correlation=[("a", "b", 0.5)]))
    asked.traits(range(10))
    start = perf_counter()
    asked.traits(range(100_000))
    assert perf_counter() - start < 0.5
