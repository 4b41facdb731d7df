"""What a scenario may say, from the declarations: which fields a table has, and which values are odd for each kind."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from support.fuzzing.toml_text import Raw
from workbench.component.declaration import Parameter
from workbench.component.registry import SECTIONS, registry
from workbench.quantities import COMMON

Content = dict[str, Any]

ODD = (
    *(0, 1, -1, 2, 1.5, -0.0, 0.0, 1e-300, 1e18, -1e18, 1.0000001e18, 2**63 - 1, 2**63, 10**26, True, False),
    *("", " ", "x", "0.5", "1 mg", "nan", "٣", "1_0", "a.b", "../x", "-", "\u202e", "é" * 70, "x" * 9_000, "\x1b[2J"),
    *([], [1], ["x"], [[]], [[[1]]], {}, {"ref": "x"}, {"value": 1}, {"ref": 1}, {"value": {"ref": "x"}}, {"": 1}),
    *map(
        Raw,
        (
            "nan",
            "inf",
            "-inf",
            "1e400",
            "-1e400",
            "1e-400",
            "0x1F",
            "0o7",
            "0b1",
            "1_000",
            "+1",
            "1979-05-27",
            "07:32:00",
        ),
    ),
)
"""Values of every type, most of them out of place wherever they stand."""
FACTORS = (0.0, 0.5, 0.999, 1.001, 2.0, 10.0, 1e3, 1e6, 1e-3, 1e-9, -1.0)
UNITS = (*COMMON, "", "MG", "mgg", "mg/", "1/trial^2", "mg*mg", "foo", "µM", "kg/kg", "mg / kg")
WINDOWS = ("first {n} trials of {p}", "last {n} trials of {p}", "trials {n}-{m} of {p}", "trials {n}-{m}", "days {n}-{m} of {p}",
           "end of {p}", "{n} h into {p}", "{n} min into {p}", "{p}", "first ٣ trials of {p}", "first {b} trials of {p}", "{b} h into {p}", "trials 0-{b} of {p}", "days 0-{b} of {p}", "last 0 trials of {p}")  # fmt: skip


@dataclass(frozen=True)
class Field:
    """A field that a table of a scenario may have, whether it has it or not."""

    section: str
    name: str
    parameter: Parameter

    @property
    def path(self) -> str:
        """Its path as arms and sweeps write it."""
        return f"{self.section}.{self.name}.{self.parameter.name}"


def tables(content: Content) -> Iterator[tuple[str, str, Content]]:
    """Yield every component table: section, name, content."""
    for section in SECTIONS:
        named = content.get(section)
        for name, table in (named if isinstance(named, dict) else {}).items():
            if isinstance(table, dict):
                yield section, name, table


def component_of(section: str, table: Content) -> str | None:
    """Return the name of the component that a table chooses, None where it chooses none that there is."""
    chosen = table.get(SECTIONS[section].key, SECTIONS[section].default)
    at = "outcome" if section == "course" else section
    return chosen if isinstance(chosen, str) and (at, chosen) in registry() else None


def fields(content: Content) -> list[Field]:
    """Return every field that the tables of a scenario may have."""
    return [
        Field(section, name, parameter)
        for section, name, table in tables(content)
        if (chosen := component_of(section, table)) is not None
        for parameter in registry().get(section, chosen).parameters().values()
    ]


def names(content: Content, section: str) -> list[str]:
    """Return the names of a section's tables."""
    named = content.get(section)
    return list(named) if isinstance(named, dict) else []


def set_of(name: str, sets: Mapping[str, Content]) -> list[str]:
    """Return the names of the parameters of a set."""
    return list(sets.get(name, {}).get("parameter", {}))


def odd(random: Random) -> Any:
    """Return a value of any type."""
    return random.choice(ODD)


def number(parameter: Parameter, old: Any, random: Random) -> Any:
    """Return a number for a field: at its ends, just beyond, far beyond, tiny, or a bit beside the old one."""
    low, high = parameter.low, parameter.high
    ends = [end for end in (low, high) if math.isfinite(end)]
    near = [math.nextafter(end, way) for end in ends for way in (-math.inf, math.inf)]
    plain = old if isinstance(old, (int, float)) and not isinstance(old, bool) else None
    beside = [plain * factor for factor in FACTORS] if plain is not None else [f for f in FACTORS if low <= f <= high]
    pick = random.choice([*ends * 2, *near, *beside, 0.0, -0.0, 1e-12, 1e9])
    return int(pick) if parameter.kind == "count" and abs(pick) < 1e18 else pick


def written(parameter: Parameter, old: Any, random: Random) -> Any:
    """Return a number as a file writes it: bare or with a unit, the right one more often than not."""
    pick = number(parameter, old, random)
    if parameter.kind == "count":
        return pick
    unit = random.choice(UNITS) if random.random() < 0.1 else "" if parameter.unit == "1" else parameter.unit
    if isinstance(old, str) and random.random() < 0.5:
        digits, _, rest = old.partition(" ")
        try:
            return (
                f"{float(digits) * random.choice(FACTORS)!r} {rest if random.random() < 0.9 else random.choice(UNITS)}"
            )
        except ValueError:
            pass
    return f"{pick!r} {unit}" if unit else pick


def reference(section: str, content: Content, own: str, random: Random) -> str:
    """Return a name for a reference: of the section, its own, of another section, or of nothing."""
    known = names(content, section)
    other = [f"{s}.{n}" for s, n, _ in tables(content)]
    return random.choice(
        [
            *known * 3,
            own,
            *(o.partition(".")[2] for o in other[:6]),
            f"{section}.{known[0]}" if known else "x",
            "nothing",
        ]
    )


def suited(field: Field, old: Any, content: Content, sets: Mapping[str, Content], random: Random) -> Any:
    """Return a value that has, as often as not, the shape that the field wants."""
    parameter = field.parameter
    match parameter.kind:
        case "number":
            plain = written(parameter, old, random)
            known = set_of(str(content.get("parameters", "")), sets)
            if known and random.random() < 0.15:
                return {"ref": random.choice(known)}
            if random.random() < 0.15:
                extra = {"status": random.choice(["assumed", "measured", "fitted", "protocol", "guessed"])}
                if random.random() < 0.3:
                    extra["range"] = [written(parameter, old, random), written(parameter, old, random)]
                return {"value": plain, **extra}
            return plain
        case "numbers" | "interval":
            size = len(old) if isinstance(old, list) and random.random() < 0.7 else random.choice([0, 1, 2, 3, 4, 9])
            return [written(parameter, None, random) for _ in range(size)]
        case "count":
            return number(parameter, old, random)
        case "option":
            return random.choice([*parameter.choices * 3, "none", ""])
        case "switch":
            return random.choice([True, False])
        case "reference":
            return reference(parameter.section, content, field.name, random)
        case "references":
            picked = [
                reference(parameter.section, content, field.name, random) for _ in range(random.choice([0, 1, 2, 2, 3]))
            ]
            return picked if random.random() < 0.9 else (picked or ["x"])[0]
        case "anchor":
            return random.choice(
                [f"{s}.{n}" for s, n, _ in tables(content) if s in ("dose", "session", "assessment", "event")]
                + ["dose.x"]
            )
        case "signal":
            return random.choice(
                [f"{s}.{n}" for s, n, _ in tables(content) if s not in ("outcome", "course", "phase")] + ["dose.x"]
            )
        case "path":
            return random.choice([f.path for f in fields(content)] + ["population.x.y", "link"])
        case "window":
            phase = random.choice([*names(content, "phase"), "x"])
            first = random.choice([0, 1, 2, 5, 20, 10**9])
            return random.choice(WINDOWS).format(
                n=first, m=first + random.choice([0, 1, 20]), p=phase, b="9" * random.choice([19, 400, 5_000])
            )
        case _:
            return random.choice(
                [
                    "doses.csv",
                    "missing.csv",
                    "TIME,AMT\n0,10\n",
                    "TIME,AMT,II,ADDL\n0,10,8,3\n",
                    "ID,TIME,AMT\n1,0,5\n2,0,5\n",
                    "TIME\n0\n",
                ]
            )
