"""What the page says and shows about parameter uncertainty: sentences, one figure, its tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.parameter_uncertainty import ENDS, Plausible
from workbench.report.comparisons import held_range
from workbench.report.drawing import BLACK, GREY, Margins, Panel, distinct_labels, drawing
from workbench.report.figure import Figure
from workbench.report.page_tables import PageTable
from workbench.report.queries import Queries
from workbench.report.statements.figures import sets_caption, sets_take
from workbench.report.words import Wording, cut_text, number, row_records, signed
from workbench.terms import CLEARLY_BETTER, CLEARLY_WORSE, HELD, NEITHER, PLAUSIBLE, heading

if TYPE_CHECKING:
    import pandas as pd

    from workbench.report.ground import Ground


MOST_DRIVERS = 8


def ignorance_figure(ground: Ground, found: Sequence[Plausible], differences: pd.DataFrame) -> Figure | None:
    """Draw the comparisons of one outcome over parameter sets, with the value under the shipped set."""
    words, main, aim = ground.words, ground.main_over, ground.aims.benefit
    crossed = [main] if main is not None and main.interaction else []
    found = [*crossed, *found]
    if not found or aim is None:
        return None
    outcome = found[0].outcome
    title, better = words.measure("outcome", outcome), str(words.selection.measure("outcome", outcome)["better"])
    own = {(r.arm, r.baseline): float(r.difference) for r in row_records(differences[differences.difference.notna()])}
    shipped = [ground.main_difference if f.interaction else own.get((f.arm, f.baseline)) for f in found]
    labels = [
        f"interaction: {ground.interaction_title}" if f.interaction else
        f"{words.arm(f.arm)} against {words.arm(f.baseline)}"
        for f in found
    ]  # fmt: skip
    kept = () if ground.held is None else ground.held.inside
    panel = ignorance_panel("ignorance", title, found, labels, shipped, (f"difference in {title}", better), kept)
    queries = Queries(int(words.selection.facts["sweep"]))
    ranges = _ranges(ground, found, labels, shipped, aim.least)
    drawn = [
        ranges.of("plausible_ranges", queries.cells(found[0].study, [outcome])),
        _drivers(words, found, labels).of("plausible_drivers", queries.swept(found[0].study)),
    ]
    take, caption = sets_take(ground, title, found, aim.least), sets_caption(ground, found)
    return Figure("ignorance", take, [panel], caption, drawn)


def _ranges(
    ground: Ground,
    found: Sequence[Plausible],
    labels: Sequence[str],
    shipped: Sequence[float | None],
    smallest: float | None,
) -> PageTable:
    rows = []
    for f, label, own in zip(found, labels, shipped, strict=True):
        clear = f.clearly(smallest) if smallest is not None and f.better else None
        said = ("no direction",) * 3 if not f.better else ("no size named",) * 3 if clear is None else map(str, clear)
        assumed = f.without(own) or f"{signed(f.range[0])} to {signed(f.range[1])}"
        row = (
            label,
            signed(own),
            signed(f.middle),
            assumed,
            held_range(ground, f),
            *said,
            str(f.points),
            str(f.people),
        )
        rows.append(row)
    columns = ("Comparison", "Shipped set", "Median of sets", f"{heading(PLAUSIBLE)} (middle {ENDS[1] - ENDS[0]} %)",
               heading(HELD), heading(CLEARLY_BETTER), heading(CLEARLY_WORSE), heading(NEITHER), "Sets",
               "People a set")  # fmt: skip
    title = ground.words.measure("outcome", found[0].outcome)
    least = "" if smallest is None else f"; clear from {number(smallest)}"
    return PageTable(f"{title}: mean difference over sets of parameters{least}", columns, tuple(rows), look="wide")


def _drivers(words: Wording, found: Sequence[Plausible], labels: Sequence[str]) -> PageTable:
    """Which numbers move the comparisons most, with what they mean."""
    rows = []
    for f, label in zip(found, labels, strict=True):
        strongest = [r for r in row_records(f.drivers.head(MOST_DRIVERS)) if abs(r.rho) >= f.notable]
        meant = words.selection.meanings
        rows += [
            (label, str(r.path).removeprefix("parameter."), meant.get(r.path, ""), signed(round(r.rho, 2)))
            for r in strongest
        ]
    columns = ("Comparison", "Number", "What it is", "Rank correlation with the difference")
    least = number(max(f.notable for f in found), 2)
    return PageTable(f"What moves the result most (rank correlation of at least {least})", columns, tuple(rows))


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
        for y, (row, text, own) in enumerate(zip(rows, distinct_labels(labels, 66), shipped, strict=True)):
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
        axes.set_xlabel(cut_text(label, 60))
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
