"""The figures of a page: which frames are drawn, under which heading, with which table beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

import workbench.report.page_tables as tables
from workbench.analysis.dose_response import dose_response, ladders
from workbench.analysis.maps import Grid, SweptAxis, cell_means, curves, grids, own_setting, swept_axes
from workbench.analysis.paired import studies_to_compare
from workbench.analysis.responders import responders
from workbench.report.dose_lines import FEWEST_DOSES, lines_panel
from workbench.report.figure import Figure, Line
from workbench.report.queries import Queries
from workbench.report.setting_maps import ArmLevel, inside, map_panel
from workbench.report.statements.figures import (
    curve_caption,
    curve_take,
    dose_caption,
    dose_take,
    improved_caption,
    improved_take,
    map_caption,
    map_take,
    own_places,
)
from workbench.report.words import Wording, name_in_words, number, row_records


def dose_figure(words: Wording, study: str, outcomes: list[str], leading: list[str]) -> Figure | None:
    """Draw outcomes over arms that differ in nothing but the dose; None where fewer than four doses were given.

    `leading` are the outcomes that the figure's first sentence is about.
    """
    found = [ladder for ladder in ladders(words.selection) if ladder.path == ladders(words.selection)[0].path]
    if not found or max(len({x for x, _ in ladder.steps if x > 0}) for ladder in found) < FEWEST_DOSES:
        return None
    axis = words.axis(found[0].path, found[0].unit)
    panels, rows, first = [], [], {}
    for i, outcome in enumerate(outcomes):
        title, lines = words.measure("outcome", outcome), []
        for ladder in found:
            frame = dose_response(words.selection, study, outcome, ladder)
            frame = frame[frame["mean"].notna()] if len(frame) else frame
            if len(frame):
                label = words.arm(ladder.steps[0][1])
                lines.append(Line(f"from “{label}” upwards", frame))
                rows += [
                    (title, words.arm(r.arm), number(r.x), r.mean, r.low, r.high, r.n, tables.span(r.p10, r.p90))
                    for r in row_records(frame)
                ]
        if lines:
            first[outcome] = lines[0]
            unit = words.selection.measure("outcome", outcome)["unit"]
            panels.append(lines_panel(f"dose-{i}", title, lines, (axis, "" if unit == "1" else str(unit))))
    if not panels:
        return None
    said = [(outcome, first[outcome]) for outcome in leading if outcome in first]
    table = tables.line_table(words, f"Outcomes by {axis}", axis, rows)
    query = Queries(int(words.selection.facts["sweep"])).cells(study, outcomes)
    take, caption = dose_take(words, said, axis), dose_caption(words)
    return Figure("dose", take, panels, caption, [table.of("dose_chain", query)])


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
    panels = (
        [lines_panel("responders", title, lines, ("improvement of at least (%)", f"share of {words.who}"))]
        if lines
        else []
    )
    return Figure(
        "responders",
        improved_take(words, title, frame),
        panels,
        improved_caption(words),
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
    return str(words.selection.studies.title[study]) or name_in_words(study)


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
    table = tables.line_table(words, f"{title} by {label}", label, rows)
    query = Queries(int(selection.facts["sweep"])).cells(study, [outcome])
    shown_table = table.of(f"sweep_{study}", query)
    take = curve_take(words, study, outcome, lines, words_on_axis)
    return Figure(f"sweep-{study}", take, [panel], curve_caption(axis.numeric), [shown_table])


def _axis_label(words: Wording, axis: SweptAxis) -> str:
    label = words.axis(axis.path, axis.unit, axis.relative)
    return f"{label} and {len(axis.together)} more in step" if axis.together else label


def _level(words: Wording, outcome: str, found: Sequence[Grid]) -> ArmLevel | None:
    """Return the value of the arm that the others are compared with, without any sweep, in the people of the map."""
    baselines = words.selection.arms.baseline
    first = next((g.arm for g in found if not baselines[g.arm] and g.arm in set(baselines)), None)
    if first is None:
        return None
    rows = words.selection.values(studies_to_compare(words.selection)[0], outcome)
    own = rows[(rows["arm"] == first) & (rows["subject"] < max(int(g.n.max()) for g in found))]["value"]
    return ArmLevel(float(own.mean()), words.arm(first)) if len(own) else None


def _maps(words: Wording, study: str, outcome: str) -> Figure:
    found = grids(words.selection, study, outcome)
    title = words.measure("outcome", outcome)
    means = np.concatenate([g.mean.ravel() for g in found])
    known = means[~np.isnan(means)]
    scale = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    x, y = found[0].x, found[0].y
    labels = _axis_label(words, x), _axis_label(words, y), title
    level = _level(words, outcome, found)
    panels = [map_panel(f"map-{study}-{i}", words.arm(g.arm), g, labels, scale, level) for i, g in enumerate(found)]
    places = list(own_places(words, found, inside))
    found_tables = [
        tables.grid_table(words, g, f"{_study_title(words, study)}: {title}, {words.arm(g.arm)}").of(
            f"map_{study}_{g.arm}", Queries(int(words.selection.facts["sweep"])).cells(study, [outcome])
        )
        for g in found
    ]
    take, caption = map_take(words, study, title, found), map_caption(words, title, found, places)
    return Figure(f"map-{study}", take, panels, caption, found_tables)
