"""Paired differences: calculation error thick, range across subjects thin, range over parameters a dashed box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.report.figures.style import BLACK, BLUE, GREEN, GREY, RUST, Margins, Panel, drawing
from workbench.report.words import cut, each

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW, WIDE, NARROW = 0.66, 4.6, 3.6


@dataclass(frozen=True)
class Extras:
    """Beside the comparisons: `boxes` (low, median, high) over parameter sets by row; a `meaningful` size."""

    boxes: Mapping[int, tuple[float, float, float]] = field(default_factory=dict)
    meaningful: float | None = None


def effects_panel(
    name: str,
    heading: str,
    rows: pd.DataFrame,
    labels: list[str],
    axis: tuple[str, str],
    extras: Extras | None = None,
    width: float = WIDE,
) -> Panel:
    """Draw the rows of `analysis.compare` for one outcome; `labels` name them.

    `axis` is the label, and which direction is better ("lower", "higher" or "").
    """
    from matplotlib.ticker import MaxNLocator

    label_x, better = axis
    extras = extras or Extras()
    with drawing(name, width, ROW * len(rows), Margins(left=0.12, top=0.3, right=0.12)) as (axes, drawn):
        for y, (row, label) in enumerate(zip(each(rows), labels, strict=True)):
            if y in extras.boxes:
                _box(axes, y, extras.boxes[y])
            _row(axes, y, row, label, better)
        axes.axvline(0, color=GREY, linewidth=0.8, zorder=0)
        for size in (extras.meaningful, -extras.meaningful) if extras.meaningful else ():
            axes.axvline(size, color=GREEN, linewidth=1, linestyle=(0, (1, 2)), zorder=0)
        axes.set_ylim(len(rows) - 0.6, -0.8)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.margins(x=0.08)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel(cut(label_x, 62))
        if better:
            sides = ("better", "worse") if better == "lower" else ("worse", "better")
            axes.set_title(f"← {sides[0]}", loc="left", color=GREY)
            axes.set_title(f"{sides[1]} →", loc="right", color=GREY)
    flat = [" ".join(label.split()) for label in labels]
    said = " ".join(f"{label}." for label in flat)
    return Panel(heading, drawn.svg, f"{heading}. Mean differences: {said} The numbers stand in the table.")


def _row(axes: Axes, y: int, row: Any, label: str, better: str) -> None:
    """Draw one comparison: thin the range across subjects, thick the calculation error, a marker for the mean."""
    harm = bool(better) and (row.difference > 0) == (better == "lower") and row.difference != 0
    colour, marker = (RUST, "s") if harm else (BLUE, "o")
    if not pd.isna(row.p10):
        axes.plot([row.p10, row.p90], [y, y], color=colour, linewidth=1, solid_capstyle="butt")
    if not pd.isna(row.low):
        axes.plot([row.low, row.high], [y, y], color=colour, linewidth=5, alpha=0.55, solid_capstyle="butt")
    face = "white" if harm else colour
    axes.plot([row.difference], [y], marker=marker, color=colour, markersize=6, markerfacecolor=face)
    axes.annotate(
        label,
        (0, y - 0.43),
        xycoords=("axes fraction", "data"),
        fontsize=7.5,
        va="center",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},  # the line at zero passes behind the words
    )


def _box(axes: Axes, y: int, ends: tuple[float, float, float]) -> None:
    """Draw a range over parameter sets: a dashed box with its median, so that nobody takes it for a bar."""
    low, middle, high = ends
    axes.plot(
        [low, high, high, low, low],
        [y - 0.17, y - 0.17, y + 0.17, y + 0.17, y - 0.17],
        color=BLACK,
        linestyle=(0, (4, 3)),
        linewidth=1,
    )
    axes.plot([middle, middle], [y - 0.17, y + 0.17], color=BLACK, linewidth=1.6)
