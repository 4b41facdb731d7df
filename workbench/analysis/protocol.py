"""The protocol and the doses of each arm, read back from its stored settings."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.arm_tables import arm_tables
from workbench.component.registry import registry
from workbench.pharmacology.regimen import NEVER, Repeated
from workbench.protocol.schedule import DoseSeries, Fields, Tables, doses_in, doses_of, hours_of, planned
from workbench.protocol.span import parse_span
from workbench.quantities import HOURS_PER_DAY

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.selection import Selection


Settings = dict[str, float | str]


@dataclass(frozen=True)
class Phase:
    """A stretch of the protocol on the trial clock: trials `start` to before `stop`; `per_day` is 0 if not declared."""

    name: str
    start: int
    stop: int
    per_day: float


@dataclass(frozen=True)
class Regimen:
    """What an arm is given by a `table`: `amount` every `every` hours during phases; `once` if there is no second.

    `per_weight` comes on top for each kg of body weight; a `count` of 0 is to the end of the phase; `details` are what
    else was prescribed, in words.
    """

    name: str
    table: str
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
        return self.amount * HOURS_PER_DAY / self.every


def arm_settings(selection: Selection, arm: str) -> dict[str, float | str]:
    """Return an arm's settings: path to number, or to text where it is none; "" for what is not set or not shared."""
    rows = selection.settings[selection.settings.arm == arm]
    return {
        str(path): float(number) if not _missing(number) else text if isinstance(text, str) else ""
        for path, number, text in zip(rows.path, rows.number, rows.text, strict=True)
    }


def setting_units(selection: Selection) -> dict[str, str]:
    """Return the unit of every path that has one."""
    rows = selection.settings
    return {str(path): str(unit) for path, unit in zip(rows.path, rows.unit, strict=True) if isinstance(unit, str)}


def phases(settings: dict[str, float | str]) -> tuple[Phase, ...]:
    """Return the trial-clock phases in their order, placed one after the other."""
    placed: list[Phase] = []
    at = 0
    for name, phase in sorted(arm_tables(settings)["phase"].items(), key=lambda p: (p[1].get("order", 1), p[0])):
        if trials := phase.get("trials"):
            placed.append(Phase(name, at, at + int(trials), phase.get("trials_per_day") or 0.0))
            at += int(trials)
    return tuple(placed)


def regimens(settings: Settings) -> tuple[Regimen, ...]:
    """Return the doses that the arm is given (those of amount zero are not given).

    Of a table of records each is a regimen of its own.
    """
    tables = arm_tables(settings)
    return tuple(r for name in sorted(tables["dose"]) for r in _regimens(name, tables))


def measured_in(specification: str) -> str:
    """Return the phase in which an outcome is measured, "" where its window names none."""
    span = json.loads(specification).get("window")
    return parse_span(span).phase if isinstance(span, str) and span else ""


def main_outcome(selection: Selection, names: list[str]) -> str:
    """Return the first outcome, of those that have a better direction, measured in a phase in which an arm is dosed.

    Without doses, the first outcome that has a direction; without directions, the first.
    """
    measures = {name: selection.measure("outcome", name) for name in names}
    dosed = {
        phase
        for arm in selection.arms.index
        for regimen in regimens(arm_settings(selection, str(arm)))
        for phase in regimen.during
    }
    directed = [name for name in names if measures[name]["better"]]
    treated = [name for name in directed if measured_in(str(measures[name]["specification"])) in dosed]
    return (treated or directed or names)[0]


def _regimens(name: str, tables: Tables) -> Iterator[Regimen]:
    """Yield what the first person of a dose's table who is given anything is given."""
    fields = tables["dose"][name]
    people, hours = planned(fields) or (), hours_of(fields, tables)
    length = math.inf if hours is None else hours
    mine = next((person for person in people if any(np.any(doses.full) for doses in person)), ())
    given = [doses for doses in mine if np.any(doses.full)]
    drug = tables["drug"].get(fields["drug"], {})
    for place, doses in enumerate(given, 1):
        many, known = doses_in(doses, length), doses_of(doses, length)
        if known is not None and not len(known[0]):
            continue
        upto = float(given[place].first) if place < len(given) else math.inf
        others = (d for d in mine if d.empties and not np.any(d.full))
        emptied = [float(d.record) for d in others if doses.first <= d.record <= upto]
        details = (*_details(doses, many, length, drug), *_record_remarks(doses, len(people), emptied, drug))
        own = name if len(given) == 1 else f"{name}_{place}"
        yield _regimen(own, fields, doses, many, (*details, *_visit_remarks(name, tables)))


def _regimen(name: str, fields: Fields, doses: DoseSeries, many: int | None, details: tuple[str, ...]) -> Regimen:
    """Return one series of doses of a table; `many` of them are in their phase, None is nobody knows."""
    repeated = doses if isinstance(doses, Repeated) else None
    return Regimen(
        name=name,
        table=fields["name"],
        drug=fields["drug"],
        amount=float(doses.full if repeated is None else repeated.amount),
        unit="mg/h" if doses.constant else "mg",
        every=float(doses.every),
        during=(doses.during,),
        titration="" if repeated is None else _titration(repeated),
        once=many == 1,
        per_weight=0.0 if repeated is None else float(repeated.amount_per_weight),
        count=many or 0 if repeated is None or repeated.count else 0,
        details=details,
    )


def _titration(doses: Repeated) -> str:
    """Say from where and how fast the daily total rises."""
    if not (doses.titration_step and doses.titration_each):
        return ""
    unit = Repeated.parameters()["titration_step"].unit
    interval = _interval(float(doses.titration_each), Repeated.parameters()["titration_each"].unit)
    return f"started at {doses.titration_start:g} {unit} and raised by {doses.titration_step:g} {unit} every {interval}"


def _interval(length: float, unit: str) -> str:
    """Return a length of time after "every": ``3 days``, ``day``, ``8 h``."""
    if unit not in ("day", "week"):
        return f"{length:g} {unit}"
    return unit if length == 1.0 else f"{length:g} {unit}s"


def _details(doses: DoseSeries, many: int | None, length: float, drug: Fields) -> Iterator[str]:
    """Yield what doses have beside amount and interval; `many` of them are in their phase, None is nobody knows."""
    lasting, until = float(doses.duration), float(doses.recurrence.until)
    if lasting > 0.0 and not doses.constant and not _is_shortened(doses, drug):
        yield f"{'' if many == 1 else 'each '}over {_lasting(lasting)}"
    if doses.first > 0.0:
        yield f"the first after {doses.first:g} h"
    if 0.0 < until < length and until < NEVER:
        yield f"stopped after {until:g} h"
    missed = [f"{number:g}" for number in doses.missed if many is None or number <= many]
    if missed:
        yield f"without dose{'s' if len(missed) > 1 else ''} {', '.join(missed)}"
    if doses.steady_state and not doses.constant:
        yield "at steady state from the start"


def _record_remarks(doses: DoseSeries, people: int, emptied: list[float], drug: Fields) -> Iterator[str]:
    """Yield what only dose records say: of how many people one stands here, what is emptied, rate and compartment."""
    if people > 1:
        yield f"as one of {people} people, each with records of their own"
    if doses.empties:
        yield "the drug emptied before it"
    if doses.constant:
        yield "an endless infusion that ends then"
    elif _is_shortened(doses, drug):
        yield f"at {doses.full / doses.duration:g} mg/h"
    if doses.entry not in ("", "0"):
        yield f"into compartment {doses.entry}"
    for hour in emptied:
        yield f"the drug emptied at {hour:g} h"


def _is_shortened(doses: DoseSeries, drug: Fields) -> bool:
    """Whether bioavailability shortens an infusion, so that its rate is stated and not its length."""
    return doses.keeps_rate and doses.entry in ("", "0") and drug.get("bioavailability") not in (None, 1.0)


def _visit_remarks(name: str, tables: Tables) -> Iterator[str]:
    """Yield what visits decide about the doses of a table."""
    fields = tables["dose"][name]
    who = fields.get("only_if", "anyone")
    if who != "anyone":
        yield f"only for a {who.replace('_', '-')} at {fields.get('decided_at')}"
    known = registry()
    for _, adjustment in sorted(tables["adjustment"].items()):
        if adjustment["dose"] == name:
            form = adjustment["form"]
            done = getattr(known.get("adjustment", form), "done", form) if ("adjustment", form) in known else form
            yield f"{done} at visits of {adjustment['assessment']}"


def _lasting(hours: float) -> str:
    return f"{hours * 60:.3g} min" if hours < 1 else f"{hours:g} h"


def days_declared(selection: Selection) -> bool:
    """Return whether the scenario itself says how many trials make a day."""
    rows = selection.settings
    return bool((rows.path.str.endswith(".trials_per_day") & (rows.origin != "default")).any())


def _missing(value: object) -> bool:
    return value is None or value != value or not isinstance(value, int | float)


def differing_settings(selection: Selection, arm: str, other: str) -> pd.DataFrame:
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
