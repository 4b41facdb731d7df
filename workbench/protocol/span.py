"""A stretch of the protocol in words: ``last 200 trials of treatment``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.component.field_path import field_path
from workbench.component.tables import Fields, Tables
from workbench.protocol.schedule import phase_of
from workbench.quantities import HOURS_PER_DAY, SECONDS_PER_HOUR

FORMS = (
    "'PHASE', 'first N trials of PHASE', 'last N trials of PHASE', 'trials A-B of PHASE', 'trials A-B', "
    "'days A-B of PHASE', 'end of PHASE', 'N h into PHASE' (s, min, h or day)"
)
_PATTERN = re.compile(
    r"(?:(?P<edge>first|last) (?P<count>[0-9]{1,9}) trials of (?P<p1>\S+)"
    r"|trials (?P<start>[0-9]{1,9})\s*-\s*(?P<stop>[0-9]{1,9})(?: of (?P<p2>\S+))?"
    r"|days (?P<dawn>[0-9]{1,9}(?:\.[0-9]{1,9})?)\s*-\s*(?P<dusk>[0-9]{1,9}(?:\.[0-9]{1,9})?) of (?P<p6>\S+)"
    r"|(?P<time>[0-9]{1,9}(?:\.[0-9]{1,9})?) (?P<unit>s|min|h|day) into (?P<p5>\S+)"
    r"|end of (?P<p3>\S+)|(?P<p4>[A-Za-z0-9_.-]+))"
)
HOURS = {"s": 1 / SECONDS_PER_HOUR, "min": 1 / 60, "h": 1.0, "day": HOURS_PER_DAY}


@dataclass(frozen=True)
class ProtocolSpan:
    """Trials from `start` to before `stop`, counted inside `phase` ("" counts over the whole protocol).

    Negative `start` counts from the end of the phase; a `stop` of None is the end of the phase. `days` are the first
    and the last moment of a span in days of the phase, where days are given instead of trials. In a phase that runs in
    hours a span is a moment: `hours` into the phase, or its end.
    """

    phase: str
    start: int
    stop: int | None
    hours: float | None = None
    days: tuple[float, float] | None = None

    def bounds(self, length: int, per_day: float) -> tuple[int, int]:
        """Return (start, stop) in trials for a phase of `length` trials, `per_day` of them a day.

        Raises
        ------
        ValueError
            If the window does not fit into the phase, or holds no trial.
        """
        if self.days is not None:
            first, last = (round(day * per_day) for day in self.days)
            if not first < last <= length:
                raise ValueError(f"days {self.days[0]:g}-{self.days[1]:g} do not fit into {length / per_day:g} days")
            return first, last
        start = length + self.start if self.start < 0 else self.start
        stop = length if self.stop is None else self.stop
        if not 0 <= start < stop <= length:
            raise ValueError(f"window {start}-{stop} does not fit into {length} trials")
        return start, stop


def parse_span(text: str) -> ProtocolSpan:
    """Read the words; ValueError names the accepted forms."""
    match = _PATTERN.fullmatch(" ".join(text.split()))
    if not match:
        raise ValueError(f"a window is one of {FORMS}")
    part = match.groupdict()
    if part["edge"]:
        size = int(part["count"])
        if size == 0:
            raise ValueError("the window holds no trial")
        return ProtocolSpan(part["p1"], 0, size) if part["edge"] == "first" else ProtocolSpan(part["p1"], -size, None)
    if part["start"]:
        if int(part["start"]) >= int(part["stop"]):
            raise ValueError("the window must end after it starts")
        return ProtocolSpan(part["p2"] or "", int(part["start"]), int(part["stop"]))
    if part["dawn"]:
        days = float(part["dawn"]), float(part["dusk"])
        if days[0] >= days[1]:
            raise ValueError("the window must end after it starts")
        return ProtocolSpan(part["p6"], 0, None, days=days)
    if part["time"]:
        return ProtocolSpan(part["p5"], -1, None, float(part["time"]) * HOURS[part["unit"]])
    if part["p3"]:
        return ProtocolSpan(part["p3"], -1, None)
    return ProtocolSpan(part["p4"], 0, None)


ANCHORS = ("dose", "session", "assessment")
"""What a time may be relative to: the first dose, session or visit of a table."""
RELATIVE = re.compile(r"\s*(?P<time>.*\S)\s+(?P<side>after|before)\s+(?P<anchor>[a-z]+\.[A-Za-z0-9_-]+)\s*")
"""``24 h after dose.infusion``, ``4 day before dose.infusion``."""
_DAY = re.compile(r"\s*day\s+([0-9]+(?:\.[0-9]+)?)\s*")


def in_days(text: str) -> str:
    """Return "day 3" as "3 day", the quantity that it is; other text as it is."""
    match = _DAY.fullmatch(text)
    return f"{match[1]} day" if match else text


def anchor_faults(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield faults of a table's time origin: it does not exist, is in another phase, or closes a circle."""
    seen = [f"{fields['section']}.{fields['name']}"]
    at = fields.get("after")
    while at is not None:
        section, name, _ = field_path(at)
        if at in seen:
            circle = seen[seen.index(at) :]
            if seen[0] == min(circle):  # one line for a circle, at the first of its tables by name
                yield "after", f"times are relative to each other in a circle: {' -> '.join((*circle, at))}"
            return
        found = tables[section].get(name)
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


def on_ticks(fields: Mapping[str, Any], tables: Tables) -> bool:
    """Whether a table's phase runs on the tick clock, which has hours for it."""
    return bool(tables["phase"][phase_of(fields)].component.clock == "tick")


def clock_faults(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield why a table's phase cannot hold it, where no option of the table reports that itself."""
    chosen = any(population.offers("channels") for population in tables["population"].values())
    if not on_ticks(fields, tables) and not chosen:
        clock = f"{fields['phase']} runs on the {tables['phase'][fields['phase']]['clock']} clock"
        yield "phase", f'needs a phase with clock = "tick", but {clock}'
