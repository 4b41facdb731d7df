"""When an arm is given what: doses, sessions, visits and phases on one axis, read back from its stored settings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.analysis.protocol import HOURS_A_DAY, Phase, arm_settings, phases
from workbench.analysis.records import dose_hours, phase_of

if TYPE_CHECKING:
    from workbench.analysis.selection import Selection

    Settings = dict[str, float | str]

SECTIONS = {"dose": "dose", "session": "session", "assessment": "visit"}


@dataclass(frozen=True)
class Lane:
    """What happens: moments (`at`), or stretches (`spans`), in the timeline's unit."""

    kind: str
    name: str
    at: tuple[float, ...] = ()
    spans: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Timeline:
    """One arm's protocol in `unit` ("trial" or "day"), up to `end`."""

    arm: str
    unit: str
    end: float
    phases: tuple[Phase, ...]
    lanes: tuple[Lane, ...]


def timeline(selection: Selection, arm: str) -> Timeline | None:
    """Return what an arm is given and when; None where the protocol is neither of trials nor of days."""
    settings = arm_settings(selection, arm)
    placed = phases(settings)
    if placed:
        lanes = tuple(_in_phases(settings, placed))
        return Timeline(arm, "trial", placed[-1].stop, placed, lanes)
    lengths = [v for p, v in settings.items() if p.startswith("phase.") and p.endswith(".length")]
    clocks = {v for p, v in settings.items() if p.startswith("phase.") and p.endswith(".clock")}
    hours = sum(v for v in lengths if isinstance(v, float))
    if clocks != {"tick"} or len(lengths) != 1 or hours < HOURS_A_DAY:
        return None
    return Timeline(arm, "day", hours / HOURS_A_DAY, (), tuple(_in_days(settings)))


def _in_phases(settings: Settings, placed: tuple[Phase, ...]) -> list[Lane]:
    """Return one lane a dose: the phases in which it is given."""
    lanes = []
    for name in _named(settings, "dose"):
        if not dose_hours(settings, name):
            continue
        during = phase_of(settings, f"dose.{name}")
        spans = tuple((float(p.start), float(p.stop)) for p in placed if p.name == during)
        if spans:
            lanes.append(Lane("dose", name, spans=spans))
    return lanes


def _in_days(settings: Settings) -> list[Lane]:
    lanes = []
    for section, kind in SECTIONS.items():
        for name in _named(settings, section):
            if settings.get(f"{section}.{name}.trials") == 0.0:
                continue
            at = tuple(hour / HOURS_A_DAY for hour in _hours(settings, section, name))
            if at:
                lanes.append(Lane(kind, name, at=at))
    return lanes


def _hours(settings: Settings, section: str, name: str, depth: int = 0) -> list[float]:
    """Return the hours at which a dose, session or visit happens; `after` is the first of another."""
    if section == "dose":
        return dose_hours(settings, name)
    at, start = f"{section}.{name}.", 0.0
    after = settings.get(at + "after")
    if isinstance(after, str) and "." in after and depth < len(settings):
        its_section, its_name = after.split(".", 1)
        other = _hours(settings, its_section, its_name, depth + 1)
        if not other:
            return []
        start = other[0]
    listed = settings.get(at + "at", "[]")
    if isinstance(listed, str) and listed.startswith("[") and (hours := json.loads(listed)):
        return [start + float(hour) for hour in hours]
    first, every = settings.get(at + "first", 0.0), settings.get(at + "every", 0.0)
    count = settings.get(at + "count", 1.0)
    if not (isinstance(first, float) and isinstance(every, float) and isinstance(count, float)):
        return []
    return [start + first + every * i for i in range(max(int(count), 1))]


def _named(settings: Settings, section: str) -> list[str]:
    return list(dict.fromkeys(path.split(".")[1] for path in settings if path.startswith(f"{section}.")))
