"""The first screen: its sentences come from the rows and from what the scenario declares, in plain words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.aimed import SETS, aimed
from support.fabricated import TEXT, fabricate, patients

from workbench.analysis import compare
from workbench.analysis.aims import aims
from workbench.analysis.selection import Selection, select
from workbench.report.content import Page
from workbench.report.ground import Ground
from workbench.report.statements.opening import (
    assumed_ranges,
    costs,
    finding,
    hangs_most_on,
    how_clear,
    not_for,
    who_and_what,
)
from workbench.report.words import number, signed

JARGON = ("d_av", "bootstrap", "percentile", "BCa", "hedges", "paired", "seed", "significan")


def ground(folder: Path, **made: Any) -> Ground:
    return Ground(select(aimed(folder / "a.db", **made)))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return ground(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return ground(tmp_path_factory.mktemp("spread"), design=True)


def test_the_population_the_pair_and_the_count_are_named(plain: Ground) -> None:
    said = " ".join(who_and_what(plain))
    assert "40 simulated patients with made-up dystonia" in said
    assert "“Patient, blocker 30 mg a day” with “Untreated patient”" in said and "no trial can arrange" in said


def test_the_finding_has_the_sizes_of_compare_and_says_one_set_of_assumptions(plain: Ground) -> None:
    (said,) = finding(plain)
    rows = compare(plain.selection, study="arms", outcomes=["overflow"]).set_index("arm")
    row = rows.loc["ill_30"]
    assert said.startswith("With one set of assumptions: Spilling into the wrong place")
    for value in (row["mean"], row["baseline_mean"], abs(row["difference"])):
        assert number(value, even=True) in said
    assert "which is better" in said and assumed_ranges(plain) == how_clear(plain) == ""


def test_each_cost_is_said_beside_the_benefit(plain: Ground) -> None:
    (said,) = costs(plain)
    assert said.startswith("Spilling in healthy people who take the drug") and "which is worse" in said


def test_the_range_its_median_and_what_it_hangs_on_come_from_the_points(spread: Ground) -> None:
    expected = np.array([-(p["gate.brake.threshold"] - 0.45) for p in SETS])
    assert "one set" not in finding(spread)[0]
    said = assumed_ranges(spread)
    low, high = np.percentile(expected, [5, 95])
    assert "over 30 sets of parameters the middle 90 % of what is" in said
    assert f"lie between {signed(low)} and {signed(high)}, with a median of {signed(np.median(expected))}" in said
    own = float(spread.row(spread.aims.benefit).difference)
    assert f"more favourable than {round(100 * np.mean(expected > own))} %" in how_clear(spread)
    hangs = hangs_most_on(spread)[0]
    level = np.array([p["gate.brake.threshold"] for p in SETS])
    lowest = np.median(expected[level <= np.quantile(level, 1 / 3)])
    assert "meaning of gate.brake.threshold" in hangs and signed(lowest) in hangs


def test_a_wider_range_of_parameters_changes_the_sentence(spread: Ground, tmp_path: Path) -> None:
    assert assumed_ranges(spread) != assumed_ranges(ground(tmp_path, design=True, slope=2.0))


def test_no_jargon_stands_in_the_first_paragraphs(spread: Ground) -> None:
    said = " ".join([*finding(spread), *costs(spread), *who_and_what(spread)]).lower()
    assert not [word for word in JARGON if word in said]
    assert not re.search(r"\bp\s*[<=]", said)


def test_without_a_declaration_the_best_comparison_of_the_main_outcome_is_spoken_of(tmp_path: Path) -> None:
    found = aims(select(fabricate(tmp_path / "a.db", subjects=5)))
    assert found.benefit is not None and found.benefit.pair == ("ill_30", "ill") and found.costs == ()


def test_a_declared_arm_that_was_not_run_falls_back_on_the_rule(tmp_path: Path) -> None:
    arms = tuple(a for a in patients() if a.name != "ill_30")
    found = aims(select(aimed(tmp_path / "a.db", arms=arms, subjects=5)))
    assert found.benefit is not None and found.benefit.pair == ("ill_15", "ill")
    assert [cost.name for cost in found.costs] == ["healthy"]


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("Diagnosis", "Not for: Diagnosis."),
        ("Not a medical device; not for dosing", "Not a medical device; not for dosing."),
        ("", "Not for any decision about a person"),
    ],
)
def test_what_it_is_not_for_is_one_sentence(declared: str, said: str, tmp_path: Path) -> None:
    text = TEXT.replace('not_for = "Any decision about a person"', f'not_for = "{declared}"')
    assert not_for(Ground(select(fabricate(tmp_path / "a.db", subjects=2, text=text)))).startswith(said)


def test_what_speaks_against_it_and_the_glossary_are_shown(plain: Ground) -> None:
    page = Page(plain.selection)
    assert page.contrary is not None and page.contrary.rows == (
        ("In some mice it is the other way round.", "Xing2022"),
    )
    assert ("blocker", "A drug that stops what is too loud.") in page.glossary
    terms = dict(page.method_tables[0].rows)
    assert terms["Model influence"] == "None on care." and terms["Question of interest"] == "The scenario does not say."


def test_assumptions_are_numbered_those_that_move_the_result_first(spread: Ground) -> None:
    page = Page(spread.selection)
    assert page.assumptions and page.reviewed[0].weight == max(one.weight for one in page.assumptions)
    # What the finding hangs most on comes first, although it is fitted; then what is assumed.
    assert [one.value for one in page.reviewed] == ["0.3, fitted", "1.5 (0.5 to 2.5)"]
    assert "the number that the main finding hangs most on" in page.request


def test_a_selection_without_runs_has_a_first_screen(tmp_path: Path) -> None:
    from support.fabricated import ArmRow, StudyRow

    arms = (ArmRow("off", lambda i: None), ArmRow("on", lambda i: None, baseline="off"))
    selection: Selection = select(fabricate(tmp_path / "a.db", arms, (StudyRow("arms", ("off", "on")),), subjects=3))
    (said,) = finding(Ground(selection))
    assert said.startswith("No comparison of “overflow” can be made")
