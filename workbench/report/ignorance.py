"""What the page says and shows of the ignorance of parameters: sentences, one figure, its tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.analysis.plausible import ENDS, Plausible
from workbench.report.figures.ignorance import ignorance_panel
from workbench.report.queries import Queries
from workbench.report.sections import Figure
from workbench.report.tables import Table
from workbench.report.words import Wording, each, number, percent, plain, sentence, signed

if TYPE_CHECKING:
    import pandas as pd

MOST_DRIVERS = 8


def ignorance_figure(words: Wording, found: Sequence[Plausible], differences: pd.DataFrame) -> Figure | None:
    """Draw the comparisons of one outcome over parameter sets, with the value under the shipped set."""
    if not found:
        return None
    outcome = found[0].outcome
    title, better = words.measure("outcome", outcome), str(words.selection.measure("outcome", outcome)["better"])
    own = {(r.arm, r.baseline): float(r.difference) for r in each(differences[differences.difference.notna()])}
    labels = [f"{words.arm(f.arm)} against {words.arm(f.baseline)}" for f in found]
    shipped = [own.get((f.arm, f.baseline)) for f in found]
    panel = ignorance_panel("ignorance", title, found, labels, shipped, (f"difference in {title}", better))
    steady = [f for f in found if f.one_way]
    take = (
        f"{title}: every comparison keeps its direction whatever the parameters"
        if len(steady) == len(found)
        else f"{title}: {len(found) - len(steady)} of {len(found)} comparisons can change direction with the parameters"
    )
    caption = (
        f"Each dot is one of {found[0].points} sets of parameters in which everything swept moves at once over its "
        f"plausible range. Dashed box: the middle {ENDS[1] - ENDS[0]} % of the sets; line in it: the median; diamond: "
        "the shipped set. This is the range over plausible parameters: neither the "
        f"range across {words.who} nor calculation error."
    )
    queries = Queries(int(words.selection.facts["sweep"]))
    ranges = _ranges(words, found, shipped).of("plausible_ranges", queries.cells(found[0].study, [outcome]))
    drivers = _drivers(words, found).of("plausible_drivers", queries.swept(found[0].study))
    return Figure("ignorance", sentence(take), [panel], caption, [ranges, drivers])


def _ranges(words: Wording, found: Sequence[Plausible], shipped: Sequence[float | None]) -> Table:
    rows = tuple(
        (
            words.arm(f.arm),
            words.arm(f.baseline),
            signed(own),
            signed(f.middle),
            f"{signed(f.range[0])} to {signed(f.range[1])}",
            percent(f.toward),
            str(f.points),
        )
        for f, own in zip(found, shipped, strict=True)
    )
    columns = ("Arm", "Compared with", "Shipped set", "Median of sets", f"{ENDS[0]}th to {ENDS[1]}th percentile",
               "Sets with an improvement", "Sets")  # fmt: skip
    title = words.measure("outcome", found[0].outcome)
    return Table(f"{title}: mean difference over plausible parameters", columns, rows)


def _drivers(words: Wording, found: Sequence[Plausible]) -> Table:
    """Which numbers move the comparisons most, with what they mean."""
    rows = []
    for f in found:
        pair = words.arm(f.arm), words.arm(f.baseline)
        strongest = [r for r in each(f.drivers.head(MOST_DRIVERS)) if abs(r.rho) >= f.notable]
        meant = words.selection.meanings
        rows += [(*pair, plain(r.path), meant.get(r.path, ""), signed(round(r.rho, 2))) for r in strongest]
    columns = ("Arm", "Compared with", "Number", "What it is", "Rank correlation with the difference")
    least = number(max(f.notable for f in found), 2)
    return Table(f"What moves the result most (rank correlation of at least {least})", columns, tuple(rows))
