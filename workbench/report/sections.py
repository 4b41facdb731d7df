"""The figures of a page: which frames are drawn, under which heading, with which table beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

import workbench.report.tables as tables
from workbench.analysis.dose import Ladder, dose_response, ladders
from workbench.analysis.maps import Grid, SweptAxis, cell_means, curves, grids, own_setting, swept_axes
from workbench.analysis.responders import responders
from workbench.report.figures.dose import Line, lines_panel
from workbench.report.figures.maps import inside, map_panel
from workbench.report.figures.style import Panel
from workbench.report.queries import Queries
from workbench.report.tables import Table
from workbench.report.words import Wording, each, number, percent, plain, sentence

if TYPE_CHECKING:
    pass

MOST_ENDS = 3
SPREAD = (
    "Pale bands: range across {who} (the middle 80 % of them). "
    "Thick bars: calculation error (95 % interval of the mean)."
)


@dataclass(frozen=True)
class Figure:
    """Panels under one take-away sentence, with what one needs to read them and the tables of their numbers."""

    id: str
    title: str
    panels: list[Panel]
    caption: str
    tables: list[Table] = field(default_factory=list)


def dose_figure(words: Wording, study: str, outcomes: list[str], told: list[str]) -> Figure | None:
    """Draw outcomes against the one setting that families of arms climb, such as the dose a day."""
    found = ladders(words.selection)
    if not found:
        return None
    climbed = [ladder for ladder in found if ladder.path == found[0].path]
    axis = words.axis(found[0].path, found[0].unit)
    panels, rows = [], []
    for i, outcome in enumerate(outcomes):
        title, lines = words.measure("outcome", outcome), []
        for ladder in climbed:
            frame = dose_response(words.selection, study, outcome, ladder)
            frame = frame[frame["mean"].notna()] if len(frame) else frame
            if len(frame):
                label = words.arm(ladder.steps[0][1])
                lines.append(Line(f"from “{label}” upwards", frame))
                rows += [
                    (title, words.arm(r.arm), number(r.x), r.mean, r.low, r.high, r.n, tables.span(r.p10, r.p90))
                    for r in each(frame)
                ]
        if lines:
            unit = words.selection.measure("outcome", outcome)["unit"]
            panels.append(lines_panel(f"dose-{i}", title, lines, (axis, "" if unit == "1" else str(unit))))
    if not panels:
        return None
    title = _dose_take(words, climbed[0], rows, told, axis)
    table = tables.line_table(words, f"Outcomes by {axis}", axis, rows)
    query = Queries(int(words.selection.facts["sweep"])).cells(study, outcomes)
    return Figure("dose", sentence(title), panels, SPREAD.format(who=words.who), [table.of("dose_chain", query)])


def _dose_take(words: Wording, ladder: Ladder, rows: list[tuple[Any, ...]], told: list[str], axis: str) -> str:
    """Say how the outcomes in `told` change from the lowest dose to the highest."""
    (low, first), (high, last) = ladder.steps[0], ladder.steps[-1]
    means = {(title, arm): mean for title, arm, _, mean, *_ in rows}
    said = []
    for outcome in told:
        title = words.measure("outcome", outcome)
        ends = means.get((title, words.arm(first))), means.get((title, words.arm(last)))
        if None not in ends:
            said.append(f"{title} goes from {number(ends[0], even=True)} to {number(ends[1], even=True)}")
    return f"With {axis} from {number(low)} to {number(high)}: {'; '.join(said)}"


def responder_figure(words: Wording, study: str, outcome: str) -> Figure | None:
    """Draw the share of subjects who improve by at least X %, for every X."""
    frame = responders(words.selection, study, outcome)
    frame = frame[frame.share.notna()]
    if frame.empty:
        return None
    title = words.measure("outcome", outcome)
    lines = [
        Line(words.arm(str(arm)), group.rename(columns={"threshold": "x", "share": "mean"})[["x", "mean"]])
        for arm, group in frame.groupby("arm", sort=False)
        if group.share.max() > 0
    ]
    caption = f"Counted are {words.who} at least X % better than themselves in the comparison arm; no X is privileged."
    at = int(frame.threshold.iloc[0])
    best = frame[frame.threshold == at].sort_values("share", kind="stable").iloc[-1]
    take = f"At least {at} % better in {title}: up to {percent(best.share)} of {words.who} (“{words.arm(best.arm)}”)"
    panels = (
        [lines_panel("responders", title, lines, ("improvement of at least (%)", f"share of {words.who}"))]
        if lines
        else []
    )
    return Figure(
        "responders",
        sentence(take),
        panels,
        caption,
        [
            tables.responder_table(words, frame, f"Share of {words.who} improved, {title}").of(
                "responders", Queries(int(words.selection.facts["sweep"])).pairs(study, [outcome])
            )
        ],
    )


def swept_figures(words: Wording, study: str, outcome: str) -> Iterator[Figure]:
    """Draw a study that sweeps settings: lines or dots over one axis, maps over two."""
    axes = swept_axes(words.selection, study)
    present = set(cell_means(words.selection, study).outcome)
    outcome = outcome if outcome in present else next(iter(sorted(present)), "")
    if not outcome:
        return
    if len(axes) == 1:
        yield _curve(words, study, outcome)
    elif len(axes) == 2:
        yield _maps(words, study, outcome)


def _study_title(words: Wording, study: str) -> str:
    return str(words.selection.studies.title[study]) or plain(study)


def _curve(words: Wording, study: str, outcome: str) -> Figure:
    selection = words.selection
    axis = swept_axes(selection, study)[0]
    frame = curves(selection, study)
    title = words.measure("outcome", outcome)
    label = _axis_label(words, axis)
    rows, lines = [], []
    for arm, group in frame[frame.outcome == outcome].groupby("arm", sort=False):
        half = 1.96 * group.se
        shown = group.assign(
            x=group.value.astype(float) if axis.numeric else group.place,
            low=group["mean"] - half,
            high=group["mean"] + half,
        )
        own = own_setting(selection, str(arm), axis)
        lines.append(Line(words.arm(str(arm)), shown, own if axis.numeric and isinstance(own, float) else None))
        rows += [
            (title, words.arm(str(arm)), v if isinstance(v, str) else number(v), m, low, high, n, "")
            for v, m, low, high, n in zip(shown.value, shown["mean"], shown.low, shown.high, shown.n, strict=True)
        ]
    words_on_axis = () if axis.numeric else [str(v) for v in axis.levels]
    panel = lines_panel(f"sweep-{study}", title, lines, (label, title), words_on_axis, axis.logarithmic)
    caption = "Thick bars: calculation error (95 % interval of the mean, central limit)." + (
        " Upright lines: the value that the arm itself has." if axis.numeric else ""
    )
    table = tables.line_table(words, f"{title} by {label}", label, rows)
    query = Queries(int(selection.facts["sweep"])).cells(study, [outcome])
    shown_table = table.of(f"sweep_{study}", query)
    take = f"{_study_title(words, study)}: {title} goes from {_ends(lines)}" if lines else _study_title(words, study)
    return Figure(f"sweep-{study}", sentence(take), [panel], caption, [shown_table])


def _ends(lines: list[Line]) -> str:
    """Say where each line begins and ends."""
    ends = ((line.label, line.frame["mean"].iloc[0], line.frame["mean"].iloc[-1]) for line in lines[:MOST_ENDS])
    said = [f"{number(a, even=True)} to {number(b, even=True)} in “{label}”" for label, a, b in ends]
    return ", from ".join(said) + (f", and so on ({len(lines)} arms)" if len(lines) > MOST_ENDS else "")


def _axis_label(words: Wording, axis: SweptAxis) -> str:
    label = words.axis(axis.path, axis.unit, axis.relative)
    return f"{label} and {len(axis.together)} more in step" if axis.together else label


def _maps(words: Wording, study: str, outcome: str) -> Figure:
    found = grids(words.selection, study, outcome)
    title = words.measure("outcome", outcome)
    means = np.concatenate([g.mean.ravel() for g in found])
    known = means[~np.isnan(means)]
    scale = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    x, y = found[0].x, found[0].y
    labels = _axis_label(words, x), _axis_label(words, y), title
    panels = [map_panel(f"map-{study}-{i}", words.arm(g.arm), g, labels, scale) for i, g in enumerate(found)]
    where = [_own_words(words, g) for g in found]
    runs = sorted({int(n) for g in found for n in np.unique(g.n)} - {0})
    caption = (
        f"Mean of {title} over {' or '.join(map(str, runs)) or 'no'} {words.who} a cell, one colour scale for all maps."
        " The star is the arm's own setting. "
        + " ".join(where)
        + (" Crossed cells hold failed runs." if any(g.failed.any() for g in found) else "")
    )
    named = [
        f"{plain(axis.path)} moves together with {', '.join(plain(p) for p in axis.together)}."
        for axis in (x, y)
        if axis.together
    ]
    found_tables = [
        tables.grid_table(words, g, f"{_study_title(words, study)}: {title}, {words.arm(g.arm)}").of(
            f"map_{study}_{g.arm}", Queries(int(words.selection.facts["sweep"])).cells(study, [outcome])
        )
        for g in found
    ]
    ranges = [
        f"{number(np.nanmin(g.mean), even=True)} to {number(np.nanmax(g.mean), even=True)} in “{words.arm(g.arm)}”"
        for g in found
        if not np.isnan(g.mean).all()
    ]
    take = (
        f"{_study_title(words, study)}: {title} runs from {', from '.join(ranges)}"
        if ranges
        else f"{_study_title(words, study)}: no run finished"
    )
    return Figure(f"map-{study}", sentence(take), panels, " ".join([caption, *map(sentence, named)]), found_tables)


def _own_words(words: Wording, grid: Grid) -> str:
    if None in grid.own:
        return f"“{words.arm(grid.arm)}” has no single place on this map."
    at = " and ".join(
        f"{plain(a.path)} {v if isinstance(v, str) else number(v)}"
        for a, v in zip((grid.x, grid.y), grid.own, strict=True)
    )
    return f"“{words.arm(grid.arm)}” stands at {at}{'' if inside(grid) else ', outside this map'}."
