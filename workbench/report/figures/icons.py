"""Of a hundred: ten rows of ten marks, told apart by shape as well as by colour."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.report.figures.style import BLUE, GREY, RUST, Margins, Panel, drawing
from workbench.report.words import cut

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
                label=cut(f"{of_hundred[i]} {labels[i]}", 42),
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
