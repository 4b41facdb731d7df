"""The statements of the first screen, in words that need no glossary."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.analysis.intervals import ROUNDING
from workbench.analysis.parameter_uncertainty import ENDS
from workbench.analysis.protocol import arm_settings
from workbench.analysis.sensitivity import FEWEST, Movement, movements, swing
from workbench.findings.ledger import natural_order
from workbench.report.statements.statement import statement, statements
from workbench.report.words import counted, listed, name_in_words, number, percent, row_records, sentence, signed
from workbench.terms import CLEARLY_BETTER, CLEARLY_WORSE, FEWEST_PEOPLE, HELD, NEITHER, PLAUSIBLE, TOO_FEW, heading

if TYPE_CHECKING:
    from workbench.analysis.aims import Aim
    from workbench.analysis.parameter_uncertainty import Plausible
    from workbench.report.ground import Ground

ONE_SET = "With one set of assumptions"
MOST_TIMES = 10.0
"""A change of more than so many times the value there is not said as a share of it."""
MIDDLE = f"the middle {ENDS[1] - ENDS[0]} %"


@statement("sweeps", "provenance", "scenario")
def made(ground: Ground) -> str:
    """Say when the runs were made, with which version and scenario, who answers for it and where to write."""
    facts, aims = ground.selection.facts, ground.aims
    versions = ground.selection.results.provenance(ground.selection.sweep)
    used = dict.fromkeys(str(v) for v in versions[versions.key == "workbench"]["value"])
    when = datetime.fromisoformat(str(facts["created"]))
    said = [
        f"Simulated on {when.day} {when:%B %Y} with workbench {', '.join(used) or 'of an unknown version'}",
        f"scenario {facts['scenario']} ({str(facts['scenario_sha256'])[:12]})",
    ]
    said += [f"parameter set {facts['parameter_set']} {facts['parameter_version']}"] if facts["parameter_set"] else []
    said += [f"author: {aims.author}"] if aims.author else []
    said += [f"contact: {aims.contact}"] if aims.contact else []
    return sentence("; ".join(said))


@statement("scenario")
def not_for(ground: Ground) -> str:
    """Say what the page must not be used for, from what the scenario states."""
    declared = str(ground.selection.scenario.get("use", {}).get("not_for", ""))
    if not declared:
        return "Not for any decision about a person (the scenario does not say what else it is not for)."
    return sentence(declared if declared.lower().startswith("not ") else f"Not for: {declared}")


@statements("sweeps", "settings", "pairs")
def who_and_what(ground: Ground) -> Iterator[str]:
    """Say who is simulated, and what was compared with what."""
    words, aims = ground.words, ground.aims
    row = ground.row(aims.benefit) if aims.benefit else None
    n = f"{int(ground.selection.facts['subjects'] if row is None else row.n + row.missing):,} {words.who}"
    who = f"{n} with {aims.population}" if aims.population else n
    yield f"{who}: results of equations, not people."
    if aims.benefit and aims.benefit.arm:
        named = aims.benefit.four or aims.benefit.pair
        arms = f"“{words.arm(named[0])}” with {listed(f'“{words.arm(arm)}”' for arm in named[1:])}"
        others = len(ground.selection.arms) - len(named)
        more = f", and {counted(others, 'more arm')} beside them" if others > 0 else ""
        through = "all of them" if aims.benefit.four else "both"
        chance = f"Everyone went through {through} with the same chance, which no trial can arrange."
        yield f"Compared: {arms}{more}. {chance}"


@statements("pairs", "outcomes", "scenario")
def finding(ground: Ground) -> Iterator[str]:
    """Say the main finding with its size: a comparison, or the interaction of two treatments and what it is made of."""
    aim = ground.aims.benefit
    if aim is None:
        yield "Nothing was measured."
        return
    title = ground.title(aim)
    if not ground.selection.arms.baseline.any():
        yield f"No arm has another to be compared with; the main outcome is {title}."
    elif aim.interaction and ground.crossed:
        yield from _interaction(ground, aim)
    elif (row := ground.row(aim)) is None:
        yield f"No comparison of “{title}” can be made: no two arms have finished runs of the same {ground.words.who}."
    else:
        said = compared(ground, row)
        yield f"{said}." if ground.main_over is not None else f"{ONE_SET}: {said}."


def _interaction(ground: Ground, aim: Aim) -> Iterator[str]:
    """Say the interaction, its error, and the three effects that it is made of."""
    terms, words = ground.crossed, ground.words
    both, first, second, neither = (f"“{words.arm(arm)}”" for arm in aim.four)
    term = terms["interaction"]
    error = "" if pd.isna(term.low) else f" (calculation error {signed(term.low)} to {signed(term.high)})"
    value = float(term.difference)
    if value == 0:
        said = "the two add up exactly"
    else:
        side = "lower" if value < 0 else "higher"
        better = str(ground.selection.measure("outcome", aim.outcome)["better"])
        verdict = "" if not better else f", which is {'better' if side == better else 'worse'}"
        said = (
            f"with both treatments it is {side} by {number(abs(value), even=True)} than the effects of the two alone "
            f"add up to{verdict}"
        )
    start = "" if ground.main_over is not None else f"{ONE_SET}: "
    yield f"{start}{ground.title(aim)}, interaction: {signed(value)}{error}; {said}."
    yield (
        f"It is made of three effects, each against {neither}: {first} {signed(terms['first'].difference)}, {second} "
        f"{signed(terms['second'].difference)}, {both} {signed(terms['both'].difference)}."
    )


@statements("pairs", "outcomes", "scenario")
def beside(ground: Ground) -> Iterator[str]:
    """Say the comparisons that the scenario puts beside its finding."""
    aims = ground.aims
    first = (aims.benefit,) if aims.benefit is not None and aims.benefit.interaction else ()
    for aim in (*first, *aims.also):
        row = ground.row(aim) if aim.arm else None
        if row is not None:
            yield sentence(compared(ground, row, aim))


@statements("pairs", "outcomes", "scenario")
def costs(ground: Ground) -> Iterator[str]:
    """Say what stands against it, cost by cost."""
    for aim in ground.aims.costs:
        row = ground.row(aim)
        if row is not None:
            yield sentence(compared(ground, row, aim))


def compared(ground: Ground, row: Any, aim: Aim | None = None) -> str:
    """Say one comparison: both means, the size and direction, and whether that is better."""
    arm, base = f"“{ground.words.arm(row.arm)}”", f"“{ground.words.arm(row.baseline)}”"
    aim = aim or next(
        (a for a in ground.aims.named if (a.outcome, *a.pair) == (row.outcome, row.arm, row.baseline)), None
    )
    title = ground.title(aim) if aim else ground.words.measure("outcome", row.outcome)
    means = without_rounding(float(row.mean), float(row.baseline_mean))
    mean, there = (amount(ground, row.outcome, value) for value in means)
    if row.difference == 0:
        return f"{title}: {mean} with {arm}, the same as with {base}"
    direction = "higher" if row.difference > 0 else "lower"
    better = {"lower is better": "lower", "higher is better": "higher"}.get(row.better_means)
    verdict = "" if better is None else ", which is better" if better == direction else ", which is worse"
    if aim is not None and aim.least is not None and abs(row.difference) < aim.least:
        verdict = f", which is below the smallest difference worth naming ({number(aim.least)})"
    by = f" by {amount(ground, row.outcome, abs(row.difference))}"
    share = abs(row.difference) / means[1] if means[1] > 0 else float("inf")
    by += f" or {percent(share)}" if share <= MOST_TIMES else ""
    return f"{title}: {mean} with {arm} against {there} with {base}, {direction}{by}{verdict}"


def without_rounding(*values: float) -> tuple[float, ...]:
    """Return the values with 0 for what is only rounding beside the largest of them.

    >>> without_rounding(0.96, 1.1e-16)
    (0.96, 0.0)
    """
    largest = max(abs(value) for value in values)
    return tuple(0.0 if abs(value) <= 1e3 * ROUNDING * largest else value for value in values)


def amount(ground: Ground, outcome: str, value: float) -> str:
    """Return a value with its unit, in the form that it has in every figure and table."""
    unit = str(ground.selection.measure("outcome", outcome)["unit"])
    return number(value, even=True) + ("" if unit == "1" else f" {unit}")


@statement("points", "outcomes")
def assumed_ranges(ground: Ground) -> str:
    """Say what the finding becomes over all sets of parameters, before anything published is looked at."""
    found, own = ground.main_over, ground.main_difference
    if found is None or own is None:
        return ""
    if why := found.without(own):
        return f"{heading(PLAUSIBLE)}: {why}."
    return (
        f"{heading(PLAUSIBLE)}: over {found.points} sets of parameters {MIDDLE} of what is {signed(own)} here lie "
        f"{_span(found)}, with a median of {signed(found.middle)} ({_people(found)} a set)."
    )


@statement("points", "outcomes", "findings")
def held_to_findings(ground: Ground) -> str:
    """Say what it becomes over the sets that also give back the fitted findings, and how many these are."""
    found, own, kept = ground.main_over, ground.main_difference, ground.held
    if found is None or own is None:
        return ""
    fitted = [row.finding.name for row in ground.published if row.role == "fit"]
    if kept is None:
        if not fitted:
            return f"{heading(HELD)}: no fitted finding is about this scenario, so that no set can be held to one."
        return (
            f"{heading(HELD)}: of {counted(len(fitted), 'fitted finding')} none can be judged over these sets: rates, "
            f"levels and g need {FEWEST_PEOPLE} people a set."
        )
    inside = found.among(kept.inside)
    names = f"{listed(kept.findings)} ({', '.join(_titles(ground, kept.findings))})"
    said = (
        f"{heading(HELD)}: {inside.points} of the {found.points} sets also give back {names} (effective sets after "
        f"weighting: {number(kept.effective, 2)})"
    )
    if inside.points < FEWEST:
        said += f"; {TOO_FEW} for any range"
    else:
        within = f"in them {MIDDLE} lie {_span(inside)}, with a median of {signed(inside.middle)}"
        said += f"; {within}" if kept.enough else f"; {TOO_FEW} for a range to rely on ({within})"
    if kept.left_out:
        said += (
            f". Fitted, too, but not to be judged over these sets: {listed(sorted(kept.left_out, key=natural_order))}"
        )
    return sentence(said)


def _titles(ground: Ground, names: tuple[str, ...]) -> list[str]:
    titles = {row.finding.name: row.finding.title for row in ground.published}
    return [titles[name][:1].lower() + titles[name][1:] for name in names if name in titles]


def _span(found: Plausible) -> str:
    low, high = found.range
    return f"between {signed(low)} and {signed(high)}"


def _people(found: Plausible) -> str:
    return counted(found.people, "person", "people")


@statement("points", "outcomes", "scenario")
def how_clear(ground: Ground) -> str:
    """Say in how many sets it is clearly better, clearly worse or neither, and where the shipped set stands."""
    found, own, aim = ground.main_over, ground.main_difference, ground.aims.benefit
    if found is None or own is None or aim is None or not found.better:
        return ""
    said = []
    if aim.least is not None:
        better, worse, neither = found.clearly(aim.least)
        said.append(
            f"counting only differences of at least {number(aim.least)}, it is {CLEARLY_BETTER} in {better} of "
            f"{found.points} sets, {CLEARLY_WORSE} in {worse}, {NEITHER} in {neither}"
        )
    else:
        said.append(
            f"by its sign alone it is better in {int((found.gains > 0).sum())} of {found.points} sets, however little "
            "(the scenario names no smallest difference worth naming)"
        )
    turn = -1.0 if found.better == "lower" else 1.0
    behind = float((found.gains < turn * own).mean())
    said.append(f"the one set used for the rest of this page is more favourable than {percent(behind)} of them")
    return sentence("; ".join(said))


@statement("outcomes", "points")
def share_removed(ground: Ground) -> str:
    """Say what share of the excess over the arm that nothing is wrong with is removed, here and over the sets."""
    found = ground.reach
    aim = ground.aims.benefit
    if found is None or aim is None:
        return ""
    whole, untreated = (f"“{ground.words.arm(arm)}”" for arm in (found.reference, aim.against))
    said = f"Of what {untreated} has in excess of {whole}, {percent(found.share)} is removed"
    if len(found.shares):
        low, high = (percent(v) for v in _percentiles(found.shares))
        said += (
            f"; over the sets of parameters the median is {percent(_middle(found.shares))}, {MIDDLE} {low} to {high}"
        )
        if found.none:
            said += f" ({counted(found.none, 'set')} without any excess left out)"
    return sentence(said)


@statement("outcomes")
def with_reference_as_one(ground: Ground) -> str:
    """Say the means as multiples of the arm that nothing is wrong with, whose own value may be far from 0."""
    found, aim = ground.reach, ground.aims.benefit
    if found is None or aim is None or found.means[2] <= 0:
        return ""
    treated, untreated, whole = found.means
    names = [f"“{ground.words.arm(arm)}”" for arm in (found.reference, aim.against, aim.arm)]
    return (
        f"{names[0]} is not at 0 but at {amount(ground, aim.outcome, whole)}; with that as 1, {names[1]} is at "
        f"{number(untreated / whole, even=True)} and {names[2]} at {number(treated / whole, even=True)}."
    )


def _percentiles(values: Any) -> tuple[float, float]:
    import numpy as np

    low, high = np.percentile(values, ENDS)
    return float(low), float(high)


def _middle(values: Any) -> float:
    import numpy as np

    return float(np.median(values))


@statement("findings", "outcomes")
def tested(ground: Ground) -> str:
    """Say how many published findings that nothing was set with the model meets and misses."""
    tests = [row for row in ground.published if row.role == "test"]
    if not tests:
        return "Tested: no published finding that nothing was set with is held against this scenario."
    counts = {
        verdict: sum(row.verdict == verdict for row in tests) for verdict in ("met", "missed", "undecided", "not run")
    }
    said = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    return f"Tested against {counted(len(tests), 'published finding')} that nothing was set with: {said}."


@statements("settings", "scenario")
def caveats(ground: Ground) -> Iterator[str]:
    """Say what a reader must know as long as a setting of the arm has the value that the scenario names."""
    aim = ground.aims.benefit
    settings = arm_settings(ground.selection, aim.arm) if aim is not None and aim.arm else {}
    for caveat in ground.aims.caveats:
        value = settings.get(caveat.setting)
        if isinstance(value, float) and value == caveat.value:
            yield sentence(caveat.text.replace("{value}", number(value)))


@statements("points", "outcomes", "scenario")
def sign_flips(ground: Ground) -> Iterator[str]:
    """Say which studies turn the sign of the finding."""
    for moved in turning(ground):
        yield (
            f"Its sign depends on “{_study(ground, moved)}”: there the difference runs from {signed(moved.low)} to "
            f"{signed(moved.high)}; it is drawn below."
        )


def turning(ground: Ground) -> list[Movement]:
    """Return the studies in which the benefit's comparison is clearly better at one point and worse at another."""
    aim = ground.aims.benefit
    if aim is None or not aim.arm or not ground.selection.measure("outcome", aim.outcome)["better"]:
        return []
    least = aim.least or 0.0
    return [m for m in movements(ground.selection, aim) if m.low <= -least and m.high >= least and m.low < 0.0 < m.high]


def _study(ground: Ground, moved: Movement) -> str:
    return str(ground.selection.studies.title[moved.study]) or name_in_words(moved.study)


@statements("points", "outcomes")
def hangs_most_on(ground: Ground) -> Iterator[str]:
    """Say which number moves the finding most, and how far."""
    found = ground.main_over
    for driver in row_records(found.drivers.head(1)) if found is not None else ():
        moved = swing(ground.selection, found, driver.path, driver.rho) if found is not None else None
        if found is None or moved is None or abs(driver.rho) < found.notable:
            continue
        meant = ground.selection.meanings.get(driver.path) or name_in_words(driver.path)
        yield (
            f"It hangs most on one number, the {meant}: the median difference is {signed(moved.low_third)} with it in "
            f"the lowest third of its range and {signed(moved.high_third)} in the highest."
        )


@statements("points", "outcomes")
def moved_by_studies(ground: Ground) -> Iterator[str]:
    """Say how far each study that sweeps settings moves the comparison without turning it; or that none moved all."""
    aim = ground.aims.benefit
    if aim is None or not aim.arm:
        return
    turned = {moved.study for moved in turning(ground)}
    pair = f"“{ground.words.arm(aim.arm)}” against “{ground.words.arm(aim.against)}”"
    for moved in movements(ground.selection, aim):
        low, high = without_rounding(moved.low, moved.high)
        if moved.study not in turned:
            yield f"“{_study(ground, moved)}” moves the difference of {pair} from {signed(low)} to {signed(high)}."
    if ground.main_over is None:
        yield "Other values of what is assumed may change it; no study over all of them was run."


@statement("settings")
def rests_on_numbers(ground: Ground) -> str:
    """Say how many numbers of the model are measured, fitted and assumed."""
    from workbench.report.evidence import counts

    found = counts(ground.selection.settings)
    model = sum(n for status, n in found.items() if status != "protocol")
    shares = [f"{found[s]} {'is' if found[s] == 1 else 'are'} {s}" for s in ("measured", "fitted", "assumed")]
    if n := found.get(""):
        verb, they = ("stands", "it comes") if n == 1 else ("stand", "they come")
        shares.append(f"{n} {verb} in the scenario without a statement of where {they} from")
    return f"Of {model} numbers in the model (doses and protocol left aside), {', '.join(shares)}."


@statements("sweeps", "settings")
def own_limits(ground: Ground) -> Iterator[str]:
    """Say what no simulation of this kind can say, whatever its scenario states."""
    who = ground.words.who
    yield sentence(f"{who} differ only in the traits that the scenario gives them; people differ in more")
    yield (
        f"Differences within {who} under identical chance are larger and steadier than any trial can see; what a trial "
        "would see is said as responders in each arm, and as Hedges' g where the noise of a visit is in the score."
    )
