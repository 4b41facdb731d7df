"""A component's own check follows its references to tables of any kind: it may refuse them, and never fails itself."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from workbench.component.capabilities import clashes, notes
from workbench.component.declaration import Component, Parameter
from workbench.component.registry import SECTIONS, registry
from workbench.component.tables import Fields, Tables

WORLDS = 20
"""So often every reference of every component leads elsewhere: to each of some 20 kinds about once."""


def some(parameter: Parameter, named: Mapping[str, list[str]], random: Random) -> Any:
    """Return a sound value of a field: a name leads to any table of its section, of whatever kind."""
    paths = [f"{section}.{name}" for section, names in named.items() for name in names]
    match parameter.kind:
        case "reference":
            return random.choice(named[parameter.section])
        case "references":
            return tuple(
                random.sample(named[parameter.section], min(random.choice([1, 2, 3]), len(named[parameter.section])))
            )
        case "signal":
            drives = [p for p in paths if registry().get(*p.split(".")).drives]
            return random.choice(drives)
        case "anchor":
            return random.choice([p for p in paths if p.partition(".")[0] in ("dose", "session", "assessment")])
        case "path":
            component = random.choice(list(registry()))
            numbers = [p.name for p in component.parameters().values() if p.kind == "number"]
            return (
                f"{component.section}.{component.name}.{random.choice(numbers)}"
                if numbers
                else "projection.dense.weight"
            )
        case "window":
            phase = random.choice(named["phase"])
            return random.choice(
                [
                    phase,
                    f"end of {phase}",
                    f"last 2 trials of {phase}",
                    f"1 h into {phase}",
                    f"days 1-2 of {phase}",
                    "trials 1-2",
                ]
            )
        case "number":
            ends = [end for end in (parameter.low, parameter.high) if abs(end) < 1e9]
            return float(random.choice([*ends, 1.0, 2.0]))
        case "numbers":
            return tuple(float(n) for n in range(1, random.choice([2, 3, 5])))
        case "interval":
            return (0.0, 1.0)
        case "count":
            return random.choice([int(max(parameter.low, 1)), 2, 3])
        case "option":
            return random.choice(parameter.choices)
        case "switch":
            return random.choice([True, False])
        case _:
            return ()


def table(component: type[Component], named: Mapping[str, list[str]], random: Random) -> Fields:
    """Return the fields of one table, as checks get them."""
    fields: dict[str, Any] = {}
    for name, parameter in component.parameters().items():
        given = parameter.required or random.random() < 0.5
        fields[name] = some(parameter, named, random) if given else parameter.default
    return Fields(component, component.section, component.name, fields)


def differs(fields: Fields, random: Random) -> Fields:
    """Return the fields of a table of which some numbers differ between runs: a check then gets None."""
    declared = fields.component.parameters()
    moving = {n for n, p in declared.items() if p.kind == "number" and not p.fixed and random.random() < 0.4}
    given = {name: None if name in moving else value for name, value in fields.items()}
    return Fields(fields.component, fields["section"], fields["name"], given)


def leads_to(fields: Fields, component: type[Component]) -> list[tuple[str, str]]:
    """Return the tables that a table names."""
    found: list[tuple[str, str]] = []
    for name, parameter in component.parameters().items():
        value = fields[name]
        if parameter.kind in ("reference", "references") and value:
            found += [(parameter.section, one) for one in ([value] if isinstance(value, str) else value)]
        elif parameter.kind in ("signal", "anchor", "path") and value:
            found.append(tuple(value.split(".")[:2]))
        elif parameter.kind == "window" and value and not value.startswith("trials"):
            found.append(("phase", value.rpartition(" ")[2]))
    return [*found, ("projection", fields["projection"])] if component.section == "plasticity" else found


def smallest(component: type[Component], whole: Tables) -> Tables:
    """Return the smallest file in which a table of the component can stand: what it leads to, and a phase."""
    open_, kept = (
        [(component.section, component.name), ("phase", "trial")],
        Tables({}),
    )
    while open_:
        section, name = open_.pop()
        if name not in kept[section]:
            fields = kept[section][name] = whole[section][name]
            open_ += leads_to(fields, fields.component)
    return kept


@pytest.mark.parametrize("number", range(WORLDS // 10))
def test_a_check_refuses_and_never_fails_wherever_its_references_lead(number: int) -> None:
    failed: dict[str, str] = {}
    for world in range(number * 10, number * 10 + 10):
        random, known = Random(world), list(registry())
        named: dict[str, list[str]] = {section: [] for section in SECTIONS}
        for component in known:
            named[component.section].append(component.name)
        whole = Tables(
            {
                section: {n: table(registry().get(section, n), named, random) for n in names}
                for section, names in named.items()
            }
        )
        for rule in named["plasticity"]:  # a rule has the name of its projection
            like = random.choice(list(whole["projection"].values()))
            whole["projection"][rule] = Fields(like.component, "projection", rule, {**like, "name": rule})
        differing = Tables(
            {section: {n: differs(fields, random) for n, fields in named.items()} for section, named in whole.items()}
        )
        for component in known:
            try:
                for tables in (whole, smallest(component, whole), differing):
                    for ask in (clashes, notes):
                        list(ask(tables[component.section][component.name], tables))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault
                trace, places = error.__traceback__, []
                while trace:
                    places.append(f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}")
                    trace = trace.tb_next
                failed.setdefault(
                    f"{component.section}.{component.name}",
                    f"{type(error).__name__}: {error} at {' '.join(places[1:])}",
                )
    assert not failed, "\n".join(f"{name}: {fault}" for name, fault in sorted(failed.items()))
