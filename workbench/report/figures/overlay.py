"""All arms of one course in one drawing, for pages that show many scenarios at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.labels import apart
from workbench.report.figures.style import BLUE, GREY, LINES, RUST, Margins, Panel, drawing
from workbench.report.words import cut, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

MOST_LINES = len(LINES)
STEEP = 1e3
"""Means further apart than this factor are drawn on a logarithmic scale."""
LONG = 5.0
"""So is time, where one arm lasts that much longer than another."""


def overlay_panel(name: str, heading: str, frame: pd.DataFrame, titles: Mapping[str, str], axis: str) -> Panel:
    """Draw the mean of each arm over time, with the middle 80 % of subjects as a band; each line has its own dashes.

    Parameters
    ----------
    frame : data frame of `analysis.course.bands`
    titles : arm -> words, in the order of the lines
    """
    there = [arm for arm in titles if arm in set(frame.arm)]
    shown = there[:MOST_LINES]
    heading += f" ({len(shown)} of {len(there)} arms)" if len(there) > len(shown) else ""
    means = {arm: np.asarray(frame[frame.arm == arm]["mean"], dtype=np.float64) for arm in shown}
    with drawing(name, 4.4, 2.1, Margins(left=0.72, bottom=0.48).with_legend(len(shown))) as (axes, drawn):
        named = apart([titles[arm] for arm in shown], 56)
        for place, arm in enumerate(shown):
            colour, dash, marker = LINES[place]
            mine = frame[frame.arm == arm]
            if not _steep(means):
                axes.fill_between(mine.time, mine.p10, mine.p90, color=colour, alpha=0.15, linewidth=0)
            every = max(1, len(mine) // 6)
            axes.plot(
                mine.time, mine["mean"], color=colour, linestyle=dash, marker=marker, markersize=4,
                markevery=(place * every // max(len(shown), 1), every), label=named[place],
            )  # fmt: skip
        if _steep(means):
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        last = frame[frame.arm.isin(shown)].groupby("arm").time.max()
        if last.max() > LONG * last.min():
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel(axis)
        axes.tick_params(colors=GREY, labelcolor="black")
        axes.figure.legend(loc="lower center", ncols=1)
    said = "; ".join(f"{titles[a]} goes from {number(m[0])} to {number(m[-1])}" for a, m in means.items() if len(m))
    return Panel(heading, drawn.svg, f"{heading}. {said}.")


def _steep(means: Mapping[str, NDArray[np.float64]]) -> bool:
    values = np.concatenate([m for m in means.values() if len(m)] or [np.ones(1)])
    return bool(values.min() > 0.0 and values.max() > STEEP * values.min())


def checks_panel(name: str, heading: str, rows: Sequence[tuple[str, float, tuple[float, float]]]) -> Panel:
    """Draw where values lie in their accepted ranges, for a scenario that records no course.

    Parameters
    ----------
    rows : (words, value, accepted range); an end of a range may be infinite
    """
    with drawing(name, 4.4, 0.3 * len(rows) + 0.2, Margins(left=1.3, bottom=0.42)) as (axes, drawn):
        axes.axvspan(0.0, 1.0, color=GREY, alpha=0.15, linewidth=0)
        for y, (words, value, accept) in enumerate(rows):
            at = float(np.clip(_place(value, accept), -0.5, 1.5))
            inside = accept[0] <= value <= accept[1]
            axes.plot([at], [y], marker="o" if inside else "x", color=BLUE if inside else RUST, markersize=6)
            axes.annotate(cut(words, 24), (0, y), xycoords=("axes fraction", "data"), xytext=(-4, 0),
                          textcoords="offset points", ha="right", va="center", fontsize=7.5)  # fmt: skip
        axes.set(xlim=(-0.6, 1.6), ylim=(len(rows) - 0.4, -0.6), yticks=[])
        axes.set_xticks([0.0, 1.0], ["lowest accepted", "highest"])
    said = "; ".join(f"{words}: {number(value)}" for words, value, _ in rows)
    return Panel(heading, drawn.svg, f"{heading}. {said}.")


def _place(value: float, accept: tuple[float, float]) -> float:
    """Return 0 at the lower end of a range, 1 at the upper; where an end is open, just inside or outside the other."""
    low, high = accept
    if np.isfinite(low) and np.isfinite(high):
        return (value - low) / (high - low)
    if np.isfinite(low):
        return 0.5 if value >= low else -0.25
    return 0.5 if value <= high else 1.25
