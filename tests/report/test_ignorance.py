"""The range in the headline is made from the study over plausible parameters, and moves with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.fabricated import TEXT, StudyRow, fabricate, patients, studies

from workbench.analysis.parameter_uncertainty import Plausible, designs, plausible
from workbench.analysis.selection import select
from workbench.report import build_report

DESIGN = TEXT + '\n[study.plausible]\ndesign = "lhs"\nn = 50\n'
SETS = tuple({"gate.brake.threshold": 0.2 + 0.02 * k, "modulator.tone.level": float(k * 7 % 50)} for k in range(50))


def cell(slope: float) -> Any:
    """Return outcomes in which the ill are worse by `slope` times (threshold - 0.5), whoever is simulated."""

    def outcome(arm: str, point: Mapping[str, Any], subject: int) -> float:
        excess = slope * (point["gate.brake.threshold"] - 0.5) + 0.3 if arm == "ill" else 0.0
        return 0.5 + excess + 0.01 * subject

    return outcome


def made(folder: Path, slope: float, text: str = DESIGN) -> Path:
    arms = patients()
    plan = (*studies(arms)[:1], StudyRow("plausible", ("healthy", "ill"), SETS, cell(slope), title="Plausible"))
    return fabricate(folder / "p.db", arms, plan, subjects=3, text=text)


def page(folder: Path, **options: Any) -> str:
    text = build_report(made(folder, **options), folder / "p.html", force=True).read_text(encoding="utf-8")
    return text[text.index('id="finding"') : text.index('id="compared"')]


def test_range_and_median_are_percentiles_over_points(tmp_path: Path) -> None:
    selection = select(made(tmp_path, 1.0))
    assert designs(selection) == ["plausible"]
    (found,) = plausible(selection, "plausible", "overflow")
    expected = np.array([p["gate.brake.threshold"] - 0.5 + 0.3 for p in SETS])
    assert np.sort(found.differences) == pytest.approx(np.sort(expected))
    assert found.range == pytest.approx(tuple(np.percentile(expected, [5, 95])))
    assert (found.points, found.toward) == (50, 0.0)
    strongest = found.drivers.iloc[0]
    assert (strongest.path, strongest.rho) == ("gate.brake.threshold", pytest.approx(1.0))


def test_headline_tells_the_range_and_how_often_the_direction_holds(tmp_path: Path) -> None:
    said = page(tmp_path, slope=1.0)
    assert "Assumed ranges: over 50 sets of parameters the middle 90 %" in said
    assert "lie between +0.0490 and +0.931" in said and "(3 people a set)" in said
    assert "By its sign alone it is better in 0 of 50 sets" in said
    assert "It hangs most on one number, the meaning of gate.brake.threshold" in said
    assert "one set of assumptions" not in said


def test_a_wider_spread_of_parameters_changes_the_sentence(tmp_path: Path) -> None:
    assert page(tmp_path / "a", slope=1.0) != page(tmp_path / "b", slope=2.0)


def test_without_the_study_the_first_sentence_says_one_set_of_assumptions(tmp_path: Path) -> None:
    said = page(tmp_path, slope=1.0, text=TEXT)
    first = said[said.index("<p ") : said.index("</p>")]
    assert "With one set of assumptions" in first and "sets of parameters" not in said


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()


def of(values: list[float], better: str = "lower", people: int = 8, rate: bool = False) -> Plausible:
    import pandas as pd

    sets = np.arange(len(values))
    return Plausible(
        "plausible", "overflow", "ill", "healthy", np.array(values), sets, people, rate, better, pd.DataFrame()
    )


def test_a_set_is_clearly_better_only_by_a_difference_worth_naming() -> None:
    found = of([-0.3, -0.02, -0.001, 0.0, 0.019, 0.02, 0.5])
    assert found.clearly(0.02) == (2, 2, 3)
    assert of([-0.3, 0.4], better="higher").clearly(0.02) == (1, 1, 0)


def test_a_rate_over_few_people_and_a_range_without_the_models_own_figure_are_not_printed() -> None:
    assert "a rate needs 50 people a set, here are 8" in of([0.0, 0.0, 0.1], rate=True).without()
    assert of([0.0, 0.0, 0.1], rate=True, people=50).without() == ""
    spread = of(list(np.linspace(-1.0, 0.0, 40)))
    assert spread.without(-0.5) == "" and "the shipped set lies outside the middle of the 40 sets" in spread.without(
        0.3
    )
    assert of(list(np.linspace(-1.0, 0.0, 200))).without(0.3) == ""


@pytest.mark.parametrize("better", ["lower", ""])
def test_a_comparison_keeps_its_direction_where_its_sign_does_even_if_no_direction_is_better(better: str) -> None:

    assert of([0.1, 2.0], better).one_way and of([-3.0, -0.1], better).one_way
    assert not of([-0.1, 0.2], better).one_way and not of([0.0, 0.2], better).one_way
