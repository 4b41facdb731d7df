"""Whether every number of every run lies in its field's physical range, asked before any run is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.declaration import Parameter
from workbench.errors import Problem
from workbench.plan.columns import Form
from workbench.plan.groups import Group
from workbench.scenario.values import range_fault

Draws = Mapping[str, NDArray[np.float64]]
Place = Callable[[str, str, str], Problem]
"""Puts a message about a path, found in an arm, at its line."""
SPAN = 8192
"""Subjects that are drawn at a time, so that memory stays flat."""


def range_problems(
    groups: Sequence[Group], subjects: int, traits: Callable[[range], Draws], arms: Sequence[str], place: Place
) -> Iterator[Problem]:
    """Yield a problem for each number of an arm that leaves its range at some point or in some subject.

    Files are checked value by value when they are read; products with factors and draws only exist here.
    """
    individual: dict[tuple[str, Form], tuple[Parameter, str]] = {}
    for (path, form), (parameter, arm) in _different(groups, arms).items():
        if form.is_individual:
            individual[path, form] = parameter, arm
        else:
            yield from (place(path, fault, arm) for fault in _outside(form, parameter, {}, f"in arm {arm}"))
    for start in range(0, subjects, SPAN):
        if not individual:
            return
        draws = traits(range(start, min(start + SPAN, subjects)))
        for (path, form), (parameter, arm) in list(individual.items()):
            found = list(_outside(form, parameter, draws, f"in arm {arm}, subject {{}}", start))
            if found:
                del individual[path, form]
            yield from (place(path, fault, arm) for fault in found)


def _different(groups: Sequence[Group], arms: Sequence[str]) -> dict[tuple[str, Form], tuple[Parameter, str]]:
    """Return every form of every path once, with its declaration and the first arm that has it."""
    found: dict[tuple[str, Form], tuple[Parameter, str]] = {}
    for slab in (slab for group in groups for slab in group.slabs):
        for path, form in slab.forms.items():
            found.setdefault((path, form), (slab.fields[path], arms[slab.arm]))
    return found


def _outside(form: Form, parameter: Parameter, draws: Draws, where: str, first: int = 0) -> Iterator[str]:
    low, high = form.limits(draws)
    below, above = ~(low >= parameter.low), ~(high <= parameter.high)
    if parameter.whole:
        below, above = below | (low != np.floor(low)), above | (high != np.floor(high))
    wrong = np.flatnonzero(below | above)
    if len(wrong):
        at = int(wrong[0])
        unit = "" if parameter.unit == "1" else f" {parameter.unit}"
        value = float(low[at] if below[at] else high[at])
        yield f"{value:g}{unit} {where.format(first + at)} is out of range ({range_fault(parameter, value)})"
