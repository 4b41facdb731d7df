"""The statements above and below the figures: what a figure shows first, and how to read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.analysis.dose_response import DoseChain, half_effects
from workbench.analysis.intervals import ROUNDING
from workbench.analysis.parameter_uncertainty import ENDS
from workbench.analysis.time_course import MOST_SUBJECTS, ONSET_FACTOR
from workbench.report.statements.statement import statement
from workbench.report.words import (
    Wording,
    counted,
    listed,
    name_in_words,
    number,
    percent,
    row_records,
    sentence,
    signed,
)
from workbench.terms import CLEARLY_BETTER, CLEARLY_WORSE, HELD, NEITHER, PLAUSIBLE

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.maps import Grid
    from workbench.analysis.parameter_uncertainty import Plausible
    from workbench.analysis.responders import Responses, Shares
    from workbench.analysis.time_course import Timing
    from workbench.report.figure import Line
    from workbench.report.gap import Gap
    from workbench.report.ground import Ground

MOST_ENDS = 3
WITHIN = f"the middle {ENDS[1] - ENDS[0]} %"


# --- what is given, and the course over time -------------------------------------------------------------------------


@statement("settings", "timecourse")
def protocol_take(given: Sequence[str], opened: str, by_equation: Sequence[str]) -> str:
    """Say what is given and when, what was recorded of the window it opens, and what the window's equation says."""
    return " ".join(
        sentence(part) for part in ("; ".join([*given, *([opened] if opened else [])]), *by_equation) if part
    )


@statement("settings", "timecourse")
def protocol_caption(words: Wording, arm: str, curve: str) -> str:
    """Say whose protocol is drawn, and what the curve is."""
    said = f"What “{words.arm(arm)}” gets; the other arms stand in the table of arms."
    if curve:
        said += f" Dashed: {curve}, mean, with the range across {words.who} (middle 80 %) as a pale band."
    return said


@statement("timecourse", "settings")
def over_time_take(gap: Gap) -> str:
    """Say where two arms differ most and at the end, and what becomes of it after the last dose."""
    said = f"{gap.what}: over time “{gap.arm}” and “{gap.against}” differ most at {gap.when} ({signed(gap.largest)})"
    if gap.after_last is not None and gap.last_dose is not None:
        if gap.after_last > 0:
            said += f", {gap.lasting(gap.after_last)} after the last dose"
        said += f"; at the last dose ({gap.moment(gap.last_dose)}) the difference is {signed(gap.at_last_dose)}"
    said += f", and at the end {signed(gap.end)}"
    if gap.grows:
        said += (
            f": it grows without the drug, while “{gap.against}” goes from {number(gap.base_at_last, even=True)} to "
            f"{number(gap.base_end, even=True)}"
        )
    return sentence(said)


@statement("timecourse", "settings")
def over_time_caption(words: Wording, marked: bool, sessions: bool) -> str:
    """Say how the courses are drawn and what is marked on them."""
    said = f"Lines: means. Pale bands: range across {words.who} (the middle 80 % of them)."
    said += " The first panel is the benefit, those beside it are the costs."
    if marked:
        said += " Upright dashed line: the last dose."
    return said + (" Marks below: sessions; triangle: the visit of the main finding." if sessions else "")


@statement("timecourse")
def course_take(words: Wording, frame: pd.DataFrame, title: str, arms: Sequence[str]) -> str:
    """Say in which arm a course ends lowest and highest, or that the arms do not differ."""
    last = frame[frame.time == frame.time.max()].set_index("arm")["mean"]
    scale = float(frame["mean"].abs().max())
    last = last.where(last.abs() > 1e3 * ROUNDING * scale, 0.0)  # what rounding leaves of nothing is nothing
    present = [arm for arm in arms if arm in last.index]
    low, high = min(present, key=lambda a: last[a]), max(present, key=lambda a: last[a])
    if len(present) == 1:
        return sentence(f"{title} over time: at the end it is {number(last.iloc[0], even=True)}")
    if last[high] - last[low] <= 1e3 * ROUNDING * scale:
        peak = frame.iloc[int(frame["mean"].to_numpy().argmax())]
        same = f"{title} over time: at the end it is {number(last[low], even=True)} in every arm"
        if float(peak["mean"]) > float(last[low]):
            same += f"; highest on the way: {number(peak['mean'], even=True)} in “{words.arm(str(peak.arm))}”"
        return sentence(same)
    ends = [f"“{words.arm(a)}” ({number(last[a], even=True)})" for a in (low, high)]
    return sentence(f"{title} over time: at the end it is lowest in {ends[0]} and highest in {ends[1]}")


@statement("timecourse")
def course_caption(words: Wording, subjects: int) -> str:
    """Say what the lines are, and of how many."""
    first = f" Shown are the first {MOST_SUBJECTS} of them." if subjects == MOST_SUBJECTS else ""
    return f"Means only; the range across {words.who} stands in the table.{first}"


@statement("timecourse")
def timing_take(words: Wording, samples: Sequence[Timing]) -> str:
    """Say when half of them have onset in the first arm that shows it, and how many ever lose their benefit."""
    said = []
    for arm, times in ((words.arm(s.arm), s.times) for s in samples if s.what == "onset"):
        if np.mean(~np.isnan(times)) >= 0.5:
            at = float(np.sort(times)[(len(times) - 1) // 2])  # those who never get there sort last
            said.append(f"half of them have onset by trial {number(at)} (“{arm}”)")
            break
    shares = {words.arm(s.arm): float(np.mean(~np.isnan(s.times))) for s in samples if s.what == "relapse"}
    if shares:
        arm = max(shares, key=lambda name: shares[name])
        said.append(f"{percent(shares[arm])} lose half of the benefit within the protocol (“{arm}”)")
    return sentence("; ".join(said) or "When the benefit comes")


@statement("timecourse")
def timing_caption(title: str, every: float) -> str:
    """Say what counts as onset, benefit and relapse, and how finely it was recorded."""
    return (
        f"Onset: first recorded value of {title} above {ONSET_FACTOR:g} times the same person's comparison arm, "
        f"counted from the start of practice (recorded every {number(every)} trials). Benefit is counted from the "
        "start of treatment, its loss from the end. Lines end where no one else reaches it within the protocol."
    )


# --- comparisons -----------------------------------------------------------------------------------------------------


@statement("pairs", "outcomes")
def comparison_take(ground: Ground) -> str:
    """Say the difference of the benefit, what stands beside it, and that of each cost."""
    said: dict[str, list[str]] = {"": [], "also": [], "cost": []}
    aims = ground.aims
    for kind, group in (("", (aims.benefit,) if aims.benefit else ()), ("also", aims.also), ("cost", aims.costs)):
        for aim in group:
            row = ground.row(aim) if aim.arm else None
            if kind == "" and ground.main_difference is not None and aim.interaction:
                said[kind].append(f"{ground.title(aim)}, interaction: {signed(ground.main_difference)}")
            elif row is not None:
                said[kind].append(f"{ground.title(aim)}: {signed(row.difference)}")
    if not any(said.values()):
        return "Every comparison that could be made."
    parts = [*said[""], *said["also"]]
    return sentence("; ".join(parts) + (f"; its cost: {'; '.join(said['cost'])}" if said["cost"] else ""))


@statement("pairs", "points", "scenario")
def comparison_caption(ground: Ground, alike: bool) -> str:
    """Say what a comparison within is, what each mark means, and which size matters."""
    who = ground.words.who
    text = (
        f"Each {who[:-1]} is their own control: the same one goes, with the same chance, through both arms; no trial "
        f"can do this. Thin lines: range across {who} (the middle 80 % of them). Thick bars: calculation error (95 % "
        "interval of the mean). "
    )
    if ground.plausible:
        text += (
            f"Dashed boxes: {PLAUSIBLE} ({WITHIN} of {ground.plausible[0].points} sets of parameters), the line in "
            "them its median. "
        )
    else:
        text += "All of it with one set of assumptions: no range over assumed ranges was computed. "
    text += "Filled circle: better or equal; open square: worse."
    sized = [aim for aim in ground.aims.named if aim.meaningful]
    if sized:
        size = number(sized[0].meaningful)
        text += f" Dotted: {size} points, the smallest change that matters by published estimates ({sized[0].source})."
    if alike:
        text += f" A Hedges' g beyond 2 is larger than trials find: {who} vary less than people."
    return text


@statement("outcomes", "scenario")
def responders_take(ground: Ground, found: Sequence[Responses]) -> str:
    """Say how many of a hundred respond in each arm, as a trial would count them."""
    said = []
    for one in found:
        (mine, theirs), (arm, against) = one.shares, (ground.words.arm(name) for name in one.arms)
        said.append(
            f"{ground.title(one.aim)}: {percent(mine)} respond with “{arm}” and {percent(theirs)} with “{against}” "
            f"({_response(ground, one)})"
        )
    return sentence("; ".join(said))


def _response(ground: Ground, one: Responses) -> str:
    return f"at least {percent(one.by)} better than in “{ground.words.measure('outcome', one.before)}”"


@statement("outcomes", "scenario")
def responders_caption(ground: Ground, found: Sequence[Responses]) -> str:
    """Say who counts as a responder, and that everybody is counted."""
    who = ground.words.who
    sources = [one.aim.response.source for one in found if one.aim.response and one.aim.response.source]
    known = f" (as in {', '.join(dict.fromkeys(sources))})" if sources else ""
    return (
        f"Each mark is one of 100 {who}, counted in each arm as a trial would count them: against the same person's "
        f"own earlier score in that arm{known}. All are in it, those who cannot respond included."
    )


@statement("pairs", "scenario")
def hundred_take(ground: Ground, found: Sequence[Shares]) -> str:
    """Say how many of a hundred are clearly better, clearly worse or neither, held against themselves."""
    said = []
    for one in found:
        much, some, same, less, bad = one.of_hundred
        pair = f"“{ground.words.arm(one.aim.arm)}” against “{ground.words.arm(one.aim.against)}”"
        title = ground.title(one.aim)
        if same == 100:
            said.append(f"{title}: no one differs ({pair})")
            continue
        said.append(
            f"{title}, {pair}: {much} are {CLEARLY_BETTER}, {bad} {CLEARLY_WORSE}, {some + same + less} {NEITHER}"
        )
    return sentence(f"Of 100 {ground.words.who} held against themselves in the other arm: " + "; ".join(said))


@statement("pairs", "scenario")
def hundred_caption(ground: Ground, found: Sequence[Shares]) -> str:
    """Say that this is no count that a trial could make, and which change counts as clear."""
    who = ground.words.who
    text = f"Each mark is one of 100 {who}, held against the same one in the other arm, which no trial can do. "
    absolute = [one for one in found if not one.relative]
    if absolute:
        text += f"Clear is a change of at least {number(absolute[0].cut)}, which the scenario names. "
    if len(absolute) < len(found):
        cut = next(one for one in found if one.relative).cut
        text += f"Where it names none, {percent(cut)} of the value in the other arm counts, which is arbitrary. "
    return (
        text + "They differ only in the traits that the scenario gives them, so that they look more alike than people."
    )


@statement("pairs")
def improved_take(words: Wording, title: str, frame: pd.DataFrame) -> str:
    """Say the largest share that is better by the first threshold than the same ones in the comparison arm."""
    at = int(frame.threshold.iloc[0])
    best = frame[frame.threshold == at].sort_values("share", kind="stable").iloc[-1]
    return sentence(
        f"At least {at} % better in {title} than the same ones in the comparison arm: up to {percent(best.share)} of "
        f"{words.who} (“{words.arm(best.arm)}”)"
    )


@statement("pairs")
def improved_caption(words: Wording) -> str:
    """Say who is counted, and against whom."""
    return (
        f"Counted are {words.who} at least X % better than themselves in the comparison arm, which no trial can do; "
        "no X is special."
    )


# --- sets of parameters ----------------------------------------------------------------------------------------------


@statement("points", "outcomes", "scenario")
def sets_take(ground: Ground, title: str, found: Sequence[Plausible], smallest: float | None) -> str:
    """Say how many comparisons keep their direction over all sets, counting only what is worth naming."""
    if smallest is None:
        turns = [f for f in found if not f.one_way]
        least = ""
    else:
        turns = [f for f in found if min(f.clearly(smallest)[:2]) > 0]
        least = f" by at least {number(smallest)}"
    if not turns:
        return sentence(f"{title}: no comparison is better{least} in some sets of parameters and worse in others")
    return sentence(
        f"{title}: {len(turns)} of {len(found)} comparisons are better{least} in some sets of parameters and worse in "
        "others"
    )


@statement("points", "findings", "scenario")
def sets_caption(ground: Ground, found: Sequence[Plausible]) -> str:
    """Say what a set is, what the box holds, and which sets give back the fitted findings."""
    first = found[0]
    text = (
        f"Each dot is one of {first.points} sets of parameters in which everything swept moves at once over its "
        f"assumed range, with {counted(first.people, 'person', 'people')} a set. Dashed box: {PLAUSIBLE}, {WITHIN} "
        "of the sets; line in it: the median; diamond: the shipped set. "
    )
    if ground.held is not None:
        inside = len(ground.held.inside)
        text += f"Dark dots: the {counted(inside, 'set')} {HELD} ({listed(ground.held.findings)}). "
    return text + f"This is neither the range across {ground.words.who} nor calculation error."


# --- doses, sweeps and maps ------------------------------------------------------------------------------------------


@statement("outcomes", "settings")
def dose_take(words: Wording, lines: Sequence[tuple[str, Line]], axis: str) -> str:
    """Say at which dose each outcome is best and worst (lowest and highest where it has no direction)."""
    said = [f"{words.measure('outcome', outcome)} {_extremes(words, outcome, line)}" for outcome, line in lines]
    doses = sorted({float(x) for _, line in lines for x in line.frame.x})
    return sentence(f"With {axis} from {number(doses[0])} to {number(doses[-1])}: {'; '.join(said)}")


def _extremes(words: Wording, outcome: str, line: Line, spoken: Sequence[str] = ()) -> str:
    """Say where a line is lowest and highest, in the words of the outcome's direction."""
    better = str(words.selection.measure("outcome", outcome)["better"])
    frame = line.frame[line.frame["mean"].notna()]
    mean = frame["mean"].to_numpy(dtype=np.float64)
    low, high = frame.iloc[int(mean.argmin())], frame.iloc[int(mean.argmax())]
    scale = float(np.abs(mean).max())
    shown_ends = {number(row["mean"], even=True) for row in (low, high)}
    if len(shown_ends) == 1 or float(high["mean"]) - float(low["mean"]) <= 1e3 * ROUNDING * scale:
        return f"is {number(low['mean'], even=True)} throughout"
    names = {"lower": ("best", "worst"), "higher": ("worst", "best")}.get(better, ("lowest", "highest"))
    ends = [
        f"{name} at {spoken[int(row.x)] if spoken else number(row.x)} ({number(row['mean'], even=True)})"
        for name, row in zip(names, (low, high), strict=True)
    ]
    return f"is {' and '.join(ends if names[0] != 'worst' else ends[::-1])}"


@statement("outcomes", "settings")
def dose_caption(words: Wording) -> str:
    """Say what bands and bars are."""
    return (
        f"Pale bands: range across {words.who} (the middle 80 % of them). Thick bars: calculation error (95 % interval "
        "of the mean)."
    )


@statement("outcomes", "points")
def chain_take(words: Wording, found: DoseChain) -> str:
    """Say the half-effect dose of the main link in each arm."""
    rows = half_effects(found)
    if rows.empty:
        return sentence(f"No dose in {name_in_words(found.study)} reaches half of any effect")
    levels = [link.outcome for link in found.links if link.absolute]
    chosen = rows[rows.outcome == next((o for o in levels if o in set(rows.outcome)), rows.outcome.iloc[-1])]
    said = [f"{number(r.p50, 2)} {found.unit} ({words.arm(r.arm)})" for r in row_records(chosen)]
    title = words.measure("outcome", str(chosen.outcome.iloc[0]))
    return sentence(f"{title}: half of it is reached at a median of {', '.join(said)}")


@statement("outcomes", "points")
def chain_caption(words: Wording) -> str:
    """Say what bands, bars and half of an effect are."""
    return (
        f"From the dose to its effect, link by link. Pale bands: range across {words.who}; thick bars: calculation "
        "error (95 % interval of the mean). Half of an effect: 0.5 for what lies between 0 and 1, else half of the "
        "largest change from the lowest dose; between the doses tried it is read off a straight line."
    )


@statement("outcomes", "points")
def curve_take(words: Wording, study: str, outcome: str, lines: Sequence[Line], spoken: Sequence[str]) -> str:
    """Say where along one swept setting an outcome is best and worst, arm by arm."""
    title = str(words.selection.studies.title[study]) or name_in_words(study)
    measure = words.measure("outcome", outcome)
    said = [f"in “{line.label}” it {_extremes(words, outcome, line, spoken)}" for line in lines[:MOST_ENDS]]
    more = f", and so on ({len(lines)} arms)" if len(lines) > MOST_ENDS else ""
    return sentence(f"{title}: {measure}; {', '.join(said)}{more}" if said else title)


@statement("points", "settings")
def curve_caption(numeric: bool) -> str:
    """Say what bars and upright lines are."""
    marks = " Upright lines: the value that the arm itself has." if numeric else ""
    return f"Thick bars: calculation error (95 % interval of the mean, central limit).{marks}"


@statement("outcomes", "points")
def map_take(words: Wording, study: str, title: str, found: Sequence[Grid]) -> str:
    """Say between which values an outcome runs on each map."""
    name = str(words.selection.studies.title[study]) or name_in_words(study)
    said = []
    for grid in found:
        if np.isnan(grid.mean).all():
            continue
        low, high = (number(end, even=True) for end in (np.nanmin(grid.mean), np.nanmax(grid.mean)))
        runs = f"is {low} everywhere" if low == high else f"runs from {low} to {high}"
        said.append(f"{runs} in “{words.arm(grid.arm)}”")
    return sentence(f"{name}: {title} {', '.join(said)}" if said else f"{name}: no run finished")


@statement("outcomes", "points", "failures")
def map_caption(words: Wording, title: str, found: Sequence[Grid], places: Sequence[str]) -> str:
    """Say what a cell is, where each arm itself stands, and what moves together."""
    runs = sorted({int(n) for g in found for n in np.unique(g.n)} - {0})
    said = [
        f"Mean of {title} over {' or '.join(map(str, runs)) or 'no'} {words.who} a cell, one colour scale for all "
        "maps. The star is the arm's own setting.",
        *places,
    ]
    said += ["Crossed cells hold failed runs."] if any(g.failed.any() for g in found) else []
    axes = (found[0].x, found[0].y)
    said += [
        sentence(f"{words.axis(axis.path, '')} moves together with {listed(words.axis(p, '') for p in axis.together)}")
        for axis in axes
        if axis.together
    ]
    return " ".join(said)


@statement("outcomes", "points")
def turning_take(ground: Ground, title: str, names: tuple[str, str], grid: Grid) -> str:
    """Say where on a map the comparison is best and where worst: its sign depends on what is swept there."""
    better = str(ground.selection.measure("outcome", grid.outcome)["better"])
    gain = grid.mean * (-1.0 if better == "lower" else 1.0)
    best, worst = (np.unravel_index(int(find(gain)), gain.shape) for find in (np.nanargmax, np.nanargmin))
    ends = [
        f"{word} at {names[0]} {_level(grid.x.levels[int(at[1])])} and {names[1]} {_level(grid.y.levels[int(at[0])])} "
        f"({signed(grid.mean[at])})"
        for word, at in (("best", best), ("worst", worst))
    ]
    clear = int(np.nansum(gain > 0)), int(np.nansum(gain < 0))
    return sentence(
        f"{title}: the sign of the difference depends on what is swept here; it is {ends[0]} and {ends[1]}, with "
        f"{counted(clear[0], 'cell')} for the arm and {clear[1]} against it"
    )


def _level(value: float | str) -> str:
    return value if isinstance(value, str) else number(value)


@statement("outcomes", "points")
def session_map_take(ground: Ground, grid: Grid, names: tuple[str, str]) -> str:
    """Say where along the session's time the difference is largest and smallest, at the arm's own other setting."""
    better = ground.selection.measure("outcome", grid.outcome)["better"]
    at = grid.y.levels.index(grid.own[1]) if grid.own[1] in grid.y.levels else 0
    row = grid.mean[at] * (-1.0 if better == "lower" else 1.0)
    most, least = int(np.nanargmax(row)), int(np.nanargmin(row))
    outcome = ground.words.measure("outcome", grid.outcome)
    return sentence(
        f"{outcome} differs most if {names[0]} {grid.x.levels[most]} ({signed(grid.mean[at, most])}), least at "
        f"{grid.x.levels[least]} ({signed(grid.mean[at, least])}); other values of “{names[1]}” move it from "
        f"{signed(np.nanmin(grid.mean))} to {signed(np.nanmax(grid.mean))}"
    )


@statement("outcomes", "points")
def pair_map_caption(ground: Ground, outcome: str, grid: Grid, pair: tuple[str, str]) -> str:
    """Say what a cell of a map of differences is."""
    arms = " and ".join(f"“{ground.words.arm(arm)}”" for arm in pair)
    return (
        f"Mean difference in {outcome} between {arms} in the same {ground.words.who}, {int(grid.n.max())} a cell. The "
        "star is the setting of the arm itself. Cells show the mean alone: neither calculation error nor the range "
        "over other parameters is in them."
    )


def own_places(words: Wording, grids: Sequence[Grid], inside: Any) -> Iterator[str]:
    """Yield where each arm itself stands on its map."""
    for grid in grids:
        if None in grid.own:
            yield f"“{words.arm(grid.arm)}” has no single place on this map."
            continue
        at = " and ".join(
            f"{words.axis(a.path, '')} {v if isinstance(v, str) else number(v)}"
            for a, v in zip((grid.x, grid.y), grid.own, strict=True)
        )
        yield f"“{words.arm(grid.arm)}” stands at {at}{'' if inside(grid) else ', outside this map'}."
