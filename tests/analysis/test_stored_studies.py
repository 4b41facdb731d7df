"""Courses, dose ladders, responders and maps: read back from rows whose values are known."""

from __future__ import annotations

import numpy as np
import pytest
from support.fabricated import ArmRow, StudyRow, fabricate

from workbench.analysis.dose_response import dose_response, ladders
from workbench.analysis.maps import curves, grids, swept_axes
from workbench.analysis.protocol import arm_settings, phases, regimens
from workbench.analysis.responders import responders
from workbench.analysis.selection import select
from workbench.analysis.time_course import bands, half_times, onset, read_time_courses, timings

TIMES = tuple(float(t) for t in range(10, 1201, 10))


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    return select(fabricate(tmp_path_factory.mktemp("db") / "a.db"))


def straight_lines(path):
    """Two arms: the baseline at 1; the other climbs by 0.001 per trial, faster in later subjects."""
    arms = (
        ArmRow("flat", lambda i: 1.0, course=lambda i, t: 1.0),
        ArmRow("rising", lambda i: 2.0, baseline="flat", course=lambda i, t: 1.0 + 0.0001 * (i + 1) * t),
    )
    study = StudyRow("arms", ("flat", "rising"))
    return select(fabricate(path, arms, (study,), subjects=6, times=TIMES))


def test_onset_is_the_first_bin_more_than_30_percent_above_the_same_subjects_baseline(tmp_path):
    course = read_time_courses(straight_lines(tmp_path / "a.db"), "arms", "overflow_course")
    found = onset(course, "rising", "flat")
    # 1 + 0.0001 (i + 1) t passes 1.3 after t = 3000 / (i + 1): beyond the end for the first two subjects.
    assert np.isnan(found[:2]).all()
    assert found[2:] == pytest.approx([1010, 760, 610, 510])


def test_subjects_who_never_reach_onset_are_counted(tmp_path):
    selection = straight_lines(tmp_path / "a.db")
    row = timings(selection, read_time_courses(selection, "arms", "overflow_course")).iloc[0]
    assert (row.what, row.n, row.reached, row.never) == ("onset", 6, 4, 2)


def test_half_times_of_exponential_benefit_and_relapse_are_ln_2_time_constants(tmp_path):
    def treated(i, t):
        gain = 1 - np.exp(-(min(t, 800) - 400) / 100) if t > 400 else 0.0
        return 2.0 - gain * (np.exp(-(t - 800) / 100) if t > 800 else 1.0)

    arms = (
        ArmRow("off", lambda i: 2.0, course=lambda i, t: 2.0),
        ArmRow("on", lambda i: 1.0, baseline="off", settings={"dose.pill.amount": 5.0}, course=treated),
    )
    path = fabricate(tmp_path / "a.db", arms, (StudyRow("arms", ("off", "on")),), subjects=3, times=TIMES)
    course = read_time_courses(select(path), "arms", "overflow_course")
    benefit, relapse = half_times(course, "on", "off", 400, 800)
    bin_width = 10
    assert benefit == pytest.approx([100 * np.log(2)] * 3, abs=bin_width)
    assert relapse == pytest.approx([100 * np.log(2)] * 3, abs=bin_width)


def test_without_benefit_there_is_no_half_time(family):
    course = read_time_courses(family, "arms", "overflow_course")
    found = timings(family, course).set_index(["arm", "what"])
    assert found.never["healthy_30", "benefit"] == found.n["healthy_30", "benefit"]
    assert found.loc[("healthy_30", "benefit"), ["median", "p10", "p90"]].isna().all()


def test_bands_hold_the_percentiles_over_subjects(family):
    course = read_time_courses(family, "arms", "overflow_course")
    row = bands(course).query("arm == 'ill' and time == 600").iloc[0]
    values = course.by_arm["ill"][:, list(course.times).index(600)]
    assert (row.p10, row.p90) == pytest.approx(tuple(np.percentile(values, [10, 90])))
    assert row.n == 40


def test_a_study_that_recorded_nothing_has_no_course(family):
    assert read_time_courses(family, "map", "overflow_course") is None


def test_arms_that_differ_in_one_dose_form_a_ladder_in_total_per_day(family):
    first, second = ladders(family)
    assert first.unit == "mg/day"
    assert first.steps == ((0.0, "ill"), (6.0, "ill_6"), (15.0, "ill_15"), (30.0, "ill_30"))
    assert second.steps == ((0.0, "healthy"), (30.0, "healthy_30"))


def test_dose_response_gives_mean_interval_and_spread_of_each_step(family):
    found = dose_response(family, "arms", "overflow", ladders(family)[0])
    assert list(found.x) == [0, 6, 15, 30]
    assert found["mean"].is_monotonic_decreasing
    assert (found.p10 <= found["mean"]).all()
    assert ((found.low < found["mean"]) & (found["mean"] < found.high)).all()


def test_an_equal_total_in_other_portions_is_the_same_step(tmp_path):
    def arm(name, amount, every):
        return ArmRow(name, lambda i: 1.0, settings={"dose.pill.amount": amount, "dose.pill.every": every})

    arms = (arm("none", 0.0, 8.0), arm("thrice", 4.0, 8.0), arm("twice", 6.0, 12.0), arm("double", 8.0, 8.0))
    path = fabricate(tmp_path / "a.db", arms, (StudyRow("arms", tuple(a.name for a in arms)),), subjects=2)
    assert ladders(select(path))[0].steps == ((0.0, "none"), (12.0, "thrice"), (12.0, "twice"), (24.0, "double"))


def test_responders_need_at_least_the_stated_fall_below_their_own_baseline(tmp_path):
    arms = (
        ArmRow("off", lambda i: 1.0),
        ArmRow("on", lambda i: [0.84, 0.85, 0.86, 0.49, 1.2][i], baseline="off"),
    )
    path = fabricate(tmp_path / "a.db", arms, (StudyRow("arms", ("off", "on")),), subjects=5)
    found = responders(select(path), "arms", "overflow").set_index("threshold")
    assert found.responders[15] == 3
    assert found.responders[50] == 1
    assert found.share[15] == pytest.approx(0.6)


def test_a_subject_without_a_positive_baseline_is_left_out_and_counted(tmp_path):
    arms = (ArmRow("off", lambda i: float(i)), ArmRow("on", lambda i: 0.0, baseline="off"))
    path = fabricate(tmp_path / "a.db", arms, (StudyRow("arms", ("off", "on")),), subjects=5)
    row = responders(select(path), "arms", "overflow").iloc[0]
    assert (row.n, row.left_out, row.responders) == (4, 1, 4)


def test_a_grid_holds_cell_means_and_the_arms_own_setting(family):
    healthy, ill = grids(family, "map", "overflow")
    assert (healthy.x.path, healthy.y.path) == ("modulator.tone.level", "plasticity.path.balance")
    assert healthy.mean.shape == (4, 5)
    # 0.2 + 0.05 balance + 0.08 tone + 0.001 (mean of subjects 0..39)
    assert healthy.mean[1, 2] == pytest.approx(0.2 + 0.05 * 1.0 + 0.08 * 1.5 + 0.0195)
    assert healthy.own == (1.0, 1.0)
    assert ill.own == (1.5, 1.0)
    assert healthy.y.logarithmic
    assert not healthy.x.logarithmic


RELATIVE = """schema = 1
[gate.brake]
threshold = { ref = "brake" }
[study.map.sweep]
"modulator.tone.level" = { values = [1.0, 2.0], relative = true }
"parameter.brake" = { values = [0.1, 0.3] }
"""


def test_the_own_point_of_a_relative_axis_is_one_and_of_a_parameter_that_of_a_field_using_it(tmp_path):
    steps = tuple({"parameter.brake": x, "modulator.tone.level": y} for x in (0.1, 0.3) for y in (1.0, 2.0))
    study = StudyRow("map", ("only",), steps, lambda arm, point, i: 0.5)
    path = fabricate(tmp_path / "a.db", (ArmRow("only", lambda i: 1.0),), (study,), subjects=2, text=RELATIVE)
    (grid,) = grids(select(path), "map", "overflow")
    assert (grid.x.path, grid.x.relative) == ("modulator.tone.level", True)
    assert grid.own == (1.0, 0.3)


def test_paths_that_move_in_step_are_one_axis(tmp_path):
    steps = tuple({"a.b.size": s, "a.c.size": s + 1, "task.reach.order": o} for s in (2.0, 3.0) for o in ("x", "y"))
    study = StudyRow("map", ("only",), steps, lambda arm, point, i: point["a.b.size"])
    path = fabricate(tmp_path / "a.db", (ArmRow("only", lambda i: 1.0),), (study,), subjects=2)
    first, second = swept_axes(select(path), "map")
    assert (first.path, first.together, first.levels) == ("a.b.size", ("a.c.size",), (2.0, 3.0))
    assert second.levels == ("x", "y")
    (grid,) = grids(select(path), "map", "overflow")
    assert grid.mean.tolist() == [[2.0, 3.0], [2.0, 3.0]]


def test_failed_cells_are_counted_and_stay_empty(tmp_path):
    arms = (ArmRow("only", lambda i: 1.0),)
    steps = tuple({"plasticity.path.balance": b, "modulator.tone.level": t} for b in (1.0, 2.0) for t in (1.0, 2.0))
    study = StudyRow("map", ("only",), steps, lambda a, p, i: None if p["modulator.tone.level"] == 2 else 0.5)
    (grid,) = grids(select(fabricate(tmp_path / "a.db", arms, (study,), subjects=3)), "map", "overflow")
    assert np.isnan(grid.mean[:, 1]).all()
    assert grid.failed.tolist() == [[0, 3], [0, 3]]


def test_words_on_an_axis_keep_the_order_of_the_file(family):
    found = curves(family, "order")
    assert list(found[found.arm == "ill"].value) == ["fixed", "random"]
    assert found.se.notna().all()


def test_phases_and_doses_are_read_back_from_settings(family):
    settings = arm_settings(family, "ill_30")
    assert [(p.name, p.start, p.stop) for p in phases(settings)] == [
        ("practice", 0, 400),
        ("treatment", 400, 800),
        ("withdrawal", 800, 1200),
    ]
    (given,) = regimens(settings)
    assert (given.drug, given.per_day, given.unit, given.during) == ("blocker", 30.0, "mg", ("treatment",))
    assert regimens(arm_settings(family, "ill")) == ()
