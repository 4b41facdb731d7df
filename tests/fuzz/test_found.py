"""Faults that the search has found: each is told at its place, where it was a traceback, a hang or a silent reading."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support.commands import ROOT, SMALL, workbench
from support.fuzzing.sound_examples import DOSES, GIVEN, PAIR

HALVES = """
[arm.whole]
[arm.short]
compare_with = "whole"
[arm.short.set]
"phase.day.trials" = 2
"""
TICKS = GIVEN.replace('clock = "event"\nlength = "48 h"', 'clock = "tick"\ntrials = 2\ntrials_per_day = 1')
TICKS = TICKS.replace('window = "day"', 'window = "last 2 trials of day"')


def checked(folder: Path, text: str, doses: str = DOSES) -> list[str]:
    """Return the lines in which a scenario is refused."""
    (folder / "some.toml").write_text(text, encoding="utf-8")
    (folder / "doses.csv").write_text(doses, encoding="utf-8")
    done = workbench("check", "some.toml", cwd=folder)
    assert done.returncode == 2, done.stderr + done.stdout
    return [line for line in done.stderr.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('length = "48 h"', 'length = "٤٨ h"', "21:10: phase.day.length: "),
        ('window = "day"', 'window = "٢ h into day"', "25:10: outcome.peak.window: "),
        ('drug = "d"\nwindow = "day"', 'drug = "d"\nsince = "day ٢"\nwindow = "day"', "25:9: outcome.peak.since: "),
    ],
)
def test_S09_digits_of_other_scripts_are_no_numbers(tmp_path: Path, old: str, new: str, place: str) -> None:
    (line,) = checked(tmp_path, GIVEN.replace(old, new))
    assert line.startswith(f"error: some.toml:{place}")


@pytest.mark.parametrize("cell", ["²", "١", "9" * 5_000])
def test_S10_a_compartment_of_no_number_is_refused_at_its_cell(tmp_path: Path, cell: str) -> None:
    (line,) = checked(tmp_path, GIVEN, f"ID,TIME,AMT,CMT\n1,0,10,{cell}\n")
    assert line.startswith("error: ") and "doses.csv:2:" in line


def test_S08_a_choice_among_nothing_is_refused(tmp_path: Path) -> None:
    trait = '[subjects.trait.t]\non = "drug.d.volume"\ndistribution = "choice"\nvalues = []\nweights = []\n'
    (line,) = checked(tmp_path, GIVEN + trait)
    assert "subjects.trait.t.weights: needs one weight" in line


def test_S08_a_window_that_an_arm_makes_too_long_is_told_of_the_window(tmp_path: Path) -> None:
    text = TICKS.replace("trials = 2", "trials = 4").replace("last 2 trials", "last 3 trials") + HALVES
    assert any("outcome.peak.window" in line or "phase.day.trials" in line for line in checked(tmp_path, text))


def test_S10_a_readout_of_a_value_refuses_a_modulator_of_another_kind(tmp_path: Path) -> None:
    more = (
        '[modulator.m]\nsource = "pulse"\n[outcome.v]\nreadout = "value_deviation"\nmodulator = "m"\nwindow = "day"\n'
    )
    told = "outcome.v.modulator: needs a modulator that compares the values of two states (temporal_difference)"
    assert any(told in line for line in checked(tmp_path, GIVEN + more))


@pytest.mark.parametrize("value", ["+-5", "--5", "٥", "1_0", "9" * 5_000])
def test_S06_a_count_on_the_command_line_is_a_whole_number(tmp_path: Path, value: str) -> None:
    (tmp_path / "some.toml").write_text(SMALL, encoding="utf-8")
    done = workbench("sweep", "some.toml", "--dry-run", "--set", f"phase.learning.trials={value}", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith("error: --set: phase.learning.trials: ")


def test_S07_more_subjects_than_any_study_has_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "some.toml").write_text(SMALL, encoding="utf-8")
    done = workbench("sweep", "some.toml", "--dry-run", "--subjects", str(10**10), cwd=tmp_path)
    assert done.returncode == 2 and "1 to 10,000,000 subjects" in done.stderr


@pytest.mark.parametrize("window", ["days 0-{} of day", "first {} trials of day", "{} h into day"])
def test_S07_a_window_of_thousands_of_digits_is_refused(tmp_path: Path, window: str) -> None:
    (line,) = checked(tmp_path, GIVEN.replace('window = "day"', f'window = "{window.format("9" * 5_000)}"'))
    assert line.startswith("error: some.toml:25:10: outcome.peak.window: ") and len(line) < 500


def test_S08_a_reading_within_a_step_of_a_flow_is_refused_at_the_step(tmp_path: Path) -> None:
    text = (ROOT / "scenarios" / "rules" / "sum_budget.toml").read_text()
    text = text.replace('window = "end of learning"', 'window = "first 1 trials of learning"', 1)
    (line, *_) = checked(tmp_path, text)
    assert ": phase.learning.step: something is read after 1 trials, within a step of 20 (in arm " in line


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("ID,TIME,AMT\n" + "1,0,x\n" * 99_000, "150 more problems (200 in all)"),
        ("ID,TIME,AMT\n" + "\n" * 200_000, "the table has 200,001 lines (at most 100,000)"),
        ("ID,TIME,AMT\n1,0," + "x" * 200_000, "the line cannot be read: field larger than field limit"),
        ("ID,TIME,AMT" + ",x" * 5_000, "the table has 5,003 columns (at most 1,000)"),
    ],
)
def test_S12_a_vast_table_of_doses_is_refused_soon(tmp_path: Path, table: str, told: str) -> None:
    started = time.process_time()
    assert any(told in line for line in checked(tmp_path, GIVEN, table))
    assert time.process_time() - started < 4  # 16 s when everything wrong was told


def test_S12_a_table_of_points_with_thousands_of_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(",".join(f"c{i}" for i in range(3_000)) + "\n1\n")
    (line,) = checked(tmp_path, PAIR + '[study.listed]\ntable = "points.csv"\n')
    assert line.endswith("points.csv:1:1: the table has 3,000 columns (at most 1,000)")


def test_S10_recall_is_read_off_the_projection_that_the_task_teaches(tmp_path: Path) -> None:
    text = (ROOT / "scenarios" / "rules" / "association.toml").read_text()
    lines = checked(tmp_path, text.replace('post = "taste"', 'post = "sight"', 1))
    assert any(".projection: ends on sight, but pairs teaches taste" in line for line in lines)
