"""The figures before the appendix: what happens over time, and of a hundred."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import workbench.report.page_tables as tables
from workbench.analysis.protocol import arm_settings, days_declared, phases
from workbench.analysis.responders import CLASSES, Responses, Shares, responses, shares
from workbench.analysis.time_course import TimeCourses, bands, treatment_span
from workbench.analysis.timeline import Timeline, timeline
from workbench.quantities import HOURS_PER_DAY
from workbench.report.drawing import BLUE, GREY, RUST, Margins, Panel, drawing
from workbench.report.figure import Figure
from workbench.report.gap import Gap
from workbench.report.page_tables import PageTable
from workbench.report.statements.figures import (
    hundred_caption,
    hundred_take,
    over_time_caption,
    over_time_take,
    responders_caption,
    responders_take,
)
from workbench.report.time_courses import CourseMarks, courses_panel
from workbench.report.words import cut_text, number, percent

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.aims import Aim
    from workbench.report.ground import Ground


LONG = 2.5
"""A course so many times longer than up to the visit it is about is drawn once more, up to a little past that."""


def courses_figure(ground: Ground) -> Figure | None:
    """Draw the benefit over time, and each cost beside it."""
    panels, found, gaps, marked = [], [], [], []
    for i, aim in enumerate(a for a in ground.aims.all if a.course and a.arm):
        course = ground.course(aim.course)
        arms = _arms(ground, aim, course) if course else []
        if course is None or len(arms) < 2:
            continue
        frame = _in_days(bands(course), course)
        frame = frame[frame.arm.isin(arms)]
        if not {aim.arm, aim.against} <= set(frame.arm):
            continue
        arms = [arm for arm in arms if arm in set(frame.arm)]
        unit = "day" if _spans_days(course) else course.time_unit
        gap = _gap(ground, aim, frame, unit)
        marks = _marks(ground, aim, gap)
        panels.append(_panel(ground, f"over-time-{i}", aim, course, arms, frame, marks))
        if aim.name == "benefit" and marks.visit and frame.time.max() > LONG * marks.visit:
            near = frame[frame.time <= 1.2 * marks.visit]
            panels.append(_panel(ground, f"over-time-{i}-near", aim, course, arms, near, marks, first=True))
        axis = _axis(ground, course)
        caption = f"{ground.title(aim)}, over time: mean (range across {ground.words.who})"
        query = ground.queries.course(ground.study, aim.course, arms)
        found.append(tables.course_table(ground.words, frame, caption, axis).of(f"over_time_{aim.name}", query))
        gaps.append(gap)
        marked.append(marks)
    if not panels:
        return None
    columns = ("What", "Arm", "Compared with", "Largest difference of the means", "At", "After the last dose",
               "Last dose", "Difference then", "Difference at the end", "Compared arm at the last dose",
               "Compared arm at the end")  # fmt: skip
    query = ground.queries.course(ground.study, ground.aims.all[0].course)
    rows = tuple(gap.cells for gap in gaps)
    found.insert(0, PageTable("Difference over time", columns, rows, look="wide").of("over_time_gaps", query))
    drawn = any(m.last_dose is not None for m in marked), any(m.sessions or m.visit for m in marked)
    caption = over_time_caption(ground.words, *drawn)
    return Figure("over-time", over_time_take(gaps[0]), panels, caption, found)


def _arms(ground: Ground, aim: Aim, course: TimeCourses) -> list[str]:
    """Return the arm, the one beside it, and the one that this is compared with in turn; of an interaction all four."""
    base = str(ground.selection.arms.baseline[aim.against])
    wanted = [aim.arm, aim.against, *aim.four, *([base] if base and aim.name == "benefit" else [])]
    return [arm for arm in dict.fromkeys(wanted) if arm in course.by_arm]


def _in_days(frame: pd.DataFrame, course: TimeCourses) -> pd.DataFrame:
    """Return a course of several days with its times in days, which is what people speak of."""
    return frame.assign(time=frame.time / HOURS_PER_DAY) if _spans_days(course) else frame


def _spans_days(course: TimeCourses) -> bool:
    return course.time_unit == "h" and float(course.times[-1]) >= 2 * HOURS_PER_DAY


def _axis(ground: Ground, course: TimeCourses) -> str:
    if course.time_unit == "trial":
        return ground.trial_axis
    return "days" if _spans_days(course) else f"time ({course.time_unit})"


def _panel(
    ground: Ground,
    name: str,
    aim: Aim,
    course: TimeCourses,
    arms: list[str],
    frame: pd.DataFrame,
    marks: CourseMarks,
    *,
    first: bool = False,
) -> Panel:
    words = ground.words
    shown = phases(arm_settings(ground.selection, aim.arm)) if course.time_unit == "trial" else ()
    if not days_declared(ground.selection):
        shown = tuple(replace(phase, per_day=0.0) for phase in shown)
    unit = "" if course.unit == "1" else f" ({course.unit})"
    label = f"{words.measure('course', aim.course)}{unit}"
    titled = [(arm, words.short(arm)) for arm in arms]
    heading = words.measure("course", aim.course) if aim.name == "benefit" else ground.title(aim)
    heading += f": the first {number(frame.time.max())} days" if first else ""
    return courses_panel(name, heading, frame, titled, (_axis(ground, course), label), shown, marks)


def _gap(ground: Ground, aim: Aim, frame: pd.DataFrame, unit: str) -> Gap:
    """Return how far the two arms of an aim are apart."""
    by_arm = frame.pivot(index="time", columns="arm", values="mean")
    gap = by_arm[aim.arm] - by_arm[aim.against]
    place = int(gap.abs().to_numpy().argmax())
    times = by_arm.index.to_numpy(dtype=float)
    pair = ground.words.short(aim.arm), ground.words.short(aim.against)
    found = Gap(
        ground.words.measure("course", aim.course), *pair, unit, float(times[place]), float(gap.iloc[place]),
        float(gap.iloc[-1]), base_end=float(by_arm[aim.against].iloc[-1]),
    )  # fmt: skip
    last = _last_of_several(ground, aim, unit)
    if last is None or not (times <= last).any() or last >= times[-1]:
        return found
    at = int((times <= last).sum()) - 1
    return replace(
        found, last_dose=last, at_last_dose=float(gap.iloc[at]), base_at_last=float(by_arm[aim.against].iloc[at])
    )


def _last_of_several(ground: Ground, aim: Aim, unit: str) -> float | None:
    """Return when the last of the doses is given in which the arm differs; None where there is but one, or none."""
    if unit == "trial":
        span = treatment_span(ground.selection, aim.arm, aim.against)
        return None if span is None else span[1]
    mine, theirs = (_doses(timeline(ground.selection, arm)) for arm in aim.pair)
    given = sorted(set(mine) - set(theirs))
    scale = HOURS_PER_DAY if unit == "h" else 1.0
    return given[-1] * scale if len(given) > 1 else None


def _doses(found: Timeline | None) -> list[float]:
    return [t for lane in found.lanes if lane.kind == "dose" for t in lane.at] if found is not None else []


def _marks(ground: Ground, aim: Aim, gap: Gap) -> CourseMarks:
    """Return what is marked on a course: the last dose, the sessions, and the visit at which the outcome is scored."""
    found = timeline(ground.selection, aim.arm) if gap.unit == "day" else None
    if found is None:
        return CourseMarks(gap.last_dose)
    sessions = sorted({t for lane in found.lanes if lane.kind == "session" for t in lane.at})
    specification = json.loads(str(ground.selection.measure("outcome", aim.outcome)["specification"]))
    visit = next((lane.at[-1] for lane in found.lanes if lane.name == specification.get("assessment")), None)
    return CourseMarks(gap.last_dose, tuple(sessions), visit)


def icons_figure(ground: Ground) -> Figure | None:
    """Draw responders per arm where the scenario says what a response is; else a hundred held against themselves."""
    one_by_one = [one for aim in ground.aims.all if aim.arm and (one := responses(ground.selection, ground.study, aim))]
    return _responders(ground, one_by_one) if one_by_one else _hundred(ground)


def _responders(ground: Ground, found: list[Responses]) -> Figure:
    panels, rows = [], []
    for i, one in enumerate(found):
        for j, (arm, share, k, n) in enumerate(zip(one.arms, one.shares, one.responded, one.n, strict=True)):
            panels.append(responders_panel(f"hundred-{i}-{j}", ground.words.arm(arm), share))
            before = ground.words.measure("outcome", one.before)
            rows.append(
                (
                    ground.title(one.aim),
                    ground.words.arm(arm),
                    before,
                    percent(one.by),
                    f"{k:,}",
                    f"{n:,}",
                    percent(share),
                )
            )
    columns = ("What", "Arm", "Better than in", "By at least", "Responded", "Of", "Share")
    table = PageTable(f"Who responds, of all {ground.words.who}", columns, tuple(rows))
    query = ground.queries.cells(ground.study, dict.fromkeys(o for one in found for o in (one.before, one.aim.outcome)))
    take, caption = responders_take(ground, found), responders_caption(ground, found)
    return Figure("hundred", take, panels, caption, [table.of("responses", query)])


def _hundred(ground: Ground) -> Figure | None:
    """Draw a hundred simulated patients for the benefit and for each cost that has a better direction."""
    found = [one for aim in ground.aims.all if aim.arm and (one := shares(ground.selection, ground.study, aim))]
    if not found:
        return None
    panels = [
        icons_panel(f"hundred-{i}", ground.title(one.aim), one.of_hundred, _labels(one)) for i, one in enumerate(found)
    ]
    rows = []
    for one in found:
        pair = (ground.words.arm(one.aim.arm), ground.words.arm(one.aim.against))
        _, some, same, less, _ = one.of_hundred
        cells = (f"{of} ({n:,} of {one.n:,})" for n, of in zip(one.counts, one.of_hundred, strict=True))
        rows.append((ground.title(one.aim), *pair, _size(one), *cells, str(some + same + less)))
    columns = ("What", "Arm", "Compared with", "Clear from", *CLASSES, "neither")
    table = PageTable(f"Of 100 {ground.words.who}, each against the same one in the other arm", columns, tuple(rows))
    query = ground.queries.pairs(ground.study, dict.fromkeys(one.aim.outcome for one in found))
    take, caption = hundred_take(ground, found), hundred_caption(ground, found)
    return Figure("hundred", take, panels, caption, [table.of("of_hundred", query)])


def _labels(one: Shares) -> tuple[str, ...]:
    size = _size(one)
    return (f"better by at least {size}", "better by less", "the same", "worse by less", f"worse by at least {size}")


def _size(one: Shares) -> str:
    return percent(one.cut) if one.relative else number(one.cut)


MARKS = (("o", BLUE, BLUE), ("o", "white", BLUE), ("_", GREY, GREY), ("s", "white", RUST), ("X", RUST, RUST))
"""Marker, face and edge of each class, from much better to much worse."""


def icons_panel(name: str, heading: str, of_hundred: Sequence[int], labels: Sequence[str]) -> Panel:
    """Draw a hundred marks, class after class; `labels` say what each class is."""
    present = [i for i, n in enumerate(of_hundred) if n]
    with drawing(name, 2.7, 2.3, Margins(left=0.1, right=0.1, bottom=0.1).with_legend(len(present))) as (axes, drawn):
        at = 0
        for i in present:
            places = range(at, at + of_hundred[i])
            marker, face, edge = MARKS[i]
            axes.plot(
                [p % 10 for p in places],
                [p // 10 for p in places],
                linestyle="",
                marker=marker,
                markersize=8,
                markerfacecolor=face,
                markeredgecolor=edge,
                label=cut_text(f"{of_hundred[i]} {labels[i]}", 42),
            )
            at += of_hundred[i]
        axes.set_xlim(-0.7, 9.7)
        axes.set_ylim(9.7, -0.7)
        axes.set_axis_off()
        axes.figure.legend(loc="lower center", ncols=1, handletextpad=0.3)
    said = ", ".join(f"{of_hundred[i]} {labels[i]}" for i in present)
    return Panel(heading, drawn.svg, f"{heading}. Of 100: {said}. The numbers stand in the table.")


def responders_panel(name: str, heading: str, share: float) -> Panel:
    """Draw a hundred marks of one arm: filled for who responds, open for who does not."""
    yes = round(100 * share)
    groups = (
        (range(yes), "o", BLUE, BLUE, f"{yes} respond"),
        (range(yes, 100), "o", "white", GREY, f"{100 - yes} do not"),
    )
    with drawing(name, 2.7, 2.3, Margins(left=0.1, right=0.1, bottom=0.1).with_legend(2)) as (axes, drawn):
        for places, marker, face, edge, label in groups:
            axes.plot(
                [p % 10 for p in places], [p // 10 for p in places], linestyle="", marker=marker, markersize=8,
                markerfacecolor=face, markeredgecolor=edge, label=label,
            )  # fmt: skip
        axes.set_xlim(-0.7, 9.7)
        axes.set_ylim(9.7, -0.7)
        axes.set_axis_off()
        axes.figure.legend(loc="lower center", ncols=1, handletextpad=0.3)
    return Panel(heading, drawn.svg, f"{heading}. Of 100: {yes} respond. The numbers stand in the table.")
