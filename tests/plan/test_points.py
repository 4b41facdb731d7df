"""The points of a study: counted first, then read by ordinal."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.small_world import arm, axis, scenario

from workbench.errors import ScenarioError
from workbench.plan import plan
from workbench.plan.points import Points, points_of
from workbench.scenario.model import Axis, Study


def points(*axes: Axis, **rest: object) -> Points:
    return points_of(Study("s", "", ("base",), 1, axes, **rest), "small.toml")  # type: ignore[arg-type]


def test_a_study_without_axes_has_one_empty_point() -> None:
    assert list(points()) == [{}]


@given(st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=4), max_size=4))
def test_crossed_axes_give_the_product_with_the_last_axis_running_fastest(levels: list[list[int]]) -> None:
    crossed = points(*(axis(f"p{i}", *values) for i, values in enumerate(levels)))
    assert [tuple(point.values()) for point in crossed] == list(product(*levels))
    assert len(crossed) == len(list(crossed))


def test_zipped_axes_move_together_and_cross_with_the_rest() -> None:
    found = points(axis("a", 1, 2, zip="z"), axis("b", 10, 20), axis("c", 100, 200, zip="z"))
    assert [(p["a"], p["b"], p["c"]) for p in found] == [(1, 10, 100), (1, 20, 100), (2, 10, 200), (2, 20, 200)]


def test_points_can_be_sliced_and_counted_from_the_end() -> None:
    found = points(axis("a", 1, 2, 3))
    assert found[1:] == [{"a": 2}, {"a": 3}]
    assert found[-1] == {"a": 3}
    with pytest.raises(IndexError):
        found[3]


@given(st.data())
def test_slices_partition_the_points(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    whole = points(*(axis(f"p{i}", *range(n)) for i, n in enumerate(sizes)))
    fixed = sorted(data.draw(st.sets(st.integers(0, len(sizes) - 1))))
    seen: list[int] = []
    for part in whole.slices(fixed):
        ordinals = part.ordinals(np.arange(len(part)))
        assert (np.diff(ordinals) > 0).all()
        assert all(whole[o][f"p{g}"] == level for o in ordinals.tolist() for g, level in part.levels.items())
        seen += ordinals.tolist()
    assert sorted(seen) == list(range(len(whole)))


def test_zipped_axes_of_different_length_are_refused() -> None:
    with pytest.raises(ScenarioError, match="a has 2, b has 3"):
        points(axis("a", 1, 2, zip="z"), axis("b", 1, 2, 3, zip="z"))


def test_S11_a_grid_of_10_to_the_30_points_is_refused_at_once() -> None:
    axes = [axis(f"population.cortex.noise{i}", *range(1000)) for i in range(10)]
    start = perf_counter()
    with pytest.raises(ScenarioError, match=r"10\^30 points .*1,000,000.*--max-points"):
        plan(scenario([arm()], axes))
    assert perf_counter() - start < 0.5


def test_S11_the_limit_can_be_raised_and_lowered() -> None:
    asked = scenario([arm()], [axis("gate.m1.threshold", 0.1, 0.2, 0.3)])
    with pytest.raises(ScenarioError, match=r"study\.main\.sweep: 3 points \(1 to 2"):
        plan(asked, max_points=2)
    assert len(plan(asked, max_points=3).studies[0].points) == 3


def test_an_empty_axis_is_refused() -> None:
    with pytest.raises(ScenarioError, match="0 points"):
        points(axis("a"))


@pytest.mark.parametrize("design", ["sobol", "lhs"])
def test_a_spread_design_fills_every_axis_evenly_between_its_ends(design: str) -> None:
    found = points(axis("a", 2.0, 4.0), axis("b", 0.01, 1.0, scale="log"), design=design, n=64)
    assert len(found) == 64
    share = {"a": [(p["a"] - 2.0) / 2.0 for p in found], "b": [np.log10(p["b"]) / 2.0 + 1.0 for p in found]}
    for column in share.values():
        assert np.histogram(column, bins=16, range=(0.0, 1.0))[0].tolist() == [4] * 16


@pytest.mark.parametrize("design", ["sobol", "lhs"])
def test_a_spread_design_is_reproducible_and_follows_the_order_of_its_axes_whatever_their_names(design: str) -> None:
    a, b = axis("a", 0.0, 1.0), axis("b", 0.0, 1.0)
    first, second = points(a, b, design=design, n=10), points(b, a, design=design, n=10)
    assert list(first) == list(points(a, b, design=design, n=10))
    assert [(p["a"], p["b"]) for p in first] == [(p["b"], p["a"]) for p in second]


@pytest.mark.parametrize(("n", "axes"), [(1, 1), (2, 3), (64, 2), (1000, 5)])
def test_a_latin_hypercube_is_that_of_scipy(n: int, axes: int) -> None:
    from scipy.stats import qmc

    found = points(*(axis(f"p{i}", 0.0, 1.0) for i in range(axes)), design="lhs", n=n)
    laid = qmc.LatinHypercube(axes, rng=0).random(n)
    assert [tuple(point.values()) for point in found] == [tuple(row) for row in laid.tolist()]


def test_the_first_points_of_a_sobol_design_stay_when_it_grows() -> None:
    a, b = axis("a", 0.0, 1.0), axis("b", 0.0, 1.0)
    assert list(points(a, b, design="sobol", n=100))[:37] == list(points(a, b, design="sobol", n=37))


def test_a_spread_design_of_too_many_points_is_refused_before_it_is_drawn() -> None:
    with pytest.raises(ScenarioError, match=r"10\^15 points"):
        points(axis("a", 0.0, 1.0), design="sobol", n=10**15)


def test_a_spread_design_lays_out_its_own_values() -> None:
    asked = scenario([arm()], [axis("gate.m1.threshold", 0.0, 1.0)], design="sobol", n=5, subjects=1)
    planned = plan(asked)
    (chunk,) = planned.chunks(lambda structure: 100)
    wanted = [point["gate.m1.threshold"] for point in planned.studies[0].points]
    assert np.asarray(chunk.batch.values["gate.m1.threshold"]).tolist() == wanted


@pytest.mark.parametrize("design", ["sobol", "lhs"])
def test_a_design_in_ranges_that_hold_too_few_numbers_is_refused(design: str) -> None:
    ends = (1.0, 1.0 + 2.0**-50)
    narrow = Study("s", "", ("one",), 1, (Axis("a.b.c", ends, "1"),), design=design, n=64)
    with pytest.raises(ScenarioError, match="too narrow for 64 different points"):
        points_of(narrow)
    wide = replace(narrow, axes=(*narrow.axes, Axis("a.b.d", (0.0, 1.0), "1")))
    assert len({tuple(point.values()) for point in points_of(wide)}) == 64
