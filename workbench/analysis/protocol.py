"""The protocol and the doses of each arm, read back from its stored settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.analysis.records import doses_given, in_plain_words, phase_hours
from workbench.protocol.window import parse_window

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.selection import Selection

HOURS_A_DAY = 24.0


@dataclass(frozen=True)
class Phase:
    """A stretch of the protocol on the trial clock: trials `start` to before `stop`; `per_day` is 0 if not declared."""

    name: str
    start: int
    stop: int
    per_day: float


@dataclass(frozen=True)
class Regimen:
    """What an arm is given: `amount` every `every` hours during phases; `once` if there is no second.

    `per_weight` comes on top for each kg of body weight; a `count` of 0 is to the end of the phase; `details` are what
    else was prescribed, in words.
    """

    name: str
    drug: str
    amount: float
    unit: str
    every: float
    during: tuple[str, ...]
    titration: str
    once: bool = False
    per_weight: float = 0.0
    count: int = 0
    details: tuple[str, ...] = ()

    @property
    def per_day(self) -> float:
        """Total amount a day once the full dose is reached."""
        return self.amount * HOURS_A_DAY / self.every


def arm_settings(selection: Selection, arm: str) -> dict[str, float | str]:
    """Return an arm's settings: path to number, or to text where the setting is no number."""
    rows = selection.settings[selection.settings.arm == arm]
    return {
        str(path): str(text) if _missing(number) else float(number)
        for path, number, text in zip(rows.path, rows.number, rows.text, strict=True)
    }


def setting_units(selection: Selection) -> dict[str, str]:
    """Return the unit of every path that has one."""
    rows = selection.settings
    return {str(path): str(unit) for path, unit in zip(rows.path, rows.unit, strict=True) if isinstance(unit, str)}


def phases(settings: dict[str, float | str]) -> tuple[Phase, ...]:
    """Return the trial-clock phases in their order, placed one after the other."""
    names = {path.split(".")[1] for path in settings if path.startswith("phase.") and path.endswith(".trials")}
    placed: list[Phase] = []
    at = 0
    for name in sorted(names, key=lambda n: (_number(settings, f"phase.{n}.order"), n)):
        trials = int(_number(settings, f"phase.{name}.trials"))
        placed.append(Phase(name, at, at + trials, _number(settings, f"phase.{name}.trials_per_day")))
        at += trials
    return tuple(placed)


def regimens(settings: dict[str, float | str], units: dict[str, str]) -> tuple[Regimen, ...]:
    """Return the doses that the arm is given (those of amount zero are not given)."""
    settings = in_plain_words(settings)
    names = sorted({path.split(".")[1] for path in settings if path.startswith("dose.") and path.endswith(".amount")})
    found = (_regimen(name, settings, units) for name in names if doses_given(settings, name) > 0.0)
    return tuple(regimen for regimen in found if regimen.amount > 0 or regimen.per_weight > 0)


def measured_in(specification: str) -> str:
    """Return the phase in which an outcome is measured, "" where its window names none."""
    window = json.loads(specification).get("window")
    return parse_window(window).phase if isinstance(window, str) and window else ""


def main_outcome(selection: Selection, names: list[str]) -> str:
    """Return the first outcome, of those that have a better direction, measured in a phase in which an arm is dosed.

    Without doses, the first outcome that has a direction; without directions, the first.
    """
    measures = {name: selection.measure("outcome", name) for name in names}
    dosed = {
        phase
        for arm in selection.arms.index
        for regimen in regimens(arm_settings(selection, str(arm)), {})
        for phase in regimen.during
    }
    directed = [name for name in names if measures[name]["better"]]
    treated = [name for name in directed if measured_in(str(measures[name]["specification"])) in dosed]
    return (treated or directed or names)[0]


def _regimen(name: str, settings: dict[str, float | str], units: dict[str, str]) -> Regimen:
    at = f"dose.{name}."
    step, each = _number(settings, at + "titration_step"), _number(settings, at + "titration_each")
    titration = ""
    if step and each:
        unit = units.get(at + "titration_step", "")
        start = _number(settings, at + "titration_start")
        interval = _interval(each, units.get(at + "titration_each", ""))
        titration = f"started at {start:g} {unit} and raised by {step:g} {unit} every {interval}"
    during = _names(settings.get(at + "during", ""))
    every = _number(settings, at + "every") or HOURS_A_DAY
    many = doses_given(settings, name)
    # As many as the phase holds, where a number was asked for; without one it is to the end.
    count = many if _number(settings, at + "count") else 0.0
    return Regimen(
        name=name,
        drug=str(settings.get(at + "drug", name)),
        amount=_number(settings, at + "amount"),
        unit=str(settings.get(at + "unit", units.get(at + "amount", "mg"))),
        every=every,
        during=during,
        titration=titration,
        once=many == 1.0,
        per_weight=_number(settings, at + "amount_per_weight"),
        count=int(count),
        details=_details(at, settings, many),
    )


def _interval(length: float, unit: str) -> str:
    """Return a length of time after "every": ``3 days``, ``day``, ``8 h``."""
    if unit not in ("day", "week"):
        return f"{length:g} {unit}"
    return unit if length == 1.0 else f"{length:g} {unit}s"


def _details(at: str, settings: dict[str, float | str], many: float) -> tuple[str, ...]:
    """Return what a regimen has beside amount and interval; `many` doses are in its phase."""
    first, until, lasting = (_number(settings, at + name) for name in ("first", "until", "duration"))
    missed = [part.removesuffix(".0") for part in _names(settings.get(at + "missed", ""))]
    missed = [part for part in missed if float(part) <= many]
    length = phase_hours(settings, at.removesuffix("."))
    notice = json.loads(str(settings.get(at + "notice", "[]")))
    told = (
        (f"{'' if many == 1 else 'each '}over {_lasting(lasting)}", lasting > 0),
        (f"the first after {first:g} h", first > 0),
        (f"stopped after {until:g} h", 0 < until < length),
        (f"without dose{'s' if len(missed) > 1 else ''} {', '.join(missed)}", bool(missed)),
        ("as if given for ever before", settings.get(at + "steady_state") == "true"),
        *((words, True) for words in notice),
        *_decided(at, settings),
    )
    return tuple(words for words, said in told if said)


def _decided(at: str, settings: dict[str, float | str]) -> Iterator[tuple[str, bool]]:
    """Yield what visits decide about a regimen, and whether they do."""
    who, gate = str(settings.get(at + "only_if", "anyone")), settings.get(at + "decided_at", "")
    yield f"only for a {who.replace('_', '-')} at {gate}", who != "anyone"
    forms = {"titrate": "raised", "hold": "held", "stop": "stopped"}
    for path, form in sorted(settings.items()):
        own = path.removesuffix("form")
        if path.startswith("adjustment.") and path.endswith(".form") and f"dose.{settings.get(own + 'dose')}." == at:
            yield f"{forms.get(str(form), str(form))} at visits of {settings.get(own + 'assessment')}", True


def _lasting(hours: float) -> str:
    return f"{hours * 60:.3g} min" if hours < 1 else f"{hours:g} h"


def _names(listed: float | str) -> tuple[str, ...]:
    """Return the names in a stored reference: one name, or a list as JSON or Python writes it."""
    bare = (part.strip(" '\"[]()") for part in str(listed).split(","))
    return tuple(part for part in bare if part)


def days_declared(selection: Selection) -> bool:
    """Return whether the scenario itself says how many trials make a day."""
    rows = selection.settings
    return bool((rows.path.str.endswith(".trials_per_day") & (rows.origin != "default")).any())


def _number(settings: dict[str, float | str], path: str) -> float:
    value = settings.get(path, 0.0)
    return value if isinstance(value, float) else 0.0


def _missing(value: object) -> bool:
    return value is None or value != value or not isinstance(value, int | float)


def differing(selection: Selection, arm: str, other: str) -> pd.DataFrame:
    """Return the settings in which two arms differ: path, value, other, unit (text as a reader would write it)."""
    import pandas as pd

    mine, theirs = arm_settings(selection, arm), arm_settings(selection, other)
    units = setting_units(selection)
    rows = [
        (path, mine.get(path), theirs.get(path), units.get(path, ""))
        for path in sorted(set(mine) | set(theirs))
        if mine.get(path) != theirs.get(path)
    ]
    return pd.DataFrame(rows, columns=["path", "value", "other", "unit"])
