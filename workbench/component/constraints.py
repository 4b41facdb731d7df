"""What a component declares of a field beside its range: checked here, and worded here.

A field is held against another one, or against what lies on a way from its table, step by step through references:
``"rise"`` is a field of the same table, ``"projection.post"`` the population on which the named projection ends. A way
that ends at a table means how many members that has: units, actions, visits. What is not known, since runs differ in
it or an optional reference names nothing, is held against nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from workbench.component.declaration import NOT_NEGATIVE

if TYPE_CHECKING:
    from workbench.component.declaration import Component, Parameter
    from workbench.component.tables import Fields, Tables

Faults = Iterator[tuple[str, str]]
"""Fields that break a rule, each with what is wrong."""


@dataclass(frozen=True)
class Reached:
    """What lies at the end of a way.

    Attributes
    ----------
    number : float or None
        The value of the field, or how many members the table has; None where it is not known.
    label : str
        Its name in a message: of the field, or of the table.
    member : str
        Of a table: what one of its members is called; "" of a field.
    """

    number: float | None
    label: str
    member: str = ""

    @property
    def many(self) -> str:
        """How many members the table has, in words."""
        return f"{self.number:g} {self.member}{'' if self.number == 1 else 's'}"


def constraint_faults(fields: Fields, tables: Tables) -> Faults:
    """Yield (field, message) for each declared constraint that a table breaks."""
    for parameter in fields.component.constrained():
        for check in CHECKS:
            yield from check(parameter, fields, tables)
    yield from _choice_faults(fields)
    yield from _bounds_faults(fields, tables)
    for field, one, other in fields.component.same_size:
        first, second = reach(fields, one, tables), reach(fields, other, tables)
        if first is not None and second is not None and (fault := _differ(first, second)):
            yield field, fault


def reach(fields: Fields, way: str, tables: Tables) -> Reached | None:
    """Return what lies at the end of a way; None where a reference on it names nothing."""
    here = fields
    *steps, last = way.split(".")
    for step in steps:
        there = tables.next(here, step)
        if there is None:
            return None
        here = there
    own_members = last == "size" and here["section"] == "population"
    if (table := here if own_members else tables.next(here, last)) is not None:
        return Reached(tables.members(table), table["name"], table.component.member)
    if here.component.is_reference(last):
        return None
    value = here.get(last)
    number = len(value) if isinstance(value, tuple) else value
    return Reached(number, last if here is fields else f"{here['section']}.{here['name']}.{last}")


def rules_of(parameter: Parameter) -> Iterator[str]:
    """Yield the declared constraints of a field, in words: for the description, the reference and the schema."""
    if parameter.above:
        yield f"above {parameter.above}"
    if parameter.below:
        yield f"below {parameter.below}"
    if parameter.not_above:
        yield f"not above {parameter.not_above}"
    if parameter.within:
        yield f"within {parameter.within}"
    if parameter.order:
        yield f"in {parameter.order} order"
    if parameter.members_of:
        yield f"members of {parameter.members_of} by number, each once"
    if parameter.same_size_as:
        several = parameter.kind == "reference"
        yield f"of the size of {parameter.same_size_as}" if several else f"one for each of {parameter.same_size_as}"
    if parameter.least:
        yield f"of at least {parameter.least}"
    if parameter.needs:
        yield f"needs {parameter.needs}"
    for choice, wanted in parameter.needs_bounds:
        yield f"{choice} needs {wanted} on the projection"


def rules_between(component: type[Component]) -> Iterator[str]:
    """Yield the declared constraints between fields of a component, in words."""
    for names in component.one_of:
        yield f"exactly one of {_listed(names)}"
    for names in component.any_of:
        yield f"at least one of {_listed(names)}"
    for names in component.at_most_one_of:
        yield f"at most one of {_listed(names)}"
    for names in component.together:
        yield f"all or none of {_listed(names)}"
    for _, one, other in component.same_size:
        yield f"{other} of the size of {one}"
    if component.needs_bounds:
        yield f"needs {component.needs_bounds} on the projection"


def is_given(fields: Fields, name: str) -> bool | None:
    """Return whether a table says something in a field; None of a number in which its runs may differ."""
    parameter, value = fields.component.parameters()[name], fields.get(name)
    if parameter.kind == "number" and value is None:
        return None
    return value not in (None, ()) and (parameter.required or value != parameter.default)


def _order_faults(parameter: Parameter, fields: Fields, tables: Tables) -> Faults:
    value = fields.get(parameter.name)
    if value is None or isinstance(value, tuple):
        return
    for way, holds, words in (
        (parameter.above, operator.gt, "must be above"),
        (parameter.below, operator.lt, "must be below"),
        (parameter.not_above, operator.le, "must not be above"),
    ):
        other = reach(fields, way, tables) if way else None
        if other is None or other.number is None or holds(value, other.number):
            continue
        if other.member:
            yield parameter.name, f"{other.label} has {other.many}, got {value:g}{_because(parameter)}"
        else:
            unit = "" if parameter.unit == "1" else f" {parameter.unit}"
            message = f"{words} {other.label} ({other.number:g}{unit}), got {value:g}{unit}"
            yield parameter.name, f"{message}{_because(parameter)}"


def _within_faults(parameter: Parameter, fields: Fields, tables: Tables) -> Faults:
    pair, value = fields.get(parameter.within), fields.get(parameter.name)
    if not parameter.within or not pair or value is None:
        return
    for number in value if isinstance(value, tuple) else (value,):
        if not pair[0] <= number <= pair[1]:
            span = f"{pair[0]:g} to {pair[1]:g}"
            yield parameter.name, f"{number:g} lies outside the {parameter.within} ({span}){_because(parameter)}"


def _list_faults(parameter: Parameter, fields: Fields, tables: Tables) -> Faults:
    listed: Sequence[float] = fields.get(parameter.name) or ()
    if parameter.order and not all(ORDERS[parameter.order](a, b) for a, b in pairwise(listed)):
        yield parameter.name, f"must be in {parameter.order} order{_because(parameter)}"
    of = reach(fields, parameter.members_of, tables) if parameter.members_of and listed else None
    if of is None or of.number is None:
        return
    wrong = next((entry for entry in listed if entry != int(entry) or not 1 <= entry <= of.number), None)
    if wrong is not None:
        yield parameter.name, f"there is no {of.member} {wrong:g}: {of.label} has {of.many}, counted from 1"
    elif len(set(listed)) < len(listed):
        twice = next(entry for entry in listed if list(listed).count(entry) > 1)
        yield parameter.name, f"lists {twice:g} twice{_because(parameter)}"


def _size_faults(parameter: Parameter, fields: Fields, tables: Tables) -> Faults:
    value = fields.get(parameter.name)
    if value is None or not (parameter.same_size_as or parameter.least):
        return
    other = reach(fields, parameter.same_size_as, tables) if parameter.same_size_as else None
    if parameter.kind != "reference":
        if value and other is not None and other.number is not None and len(value) != other.number:
            each = other.member or "entry"
            message = f"needs one number per {each}: {other.number:g}, got {len(value)}"
            yield parameter.name, f"{message}{_because(parameter)}"
        return
    own = reach(fields, parameter.name, tables)
    if own is None or own.number is None:
        return
    if other is not None and (fault := _differ(other, own)):
        yield parameter.name, f"{fault}{_because(parameter)}"
    elif own.number < parameter.least:
        wanted = f"needs a {parameter.section} of at least {parameter.least} {own.member}s"
        yield parameter.name, f"{wanted}, but {own.label} has {own.number:g}{_because(parameter)}"


def _differ(one: Reached, other: Reached) -> str:
    if one.number is None or other.number is None or one.number == other.number:
        return ""
    return f"{one.label} and {other.label} differ in size, got {one.number:g} and {other.number:g}"


def _partner_faults(parameter: Parameter, fields: Fields, tables: Tables) -> Faults:
    if parameter.needs and is_given(fields, parameter.name) and is_given(fields, parameter.needs) is False:
        partner = fields.component.parameters()[parameter.needs]
        yield parameter.name, f"needs {parameter.needs}: {partner.doc}"


def _choice_faults(fields: Fields) -> Faults:
    component = fields.component
    for names in (*component.one_of, *component.any_of, *component.at_most_one_of, *component.together):
        stated = {name: is_given(fields, name) for name in names}
        given, absent = ([name for name in names if stated[name] is answer] for answer in (True, False))
        if names in component.together:
            if given and absent:
                yield absent[0], f"is missing: {_listed(names)} go together"
            continue
        if len(absent) == len(names) and names not in component.at_most_one_of:
            yield names[0], f"is missing: give {_listed(names, 'or')}"
        if len(given) > 1 and names not in component.any_of:
            yield given[-1], f"does not go with {_listed(given[:-1])}: give one of them"


def _bounds_faults(fields: Fields, tables: Tables) -> Faults:
    """Yield what needs bounds on the projection that the table is about, and does not find them."""
    component = fields.component
    wanted = [("", component.needs_bounds, "projection")] if component.needs_bounds else []
    for parameter in component.constrained():
        chosen = fields.get(parameter.name)
        wanted += [(f"{choice} ", rule, parameter.name) for choice, rule in parameter.needs_bounds if choice == chosen]
    projection = tables.next(fields, "projection") if wanted else None
    if projection is None:
        return
    low_high = projection.get("bounds")
    for choice, rule, field in wanted:
        if not low_high or (rule == NOT_NEGATIVE and low_high[0] < 0.0):
            key = field if field in component.parameters() else fields.key
            yield key, f"{choice}needs {rule} on projection {projection['name']}"


def _listed(names: Iterable[str], word: str = "and") -> str:
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last


def _because(parameter: Parameter) -> str:
    return f": {parameter.because}" if parameter.because else ""


ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "rising": operator.lt,
    "falling": operator.ge,
}
"""What holds of neighbours in a list: one that rises has no number twice."""
CHECKS = (_order_faults, _within_faults, _list_faults, _size_faults, _partner_faults)
"""The constraints of one field, by what they compare."""
