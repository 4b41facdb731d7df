"""Sizes, lengths, clocks and rules may be swept; each value makes its own program."""

from __future__ import annotations

from typing import Any

import pytest
from support.small_world import (
    Overflow,
    TwoSided,
    arm,
    axis,
    field_of,
    laid_out,
    parameter_set,
    q,
    scenario,
    table,
    without_tables,
)

from workbench.errors import ScenarioError
from workbench.plan import plan
from workbench.scenario.model import Ref, Study
from workbench.solver.batch import Structure


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("population.d1.size", (4, 6)),
        ("phase.practice.trials", (100, 200)),
        ("plasticity.cortex_d1.stabiliser", ("soft_bounds", "hard_bounds")),
        ("task.reach.order", ("random", "fixed")),
        ("projection.cortex_d1.bounds", ((0.0, 1.0), (0.0, 2.0))),
        ("dose.thp.during", ("practice", "rest")),
    ],
)
def test_each_structural_value_forms_its_own_structure(path: str, values: tuple[Any, ...]) -> None:
    planned = plan(scenario(axes=[axis(path, *values)]))
    assert field_of(planned, path) == set(values)
    identities = {structure.identity for structure in planned.structures()}
    assert len(identities) == len(planned.structures()) == 2
    points = {place[2]: run.identity for place, run in laid_out(planned).items()}
    assert len(set(points.values())) == 2


def test_a_swept_rule_brings_its_own_numbers_and_keeps_those_of_the_same_name() -> None:
    planned = plan(scenario(axes=[axis("plasticity.cortex_d1.rule", "two_sided", "oja")], subjects=1))
    runs = {place[2]: run.values for place, run in laid_out(planned).items()}
    assert "plasticity.cortex_d1.decay" not in runs[0]
    assert runs[1]["plasticity.cortex_d1.decay"] == 1.0
    assert runs[0]["plasticity.cortex_d1.rate"] == runs[1]["plasticity.cortex_d1.rate"] == 0.01


def test_structural_and_numeric_axes_may_be_zipped() -> None:
    axes = [axis("population.d1.size", 4, 6, zip="z"), axis("gate.m1.threshold", 0.1, 0.2, zip="z")]
    planned = plan(scenario(axes=axes, subjects=1))
    sizes = {s.identity: next(t for t in s.tables if t.name == "d1").field("size") for s in planned.structures()}
    runs = laid_out(planned).values()
    assert {(sizes[run.identity], run.values["gate.m1.threshold"]) for run in runs} == {(4, 0.1), (6, 0.2)}


def test_equal_levels_of_a_structural_axis_share_a_structure() -> None:
    axes = [axis("population.d1.size", 4, 6, 4, zip="z"), axis("gate.m1.threshold", 0.1, 0.2, 0.3, zip="z")]
    planned = plan(scenario(axes=axes))
    assert len(planned.structures()) == 2
    assert len(laid_out(planned)) == 9


def test_the_order_of_the_file_makes_no_other_structure() -> None:
    whole = scenario()
    turned = {section: dict(reversed(named.items())) for section, named in reversed(whole.tables.items())}
    assert plan(scenario()).structures() == plan(type(whole)(**{**vars(whole), "tables": turned})).structures()


def tables_in(structure: Structure) -> set[str]:
    return {f"{t.section}.{t.name}" for t in structure.tables}


def test_a_lesion_removes_the_table_and_every_mention_of_it() -> None:
    planned = plan(scenario([arm(without=["homeostat.slow", "gate.m1"])]))
    (structure,) = planned.structures()
    assert not tables_in(structure) & {"homeostat.slow", "gate.m1"}
    assert field_of(planned, "plasticity.cortex_d1.homeostat") == {None}
    assert field_of(planned, "plasticity.cortex_d1.gates") == {()}
    assert not [path for path in next(iter(laid_out(planned).values())).values if path.startswith("gate.")]


def test_a_removed_projection_takes_its_learning_rule_along() -> None:
    (structure,) = plan(scenario([arm(without=["projection.cortex_d1"])])).structures()
    assert not tables_in(structure) & {"projection.cortex_d1", "plasticity.cortex_d1"}


def test_a_lesion_equals_a_file_that_never_had_the_table() -> None:
    unlearned = [table("plasticity.cortex_d1", TwoSided, rate=q(0.01), gates=("m1",))]
    lesioned = plan(scenario([arm(without=["homeostat.slow"])], changed=unlearned))
    never = plan(without_tables(scenario(changed=unlearned), "homeostat.slow"))
    assert lesioned.structures() == never.structures()
    assert [r.key for r in laid_out(lesioned).values()] == [r.key for r in laid_out(never).values()]


def test_a_removed_table_that_others_need_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"needs population\.d1, which arm\.base is without"):
        plan(scenario([arm(without=["population.d1"])]))


def test_an_optional_number_left_out_is_part_of_the_structure() -> None:
    given = table("plasticity.cortex_d1", TwoSided, rate=q(0.01), gates=("m1",), homeostat="slow", slack=q(0.2))
    absent, present = plan(scenario()), plan(scenario(changed=[given]))
    assert absent.structures()[0].identity != present.structures()[0].identity
    assert next(iter(laid_out(present).values())).values["plasticity.cortex_d1.slack"] == 0.2
    assert "plasticity.cortex_d1.slack" not in next(iter(laid_out(absent).values())).values


def test_a_study_keeps_the_outcomes_and_courses_it_asks_for() -> None:
    more = [table("outcome.more", Overflow, margin=q(0.5))]
    studies = [
        Study("all", "", ("base",), 1),
        Study("one", "", ("base",), 1, outcomes=("more",), record=False),
    ]
    planned = plan(scenario(changed=more, studies=studies))
    found = [[(t.section, t.name) for t in structure.recordings] for structure in planned.structures()]
    assert found == [[("course", "overflow"), ("outcome", "more"), ("outcome", "overflow")], [("outcome", "more")]]
    assert len({structure.identity for structure in planned.structures()}) == 1


def test_numbers_of_an_outcome_are_structure_and_no_values() -> None:
    planned = plan(
        scenario(
            changed=[table("outcome.overflow", Overflow, margin=Ref("m"))], parameters=parameter_set({"m": q(0.3)})
        )
    )
    assert field_of(planned, "outcome.overflow.margin") == {0.3}
    assert "outcome.overflow.margin" not in next(iter(laid_out(planned).values())).values


def test_an_outcome_that_would_measure_differently_in_two_arms_is_refused() -> None:
    measured = [table("outcome.overflow", Overflow, margin=Ref("m"))]
    values = parameter_set({"m": q(0.3)}, {"ill": {"m": q(0.4)}})
    with pytest.raises(ScenarioError, match=r"outcome\.overflow: a number differs between arms"):
        plan(scenario([arm("a"), arm("b", condition="ill")], changed=measured, parameters=values))
    with pytest.raises(ScenarioError, match=r"outcome\.overflow\.margin: parameter\.m differs between points"):
        plan(scenario(axes=[axis("parameter.m", 0.1, 0.2)], changed=measured, parameters=values))
