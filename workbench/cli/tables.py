"""Tables for people: text to the left, numbers to the right, one table for each outcome of a comparison."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import shorten

if TYPE_CHECKING:
    import pandas as pd

NOTHING = "-"
GAP = "  "


def cell(value: Any) -> str:
    """Return one value as text: four digits of a number, no control characters, at most 80 letters."""
    if value is None or (not isinstance(value, str) and str(value) in ("nan", "<NA>", "NaT")):
        return NOTHING
    return f"{value:.4g}" if isinstance(value, float) else shorten(str(value))


def aligned(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """Return the lines of a table; a column of numbers stands to the right, below its name."""
    rows = [list(row) for row in rows]
    texts = [[cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *texts, strict=True)]
    right = [all(_is_number(value) for value in column) for column in zip(*rows, strict=True)] or [False] * len(header)
    return [
        GAP.join(text.rjust(width) if number else text.ljust(width) for text, width, number in parts).rstrip()
        for parts in (zip(line, widths, right, strict=True) for line in (list(header), *texts))
    ]


def set_out(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of texts in columns; the last column, prose, is as long as it is."""
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    return [
        GAP.join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]


class Number(str):
    """A number that has been written out already."""


def _is_number(value: Any) -> bool:
    return cell(value) == NOTHING or isinstance(value, Number) or hasattr(value, "__float__")


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
    width = max(map(len, frame["arm"]))
    for _, group in frame.groupby(["study", "point", "outcome"], sort=False):
        first = dict(group.iloc[0])
        unit = "" if first["unit"] == "1" else f", {first['unit']}"
        direction = "" if first["better_means"].startswith("no ") else f" ({first['better_means']})"
        swept = "".join(f", {words}" for words in _swept(points, first["study"], first["point"]))
        yield f"{first['outcome']}{unit}{direction} in {first['study']}{swept}"
        shown = Decimals(group[["mean", "baseline_mean"]].abs().max().max())
        for baseline, rows in group.groupby("baseline", sort=False):
            means = dict.fromkeys(shown(mean) for mean in rows["baseline_mean"])
            arm = f"against {baseline} ({' or '.join(means)})"
            header = (arm.ljust(width), "mean", "change", "95 % interval", "g", "better", "n")
            for line in aligned(header, (_effect(row, shown) for row in rows.to_dict("records"))):
                yield GAP + line
        for note in dict.fromkeys(note for note in group["note"] if note):
            yield f"{GAP}note: {note}"
        yield ""
    methods = ", ".join(dict.fromkeys(method for method in frame["method"] if not method.startswith("no ")))
    yield "change: arm minus baseline in the same subject, mean over n subjects"
    yield f"95 % interval: of the mean change, {methods or 'no spread'}"
    yield "g: Hedges' g, the two arms as independent groups, as a trial prints it"
    yield "better: share of subjects whose own value is better than under the baseline"


TERMS = {"first": "first alone", "second": "second alone", "both": "both", "interaction": "interaction"}


def interaction_lines(frame: pd.DataFrame, points: pd.DataFrame) -> Iterator[str]:
    """Yield what `workbench.analysis.interactions` returns: one small table an interaction, point and outcome."""
    for _, group in frame.groupby(["study", "point", "outcome", "interaction"], sort=False):
        first = dict(group.iloc[0])
        unit = "" if first["unit"] == "1" else f", {first['unit']}"
        swept = "".join(f", {words}" for words in _swept(points, first["study"], first["point"]))
        yield f"interaction {first['interaction']} of {first['outcome']}{unit} in {first['study']}{swept}"
        shown = Decimals(group[["difference", "low", "high"]].abs().max().max())
        header = (shorten(first["title"]), "", "change", "95 % interval", "n")
        for line in aligned(header, (_term(row, shown) for row in group.to_dict("records"))):
            yield GAP + line
        for note in dict.fromkeys(note for note in group["note"] if note):
            yield f"{GAP}note: {note}"
        yield ""
    if len(frame):
        yield "interaction: (both - first alone) - (second alone - neither), within the same subject; 0 if effects add"


def plausible_lines(frame: pd.DataFrame) -> Iterator[str]:
    """Yield what `workbench.analysis.interaction.over_parameters` returns, a line for each interaction and outcome."""
    shown = frame[frame["term"] == "interaction"]
    for study, group in shown.groupby("study", sort=False):
        yield f"interactions over plausible parameters in {study}, {group['points'].max()} sets of them"
        rows = (
            (r["interaction"], r["outcome"], *(Number(f"{r[end]:.3g}") for end in ("low", "middle", "high")))
            for r in group.to_dict("records")
        )
        for line in aligned(("interaction", "outcome", "5 %", "median", "95 %"), rows):
            yield GAP + line
        yield ""


def _term(row: Mapping[Any, Any], shown: Decimals) -> tuple[Any, ...]:
    low = shown(row["low"])
    return (
        TERMS[row["term"]],
        row["arms"],
        Number(shown(row["difference"])),
        Number(NOTHING if low == NOTHING else f"{low} to {shown(row['high'])}"),
        Number(f"{row['n']} of {row['n'] + row['missing']}" if row["missing"] else row["n"]),
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


def _effect(row: Mapping[Any, Any], shown: Decimals) -> tuple[Any, ...]:
    better, low = row["better"], shown(row["low"])
    return (
        row["arm"],
        Number(shown(row["mean"])),
        Number(shown(row["difference"])),
        Number(NOTHING if low == NOTHING else f"{low} to {shown(row['high'])}"),
        Number(NOTHING if cell(row["hedges_g"]) == NOTHING else f"{row['hedges_g']:.2f}"),
        Number(NOTHING if cell(better) == NOTHING else f"{better:.0%}"),
        Number(f"{row['n']} of {row['n'] + row['missing']}" if row["missing"] else row["n"]),
    )
