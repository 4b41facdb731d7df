"""The chain from a dose to its effects: a panel for each link, and the dose that reaches half of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.analysis.dose_response import Chain, Link, chain, half_effects
from workbench.report.figures.dose import Line, lines_panel
from workbench.report.page_tables import Table, line_table, span
from workbench.report.queries import Queries
from workbench.report.sections import FEWEST_DOSES, Figure
from workbench.report.statements.figures import chain_caption, chain_take
from workbench.report.words import Wording, each, number, plain

if TYPE_CHECKING:
    from workbench.report.figures.style import Panel


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


def _panels(words: Wording, found: Chain, axis: str) -> Iterator[Panel]:
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
