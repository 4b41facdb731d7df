"""People from a table: row i, or the i-th ID, is subject i, in weights as in doses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.circuits import HEAD

from workbench.component.registry import registry
from workbench.errors import ScenarioError
from workbench.plan import plan
from workbench.scenario.load import parse_scenario
from workbench.scenario.model import Scenario
from workbench.scenario.text.writer import to_text
from workbench.solver.run import solve

PEOPLE = "ID,TIME,AMT,WT\n7,0,100,10\n3,0,100,20\n3,5,.,.\n12,0,100,40\n1,0,100,70\n"
TEXT = """
[drug.d]
model = "one_compartment_intravenous"
clearance = "3 L/h"
volume = "24 L"
[phase.obs]
clock = "event"
length = "24 h"
[dose.x]
regimen = "table"
drug = "d"
during = "obs"
table = "doses.csv"
[outcome.c1]
readout = "concentration"
drug = "d"
window = "0 h into obs"
"""
EMPIRICAL = """
[subjects.trait.weight]
distribution = "empirical"
table = "people.csv"
column = "WT"
on = "drug.d.body_weight"
mode = "set"
"""
LISTED = EMPIRICAL.replace('"empirical"', '"table"')
SHARED = 'table = "people.csv"\ncolumns = { "drug.d.body_weight" = "WT" }\n'
RIGHT = [29166.7, 14583.3, 7291.67, 4166.67]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "doses.csv").write_text(PEOPLE)
    return tmp_path


def read(folder: Path, text: str) -> Scenario:
    return parse_scenario(text.encode(), "test.toml", folder, registry())


def scenario(folder: Path, traits: str = "", head: str = "", count: int = 4) -> Scenario:
    return read(folder, HEAD.replace("count = 6", f"count = {count}") + head + traits + TEXT)


def concentrations(found: Scenario, **options: object) -> np.ndarray:
    (chunk,) = plan(found, **options).chunks(lambda structure: 4096)  # type: ignore[arg-type]
    return np.asarray(solve(chunk.batch).outcomes["c1"])


@pytest.mark.parametrize(("traits", "head"), [(EMPIRICAL, ""), (LISTED, ""), ("", SHARED)])
def test_weights_and_doses_are_of_the_same_person(folder: Path, traits: str, head: str) -> None:
    found = scenario(folder, traits, head)
    assert concentrations(found) == pytest.approx(RIGHT, rel=1e-5)
    assert concentrations(found, subjects=2) == pytest.approx(RIGHT[:2], rel=1e-5)


def test_an_empirical_sample_with_ids_says_that_it_is_not_drawn(folder: Path) -> None:
    assert any("none is drawn" in note.message for note in scenario(folder, EMPIRICAL).notes)
    (folder / "people.csv").write_text("WT\n10\n20\n40\n70\n")
    found = scenario(folder, EMPIRICAL)
    assert not any("none is drawn" in note.message for note in found.notes)
    assert set(found.subjects.traits[0].settings) == {"values"} and found.subjects.traits[0].distribution == "empirical"


def test_rows_without_ids_are_subjects_in_their_order(folder: Path) -> None:
    (folder / "people.csv").write_text("WT\n10\n20\n40\n70\n")
    assert concentrations(scenario(folder, LISTED)) == pytest.approx(RIGHT, rel=1e-5)


def test_the_text_that_is_stored_says_the_same(folder: Path) -> None:
    found = scenario(folder, "", SHARED)
    assert concentrations(read(folder, to_text(found))) == pytest.approx(RIGHT, rel=1e-5)


@pytest.mark.parametrize(
    ("people", "count", "words"),
    [
        (PEOPLE, 3, "4 people for 3 subjects"),
        (PEOPLE.replace("3,5,.,.", "3,5,.,25"), 4, "WT of ID 3 is 20 and 25"),
        (PEOPLE.replace("3,0,100,20", "3,0,100,."), 4, "WT of ID 3 is not given"),
        (PEOPLE.replace("3,0,100,20", "3,0,100,heavy"), 4, "expected a number"),
        ("ID,WT\n3,20\n7,10\n12,40\n1,70\n", 4, "subject 1 is ID 3 here and ID 7"),
        (PEOPLE.replace("WT", "WEIGHT"), 4, "no column"),
    ],
)
def test_what_cannot_be_matched_is_refused(folder: Path, people: str, count: int, words: str) -> None:
    (folder / "people.csv").write_text(people)
    with pytest.raises(ScenarioError) as caught:
        scenario(folder, LISTED, count=count)
    assert any(words in problem.message for problem in caught.value.problems), caught.value.problems


def test_more_subjects_than_people_are_refused(folder: Path) -> None:
    (folder / "doses.csv").write_text("TIME,AMT\n0,100\n")
    with pytest.raises(ScenarioError, match="5 subjects, but the table of trait weight has 4 people"):
        plan(scenario(folder, LISTED), subjects=5)


def test_a_table_that_nothing_reads_is_refused(folder: Path) -> None:
    with pytest.raises(ScenarioError, match="has no effect: it needs columns"):
        scenario(folder, "", 'table = "people.csv"\n')
