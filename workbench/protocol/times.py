"""How times are written: from the start of a phase, or from the first dose, session or visit of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.protocol.schedule import Tables, phase_of

ANCHORS = ("dose", "session", "assessment")
"""What a time may be relative to: the first dose, session or visit of a table."""
RELATIVE = re.compile(r"\s*(?P<time>.*\S)\s+(?P<side>after|before)\s+(?P<anchor>[a-z]+\.[A-Za-z0-9_-]+)\s*")
"""``24 h after dose.infusion``, ``4 day before dose.infusion``."""
_DAY = re.compile(r"\s*day\s+([0-9]+(?:\.[0-9]+)?)\s*")


def in_days(text: str) -> str:
    """Return "day 3" as "3 day", the quantity that it is; other text as it is."""
    match = _DAY.fullmatch(text)
    return f"{match[1]} day" if match else text


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


def on_ticks(fields: Mapping[str, Any], tables: Tables) -> bool:
    """Whether a table's phase runs on the tick clock, which has hours for it."""
    return bool(tables["phase"][phase_of(fields)]["clock"] == "tick")


def clock_faults(fields: Mapping[str, Any], tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield why a table's phase cannot hold it; a choice that finds the phase on another clock says so itself."""
    chosen = any(population["kind"] == "choice" for population in tables.get("population", {}).values())
    if not on_ticks(fields, tables) and not chosen:
        clock = f"{fields['phase']} runs on the {tables['phase'][fields['phase']]['clock']} clock"
        yield "phase", f'needs a phase with clock = "tick", but {clock}'
