"""Time courses: each arm with its band, beside its baseline arm, phases marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import workbench.report.page_tables as tables
from workbench.analysis.protocol import arm_settings, phases
from workbench.analysis.time_course import TimeCourses, bands, timings
from workbench.report.drawing import BLACK, GREEN, GREY, LINES, Margins, Panel, distinct_labels, drawing
from workbench.report.figure import Figure
from workbench.report.queries import Queries
from workbench.report.statements.figures import course_caption, course_take
from workbench.report.words import Wording, cut_text, number, times_in

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from workbench.analysis.protocol import Phase


@dataclass(frozen=True)
class CourseMarks:
    """What is marked on a course, at its own times: the last dose, sessions, and the visit of the main finding."""

    last_dose: float | None = None
    sessions: tuple[float, ...] = ()
    visit: float | None = None


def courses_panel(
    name: str,
    heading: str,
    frame: pd.DataFrame,
    arms: Sequence[tuple[str, str]],
    axis: tuple[str, str],
    phases: Sequence[Phase],
    marks: CourseMarks | None = None,
) -> Panel:
    """Draw several arms (name, title) in one panel, each with its band, colour and dashes."""
    margins = Margins(right=0.32, bottom=0.62).with_legend(len(arms))
    mine = {arm: frame[frame.arm == arm] for arm, _ in arms}
    with drawing(name, 3.9, 2.1, margins) as (axes, drawn):
        named = distinct_labels([title for _, title in arms], 46)
        for (arm, _), label, (colour, dashes, _) in zip(arms, named, LINES, strict=False):
            one = mine[arm]
            axes.fill_between(one.time, one.p10, one.p90, color=colour, alpha=0.15, linewidth=0)
            for edge in (one.p10, one.p90):  # in grey the edges still tell the bands apart
                axes.plot(one.time, edge, color=colour, linestyle=dashes, linewidth=0.5)
            axes.plot(one.time, one["mean"], color=colour, linestyle=dashes, linewidth=1.9, label=label)
        low = min(float(one.p10.min()) for one in mine.values())
        high = max(float(one.p90.max()) for one in mine.values())
        room = (high - low) * 0.06 or 0.05
        axes.set_ylim(low - room, high + 3 * room)
        mark_phases(axes, phases)
        _mark(axes, marks or CourseMarks(), float(max(one.time.max() for one in mine.values())))
        axes.set_xlabel(axis[0], fontsize=7.5)
        axes.set_ylabel(cut_text(axis[1], 36))
        axes.figure.legend(loc="lower center", ncols=1)
    said = [_spoken(title, mine[arm]) for arm, title in arms]
    return Panel(heading, drawn.svg, f"{heading}. {'; '.join(said)}. The numbers stand in the table.")


def _spoken(title: str, frame: pd.DataFrame) -> str:
    """Say where a course begins, is lowest, highest, and ends."""
    mean, time = frame["mean"].to_list(), frame.time.to_list()
    ends = f"{title} goes from {number(mean[0])} to {number(mean[-1])}"
    low, high = (f"{number(end)} at {number(time[mean.index(end)])}" for end in (min(mean), max(mean)))
    return f"{ends}, lowest {low}, highest {high}"


def _mark(axes: Axes, marks: CourseMarks, end: float) -> None:
    """Draw the last dose as an upright dashed line, sessions as ticks and the visit as a triangle at the bottom."""
    at_bottom = axes.get_xaxis_transform()
    if marks.last_dose is not None and marks.last_dose <= end:
        axes.axvline(marks.last_dose, color=GREY, linewidth=1.0, linestyle=(0, (3, 2)), zorder=0)
        axes.text(marks.last_dose, 0.02, " last dose", transform=at_bottom, fontsize=7, color=GREY, ha="left")
    shown = [t for t in marks.sessions if t <= end]
    axes.plot(shown, [0.015] * len(shown), "|", color=GREEN, markersize=7, transform=at_bottom)
    if marks.visit is not None and marks.visit <= end:
        axes.plot([marks.visit], [0.03], "^", color=BLACK, markersize=4.5, transform=at_bottom)


def mark_phases(axes: Axes, phases: Sequence[Phase]) -> None:
    """Draw the phases' borders, and below each trial number the days it would take if the protocol says so."""
    if len(phases) < 2:
        return
    top = axes.get_ylim()[1]
    for phase in phases:
        axes.axvline(phase.start, color="#CCCCCC", linewidth=0.8, zorder=0)
        axes.text(
            (phase.start + phase.stop) / 2,
            top,
            cut_text(phase.name, 12),
            ha="center",
            va="top",
            color=GREY,
            fontsize=7.5,
        )
    borders = [phase.start for phase in phases] + [phases[-1].stop]
    rates = {phase.per_day for phase in phases}
    rate = rates.pop() if len(rates) == 1 else 0.0
    labels = [f"{b:,}\n({b / rate:,.0f} d)" if rate else f"{b:,}" for b in borders]
    axes.set_xticks(borders, labels)
    axes.set_xlim(borders[0], borders[-1])


TOGETHER = 5


def grouped_courses(words: Wording, course: TimeCourses) -> Figure | None:
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
