"""Recorded courses of all arms, several to a panel, with their tables."""

from __future__ import annotations

from dataclasses import replace

import workbench.report.page_tables as tables
from workbench.analysis.protocol import arm_settings, phases
from workbench.analysis.time_course import Courses, bands, timings
from workbench.report.figures.course import courses_panel
from workbench.report.queries import Queries
from workbench.report.sections import Figure
from workbench.report.statements.figures import course_caption, course_take
from workbench.report.words import Wording, times_in

TOGETHER = 5


def grouped_courses(words: Wording, course: Courses) -> Figure | None:
    """Draw the means of a recorded course, several arms to a panel."""
    selection, frame = words.selection, bands(course)
    arms = [arm for arm in course.by_arm if arm in set(frame.arm)]
    if not arms:
        return None
    title = words.measure("course", course.name)
    label = times_in(course.time_unit) if course.time_unit == "trial" else f"time ({course.time_unit})"
    means = frame.assign(p10=frame["mean"], p90=frame["mean"])
    groups = [arms[i : i + TOGETHER] for i in range(0, len(arms), TOGETHER)]
    shown = phases(arm_settings(selection, arms[0])) if course.time_unit == "trial" else ()
    shown = tuple(replace(phase, per_day=0.0) for phase in shown)
    panels = [
        courses_panel(f"course-{course.name}-{i}", f"{title}, {i + 1} of {len(groups)}", means,
                      [(arm, words.short(arm)) for arm in group], (label, title), shown)
        for i, group in enumerate(groups)
    ]  # fmt: skip
    query = Queries(int(selection.facts["sweep"])).course(course.study, course.name)
    whole = tables.course_table(words, frame, f"{title}: mean (range across {words.who}) over time", label)
    found = [whole.of(f"course_{course.name}", query)]
    times = timings(selection, course)
    if len(times):
        found.append(tables.timing_table(words, times, times_in(course.time_unit)).of(f"times_of_{course.name}", query))
    return Figure(f"course-{course.name}", course_take(words, frame, title, arms), panels,
                  course_caption(words, len(course.subjects)), found)  # fmt: skip
