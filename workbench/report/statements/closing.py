"""The statements after the results: methods, what is missing, findings, the review, the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.component.registry import registry
from workbench.execution.tolerances import between_processors, describe_agreement
from workbench.files import quote_argument
from workbench.report.methods import absent
from workbench.report.methods import sentences as absent_sentences
from workbench.report.published import findings_summary, unchecked_sentence
from workbench.report.statements.statement import statement, statements
from workbench.report.words import counted, name_in_words, number
from workbench.terms import CALCULATION_ERROR, PLAUSIBLE

if TYPE_CHECKING:
    from workbench.component.declaration import Component
    from workbench.report.ground import Ground
    from workbench.report.review import Assumption


@statements("sweeps")
def banner(facts: Mapping[str, Any]) -> Iterator[str]:
    """Say what is missing or failed; nothing if the sweep is whole."""
    expected, stored, failed = (int(facts[name]) for name in ("expected", "stored", "failed"))
    if expected > stored + failed:
        yield f"Not finished: {expected - stored - failed:,} of {expected:,} runs are still to be computed."
    if failed:
        yield f"{failed:,} of {expected:,} runs failed and are left out of every mean; tables count them."


@statements("sweeps", "points")
def looks(ground: Ground) -> Iterator[str]:
    """Say what each kind of uncertainty looks like in the figures."""
    yield f"Range across {ground.words.who}: pale bands and thin lines hold the middle 80 % of them."
    yield (
        "Calculation error: thick bars, the 95 % interval of a mean. It shrinks as more are simulated, and says "
        "nothing about people."
    )
    if ground.plausible:
        first = ground.plausible[0]
        yield (
            f"{PLAUSIBLE[:1].upper()}{PLAUSIBLE[1:]}: dashed boxes. Everything assumed or fitted moves at once within "
            f"its assumed range, over {first.points} sets of parameters."
        )
    else:
        yield "Assumed ranges: dashed boxes. None was computed here: everything is with one set of assumptions."


@statement("findings", "outcomes")
def findings_record(ground: Ground) -> str:
    """Say how many published findings the model meets and misses, by what they can show."""
    rows = ground.published
    return findings_summary(rows) if rows else unchecked_sentence(ground.selection.parameter_set)


@statements("points", "runs")
def not_drawn(ground: Ground, drawn: Sequence[str]) -> Iterator[str]:
    """Name the studies that no figure shows."""
    shown = set(drawn) | {f.study for f in ground.plausible}
    for study in ground.selection.studies.index:
        if ground.selection.paths(study) and study not in shown:
            name = f"The study “{name_in_words(study)}”"
            yield f"{name} sweeps more than two settings and is not drawn; its runs are in the database."


@statements("sweeps", "settings", "provenance", "pairs")
def methods(ground: Ground, used: Sequence[type[Component]]) -> Iterator[str]:
    """Say in words what was simulated, how often, with what and how exactly."""
    facts, selection = ground.selection.facts, ground.selection
    studies = [f"“{selection.studies.title[s] or name_in_words(str(s))}”" for s in selection.studies.index]
    versions = selection.results.provenance(selection.sweep)
    tools = {str(k): ", ".join(dict.fromkeys(map(str, v))) for k, v in versions.groupby("key", sort=True)["value"]}
    named = [f"{k} {tools[k]}" for k in ("workbench", "python", "numpy", "scipy") if k in tools]
    yield (
        f"{int(facts['subjects']):,} {ground.words.who} (seed {facts['seed']}) went through "
        f"{counted(len(selection.arms), 'arm')}; {int(facts['expected']):,} runs in "
        f"{counted(len(studies), 'study', 'studies')}: {', '.join(studies)}. The same subject has the same traits and "
        "the same chance in every arm, so that arms are compared within subjects."
    )
    yield (
        f"Parameter set: {facts['parameter_set'] or 'none'} {facts['parameter_version']}. Software: {', '.join(named)}."
    )
    yield _clocks(ground)
    yield describe_agreement(selection)
    yield from between_processors(selection)
    yield from absent_sentences(ground, absent(ground), used)
    shown = [row for aim in ground.aims.named if (row := ground.row(aim)) is not None]
    half = [(row.high - row.low) / 2 for row in shown if not pd.isna(row.high)]
    if half:
        yield (
            f"{CALCULATION_ERROR[:1].upper()}{CALCULATION_ERROR[1:]} of the comparisons on the first screen: at most "
            f"{number(max(half), 2)} (half of the 95 % interval of the mean difference, by resampling)."
        )


def _clocks(ground: Ground) -> str:
    rows = ground.selection.settings
    clocks = {registry().clock(str(kind)) for kind in rows.text[rows.path.str.match(r"phase\.[^.]+\.clock$")]}
    steps = rows[rows.path.str.match(r"phase\.[^.]+\.step$") & rows.number.notna()]
    if clocks == {"trial"}:
        return "Numerics: an exact map from trial to trial; no step size."
    if "tick" in clocks and len(steps):
        lengths = ", ".join(sorted({f"{number(n)} {u}" for n, u in zip(steps["number"], steps["unit"], strict=True)}))
        return f"Numerics: exponential update at fixed steps of {lengths}; linear parts in closed form."
    return ""


@statement("scenario", "settings")
def review_request(ground: Ground, shown: Sequence[Assumption], hangs: bool) -> str:
    """Say what the review sheet asks, and where it may be sent."""
    facts, contact = ground.selection.facts, ground.aims.contact
    first = "The first line is the number that the main finding hangs most on. " if hangs else ""
    order = "Those that move the main finding most come first. " if any(one.weight for one in shown) else ""
    where = f" Send it to {contact}." if contact else " The scenario names no address to send it to."
    return (
        f"{first}{order}Mark each line, here or on paper; nothing is sent by itself.{where} Scenario "
        f"{facts['scenario']}, {str(facts['scenario_sha256'])[:12]}."
    )


@statement("settings")
def more_assumptions(found: Sequence[Assumption], shown: Sequence[Assumption]) -> str:
    """Say how many assumptions stand in the appendix only."""
    left = len(found) - len(shown)
    verb = "stands" if left == 1 else "stand"
    return f"{left} more {verb} in the table of assumptions in the appendix." if left > 0 else ""


@statement("sweeps")
def tables_counted(ground: Ground, n: int) -> str:
    """Say how many tables there are, and how their questions are asked."""
    db = quote_argument(Path(ground.selection.results.path.name))
    return (
        f"{counted(n, 'table')}, each with its question to the database: workbench query "
        f'{db} "...". A table shows the answer, or sums it up by subject.'
    )
