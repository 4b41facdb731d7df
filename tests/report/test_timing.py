"""When things happen: the curve of a share ends at the share that the table of medians counts as reached."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.fabricated import fabricate

from workbench.analysis.selection import Selection, select
from workbench.analysis.time_course import read_time_courses, timing_samples, timings
from workbench.report.content import Page
from workbench.report.timing import timing_figure


@pytest.fixture(scope="module")
def selection(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    return select(fabricate(Path(tmp_path_factory.mktemp("db")) / "spill.db"))


def test_curves_end_where_the_table_says_how_many_got_there(selection: Selection) -> None:
    course = read_time_courses(selection, "arms", "overflow_course")
    assert course is not None
    table = timings(selection, course).set_index(["arm", "what"])
    for sample in timing_samples(selection, course):
        reached = int((~np.isnan(sample.times)).sum())
        row = table.loc[(sample.arm, sample.what)]
        assert (row.reached, row.n) == (reached, len(sample.times))
        if reached:
            assert row["median"] == np.median(sample.times[~np.isnan(sample.times)])


def test_figure_names_the_trial_by_which_half_have_onset(selection: Selection) -> None:
    course = read_time_courses(selection, "arms", "overflow_course")
    assert course is not None
    figure = timing_figure(Page(selection).words, course)
    assert figure is not None
    onset = next(s for s in timing_samples(selection, course) if s.what == "onset")
    by = sorted(t for t in onset.times.tolist())[(len(onset.times) - 1) // 2]
    assert f"onset by trial {by:g}" in figure.title
    last = [float(row[3]) for row in figure.tables[0].rows if row[0] == "Onset with practice"]
    assert max(last) == pytest.approx(float((~np.isnan(onset.times)).mean()))
