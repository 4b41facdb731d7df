"""The first screen: every sentence made from stored rows, in words that need no glossary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import workbench.report.evidence as evidence
from workbench.analysis.plausible import ENDS
from workbench.analysis.swings import movements, swing
from workbench.report.words import each, number, percent, plain, sentence, signed

if TYPE_CHECKING:
    from workbench.analysis.aims import Aim
    from workbench.analysis.plausible import Plausible
    from workbench.report.ground import Ground

ONE_SET = "With one set of assumptions"
NAMED_LIMITS = 3


def not_for(declared: str) -> str:
    """Say what the page must not be used for, from what the scenario states."""
    if not declared:
        return "Not for any decision about a person (the scenario does not say what else it is not for)."
    return sentence(declared if declared.lower().startswith("not ") else f"Not for: {declared}")


def who_and_what(ground: Ground) -> list[str]:
    """Say who is simulated, and what was compared with what."""
    words, aims = ground.words, ground.aims
    row = ground.row(aims.benefit) if aims.benefit else None
    n = f"{int(ground.selection.facts['subjects'] if row is None else row.n + row.missing):,} {words.who}"
    who = f"{n} with {aims.population}" if aims.population else n
    said = [f"{who}: results of equations, not people."]
    if aims.benefit and aims.benefit.arm:
        arms = f"“{words.arm(aims.benefit.arm)}” with “{words.arm(aims.benefit.against)}”"
        others = len(ground.selection.arms) - 2
        more = f", and {others} more arms beside them" if others > 0 else ""
        said.append(
            f"Compared: {arms}{more}. Each of them went through both with the same chance, which no trial can arrange."
        )
    return said


def finding(ground: Ground) -> list[str]:
    """Return the main finding as one sentence with its size and range, and what its direction means."""
    aim = ground.aims.benefit
    if aim is None:
        return ["Nothing was measured."]
    title = ground.title(aim)
    if not ground.selection.arms.baseline.any():
        return [f"No arm has another to be compared with; the main outcome is {title}."]
    row = ground.row(aim)
    if row is None:
        return [
            f"No comparison of “{title}” can be made: no two arms have finished runs of the same {ground.words.who}."
        ]
    said = _compared(ground, row)
    found = ground.over_parameters(aim)
    if found is None:
        return [f"{ONE_SET}: {said}."]
    low, high = (signed(end) for end in found.range)
    return [
        f"{said}; across {found.points} plausible sets of parameters the difference of "
        f"{signed(row.difference)} becomes anything from {low} to {high}."
    ]


def _compared(ground: Ground, row: Any) -> str:
    """Say one comparison: both means, the size and direction, and whether that is better."""
    arm, base = f"“{ground.words.arm(row.arm)}”", f"“{ground.words.arm(row.baseline)}”"
    aim = next((a for a in ground.aims.all if (a.outcome, *a.pair) == (row.outcome, row.arm, row.baseline)), None)
    title = ground.title(aim) if aim else ground.words.measure("outcome", row.outcome)
    mean, there = (_amount(ground, row.outcome, value) for value in (row.mean, row.baseline_mean))
    if row.difference == 0:
        return f"{title}: {mean} with {arm}, the same as with {base}"
    direction = "higher" if row.difference > 0 else "lower"
    size = percent(abs(row.difference / row.baseline_mean)) if row.baseline_mean > 0 else ""
    better = {"lower is better": "lower", "higher is better": "higher"}.get(row.better_means)
    verdict = "" if better is None else ", which is better" if better == direction else ", which is worse"
    by = f" by {_amount(ground, row.outcome, abs(row.difference), change=True)}"
    if size and "percentage" not in by:
        by += f" or {size}"
    return f"{title}: {mean} with {arm} against {there} with {base}, {direction}{by}{verdict}"


def costs(ground: Ground) -> list[str]:
    """Return each cost as a sentence."""
    rows = [ground.row(aim) for aim in ground.aims.costs]
    return [sentence(_compared(ground, row)) for row in rows if row is not None]


def steadiness(ground: Ground) -> str:
    """Say how often the direction holds over plausible parameters, and where the page's own set lies among them."""
    aim = ground.aims.benefit
    row, found = (ground.row(aim), ground.over_parameters(aim)) if aim and aim.arm else (None, None)
    if aim is None or row is None or found is None:
        return ""
    text = [f"That is the middle {ENDS[1] - ENDS[0]} % of the sets, with a median of {signed(found.middle)}"]
    if found.toward == found.toward:
        text.append(f"{percent(found.toward)} of the sets make it an improvement")
        sign = -1.0 if ground.selection.measure("outcome", aim.outcome)["better"] == "lower" else 1.0
        behind = float((sign * found.differences < sign * float(row.difference)).mean())
        text.append(f"the one set used for the rest of this page is more favourable than {percent(behind)} of them")
    return sentence("; ".join(text))


def rests_on(ground: Ground) -> list[str]:
    """Say what the finding rests on, and how far it moves when that changes."""
    aim, said = ground.aims.benefit, [evidence.summary(ground.selection.settings)]
    if aim is None or not aim.arm:
        return said
    found = ground.over_parameters(aim)
    if found is not None:
        said = [*_strongest(ground, aim, found), *said]
    for moved in movements(ground.selection, aim):
        name = str(ground.selection.studies.title[moved.study]) or plain(moved.study)
        said.append(f"“{name}” moves the difference from {signed(moved.low)} to {signed(moved.high)}.")
    if found is None:
        said.append("Other values of what is assumed may change it; no study over all of them was run.")
    return said


def _strongest(ground: Ground, aim: Aim, found: Plausible) -> Iterator[str]:
    """Say which number moves the result most, and how far."""
    for driver in each(found.drivers.head(1)):
        moved = swing(ground.selection, found.study, aim, driver.path, driver.rho)
        if moved is None or abs(driver.rho) < found.notable:
            continue
        meant = ground.selection.meanings.get(driver.path) or plain(driver.path)
        yield (
            f"It hangs most on one number, the {meant}: the median difference is {signed(moved.low_third)} with it in "
            f"the lowest third of its range and {signed(moved.high_third)} in the highest."
        )


def _amount(ground: Ground, outcome: str, value: float, *, change: bool = False) -> str:
    """Return a value with its unit as people say it: shares as percentages, changes of shares in percentage points."""
    measure = ground.selection.measure("outcome", outcome)
    if str(measure["meaning"]).startswith("share of"):
        text = number(100 * value, even=True)
        return f"{text} percentage points" if change else f"{text} %"
    unit = "" if measure["unit"] == "1" else f" {measure['unit']}"
    return f"{number(value, even=True)}{unit}"
