"""Typed changes of a scenario: each knows what a table means, so that most of what it writes is nearly right."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from support.fuzzing.declared import Content, component_of, fields, names, odd, suited, tables
from support.fuzzing.toml_text import Raw
from workbench.component.registry import SECTIONS, registry

Keys = tuple[str | int, ...]


@dataclass(frozen=True)
class World:
    """What a change may borrow from: the other documents of the kind, and the parameter sets, by name."""

    others: Sequence[Content]
    sets: Mapping[str, Content]


Change = Callable[[Content, Random, World], None]


def places(content: Any, above: Keys = ()) -> Iterator[Keys]:
    """Yield where anything stands in a document."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, inner in items:
        yield (*above, key)
        yield from places(inner, (*above, key))


def at(content: Any, keys: Keys) -> Any:
    """Return what stands at a place."""
    for key in keys:
        content = content[key]
    return content


def any_place(content: Content, random: Random) -> Keys | None:
    """Return some place; tables of few entries are met as often as long ones."""
    keys: Keys = ()
    here: Any = content
    while isinstance(here, (dict, list)) and here:
        key = random.choice(list(here)) if isinstance(here, dict) else random.randrange(len(here))
        keys, here = (*keys, key), here[key]
        if random.random() < 0.25:
            break
    return keys or None


def drop(content: Content, random: Random, world: World) -> None:
    """Take an entry away."""
    if keys := any_place(content, random):
        del at(content, keys[:-1])[keys[-1]]


def replace(content: Content, random: Random, world: World) -> None:
    """Put a value of any type in an entry's place."""
    if keys := any_place(content, random):
        at(content, keys[:-1])[keys[-1]] = copy.deepcopy(odd(random))


def exchange(content: Content, random: Random, world: World) -> None:
    """Put what stands at one place to another one too."""
    first, second = any_place(content, random), any_place(content, random)
    if first and second:
        at(content, second[:-1])[second[-1]] = copy.deepcopy(at(content, first))


def rename(content: Content, random: Random, world: World) -> None:
    """Give a key another name: a slip, a known one of elsewhere, an impossible one."""
    keys = any_place(content, random)
    if keys and isinstance(keys[-1], str):
        table = at(content, keys[:-1])
        near = [k for k in (any_place(content, random) or ()) if isinstance(k, str)]
        new = random.choice(
            [keys[-1] + "s", keys[-1][:-1], keys[-1].upper(), "x.y", "", "é", "a" * 65, "con", "title", *near]
        )
        items = [(new if k == keys[-1] else k, v) for k, v in table.items()]
        table.clear()
        table.update(items)


def double(content: Content, random: Random, world: World) -> None:
    """Make a second table, alike but for its name."""
    section = random.choice(list(content))
    if isinstance(content[section], dict) and content[section]:
        name = random.choice(list(content[section]))
        content[section][random.choice([f"{name}_2", str(name).upper(), "x"])] = copy.deepcopy(content[section][name])


def set_field(content: Content, random: Random, world: World) -> None:
    """Give a declared field a value of its kind, near what is right or at an end of it."""
    if known := fields(content):
        field = random.choice(known)
        table = content[field.section][field.name]
        old = table.get(field.parameter.name, field.parameter.default)
        table[field.parameter.name] = suited(field, old, content, world.sets, random)


def set_given_field(content: Content, random: Random, world: World) -> None:
    """The same for a field that the table has."""
    if known := [f for f in fields(content) if f.parameter.name in content[f.section][f.name]]:
        field = random.choice(known)
        table = content[field.section][field.name]
        table[field.parameter.name] = suited(field, table[field.parameter.name], content, world.sets, random)


def swap_component(content: Content, random: Random, world: World) -> None:
    """Choose another component of the section and keep the fields, or only those that it has."""
    if known := list(tables(content)):
        section, name, table = random.choice(known)
        other = random.choice([*registry().names(section), "nothing"])
        table[SECTIONS[section].key] = other
        if random.random() < 0.7 and component_of(section, table):
            declared = registry().get(section, other).parameters()
            kept = {k: v for k, v in table.items() if k in declared or k in (SECTIONS[section].key, "title")}
            content[section][name] = kept | needed(section, other, content, world, random, kept)


def needed(section: str, component: str, content: Content, world: World, random: Random, given: Content) -> Content:
    """Return values of the fields that a component needs and has not been given."""
    from support.fuzzing.declared import Field

    declared = registry().get(section, component).parameters().values()
    return {
        p.name: suited(Field(section, "x", p), None, content, world.sets, random)
        for p in declared
        if p.required and p.name not in given
    }


def add_table(content: Content, random: Random, world: World) -> None:
    """Add a table of any section, with what its component needs."""
    section = random.choice([*SECTIONS, "outcome", "outcome", "course", "link"])
    component = random.choice(registry().names(section))
    table: Content = {SECTIONS[section].key: component}
    table |= needed(section, component, content, world, random, table)
    if section == "course":
        table["every"] = random.choice([1, 10, 100])
    name = random.choice([*names(content, "projection"), "added"]) if section == "plasticity" else "added"
    if isinstance(content.setdefault(section, {}), dict):
        content[section][name] = table


def graft(content: Content, random: Random, world: World) -> None:
    """Take a table, or a whole section, from another document."""
    other = random.choice(world.others)
    section = random.choice(list(other))
    if not isinstance(other[section], dict) or random.random() < 0.2:
        content[section] = copy.deepcopy(other[section])
    elif other[section] and isinstance(content.setdefault(section, {}), dict):
        name = random.choice(list(other[section]))
        to = random.choice([*content[section], name]) if random.random() < 0.5 else name
        content[section][to] = copy.deepcopy(other[section][name])


def some_path(content: Content, random: Random, world: World) -> tuple[str, Any]:
    """Return a path that an arm or a sweep may set, and a value for it."""
    known = fields(content)
    if not known or random.random() < 0.05:
        return random.choice(["parameter.x", "x", "subjects.count", "arm.x.set", "phase"]), 1
    field = random.choice(known)
    table = content[field.section][field.name]
    if random.random() < 0.1:
        key = SECTIONS[field.section].key
        return f"{field.section}.{field.name}.{key}", random.choice(registry().names(field.section))
    old = table.get(field.parameter.name, field.parameter.default)
    return field.path, suited(field, old, content, world.sets, random)


def change_arm(content: Content, random: Random, world: World) -> None:
    """Let an arm, new or there, set, drop or extend something."""
    arms = content.setdefault("arm", {})
    if not isinstance(arms, dict):
        return
    name = random.choice([*arms, "added"])
    arm = arms.setdefault(name, {})
    if not isinstance(arm, dict):
        return
    some = [*arms, "nothing"]
    match random.choice(["set", "set", "set", "without", "with", "extends", "compare_with", "condition", "parameter"]):
        case "set":
            path, value = some_path(content, random, world)
            arm.setdefault("set", {})
            if isinstance(arm["set"], dict):
                arm["set"][path] = value
        case "parameter":
            known = list(world.sets.get(str(content.get("parameters", "")), {}).get("parameter", {}))
            if known and isinstance(arm.setdefault("set", {}), dict):
                arm["set"][f"parameter.{random.choice(known)}"] = random.choice([0, 1, 0.5, -1, "1 h", "5 ng/mL"])
        case "without" | "with" as key:
            arm[key] = [
                f"{s}.{n}" for s, n, _ in random.sample(list(tables(content)), min(2, len(list(tables(content)))))
            ]
        case "condition":
            known = list(world.sets.get(str(content.get("parameters", "")), {}).get("condition", {}))
            arm["condition"] = random.choice([*known, "nothing"])
        case key:
            arm[key] = random.choice(some)


def change_study(content: Content, random: Random, world: World) -> None:
    """Let a study, new or there, sweep something more, in another design, with others."""
    studies = content.setdefault("study", {})
    if not isinstance(studies, dict):
        return
    study = studies.setdefault(random.choice([*studies, "added"]), {})
    if not isinstance(study, dict):
        return
    study.setdefault("sweep", {})
    for _ in range(random.choice([1, 1, 2])):
        path, value = some_path(content, random, world)
        axis: Content = {"values": [value, some_path(content, random, world)[1]][: random.choice([1, 2])]}
        if random.random() < 0.3:
            axis = {
                "from": value,
                "to": odd(random) if random.random() < 0.2 else value,
                "steps": random.choice([2, 3, 9, 10**9]),
            }
        for key, choices in (
            ("relative", [True]),
            ("scale", ["log"]),
            ("zip", ["a", "b"]),
            ("arms", [[*names(content, "arm")][:1] or ["x"]]),
        ):
            if random.random() < 0.15:
                axis[key] = random.choice(choices)
        if isinstance(study["sweep"], dict):
            study["sweep"][path] = axis
    if random.random() < 0.2:
        study |= {"design": random.choice(["sobol", "lhs"]), "n": random.choice([1, 3, 8])}
    if random.random() < 0.2:
        study["arms"] = random.sample(names(content, "arm"), min(2, len(names(content, "arm")))) or ["x"]
    if random.random() < 0.1:
        study["outcomes"] = random.choice([names(content, "outcome")[:1], ["x"], []])
    if random.random() < 0.1:
        study["table"] = "points.csv"


def change_people(content: Content, random: Random, world: World) -> None:
    """Let people differ in something, in some distribution."""
    subjects = content.setdefault("subjects", {"count": 3, "seed": 1})
    if not isinstance(subjects, dict) or not isinstance(subjects.setdefault("trait", {}), dict):
        return
    path, value = some_path(content, random, world)
    shapes: list[Content] = [
        {"distribution": "lognormal", "median": value, "cv": random.choice([0, 0.2, 100, 101])},
        {"distribution": "normal", "mean": value, "sd": random.choice([0.0, 0.1, 1e17])},
        {"distribution": "truncated_normal", "mean": value, "sd": 0.1, "low": 0.0, "high": random.choice([1.0, 0.0])},
        {"distribution": "uniform", "low": random.choice([0.0, 1.0]), "high": random.choice([1.0, 2.0])},
        {"distribution": "bernoulli", "p": random.choice([0, 1, 0.5])},
        {
            "distribution": "choice",
            "values": random.choice([[], [1.0, 2.0], [value]]),
            "weights": random.choice([[], [1.0, 1.0], [0.0, 0.0]]),
        },
        {"distribution": "empirical", "values": random.choice([[], [1.0, 2.0], [value]])},
        {"distribution": "table", "table": "people.csv", "column": random.choice(["WEIGHT", "AGE", "ID", "x"])},
    ]
    trait = random.choice(shapes) | {"on": path, "mode": random.choice(["multiply", "set"])}
    subjects["trait"]["added"] = {k: v for k, v in trait.items() if random.random() < 0.95}
    if random.random() < 0.2:
        subjects["trait"]["added"]["effects"] = {
            some_path(content, random, world)[0]: {
                "reference": random.choice([1.0, 0.0, "1 h"]),
                "exponent": random.choice([0.75, -1e9, 1e18]),
            }
        }
    if random.random() < 0.2:
        subjects["correlation"] = {
            random.choice(["added.added", "added.x", "x", *(f"added.{n}" for n in subjects["trait"])]): random.choice(
                [0.5, 0.99999, -0.9]
            )
        }
    if random.random() < 0.1:
        subjects |= {"table": "people.csv", "columns": {path: "WEIGHT"}}


def change_report(content: Content, random: Random, world: World) -> None:
    """Say something else about the page: what is compared, and the interactions."""
    arms, outcomes = [*names(content, "arm"), "x"], [*names(content, "outcome"), "x"]
    if random.random() < 0.5:
        content["interaction"] = {"added": {"arms": [random.choice(arms) for _ in range(random.choice([4, 4, 3]))]}}
    report = content.setdefault("report", {})
    if isinstance(report, dict):
        contrast: Content = {
            "outcome": random.choice(outcomes),
            "arm": random.choice(arms),
            "against": random.choice(arms),
        }
        if random.random() < 0.3:
            contrast["interaction"] = random.choice([*names(content, "interaction"), "x"])
        if random.random() < 0.3:
            contrast["response"] = {"before": random.choice(outcomes), "by": random.choice([0.5, 1, 0, -1])}
        path, value = some_path(content, random, world)
        kind = random.choice(["benefit", "also", "cost", "caveat"])
        caveat = {
            "setting": path,
            "value": value,
            "text": random.choice(["{value}", "{x}", "{", "{value:>99999999}", "x"]),
        }
        report[kind] = contrast if kind == "benefit" else {"added": caveat if kind == "caveat" else contrast}


def shorten_phases(content: Content, random: Random, world: World) -> None:
    """Make phases short, or very long."""
    for table in content.get("phase", {}).values() if isinstance(content.get("phase"), dict) else ():
        if isinstance(table, dict) and isinstance(table.get("trials"), int):
            table["trials"] = random.choice([1, 2, 8, table["trials"], 10_000_000])


def spell_oddly(content: Content, random: Random, world: World) -> None:
    """Write a number in one of TOML's other ways, or in none of them."""
    found = [
        k for k in places(content) if isinstance(at(content, k), (int, float)) and not isinstance(at(content, k), bool)
    ]
    if found:
        keys = random.choice(found)
        old = at(content, keys)
        ways = [
            f"{old}e0",
            f"+{abs(old)}",
            f"{old!r}0",
            f"0{old}",
            f"{old}.",
            f"{old}_0",
            f"{old}e999",
            f"-{old}",
            "-0",
            "0e0",
            hex(int(old)) if abs(old) < 1e9 else "0x",
        ]
        at(content, keys[:-1])[keys[-1]] = Raw(random.choice(ways))


def other_set(content: Content, random: Random, world: World) -> None:
    """Name another parameter set."""
    content["parameters"] = random.choice([*world.sets, "nothing", "../x", ""])


CHANGES: tuple[Change, ...] = (
    *(drop, replace, exchange, rename, double, set_field, set_field, set_given_field, set_given_field, set_given_field),
    *(swap_component, swap_component, add_table, add_table, graft, change_arm, change_arm, change_study, change_study),
    *(change_people, change_report, shorten_phases, spell_oddly, other_set),
)
PLAIN: tuple[Change, ...] = (drop, replace, replace, exchange, rename, double, spell_oddly, graft)
"""What can be done to a document whose tables are not components."""


def mutated(
    content: Content, random: Random, world: World, changes: Sequence[Change] = CHANGES
) -> tuple[Content, list[str]]:
    """Return a document with one to three changes, and their names."""
    found, told = copy.deepcopy(content), []
    for _ in range(random.choice([1, 1, 1, 2, 2, 3])):
        change = random.choice(list(changes))
        try:
            change(found, random, world)
        except (AttributeError, TypeError, ValueError, LookupError):
            continue  # an earlier change left nothing of the shape that this one looks for
        told.append(change.__name__)
    return found, told
