"""What makes no sense of visits that change doses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.component.moments import TOGETHER
from workbench.protocol.enrolment import entry_faults, outside, precedes, when
from workbench.protocol.schedule import Tables, known_start, last_dose, visits_in

MOST = 1e6
"""mg, or mg/kg: a limit that is not reached."""


def enrolment_faults(fields: Mapping[str, Any], tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield why nobody can be chosen to go on to a dose."""
    if fields["only_if"] != "anyone" and fields.get("steady_state"):
        yield "only_if", "at steady state no visit comes before the first dose; leave steady_state out"
        return
    yield from entry_faults(fields, tables)


def place_faults(fields: Mapping[str, Any], tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with when visits and doses are."""
    dose, visits = tables["dose"][fields["dose"]], tables["assessment"][fields["assessment"]]
    during = dose["during"]
    clock = tables["phase"][during]["clock"]
    if clock != "tick":
        yield "dose", f"{fields['dose']} is given on the {clock} clock; visits change doses of tick-clock phases only"
        return
    if outside(visits, tables):
        return  # the assessment says so itself
    if visits["phase"] != during:
        where = (
            f"visits of {fields['assessment']} are in phase {visits['phase']}, doses of {fields['dose']} in {during}"
        )
        yield "assessment", f"{where}: visits change doses of their own phase"
        return
    last, start = last_dose(dose, tables), known_start(visits, tables)
    if last is not None and start is not None and start >= last - TOGETHER:
        told = f"the first visit is at {start:g} h, the last dose at {last:g} h"
        yield "assessment", f"no dose is left to change: {told}"
    before = fields.get("compared_with")
    if fields["condition"] not in ("response", "no_response"):
        if before is not None:
            yield "compared_with", f"goes with response and no_response; {fields['condition']} looks at the cut"
    elif before is None:
        yield "compared_with", f'is missing: condition = "{fields["condition"]}" needs the visit of an assessment'
    elif not precedes(tables["assessment"][before], visits, tables):
        base = when(tables["assessment"][before], tables)
        yield "assessment", f"its first visit, {when(visits, tables)}, is not after that of {before}, {base}"


def conflicts(fields: Mapping[str, Any], tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield what another adjustment of the same dose decides already; told at the later of the two by name."""
    for name, other in sorted(tables["adjustment"].items()):
        if other["dose"] != fields["dose"] or name >= fields["name"]:
            continue
        if other["form"] == fields["form"] == "titrate":
            yield "dose", f"{fields['dose']} is already titrated by adjustment.{name}"
        elif _finding(fields) == _finding(other):
            yield "condition", f"adjustment.{name} ({other['form']}) already decides on what the same visits find"


def _finding(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what visits have to find for an adjustment."""
    compared = fields["condition"] in ("response", "no_response")
    against = (fields.get("compared_with"), fields["share"]) if compared else (fields["cut"],)
    return (fields["assessment"], fields["condition"], fields.get("consecutive", 1), *against)


def raising_faults(fields: Mapping[str, Any], tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield why a dose cannot be titrated so."""
    dose = tables["dose"][fields["dose"]]
    if dose.get("titration_step"):
        yield "dose", f"{fields['dose']} is already titrated by the days (titration_step)"
        return
    if dose["regimen"] == "table":
        yield (
            "dose",
            f"{fields['dose']} is a table of its own amounts, which no step raises; hold and stop can change it",
        )
        return
    first, start = known_start(dose, tables), known_start(tables["assessment"][fields["assessment"]], tables)
    if first is not None and start is not None and start < first - TOGETHER:
        yield "assessment", f"the first visit, at {start:g} h, is before the first dose, at {first:g} h"
    if fields["step"] == 0.0 and fields["step_per_weight"] == 0.0:
        yield "step", "is missing: a titration adds step (mg) or step_per_weight (mg/kg)"
    yield from _amount_faults(fields, dose)


def _amount_faults(fields: Mapping[str, Any], dose: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "body_weight" not in dose:
        for key in ("step_per_weight", "maximum_per_weight"):
            if fields[key] not in (0.0, MOST):
                yield key, f"a dose of regimen {dose['regimen']} has no body weight; give mg"
        weight, full = None, dose.get("amt")
    else:
        weight, amount, weighed = (dose.get(key) for key in ("body_weight", "amount", "amount_per_weight"))
        known = None not in (amount, weighed) and (weight is not None or not weighed)
        full = amount + (weighed * weight if weighed else 0.0) if known else None  # type: ignore[operator]
    if full is None:
        return
    limits = [("maximum", "mg", full)]
    limits += [("maximum_per_weight", "mg/kg", full / weight)] if weight else []
    for key, unit, start in limits:
        most = fields[key]
        if most is not None and most < start * (1.0 - TOGETHER):
            yield key, f"a maximum of {most:g} {unit} is below what it starts at ({start:g} {unit})"


def row_faults(fields: Mapping[str, Any], tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield that there are too few visits for so many in a row."""
    visits = tables["assessment"][fields["assessment"]]
    there = visits_in(visits)
    if fields["consecutive"] > there:
        yield "consecutive", f"{fields['assessment']} has {there} visits, too few for {fields['consecutive']} in a row"
