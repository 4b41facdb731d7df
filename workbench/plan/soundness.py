"""Checks that the tables of each structure still fit together after arms, sweeps and the command line.

The file's own tables are checked when it is read. A size, a phase length or a reference that changes later makes
another structure, which must pass the same checks before anything runs; so must the numbers at the ends of a sweep.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from workbench.component.capabilities import clashes, notes
from workbench.component.declaration import Parameter
from workbench.component.field_path import field_path
from workbench.component.registry import Registry
from workbench.component.tables import Fields, Tables
from workbench.errors import Problem
from workbench.plan.columns import Form, Swept, TraitFactor
from workbench.plan.groups import ArmSlice, Group
from workbench.plan.points import Points
from workbench.plan.structures import sweeps_structure
from workbench.protocol.sessions import overlaps
from workbench.protocol.span import parse_span
from workbench.scenario.places import Places
from workbench.scenario.values import range_fault
from workbench.solver.batch import RECORDINGS, Structure

TITRATION = "titration_"
"""Fields of a dose whose rules a swept amount may break: it may well be one that titration never reaches."""
NUMBER = re.compile(r"-?\d[\d.,]*(e[+-]?\d+)?")
Asking = Callable[[Fields, Tables], Iterator[tuple[str, str]]]
"""Asks a table what it has to say about itself among the others: (field, message)."""


def find_faults(
    places: Places, study: str, arms: Sequence[str], groups: Iterable[Group], known_faults: set[tuple[object, ...]]
) -> Iterator[Problem]:
    """Yield a problem for each table of a structure that does not fit the others; `arms` names the groups' arms.

    One mistake is reported once, wherever it shows: `known_faults` are places and messages of other groups and studies.
    """
    scenario = places.scenario
    for group in groups:
        seen: set[tuple[str, str]] = set()
        for arm_slice in group.arm_slices:
            whole = _whole(group, arm_slice, scenario.registry)
            arm, moved = arms[arm_slice.arm], arm_slice.levels
            faults = [*_component_faults(group.structure, whole), *_span_faults(group.structure, whole)]
            for path, message in (fault for fault in faults if fault not in seen):
                seen.add((path, message))
                yield from _new(_problem_of_arm(places, study, arm, moved, path, message), message, known_faults)
            overlapping = list(overlaps(whole))
            for path, message in (fault for fault in overlapping if fault not in known_faults):
                known_faults.add((path, message))
                yield _problem_of_arm(places, study, arm, moved, path, message, chosen="session.")
            known = {(path, _rule_of(message)) for path, message in (*faults, *overlapping)}
            for corner, path, message in _swept_faults(group.structure, arm_slice, whole, known):
                yield from _new(
                    _problem_at_end(places, study, arm, arm_slice, corner, path, message), message, known_faults
                )


def collect_notes(
    places: Places, study: str, arms: Sequence[str], groups: Iterable[Group], known_faults: set[tuple[object, ...]]
) -> Iterator[Problem]:
    """Yield what the components' `notes` say of each structure, at its numbers and at the ends of its sweeps.

    Arguments as in `find_faults`; a note is reported once.
    """
    scenario = places.scenario
    for group in groups:
        for arm_slice in group.arm_slices:
            whole, arm = _whole(group, arm_slice, scenario.registry), arms[arm_slice.arm]
            known: set[tuple[str, str]] = set()
            for path, message in _component_faults(group.structure, whole, ask=notes):
                known.add((path, _rule_of(message)))
                yield from _new(
                    _problem_of_arm(places, study, arm, arm_slice.levels, path, message), message, known_faults
                )
            for corner, path, message in _swept_faults(group.structure, arm_slice, whole, known, ask=notes):
                yield from _new(
                    _problem_at_end(places, study, arm, arm_slice, corner, path, message), message, known_faults
                )


def _new(problem: Problem, message: str, known_faults: set[tuple[object, ...]]) -> Iterator[Problem]:
    """Yield a problem unless its rule was reported at its place: other arms break it with other numbers."""
    place = problem.line, problem.column, problem.key, _rule_of(message)
    if place not in known_faults:
        known_faults.add(place)
        yield problem


def _rule_of(message: str) -> str:
    """Return a message without its numbers."""
    return NUMBER.sub("", message)


def _problem_of_arm(
    places: Places, study: str, arm: str, moved: Mapping[str, object], path: str, message: str, chosen: str = ""
) -> Problem:
    """Return the problem at its place.

    To blame is what the arm sets: the field itself, its table, then what lies below `chosen`, or any structure.
    """
    values = ", ".join(f"{axis} = {value}" for axis, value in moved.items())
    where = f"in arm {arm}, with {values}" if values else f"in arm {arm}"
    table = field_path(path).table
    # Reversed, so that the setting nearest to the arm is blamed before those that it inherits.
    set_last = list(places.scenario.arms[arm].set)[::-1]  # the arm's own settings stand behind those it extends
    beside = [p for p in set_last if p.startswith(f"{table}.")]
    structural = [p for p in set_last if (p.startswith(chosen) if chosen else sweeps_structure(places.scenario, p))]
    itself = [path] if places.is_set(path, arm) else []
    places_to_blame = (*places.given, *itself, *moved, *beside, *structural)
    return places.problem(path, f"{message} ({where})", study=study, arm=arm, moved=places_to_blame)


def _problem_at_end(
    places: Places, study: str, arm: str, arm_slice: ArmSlice, corner: Corner, path: str, message: str
) -> Problem:
    """Return the problem that shows at an end of a sweep, at the line of the axis."""
    axes = {axis.path: (axis.unit, axis.relative) for axis in places.scenario.studies[study].axes}
    where = in_words(arm_slice.points.points, axes, corner)
    places_to_blame = sorted((p for p in axes if p in corner), key=lambda p: p != path)
    return places.problem(path, f"at {where}: {message} (in arm {arm})", study=study, arm=arm, moved=places_to_blame)


def _whole(group: Group, arm_slice: ArmSlice, registry: Registry) -> Tables:
    """Return every table's fields as plain Python, by section; a number that differs between runs is None."""
    whole = Tables({})
    for table in group.structure.tables:
        component = registry.get(table.section, table.component)
        whole[table.section][table.name] = Fields(component, table.section, table.name, dict(table.fields))
    for path, form in arm_slice.forms.items():
        section, name, field = field_path(path)
        whole[section][name][field] = form.constant
    return whole


def _component_faults(structure: Structure, whole: Tables, ask: Asking = clashes) -> Iterator[tuple[str, str]]:
    """Yield (path, message) of what each component has to say when it is asked by `ask`."""
    for table in structure.tables:
        for field, message in ask(whole[table.section][table.name], whole):
            yield f"{table.section}.{table.name}.{field}", message


def _swept_faults(
    structure: Structure,
    arm_slice: ArmSlice,
    whole: Tables,
    known: set[tuple[str, str]],
    ask: Asking = clashes,
) -> Iterator[tuple[Corner, str, str]]:
    """Yield (corner, path, fault) where an end of a sweep breaks a rule that is not in `known`, which grows."""
    moved: dict[tuple[str, str], dict[str, Form]] = {}
    for path, form in arm_slice.forms.items():
        if form.constant is None:
            section, name, field = field_path(path)
            moved.setdefault((section, name), {})[field] = form
    for corner in corners(arm_slice):
        tables = Tables(whole)
        for (section, name), forms in moved.items():
            numbers = {field: form.at(corner) for field, form in forms.items()}
            tables[section][name] = tables[section][name].with_numbers(numbers)
        overlapping = overlaps(tables) if ask is clashes else ()
        for path, message in (*_component_faults(structure, tables, ask), *overlapping):
            section, _, field = field_path(path)
            unreached = section == "dose" and field.startswith(TITRATION)
            if not unreached and (path, _rule_of(message)) not in known:
                known.add((path, _rule_of(message)))
                yield corner, path, message


def _span_faults(structure: Structure, whole: Tables) -> Iterator[tuple[str, str]]:
    phases = {name: phase for name, phase in whole.get("phase", {}).items() if "trials" in phase}
    total = sum(phase["trials"] for phase in phases.values())
    for table in structure.tables:
        words = dict(table.fields).get("window") if table.section in RECORDINGS else None
        if words is None:
            continue
        span = parse_span(words)
        if span.phase and span.phase not in phases:
            continue
        phase = phases[span.phase] if span.phase else {"trials": total}
        trials = phase["trials"]
        try:
            span.bounds(trials, phase.get("trials_per_day", 1.0))
        except ValueError:
            where = f"phase {span.phase} has" if span.phase else "the protocol has"
            yield f"{table.section}.{table.name}.window", f"the window {words!r} does not fit: {where} {trials} trials"


Corner = Mapping[str, int]
"""Swept path -> the level at which it stands; a path that is not in it is not known."""
MOST = 16
"""Corners at which all axes stand at an end: four axes have as many. Of more axes only each by itself is tried."""


def corners(arm_slice: ArmSlice) -> Iterator[Corner]:
    """Yield the ends of each axis by itself, then of those that move together, then of all at once.

    What is wrong with one axis by itself then shows first, and names no other.
    """
    ends: dict[int, dict[str, list[int]]] = {}
    for part in (part for form in arm_slice.forms.values() for part in (form.base, *form.factors)):
        if isinstance(part, Swept):
            found = {int(part.levels.argmin()), int(part.levels.argmax())}
            ends.setdefault(part.group, {})[part.path] = _standing(arm_slice, part.group) or sorted(found)
    together: list[list[Corner]] = []
    for paths in ends.values():
        yield from ({path: level} for path, levels in paths.items() for level in levels)
        moved = [dict.fromkeys(paths, level) for level in sorted({i for levels in paths.values() for i in levels})]
        together.append(list(moved))
        if len(paths) > 1:
            yield from moved
    if len(together) > 1 and math.prod(map(len, together)) <= MOST:
        for each in product(*together):
            yield {path: level for corner in each for path, level in corner.items()}


def _standing(arm_slice: ArmSlice, group: int) -> list[int]:
    """Return the one level at which a group stands that moves something structural too."""
    return [arm_slice.points.levels[group]] if group in arm_slice.points.levels else []


def in_words(points: Points, axes: Mapping[str, tuple[str, bool]], corner: Corner) -> str:
    """Return where a corner lies: ``plasticity.w.total = 5``.

    `axes` maps each path of the study to its unit, and to whether the axis is relative.
    """
    words = []
    for path, (unit, relative) in axes.items():
        if path not in corner:
            continue
        number = f"{points.groups[points.group_of(path)].levels[path][corner[path]]:g}"
        words.append(f"{number} times {path}" if relative else f"{path} = {number} {unit}".removesuffix(" 1"))
    return ", ".join(words)


Draws = Mapping[str, NDArray[np.float64]]
Place = Callable[[str, str, str], Problem]
"""Puts a message about a path, found in an arm, at its line."""
SPAN = 8192
"""Subjects that are drawn at a time, so that memory stays flat."""


def range_problems(
    groups: Sequence[Group],
    subjects: int,
    traits: Callable[[range], Draws],
    ends: Mapping[str, tuple[float, float]],
    arms: Sequence[str],
    place: Place,
) -> Iterator[Problem]:
    """Yield a problem for each number of an arm that leaves its range at some point or in some subject.

    Files are checked value by value when they are read; products with factors and draws only exist here. Subjects are
    drawn only where a number may leave its range between the `ends` of its traits' draws.
    """
    individual: dict[tuple[str, Form], tuple[Parameter, str]] = {}
    for (path, form), (parameter, arm) in _different(groups, arms).items():
        if form.is_individual:
            if parameter.whole or any(_outside(form, parameter, _corners_of(form, ends), arm)):
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
                # One subject is enough for a report, and later ones need no draws for it.
                del individual[path, form]
            yield from (place(path, fault, arm) for fault in found)


def _corners_of(form: Form, ends: Mapping[str, tuple[float, float]]) -> Draws:
    """Return the ends of the draws of a form's traits, each with each of the others'."""
    named = dict.fromkeys(part.trait for part in (form.base, *form.factors) if isinstance(part, TraitFactor))
    corners = np.array(list(product(*(ends[trait] for trait in named))))
    return dict(zip(named, corners.T, strict=True))


def _different(groups: Sequence[Group], arms: Sequence[str]) -> dict[tuple[str, Form], tuple[Parameter, str]]:
    """Return every form of every path once, with its declaration and the first arm that has it."""
    found: dict[tuple[str, Form], tuple[Parameter, str]] = {}
    for arm_slice in (arm_slice for group in groups for arm_slice in group.arm_slices):
        for path, form in arm_slice.forms.items():
            found.setdefault((path, form), (arm_slice.fields[path], arms[arm_slice.arm]))
    return found


def _outside(form: Form, parameter: Parameter, draws: Draws, where: str, first: int = 0) -> Iterator[str]:
    with np.errstate(all="ignore"):  # no comparison holds for NaN
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
