"""When an arm is given what: doses, sessions, visits and phases on one axis, read back from its stored settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from workbench.analysis.arm_tables import arm_tables
from workbench.analysis.protocol import Phase, arm_settings, phases
from workbench.component.moments import round_hours
from workbench.component.registry import registry
from workbench.protocol.schedule import (
    Fields,
    Tables,
    dosed_stretches,
    doses_given,
    events_of,
    phase_hours,
    phase_of,
    sessions_held,
    visits_of,
)
from workbench.quantities import HOURS_PER_DAY, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from workbench.analysis.selection import Selection


@dataclass(frozen=True)
class Lane:
    """What happens: moments (`at`), or stretches (`spans`), in the timeline's unit."""

    kind: str
    name: str
    at: tuple[float, ...] = ()
    spans: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Timeline:
    """One arm's protocol in `unit` ("trial", "day", "hour" or "second"), up to `end`."""

    arm: str
    unit: str
    end: float
    phases: tuple[Phase, ...]
    lanes: tuple[Lane, ...]


UNITS = {"day": HOURS_PER_DAY, "hour": 1.0, "second": 1.0 / SECONDS_PER_HOUR}
"""Hours in each unit; the first that a protocol has at least one of, or else the last, is that of its axis."""


def timeline(selection: Selection, arm: str) -> Timeline | None:
    """Return what an arm is given and when; None where a protocol of ticks is shorter than a day, or clocks differ."""
    settings = arm_settings(selection, arm)
    found, tables = phases(settings), arm_tables(settings)
    if found:
        return Timeline(arm, "trial", found[-1].stop, found, tuple(_in_trials(tables, found)))
    lengths = {name: phase_hours(phase) for name, phase in tables["phase"].items()}
    ordered = sorted(tables["phase"], key=lambda name: (tables["phase"][name].get("order", 1), name))
    clocks = {registry().clock(phase["clock"]) for phase in tables["phase"].values()}
    if clocks not in ({"tick"}, {"event"}) or None in lengths.values():
        return None
    begins = dict(zip(ordered, accumulate((lengths[name] or 0.0 for name in ordered), initial=0.0), strict=False))
    hours = sum(length or 0.0 for length in lengths.values())
    if clocks == {"tick"} and hours < HOURS_PER_DAY:
        return None
    unit = next((unit for unit, length in UNITS.items() if hours >= length), "second")
    return Timeline(arm, unit, hours / UNITS[unit], (), tuple(_in_time(tables, begins, UNITS[unit])))


def dose_trials(tables: Tables, name: str, placed: tuple[Phase, ...]) -> tuple[tuple[float, float], ...]:
    """Return the stretches of trials over which doses of a table follow each other; none where nobody knows them."""
    fields = tables["dose"][name]
    phase = next((p for p in placed if p.name == phase_of(fields)), None)
    stretches = dosed_stretches(fields, tables) if phase is not None else None
    if phase is None or stretches is None:
        return ()
    per_hour = phase.per_day / HOURS_PER_DAY
    return tuple((_trial(phase, start * per_hour), _trial(phase, stop * per_hour)) for start, stop in stretches)


def _trial(phase: Phase, trials: float) -> float:
    return float(min(round_hours(phase.start + trials), phase.stop))


def _in_trials(tables: Tables, placed: tuple[Phase, ...]) -> Iterator[Lane]:
    """Yield one lane a dose: over which trials it is given."""
    for name in tables["dose"]:
        stretches = dose_trials(tables, name, placed)
        if stretches:
            at = tuple(start for start, stop in stretches if start == stop)
            yield Lane("dose", name, at, tuple(s for s in stretches if s[0] < s[1]))


def _in_time(tables: Tables, begins: dict[str, float], unit: float) -> Iterator[Lane]:
    """Yield a lane for each dose, session, assessment and event that has any moment.

    `begins` are hours of the protocol, and so is the length of the `unit`.
    """
    for section, (kind, hours_of_all) in HAPPENINGS.items():
        for name, fields in tables[section].items():
            hours = hours_of_all(fields, tables)
            if hours:
                begin = begins[phase_of(fields)]
                yield Lane(kind, name, at=tuple((begin + hour) / unit for hour in hours))


def _dose_hours(fields: Fields, tables: Tables) -> tuple[float, ...] | None:
    given = doses_given(fields, tables)
    return None if given is None else tuple(hour for hour, _ in given)


HAPPENINGS: Mapping[str, tuple[str, Callable[[Fields, Tables], tuple[float, ...] | None]]] = {
    "dose": ("dose", _dose_hours),
    "session": ("session", sessions_held),
    "assessment": ("visit", visits_of),
    "event": ("event", events_of),
}
"""What happens at moments, by section: how a lane calls it, and who knows its hours."""
