"""Comparisons in lines: what a scenario set out to compare in one screen, and every table of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from workbench.analysis.plausible import ENDS
from workbench.cli.tables import GAP, NOTHING, Number, aligned, cell, fitted, folded, screen
from workbench.errors import shorten
from workbench.terms import (
    BETTER,
    BOTH,
    CALCULATION_ERROR,
    DIFFERENCE,
    FIRST_ALONE,
    HEDGES_G,
    IN_A_LINE,
    INTERACTION,
    SECOND_ALONE,
    spread,
)

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.overview import Declared, Overview

TERMS = {"first": FIRST_ALONE, "second": SECOND_ALONE, "both": BOTH, "interaction": INTERACTION}
HEADED = {spread("subjects"): "across subjects", HEDGES_G: "g", BETTER: "better"}
"""What the columns of the longer terms are headed with."""
ACROSS, G, SHARE = HEADED.values()
UNSEEN = 2.0
TOO_ALIKE = "note: a g beyond 2 is larger than trials find: simulated subjects vary less than people"


def overview_lines(found: Overview) -> Iterator[str]:
    """Yield the declared comparisons of a sweep: benefit, interactions and costs, then each arm in one outcome."""
    facts, main = found.selection.facts, found.declared[0].aim.outcome
    sizes = [int(one.row["n"] + one.row["missing"]) for one in found.declared]
    sweep = f"{facts['scenario']}, sweep {found.selection.sweep}, study {found.study}"
    yield f"{sweep}: {max(sizes):,} subjects in each arm"
    header = ("", DIFFERENCE, CALCULATION_ERROR, ACROSS)
    benefit, *costs = found.declared
    named = "benefit" if found.selection.scenario.get("report", {}).get("benefit") else "main comparison"
    blocks = [(_titles(found, benefit, named), *_declared(benefit))]
    blocks += [_joint(found, group) for _, group in found.joint.groupby("interaction", sort=False)]
    blocks += [(_titles(found, one, f"cost {one.aim.name}"), *_declared(one)) for one in costs]
    yield from _in_blocks(header, blocks)
    yield ""
    yield f"every arm in {main}"
    yield from _every_arm(found.rows)
    if more := len(found.rest):
        yield f"{more} more {'outcome differs' if more == 1 else 'outcomes differ'}: --all, or --outcome NAME"
    yield from equal_lines(found.equal)
    yield from _meanings(
        list(found.rows["method"]), (DIFFERENCE, CALCULATION_ERROR, spread("subjects"), HEDGES_G, BETTER)
    )


def equal_lines(names: Sequence[str]) -> list[str]:
    """Say which outcomes are not shown because they are the same in all arms."""
    if not names:
        return []
    verb = "is" if len(names) == 1 else "are"
    return folded(
        f"{_outcomes(len(names))} {verb} the same in all arms and not shown: {', '.join(names)}", GAP, first=""
    )


def _outcomes(number: int) -> str:
    return f"{number} outcome{'' if number == 1 else 's'}"


Block = tuple[list[str], list[tuple[Any, ...]], str]
"""Lines above some rows, the rows, and a line below them ("" for none)."""


def _in_blocks(header: Sequence[str], blocks: Sequence[Block]) -> Iterator[str]:
    """Yield one table whose rows stand in blocks, each below its title; names without room have their own line."""
    rows = [(f"{GAP}{row[0]}", *row[1:]) for _, some, _ in blocks for row in some]
    first, *lines = aligned(header, rows)
    above = max(map(len, [first, *lines])) > screen()
    if above:
        first, *lines = aligned(header, [("", *row[1:]) for row in rows])
    left = iter(zip(rows, lines, strict=True))
    yield first
    for titles, some, below in blocks:
        yield from titles
        for row, line in islice(left, len(some)):
            yield from (row[0], line) if above else (line,)
        if below:
            yield from folded(below, 2 * GAP, first=GAP)


def _titles(found: Overview, one: Declared, what: str) -> list[str]:
    measure = found.selection.measure("outcome", one.aim.outcome)
    better = f", {measure['better']} is better" if measure["better"] else ""
    unit = "" if measure["unit"] == "1" else f" in {measure['unit']}"
    name = f"{one.aim.outcome}{unit}{better}"
    title = one.aim.title or str(measure["title"])
    return folded(f"{what}: {title} ({name})" if title else f"{what}: {name}", 2 * GAP, first="")


def _declared(one: Declared) -> tuple[list[tuple[Any, ...]], str]:
    row, shown = one.row, _decimals([one.row])
    below = ""
    if one.plausible is not None:
        low, high = one.plausible.range
        below = _over(one.plausible.points, shown, low, one.plausible.middle, high)
    return [(f"{one.aim.arm} - {one.aim.against}", *_size(row, shown))], below


def _joint(found: Overview, group: pd.DataFrame) -> Block:
    """Return one interaction; its main effects stand beside the first, which the benefit's arms belong to."""
    rows = {row["term"]: row for row in group.to_dict("records")}
    name, shown = rows["interaction"]["interaction"], _decimals(rows.values())
    title = str(rows["interaction"]["title"])
    over = found.over
    over = over[(over["interaction"] == name) & (over["term"] == "interaction")]
    below = ""
    if len(over):
        one = over.iloc[0]
        below = _over(int(one["points"]), shown, one["low"], one["middle"], one["high"])
    arms = set(found.selection.scenario["interaction"][name]["arms"])
    close = found.declared[0].aim.arm in arms
    shown_rows = [(rows[t]["arms"], *_size(rows[t], shown)) for t in ("first", "second") if close]
    shown_rows.append((INTERACTION, *_size(rows["interaction"], shown)))
    text = f"interaction {name}: {title or rows['interaction']['arms']} ({rows['interaction']['outcome']})"
    return folded(text, 2 * GAP, first=""), shown_rows, below


def _over(points: int, shown: Decimals, low: float, middle: float, high: float) -> str:
    return (
        f"over {points} plausible parameter sets: {shown(low)} to {shown(high)} ({ENDS[0]} to {ENDS[1]} %),"
        f" median {shown(middle)}"
    )


def _decimals(rows: Any) -> Decimals:
    return Decimals(
        max((abs(float(row["difference"])) for row in rows if cell(row["difference"]) != NOTHING), default=0)
    )


def _size(row: Mapping[Any, Any], shown: Decimals) -> tuple[Number, Number, Number]:
    return Number(shown(row["difference"])), _span(row["low"], row["high"], shown), _span(row["p10"], row["p90"], shown)


def _span(low: Any, high: Any, shown: Decimals) -> Number:
    return Number(NOTHING if cell(low) == NOTHING else f"{shown(low)} to {shown(high)}")


def _every_arm(rows: pd.DataFrame) -> Iterator[str]:
    """Yield every pair of arms of one outcome, by the arm that they are compared with."""
    level, change = (
        Decimals(rows[["mean", "baseline_mean"]].abs().max().max()),
        Decimals(rows["difference"].abs().max()),
    )
    counted = bool(rows["missing"].any()) or rows["n"].nunique() > 1
    blocks: list[Block] = []
    notes: dict[str, None] = {}
    for baseline, group in rows.groupby("baseline", sort=False):
        listed = group.to_dict("records")
        same = [row["arm"] for row in listed if _no_difference(row)]
        kept = [row for row in listed if row["arm"] not in same]
        notes |= {note: None for row in kept for note in row["note"].split("; ") if note}
        means = dict.fromkeys(level(mean) for mean in group["baseline_mean"])
        below = f"no difference in any subject: {', '.join(same)}" if same else ""
        title = [f"against {baseline} ({' or '.join(means)})"]
        blocks.append((title, [_row(row, level, change, counted) for row in kept], below))
    yield from _in_blocks(("", "mean", DIFFERENCE, CALCULATION_ERROR, G, SHARE, *(("n",) if counted else ())), blocks)
    for note in notes:
        yield from folded(f"note: {note}", GAP, first="")
    if (rows["hedges_g"].abs() > UNSEEN).any():
        yield from folded(TOO_ALIKE, GAP, first="")


def _no_difference(row: Mapping[Any, Any]) -> bool:
    """Whether every subject has the same value in both arms."""
    return cell(row["difference"]) == "0" and cell(row["sd_difference"]) in ("0", NOTHING)


def _row(row: Mapping[Any, Any], level: Decimals, change: Decimals, counted: bool) -> tuple[Any, ...]:
    better = row["better"]
    return (
        row["arm"],
        Number(level(row["mean"])),
        Number(change(row["difference"])),
        _span(row["low"], row["high"], change),
        Number(NOTHING if cell(row["hedges_g"]) == NOTHING else f"{row['hedges_g']:.2f}"),
        Number(NOTHING if cell(better) == NOTHING else f"{better:.0%}"),
        *((_count(row),) if counted else ()),
    )


def _count(row: Mapping[Any, Any]) -> Number:
    return Number(f"{row['n']} of {row['n'] + row['missing']}" if row["missing"] else row["n"])


def _meanings(methods: Sequence[str], terms: Sequence[str]) -> Iterator[str]:
    """Say what the columns mean, in the words of the pages."""
    made = ", ".join(dict.fromkeys(method for method in methods if not method.startswith("no "))) or "no spread"
    for term in terms:
        named = f"{head}: {term}, " if (head := HEADED.get(term, "")) in (G,) else f"{head or term}: "
        meaning = f"{IN_A_LINE[term]} ({made})" if term == CALCULATION_ERROR else IN_A_LINE[term]
        yield from folded(named + meaning, GAP, first="")


def effect_lines(frame: pd.DataFrame, points: pd.DataFrame) -> Iterator[str]:
    """Yield a comparison as one small table for each study, point, outcome and baseline, and what its columns mean.

    All sizes of a table have the same decimals: three digits of its largest mean.

    Parameters
    ----------
    frame
        What `workbench.analysis.compare` returns.
    points
        The swept values of the studies in it: study, point, path, number, text, unit.
    """
    for _, group in frame.groupby(["study", "point", "outcome"], sort=False):
        first = dict(group.iloc[0])
        unit = "" if first["unit"] == "1" else f", {first['unit']}"
        direction = "" if first["better_means"].startswith("no ") else f" ({first['better_means']})"
        swept = "".join(f", {words}" for words in _swept(points, first["study"], first["point"]))
        each = f", {first['n']:,} subjects" if group["n"].nunique() == 1 and not group["missing"].any() else ""
        yield from folded(f"{first['outcome']}{unit}{direction} in {first['study']}{swept}{each}", GAP, first="")
        yield from _every_arm(group)
        yield ""
    yield from _meanings(list(frame["method"]), (DIFFERENCE, CALCULATION_ERROR, HEDGES_G, BETTER))


def interaction_lines(frame: pd.DataFrame, points: pd.DataFrame) -> Iterator[str]:
    """Yield what `workbench.analysis.interactions` returns: one small table an interaction, point and outcome."""
    for _, group in frame.groupby(["study", "point", "outcome", "interaction"], sort=False):
        first = dict(group.iloc[0])
        unit = "" if first["unit"] == "1" else f", {first['unit']}"
        swept = "".join(f", {words}" for words in _swept(points, first["study"], first["point"]))
        title = f" ({shorten(first['title'])})" if first["title"] else ""
        text = f"interaction {first['interaction']}{title} of {first['outcome']}{unit} in {first['study']}{swept}"
        yield from folded(text, GAP, first="")
        shown = Decimals(group[["difference", "low", "high"]].abs().max().max())
        header = ("", DIFFERENCE, CALCULATION_ERROR, "n")
        rows = group.to_dict("records")
        yield from (GAP + line for line in fitted(header, (_term(row, shown) for row in rows)))
        for note in dict.fromkeys(note for note in group["note"] if note):
            yield from folded(f"note: {note}", 2 * GAP, first=GAP)
        yield ""
    if len(frame):
        yield from folded(
            "interaction: (both - first alone) - (second alone - neither), within the same subject; 0 if effects add",
            GAP,
            first="",
        )


def plausible_lines(frame: pd.DataFrame) -> Iterator[str]:
    """Yield what `workbench.analysis.interaction.over_parameters` returns, a line for each interaction and outcome."""
    shown = frame[frame["term"] == "interaction"]
    for study, group in shown.groupby("study", sort=False):
        yield f"interactions over plausible parameters in {study}, {group['points'].max()} sets of them"
        rows = (
            (r["interaction"], r["outcome"], *(Number(f"{r[end]:.3g}") for end in ("low", "middle", "high")))
            for r in group.to_dict("records")
        )
        for line in fitted(("interaction", "outcome", "5 %", "median", "95 %"), rows):
            yield GAP + line
        yield ""


def _term(row: Mapping[Any, Any], shown: Decimals) -> tuple[Any, ...]:
    name = TERMS[row["term"]]
    return (
        name if row["term"] == "interaction" else f"{name}: {row['arms']}",
        Number(shown(row["difference"])),
        _span(row["low"], row["high"], shown),
        _count(row),
    )


class Decimals:
    """Writes numbers with the decimals that give `largest` three digits."""

    def __init__(self, largest: Any) -> None:
        size = 0.0 if cell(largest) == NOTHING else float(largest)
        self._places = 2 - math.floor(math.log10(size)) if size > 0 else 0

    def __call__(self, value: Any) -> str:
        if cell(value) == NOTHING:
            return NOTHING
        if not 0 <= self._places <= 6:
            return f"{value:.3g}"
        text = f"{value:.{self._places}f}"
        return text if float(text) else text.lstrip("-")


def _swept(points: pd.DataFrame, study: str, point: int) -> Iterator[str]:
    for row in points[(points["study"] == study) & (points["point"] == point)].to_dict("records"):
        value = row["number"] if cell(row["text"]) == NOTHING else row["text"]
        yield f"{row['path']} = {cell(value)}{'' if row['unit'] in (None, '', '1') else ' ' + row['unit']}"
