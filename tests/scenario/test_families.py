"""One table that stands for several: an outcome at several times, an assessment for each of several visits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.cases import every_case
from support.commands import SMALL, workbench

from workbench.errors import ScenarioError
from workbench.scenario import load_scenario
from workbench.scenario.model import Scenario
from workbench.scenario.shipped_files import scenarios_folder

Read = Callable[..., Scenario]
EARLY_AND_LATE = "[phase.early]\norder = 1\ntrials = 200\n[phase.late]\norder = 2\ntrials = 100"
PHASES = SMALL.replace("[phase.learning]\ntrials = 300", EARLY_AND_LATE).replace("of learning", "of late")


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a text as the scenario ``a.toml``, beside files that it may be based on."""
    (tmp_path / "small.toml").write_text(SMALL)
    (tmp_path / "phases.toml").write_text(PHASES)

    def written(text: str) -> Scenario:
        (tmp_path / "a.toml").write_text(text)
        return load_scenario(tmp_path / "a.toml")

    return written


def test_an_outcome_at_several_phases(read: Read) -> None:
    text = '[outcome.size]\ntitle = "Size at the end of {at}"\nreadout = "weight_norm"\nprojection = "input_output"\n'
    found = read(PHASES + text + 'window = "last 20 trials of {at}"\nat = ["early", "late"]\n').tables["outcome"]
    assert list(found)[-2:] == ["size_early", "size_late"]
    assert [found[name].title for name in ("size_early", "size_late")] == [
        "Size at the end of early",
        "Size at the end of late",
    ]
    assert found["size_late"].fields["window"] == "last 20 trials of late"
    short = read(PHASES + text.replace(" at the end of {at}", "") + 'at = ["late"]\n').tables["outcome"]
    assert short["size_late"].fields["window"] == "late"
    assert short["size_late"].title == "Size, late"


VISITS = """
[assessment.week]
title = "{each}"
phase = "care"
scale = "madrs"
first = "{each} after dose.infusion"
each = ["week 3", "week 5"]
[assessment.visit]
phase = "care"
scale = "madrs"
each = ["week 3"]
[outcome.score]
title = "Score"
readout = "symptom_score"
at = ["baseline", "week 3", "week 5", "visit week 3"]
[outcome.lift]
readout = "level"
signal = "window.plasticity"
at = ["hour 2", "week 1"]
"""


def test_visits_and_what_is_scored_at_them(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(f'base = "{scenarios_folder() / "ketamine_therapy.toml"}"\ntitle = "x"\n{VISITS}')
    found = load_scenario(file)
    visits, outcomes = found.tables["assessment"], found.tables["outcome"]
    assert visits["week_3"].title == "Week 3"
    assert visits["week_5"].fields["first"].number == 35 * 24.0  # type: ignore[union-attr]
    assert visits["week_5"].fields["after"] == "dose.infusion"
    assert visits["visit_week_3"].fields["first"].number == 21 * 24.0  # type: ignore[union-attr]
    assert outcomes["score_visit_week_3"].fields["assessment"] == "visit_week_3"
    assert outcomes["score_week_5"].title == "Score, week 5"
    assert outcomes["score_baseline"].fields["assessment"] == "baseline"
    assert outcomes["lift_hour_2"].fields["window"] == "2 h into care"
    assert outcomes["lift_week_1"].fields["window"] == "7 day into care"


@every_case(
    ("more", "problem"),
    [
        ('at = "early"\n', 'outcome.size.at: expected a list such as at = ["day 1", "day 3"]'),
        ("at = []\n", "outcome.size.at: expected a list"),
        ("at = [3]\n", 'outcome.size.at[0]: expected words of letters and digits such as "day 1", got 3'),
        ('at = ["late", "late"]\n', "outcome.size.at[1]: outcome.size_late is listed twice"),
        ('at = ["0.5 day"]\n', "outcome.size.at[0]: expected words"),
        ('at = ["x y"]\n', 'outcome.size.at[0]: "x y" is not a time here: write window with {at} in it'),
        ('at = ["day 1"]\n', 'outcome.size.at[0]: "day 1" is not a time here'),
        (f'at = ["{"y" * 64}"]\n', "outcome.size.at[0]: 'size_yyy"),
        ('window = "late"\nat = ["late"]\n', "outcome.size.at: is the same for every entry"),
        ('window = "{at}"\nat = ["lat", "early"]\n', 'outcome.size.window: no phase "lat" (defined: early, late)'),
        ('at = ["late"]\n[outcome.size_late]\nreadout = "weight_norm"\n', "outcome.size.at[0]: outcome.size_late already has a table"),
        ('speed = 3\nat = ["late", "early"]\n', "outcome.size.speed: unknown key"),
        ('at = ["late"]\nreadout = "weight_nrm"\n', "outcome.size.readout: unknown readout"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_list_is_one_located_line(read: Read, more: str, problem: str) -> None:
    start = '[outcome.size]\nprojection = "input_output"\n'
    start += "" if "weight_nrm" in more else 'readout = "weight_norm"\n'
    with pytest.raises(ScenarioError) as error:
        read(PHASES + start + more)
    (first,) = [p for p in error.value.problems if p.key.startswith("outcome.size.")]
    assert f"{first.key}: {first.message}".startswith(problem), first
    assert PHASES.count("\n") < first.line <= PHASES.count("\n") + 7


def test_a_file_changes_the_list_of_its_base(read: Read, tmp_path: Path) -> None:
    listed = '[outcome.size]\nreadout = "weight_norm"\nprojection = "input_output"\nat = ["early", "late"]\n'
    (tmp_path / "listed.toml").write_text(PHASES + listed)
    found = read('base = "listed"\ntitle = "Less"\n[outcome.size]\nat = ["late"]\n')
    assert list(found.tables["outcome"]) == ["norm", "mean", "size_late"]
    whole = workbench("check", "--expand", "a.toml", cwd=tmp_path).stdout
    assert read(whole) == found
    with pytest.raises(ScenarioError) as error:
        read('base = "listed"\ntitle = "Less"\nwithout = ["phase.early"]\n')
    assert {Path(p.file).name for p in error.value.problems} == {"listed.toml"}
