"""The chain from a dose to its effects: a panel for each link, and the dose that reaches half of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.analysis.chain import Chain, Link, chain, half_effects
from workbench.report.figures.dose import Line, lines_panel
from workbench.report.queries import Queries
from workbench.report.sections import Figure
from workbench.report.tables import Table, line_table, span
from workbench.report.words import Wording, each, number, plain, sentence

if TYPE_CHECKING:
    from workbench.report.figures.style import Panel


def chain_figure(words: Wording, study: str) -> Figure | None:
    """Draw every outcome of a dose sweep against the total a day, one line an arm."""
    found = chain(words.selection, study)
    if not found.links:
        return None
    axis = words.axis(found.path, "").replace(" amount", "") + f" ({found.unit})"
    panels = list(_panels(words, found, axis))
    caption = (
        f"From the dose to its effect, link by link. Pale bands: range across {words.who}; thick bars: calculation "
        "error (95 % interval of the mean). Half of an effect: 0.5 for what lies between 0 and 1, else half of the "
        "largest change from the lowest dose."
    )
    query = Queries(int(words.selection.facts["sweep"])).cells(study)
    tables = [
        _half_table(words, found).of(f"half_effects_{study}", query),
        _numbers(words, found, axis).of(f"chain_{study}", query),
    ]
    return Figure(f"chain-{study}", _take(words, found), panels, caption, tables)


def _panels(words: Wording, found: Chain, axis: str) -> Iterator[Panel]:
    for outcome in found.outcomes:
        title, measure = words.measure("outcome", outcome), words.selection.measure("outcome", outcome)
        unit = "" if measure["unit"] == "1" else f" ({measure['unit']})"
        links = [link for link in found.links if link.outcome == outcome]
        lines = [Line(words.arm(link.arm), _frame(link)) for link in links]
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


def _take(words: Wording, found: Chain) -> str:
    """Say the half-effect dose of the main link in each arm."""
    rows = half_effects(found)
    if rows.empty:
        return sentence(f"No dose in {plain(found.study)} reaches half of any effect")
    levels = [link.outcome for link in found.links if link.absolute]
    chosen = rows[rows.outcome == next((o for o in levels if o in set(rows.outcome)), rows.outcome.iloc[-1])]
    said = [f"{number(r.p50, 2)} {found.unit} ({words.arm(r.arm)})" for r in each(chosen)]
    title = words.measure("outcome", str(chosen.outcome.iloc[0]))
    return sentence(f"{title}: half of it is reached at a median of {', '.join(said)}")


def _half_table(words: Wording, found: Chain) -> Table:
    rows = tuple(
        (
            words.measure("outcome", r.outcome),
            words.arm(r.arm),
            number(r.p50, even=True),
            span(r.p10, r.p90),
            f"{r.never} of {r.n}",
        )
        for r in each(half_effects(found))
    )
    columns = ("Link", "Arm", f"Dose, median ({found.unit})", f"Range across {words.who}", "At no dose tried")
    return Table("The dose that reaches half of each effect, among those in whom one does", columns, rows)


def _numbers(words: Wording, found: Chain, axis: str) -> Table:
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
        for r in each(_frame(link))
    ]
    return line_table(words, f"{plain(found.study)}: every link by dose", axis, rows)
