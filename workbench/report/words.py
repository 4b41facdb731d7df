"""Numbers, arms and findings in plain words, made from stored data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.analysis.dose import A_DAY
from workbench.analysis.protocol import Regimen, arm_settings, regimens, setting_units

if TYPE_CHECKING:
    from workbench.analysis.selection import Selection

NOTHING = "not available"
LONGEST = 160
VANISHING = 1e-30
MINUS = "\u2212"


def number(value: Any, digits: int = 3, *, even: bool = False) -> str:
    """Return a number as people write it: three digits, a true minus sign, words where there is none.

    `even` keeps closing zeros, so that the results in a column have the same precision.

    >>> number(0.03146), number(-12345.6), number(0.19), number(0.19, even=True), number(None)
    ('0.0315', '−12,346', '0.19', '0.190', 'not available')
    """
    if pd.isna(value):
        return NOTHING
    value = float(value)
    size = abs(value)
    if size < VANISHING:
        return "0"
    if 1e-6 <= size < 1e7:
        places = max(0, digits - 1 - _magnitude(size))
        text = f"{size:,.{places}f}"
        text = text.rstrip("0").rstrip(".") if "." in text and not even else text
    else:
        text = f"{size:.{digits - 1}e}"
    return f"{MINUS if value < 0 else ''}{text}"


def _magnitude(size: float) -> int:
    return int(f"{size:e}".partition("e")[2])


def cut(text: str, letters: int = 34) -> str:
    """Return `text` on one line, cut with a mark if it is longer than `letters`."""
    text = " ".join(text.split())
    return text if len(text) <= letters else text[: letters - 1] + "…"


def each(frame: pd.DataFrame) -> Iterator[Any]:
    """Return the rows of a frame as records; what their fields hold is known to who made the frame."""
    return frame.itertuples()


def signed(value: Any) -> str:
    """Return a difference with its sign: ``+0.2``, ``−0.16``, ``0``."""
    text = number(value, even=True)
    return text if text in (NOTHING, "0") or text.startswith(MINUS) else f"+{text}"


def percent(share: Any) -> str:
    """Return a share as a percentage without decimals; "all" and "none" are kept for exactly that."""
    if pd.isna(share):
        return NOTHING
    rounded = round(100 * float(share))
    if rounded == 100 and share < 1:
        return "over 99 %"
    return "under 1 %" if rounded == 0 and share > 0 else f"{rounded} %"


def plain(name: str) -> str:
    """Return a name from a file as words.

    >>> plain("dose.thp a day"), plain("overflow_end_of_treatment")
    ('thp a day', 'overflow end of treatment')
    """
    parts = name.split(".")
    return " ".join(parts[1:] if len(parts) > 1 else parts).replace("_", " ")


def sentence(text: str) -> str:
    """Return `text` with a capital at the start and a full stop at the end."""
    text = text.strip()
    return text if not text else text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


@dataclass(frozen=True)
class Wording:
    """How one sweep's arms, outcomes and subjects are called on the page."""

    selection: Selection
    conditions: dict[str, str]

    @cached_property
    def who(self) -> str:
        """Simulated slices under stimulation, patients where arms are conditions of people, subjects otherwise."""
        settings = self.selection.settings
        clocks = set(settings.text[settings.path.str.match(r"phase\.[^.]+\.clock$")])
        if clocks == {"tick"}:
            return "simulated slices"
        return "simulated patients" if self.selection.arms.condition.any() else "simulated subjects"

    def arm(self, name: str) -> str:
        """Return an arm's title, cut if very long, or its name as words."""
        return cut(str(self.selection.arms.title[name]) or plain(name), LONGEST)

    def measure(self, kind: str, name: str) -> str:
        """Return what an outcome or course is called: its title, or its name as words."""
        found = self.selection.measures
        title = found[(found.kind == kind) & (found.name == name)].title.iloc[0]
        return cut(str(title) or plain(name), LONGEST)

    def axis(self, path: str, unit: str, relative: bool = False) -> str:
        """Return the label of a setting; a total dose a day is named after its drug."""
        name = plain(path)
        if path.endswith(A_DAY):
            rows = self.selection.settings
            drugs = rows[rows.path == f"{path.removesuffix(A_DAY)}.drug"]["text"]
            name = plain(str(drugs.iloc[0])) if len(drugs) else name
        if relative:
            return f"{name} (times the arm's own)"
        return f"{name} ({unit})" if unit not in ("", "1") else name

    def what(self, name: str) -> str:
        """Say what an arm is: its condition, its doses as prescribed, what it lacks or changes."""
        condition = str(self.selection.arms.condition[name])
        said = [self.conditions.get(condition) or plain(condition)] if condition else []
        parts = [part for part in (*said, self._doses(name), *self._changes(name)) if part]
        return " ".join(sentence(part) for part in parts) or "The circuit as the scenario declares it."

    def _doses(self, name: str) -> str:
        settings = arm_settings(self.selection, name)
        given = regimens(settings, setting_units(self.selection))
        if not given:
            return "no drug" if any(path.startswith("dose.") for path in settings) else ""
        return "; ".join(
            f"{plain(r.drug)} {_prescribed(r)}"
            + (f" during {' and '.join(plain(p) for p in r.during)}" if r.during else "")
            + "".join(f", {said}" for said in (r.titration, *r.details) if said)
            for r in given
        )

    def _changes(self, name: str) -> list[str]:
        rows = self.selection.settings
        mine = rows[rows.arm == name]
        changed = mine[(mine.origin == "arm") & ~mine.path.str.startswith("dose.")]
        said = [f"{r.path.replace('.', ' ').replace('_', ' ')} set to {_value(r)}" for r in each(changed)]
        tables = {".".join(path.split(".")[:2]) for path in rows.path}
        kept = {".".join(path.split(".")[:2]) for path in mine.path}
        return said + [f"without {path.replace('.', ' ').replace('_', ' ')}" for path in sorted(tables - kept)]


def _prescribed(regimen: Regimen) -> str:
    """Say amount and interval: a day's total where it is given day by day."""
    by_weight = f"{number(regimen.per_weight)} mg/kg" if regimen.per_weight else ""
    plainly = f"{number(regimen.amount)} {regimen.unit}" if regimen.amount else ""
    one = " and ".join(part for part in (plainly, by_weight) if part)
    if regimen.once:
        return f"{one} once"
    if regimen.count:
        return f"{one}, {regimen.count} doses, one every {number(regimen.every)} h"
    if by_weight:
        return f"{one} every {number(regimen.every)} h"
    return f"{number(regimen.per_day)} {regimen.unit} a day ({one} every {number(regimen.every)} h)"


def _value(row: Any) -> str:
    if pd.isna(row.number):
        return str(row.text)
    return number(row.number) + (f" {row.unit}" if row.unit not in ("", "1", None) else "")


def comparison(words: Wording, row: Any) -> str:
    """Say one row of `analysis.compare` in a sentence with size, direction and how many subjects share it."""
    arm, base = words.arm(row.arm), words.arm(row.baseline)
    if row.n == 0:
        return f"{arm} could not be compared with {base}: {row.note}."
    unit = f" {row.unit}" if row.unit != "1" else ""
    if row.difference == 0:
        return f"In {arm} it was {number(row.mean, even=True)}{unit}, the same as in {base}."
    direction = "higher" if row.difference > 0 else "lower"
    relative = f" ({percent(abs(row.difference / row.baseline_mean))} {direction})" if row.baseline_mean > 0 else ""
    text = (
        f"With “{arm}” it was {number(row.mean, even=True)}{unit}, with “{base}” "
        f"{number(row.baseline_mean, even=True)}{unit}"
        f" in the same {words.who}: "
        f"{number(abs(row.difference), even=True)} {direction}{relative}"
    )
    return text + f"{_verdict(row)}."


def _row(rows: pd.DataFrame, index: Any) -> Any:
    return next(each(rows.loc[[index]]))


def _verdict(row: Any) -> str:
    if pd.isna(row.better):
        return ""
    counted = {0.0: "none", 1.0: "all"}.get(float(row.better), percent(row.better))
    improved = (row.difference < 0) == (row.better_means == "lower is better")
    said = f", which is {'better' if improved else 'worse'}; {counted} of them did better"
    if pd.isna(row.p10) or row.p10 == row.p90:
        return said
    ends = number(row.p10, even=True), number(row.p90, even=True)
    return f"{said}, and in the middle 80 % of them the difference lies between {ends[0]} and {ends[1]}"


ONE_SET = "With one set of assumptions: "


def headline(
    words: Wording, rows: pd.DataFrame, outcome: str, ranges: Mapping[tuple[str, str], str] | None = None
) -> list[str]:
    """Return the main finding: the largest harm and the largest benefit in the main outcome, a sentence each.

    `ranges` maps (arm, baseline) to a sentence on the range over plausible parameters. Where there are any, only their
    comparisons are spoken of, each followed by its range; without any, the first sentence says that one set of
    assumptions was used.
    """
    ranges = ranges or {}
    title = words.measure("outcome", outcome)
    known = rows[(rows.outcome == outcome) & rows.difference.notna()]
    if known.empty and not words.selection.arms.baseline.any():
        return [f"No arm has another to be compared with; the main outcome is {title}."]
    if known.empty:
        return [f"No comparison of “{title}” can be made: no two arms have finished runs of the same {words.who}."]
    covered = [(r.arm, r.baseline) in ranges for r in each(known)]
    known = known[covered] if any(covered) else known
    direction = str(known.better_means.iloc[0])
    toward = known.difference * (1 if direction != "higher is better" else -1)
    worst, best = _row(known, toward.idxmax()), _row(known, toward.idxmin())
    found = [worst] * bool(toward.max() > 0) + [best] * bool(toward.min() < 0)
    said = []
    for row in found:
        said.append(comparison(words, row))
        said += [ranges[row.arm, row.baseline]] if (row.arm, row.baseline) in ranges else []
    said = said or ["No arm differs from the one it is compared with."]
    said[0] = f"{title}: {said[0]}" if any(covered) else f"{ONE_SET}{title}: {said[0]}"
    return [*said, f"{title} is {words.selection.measure('outcome', outcome)['meaning']}; {direction}."]
