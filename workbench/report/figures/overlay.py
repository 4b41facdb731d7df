"""All arms of one course in one drawing, for pages that show many scenarios at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.report.figures.style import GREY, LINES, Margins, Panel, drawing
from workbench.report.words import cut, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

MOST_LINES = len(LINES)
STEEP = 1e3
"""Means further apart than this factor are drawn on a logarithmic scale."""


def overlay_panel(name: str, heading: str, frame: pd.DataFrame, titles: Mapping[str, str], axis: str) -> Panel:
    """Draw the mean of each arm over time, with the middle 80 % of subjects as a band; each line has its own dashes.

    Parameters
    ----------
    frame : data frame of `analysis.course.bands`
    titles : arm -> words, in the order of the lines
    """
    shown = [arm for arm in titles if arm in set(frame.arm)][:MOST_LINES]
    means = {arm: np.asarray(frame[frame.arm == arm]["mean"], dtype=np.float64) for arm in shown}
    with drawing(name, 4.4, 2.1, Margins(left=0.72, bottom=0.48).with_legend(len(shown))) as (axes, drawn):
        for place, arm in enumerate(shown):
            colour, dash, marker = LINES[place]
            mine = frame[frame.arm == arm]
            if not _steep(means):
                axes.fill_between(mine.time, mine.p10, mine.p90, color=colour, alpha=0.15, linewidth=0)
            every = max(1, len(mine) // 6)
            axes.plot(
                mine.time, mine["mean"], color=colour, linestyle=dash, marker=marker, markersize=4,
                markevery=(place * every // max(len(shown), 1), every), label=cut(titles[arm], 56),
            )  # fmt: skip
        if _steep(means):
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel(axis)
        axes.tick_params(colors=GREY, labelcolor="black")
        axes.figure.legend(loc="lower center", ncols=1)
    said = "; ".join(f"{titles[a]} goes from {number(m[0])} to {number(m[-1])}" for a, m in means.items() if len(m))
    return Panel(heading, drawn.svg, f"{heading}. {said}.")


def _steep(means: Mapping[str, NDArray[np.float64]]) -> bool:
    values = np.concatenate([m for m in means.values() if len(m)] or [np.ones(1)])
    return bool(values.min() > 0.0 and values.max() > STEEP * values.min())
