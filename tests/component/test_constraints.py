"""What is declared of fields beside their range: checked in one place, in the same words for every component."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from workbench.component.capabilities import clashes
from workbench.component.constraints import rules_between, rules_of
from workbench.component.declaration import (
    BOUNDS,
    NOT_NEGATIVE,
    Component,
    count,
    interval,
    number,
    numbers,
    option,
    reference,
)
from workbench.component.registry import registry
from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class Cells(Component):
    """Units."""

    section: ClassVar[str] = "population"
    name: ClassVar[str] = "cells"
    member: ClassVar[str] = "cell"
    equation: ClassVar[str] = ""

    size: int = count(1, "how many")
    like: str | None = reference("population", "another", None)


@dataclass(frozen=True, kw_only=True)
class Way(Component):
    """A projection."""

    section: ClassVar[str] = "projection"
    name: ClassVar[str] = "way"
    equation: ClassVar[str] = ""

    pre: str = reference("population", "from", least=2)
    post: str = reference("population", "to", same_size_as="pre")
    bounds: Any = interval(None, "1", "limits")
    weight: Any = number(0.5, "1", "start", within="bounds")
    weights: Any = numbers((), "1", "starts", within="bounds")


@dataclass(frozen=True, kw_only=True)
class Learning(Component):
    """A rule."""

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "learning"
    equation: ClassVar[str] = ""
    one_of: ClassVar[Any] = (("watched", "gate"),)
    any_of: ClassVar[Any] = (("up", "down"),)
    at_most_one_of: ClassVar[Any] = (("chosen", "gains"),)
    together: ClassVar[Any] = (("chosen", "spare"),)

    rise: Any = number(1.0, "s", "first")
    decay: Any = number(2.0, "s", "then", above="rise", because="it rises before it falls")
    until: Any = number(3.0, "s", "end", not_above="latest")
    latest: Any = number(9.0, "s", "latest end")
    unit: int = count(1, "which", not_above="projection.post")
    step: int = count(0, "which", low=0, below="projection.post")
    gains: Any = numbers((), "1", "gains", same_size_as="projection.post")
    chosen: Any = numbers((), "1", "cells", members_of="projection.pre")
    times: Any = numbers((), "1", "moments", order="rising")
    hold: str = option(
        "none", ("none", "soft", "sum"), "what holds", needs_bounds={"soft": BOUNDS, "sum": NOT_NEGATIVE}
    )
    watched: str | None = reference("population", "whom", None)
    gate: str | None = reference("gate", "by what", None)
    spare: str | None = reference("population", "whom else", None)
    unblinding: Any = number(0.0, "1", "share", needs="spare")
    up: Any = number(0.0, "1", "up")
    down: Any = number(1.0, "1", "down")


def told(
    component: type[Component], populations: dict[str, dict[str, Any]], way: dict[str, Any], **own: Any
) -> set[str]:
    tables = Tables({})
    for name, given in populations.items():
        tables["population"][name] = Fields(Cells, "population", name, given)
    tables["projection"]["w"] = Fields(Way, "projection", "w", {"pre": "a", "post": "b", **way})
    tables["plasticity"]["w"] = Fields(Learning, "plasticity", "w", {"watched": "a", **own})
    asked = tables["projection" if component is Way else "plasticity"]["w"]
    return {f"{field}: {message}" for field, message in clashes(asked, tables)}


ALIKE = {"a": {"size": 3}, "b": {"like": "a"}}


@pytest.mark.parametrize(
    ("populations", "way", "expected"),
    [
        (ALIKE, {}, set()),
        (ALIKE | {"b": {"size": 2}}, {}, {"post: a and b differ in size, got 3 and 2"}),
        ({"a": {"size": 1}, "b": {"size": 1}}, {}, {"pre: needs a population of at least 2 cells, but a has 1"}),
        (ALIKE, {"bounds": (0.0, 0.4)}, {"weight: 0.5 lies outside the bounds (0 to 0.4)"}),
        (ALIKE, {"bounds": (0.0, 1.0), "weights": (0.5, 2.0)}, {"weights: 2 lies outside the bounds (0 to 1)"}),
        (ALIKE, {"bounds": (0.0, 0.4), "weight": None}, set()),
    ],
)
def test_a_projection_is_held_to_its_populations(
    populations: dict[str, dict[str, Any]], way: dict[str, Any], expected: set[str]
) -> None:
    assert told(Way, populations, way) == expected


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({}, set()),
        ({"rise": 2.0}, {"decay: must be above rise (2 s), got 2 s: it rises before it falls"}),
        ({"rise": None}, set()),
        ({"until": 9.0}, set()),
        ({"until": 9.5}, {"until: must not be above latest (9 s), got 9.5 s"}),
        ({"unit": 3}, set()),
        ({"unit": 4}, {"unit: b has 3 cells, got 4"}),
        ({"step": 3}, {"step: b has 3 cells, got 3"}),
        ({"gains": (1.0, 2.0)}, {"gains: needs one number per cell: 3, got 2"}),
        ({"chosen": (1.0, 3.0), "spare": "b"}, set()),
        ({"chosen": (4.0,), "spare": "b"}, {"chosen: there is no cell 4: a has 3 cells, counted from 1"}),
        ({"chosen": (1.5,), "spare": "b"}, {"chosen: there is no cell 1.5: a has 3 cells, counted from 1"}),
        ({"chosen": (2.0, 2.0), "spare": "b"}, {"chosen: lists 2 twice"}),
        ({"chosen": (1.0,)}, {"spare: is missing: chosen and spare go together"}),
        ({"chosen": (1.0,), "spare": "b", "gains": (1.0,) * 3}, {"gains: does not go with chosen: give one of them"}),
        ({"times": (1.0, 1.0)}, {"times: must be in rising order"}),
        ({"hold": "soft"}, {"hold: soft needs bounds = [low, high] on projection w"}),
        ({"hold": "sum"}, {"hold: sum needs bounds = [low, high] with low at least 0 on projection w"}),
        ({"watched": None}, {"watched: is missing: give watched or gate"}),
        ({"gate": "g"}, {"gate: does not go with watched: give one of them"}),
        ({"down": 1.0}, {"up: is missing: give up or down"}),
        ({"up": None}, set()),
        ({"unblinding": 0.5}, {"unblinding: needs spare: whom else"}),
    ],
)
def test_a_rule_is_held_to_its_fields_and_to_what_lies_on_a_way(own: dict[str, Any], expected: set[str]) -> None:
    assert told(Learning, ALIKE, {}, **({"down": 2.0} | own)) == expected


def test_bounds_that_reach_below_zero_serve_no_sum() -> None:
    assert told(Learning, ALIKE, {"bounds": (0.0, 1.0)}, down=2.0, hold="sum") == set()
    assert told(Learning, ALIKE, {"bounds": (-1.0, 1.0)}, down=2.0, hold="sum") == {
        "hold: sum needs bounds = [low, high] with low at least 0 on projection w"
    }


def test_cells_like_each_other_have_no_size_to_be_held_to() -> None:
    circle = {"a": {"like": "b"}, "b": {"like": "a"}}
    assert told(Learning, circle, {}, down=2.0) == set()


def ways(component: type[Component]) -> Iterator[str]:
    for declared in component.parameters().values():
        yield from filter(None, (declared.above, declared.below, declared.not_above))
        yield from filter(None, (declared.within, declared.members_of, declared.same_size_as, declared.needs))
    between = (
        *component.one_of,
        *component.any_of,
        *component.at_most_one_of,
        *component.together,
        *component.same_size,
    )
    yield from (name for names in between for name in names)


def test_every_declared_way_leads_somewhere_and_is_described() -> None:
    for component in registry():
        assert_ways_lead_somewhere(component)


def assert_ways_lead_somewhere(component: type[Component]) -> None:
    for way in ways(component):
        first, *steps = way.split(".")
        here = component.parameters().get(first)
        if here is None:
            assert (component.section, first) == ("plasticity", "projection"), way
            sections = {"projection"}
        else:
            sections = {here.section}
        for step in steps:
            known = [c.parameters()[step] for c in registry() if c.section in sections and step in c.parameters()]
            assert known, f"no component of {sections} has a field {step} ({way})"
            sections = {declared.section for declared in known}
    told = [rule for declared in component.parameters().values() for rule in rules_of(declared)]
    assert all(told) and len([*rules_between(component), *told]) >= (1 if [*ways(component)] else 0)


def test_every_field_with_a_rule_in_words_is_asked_for_it() -> None:
    for component in registry():
        said = [name for name, parameter in component.parameters().items() if list(rules_of(parameter))]
        assert [parameter.name for parameter in component.constrained()] == said, component
