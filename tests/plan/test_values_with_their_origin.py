"""Every value of an arm says which layer it came from, and why it is believed."""

from __future__ import annotations

import pytest
from support.cases import every_case
from support.small_world import Drug, arm, axis, parameter_set, q, scenario, table, trait

from workbench.errors import ScenarioError
from workbench.plan import Resolved, plan
from workbench.plan.overrides import unit_of
from workbench.scenario.model import Ref, Scenario

CLEARANCE = "drug.thp.clearance"


def described(**asked: object) -> Scenario:
    values = parameter_set(
        {"cl": q(20.0, "L/h", status="measured", source="Set2001")},
        {"ill": {"cl": q(30.0, "L/h", status="fitted", source="Ill2002")}},
    )
    arms = [
        arm("well"),
        arm("ill", condition="ill"),
        arm("treated", set={CLEARANCE: q(7.0, "L/h", status="assumed", note="a guess")}),
        arm("none", without=["dose.thp", "homeostat.slow"]),
    ]
    refers = [table("drug.thp", Drug, clearance=Ref("cl"))]
    return scenario(arms, changed=refers, parameters=values, **asked)  # type: ignore[arg-type]


def of(value: Resolved) -> tuple[object, str, str, str]:
    return value.value, value.origin, value.evidence.status if value.evidence else "", value.parameter


def test_a_parameter_brings_its_evidence_and_its_layer() -> None:
    planned = plan(described())
    assert of(planned.resolved("well")[CLEARANCE]) == (20.0, "parameter set", "measured", "cl")
    assert of(planned.resolved("ill")[CLEARANCE]) == (30.0, "condition", "fitted", "cl")
    assert of(planned.resolved("treated")[CLEARANCE]) == (7.0, "arm", "assumed", "")


def test_defaults_carry_the_status_and_source_of_their_declaration() -> None:
    noise = plan(described()).resolved("well")["population.d1.noise"]
    assert noise.evidence is not None
    assert (noise.value, noise.origin, noise.evidence.status, noise.evidence.source) == (
        0.25,
        "default",
        "measured",
        "Somebody2001",
    )


def test_the_command_line_is_an_origin() -> None:
    planned = plan(described(), settings={"parameter.cl": "3 L/h", "population.d1.size": "5"}, arms=["well"])
    assert of(planned.resolved("well")[CLEARANCE]) == (3.0, "command line", "", "cl")
    assert of(planned.resolved("well")["population.d1.size"]) == (5, "command line", "", "")


def test_a_point_of_a_study_shows_in_its_values() -> None:
    axes = [
        axis("gate.m1.threshold", 0.1, 0.2),
        axis(CLEARANCE, 1.0, 2.0, relative=True),
        axis("population.d1.size", 4, 6),
    ]
    values = plan(described(axes=axes)).resolved("well", "main", 7)
    assert of(values["gate.m1.threshold"])[:2] == (0.2, "sweep")
    assert of(values[CLEARANCE])[:2] == (40.0, "parameter set")
    assert of(values["population.d1.size"])[:2] == (6, "sweep")


def test_traits_are_named_but_not_part_of_the_value() -> None:
    traits = [trait("a", CLEARANCE), trait("b", "drug.thp.effect", "bernoulli", "set", p=0.5)]
    values = plan(described(traits=traits)).resolved("well")
    assert (values[CLEARANCE].value, values[CLEARANCE].traits) == (20.0, ("a",))
    assert (values["drug.thp.effect"].value, values["drug.thp.effect"].traits) == (None, ("b",))


def test_structural_values_and_components_are_listed_without_what_the_arm_lacks() -> None:
    values = plan(described()).resolved("none")
    assert of(values["plasticity.cortex_d1.rule"])[:2] == ("two_sided", "scenario")
    assert values["plasticity.cortex_d1.stabiliser"].value == "soft_bounds"
    assert values["plasticity.cortex_d1.homeostat"].value is None
    assert of(values["dose.thp.amount"])[:2] == (0.0, "arm")
    assert not [path for path in values if path.startswith(("homeostat.", "outcome.", "course."))]


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("dose.thp.amount", "0.005 g", 5.0),
        ("dose.thp.every", "0.5 day", 12.0),
        ("population.d1.size", "6", 6),
        ("task.reach.order", "fixed", "fixed"),
        ("projection.cortex_d1.bounds", "[0, 2]", (0.0, 2.0)),
        ("projection.cortex_d1.post", "cortex", "cortex"),
        ("plasticity.cortex_d1.gates", "m1", ("m1",)),
        ("plasticity.cortex_d1.rule", "oja", "oja"),
    ],
)
def test_set_reads_every_kind_of_field(path: str, text: str, value: object) -> None:
    assert plan(scenario(), settings={path: text}).resolved("base")[path].value == value


@every_case(
    ("path", "text", "told"),
    [
        ("dose.thp.amuont", "5 mg", "--set: dose.thp.amuont: .*no field 'amuont'"),
        ("dsoe.thp.amount", "5 mg", "no section 'dsoe'"),
        ("dose.tph.amount", "5 mg", "no dose 'tph'"),
        ("parameter.nothing", "5", "no parameter 'nothing'"),
        ("dose.thp.amount", "5", "the unit is missing"),
        ("dose.thp.amount", "5 h", "not a unit of this kind"),
        ("dose.thp.amount", "-5 mg", "out of range"),
        ("gate.m1.threshold", "0.5 mg", "expected a bare number"),
        ("gate.m1.threshold", "nan", "a number must be finite"),
        ("population.d1.size", "1.5", "expected a whole number"),
        ("population.d1.size", "0", "out of range"),
        ("task.reach.order", "sideways", 'unknown: "sideways" .*random, fixed'),
        ("projection.cortex_d1.post", "nowhere", 'no population "nowhere" .*cortex, d1'),
        ("projection.cortex_d1.bounds", "2, 1", "the first number must be below the second"),
        ("plasticity.cortex_d1.rule", "magic", 'unknown: "magic" .*oja, two_sided'),
        ("outcome.overflow.margin", "0.5", "they cannot be set or swept"),
    ],
)
def test_C1_a_setting_that_does_not_fit_is_refused_with_its_path(path: str, text: str, told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        plan(scenario(), settings={path: text})


def test_set_may_refer_to_a_parameter_but_a_parameter_may_not() -> None:
    value = plan(described(), arms=["ill"], settings={CLEARANCE: '{ ref = "cl" }'}).resolved("ill")[CLEARANCE]
    assert of(value) == (30.0, "command line", "fitted", "cl")
    with pytest.raises(ScenarioError, match=r"parameter\.cl: a parameter takes a number, not a reference"):
        plan(described(), settings={"parameter.cl": '{ ref = "cl" }'})


def test_a_parameter_must_fit_every_field_that_refers_to_it() -> None:
    with pytest.raises(ScenarioError, match=r"parameter\.cl: -1 L/h is out of range for the field clearance"):
        plan(described(), settings={"parameter.cl": "-1 L/h"})


def test_all_wrong_settings_are_named_at_once() -> None:
    with pytest.raises(ScenarioError) as caught:
        plan(scenario(), settings={"dose.thp.amuont": "5 mg", "population.d1.size": "many"})
    assert len(caught.value.problems) == 2
    assert 'did you mean "amount"?' in [problem.hint for problem in caught.value.problems]


def test_the_unit_of_a_path_is_that_of_its_field() -> None:
    whole = described()
    paths = ("dose.thp.amount", "parameter.cl", "population.d1.size", "plasticity.cortex_d1.rule")
    assert [unit_of(whole, path) for path in paths] == ["mg", "L/h", "1", "1"]
    with pytest.raises(ScenarioError, match="no field 'size_'"):
        unit_of(whole, "population.d1.size_")
