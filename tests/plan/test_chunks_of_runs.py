"""Chunks are a matter of convenience: no run, number or key depends on how they are cut."""

from __future__ import annotations

import tracemalloc
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.small_world import arm, axis, laid_out, q, scenario, trait

from workbench.errors import UsageError
from workbench.plan import plan
from workbench.scenario.model import Axis, Effect, Scenario, Study

TRAITS = [
    trait("speed", "plasticity.cortex_d1.rate"),
    trait("weight", median=70.0, cv=0.2, unit="kg", effects=[Effect("drug.thp.clearance", 70.0, 0.75)]),
    trait("responder", "drug.thp.effect", "bernoulli", p=0.5),
]
ARMS = [
    arm("a"),
    arm("b", without=["dose.thp"]),
    arm("c", set={"phase.rest.trials": 300, "gate.m1.threshold": q(0.9)}),
    arm("d", without=["homeostat.slow"]),
]
AXES = [
    axis("plasticity.cortex_d1.rate", 0.5, 1.0, 2.0, relative=True),
    axis("population.d1.size", 4, 6),
    axis("drug.thp.clearance", 5.0, 6.0, 7.0, unit="L/h"),
    axis("task.reach.target", 0.4, 0.5),
]


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    def some(given: list[Axis]) -> list[Axis]:
        return draw(st.lists(st.sampled_from(given), unique_by=lambda a: a.path, max_size=3))

    arms = draw(st.lists(st.sampled_from(ARMS), unique_by=lambda a: a.name, min_size=1))
    traits = draw(st.lists(st.sampled_from(TRAITS), unique_by=lambda t: t.name))
    names = tuple(a.name for a in arms)
    studies = [
        Study("one", "", names, draw(st.integers(1, 4)), tuple(some(AXES))),
        Study("two", "", names[:2], draw(st.integers(1, 4)), tuple(some(AXES)), record=False),
    ]
    return scenario(arms, traits=traits, studies=studies)


@settings(deadline=None, max_examples=25)
@given(scenarios(), st.integers(1, 40))
def test_runs_are_the_same_whatever_the_chunk_size(whole: Scenario, size: int) -> None:
    assert laid_out(plan(whole), size) == laid_out(plan(whole), 10_000)


@settings(deadline=None, max_examples=25)
@given(scenarios(), st.integers(1, 40))
def test_chunks_hold_every_run_once_by_structure_and_subject(whole: Scenario, size: int) -> None:
    planned = plan(whole)
    wanted = {
        (study.name, a, p, s)
        for study in planned.studies
        for a in range(len(study.arms))
        for p in range(len(study.points))
        for s in range(study.subjects)
    }
    seen = []
    last: tuple[object, int] | None = None
    for chunk in planned.chunks(lambda structure: size):
        batch = chunk.batch
        assert 0 < len(batch) == len(chunk.arms) == len(chunk.points) <= size
        assert (np.diff(batch.subjects) >= 0).all()
        group = (chunk.study, batch.structure)
        assert last is None or last[0] != group or last[1] <= batch.subjects[0]
        last = group, int(batch.subjects[-1])
        seen += [
            (chunk.study, *p)
            for p in zip(chunk.arms.tolist(), chunk.points.tolist(), batch.subjects.tolist(), strict=True)
        ]
    assert len(seen) == planned.expected
    assert set(seen) == wanted


@settings(deadline=None, max_examples=15)
@given(scenarios())
def test_a_number_is_a_float_in_every_chunk_or_in_none(whole: Scenario) -> None:
    kinds: dict[str, set[type]] = {}
    for chunk in plan(whole).chunks(lambda structure: 3):
        for path, value in chunk.batch.values.items():
            kinds.setdefault(path, set()).add(type(value))
            assert isinstance(value, float) or value.shape == (len(chunk.batch),)
    assert all(len(found) == 1 for found in kinds.values())


def test_numbers_that_one_study_varies_are_arrays_in_the_others_too() -> None:
    studies = [
        Study("still", "", ("base",), 2),
        Study("swept", "", ("base",), 2, (axis("gate.m1.threshold", 0.1, 0.2),)),
    ]
    chunks = list(plan(scenario(studies=studies)).chunks(lambda structure: 100))
    assert all(isinstance(chunk.batch.values["gate.m1.threshold"], np.ndarray) for chunk in chunks)
    assert all(isinstance(chunk.batch.values["task.reach.target"], float) for chunk in chunks)


def test_a_subject_passes_through_all_arms_and_points_before_the_next() -> None:
    whole = scenario([arm("a"), arm("b")], [axis("gate.m1.threshold", 0.1, 0.2)], subjects=2)
    (chunk,) = plan(whole).chunks(lambda structure: 100)
    rows = zip(chunk.batch.subjects.tolist(), chunk.arms.tolist(), chunk.points.tolist(), strict=True)
    assert list(rows) == [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1)]


def test_each_structure_may_have_its_own_chunk_size() -> None:
    planned = plan(scenario(axes=[axis("population.d1.size", 4, 6)], subjects=6))
    small, _ = planned.structures()
    sizes = [len(c.batch) for c in planned.chunks(lambda structure: 2 if structure == small else 5)]
    assert sizes == [2, 2, 2, 3, 3]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"arms": ["bsae"]}, "no arm 'bsae' .*base.*did you mean \"base\""),
        ({"studies": ["mian"]}, "no study 'mian' .*main.*did you mean \"main\""),
        ({"subjects": 0}, "1 to 10,000,000 subjects"),
        ({"subjects": 10**10}, "1 to 10,000,000 subjects"),
        ({"seed": -1}, "a seed must be at least 0"),
    ],
)
def test_asking_for_what_is_not_there_is_refused(asked: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        plan(scenario(), **asked)  # type: ignore[arg-type]


def test_only_the_arms_and_studies_asked_for_are_planned() -> None:
    studies = [Study("one", "", ("a", "b"), 1), Study("two", "", ("b",), 1), Study("three", "", ("a",), 1)]
    planned = plan(scenario([arm("a"), arm("b")], studies=studies), arms=["b"], subjects=5)
    assert [(s.name, s.arms, s.subjects, s.expected) for s in planned.studies] == [
        ("one", ("b",), 5, 5),
        ("two", ("b",), 5, 5),
    ]
    assert plan(scenario([arm("a"), arm("b")], studies=studies), studies=["three"]).expected == 1
    with pytest.raises(UsageError, match="no study remains"):
        plan(scenario([arm("a"), arm("b")], studies=studies), arms=["a"], studies=["two"])


def many(subjects: int) -> Scenario:
    axes = [
        axis("plasticity.cortex_d1.rate", *(0.5 + 0.02 * i for i in range(50)), relative=True),
        axis("gate.m1.threshold", *(0.01 * i for i in range(50))),
    ]
    return scenario([ARMS[0], ARMS[1]], axes, traits=TRAITS, subjects=subjects)


@pytest.mark.parametrize("whole", [many(20), scenario(traits=TRAITS, subjects=100_000)], ids=["points", "subjects"])
def test_100_000_runs_are_planned_and_keyed_within_3_seconds(whole: Scenario) -> None:
    start = perf_counter()
    assert sum(len(chunk.batch.keys) for chunk in plan(whole).chunks(lambda structure: 2048)) == 100_000
    assert perf_counter() - start < 3.0


def peak_bytes(subjects: int) -> int:
    planned = plan(scenario(traits=TRAITS, subjects=subjects))
    tracemalloc.start()
    for _ in planned.chunks(lambda structure: 512):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_number_of_runs() -> None:
    peak_bytes(600)
    assert peak_bytes(30_000) < 1.2 * peak_bytes(2_000) < 5_000_000


def test_a_million_points_are_not_laid_out_before_they_are_needed() -> None:
    axes = [axis("gate.m1.threshold", *range(1000)), axis("task.reach.target", *range(1000))]
    tracemalloc.start()
    planned = plan(scenario(axes=axes))
    first = next(planned.chunks(lambda structure: 512))
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
    assert (planned.expected, len(first.batch)) == (3_000_000, 512)
