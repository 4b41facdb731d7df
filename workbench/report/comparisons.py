"""The comparisons: benefit and costs side by side, three kinds of uncertainty each with its own look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.analysis.dose_response import arm_values
from workbench.analysis.paired import BetweenGroups, between_groups
from workbench.analysis.protocol import arm_settings, regimens
from workbench.report.drawing import BLACK, BLUE, GREEN, GREY, RUST, Margins, Panel, drawing
from workbench.report.figure import Figure
from workbench.report.page_tables import PageTable, span
from workbench.report.statements.figures import comparison_caption, comparison_take
from workbench.report.words import NOTHING, cut_text, number, percent, row_records, signed
from workbench.terms import BETTER, CALCULATION_ERROR, DIFFERENCE, HEDGES_G, HELD, PLAUSIBLE, TOO_FEW, heading, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from workbench.analysis.parameter_uncertainty import Plausible
    from workbench.report.ground import Ground


MOST_ROWS = 8
NO_RANGE = "one set only"
DASH = "\N{EN DASH}"
UNSEEN = 2.0
NO_NOISE = "no visit's noise in it"
NOBODY = "no difference in anyone"


def comparison_figure(ground: Ground) -> Figure | None:
    """Draw the benefit's comparisons, and each cost beside them."""
    shown = _shown(ground)
    panels = []
    for i, (outcome, rows) in enumerate(shown):
        aim = next(a for a in ground.aims.named if a.outcome == outcome)
        measure = ground.selection.measure("outcome", outcome)
        labels = [_label(ground, r) for r in row_records(rows)]
        unit = "" if measure["unit"] == "1" else f" ({measure['unit']})"
        axis = f"difference in {ground.words.measure('outcome', outcome)}{unit}", str(measure["better"])
        extras = Extras(_boxes(ground, rows), aim.meaningful)
        width = NARROW if i else WIDE
        panels.append(effects_panel(f"effects-{i}", ground.title(aim), rows, labels, axis, extras, width))
    if not panels:
        return None
    if ground.crossed:
        panels.insert(0, _crossed_panel(ground))
    tables = [comparison_table(ground, [row for _, rows in shown for row in row_records(rows)])]
    if ground.crossed:
        tables.insert(0, crossed_table(ground))
    found = [_g(ground, row) for _, rows in shown for row in row_records(rows)]
    sizes = [abs(one.g) for one in found if one is not None and one.g is not None]
    caption = comparison_caption(ground, max(sizes, default=0.0) > UNSEEN)
    return Figure("effects", comparison_take(ground), panels, caption, tables)


PARTS = ("interaction", "first", "second", "both")


def _crossed_panel(ground: Ground) -> Panel:
    """Draw the interaction, and the three effects that it is made of."""
    aim, found = ground.aims.benefit, ground.main_over
    assert aim is not None
    rows = pd.DataFrame([ground.crossed[term] for term in PARTS])
    labels = [f"{_part(ground, term)}\n{signed(ground.crossed[term].difference)}" for term in PARTS]
    measure = ground.selection.measure("outcome", aim.outcome)
    axis = f"difference in {ground.words.measure('outcome', aim.outcome)}", str(measure["better"])
    boxes = {}
    if found is not None and not found.without(ground.main_difference):
        boxes[0] = (found.range[0], found.middle, found.range[1])
    return effects_panel("effects-crossed", ground.interaction_title, rows, labels, axis, Extras(boxes, aim.meaningful))


def _part(ground: Ground, term: str) -> str:
    aim = ground.aims.benefit
    both, first, second, neither = (ground.words.short(arm) for arm in (aim.four if aim else ()))
    names = {"first": first, "second": second, "both": both}
    return "interaction: both beyond the sum of each" if term == "interaction" else f"{names[term]} against {neither}"


def crossed_table(ground: Ground) -> PageTable:
    """The interaction and its parts in numbers."""
    rows = []
    for term in PARTS:
        row = ground.crossed[term]
        over = _range(ground.main_over, row) if term == "interaction" else DASH
        kept = held_range(ground, ground.main_over) if term == "interaction" else DASH
        ends = span(row.low, row.high), span(row.p10, row.p90)
        rows.append((_part(ground, term), signed(row.difference), *ends, over, kept, str(row.n)))
    columns = ("Term", heading(DIFFERENCE), heading(CALCULATION_ERROR), heading(spread(ground.words.who)),
               heading(PLAUSIBLE), heading(HELD), "n")  # fmt: skip
    aim = ground.aims.benefit
    assert aim is not None
    query = ground.queries.cells(ground.study, [aim.outcome])
    return PageTable(f"{ground.interaction_title}: the interaction and its parts", columns, tuple(rows)).of(
        "crossed", query
    )


def _shown(ground: Ground) -> list[tuple[str, pd.DataFrame]]:
    """Return outcome and rows: of the benefit its own, those over parameters, costs and doses; of others the costs."""
    found = []
    for outcome in dict.fromkeys(aim.outcome for aim in ground.aims.named):
        mine = [aim for aim in ground.aims.named if aim.outcome == outcome]
        rows = ground.differences[(ground.differences.outcome == outcome) & ground.differences.difference.notna()]
        first = [aim.pair for aim in mine]
        kept = [not _nothing(r) or (r.arm, r.baseline) in first for r in row_records(rows)]
        rows = rows[kept] if kept else rows
        if any(aim.name == "benefit" for aim in mine):
            first += [(f.arm, f.baseline) for f in ground.plausible if f.outcome == outcome]
            first += [(r.arm, r.baseline) for r in row_records(rows) if r.arm == mine[0].against]
            first += [(r.arm, r.baseline) for r in row_records(rows) if _dosed(ground, r.arm)]
            first += [(r.arm, r.baseline) for r in row_records(rows)]
        wanted = list(dict.fromkeys(first))[:MOST_ROWS]
        extra = [ground.row(aim) for aim in mine if aim.pair not in set(zip(rows.arm, rows.baseline, strict=True))]
        known = {(r.arm, r.baseline): r for r in [*row_records(rows), *(r for r in extra if r is not None)]}
        chosen = [known[pair] for pair in wanted if pair in known]
        if chosen:
            found.append((outcome, pd.DataFrame(chosen)))
    return found


def _nothing(row: Any) -> bool:
    """Return whether two arms give the same value in every subject."""
    return bool(row.difference == 0 and (pd.isna(row.sd_difference) or row.sd_difference == 0))


def _label(ground: Ground, row: Any) -> str:
    """Return a row's two lines: the arm, and its difference to the other."""
    against = cut_text(ground.words.short(row.baseline), 48)
    return f"{cut_text(ground.words.short(row.arm), 62)}\n{signed(row.difference)} against {against}"


def _dosed(ground: Ground, arm: str) -> bool:
    return bool(regimens(arm_settings(ground.selection, arm)))


def _boxes(ground: Ground, rows: pd.DataFrame) -> dict[int, tuple[float, float, float]]:
    by_pair = {(f.outcome, f.arm, f.baseline): f for f in ground.plausible}
    found = {}
    for y, row in enumerate(row_records(rows)):
        f = by_pair.get((row.outcome, row.arm, row.baseline))
        if f is not None and not f.without(float(row.difference)):
            found[y] = (f.range[0], f.middle, f.range[1])
    return found


def comparison_table(ground: Ground, rows: list[Any]) -> PageTable:
    """The numbers of the figure: difference, and the three kinds of uncertainty in a column each."""
    by_pair = {(f.outcome, f.arm, f.baseline): f for f in ground.plausible}
    cells = []
    for r in rows:
        cells.append(
            (
                ground.words.measure("outcome", r.outcome),
                ground.words.short(r.arm),
                ground.words.short(r.baseline),
                number(r.mean, even=True),
                number(r.baseline_mean, even=True),
                signed(r.difference),
                span(r.low, r.high),
                span(r.p10, r.p90),
                _range(by_pair.get((r.outcome, r.arm, r.baseline)), r),
                held_range(ground, by_pair.get((r.outcome, r.arm, r.baseline))),
                NOBODY if _nothing(r) else percent(r.better),
                _between(ground, r),
                "; ".join(part for part in (f"n = {r.n}", r.method, r.note) if part),
            )
        )
    columns = ("Outcome", "Arm", "Compared with", "Mean", "Mean there", heading(DIFFERENCE), heading(CALCULATION_ERROR),
               heading(spread(ground.words.who)), heading(PLAUSIBLE), heading(HELD), heading(BETTER),
               f"{HEDGES_G} (as a trial would see it)", "Remarks")  # fmt: skip
    table = PageTable("The comparisons in numbers", columns, tuple(cells), look="wide")
    declared = ground.selection.arms.baseline
    if all(declared[r.arm] == r.baseline for r in rows):
        query = ground.queries.pairs(ground.study, dict.fromkeys(r.outcome for r in rows))
    else:
        query = ground.queries.compared(ground.study, [(r.outcome, r.arm, r.baseline) for r in rows])
    return table.of("comparisons", query)


def _between(ground: Ground, row: Any) -> str:
    """Return g where a trial would see it: of an outcome with a direction that has the noise of a visit in it."""
    if not ground.selection.measure("outcome", row.outcome)["better"]:
        return "no direction"
    found = _g(ground, row)
    if found is None:
        return NO_NOISE
    return f"{signed(found.g)} ({span(found.low, found.high)})" if found.g is not None else NOTHING


def _g(ground: Ground, row: Any) -> BetweenGroups | None:
    """Return Hedges' g of two arms as groups; None where no visit is scored, so that people hardly differ."""
    specification = json.loads(str(ground.selection.measure("outcome", row.outcome)["specification"]))
    if not specification.get("assessment"):
        return None
    values = arm_values(ground.selection, ground.study, row.outcome)
    return between_groups(values[row.arm], values[row.baseline])


def _range(found: Plausible | None, row: Any) -> str:
    if found is None:
        return NO_RANGE
    return found.without(float(row.difference)) or f"{signed(found.range[0])} to {signed(found.range[1])}"


def held_range(ground: Ground, found: Plausible | None) -> str:
    """Return the range over the sets held to the fitted findings, or that these are too few or none."""
    if found is None or ground.held is None:
        return NO_RANGE if found is None else "no set can be held"
    inside = found.among(ground.held.inside)
    if not ground.held.enough or inside.without():
        return f"{TOO_FEW} ({inside.points} of {found.points} sets)"
    return f"{signed(inside.range[0])} to {signed(inside.range[1])} ({inside.points} sets)"


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
        for y, (row, label) in enumerate(zip(row_records(rows), labels, strict=True)):
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
        axes.set_xlabel(cut_text(label_x, 62))
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
    """Draw a range over parameter sets: a dashed box with its median, so that it is not taken for a bar."""
    low, middle, high = ends
    axes.plot(
        [low, high, high, low, low],
        [y - 0.17, y - 0.17, y + 0.17, y + 0.17, y - 0.17],
        color=BLACK,
        linestyle=(0, (4, 3)),
        linewidth=1,
    )
    axes.plot([middle, middle], [y - 0.17, y + 0.17], color=BLACK, linewidth=1.6)
