"""What a component can do for another one: the words of `offers` and `requires`, and the check of what is required.

The words below are those that the components here use. A package may offer and require words of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from workbench.component.constraints import constraint_faults
from workbench.component.declaration import Component
from workbench.component.tables import Fields, Tables

CAPABILITIES: Mapping[str, str] = MappingProxyType(
    {
        "actions": "takes actions",
        "all pairs": "connects every unit with every unit",
        "bath": "reads or is a drug in the fluid around a slice",
        "batches": "works on batches of samples",
        "centred": "shows inputs with mean 0",
        "channels": "is a choice between channels, as a mean over time",
        "compartments": "takes any number of [compartment.NAME]",
        "covariance": "shows inputs of known covariance over which a rule can be averaged",
        "decay between events": "is a sum of exponentials between two events",
        "decay by steps": "keeps one share of itself from step to step",
        "discount": "discounts what lies further back",
        "duration": "lasts a time that does not depend on the steps",
        "eigenvectors": "shows inputs of known covariance",
        "episodes": "has episodes",
        "equal episodes": "has episodes of equal length",
        "exact value": "has states whose value is known",
        "judged answers": "judges answers",
        "judged choices": "judges choices",
        "half at 0.5": "lies between 0 and 1, so that 0.5 is half of the effect",
        "late weight": "keeps a late weight",
        "linear": "answers with the sum of what arrives",
        "linear in dose": "grows in proportion to the dose",
        "normal": "shows normal inputs",
        "occupied share": "is the share of receptors that a drug occupies",
        "own amounts": "gives each dose an amount of its own",
        "patterns": "shows fixed patterns",
        "plasma": "has a concentration in plasma that doses make",
        "pulses": "comes at reinforcement events",
        "raises": "raises the amount from visit to visit",
        "routed error": "sends an error back through the weights above",
        "sessions": "learns in sessions",
        "shown": "is set from outside the circuit, by a task or a constant",
        "single pairs": "connects each unit with one unit",
        "single units": "signs every unit apart",
        "sources": "mixes independent sources",
        "spikes": "spikes",
        "transitions": "goes from state to state",
        "value error": "compares the values of two states",
        "volleys": "is shortened by every volley",
    }
)
"""What each word says of a table that offers it."""
NOUNS = {
    "plasticity": "a rule",
    "eligibility": "an eligibility trace",
    "outcome": "a readout",
    "occupancy": "an occupancy",
}


def clashes(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield (field, message) of what does not fit: first from the declaration, then from the component's own check.

    A component's own `check` may count on what it requires: it is asked only where every requirement is met. Where
    a declared constraint is broken it is asked all the same, so that other faults are reported at once.
    """
    yield from _clock_faults(fields, tables)
    missing = list(_requirement_faults(fields, tables))
    yield from missing
    if not missing:
        yield from constraint_faults(fields, tables)
    check = getattr(fields.component, "check", None)
    if check is not None and not missing:
        yield from check(fields, tables)


def notes(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield (field, message) of what the component notes, though nothing is wrong."""
    found = getattr(fields.component, "notes", None)
    if found is not None:
        yield from found(fields, tables)


def requirements(component: type[Component]) -> Mapping[str, str]:
    """Return what a component requires: the way to the table, step by step, and what that one must offer."""
    own = {name: p.requires for name, p in component.parameters().items() if p.requires}
    return own | dict(component.requires)


def _clock_faults(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    wanted = fields.component.clocks
    for name, phase in sorted(tables["phase"].items()) if wanted else ():
        if phase.component.clock not in wanted:
            clocks = " or ".join(f'clock = "{clock}"' for clock in wanted)
            found = f"phase {name} is on the {phase.component.clock} clock"
            yield fields.key, f"{fields.kind} needs phases with {clocks}, but {found}"
            return


def _requirement_faults(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    reported: list[str] = []
    for way, what in sorted(requirements(fields.component).items()):
        if any(way.startswith(f"{shorter}.") for shorter in reported):
            continue  # what lies beyond a table of the wrong kind is no second mistake
        first, *steps = way.split(".")
        at = fields if first in fields.component.parameters() else None
        field = first if at is not None else fields.key
        here: Fields | None = fields
        for step in (first, *steps):
            before, here = here, tables.next(here, step) if here is not None else None
            if here is None:
                break
        if here is None and before is not None and step == "plasticity":
            found, section = f"{before['name']} has no rule", step
        elif here is None and before is not None and before is not fields:
            found, section = f"{before['name']} ({before.kind}) names no {step}", step
        elif here is None or here.offers(what):
            continue
        else:
            found, section = f"{here['name']} is {here.kind}", here["section"]
        reported.append(way)
        kinds = tables.kinds(section, what)
        known = f" ({', '.join(kinds)})" if kinds else ""
        noun = NOUNS.get(section, f"a {section}")
        yield field, f"needs {noun} that {CAPABILITIES.get(what, f'offers {what}')}{known}, but {found}"
