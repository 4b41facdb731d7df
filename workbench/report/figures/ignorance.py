"""Ranges over plausible parameters: dashed boxes, so that nobody takes them for spread or calculation error."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.labels import apart
from workbench.report.figures.style import BLACK, GREY, Margins, Panel, drawing
from workbench.report.words import cut, number, signed

if TYPE_CHECKING:
    from workbench.analysis.parameter_uncertainty import Plausible

ROW = 0.5


def ignorance_panel(
    name: str,
    heading: str,
    rows: Sequence[Plausible],
    labels: Sequence[str],
    shipped: Sequence[float | None],
    axis: tuple[str, str],
    held: Collection[int] = (),
) -> Panel:
    """Draw each comparison's differences over parameter sets.

    A dot is one set (dark if it is one of `held`), the box the middle 90 %, its line the median; the diamond is the
    shipped set (`shipped`).
    `axis` is the label, and which direction is better ("lower", "higher" or "").
    """
    label, better = axis
    with drawing(name, 4.5, ROW * len(rows), Margins(left=0.12, top=0.3, right=0.12)) as (axes, drawn):
        for y, (row, text, own) in enumerate(zip(rows, apart(labels, 66), shipped, strict=True)):
            (low, high), middle = row.range, row.middle
            lift = 0.13 * np.cos(np.arange(row.points) * 2.4)  # a fixed spread, so that dots do not hide each other
            axes.scatter(row.differences, y + lift, s=4, color=GREY, alpha=0.45, linewidths=0)
            dark = np.isin(row.sets, list(held))
            axes.scatter(row.differences[dark], (y + lift)[dark], s=5, color=BLACK, linewidths=0)
            axes.plot(
                [low, high, high, low, low],
                [y - 0.22, y - 0.22, y + 0.22, y + 0.22, y - 0.22],
                color="#222222",
                linestyle=(0, (4, 3)),
                linewidth=1,
            )
            axes.plot([middle, middle], [y - 0.22, y + 0.22], color="#222222", linewidth=1.6)
            if own is not None:
                axes.plot([own], [y], marker="D", color="#D55E00", markersize=5, markeredgecolor="white")
            axes.annotate(
                text,
                (0, y - 0.38),
                xycoords=("axes fraction", "data"),
                fontsize=7.5,
                va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )
        axes.axvline(0, color=GREY, linewidth=0.8, zorder=0)
        axes.set_ylim(len(rows) - 0.5, -0.75)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.margins(x=0.06)
        axes.set_xlabel(cut(label, 60))
        if better:
            sides = ("better", "worse") if better == "lower" else ("worse", "better")
            axes.set_title(f"← {sides[0]}", loc="left", color=GREY)
            axes.set_title(f"{sides[1]} →", loc="right", color=GREY)
    said = " ".join(
        f"{text}: {number(row.range[0])} to {number(row.range[1])}, median {signed(row.middle)}."
        for row, text in zip(rows, labels, strict=True)
    )
    return Panel(
        heading, drawn.svg, f"{heading}. Middle 90 % over parameter sets: {said} The numbers stand in the table."
    )
