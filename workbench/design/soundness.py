"""Whether the tables of each structure still fit together once arms, sweeps and the command line have spoken.

The file's own tables are checked when it is read. A size, a phase length or a reference that changes later makes
another structure, which must pass the same checks before anything runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from workbench.design.columns import Swept
from workbench.design.groups import Group, Slab
from workbench.design.structures import sweeps_structure
from workbench.errors import Problem
from workbench.protocol.sessions import overlaps
from workbench.protocol.window import parse_window
from workbench.registry import SECTIONS
from workbench.scenario.model import Scenario
from workbench.scenario.places import Places
from workbench.solver.batch import RECORDINGS, Structure

TIMED = ("dose", "session", "assessment", "adjustment")
"""Sections whose swept numbers are tried at both ends."""
JUDGED = ("session", "assessment", "adjustment")
"""Sections whose tables are then asked again. A swept dose may well be one that titration never reaches."""
Whole = Mapping[str, Mapping[str, Mapping[str, Any]]]


def unsound(
    places: Places, study: str, arms: Sequence[str], groups: Iterable[Group], told: set[tuple[object, ...]]
) -> Iterator[Problem]:
    """Yield a problem for each table of a structure that does not fit the others; `arms` names the groups' arms.

    One mistake is told once, wherever it shows: `told` are places and messages of other groups and studies.
    """
    scenario = places.scenario
    for group in groups:
        seen: set[tuple[str, str]] = set()
        for slab in group.slabs:
            whole = _whole(group, slab)
            arm, moved = arms[slab.arm], slab.levels
            faults = [*_component_faults(scenario, group.structure, whole), *_window_faults(group.structure, whole)]
            for path, message in (fault for fault in faults if fault not in seen):
                seen.add((path, message))
                problem = _told(places, study, arm, moved, path, message)
                place = problem.line, problem.column, path, message
                if not problem.line or place not in told:
                    yield problem
                told.add(place)
            for path, message in (fault for fault in overlaps(whole) if fault not in told):
                told.add((path, message))
                yield _told(places, study, arm, moved, path, message, chosen="session.")
            for ends, path, message in _timing_faults(scenario, group.structure, slab, whole):
                if (path,) not in told and (path, message) not in seen:
                    told.add((path,))
                    yield _told(places, study, arm, {**ends, **moved}, path, message)


def _told(
    places: Places, study: str, arm: str, moved: Mapping[str, object], path: str, message: str, chosen: str = ""
) -> Problem:
    """Return the problem at its place; what an arm sets below `chosen`, or any structure it sets, may be to blame."""
    values = ", ".join(f"{axis} = {value}" for axis, value in moved.items())
    where = f"in arm {arm}, with {values}" if values else f"in arm {arm}"
    table = path.rpartition(".")[0]
    set_here = (
        p
        for p in places.scenario.arms[arm].set
        if p.startswith(f"{table}.") or (p.startswith(chosen) if chosen else sweeps_structure(places.scenario, p))
    )
    blamed = (*places.given, *moved, *set_here)
    return places.problem(path, f"{message} ({where})", study=study, arm=arm, moved=blamed)


def _whole(group: Group, slab: Slab) -> Whole:
    """Return every table's fields as plain Python; a number that differs between runs is None."""
    whole: dict[str, dict[str, dict[str, Any]]] = {}
    for table in group.structure.tables:
        fields = {"section": table.section, "name": table.name, **dict(table.fields)}
        fields[SECTIONS[table.section].key] = table.component
        if table.section == "plasticity":
            fields["projection"] = table.name
        whole.setdefault(table.section, {})[table.name] = fields
    for path, form in slab.forms.items():
        section, name, field = path.split(".", 2)
        whole[section][name][field] = form.constant
    return whole


def _component_faults(scenario: Scenario, structure: Structure, whole: Whole) -> Iterator[tuple[str, str]]:
    for table in structure.tables:
        check = getattr(scenario.registry.get(table.section, table.component), "check", None)
        if check is not None:
            for field, message in check(whole[table.section][table.name], whole):
                yield f"{table.section}.{table.name}.{field}", message


def _timing_faults(
    scenario: Scenario, structure: Structure, slab: Slab, whole: Whole
) -> Iterator[tuple[dict[str, str], str, str]]:
    """Yield (what moved, path, fault) where an end of a sweep makes no sense of a protocol.

    What is zipped moves together; what moves otherwise stays unknown.
    """
    moving: dict[int, dict[str, Swept]] = {}
    for path, form in slab.forms.items():
        if path.partition(".")[0] in TIMED and isinstance(form.base, Swept) and not form.factors:
            moving.setdefault(form.base.group, {})[path] = form.base
    for group, paths in moving.items():
        ends = {int(end) for swept in paths.values() for end in (swept.levels.argmin(), swept.levels.argmax())}
        for level in {slab.points.levels[group]} if group in slab.points.levels else sorted(ends):
            tables = {section: dict(named) for section, named in whole.items()}
            for path, swept in paths.items():
                section, name, field = path.split(".", 2)
                tables[section][name] = {**tables[section][name], field: float(swept.levels[level])}
            moved = {p: f"{swept.levels[level]:g} {swept.unit}".removesuffix(" 1") for p, swept in paths.items()}
            for path, message in (*_component_faults(scenario, structure, tables), *overlaps(tables)):
                if path.partition(".")[0] in JUDGED or path.rpartition(".")[2] in ("only_if", "decided_at"):
                    yield moved, path, message


def _window_faults(structure: Structure, whole: Whole) -> Iterator[tuple[str, str]]:
    phases = {name: phase for name, phase in whole.get("phase", {}).items() if "trials" in phase}
    total = sum(phase["trials"] for phase in phases.values())
    for table in structure.tables:
        words = dict(table.fields).get("window") if table.section in RECORDINGS else None
        if words is None:
            continue
        window = parse_window(words)
        if window.phase and window.phase not in phases:
            continue
        phase = phases[window.phase] if window.phase else {"trials": total}
        trials = phase["trials"]
        try:
            window.bounds(trials, phase.get("trials_per_day", 1.0))
        except ValueError:
            where = f"phase {window.phase} has" if window.phase else "the protocol has"
            yield f"{table.section}.{table.name}.window", f"the window {words!r} does not fit: {where} {trials} trials"
