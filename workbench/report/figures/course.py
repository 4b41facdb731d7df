"""Time courses: each arm with its band, beside its baseline arm, phases marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.report.figures.style import GREY, LINES, Margins, Panel, drawing
from workbench.report.words import cut, number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from workbench.analysis.protocol import Phase


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
