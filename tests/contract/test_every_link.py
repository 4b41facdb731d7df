"""A link onto any number of any component: gain 0 changes no bit, and what it says is what happens, or it is refused.

One structure holds a link onto every number of some components. A drug that occupies all receptors, all the time, is
the signal, so that a link of gain g must do what the number raised by g does.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from workbench.component.declaration import Component
from workbench.component.registry import registry
from workbench.plan import plan
from workbench.scenario.load import load_scenario
from workbench.scenario.shipped_files import scenarios_folder
from workbench.solver.batch import RECORDINGS, Batch, Declared, Structure
from workbench.solver.block import Block
from workbench.solver.probe import Probe
from workbench.solver.recorder import Recorder
from workbench.solver.run import DRIVERS
from workbench.solver.watch import Watch

TRIALS = 40
SIGNAL = "occupancy.everywhere"
DRUG = {"clearance": 1e-4, "volume": 1e3}
DOSE = {"amount": 1e6, "count": 1.0}
NEAR = 1e-7


def numbers(component: type[Component]) -> list[str]:
    """Return the numbers that may differ between runs."""
    return [name for name, p in component.parameters().items() if not p.structural]


def movable(component: type[Component]) -> list[str]:
    """Return those that a file may link."""
    declared = component.parameters()
    return [n for n in numbers(component) if not declared[n].still and not component.still]


def table(section: str, name: str, component: str, **fields: Any) -> tuple[Declared, dict[str, float]]:
    """Return a table with its structural fields, and its numbers by path; what is not given has its default."""
    declared = registry().get(section, component)
    given = {f: fields.get(f, p.default) for f, p in declared.parameters().items()}
    own = {f: v for f, v in given.items() if declared.parameters()[f].structural or v is None}
    values = {f"{section}.{name}.{f}": float(v) for f, v in given.items() if f not in own}
    return Declared(section, name, component, declared.revision, tuple(sorted(own.items()))), values


@cache
def examples() -> dict[str, frozenset[type[Component]]]:
    """Return shipped scenarios, small ones first, with the components that each is the first to use."""
    left, found = set(registry()), {}
    files = sorted(scenarios_folder().rglob("*.toml"), key=lambda f: (f.parent == scenarios_folder(), f.name))
    for file in files:
        scenario = load_scenario(file)
        used = {t.component for tables in scenario.tables.values() for t in tables.values()} & left
        used = {c for c in used if c.section not in RECORDINGS and movable(c)}
        if used:
            found[str(file.relative_to(scenarios_folder()))] = frozenset(used)
            left -= used
    return found


def in_short(phase: Declared) -> Declared:
    """Return a phase of few trials; a mean field, in which no drug can be given, becomes trials."""
    fields = tuple((name, min(value, TRIALS) if name == "trials" else value) for name, value in phase.fields)
    if phase.component != "flow":
        return replace(phase, fields=fields)
    known = registry().get("phase", "trial").parameters()
    return replace(phase, component="trial", fields=tuple(pair for pair in fields if pair[0] in known))


@cache
def subject(file: str) -> tuple[Structure, dict[str, float]]:
    """Return the fullest arm of a scenario for its first subject: its acting tables, phases short, and its numbers."""
    scenario = load_scenario(scenarios_folder() / file)
    whole = min(scenario.arms.values(), key=lambda arm: len(arm.without)).name
    batch = next(plan(scenario, subjects=1, arms=[whole]).chunks(lambda structure: 4096)).batch
    tables = [t for t in batch.structure.tables if t.section not in RECORDINGS]
    short = tuple(in_short(t) if t.section == "phase" else t for t in tables)
    values = {p: float(v if isinstance(v, float) else v[0]) for p, v in batch.values.items()}
    return Structure(short), values


def linked(file: str, paths: list[str]) -> tuple[Structure, dict[str, float]]:
    """Return the same with a drug that is everywhere, and a link of gain 0 onto each of the paths."""
    structure, values = subject(file)
    phases = [t for t in structure.tables if t.section == "phase"]
    first = min(phases, key=lambda t: (t.field("order"), t.name)).name
    more = [
        table("drug", "everywhere", "one_compartment_intravenous", **DRUG),
        table("occupancy", "everywhere", "langmuir", drug="everywhere", ec50=1e-6),
        table("dose", "everywhere", "repeated", drug="everywhere", during=first, **DOSE),
    ]
    more += [table("link", f"link_{i}", "shift", signal=SIGNAL, onto=path, gain=0.0) for i, path in enumerate(paths)]
    for _, own in more:
        values = {**values, **own}
    return Structure((*structure.tables, *(declared for declared, _ in more))), values


def batch_of(structure: Structure, values: dict[str, Any], runs: int) -> Batch:
    spread = {path: np.broadcast_to(value, (runs,)).copy() for path, value in values.items()}
    return Batch(structure, 0, np.zeros(runs, dtype=np.int64), spread, (b"",) * runs)


def final(structure: Structure, values: dict[str, Any], runs: int) -> dict[str, np.ndarray]:
    """Return all states and driven signals at the end of the protocol."""
    with np.errstate(all="ignore"):
        block = Block(batch_of(structure, values, runs), registry())
        block.build_all()
        phases = sorted(block.all("phase"), key=lambda p: (p[1].order, p[0]))
        recorder, watch = Recorder(block, phases), Watch(block)
        clocks: dict[str, Any] = {}
        done = dict.fromkeys(DRIVERS, 0)
        for name, phase in phases:
            driver = clocks.setdefault(phase.name, DRIVERS[phase.name](block, recorder, watch))
            done[phase.name] = driver.run(name, phase, done[phase.name])
    found = {name: array for name, array in block.states.items() if not name.endswith(".amounts")}
    found |= {f"layer {name}": np.moveaxis(array, 0, -1) for name, array in block.layers.items()}
    found |= {name: array for name, array in block.signals.items() if name.endswith((".burst", ".dip", ".plasma"))}
    driven = {s: np.broadcast_to(np.asarray(v), (runs,)) for s, v in block._provided.items()}
    return found | {f"driven {name}": level for name, level in driven.items()}


def refused(structure: Structure, values: dict[str, Any]) -> set[str]:
    """Return the paths that are read once, before anything moves."""
    with np.errstate(all="ignore"):
        probe = Probe(batch_of(structure, values, 8), registry())
        probe.build_all()
    links = [t.field("onto") for t in structure.tables if t.section == "link"]
    return {path for path in links if path in probe.early or path not in probe._applied}


def gain_of(path: str, value: float) -> float:
    """Return a change that keeps the number in its range."""
    section, _, field = path.split(".", 2)
    high = next(c for c in registry() if c.section == section and field in c.parameters()).parameters()[field].high
    step = 0.1 * abs(value) if value else 0.1
    return step if value + step <= high else -step


def test_every_component_with_numbers_that_may_move_is_among_them() -> None:
    found = {(t.section, t.component) for file in examples() for t in subject(file)[0].tables}
    wanted = {(c.section, c.name) for c in registry() if c.section not in RECORDINGS and movable(c)}
    assert wanted <= found


def test_a_link_does_what_the_number_would_or_is_refused() -> None:
    for file, components in examples().items():
        compare(file, components)


def compare(file: str, components: frozenset[type[Component]]) -> None:
    """Hold links onto the numbers of some components, in one scenario, to what the numbers themselves do."""
    structure, values = subject(file)
    tables = {(t.section, t.component): t for t in structure.tables}
    paths = [f"{c.section}.{tables[c.section, c.name].name}.{field}"
             for c in sorted(components, key=lambda c: (c.section, c.name)) if (c.section, c.name) in tables
             for field in movable(c)]  # fmt: skip
    paths = [path for path in paths if path in values]
    still = refused(*linked(file, paths))
    kept = [path for path in paths if path not in still]
    whole, numbered = linked(file, kept)
    runs = max(8, 1 + 2 * len(kept))
    assert not [path for path in still if path.startswith(("drug.", "compartment."))], "kinetics move"
    several: dict[str, Any] = {path: np.full(runs, value) for path, value in numbered.items()}
    for i, path in enumerate(kept):
        gain = gain_of(path, values[path])
        several[f"link.link_{i}.gain"][1 + 2 * i] = gain
        several[path][2 + 2 * i] += gain
    plain, found = final(structure, values, 8), final(whole, several, runs)
    for name, array in plain.items():
        assert found[name][..., 0].tobytes() == array[..., 0].tobytes(), f"gain 0 changes {name} of {file}"
    for i, path in enumerate(kept):
        for name, array in found.items():
            link, raised = array[..., 1 + 2 * i], array[..., 2 + 2 * i]
            size = np.nanmax(np.abs([link, raised, array[..., 0]]), initial=1e-200)
            assert np.nanmax(np.abs(link - raised), initial=0.0) <= NEAR * size, f"{path} in {name} of {file}"
