"""Interactions from stored rows: against values worked out by hand, with gaps, at points, and by every way to ask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from support.commands import answer, workbench
from support.fabricated import TEXT, ArmRow, StudyRow, fabricate

import workbench as api
from workbench.analysis.interaction import interactions, over_parameters
from workbench.analysis.intervals import hedges_g
from workbench.errors import UsageError
from workbench.store import open_results

CROSSED = TEXT + '\n[interaction.joint]\ntitle = "Pill and talk"\narms = ["both", "pill", "talk", "none"]\n'
NAMES = ("none", "pill", "talk", "both")


def value(arm: str, i: int) -> float:
    """Return the outcome of subject i: a level of its own, less what each does, and what they do together."""
    own = 20.0 + (7 * i) % 11
    return own - {"none": 0.0, "pill": 3.0, "talk": 1.0 + 0.1 * i, "both": 5.0 + 0.2 * i}[arm]


def crossed(path: Path, *, subjects: int = 12, failing: frozenset[int] = frozenset(), text: str = CROSSED) -> Path:
    rows = tuple(
        ArmRow(name, lambda i, name=name: None if name == "talk" and i in failing else value(name, i)) for name in NAMES
    )
    swept = StudyRow(
        "swept", NAMES, ({"dose.pill.amount": 1.0}, {"dose.pill.amount": 2.0}),
        lambda arm, p, i: p["dose.pill.amount"] * value(arm, i),
    )  # fmt: skip
    part = StudyRow("part", ("none", "pill"))
    return fabricate(path, rows, (StudyRow("arms", NAMES), swept, part), subjects, text=text)


def test_each_term_is_the_mean_within_subjects_and_the_interaction_is_the_rest(tmp_path):
    found = interactions(crossed(tmp_path / "a.db"), study="arms").set_index("term")
    i = np.arange(12)
    assert found.difference["first"] == pytest.approx(-3.0)
    assert found.difference["second"] == pytest.approx(-(1.0 + 0.1 * i).mean())
    assert found.difference["both"] == pytest.approx(-(5.0 + 0.2 * i).mean())
    own = -(1.0 + 0.1 * i)
    assert found.difference["interaction"] == pytest.approx(own.mean())
    assert found.sd_difference["interaction"] == pytest.approx(own.std(ddof=1))
    assert found.low["interaction"] < own.mean() < found.high["interaction"]
    assert found.arms["interaction"] == "(both - pill) - (talk - none)"
    assert (found.low["first"], found.high["first"], found.method["first"]) == (-3.0, -3.0, "no spread")
    assert set(found.n) == {12} and set(found.missing) == {0} and set(found.title) == {"Pill and talk"}


@given(st.lists(st.tuples(*[st.integers(-999, 999)] * 4), min_size=2, max_size=8))
def test_the_terms_add_up_in_any_subjects(four):
    from workbench.analysis.interaction import _terms

    terms = {row["term"]: row["difference"] for row in _terms(np.array(four, dtype=float), ("b", "f", "s", "n"), 0)}
    assert terms["both"] == pytest.approx(terms["first"] + terms["second"] + terms["interaction"], abs=1e-9)


def test_a_study_that_sweeps_has_one_interaction_a_point_and_one_without_the_arms_has_none(tmp_path):
    found = interactions(crossed(tmp_path / "a.db")).query("term == 'interaction'").set_index(["study", "point"])
    assert list(found.index) == [("arms", 0), ("swept", 0), ("swept", 1)]
    assert found.difference["swept", 1] == pytest.approx(2.0 * found.difference["arms", 0])


def test_over_plausible_parameters_each_set_counts_once(tmp_path):
    text = CROSSED + '\n[study.spread]\ndesign = "lhs"\n'
    rows = tuple(ArmRow(name, lambda i, name=name: value(name, i)) for name in NAMES)
    points = tuple({"plasticity.path.balance": float(k)} for k in range(1, 22))
    spread = StudyRow(
        "spread", NAMES, points, lambda arm, p, i: p["plasticity.path.balance"] * value(arm, i)
    )  # fmt: skip
    path = fabricate(tmp_path / "a.db", rows, (StudyRow("arms", NAMES), spread), 3, text=text)
    found = over_parameters(path).set_index("term")
    one = -(1.0 + 0.1)  # the interaction of subjects 0, 1, 2 in the mean; set k of parameters makes it k times as large
    assert set(found.study) == {"spread"} and set(found.points) == {21}
    assert found.middle["interaction"] == pytest.approx(11 * one)
    assert found.low["interaction"] == pytest.approx(20 * one) and found.high["interaction"] == pytest.approx(2 * one)
    assert len(over_parameters(crossed(tmp_path / "b.db"))) == 0
    lines = workbench("compare", path, "--interactions", "--study", "arms", cwd=tmp_path).stdout.splitlines()
    start = lines.index("interactions over plausible parameters in spread, 21 sets of them")
    assert lines[start + 2].split() == ["joint", "overflow", "-22", "-12.1", "-2.2"]


def test_effects_that_add_leave_exactly_nothing(tmp_path):
    rows = tuple(
        ArmRow(name, lambda i, less=less: 0.1 * i + 0.7 - less)
        for name, less in zip(NAMES, (0.0, 0.1, 0.2, 0.3), strict=True)
    )
    path = fabricate(tmp_path / "a.db", rows, (StudyRow("arms", NAMES),), 9, text=CROSSED)
    row = interactions(path).set_index("term").loc["interaction"]
    assert (row.difference, row.low, row.high, row.p90) == (0.0, 0.0, 0.0, 0.0)


def test_I11_a_subject_without_all_four_values_is_left_out_and_counted(tmp_path):
    row = interactions(crossed(tmp_path / "a.db", failing=frozenset({3, 5})), study="arms").iloc[-1]
    assert (row.n, row.missing) == (10, 2)
    assert row.note == "2 subjects left out: one of their four runs failed or is missing"


def test_open_results_gives_every_subject(tmp_path):
    rows = open_results(crossed(tmp_path / "a.db")).interactions(study="arms")
    assert list(rows.subject) == list(range(12)) and set(rows.interaction) == {"joint"}
    assert rows.both[4] == value("both", 4) and rows.neither[4] == value("none", 4)
    assert rows.value.to_numpy() == pytest.approx(-(1.0 + 0.1 * np.arange(12)))


def test_a_scenario_without_interactions_has_empty_frames(tmp_path):
    path = crossed(tmp_path / "a.db", text=TEXT)
    assert len(interactions(path)) == len(open_results(path).interactions()) == 0
    assert "declares none" in workbench("compare", path, "--interactions", cwd=tmp_path).stdout


def test_what_is_not_there_is_named_with_what_is(tmp_path):
    path = crossed(tmp_path / "a.db")
    with pytest.raises(UsageError, match=r"interaction 'jiont' is not in this sweep \(known: joint\)"):
        api.interactions(path, names=["jiont"])
    with pytest.raises(UsageError, match="study 'arm' is not"):
        interactions(path, study="arm")


def test_the_command_prints_it_beside_the_arms_and_gives_it_to_machines(tmp_path):
    path = crossed(tmp_path / "a.db")
    lines = workbench("compare", path, "--baseline", "none", cwd=tmp_path).stdout.splitlines()
    start = lines.index("interaction joint (Pill and talk) of overflow in arms")
    assert lines[start + 1].split() == ["difference", "calculation", "error", "n"]
    said = [line.partition(":")[0].split("  ")[1] for line in lines[start + 2 : start + 6]]
    assert said == ["first alone", "second alone", "both", "interaction"]
    assert "both - none" in lines[start + 4] and "-1.55" in lines[start + 5]
    assert any(line.startswith("g: Hedges' g") for line in lines) and max(map(len, lines)) <= 80
    said = answer(workbench("compare", path, "--baseline", "none", "--json", cwd=tmp_path))
    assert {row["term"] for row in said["interactions"]} == {"first", "second", "both", "interaction"}
    only = answer(workbench("compare", path, "--interactions", "--json", cwd=tmp_path))
    assert {(row["study"], row["point"]) for row in only["rows"]} == {("arms", 0), ("swept", 0), ("swept", 1)}


def test_hedges_g_is_cohens_d_of_two_groups_corrected():
    rng = np.random.default_rng(4)
    one, other = rng.normal(1.0, 2.0, 9), rng.normal(0.0, 3.0, 14)
    t = stats.ttest_ind(one, other).statistic
    d = t * np.sqrt(1 / 9 + 1 / 14)
    assert hedges_g(one, other) == pytest.approx(d * (1 - 3 / (4 * 21 - 1)))
    assert np.isnan(hedges_g(one[:1], other)) and np.isnan(hedges_g(np.ones(3), np.zeros(3)))
