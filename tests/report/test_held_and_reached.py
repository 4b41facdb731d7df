"""Sets held to fitted findings, the share of an excess removed, responders, and windows solved from their equation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.fabricated import ArmRow, StudyRow, fabricate

from workbench.analysis.aims import Aim
from workbench.analysis.responders import responses
from workbench.analysis.selection import select
from workbench.findings.finding import Criterion
from workbench.findings.held import HeldSets, published_range
from workbench.inspection.window_courses import shape_of
from workbench.modulation.window import TwoStage
from workbench.report.overview import excess
from workbench.scenario.model import ResponderRule


def criterion(**given: object) -> Criterion:
    return Criterion("difference", "outcome", "overflow", ("a", "b"), **{"accept": (-1.0, 1.0), **given})  # type: ignore[arg-type]


def test_a_published_range_is_target_and_error_where_they_are_stated() -> None:
    assert published_range(criterion(target=-7.95, error=2.4)) == pytest.approx((-7.95 - 4.704, -7.95 + 4.704))
    assert published_range(criterion(target=0.0)) == (-1.0, 1.0)
    assert published_range(criterion(accept=(0.0, float("inf")))) is None


def test_a_set_is_held_if_every_finding_is_given_back_and_weights_say_how_many_count() -> None:
    ranges = np.array([[-1.96, 1.96], [0.0, 3.92]])  # standard errors of 1 about 0 and about 1.96
    values = np.array([[0.0, 0.0, 3.0, -1.0], [1.96, 5.0, 1.96, 1.96]])
    found = HeldSets("plausible", np.array([4, 5, 6, 7]), ("A", "B"), ranges, values, ())
    assert list(found.inside) == [4, 7] and not found.enough and found.findings == ("A", "B")
    weights = np.exp(-0.5 * np.array([0.0, 3.04**2, 9.0, 1.0]))
    assert found.effective == pytest.approx(weights.sum() ** 2 / (weights**2).sum())


def arms(tmp_path: Path) -> Path:
    rows = (
        ArmRow("well", lambda i: 0.3, "Well"),
        ArmRow("ill", lambda i: 0.5, "Ill", baseline="well"),
        ArmRow("treated", lambda i: (0.35, 0.5)[i % 2], "Treated", baseline="ill"),
    )
    sets = tuple({"gate.brake.threshold": x} for x in (0.0, 0.1, 0.2))

    def cell(arm: str, point: dict[str, float], i: int) -> float:  # no excess in the first set, 0.1 and 0.2 after it
        wrong = point["gate.brake.threshold"]
        return 0.3 + {"well": 0.0, "ill": wrong, "treated": 0.25 * wrong}[arm]

    plan = (
        StudyRow("arms", ("well", "ill", "treated")),
        StudyRow("sets", ("well", "ill", "treated"), sets, cell),  # type: ignore[arg-type]
    )
    return fabricate(tmp_path / "a.db", rows, plan, subjects=10)


def test_the_share_of_the_excess_that_is_removed_is_told_here_and_over_sets(tmp_path: Path) -> None:
    found = excess(select(arms(tmp_path)), "arms", "sets", Aim("overflow", "treated", "ill"))
    assert found is not None and found.reference == "well"
    assert found.share == pytest.approx((0.5 - 0.425) / (0.5 - 0.3))
    assert list(found.shares) == pytest.approx([0.75, 0.75]) and found.none == 1
    assert excess(select(tmp_path / "a.db"), "arms", "", Aim("overflow", "ill", "well")) is None


def test_responders_are_counted_in_each_arm_against_ones_own_earlier_score(tmp_path: Path) -> None:
    selection = select(arms(tmp_path))
    aim = Aim("overflow", "treated", "ill", response=ResponderRule("overflow", 0.1))
    found = responses(selection, "arms", aim)
    assert found is not None and found.n == (10, 10) and found.responded == (0, 0)  # the same score: nobody responds
    assert responses(selection, "arms", Aim("overflow", "treated", "ill")) is None


@pytest.mark.parametrize(("rise", "decay", "half"), [(6.0, 57.0, 0.5), (3.0, 90.0, 0.5), (12.0, 12.0, 1e4)])
def test_peak_and_half_of_a_window_are_solved_from_its_closed_form(rise: float, decay: float, half: float) -> None:
    window = TwoStage(opened_by="occupancy.block", rise=rise, decay=decay, reference=1.0, half=half)
    found = shape_of("plasticity", window)
    same = abs(rise - decay) < 1e-9
    peak = rise if same else np.log(decay / rise) * rise * decay / (decay - rise)
    assert found.peak_at == pytest.approx(peak, rel=1e-6) and found.peak == pytest.approx(1.0, rel=1e-9)
    for end in (found.half_from, found.half_to):
        assert float(window.after_reference(end)) == pytest.approx(0.5, rel=1e-9)
    assert found.half_from < found.peak_at < found.half_to
