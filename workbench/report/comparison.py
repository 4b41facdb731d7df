"""The comparisons: benefit and costs side by side, three kinds of uncertainty each with its own look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.analysis.dose import arm_values
from workbench.analysis.plausible import ENDS
from workbench.analysis.protocol import arm_settings, regimens
from workbench.analysis.trial import BetweenGroups, between_groups
from workbench.report.figures.effects import NARROW, WIDE, Extras, effects_panel
from workbench.report.sections import Figure
from workbench.report.tables import Table, span
from workbench.report.words import NOTHING, cut, each, number, percent, sentence, signed
from workbench.terms import BETTER, CALCULATION_ERROR, DIFFERENCE, HEDGES_G, PLAUSIBLE, heading, spread

if TYPE_CHECKING:
    from workbench.analysis.aims import Aim
    from workbench.analysis.plausible import Plausible
    from workbench.report.ground import Ground

MOST_ROWS = 8
OWN_CONTROL = (
    "Each {one} is their own control: the same one goes, with the same chance, through both arms; no trial can do this."
)
NO_RANGE = "one set only"
UNSEEN = 2.0
TOO_ALIKE = (
    " A Hedges' g beyond 2 is larger than trials find: {who} vary less than people, so that every g is too large."
)


def comparison_figure(ground: Ground) -> Figure | None:
    """Draw the benefit's comparisons, and each cost beside them."""
    shown = _shown(ground)
    panels = []
    for i, (outcome, rows) in enumerate(shown):
        aim = next(a for a in ground.aims.all if a.outcome == outcome)
        measure = ground.selection.measure("outcome", outcome)
        labels = [_label(ground, r) for r in each(rows)]
        unit = "" if measure["unit"] == "1" else f" ({measure['unit']})"
        axis = f"difference in {ground.words.measure('outcome', outcome)}{unit}", str(measure["better"])
        extras = Extras(_boxes(ground, rows), aim.meaningful)
        width = NARROW if i else WIDE
        panels.append(effects_panel(f"effects-{i}", ground.title(aim), rows, labels, axis, extras, width))
    if not panels:
        return None
    tables = [comparison_table(ground, [row for _, rows in shown for row in each(rows)])]
    sizes = [abs(g) for _, rows in shown for row in each(rows) if (g := _g(ground, row).g) is not None]
    caption = _caption(ground) + (TOO_ALIKE.format(who=ground.words.who) if max(sizes, default=0.0) > UNSEEN else "")
    return Figure("effects", sentence(_take(ground)), panels, caption, tables)


def _shown(ground: Ground) -> list[tuple[str, pd.DataFrame]]:
    """Return outcome and rows: of the benefit its own, those over parameters, costs and doses; of others the costs."""
    found = []
    for outcome in dict.fromkeys(aim.outcome for aim in ground.aims.all):
        mine = [aim for aim in ground.aims.all if aim.outcome == outcome]
        rows = ground.differences[(ground.differences.outcome == outcome) & ground.differences.difference.notna()]
        first = [aim.pair for aim in mine]
        if any(aim.name == "benefit" for aim in mine):
            first += [(f.arm, f.baseline) for f in ground.plausible if f.outcome == outcome]
            first += [(r.arm, r.baseline) for r in each(rows) if r.arm == mine[0].against]
            first += [(r.arm, r.baseline) for r in each(rows) if _dosed(ground, r.arm)]
            first += [(r.arm, r.baseline) for r in each(rows)]
        wanted = list(dict.fromkeys(first))[:MOST_ROWS]
        extra = [ground.row(aim) for aim in mine if aim.pair not in set(zip(rows.arm, rows.baseline, strict=True))]
        known = {(r.arm, r.baseline): r for r in [*each(rows), *(r for r in extra if r is not None)]}
        chosen = [known[pair] for pair in wanted if pair in known]
        if chosen:
            found.append((outcome, pd.DataFrame(chosen)))
    return found


def _label(ground: Ground, row: Any) -> str:
    """Return a row's two lines: the arm, and its difference to the other."""
    against = cut(ground.words.arm(row.baseline), 48)
    return f"{cut(ground.words.arm(row.arm), 62)}\n{signed(row.difference)} against {against}"


def _dosed(ground: Ground, arm: str) -> bool:
    return bool(regimens(arm_settings(ground.selection, arm), {}))


def _boxes(ground: Ground, rows: pd.DataFrame) -> dict[int, tuple[float, float, float]]:
    by_pair = {(f.outcome, f.arm, f.baseline): f for f in ground.plausible}
    found = {}
    for y, row in enumerate(each(rows)):
        if f := by_pair.get((row.outcome, row.arm, row.baseline)):
            found[y] = (f.range[0], f.middle, f.range[1])
    return found


def comparison_table(ground: Ground, rows: list[Any]) -> Table:
    """The numbers of the figure: difference, and the three kinds of uncertainty in a column each."""
    by_pair = {(f.outcome, f.arm, f.baseline): f for f in ground.plausible}
    cells = []
    for r in rows:
        cells.append(
            (
                ground.words.measure("outcome", r.outcome),
                ground.words.arm(r.arm),
                ground.words.arm(r.baseline),
                number(r.mean, even=True),
                number(r.baseline_mean, even=True),
                signed(r.difference),
                span(r.low, r.high),
                span(r.p10, r.p90),
                _range(by_pair.get((r.outcome, r.arm, r.baseline))),
                percent(r.better),
                _between(ground, r),
                "; ".join(part for part in (f"n = {r.n}", r.method, r.note) if part),
            )
        )
    columns = ("Outcome", "Arm", "Compared with", "Mean", "Mean there", heading(DIFFERENCE), heading(CALCULATION_ERROR),
               heading(spread(ground.words.who)), heading(PLAUSIBLE), heading(BETTER),
               f"{HEDGES_G} (as a trial would see it)", "Remarks")  # fmt: skip
    table = Table("The comparisons in numbers", columns, tuple(cells), look="wide")
    declared = ground.selection.arms.baseline
    if all(declared[r.arm] == r.baseline for r in rows):
        query = ground.queries.pairs(ground.study, dict.fromkeys(r.outcome for r in rows))
    else:
        query = ground.queries.compared(ground.study, [(r.outcome, r.arm, r.baseline) for r in rows])
    return table.of("comparisons", query)


def _between(ground: Ground, row: Any) -> str:
    """Return g where the outcome has a better direction: only then would a trial compare it."""
    found = _g(ground, row)
    if not ground.selection.measure("outcome", row.outcome)["better"]:
        return "no direction"
    return f"{signed(found.g)} ({span(found.low, found.high)})" if found.g is not None else NOTHING


def _g(ground: Ground, row: Any) -> BetweenGroups:
    values = arm_values(ground.selection, ground.study, row.outcome)
    return between_groups(values[row.arm], values[row.baseline])


def _range(found: Plausible | None) -> str:
    return f"{signed(found.range[0])} to {signed(found.range[1])}" if found else NO_RANGE


def _take(ground: Ground) -> str:
    """Say the difference of the benefit, and that of each cost."""
    said = []
    for aim in ground.aims.all:
        row = ground.row(aim) if aim.arm else None
        if row is not None:
            said.append(f"{ground.title(aim)}: {signed(row.difference)}")
    if not said:
        return "Every comparison that could be made"
    first, *rest = said
    return first + (f"; its cost: {'; '.join(rest)}" if rest else "")


def _caption(ground: Ground) -> str:
    who = ground.words.who
    text = OWN_CONTROL.format(one=who[:-1]) + (
        f" Thin lines: range across {who} (the middle 80 % of them). Thick bars: calculation error (95 % interval of "
        "the mean). "
    )
    if ground.plausible:
        text += (
            f"Dashed boxes: range over plausible parameters ({ENDS[1] - ENDS[0]} % of {ground.plausible[0].points} "
            "sets), the line in them its median. "
        )
    else:
        text += "All of it with one set of assumptions: no range over plausible parameters was computed. "
    text += "Filled circle: better or equal; open square: worse."
    sized: list[Aim] = [aim for aim in ground.aims.all if aim.meaningful]
    if sized:
        size = number(sized[0].meaningful)
        text += f" Dotted: {size} points, the smallest change that matters by published estimates ({sized[0].source})."
    return text
