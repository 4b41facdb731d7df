"""The figures before the appendix: what happens over time, and of a hundred."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import workbench.report.tables as tables
from workbench.analysis.course import Courses, bands
from workbench.analysis.protocol import HOURS_A_DAY, arm_settings, days_declared, phases
from workbench.analysis.shares import CLASSES, Shares, shares
from workbench.report.figures.course import courses_panel
from workbench.report.figures.icons import icons_panel
from workbench.report.sections import Figure
from workbench.report.tables import Table
from workbench.report.words import number, percent, sentence, signed

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.aims import Aim
    from workbench.report.figures.style import Panel
    from workbench.report.ground import Ground

BANDS = "Lines: means. Pale bands: range across {who} (the middle 80 % of them). "


def courses_figure(ground: Ground) -> Figure | None:
    """Draw the benefit over time, and each cost beside it."""
    panels, found, gaps = [], [], []
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
        panels.append(_panel(ground, f"over-time-{i}", aim, course, arms, frame))
        axis = _axis(ground, course)
        caption = f"{ground.title(aim)}, over time: mean (range across {ground.words.who})"
        query = ground.queries.course(ground.study, aim.course, arms)
        found.append(tables.course_table(ground.words, frame, caption, axis).of(f"over_time_{aim.name}", query))
        pair = ground.words.arm(aim.arm), ground.words.arm(aim.against)
        unit = "day" if _spans_days(course) else course.time_unit
        gaps.append((ground.words.measure("course", aim.course), *pair, *_gap(aim, frame, unit)))
    if not panels:
        return None
    columns = ("What", "Arm", "Compared with", "Largest difference of the means", "At", "Difference at the end")
    query = ground.queries.course(ground.study, ground.aims.all[0].course)
    found.insert(0, Table("Difference over time", columns, tuple(gaps)).of("over_time_gaps", query))
    caption = BANDS.format(who=ground.words.who) + "The first panel is the benefit, those beside it are the costs. "
    what, arm, against, largest, when, last = gaps[0]
    take = f"{what}: over time “{arm}” and “{against}” differ most at {when} ({largest}), and by {last} at the end"
    return Figure("over-time", sentence(take), panels, caption, found)


def _arms(ground: Ground, aim: Aim, course: Courses) -> list[str]:
    """Return the arm, the one beside it, and the one that this is compared with in turn."""
    base = str(ground.selection.arms.baseline[aim.against])
    wanted = [aim.arm, aim.against, *([base] if base and aim.name == "benefit" else [])]
    return [arm for arm in dict.fromkeys(wanted) if arm in course.by_arm]


def _in_days(frame: pd.DataFrame, course: Courses) -> pd.DataFrame:
    """Return a course of several days with its times in days, which is what people speak of."""
    return frame.assign(time=frame.time / HOURS_A_DAY) if _spans_days(course) else frame


def _spans_days(course: Courses) -> bool:
    return course.time_unit == "h" and float(course.times[-1]) >= 2 * HOURS_A_DAY


def _axis(ground: Ground, course: Courses) -> str:
    if course.time_unit == "trial":
        return ground.trial_axis
    return "days" if _spans_days(course) else f"time ({course.time_unit})"


def _panel(ground: Ground, name: str, aim: Aim, course: Courses, arms: list[str], frame: pd.DataFrame) -> Panel:
    words = ground.words
    shown = phases(arm_settings(ground.selection, aim.arm)) if course.time_unit == "trial" else ()
    if not days_declared(ground.selection):
        shown = tuple(replace(phase, per_day=0.0) for phase in shown)
    unit = "" if course.unit == "1" else f" ({course.unit})"
    label = f"{words.measure('course', aim.course)}{unit}"
    titled = [(arm, words.arm(arm)) for arm in arms]
    heading = words.measure("course", aim.course) if aim.name == "benefit" else ground.title(aim)
    return courses_panel(name, heading, frame, titled, (_axis(ground, course), label), shown)


def _gap(aim: Aim, frame: pd.DataFrame, unit: str) -> tuple[str, str, str]:
    """Return how far the two arms differ at most, when, and at the end."""
    by_arm = frame.pivot(index="time", columns="arm", values="mean")
    gap = by_arm[aim.arm] - by_arm[aim.against]
    place = int(gap.abs().to_numpy().argmax())
    at = float(by_arm.index.to_numpy(dtype=float)[place])
    when = f"{number(at)} h" if unit == "h" else f"{unit} {number(at)}"
    return signed(gap.iloc[place]), when, signed(gap.iloc[-1])


def icons_figure(ground: Ground) -> Figure | None:
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
        counted = (f"{of} ({n:,} of {one.n:,})" for n, of in zip(one.counts, one.of_hundred, strict=True))
        sums = str(sum(one.of_hundred[:2])), str(sum(one.of_hundred[3:]))
        rows.append((ground.title(one.aim), *pair, _size(one), *counted, *sums))
    columns = ("What", "Arm", "Compared with", "Cut", *CLASSES, "all better", "all worse")
    table = Table(f"Of 100 {ground.words.who}", columns, tuple(rows))
    query = ground.queries.pairs(ground.study, dict.fromkeys(one.aim.outcome for one in found))
    caption = (
        f"Each mark is one of 100 {ground.words.who}, held against the same one in the other arm. "
        + _cut(found)
        + " They differ only in the traits that the scenario gives them, so that they look more alike than people are."
    )
    take = _hundred(ground, found)
    return Figure("hundred", sentence(take), panels, caption, [table.of("of_hundred", query)])


def _labels(one: Shares) -> tuple[str, ...]:
    size = _size(one)
    return (f"better by at least {size}", "better by less", "the same", "worse by less", f"worse by at least {size}")


def _size(one: Shares) -> str:
    return percent(one.cut) if one.relative else f"{number(one.cut)} points"


def _cut(found: list[Shares]) -> str:
    if any(not one.relative for one in found):
        return "The cut is the smallest change that matters on the scale (source in the table of comparisons)."
    return f"The cut of {percent(found[0].cut)} is arbitrary: no clinical scale exists for this outcome."


def _hundred(ground: Ground, found: list[Shares]) -> str:
    said = []
    for one in found:
        much, some, same, less, bad = one.of_hundred
        arms = f"“{ground.words.arm(one.aim.arm)}” than with “{ground.words.arm(one.aim.against)}”"
        better, worse = much + some, less + bad
        if better >= worse:
            said.append(f"{better} do better with {arms} ({much} {_labels(one)[0].removeprefix('better ')})")
        else:
            said.append(f"{worse} do worse with {arms} ({bad} {_labels(one)[4].removeprefix('worse ')})")
        if same == 100:
            said[-1] = f"none differs between {arms.replace(' than with ', ' and ')}"
    return f"Of 100 {ground.words.who}, " + "; ".join(said)
