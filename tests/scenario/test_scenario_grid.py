"""Arms, studies and axes: folding, crossing, and what cannot be meant."""

from __future__ import annotations

import pickle

from support.cases import every_case
from support.sound_scenario import PARAMETERS, SOUND, TRAITS

from workbench.component.registry import registry
from workbench.errors import ScenarioError
from workbench.scenario import parse_scenario
from workbench.scenario.axes import Ends
from workbench.scenario.model import Quantity, Ref


def test_extends_is_folded_and_own_entries_win(load):
    low = load(more='[arm.lower]\nextends = "low"\n[arm.lower.set]\n"dose.thp.amount" = "2500 ug"\n').arms
    assert low["low"].condition == "ill"
    assert low["low"].compare_with == "plain"
    assert low["lower"].set["dose.thp.amount"].number == 2.5
    assert low["low"].set["dose.thp.amount"].number == 5.0


def test_with_takes_back_what_the_extended_arm_is_without(load, problem):
    assert load(more='[arm.back]\nextends = "plain"\nwith = ["dose.thp"]\n').arms["back"].without == frozenset()
    assert "already in this arm" in problem(more='[arm.back]\nextends = "treated"\nwith = ["dose.thp"]\n').message


def test_circle_of_extends_is_named(problems):
    (found,) = problems(more='[arm.a]\nextends = "b"\n[arm.b]\nextends = "a"\n')
    assert "a -> b -> a" in found.message


def test_scenario_without_arms_has_one_called_default(folder):
    text = SOUND[: SOUND.index("[arm.plain]")]
    scenario = parse_scenario(text.encode(), "small.toml", folder)
    assert list(scenario.arms) == ["default"]
    assert scenario.studies["arms"].arms == ("default",)


def test_scenario_without_studies_crosses_all_arms(load):
    scenario = load()
    assert list(scenario.studies) == ["arms"]
    assert scenario.studies["arms"].arms == ("plain", "treated", "low")
    assert scenario.studies["arms"].subjects == 5


def test_an_arm_may_refer_to_a_parameter(load):
    arms = load('"dose.thp.amount" = "5 mg"', '"drug.thp.clearance" = { ref = "clearance" }').arms
    assert arms["low"].set["drug.thp.clearance"] == Ref("clearance")


def test_an_arm_may_set_a_parameter_in_any_unit_of_its_kind(load, problem):
    amount = '"dose.thp.amount" = "5 mg"'
    arms = load(amount, '"parameter.clearance" = "100 mL/min"').arms
    assert arms["low"].set["parameter.clearance"] == Quantity(6.0, "L/h", "100 mL/min")
    assert "out of range for the field clearance" in problem(amount, '"parameter.clearance" = "-1 L/h"').message


def test_nested_group_is_a_path(load):
    arms = load('"dose.thp.amount" = "5 mg"', '"dose.thp.titration.start" = "1 mg/day"').arms
    assert arms["low"].set["dose.thp.titration_start"].number == 1.0


def test_rule_may_be_exchanged_but_only_for_a_known_one(load, problem):
    amount = '"dose.thp.amount" = "5 mg"'
    assert load(amount, '"plasticity.map.rule" = "hebb"').arms["low"].set["plasticity.map.rule"] == "hebb"
    assert ", ".join(registry().names("plasticity")) in problem(amount, '"plasticity.map.rule" = "hebb2"').message


def test_removing_what_another_table_needs_is_refused(problem, load):
    lesion = load('without = ["dose.thp"]', 'without = ["projection.map"]')
    assert lesion.arms["plain"].without == {"projection.map"}
    found = problem('without = ["dose.thp"]', 'without = ["drug.thp"]')
    assert "needs drug.thp" in found.message
    assert "all arms share them" in problem('without = ["dose.thp"]', 'without = ["task.reach"]').message


def test_axis_lists_values_in_the_declared_unit(load):
    study = '[study.s]\n[study.s.sweep]\n"dose.thp.amount" = { values = ["1 mg", "0.002 g"] }\n'
    study = study.replace("[study.s]\n", '[study.s]\narms = ["plain"]\n', 1)
    axis = load(more=study).studies["s"].axes[0]
    assert (axis.values, axis.unit) == ((1.0, 2.0), "mg")


def test_axis_ends_are_exact_and_the_middle_of_a_log_axis_is_the_geometric_mean():
    assert Ends(0.5, 2.0, 17, True).values()[8] == 1.0
    assert Ends(0.1, 0.7, 7, False).values() == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    assert Ends(2.0, 0.5, 2, True).values() == (2.0, 0.5)


def test_relative_axis_takes_pure_factors(load, problem):
    sweep = '[study.s]\n[study.s.sweep]\n"dose.thp.amount" = { values = [%s], relative = true }\n'
    axis = load(more=sweep % "0.5, 2.0").studies["s"].axes[0]
    assert (axis.unit, axis.relative) == ("1", True)
    assert "a bare number" in problem(more=sweep % '"1 mg"').message


def test_arm_and_axis_of_one_path_conflict_at_both_lines(problems, load):
    sweep = '[study.s]\n[study.s.sweep]\n"dose.thp.amount" = { values = ["1 mg", "2 mg"] }\n'
    first, second = problems(more=sweep)
    assert first.key.startswith("arm.low.set")
    assert second.key.startswith("study.s.sweep")
    assert f"line {second.line}" in first.message
    assert f"line {first.line}" in second.message
    load(more=sweep.replace("[study.s]\n", '[study.s]\narms = ["plain", "treated"]\n', 1))


def test_structural_fields_may_be_swept(load, problem):
    sweep = '[study.s]\n[study.s.sweep]\n"phase.practice.trials" = { values = [10, %s] }\n'
    assert load(more=sweep % "20").studies["s"].axes[0].values == (10, 20)
    assert "whole number" in problem(more=sweep % "20.5").message
    ends = '[study.s]\n[study.s.sweep]\n"phase.practice.trials" = { from = 10, to = 20, steps = 3 }\n'
    assert "only values" in problem(more=ends).message


def test_zipped_axes_have_one_length(problem):
    sweep = """[study.s]
[study.s.sweep]
"phase.practice.trials" = { values = [10, 20], zip = "z" }
"phase.treatment.trials" = { values = [30, 40, 50], zip = "z" }
"""
    assert "2 and 3" in problem(more=sweep).message


def test_design_spreads_between_ends_or_over_the_evidence(load, problem):
    study = '[study.s]\ndesign = "lhs"\nn = 8\n[study.s.sweep]\n'
    found = load(more=study + '"projection.map.overlap" = {}\n"plasticity.map.rate" = { from = 0.01, to = 0.1 }\n')
    assert [axis.values for axis in found.studies["s"].axes] == [(0.0, 0.3), (0.01, 0.1)]
    assert (found.studies["s"].design, found.studies["s"].n) == ("lhs", 8)
    assert "needs from and to" in problem(more=study + '"plasticity.map.balance" = {}\n').message
    assert "n: is missing" in str(problem(more=study.replace("n = 8\n", "") + '"parameter.noise" = {}\n'))


def test_an_axis_may_move_some_arms_only(load, problem):
    axis = '[study.s]\narms = ["plain", "treated"]\n[study.s.sweep]\n"plasticity.map.rate" = { values = [0.1], arms = %s }\n'
    assert load(more=axis % '["treated"]').studies["s"].axes[0].arms == ("treated",)
    for arms in ('["treatd"]', '["low"]'):  # unknown, and not in this study
        found = problem(more=axis % arms)
        assert found.key == 'study.s.sweep."plasticity.map.rate".arms[0]' and "defined: plain, treated" in found.message
    assert problem(more=axis % "[]").key.endswith("arms")


def test_a_design_takes_the_range_of_the_condition_that_changes_the_number(load, folder):
    known = folder / "parameters" / "small.toml"
    study = '[study.s]\ndesign = "lhs"\nn = 8\narms = ["plain", "treated"]\n[study.s.sweep]\n"parameter.noise" = %s\n'
    only = '{ arms = ["treated"] }'
    assert load(more=study % only).studies["s"].axes[0].values == (
        0.05,
        0.2,
    )  # the condition states no range of its own
    known.write_text(
        PARAMETERS.replace("noise = 0.15", 'noise = { value = 0.15, range = [0.12, 0.18], status = "assumed" }')
    )
    assert load(more=study % only).studies["s"].axes[0].values == (0.12, 0.18)
    assert load(more=study % "{}").studies["s"].axes[0].values == (0.05, 0.2)


def test_table_of_points_moves_its_columns_together(load, folder, problem):
    (folder / "points.csv").write_text("plasticity.map.rate,drug.thp.volume [L]\n0.1,100\n0.2,300\n")
    study = '[study.s]\ntable = "points.csv"\n'
    axes = load(more=study).studies["s"].axes
    assert [axis.values for axis in axes] == [(0.1, 0.2), (100.0, 300.0)]
    assert axes[0].zip == axes[1].zip != ""
    (folder / "points.csv").write_text("drug.thp.volume\n100\n")
    assert "needs its unit" in problem(more=study).message
    assert "cannot be a name" in problem(more='[study.s]\ntable = "../points.csv"\n').message


def test_traits_have_the_unit_of_what_they_act_on(load):
    subjects = load("[population.cue]", TRAITS + "[population.cue]").subjects
    weight, noise = subjects.traits
    assert (weight.unit, weight.effects[0].reference) == ("kg", 70.0)
    assert (noise.unit, noise.mode, noise.settings["mean"]) == ("1", "set", Ref("noise"))
    assert subjects.correlation == (("weight", "noise", 0.5),)


@every_case(
    ("old", "new", "words"),
    [
        ("cv = 0.15", "sd = 0.15", "lognormal takes: cv, median"),
        ("cv = 0.15", "cv = -1.0", "out of range"),
        ('distribution = "lognormal"', 'distribution = "lognormall"', "unknown"),
        ('on = "population.muscle.noise"', 'on = "population.muscle.size"', "not a number"),
        ('on = "population.muscle.noise"', 'on = "population.muscle.noisy"', "no field"),
        ("low = 0.0", "low = 0.2\nhigh = 0.1", "above low"),
        ('"weight.noise" = 0.5', '"weight.nose" = 0.5', "two different traits"),
        ('"weight.noise" = 0.5', '"weight.noise" = 1.5', "below 1"),
        ('reference = "70000 g"', 'reference = "0 kg"', "above 0"),
        ('reference = "70000 g"', "reference = 70", "a quantity in quotes"),
    ],
)
def test_traits_that_make_no_sense_are_refused(problems, old, new, words):
    found = problems("[population.cue]", TRAITS.replace(old, new) + "[population.cue]")
    assert any(words in p.message for p in found)


def test_impossible_correlations_are_refused(problem):
    names = "abc"
    traits = "".join(f'[subjects.trait.{n}]\ndistribution = "normal"\nmean = 1.0\nsd = 0.1\n' for n in names)
    pairs = '[subjects.correlation]\n"a.b" = 0.9\n"b.c" = 0.9\n"a.c" = -0.9\n'
    found = problem("[population.cue]", traits + pairs + "[population.cue]")
    assert found.key == "subjects.correlation"
    assert "contradict each other" in found.message


def test_errors_survive_a_process_border(problem):
    error = ScenarioError([problem("seed = 7", "seed = -7")])
    assert pickle.loads(pickle.dumps(error)).problems == error.problems
