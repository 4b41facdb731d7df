"""When things happen, person by person: the share who have reached onset, benefit or relapse by each time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analysis.time_course import TimeCourses, Timing, timing_samples
from workbench.report.dose_lines import lines_panel
from workbench.report.figure import Figure, Line
from workbench.report.page_tables import line_table
from workbench.report.queries import Queries
from workbench.report.statements.figures import timing_caption, timing_take
from workbench.report.words import Wording, number

HEADINGS = {
    "onset": "Onset with practice",
    "benefit": "Half of the benefit reached",
    "relapse": "Half of the benefit lost",
}


def timing_figure(words: Wording, course: TimeCourses) -> Figure | None:
    """Draw, for onset, benefit and relapse, the share of subjects who have reached it, arm by arm."""
    samples = [s for s in timing_samples(words.selection, course) if not np.isnan(s.times).all()]
    if not samples or course.time_unit != "trial":
        return None
    panels, rows = [], []
    for what, heading in HEADINGS.items():
        mine = [s for s in samples if s.what == what]
        lines = [Line(words.arm(s.arm), _share_by(s)) for s in mine]
        if lines:
            axis = "trials", f"share of {words.who}"
            panels.append(lines_panel(f"timing-{what}", heading, lines, axis, limits=(0.0, 1.0)))
        rows += [
            (heading, words.arm(s.arm), number(x), share, None, None, len(s.times), "")
            for s, line in zip(mine, lines, strict=True)
            for x, share in zip(line.frame.x, line.frame["mean"], strict=True)
        ]
    title = words.measure("course", course.name)
    steps = np.diff(course.times)
    caption = timing_caption(title, float(steps.max()) if len(steps) else 0.0)
    query = Queries(int(words.selection.facts["sweep"])).course(course.study, course.name)
    table = line_table(words, "Share who have reached it, by time", "trials", rows).of("timing", query)
    return Figure("timing", timing_take(words, samples), panels, caption, [table])


def _share_by(sample: Timing) -> pd.DataFrame:
    """Return the times at which somebody gets there (x) and the share of all who have by then (mean)."""
    times, counts = np.unique(sample.times[~np.isnan(sample.times)], return_counts=True)
    return pd.DataFrame({"x": times, "mean": np.cumsum(counts) / len(sample.times)})
