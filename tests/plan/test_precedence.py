"""Which layer decides a number: one claim for each rung of the ladder, from the lowest up."""

from __future__ import annotations

import numpy as np
import pytest
from support.small_world import Drug, Wires, arm, axis, field_of, parameter_set, q, scenario, table, trait, value_of

from workbench.errors import ScenarioError
from workbench.plan import plan
from workbench.scenario.model import Arm, ParameterSet, Ref, Scenario, Table

CLEARANCE = "drug.thp.clearance"


def from_parameter(name: str = "cl") -> Table:
    return table("drug.thp", Drug, clearance=Ref(name))


def known() -> ParameterSet:
    return parameter_set({"cl": q(20.0, "L/h")}, {"ill": {"cl": q(30.0, "L/h")}})


def one(whole: Scenario, path: str = CLEARANCE, **asked: object) -> float:
    """Return the number that all runs share."""
    (number,) = set(value_of(whole, path, **asked).tolist())
    return float(number)


def test_rung_1_the_component_default_holds_where_nothing_is_said() -> None:
    assert one(scenario()) == 10.0


def test_rung_2_the_parameter_set_gives_what_the_scenario_refers_to() -> None:
    assert one(scenario(changed=[from_parameter()], parameters=known())) == 20.0


def test_rung_3_a_condition_replaces_the_parameter_set() -> None:
    assert one(scenario([arm(condition="ill")], changed=[from_parameter()], parameters=known())) == 30.0


def test_rung_4_the_scenario_replaces_the_default() -> None:
    assert one(scenario(changed=[table("drug.thp", Drug, clearance=q(12.0, "L/h"))])) == 12.0


def test_rung_5_a_trait_acts_on_what_the_scenario_says() -> None:
    whole = scenario(changed=[table("drug.thp", Drug, clearance=q(12.0, "L/h"))], traits=[trait("t", CLEARANCE)])
    assert value_of(whole, CLEARANCE).tolist() == (12.0 * plan(whole).traits(range(3))["t"]).tolist()


def test_rung_6_an_arm_replaces_the_scenario_and_the_trait() -> None:
    arms = [arm(set={CLEARANCE: q(7.0, "L/h")})]
    assert one(scenario(arms, changed=[from_parameter()], parameters=known(), traits=[trait("t", CLEARANCE)])) == 7.0


def test_rung_7_an_absolute_axis_replaces_the_trait() -> None:
    whole = scenario(axes=[axis(CLEARANCE, 3.0, 4.0, unit="L/h")], traits=[trait("t", CLEARANCE)], subjects=2)
    assert value_of(whole, CLEARANCE).tolist() == [3.0, 3.0, 4.0, 4.0]


def test_rung_7_an_axis_for_some_arms_leaves_the_others_as_they_are() -> None:
    arms = [arm("well"), arm("ill", condition="ill")]
    axes = [axis("parameter.cl", 5.0, 6.0, unit="L/h", arms=("ill",))]
    whole = scenario(arms, axes, changed=[from_parameter()], parameters=known(), subjects=1)
    assert value_of(whole, CLEARANCE).tolist() == [5.0, 6.0, 20.0, 20.0]  # arms by name
    assert plan(whole).resolved("well", "main", 1)[CLEARANCE].value == 20.0
    assert plan(whole).resolved("ill", "main", 1)[CLEARANCE].value == 6.0


def test_rung_7_a_structural_axis_for_some_arms_leaves_the_others_as_they_are() -> None:
    axes = [axis("population.d1.size", 2, 3, arms=("b",))]
    groups = plan(scenario([arm("a"), arm("b")], axes, subjects=1)).studies[0].groups
    sizes = {
        tuple(arm_slice.arm for arm_slice in g.arm_slices): [
            t.field("size") for t in g.structure.tables if t.name == "d1"
        ]
        for g in groups
    }
    assert sizes == {(0, 0): [4], (1,): [3]}


def test_rung_8_the_command_line_replaces_scenario_parameter_and_trait() -> None:
    whole = scenario(changed=[from_parameter()], parameters=known(), traits=[trait("t", CLEARANCE)])
    assert one(whole, settings={CLEARANCE: "50 mL/min"}) == 3.0


@pytest.mark.parametrize(
    ("arms", "settings", "value"),
    [
        ([arm(condition="ill", set={"parameter.cl": q(40.0, "L/h")})], {}, 40.0),
        ([arm(condition="ill")], {"parameter.cl": "50 L/h"}, 50.0),
    ],
    ids=["arm above condition", "command line above condition"],
)
def test_a_parameter_has_the_same_ladder(arms: list[Arm], settings: dict[str, str], value: float) -> None:
    assert one(scenario(arms, changed=[from_parameter()], parameters=known()), settings=settings) == value


def test_a_swept_parameter_moves_every_field_that_refers_to_it() -> None:
    second = table("drug.other", Drug, clearance=Ref("cl"))
    swept = [axis("parameter.cl", 1.0, 2.0, unit="L/h")]
    whole = scenario(axes=swept, changed=[from_parameter(), second], parameters=known(), subjects=1)
    assert value_of(whole, CLEARANCE).tolist() == [1.0, 2.0]
    assert value_of(whole, "drug.other.clearance").tolist() == [1.0, 2.0]


def test_a_parameter_reaches_a_field_in_the_unit_of_the_field() -> None:
    volume = parameter_set({"cl": q(100.0, "mL/min")})
    refers = [from_parameter()]
    assert one(scenario(changed=refers, parameters=volume)) == 6.0
    swept = scenario(axes=[axis("parameter.cl", 50.0, 100.0, unit="mL/min")], changed=refers, parameters=volume)
    assert set(value_of(swept, CLEARANCE)) == {3.0, 6.0}
    drawn = scenario(
        changed=refers,
        parameters=volume,
        traits=[trait("t", "parameter.cl", "uniform", "set", low=50.0, high=100.0, unit="mL/min")],
    )
    assert ((value_of(drawn, CLEARANCE) > 3.0) & (value_of(drawn, CLEARANCE) < 6.0)).all()


def test_a_trait_on_a_field_still_acts_when_an_arm_changes_the_parameter_behind_it() -> None:
    arms = [arm(set={"parameter.cl": q(40.0, "L/h")})]
    whole = scenario(arms, changed=[from_parameter()], parameters=known(), traits=[trait("t", CLEARANCE)])
    assert value_of(whole, CLEARANCE).tolist() == (40.0 * plan(whole).traits(range(3))["t"]).tolist()


def test_a_trait_on_a_parameter_moves_every_field_that_refers_to_it() -> None:
    whole = scenario(changed=[from_parameter()], parameters=known(), traits=[trait("t", "parameter.cl")])
    assert value_of(whole, CLEARANCE).tolist() == (20.0 * plan(whole).traits(range(3))["t"]).tolist()


def test_an_arm_may_refer_to_another_parameter() -> None:
    values = parameter_set({"cl": q(20.0, "L/h"), "low": q(2.0, "L/h")})
    whole = scenario([arm(set={CLEARANCE: Ref("low")})], changed=[from_parameter()], parameters=values)
    assert one(whole) == 2.0


def test_a_relative_axis_multiplies_what_each_arm_and_subject_has() -> None:
    arms = [arm("a", condition="ill"), arm("b", set={CLEARANCE: q(5.0, "L/h")})]
    whole = scenario(
        arms,
        [axis(CLEARANCE, 1.0, 3.0, relative=True)],
        changed=[from_parameter()],
        parameters=known(),
        traits=[trait("t", CLEARANCE)],
    )
    found = value_of(whole, CLEARANCE).reshape(2, 2, 3)
    drawn = plan(whole).traits(range(3))["t"]
    np.testing.assert_array_equal(found[0], [30.0 * drawn, 30.0 * drawn * 3.0])
    np.testing.assert_array_equal(found[1], [[5.0] * 3, [15.0] * 3])


def test_a_relative_axis_multiplies_what_the_command_line_says() -> None:
    whole = scenario(axes=[axis(CLEARANCE, 1.0, 2.0, relative=True)], subjects=1)
    assert value_of(whole, CLEARANCE, settings={CLEARANCE: "4 L/h"}).tolist() == [4.0, 8.0]


def test_a_relative_axis_that_leaves_the_physical_range_is_refused_before_any_run() -> None:
    with pytest.raises(
        ScenarioError, match=r"projection\.cortex_d1\.weight: 150 in arm base is out of range \(0 to 100\)"
    ):
        plan(scenario(axes=[axis("projection.cortex_d1.weight", 1.0, 300.0, relative=True)]))


def test_only_the_products_that_occur_must_lie_in_the_range() -> None:
    weight, factor = "parameter.w", "projection.cortex_d1.weight"
    refers = [table("projection.cortex_d1", Wires, pre="cortex", post="d1", weight=Ref("w"))]
    asked = {"changed": refers, "parameters": parameter_set({"w": q(1.0)})}
    together = [axis(weight, 1.0, 50.0, zip="z"), axis(factor, 10.0, 0.1, relative=True, zip="z")]
    plan(scenario(axes=together, **asked))  # type: ignore[arg-type]
    crossed = [axis(weight, 1.0, 50.0), axis(factor, 10.0, 0.1, relative=True)]
    with pytest.raises(ScenarioError, match="500 in arm base is out of range"):
        plan(scenario(axes=crossed, **asked))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arms", "axes", "settings", "told"),
    [
        ([arm(set={CLEARANCE: q(1.0, "L/h")})], [axis(CLEARANCE, 1.0, unit="L/h")], {}, r"arm\.base.*study\.main"),
        ([arm(set={CLEARANCE: q(1.0, "L/h")})], [], {CLEARANCE: "1 L/h"}, r"--set.*arm\.base"),
        ([arm()], [axis(CLEARANCE, 1.0, unit="L/h")], {CLEARANCE: "1 L/h"}, r"--set.*study\.main"),
    ],
    ids=["arm and sweep", "arm and command line", "sweep and command line"],
)
def test_two_of_arm_sweep_and_command_line_on_one_path_are_refused(
    arms: list[Arm], axes: list[object], settings: dict[str, str], told: str
) -> None:
    with pytest.raises(ScenarioError, match=told):
        plan(scenario(arms, axes), settings=settings)  # type: ignore[arg-type]


def test_an_arm_reaches_doses_and_phases() -> None:
    arms = [arm("a"), arm("b", set={"dose.thp.amount": q(5.0, "mg"), "phase.rest.trials": 700})]
    whole = scenario(arms, subjects=1)
    assert value_of(whole, "dose.thp.amount").tolist() == [10.0, 5.0]
    assert field_of(plan(whole), "phase.rest.trials") == {100, 700}


def test_an_arm_without_a_dose_gives_nothing_and_keeps_the_structure() -> None:
    arms = [arm("a"), arm("b", without=["dose.thp"])]
    assert value_of(scenario(arms, subjects=1), "dose.thp.amount").tolist() == [10.0, 0.0]
    assert len(plan(scenario(arms)).structures()) == 1


def test_an_arm_without_a_dose_stays_without_it_whatever_is_swept_or_set() -> None:
    arms = [arm("a"), arm("b", without=["dose.thp"])]
    swept = scenario(arms, [axis("dose.thp.amount", 1.0, 2.0, unit="mg")], subjects=1)
    assert value_of(swept, "dose.thp.amount").tolist() == [1.0, 2.0, 0.0, 0.0]
    assert value_of(scenario(arms, subjects=1), "dose.thp.amount", settings={"dose.thp.amount": "3 mg"}).tolist() == [
        3.0,
        0.0,
    ]
