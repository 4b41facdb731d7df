"""Time courses: each arm with its band, beside its baseline arm, phases marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.report.figures.style import BLUE, GREY, LINES, Margins, Panel, drawing
from workbench.report.words import cut, number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from workbench.analysis.protocol import Phase


def course_panel(
    name: str,
    heading: str,
    frame: pd.DataFrame,
    arms: tuple[str, str, str, str],
    axis: tuple[str, str],
    phases: Sequence[Phase],
) -> Panel:
    """Draw one arm against its baseline.

    `frame` is `analysis.course.bands`; `arms` are (arm, its title, baseline or "", its title); `axis` labels x and y.
    """
    arm, title, base, base_title = arms
    mine, theirs = frame[frame.arm == arm], frame[frame.arm == base]
    with drawing(name, margins=Margins(right=0.32, bottom=0.62).with_legend(1 + bool(len(theirs)))) as (axes, drawn):
        limits = float(frame.p10.min()), float(frame.p90.max())
        if len(theirs):
            axes.fill_between(
                theirs.time, theirs.p10, theirs.p90, facecolor="none", edgecolor="#9A9A9A", hatch="////", linewidth=0
            )
            axes.plot(theirs.time, theirs["mean"], color=GREY, linestyle="--", label=cut(base_title))
        axes.fill_between(mine.time, mine.p10, mine.p90, color=BLUE, alpha=0.2, linewidth=0)
        axes.plot(mine.time, mine["mean"], color=BLUE, label=cut(title))
        room = (limits[1] - limits[0]) * 0.06 or 0.05
        axes.set_ylim(limits[0] - room, limits[1] + 3 * room)
        mark_phases(axes, phases)
        axes.set_xlabel(axis[0])
        axes.set_ylabel(cut(axis[1], 30))
        axes.figure.legend(loc="lower center", ncols=1)
    return Panel(heading, drawn.svg, _alt(heading, mine, theirs, title, base_title))


def courses_panel(
    name: str,
    heading: str,
    frame: pd.DataFrame,
    arms: Sequence[tuple[str, str]],
    axis: tuple[str, str],
    phases: Sequence[Phase],
) -> Panel:
    """Draw several arms (name, title) in one panel, each with its band, colour and dashes."""
    margins = Margins(right=0.32, bottom=0.62).with_legend(len(arms))
    mine = {arm: frame[frame.arm == arm] for arm, _ in arms}
    with drawing(name, 3.9, 2.1, margins) as (axes, drawn):
        for (arm, title), (colour, dashes, _) in zip(arms, LINES, strict=False):
            one = mine[arm]
            axes.fill_between(one.time, one.p10, one.p90, color=colour, alpha=0.15, linewidth=0)
            for edge in (one.p10, one.p90):  # in grey the edges still tell the bands apart
                axes.plot(one.time, edge, color=colour, linestyle=dashes, linewidth=0.5)
            axes.plot(one.time, one["mean"], color=colour, linestyle=dashes, linewidth=1.9, label=cut(title, 46))
        low = min(float(one.p10.min()) for one in mine.values())
        high = max(float(one.p90.max()) for one in mine.values())
        room = (high - low) * 0.06 or 0.05
        axes.set_ylim(low - room, high + 3 * room)
        mark_phases(axes, phases)
        axes.set_xlabel(axis[0], fontsize=7.5)
        axes.set_ylabel(cut(axis[1], 36))
        axes.figure.legend(loc="lower center", ncols=1)
    said = [
        f"{title} goes from {number(mine[arm]['mean'].iloc[0])} to {number(mine[arm]['mean'].iloc[-1])}"
        for arm, title in arms
    ]
    return Panel(heading, drawn.svg, f"{heading}. {'; '.join(said)}. The numbers stand in the table.")


def mark_phases(axes: Axes, phases: Sequence[Phase]) -> None:
    """Draw the phases' borders, and below each trial number the days it would take if the protocol says so."""
    if len(phases) < 2:
        return
    top = axes.get_ylim()[1]
    for phase in phases:
        axes.axvline(phase.start, color="#CCCCCC", linewidth=0.8, zorder=0)
        axes.text(
            (phase.start + phase.stop) / 2, top, cut(phase.name, 12), ha="center", va="top", color=GREY, fontsize=7.5
        )
    borders = [phase.start for phase in phases] + [phases[-1].stop]
    rates = {phase.per_day for phase in phases}
    rate = rates.pop() if len(rates) == 1 else 0.0
    labels = [f"{b:,}\n({b / rate:,.0f} d)" if rate else f"{b:,}" for b in borders]
    axes.set_xticks(borders, labels)
    axes.set_xlim(borders[0], borders[-1])


def _alt(heading: str, mine: pd.DataFrame, theirs: pd.DataFrame, title: str, base: str) -> str:
    said = [
        f"{name} goes from {number(f['mean'].iloc[0])} to {number(f['mean'].iloc[-1])}"
        for name, f in ((title, mine), (base, theirs))
        if len(f)
    ]
    return f"{heading}. {'; '.join(said)}. The numbers stand in the table."
