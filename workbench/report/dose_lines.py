"""The chain from a dose to its effects: a panel for each link, and the dose that reaches half of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.analysis.dose_response import DoseChain, Link, chain, half_effects
from workbench.report.drawing import LINES, Margins, Panel, distinct_labels, drawing, named_ticks
from workbench.report.figure import Figure, Line
from workbench.report.page_tables import PageTable, line_table, span
from workbench.report.queries import Queries
from workbench.report.statements.figures import chain_caption, chain_take
from workbench.report.words import Wording, cut_text, name_in_words, number, row_records

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST_DOSES = 4
"""A figure over doses needs so many of them."""


def chain_figure(words: Wording, study: str) -> Figure | None:
    """Draw every outcome of a dose sweep against the total a day, one line an arm; None with too few doses."""
    found = chain(words.selection, study)
    if not found.links or max(len(link.doses) for link in found.links) < FEWEST_DOSES:
        return None
    axis = words.axis(found.path, "").replace(" amount", "") + f" ({found.unit})"
    panels = list(_panels(words, found, axis))
    query = Queries(int(words.selection.facts["sweep"])).cells(study)
    tables = [
        _half_table(words, found).of(f"half_effects_{study}", query),
        _numbers(words, found, axis).of(f"chain_{study}", query),
    ]
    return Figure(f"chain-{study}", chain_take(words, found), panels, chain_caption(words), tables)


def _panels(words: Wording, found: DoseChain, axis: str) -> Iterator[Panel]:
    for outcome in found.outcomes:
        title, measure = words.measure("outcome", outcome), words.selection.measure("outcome", outcome)
        unit = "" if measure["unit"] == "1" else f" ({measure['unit']})"
        links = [link for link in found.links if link.outcome == outcome]
        lines = [Line(words.short(link.arm), _frame(link)) for link in links]
        yield lines_panel(f"chain-{found.study}-{outcome}", title, lines, (axis, f"{title}{unit}"))


def _frame(link: Link) -> pd.DataFrame:
    """Return x, n, mean, its interval, and the spread between subjects at each dose."""
    done = link.values[~np.isnan(link.values).any(axis=1)]
    mean, error = done.mean(axis=0), 1.96 * done.std(axis=0, ddof=1) / np.sqrt(max(len(done), 1))
    p10, p90 = np.percentile(done, [10, 90], axis=0)
    return pd.DataFrame(
        {
            "x": link.doses,
            "n": len(done),
            "mean": mean,
            "low": mean - error,
            "high": mean + error,
            "p10": p10,
            "p90": p90,
        }
    )


def _half_table(words: Wording, found: DoseChain) -> PageTable:
    rows = tuple(
        (
            words.measure("outcome", r.outcome),
            words.arm(r.arm),
            number(r.p50, even=True),
            span(r.p10, r.p90),
            f"{r.never} of {r.n}",
        )
        for r in row_records(half_effects(found))
    )
    columns = ("Link", "Arm", f"Dose, median ({found.unit})", f"Range across {words.who}", "At no dose tried")
    return PageTable("The dose that reaches half of each effect, among those in whom one does", columns, rows)


def _numbers(words: Wording, found: DoseChain, axis: str) -> PageTable:
    rows = [
        (
            words.measure("outcome", link.outcome),
            words.arm(link.arm),
            number(r.x),
            r.mean,
            r.low,
            r.high,
            r.n,
            span(r.p10, r.p90),
        )
        for link in found.links
        for r in row_records(_frame(link))
    ]
    return line_table(words, f"{name_in_words(found.study)}: every link by dose", axis, rows)


def lines_panel(
    name: str,
    heading: str,
    lines: Sequence[Line],
    axis: tuple[str, str],
    words: Sequence[str] = (),
    logarithmic: bool = False,
    limits: tuple[float, float] | None = None,
) -> Panel:
    """Draw lines with their intervals; `words` names the places on x where it is no number (then dots, no lines).

    `limits` are the ends of the upright axis, where it must not follow the lines (a share goes from 0 to 1).
    A `mark` on a line is the value that the arm itself has on this axis.
    """
    with drawing(name, margins=Margins().with_legend(len(lines) if len(lines) > 1 else 0)) as (axes, drawn):
        named = distinct_labels([line.label for line in lines], 40)
        for i, line in enumerate(lines):
            shift = (i - (len(lines) - 1) / 2) * 0.12 if words else 0.0
            _draw_line(axes, line, LINES[i % len(LINES)], named[i], shift, joined=not words)
        if words:
            axes.set_xticks(range(len(words)), distinct_labels(words, 16))
            axes.set_xlim(-0.6, len(words) - 0.4)
        elif logarithmic:
            axes.set_xscale("log")
            levels = sorted({float(v) for line in lines for v in line.frame.x})
            named_ticks(axes, "x", levels, logarithmic)
        if limits is not None:
            room = 0.04 * (limits[1] - limits[0])
            axes.set_ylim(limits[0] - room, limits[1] + room)
        axes.set_xlabel(f"{cut_text(axis[0], 41)} (log)" if logarithmic and not words else cut_text(axis[0], 48))
        axes.set_ylabel(cut_text(axis[1], 32))
        if len(lines) > 1:
            axes.figure.legend(loc="lower center", ncols=1)
    said = " ".join(_spoken(line, words) for line in lines)
    return Panel(heading, drawn.svg, f"{heading}. {said} The numbers stand in the table.")


def _draw_line(axes: Axes, line: Line, look: tuple[str, Any, str], label: str, shift: float, *, joined: bool) -> None:
    """Draw one line with its spread, its intervals and its mark; dots alone where they are not to be joined."""
    (colour, dashes, marker), frame = look, line.frame
    if "p10" in frame and joined and frame.p10.notna().all():
        ends = frame.p10.astype(float), frame.p90.astype(float)
        axes.fill_between(frame.x + shift, *ends, color=colour, alpha=0.13, linewidth=0)
    if "low" in frame:
        known = frame[frame.low.notna()]
        ends = known.low.astype(float), known.high.astype(float)
        axes.vlines(known.x + shift, *ends, color=colour, linewidth=4, alpha=0.55)
    style = dashes if joined and len(frame) >= 3 else ""  # two points make no line
    mean = frame["mean"].astype(float)
    axes.plot(frame.x + shift, mean, color=colour, linestyle=style, marker=marker, markersize=4.5, label=label)
    if line.mark is not None:
        axes.axvline(line.mark, color=colour, linestyle=dashes, linewidth=0.9)


def _spoken(line: Line, words: Sequence[str]) -> str:
    """Say where a line is lowest and highest."""
    mean = [float(v) for v in line.frame["mean"]]
    at = {
        name: line.frame.x.to_list()[mean.index(end)] for name, end in (("lowest", min(mean)), ("highest", max(mean)))
    }
    said = [
        f"{name} {end:.3g} at {words[int(at[name])] if words else f'{at[name]:g}'}"
        for name, end in (("lowest", min(mean)), ("highest", max(mean)))
    ]
    return f"{line.label}: {', '.join(said)}."
