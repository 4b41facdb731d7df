"""The first figure: what is given and when, and the window that it opens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workbench.analysis.protocol import days_declared
from workbench.analysis.time_course import bands, recorded_names
from workbench.analysis.timeline import UNITS, Lane, Timeline, timeline
from workbench.component.registry import registry
from workbench.inspection.window_courses import WindowShape, window_shapes
from workbench.report.drawing import BLACK, BLUE, GREEN, GREY, RUST, Margins, Panel, drawing
from workbench.report.figure import Figure
from workbench.report.page_tables import PageTable
from workbench.report.statements.figures import protocol_caption, protocol_take
from workbench.report.time_courses import mark_phases
from workbench.report.words import cut_text, name_in_words, number, sentence

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from workbench.analysis.protocol import Phase
    from workbench.report.ground import Ground


def protocol_figure(ground: Ground) -> Figure | None:
    """Draw doses, sessions and visits of the arm that the page is about, and what its dose opens or occupies."""
    aim = ground.aims.benefit
    found = timeline(ground.selection, aim.arm) if aim and aim.arm else None
    if found is None or aim is None:
        return None
    lanes = _labelled(ground, found)
    if not lanes:
        return None
    end = _horizon(ground, found)
    lanes = [(label, replace(lane, at=tuple(t for t in lane.at if t <= end))) for label, lane in lanes]
    curve = _curve(ground, found, end)
    axis = ground.trial_axis if found.unit == "trial" else f"{found.unit}s"
    shown = found.phases
    if not days_declared(ground.selection):
        shown = tuple(replace(phase, per_day=0.0) for phase in shown)
    panel = protocol_panel("protocol", ground.words.arm(aim.arm), lanes, curve, (axis, end), shown)
    caption = protocol_caption(ground.words, aim.arm, curve.title if curve else "")
    rows = tuple((label, lane.kind, _times(lane), found.unit) for label, lane in lanes)
    if curve is not None and (half := _half(curve)):
        words = f"{curve.title}, at least half of its highest; {_fineness(curve, found.unit)}"
        rows += ((words, "opened", f"{half[0]} to {half[1]}", found.unit),)
    shapes = window_shapes(ground.selection, aim.arm)
    for shape in shapes:
        label = f"{_window(ground, shape)}, by its equation, after one reference dose"
        when = f"{number(shape.half_from)} to {number(shape.half_to)}, peak at {number(shape.peak_at)}"
        rows += ((label, "half of its peak", when, "h"),)
    table = PageTable("What is given, and when", ("What", "Kind", "When", "Unit"), rows)
    query = ground.queries.settings(arm=aim.arm)
    take = protocol_take(_given(lanes, found), _open(curve, found.unit), [_by_equation(ground, s) for s in shapes])
    return Figure("protocol", take, [panel], caption, [table.of("protocol", query)])


def _window(ground: Ground, shape: WindowShape) -> str:
    declared = ground.selection.scenario.get("window", {}).get(shape.name, {})
    return str(declared.get("title", "")) or f"Window {name_in_words(shape.name)}"


def _by_equation(ground: Ground, shape: WindowShape) -> str:
    """Say when a window is half open after one reference dose, solved from its closed form."""
    return (
        f"{_window(ground, shape)}, solved from its equation for one reference dose given at once: half of its peak "
        f"{number(shape.half_from)} h after the dose, the peak at {number(shape.peak_at)} h, half of it again at "
        f"{number(shape.half_to)} h"
    )


def _labelled(ground: Ground, found: Timeline) -> list[tuple[str, Lane]]:
    """Return lanes with labels; all visits together are one lane."""
    given: dict[str, list[str]] = {}
    for r, said in ground.words.prescriptions(found.arm):
        given.setdefault(r.table, []).append(said + (f", {r.titration}" if r.titration else ""))
    words = {table: sentence("; ".join(said)).rstrip(".") for table, said in given.items()}
    labelled = [(words.get(lane.name, ""), lane) for lane in found.lanes if lane.kind == "dose"]
    for lane in (one for one in found.lanes if one.kind == "session"):
        declared = ground.selection.scenario.get("session", {}).get(lane.name, {})
        title = str(declared.get("title", "")) or name_in_words(lane.name)
        labelled.append((f"{cut_text(title, 60)}: {len(lane.at)} sessions" if len(lane.at) > 1 else title, lane))
    for lane in (one for one in found.lanes if one.kind == "event"):
        happens = ground.selection.scenario.get("event", {}).get(lane.name, {})
        title = str(happens.get("title", "")) or name_in_words(lane.name)
        labelled.append((f"{cut_text(title, 60)}, {len(lane.at)} times" if len(lane.at) > 1 else title, lane))
    visits = sorted({t for lane in found.lanes if lane.kind == "visit" for t in lane.at})
    if visits and labelled:
        labelled.append(("Visits at which the scale is scored", Lane("visit", "visits", at=tuple(visits))))
    return [(label or name_in_words(lane.name), lane) for label, lane in labelled]


def _horizon(ground: Ground, found: Timeline) -> float:
    """Return how far the axis goes: in days a little past the visit that the page is about, else to the end."""
    aim = ground.aims.benefit
    if found.unit != "day" or aim is None:
        return found.end
    specification = json.loads(str(ground.selection.measure("outcome", aim.outcome)["specification"]))
    visits = next((lane.at for lane in found.lanes if lane.name == specification.get("assessment")), ())
    last = [lane.at[-1] for lane in found.lanes if lane.kind != "visit" and lane.at]
    wanted = max([*visits, *last], default=found.end)
    return min(found.end, 1.05 * wanted) if visits else found.end


def _curve(ground: Ground, found: Timeline, end: float) -> DrugCurve | None:
    """Return the recorded course of a window; without one, of an occupancy."""
    readout = {name: dict(ground.selection.measure("course", name)) for name in recorded_names(ground.selection)}
    windows = [n for n, m in readout.items() if "window." in str(m["specification"])]
    known = registry()
    occupied = [n for n, m in readout.items() if known.offers("course", str(m["readout"]), "occupied share")]
    for name in [*windows, *occupied][:1]:
        course = ground.course(name)
        if course is None or found.arm not in course.by_arm:
            continue
        frame = bands(course)
        frame = frame[(frame.arm == found.arm)]
        scale = UNITS[found.unit] if course.time_unit == "h" else 1.0
        frame = frame.assign(time=frame.time / scale)
        frame = frame[frame.time <= end]
        if len(frame):
            return DrugCurve(ground.words.measure("course", name), frame)
    return None


def _times(lane: Lane) -> str:
    both = sorted([*lane.spans, *((time, time) for time in lane.at)])
    return ("; " if lane.spans else ", ").join(_stretch(start, stop) for start, stop in both)


def _stretch(start: float, stop: float) -> str:
    return number(start) if start == stop else f"{number(start)} to {number(stop)}"


def _given(lanes: list[tuple[str, Lane]], found: Timeline) -> list[str]:
    said = []
    for label, lane in lanes:
        if lane.kind == "dose":
            said.append(label + _in_trials(lane) if found.unit == "trial" else label)
        elif lane.kind == "event" and len(lane.at) == 1:
            said.append(f"{label} at {found.unit} {number(lane.at[0])}")
        elif lane.kind in ("session", "event") and lane.at:
            said.append(f"{label} from {found.unit} {number(lane.at[0])} to {found.unit} {number(lane.at[-1])}")
    return said


def _in_trials(lane: Lane) -> str:
    """Say over which trials a dose is given, or at which."""
    spans = " and ".join(_stretch(*span) for span in lane.spans)
    moments = " and ".join(number(time) for time in lane.at)
    return (f", in trials {spans}" if spans else "") + (f", at trial {moments}" if moments else "")


def _open(curve: DrugCurve | None, unit: str) -> str:
    """Say from when to when the curve's mean is at least half of its highest, and how finely that was recorded."""
    half = _half(curve) if curve is not None else None
    if curve is None or half is None:
        return ""
    return (
        f"{curve.title}, {_fineness(curve, unit)}, is at half of its highest or above from {unit} {half[0]} to {unit} "
        f"{half[1]}"
    )


def _fineness(curve: DrugCurve, unit: str) -> str:
    """Say how often a curve was recorded, which is how exactly its crossings are known."""
    steps = curve.frame.time.sort_values().diff().dropna()
    every = float(steps.max()) if len(steps) else 0.0
    if not every:
        return "recorded once"
    return f"recorded every {unit}" if every == 1 else f"recorded every {number(every)} {unit}s"


def _half(curve: DrugCurve) -> tuple[str, str] | None:
    """Return from when to when, None where there is nothing to halve."""
    mean: pd.Series[float] = curve.frame["mean"]
    if not mean.max() > 0:
        return None
    high = curve.frame[mean >= mean.max() / 2]
    return number(high.time.min()), number(high.time.max())


LOOKS = {"dose": (BLUE, "v"), "session": (GREEN, "D"), "event": (BLACK, "|"), "visit": (GREY, "|")}
LANE, WINDOW = 0.42, 1.1
FEW = 12
"""Moments, or stretches, of a lane that its description lists."""


@dataclass(frozen=True)
class DrugCurve:
    """What a dose opens or occupies, over time: `frame` has time, mean, p10 and p90."""

    title: str
    frame: pd.DataFrame


def protocol_panel(
    name: str,
    heading: str,
    lanes: Sequence[tuple[str, Lane]],
    curve: DrugCurve | None,
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
            _draw_curve(axes, bottom, curve)
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
        cut_text(text, 90),
        (0, y),
        xycoords=("axes fraction", "data"),
        fontsize=7.5,
        va="center",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
    )


def _draw_curve(axes: Axes, top: float, curve: DrugCurve) -> None:
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
    spans = [f"from {number(a)} to {number(b)}" for a, b in lane.spans[:FEW]]
    moments = [f"at {', '.join(number(t) for t in lane.at[:FEW])}"] if lane.at else []
    more = " and so on" if max(len(lane.at), len(lane.spans)) > FEW else ""
    return ", ".join((*spans, *moments)) + more
