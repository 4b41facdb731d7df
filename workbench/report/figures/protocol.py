"""What is given and when: a lane for doses, for sessions, for visits, and the window that a dose opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.report.figures.style import BLACK, BLUE, GREEN, GREY, RUST, Margins, Panel, drawing
from workbench.report.time_courses import mark_phases
from workbench.report.words import cut, number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from workbench.analysis.protocol import Phase
    from workbench.analysis.timeline import Lane

LOOKS = {"dose": (BLUE, "v"), "session": (GREEN, "D"), "visit": (GREY, "|")}
LANE, WINDOW = 0.42, 1.1


@dataclass(frozen=True)
class Curve:
    """What a dose opens or occupies, over time: `frame` has time, mean, p10 and p90."""

    title: str
    frame: pd.DataFrame


def protocol_panel(
    name: str,
    heading: str,
    lanes: Sequence[tuple[str, Lane]],
    curve: Curve | None,
    axis: tuple[str, float],
    phases: Sequence[Phase] = (),
) -> Panel:
    """Draw lanes under their labels; `axis` is the label and the end of the time axis."""
    label, end = axis
    height = LANE * (len(lanes) + (0.6 if phases else 0.0)) + (WINDOW if curve else 0.15)
    with drawing(name, 5.2, height, Margins(left=0.15, right=0.3, bottom=0.62 if phases else 0.45)) as (axes, drawn):
        for y, (text, lane) in enumerate(lanes):
            _lane(axes, y, text, lane)
        bottom = float(len(lanes))
        if curve:
            _curve(axes, bottom, curve)
        axes.set_ylim(bottom + (WINDOW / LANE if curve else 0.2), -1.35 if phases else -0.75)
        axes.set_xlim(-0.02 * end, end)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        mark_phases(axes, phases)
        axes.set_xlabel(label)
    said = "; ".join(f"{text}: {_spoken(lane)}" for text, lane in lanes)
    return Panel(heading, drawn.svg, f"{heading}. {said}. The times stand in the table.")


def _lane(axes: Axes, y: int, text: str, lane: Lane) -> None:
    colour, marker = LOOKS[lane.kind]
    for start, stop in lane.spans:
        axes.plot([start, stop], [y, y], color=colour, linewidth=7, solid_capstyle="butt", alpha=0.75)
    if lane.at:
        axes.plot(lane.at, [y] * len(lane.at), linestyle="", marker=marker, color=colour, markersize=4.5)
    _label(axes, y - 0.42, text)


def _label(axes: Axes, y: float, text: str) -> None:
    axes.annotate(
        cut(text, 90),
        (0, y),
        xycoords=("axes fraction", "data"),
        fontsize=7.5,
        va="center",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
    )


def _curve(axes: Axes, top: float, curve: Curve) -> None:
    """Draw the curve upright in its own lane, 0 at the bottom, its largest value at the top."""
    room = WINDOW / LANE - 0.75
    mean = float(curve.frame["mean"].max())
    highest = max(float(curve.frame.p90.max()), mean) or 1.0
    base = top + WINDOW / LANE - 0.1

    def place(values: pd.Series[float]) -> pd.Series[float]:
        return base - room * values / highest

    frame = curve.frame
    axes.fill_between(frame.time, place(frame.p10), place(frame.p90), color=RUST, alpha=0.2, linewidth=0)
    axes.plot(frame.time, place(frame["mean"]), color=RUST, linestyle="--")
    axes.plot([frame.time.min(), frame.time.max()], [base, base], color=BLACK, linewidth=0.5)
    _label(axes, top - 0.2, f"{curve.title} (highest mean {number(mean, 2)})")


def _spoken(lane: Lane) -> str:
    if lane.spans:
        return ", ".join(f"from {number(a)} to {number(b)}" for a, b in lane.spans)
    few = [number(t) for t in lane.at[:12]]
    return "at " + ", ".join(few) + (" and so on" if len(lane.at) > 12 else "")
