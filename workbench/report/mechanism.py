"""The figures of the mechanism: when the session should be, the chain from the dose, maps over two settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

import workbench.report.page_tables as tables
import workbench.report.sections as sections
from workbench.analysis.dose_response import chain_studies
from workbench.analysis.maps import Grid, SweptAxis, pair_grid, swept_axes
from workbench.analysis.parameter_uncertainty import designs
from workbench.component.field_path import field_path
from workbench.component.registry import registry
from workbench.quantities import HOURS_PER_DAY
from workbench.report.dose_lines import chain_figure
from workbench.report.figure import Figure
from workbench.report.setting_maps import map_panel
from workbench.report.statements.figures import pair_map_caption, session_map_take, turning_take
from workbench.report.statements.opening import turning
from workbench.report.words import name_in_words, number

if TYPE_CHECKING:
    from workbench.analysis.aims import Aim
    from workbench.report.ground import Ground

MOST = 2
LINKS = ("linear in dose", "occupied share", "half at 0.5")
"""Readouts that stand between a dose and its effects."""


def mechanism_figures(ground: Ground) -> list[Figure]:
    """Return at most two figures: a map of the session's time, the chain from the dose, a map by condition."""
    found: list[Figure] = []
    for figure in _candidates(ground):
        if figure is not None and len(found) < MOST:
            found.append(figure)
    return found


def _candidates(ground: Ground) -> Iterator[Figure | None]:
    studies = [str(s) for s in ground.selection.studies.index]
    yield from (_session_map(ground, s) for s in studies if _times_a_session(ground, s))
    chains = chain_studies(ground.selection)
    if chains:
        yield chain_figure(ground.words, chains[0])
    else:
        yield dose_chain(ground)
    spread = designs(ground.selection)
    swept = (s for s in studies if s not in spread and s not in chains and not _times_a_session(ground, s))
    if ground.main:
        for study in swept:
            axes = swept_axes(ground.selection, study)
            if len(axes) == 2 and all(axis.numeric for axis in axes):
                yield from sections.swept_figures(ground.words, study, ground.main)


def _times_a_session(ground: Ground, study: str) -> bool:
    axes = swept_axes(ground.selection, study)
    return len(axes) == 2 and any(_is_session(axis) for axis in axes)


def _is_session(axis: SweptAxis) -> bool:
    path = field_path(axis.path)
    return path.section == "session" and path.field in ("first", "every")


def turning_figure(ground: Ground) -> Figure | None:
    """Draw the comparison over the first study that turns its sign; None where none does, or none over two settings."""
    aim = ground.aims.benefit
    for moved in turning(ground) if aim is not None else ():
        axes = swept_axes(ground.selection, moved.study)
        grid = pair_grid(ground.selection, moved.study, aim) if aim is not None and len(axes) == 2 else None
        if grid is None or aim is None or np.isnan(grid.mean).all():
            continue
        words = ground.words
        outcome = words.measure("outcome", grid.outcome)
        names = words.axis(grid.x.path, grid.x.unit), words.axis(grid.y.path, grid.y.unit)
        edge = float(np.nanmax(np.abs(grid.mean)))
        heading = f"“{words.arm(aim.arm)}” against “{words.arm(aim.against)}”"
        panel = map_panel(f"turns-{moved.study}", heading, grid, (*names, f"difference in {outcome}"), (-edge, edge))
        table = tables.grid_table(words, grid, f"Difference in {outcome}: where its sign turns")
        named = table.of(f"turns_{moved.study}", ground.queries.cells(moved.study, [grid.outcome]))
        title = str(ground.selection.studies.title[moved.study]) or name_in_words(moved.study)
        take = turning_take(ground, title, names, grid)
        return Figure(f"turns-{moved.study}", take, [panel], pair_map_caption(ground, outcome, grid, aim.pair), [named])
    return None


def dose_chain(ground: Ground) -> Figure | None:
    """Draw every link from the dose to the benefit and its cost, over arms that differ in nothing but the dose."""
    of = {name: ground.selection.measure("outcome", name)["readout"] for name in ground.outcomes}
    known = registry()
    place = {name: i for i, what in enumerate(LINKS) for name in of if known.offers("outcome", of[name], what)}
    links = [name for name in ground.outcomes if name in place]
    wanted = dict.fromkeys([ground.main, *links, *(aim.outcome for aim in ground.aims.costs)])
    ordered = sorted(wanted, key=lambda name: place.get(name, len(LINKS)))
    said = dict.fromkeys([ground.main, *(aim.outcome for aim in ground.aims.costs), *reversed(links)])
    return sections.dose_figure(ground.words, ground.study, ordered, list(said)[:3]) if ground.main else None


def _session_map(ground: Ground, study: str) -> Figure | None:
    """Draw the comparison over the time of the session and one more setting."""
    aim = ground.aims.benefit
    grid = _grid(ground, study, aim) if aim and aim.arm else None
    if grid is None or aim is None or np.isnan(grid.mean).all():
        return None
    words = ground.words
    shown = _upright(grid)
    low, high = float(np.nanmin(shown.mean)), float(np.nanmax(shown.mean))
    outcome = words.measure("outcome", shown.outcome)
    labels = _name(ground, shown.x), _name(ground, shown.y), f"difference in {outcome}"
    heading = f"“{words.arm(aim.arm)}” against “{words.arm(aim.against)}”"
    panel = map_panel(f"map-{study}", heading, shown, labels, (low, high))
    caption = pair_map_caption(ground, outcome, shown, aim.pair)
    take = session_map_take(ground, shown, (_name(ground, shown.x), _name(ground, shown.y)))
    table = tables.grid_table(words, shown, f"Difference in {outcome} by time and setting")
    named = table.of(f"map_{study}", ground.queries.cells(study, [shown.outcome]))
    return Figure(f"map-{study}", take, [panel], caption, [named])


def _grid(ground: Ground, study: str, aim: Aim) -> Grid | None:
    """Return the map of the benefit's outcome, else of the first outcome that the study kept."""
    for outcome in dict.fromkeys([aim.outcome, *ground.outcomes]):
        if ground.selection.measure("outcome", outcome)["better"]:
            found = pair_grid(ground.selection, study, replace(aim, outcome=outcome))
            if found is not None:
                return found
    return None


def _upright(grid: Grid) -> Grid:
    """Return the map with the session's time along x, hours written as people say them."""
    if not _is_session(grid.x):
        swapped = grid.own[1], grid.own[0]
        grid = replace(
            grid, x=grid.y, y=grid.x, mean=grid.mean.T, n=grid.n.T, failed=grid.failed.T, own=swapped
        )  # fmt: skip
    x, y = _spoken(grid.x), _spoken(grid.y)
    own = _level(grid.x, grid.own[0]), _level(grid.y, grid.own[1])
    return replace(grid, x=x, y=y, own=own)


def _spoken(axis: SweptAxis) -> SweptAxis:
    return replace(axis, levels=tuple(_level(axis, v) for v in axis.levels), unit="")


def _level(axis: SweptAxis, value: float | str | None) -> str:
    if not isinstance(value, float):
        return "" if value is None else str(value)
    if axis.unit == "h" and value >= 2 * HOURS_PER_DAY:
        return f"{number(value / HOURS_PER_DAY)} d"
    return f"{number(value)} {axis.unit}".strip() if axis.unit not in ("", "1") else number(value)


def _name(ground: Ground, axis: SweptAxis) -> str:
    """Return what an axis is called: a session and its time, or a number's meaning."""
    section, name, field = field_path(axis.path)
    if section == "session":
        moment = {"first": "begins at", "every": "repeated every"}.get(field, name_in_words(field))
        rows = ground.selection.settings
        after = rows[(rows.path == f"session.{name}.after") & rows.text.notna()].text
        since = f" (after {name_in_words(str(after.iloc[0]))})" if len(after) and field == "first" else ""
        return f"{name_in_words(name)}{since} {moment}"
    return ground.words.axis(axis.path, "")
