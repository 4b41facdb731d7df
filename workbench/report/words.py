"""Numbers, arms and findings in plain words, made from stored data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.analysis.dose_response import A_DAY
from workbench.analysis.protocol import Regimen, arm_settings, regimens
from workbench.analysis.timeline import timeline
from workbench.component.field_path import field_path
from workbench.component.registry import SECTIONS, registry

if TYPE_CHECKING:
    from workbench.analysis.selection import Selection


NOTHING = "not available"
LONGEST = 160
VANISHING = 1e-30
WHEN = ("first", "every", "count")
"""What says when a session is held, which stands in the words about it anyway."""
UNITS = {"trial": "trials", "h": "hours", "day": "days", "min": "minutes", "s": "seconds", "ms": "milliseconds"}
MINUS = "\u2212"


def number(value: Any, digits: int = 3, *, even: bool = False) -> str:
    """Return a number as people write it: three digits, a true minus sign, words if there is no number.

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


def cut_text(text: str, letters: int = 34) -> str:
    """Return `text` on one line, cut with an ellipsis if it is longer than `letters`."""
    text = " ".join(text.split())
    return text if len(text) <= letters else text[: letters - 1] + "…"


def row_records(frame: pd.DataFrame) -> Iterator[Any]:
    """Return the rows of a frame as records."""
    return frame.itertuples()


def signed(value: Any) -> str:
    """Return a difference with its sign: ``+0.2``, ``−0.16``, ``0``."""
    text = number(value, even=True)
    return text if text in (NOTHING, "0") or text.startswith(MINUS) else f"+{text}"


def counted(n: int, one: str, many: str = "") -> str:
    """Return a count with its noun.

    >>> counted(1, "set"), counted(3, "set"), counted(8, "person", "people")
    ('1 set', '3 sets', '8 people')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listed(names: Iterable[str]) -> str:
    """Return names with commas and an "and".

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    found = list(names)
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)


def percent(share: Any) -> str:
    """Return a share as a percentage without decimals; "all" and "none" are kept for exactly that."""
    if pd.isna(share):
        return NOTHING
    rounded = round(100 * float(share))
    if rounded == 100 and share < 1:
        return "over 99 %"
    if rounded < 0:
        return f"{MINUS}{-rounded} %"
    return "under 1 %" if rounded == 0 and share > 0 else f"{rounded} %"


def times_in(unit: str) -> str:
    """Return what times in a unit are counted in.

    >>> times_in("h"), times_in("trial")
    ('hours', 'trials')
    """
    return UNITS.get(unit, unit)


def name_in_words(name: str) -> str:
    """Return a name from a file as words.

    >>> name_in_words("dose.thp a day"), name_in_words("overflow_end_of_treatment")
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
        """Slices where something is stimulated, patients where a population is named or arms have conditions."""
        if self.selection.settings.path.str.startswith("stimulus.").any():
            return "simulated slices"
        named = self.selection.scenario.get("report", {}).get("population") or self.selection.arms.condition.any()
        return "simulated patients" if named else "simulated subjects"

    def arm(self, name: str) -> str:
        """Return an arm's title, cut if very long, or its name as words."""
        return cut_text(str(self.selection.arms.title[name]) or name_in_words(name), LONGEST)

    def short(self, name: str) -> str:
        """Return what figures and wide tables call an arm: its short name if the scenario gives one."""
        return str(self.selection.scenario.get("arm", {}).get(name, {}).get("short", "")) or self.arm(name)

    def measure(self, kind: str, name: str) -> str:
        """Return what an outcome or course is called: its title, or its name as words."""
        found = self.selection.measures
        title = found[(found.kind == kind) & (found.name == name)].title.iloc[0]
        return cut_text(str(title) or name_in_words(name), LONGEST)

    def axis(self, path: str, unit: str, relative: bool = False) -> str:
        """Return the label of a setting; a total dose a day is named after its drug."""
        name = name_in_words(path)
        if path.startswith("parameter."):
            name = self.selection.meanings.get(path) or name
        if path.endswith(A_DAY):
            rows = self.selection.settings
            drugs = rows[rows.path == f"{path.removesuffix(A_DAY)}.drug"]["text"]
            name = name_in_words(str(drugs.iloc[0])) if len(drugs) else name
        if relative:
            return f"{name} (times the arm's own)"
        return f"{name} ({unit})" if unit not in ("", "1") else name

    def what(self, name: str) -> str:
        """Say what an arm is: its condition, its doses as prescribed, what it lacks or changes."""
        condition = str(self.selection.arms.condition[name])
        said = [self.conditions.get(condition) or name_in_words(condition)] if condition else []
        parts = [part for part in (*said, self._doses(name), *self._sessions(name), *self._changes(name)) if part]
        return " ".join(sentence(part) for part in parts) or "The circuit as the scenario declares it."

    def prescriptions(self, name: str) -> list[tuple[Regimen, str]]:
        """Return an arm's doses, each with the words in which it would be prescribed."""
        given = regimens(arm_settings(self.selection, name))
        return [
            (r, f"{name_in_words(r.drug)} {_prescribed(r)}" + "".join(f", {d}" for d in r.details if d)) for r in given
        ]

    def _doses(self, name: str) -> str:
        given = self.prescriptions(name)
        if not given:
            settings = arm_settings(self.selection, name)
            return "no drug" if any(path.startswith("dose.") for path in settings) else ""
        return "; ".join(
            said
            + (f" during {' and '.join(name_in_words(p) for p in r.during)}" if r.during else "")
            + (f", {r.titration}" if r.titration else "")
            for r, said in given
        )

    def _sessions(self, name: str) -> list[str]:
        """Say which sessions an arm has, how often and when, and what is unusual about them."""
        found = timeline(self.selection, name)
        lanes = [lane for lane in found.lanes if lane.kind == "session"] if found else []
        if found and not lanes and self.selection.settings.path.str.startswith("session.").any():
            return ["no therapy session"]
        rows = self.selection.settings
        said = []
        for lane in lanes:
            declared = self.selection.scenario.get("session", {}).get(lane.name, {})
            own = rows[(rows.arm == name) & (rows.origin == "arm") & rows.path.str.startswith(f"session.{lane.name}.")]
            unusual = [(field_path(r.path).field, _bare(r)) for r in row_records(own)]
            when = f"day {number(lane.at[0])}" + (f" to day {number(lane.at[-1])}" if len(lane.at) > 1 else "")
            text = f"{str(declared.get('title', '')) or name_in_words(lane.name)}: {len(lane.at)} sessions, {when}"
            unusual_fields = [self._unusual(name, lane.name, f, value) for f, value in unusual if f not in WHEN]
            said.append(text + "".join(f", {part}" for part in unusual_fields))
        return said

    def _unusual(self, arm: str, session: str, field: str, value: str) -> str:
        """Say what an arm changes about a session, in the words of the field's own declaration."""
        rows = self.selection.settings
        kind = rows[(rows.arm == arm) & (rows.path == f"session.{session}.{SECTIONS['session'].key}")]["text"]
        known, name = registry(), str(kind.iloc[0]) if len(kind) else ""
        declared = known.get("session", name).parameters() if ("session", name) in known else {}
        meant = declared[field].doc.partition(",")[0] if field in declared else name_in_words(field)
        return f"{meant}: {value}"

    def _changes(self, name: str) -> list[str]:
        rows = self.selection.settings
        mine = rows[rows.arm == name]
        changed = mine[(mine.origin == "arm") & ~mine.path.str.startswith(("dose.", "session."))]
        said = [f"{r.path.replace('.', ' ').replace('_', ' ')} set to {_value(r)}" for r in row_records(changed)]
        tables, kept = ({field_path(path).table for path in paths} for paths in (rows.path, mine.path))
        return said + [
            f"without {path.replace('.', ' ').replace('_', ' ')}"
            for path in sorted(tables - kept)
            if not path.startswith("session.")
        ]


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


def _bare(row: Any) -> str:
    """Return a value as people write it: no brackets around a list, no decimals of a whole number."""
    return ", ".join(part.strip(" '\"").removesuffix(".0") for part in _value(row).strip("[]").split(","))


def _value(row: Any) -> str:
    if pd.isna(row.number):
        return str(row.text)
    return number(row.number) + (f" {row.unit}" if row.unit not in ("", "1", None) else "")
