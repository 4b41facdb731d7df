"""Enrolment: who goes on to the next dose or session, decided once, at a visit, for each person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.component.declaration import number
from workbench.component.moments import TOGETHER
from workbench.protocol.schedule import known_start, phase_of, step_edge
from workbench.protocol.span import on_ticks

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables

WHO = ("anyone", "responder", "non_responder")


def response_share(**rules: Any) -> Any:
    """Declare the smallest fall of a score that counts as a response, as a share of the earlier score."""
    doc = "smallest fall that counts as a response, as a share of the earlier score"
    return number(0.5, "1", doc, low=0.0, high=1.0, status="protocol", source="Cuijpers2021", **rules)


def response_limit(before: Array, share: Value) -> Array:
    """Return the highest score that is still a response to treatment, given the earlier score."""
    limit: Array = (1.0 - share) * before
    return limit


def select_entrants(block: Assembly, only_if: str, decided_at: str, compared_with: str, share: Value) -> Array:
    """Return 1 for the runs that the visits so far let go on, else 0; before the visits it is 0 for all."""
    decided, before = block.visits[decided_at].scores[0], block.visits[compared_with].scores[0]
    known, answered = np.isfinite(decided + before), decided <= response_limit(before, share)
    found: Array = np.where(known & (answered == (only_if == "responder")), 1.0, 0.0)
    return found


def entry_faults(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield why no one could be selected for a dose or a session: a visit is missing or comes too late."""
    if fields.get("trials") == 0.0 or (fields.get("amount") == 0.0 and fields.get("amount_per_weight") == 0.0):
        return  # an arm without them
    places = [fields.get("decided_at"), fields.get("compared_with")]
    if fields["only_if"] == "anyone":
        if any(places):
            yield "only_if", 'is missing: a deciding visit needs only_if = "responder" or "non_responder"'
        return
    for key, place in zip(("decided_at", "compared_with"), places, strict=True):
        if place is None or place not in tables["assessment"]:
            yield key, f'is missing: only_if = "{fields["only_if"]}" needs the visit of an assessment'
            return
    decided, before = (tables["assessment"][str(place)] for place in places)
    if is_outside_phase(decided, tables) or is_outside_phase(before, tables):
        return  # the assessment says so itself
    dose = fields["section"] == "dose"
    if dose and not precedes(decided, fields, tables):
        first, rule = describe_time(fields, tables), "at the same moment, the dose comes before the visit"
        yield "decided_at", f"is decided {describe_time(decided, tables)}, not before the first dose {first}: {rule}"
    elif not dose and precedes(fields, decided, tables):
        yield (
            "decided_at",
            f"is decided {describe_time(decided, tables)}, after the first session {describe_time(fields, tables)}",
        )
    elif not precedes(before, decided, tables):
        deciding = f"the visit that decides ({describe_time(decided, tables)})"
        yield "compared_with", f"is seen {describe_time(before, tables)}, not before {deciding}"


def precedes(one: Mapping[str, Any], other: Mapping[str, Any], tables: Tables) -> bool:
    """Whether the first dose, session or visit of `one` comes before that of `other`; yes where runs differ in it.

    A visit is taken at the edge of a step.
    """
    orders = [tables["phase"][phase_of(table)]["order"] for table in (one, other)]
    if orders[0] != orders[1]:
        return bool(orders[0] < orders[1])
    hours = [_taken(table, tables) for table in (one, other)]
    return hours[0] is None or hours[1] is None or hours[0] < hours[1] - TOGETHER


def is_outside_phase(fields: Mapping[str, Any], tables: Tables) -> bool:
    """Whether the first visit of an assessment is known to lie outside its phase."""
    if not on_ticks(fields, tables):
        return True
    start = known_start(fields, tables)
    return start is not None and not -TOGETHER <= start <= tables["phase"][phase_of(fields)]["length"] + TOGETHER


def describe_time(fields: Mapping[str, Any], tables: Tables) -> str:
    """Return "at 24 h" of the phase: when the first dose, session or visit of a table is."""
    start = known_start(fields, tables)
    return f"in phase {phase_of(fields)}" if start is None else f"at {start:g} h of {phase_of(fields)}"


def _taken(fields: Mapping[str, Any], tables: Tables) -> float | None:
    start = known_start(fields, tables)
    if start is None or fields["section"] != "assessment":
        return start
    return step_edge(start, tables["phase"][phase_of(fields)])
