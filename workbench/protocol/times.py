"""Times of a protocol: from the start of a phase, or from the first dose, session or visit of another table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from workbench.moments import TOGETHER

if TYPE_CHECKING:
    from workbench.arrays import Value
    from workbench.assembly import Assembly

ANCHORS = ("dose", "session", "assessment")
"""What a time may be relative to: the first dose, session or visit of a table."""
RELATIVE = re.compile(r"\s*(?P<time>.*\S)\s+(?P<side>after|before)\s+(?P<anchor>[a-z]+\.[A-Za-z0-9_-]+)\s*")
"""``24 h after dose.infusion``, ``4 day before dose.infusion``."""
_DAY = re.compile(r"\s*day\s+([0-9]+(?:\.[0-9]+)?)\s*")
SECONDS_PER_HOUR = 3600.0
HOURS_PER_DAY = 24.0

Tables = Mapping[str, Mapping[str, Mapping[str, Any]]]


def in_days(text: str) -> str:
    """Return "day 3" as "3 day", the quantity that it is; other text as it is."""
    match = _DAY.fullmatch(text)
    return f"{match[1]} day" if match else text


def origin(block: Assembly, path: str | None) -> Value:
    """Return the hour of its phase at which a table's first dose, session or visit falls; 0 for no table."""
    if path is None:
        return 0.0
    section, _, name = path.partition(".")
    table = block.component(section, name)
    own: Value = table.earliest() if section == "assessment" else table.first
    return own + origin(block, getattr(table, "after", None))


def phase_of(fields: Mapping[str, Any]) -> str:
    """Return the phase that a dose, session or assessment belongs to."""
    found: str = fields["during"] if "during" in fields else fields["phase"]
    return found


def hours_of(fields: Mapping[str, Any], tables: Tables) -> float | None:
    """Return how long the phase of a dose, session or assessment lasts, in hours; None where a number is not known."""
    phase = tables.get("phase", {}).get(phase_of(fields), {})
    trials, per_day = phase.get("trials"), phase.get("trials_per_day")
    if "trials" in phase:
        return trials * HOURS_PER_DAY / per_day if trials and per_day else None
    length: float | None = phase.get("length")
    return length


def anchor_faults(fields: Mapping[str, Any], tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with what a table's times are relative to: nothing there, another phase, a circle."""
    seen = [f"{fields['section']}.{fields['name']}"]
    at = fields.get("after")
    while at is not None:
        section, _, name = at.partition(".")
        if at in seen:
            circle = seen[seen.index(at) :]
            if seen[0] == min(circle):  # one line for a circle, at the first of its tables by name
                yield "after", f"times that wait for each other: {' -> '.join((*circle, at))}"
            return
        found = tables.get(section, {}).get(name)
        if found is None:
            yield "after", f"there is no {at} to count from"
            return
        if phase_of(found) != phase_of(fields):
            yield (
                "after",
                f"{at} is in phase {phase_of(found)}, not in {phase_of(fields)}: times count within one phase",
            )
            return
        seen.append(at)
        at = found.get("after")


def known_start(fields: Mapping[str, Any], tables: Tables, seen: tuple[str, ...] = ()) -> float | None:
    """Return the hour of the phase of a table's first dose, session or visit; None where runs differ in it."""
    if fields.get("after") in seen:
        return None
    first: float | None = min(fields["at"]) if fields.get("at") else fields.get("first", fields.get("time"))
    if first is None or fields.get("after") is None:
        return first
    section, _, name = fields["after"].partition(".")
    before = known_start(tables[section][name], tables, (*seen, fields["after"]))
    return None if before is None else before + first


def step_edge(hours: float, phase: Mapping[str, Any]) -> float:
    """Return the first edge of a step at or after `hours` of a tick-clock phase that nothing stimulates."""
    length, longest = phase["length"], phase["step"] / SECONDS_PER_HOUR
    step = length / max(1, math.ceil(length / longest - TOGETHER))
    return float(min(math.ceil(hours / step - TOGETHER) * step, length))


def on_ticks(fields: Mapping[str, Any], tables: Tables) -> bool:
    """Whether a table's phase runs on the tick clock, which has hours for it."""
    return bool(tables["phase"][phase_of(fields)]["clock"] == "tick")


def clock_faults(fields: Mapping[str, Any], tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield why a table's phase cannot hold it; a choice that finds the phase on another clock says so itself."""
    chosen = any(population["kind"] == "choice" for population in tables.get("population", {}).values())
    if not on_ticks(fields, tables) and not chosen:
        clock = f"{fields['phase']} runs on the {tables['phase'][fields['phase']]['clock']} clock"
        yield "phase", f'needs a phase with clock = "tick", but {clock}'
