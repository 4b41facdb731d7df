"""``workbench compare``: what a scenario set out to compare in one screen, and every table of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import AsFormat, AsJson, Database, Sweep
from workbench.cli.output import Format, print_frame, print_text, records
from workbench.errors import shorten
from workbench.terms import (
    BETTER,
    BOTH,
    CALCULATION_ERROR,
    DIFFERENCE,
    FIRST_ALONE,
    HEDGES_G,
    HELD,
    IN_A_LINE,
    INTERACTION,
    PLAUSIBLE,
    SECOND_ALONE,
    TOO_FEW,
    spread,
)
from workbench.text_tables import GAP, NOTHING, FormattedNumber, align_table, fit_table, fold, format_cell, line_width

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.parameter_uncertainty import Plausible
    from workbench.analysis.selection import Selection
    from workbench.report.overview import Crossed, NamedComparison, Overview

NO_BASELINE = "nothing to compare: no arm here has a baseline (compare_with in the scenario, or --baseline ARM)"
NO_INTERACTION = (
    "no interaction to show: the scenario declares none ([interaction.NAME] with four arms) or none was run"
)

TERMS = {"first": FIRST_ALONE, "second": SECOND_ALONE, "both": BOTH, "interaction": INTERACTION}
HEADED = {spread("subjects"): "across subjects", HEDGES_G: "g", BETTER: "better"}
"""What the columns of the longer terms are headed with."""
ACROSS, G, SHARE = HEADED.values()
UNSEEN = 2.0
TOO_ALIKE = "note: a g beyond 2 is larger than any that trials find: simulated subjects vary less than people"


def overview_lines(found: Overview) -> Iterator[str]:
    """Yield the declared comparisons of a sweep: benefit, interactions and costs, then each arm in one outcome."""
    facts, main = found.selection.facts, found.declared[0].aim.outcome
    sizes = [int(one.row["n"] + one.row["missing"]) for one in found.declared]
    sweep = f"{facts['scenario']}, sweep {found.selection.sweep}, study {found.study}"
    yield f"{sweep}: {max(sizes):,} subjects in each arm"
    header = ("", DIFFERENCE, CALCULATION_ERROR, ACROSS)
    short = _read_short_names(found.selection)
    yield from _in_blocks(header, _blocks(found), short)
    yield ""
    yield f"every arm in {main}"
    yield from _every_arm(found.rows, short)
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
    return fold(f"{_outcomes(len(names))} {verb} the same in all arms and not shown: {', '.join(names)}", GAP, first="")


def _outcomes(number: int) -> str:
    return f"{number} outcome{'' if number == 1 else 's'}"


Block = tuple[list[str], list[tuple[Any, ...]], list[str]]
"""Lines above some rows, the rows, and the lines below them."""


def _blocks(found: Overview) -> list[Block]:
    """Return what the scenario declares, the comparison or interaction that its page is about first."""
    benefit = found.declared[0].aim
    crossed = [_interaction_lines_of(found, one) for one in found.crossed]
    named = [_declared(found, one) for one in found.declared]
    first = crossed[:1] if benefit.interaction else []
    return [*first, named[0], *crossed[len(first) :], *named[1:]]


def _in_blocks(header: Sequence[str], blocks: Sequence[Block], short: Mapping[str, str]) -> Iterator[str]:
    """Yield one table whose rows stand in blocks, each below its title.

    Arms without room are called by their `short` names where these help, and else have lines of their own.
    """
    rows = [(f"{GAP}{row[0]}", *row[1:]) for _, block, _ in blocks for row in block]
    first, *lines = align_table(header, rows)
    above = _is_wide([first, *lines])
    if above:
        brief = align_table(header, [(_shorter(row[0], short), *row[1:]) for row in rows])
        if not _is_wide(brief):
            (first, *lines), above = brief, False
    if above:
        first, *lines = align_table(header, [("", *row[1:]) for row in rows])
    left = iter(zip(rows, lines, strict=True))
    yield first
    for titles, block, below in blocks:
        yield from titles
        for row, line in islice(left, len(block)):
            yield from (row[0], line) if above else (line,)
        for text in below:
            yield from fold(text, 2 * GAP, first=GAP)


def _read_short_names(selection: Selection) -> dict[str, str]:
    """Return the short names of a sweep's arms."""
    arms = selection.scenario.get("arm", {})
    return {name: str(arm["short"]) for name, arm in arms.items() if arm.get("short")}


def _is_wide(lines: Sequence[str]) -> bool:
    return max(map(len, lines)) > line_width()


def _shorter(arms: str, short: Mapping[str, str]) -> str:
    """Return an arm, or a pair "one - other", each by its short name if that is shorter."""
    start = arms[: len(arms) - len(arms.lstrip())]
    return start + " - ".join(min(arm, short.get(arm, arm), key=len) for arm in arms.strip().split(" - "))


def _measured(found: Overview, outcome: str) -> str:
    """Return an outcome with its unit and direction."""
    measure = found.selection.measure("outcome", outcome)
    unit = "" if measure["unit"] == "1" else f" in {measure['unit']}"
    return f"{outcome}{unit}" + (f", {measure['better']} is better" if measure["better"] else "")


def _declared(found: Overview, one: NamedComparison) -> Block:
    """Return one named comparison."""
    named = bool(found.selection.scenario.get("report", {}).get("benefit"))
    kind = f"{one.kind} {one.aim.name}" if one.kind != "benefit" else "benefit" if named else "main comparison"
    title = one.aim.title or str(found.selection.measure("outcome", one.aim.outcome)["title"])
    measured = _measured(found, one.aim.outcome)
    above = fold(f"{kind}: {title} ({measured})" if title else f"{kind}: {measured}", 2 * GAP, first="")
    shown = _decimals([one.row])
    row = (f"{one.aim.arm} - {one.aim.against}", *_size(one.row, shown))
    return (
        above,
        [row],
        _range_lines(found, one.plausible, one.row, shown, one.kind == "benefit" and not one.aim.interaction),
    )


def _interaction_lines_of(found: Overview, one: Crossed) -> Block:
    """Return one interaction; the effects of each treatment alone stand beside that of the benefit's arms."""
    shown = _decimals((one.first, one.second, one.both, one.interaction))
    benefit, alone = found.declared[0].aim, (one.first, one.second)
    rows = [(row["arms"], *_size(row, shown)) for row in alone if benefit.arm in one.arms]
    rows.append((INTERACTION, *_size(one.interaction, shown)))
    first = benefit.interaction == one.name
    said = f"{'benefit, ' if first else ''}interaction {one.name}: {one.title or one.interaction['arms']}"
    above = fold(f"{said} ({benefit.outcome})", 2 * GAP, first="")
    return above, rows, _range_lines(found, one.plausible, one.interaction, shown, first)


def _range_lines(
    found: Overview, moved: Plausible | None, row: Mapping[str, Any], shown: Decimals, first: bool
) -> list[str]:
    """Say what a difference becomes over assumed ranges, and for the first one over those held to findings."""
    from workbench.analysis.parameter_uncertainty import ENDS
    from workbench.analysis.sensitivity import FEWEST as FEWEST_SETS

    own = None if format_cell(row["difference"]) == NOTHING else float(row["difference"])
    if moved is None:
        return []
    if why := moved.without(own):
        return [f"{PLAUSIBLE}: {why}"]
    middle = f"{ENDS[0]} to {ENDS[1]} %"
    low, high = moved.range
    said = [f"{PLAUSIBLE}, {moved.points} sets: {shown(low)} to {shown(high)} ({middle}), median {shown(moved.middle)}"]
    if first and found.held is not None:
        inside = moved.among(found.held.inside)
        line = f"{HELD}, {inside.points} sets: "
        if inside.points < FEWEST_SETS:
            said.append(f"{line}{TOO_FEW} for any range")
        else:
            low, high = inside.range
            doubt = "" if found.held.enough else f" ({TOO_FEW} to rely on)"
            said.append(f"{line}{shown(low)} to {shown(high)}{doubt}")
    return said


def _decimals(rows: Any) -> Decimals:
    return Decimals(
        max((abs(float(row["difference"])) for row in rows if format_cell(row["difference"]) != NOTHING), default=0)
    )


def _size(row: Mapping[Any, Any], shown: Decimals) -> tuple[FormattedNumber, FormattedNumber, FormattedNumber]:
    return (
        FormattedNumber(shown(row["difference"])),
        _span(row["low"], row["high"], shown),
        _span(row["p10"], row["p90"], shown),
    )


def _span(low: Any, high: Any, shown: Decimals) -> FormattedNumber:
    return FormattedNumber(NOTHING if format_cell(low) == NOTHING else f"{shown(low)} to {shown(high)}")


def _every_arm(rows: pd.DataFrame, short: Mapping[str, str]) -> Iterator[str]:
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
        below = [f"no difference in any subject: {', '.join(same)}"] if same else []
        title = [f"against {baseline} ({' or '.join(means)})"]
        blocks.append((title, [_row(row, level, change, counted) for row in kept], below))
    yield from _in_blocks(
        ("", "mean", DIFFERENCE, CALCULATION_ERROR, G, SHARE, *(("n",) if counted else ())), blocks, short
    )
    for note in notes:
        yield from fold(f"note: {note}", GAP, first="")
    if (rows["hedges_g"].abs() > UNSEEN).any():
        yield from fold(TOO_ALIKE, GAP, first="")


def _no_difference(row: Mapping[Any, Any]) -> bool:
    """Whether every subject has the same value in both arms."""
    return format_cell(row["difference"]) == "0" and format_cell(row["sd_difference"]) in ("0", NOTHING)


def _row(row: Mapping[Any, Any], level: Decimals, change: Decimals, counted: bool) -> tuple[Any, ...]:
    better = row["better"]
    return (
        row["arm"],
        FormattedNumber(level(row["mean"])),
        FormattedNumber(change(row["difference"])),
        _span(row["low"], row["high"], change),
        FormattedNumber(NOTHING if format_cell(row["hedges_g"]) == NOTHING else f"{row['hedges_g']:.2f}"),
        FormattedNumber(NOTHING if format_cell(better) == NOTHING else f"{better:.0%}"),
        *((_count(row),) if counted else ()),
    )


def _count(row: Mapping[Any, Any]) -> FormattedNumber:
    return FormattedNumber(f"{row['n']} of {row['n'] + row['missing']}" if row["missing"] else row["n"])


def _meanings(methods: Sequence[str], terms: Sequence[str]) -> Iterator[str]:
    """Say what the columns mean, in the words of the pages."""
    made = ", ".join(dict.fromkeys(method for method in methods if not method.startswith("no "))) or "no spread"
    for term in terms:
        named = f"{head}: {term}, " if (head := HEADED.get(term, "")) in (G,) else f"{head or term}: "
        meaning = f"{IN_A_LINE[term]} ({made})" if term == CALCULATION_ERROR else IN_A_LINE[term]
        yield from fold(named + meaning, GAP, first="")


def effect_lines(frame: pd.DataFrame, points: pd.DataFrame, short: Mapping[str, str]) -> Iterator[str]:
    """Yield a comparison as one small table for each study, point, outcome and baseline, and what its columns mean.

    All sizes of a table have the same decimals: three digits of its largest mean.

    Parameters
    ----------
    frame
        What `workbench.analysis.compare` returns.
    points
        The swept values of the studies in it: study, point, path, number, text, unit.
    short
        The short names of arms that have one.
    """
    for _, group in frame.groupby(["study", "point", "outcome"], sort=False):
        first = dict(group.iloc[0])
        unit = "" if first["unit"] == "1" else f", {first['unit']}"
        direction = "" if first["better_means"].startswith("no ") else f" ({first['better_means']})"
        swept = "".join(f", {words}" for words in _swept(points, first["study"], first["point"]))
        each = f", {first['n']:,} subjects" if group["n"].nunique() == 1 and not group["missing"].any() else ""
        yield from fold(f"{first['outcome']}{unit}{direction} in {first['study']}{swept}{each}", GAP, first="")
        yield from _every_arm(group, short)
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
        yield from fold(text, GAP, first="")
        shown = Decimals(group[["difference", "low", "high"]].abs().max().max())
        header = ("", DIFFERENCE, CALCULATION_ERROR, "n")
        rows = group.to_dict("records")
        yield from (GAP + line for line in fit_table(header, (_term(row, shown) for row in rows)))
        for note in dict.fromkeys(note for note in group["note"] if note):
            yield from fold(f"note: {note}", 2 * GAP, first=GAP)
        yield ""
    if len(frame):
        yield from fold(
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
            (r["interaction"], r["outcome"], *(FormattedNumber(f"{r[end]:.3g}") for end in ("low", "middle", "high")))
            for r in group.to_dict("records")
        )
        for line in fit_table(("interaction", "outcome", "5 %", "median", "95 %"), rows):
            yield GAP + line
        yield ""


def _term(row: Mapping[Any, Any], shown: Decimals) -> tuple[Any, ...]:
    name = TERMS[row["term"]]
    return (
        name if row["term"] == "interaction" else f"{name}: {row['arms']}",
        FormattedNumber(shown(row["difference"])),
        _span(row["low"], row["high"], shown),
        _count(row),
    )


class Decimals:
    """Writes numbers with the decimals that give `largest` three digits."""

    def __init__(self, largest: Any) -> None:
        size = 0.0 if format_cell(largest) == NOTHING else float(largest)
        self._places = 2 - math.floor(math.log10(size)) if size > 0 else 0

    def __call__(self, value: Any) -> str:
        if format_cell(value) == NOTHING:
            return NOTHING
        if not 0 <= self._places <= 6:
            return f"{value:.3g}"
        text = f"{value:.{self._places}f}"
        return text if float(text) else text.lstrip("-")


def _swept(points: pd.DataFrame, study: str, point: int) -> Iterator[str]:
    for row in points[(points["study"] == study) & (points["point"] == point)].to_dict("records"):
        value = row["number"] if format_cell(row["text"]) == NOTHING else row["text"]
        yield f"{row['path']} = {format_cell(value)}{'' if row['unit'] in (None, '', '1') else ' ' + row['unit']}"


def compare(
    db: Database,
    baseline: Annotated[str | None, typer.Option("--baseline", help="Compare every arm with this one.")] = None,
    outcome: Annotated[list[str] | None, typer.Option("--outcome", help="Only this outcome; may be repeated.")] = None,
    study: Annotated[str | None, typer.Option("--study", help="Only this study.")] = None,
    interactions: Annotated[
        bool, typer.Option("--interactions", help="Only the interactions that the scenario declares.")
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help="Every outcome; without it, what the scenario declares, in one screen.")
    ] = False,
    sweep: Sweep = None,
    form: AsFormat = Format.text,
    as_json: AsJson = False,
) -> int:
    """Compare arms within subjects.

    First what the scenario declares: its benefit, interactions and costs, with intervals and effect sizes; --all has
    every outcome.
    """
    if as_json or form is not Format.text:
        _print_rows(db, sweep, study, baseline, outcome, interactions, form, as_json)
        return 0
    chosen = interactions or study is not None or baseline is not None or bool(outcome)
    lines = [] if chosen else _declared_lines(Path(db), sweep)
    if every or not lines:
        lines += ([""] if lines else []) + _tables(Path(db), sweep, study, baseline, outcome, interactions)
    print_text("\n".join([*lines, *_rounding(Path(db), sweep, outcome)]))
    return 0


def _rounding(db: Path, sweep: int | None, outcome: list[str] | None) -> list[str]:
    """Return which of these outcomes have other digits on other processors."""
    from workbench.analysis.selection import select
    from workbench.execution.tolerances import between_processors

    said = between_processors(select(db, sweep), outcome or None)
    return [line for sentence in said for line in fold(sentence, "  ", first="")]


def _print_rows(
    db: str,
    sweep: int | None,
    study: str | None,
    baseline: str | None,
    outcome: list[str] | None,
    interactions: bool,
    form: Format,
    as_json: bool,
) -> None:
    """Print every comparison as data."""
    from workbench.analysis.interaction import over_parameters

    frame, joint = _compared(Path(db), sweep, study, baseline, outcome, interactions)
    over = over_parameters(Path(db), sweep=sweep, outcomes=outcome or None)
    listed = {} if interactions else {"interactions": records(joint)}
    listed["over_parameters"] = records(over)
    print_frame(joint if interactions else frame, form, as_json, **{"db": db, **listed})  # type: ignore[arg-type]


def _declared_lines(db: Path, sweep: int | None) -> list[str]:
    """Return the lines of what the scenario declares, none where it compares nothing."""
    from workbench.report.overview import overview

    found = overview(db, sweep)
    return [*overview_lines(found)] if found is not None and found.declared else []


def _tables(
    db: Path,
    sweep: int | None,
    study: str | None,
    baseline: str | None,
    outcome: list[str] | None,
    interactions: bool,
) -> list[str]:
    """Return the lines of every comparison that was asked for."""
    from workbench.analysis.interaction import over_parameters
    from workbench.analysis.selection import select
    from workbench.report.overview import equal_outcomes

    frame, joint = _compared(db, sweep, study, baseline, outcome, interactions)
    if not len(joint if interactions else frame):
        return [NO_INTERACTION if interactions else NO_BASELINE]
    lines: list[str] = []
    if not interactions:
        shown, chosen = frame, select(db, sweep)
        if outcome is None:  # what is the same in all arms of all studies that are shown
            studies = list(frame["study"].unique())
            same = [equal_outcomes(chosen, one) for one in studies]
            equal = [name for name in same[0] if all(name in other for other in same)]
            shown = frame[~frame["outcome"].isin(equal)]
            lines += equal_lines(equal)
        points = _points(db, sweep, frame["study"].unique())
        lines = [*effect_lines(shown, points, _read_short_names(chosen)), *lines]
    if len(joint):
        crossed_lines = interaction_lines(joint, _points(db, sweep, joint["study"].unique()))
        over = over_parameters(db, sweep=sweep, outcomes=outcome or None)
        lines += ([""] if lines else []) + [*crossed_lines, "", *plausible_lines(over)]
    return lines


def _compared(
    db: Path,
    sweep: int | None,
    study: str | None,
    baseline: str | None,
    outcome: list[str] | None,
    interactions: bool,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of all comparisons and of the interactions of the same studies."""
    from workbench.analysis import compare as compare_arms
    from workbench.analysis import interactions as interactions_of

    frame = compare_arms(db, sweep=sweep, study=study, baseline=baseline, outcomes=outcome or None)
    joint = interactions_of(db, sweep=sweep, study=study, outcomes=outcome or None)
    if study is None and not interactions:
        # as for the arms: studies with a sweep of their own are shown when they are asked for
        joint = joint[joint["study"].isin(frame["study"].unique())]
    return frame, joint


def _points(db: Path, sweep: int | None, studies: Iterable[str]) -> pd.DataFrame:
    """Return the swept values of some studies."""
    import pandas as pd

    from workbench.store import open_results

    with open_results(db) as results:
        chosen = results.latest if sweep is None else sweep
        return pd.concat([results.points(chosen, study) for study in studies])


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(compare)
