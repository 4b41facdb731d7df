"""A small world of declared components, and scenarios made of them without any file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.component.declaration import Component, count, interval, number, option, reference, references, window
from workbench.component.registry import SECTIONS, Registry
from workbench.plan import Plan, plan
from workbench.scenario.model import (
    Arm,
    Axis,
    Evidence,
    ParameterSet,
    Quantity,
    Scenario,
    Study,
    Subjects,
    Table,
    Trait,
    Use,
)


@dataclass(frozen=True, kw_only=True)
class Units(Component):
    """Units."""

    section: ClassVar[str] = "population"
    name: ClassVar[str] = "rate"
    size: int = count(1, "number of units")
    noise: float = number(0.25, "1", "noise", low=0.0, status="measured", source="Somebody2001")


@dataclass(frozen=True, kw_only=True)
class Wires(Component):
    """Wires."""

    section: ClassVar[str] = "projection"
    name: ClassVar[str] = "dense"
    pre: str = reference("population", "start")
    post: str = reference("population", "end")
    weight: float = number(1.0, "1", "strength", low=0.0, high=100.0)
    bounds: tuple[float, float] = interval((0.0, 1.0), "1", "limits")


@dataclass(frozen=True, kw_only=True)
class TwoSided(Component):
    """A rule."""

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "two_sided"
    stabiliser: str = option("soft_bounds", ("soft_bounds", "hard_bounds"), "what holds weights")
    rate: float = number(0.1, "1", "speed", low=0.0, high=10.0)
    gates: tuple[str, ...] = references("gate", "gates")
    homeostat: str | None = reference("homeostat", "homeostat", default=None)
    slack: float | None = number(None, "1", "optional")


@dataclass(frozen=True, kw_only=True)
class Oja(Component):
    """Another rule."""

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "oja"
    rate: float = number(0.1, "1", "speed", low=0.0)
    decay: float = number(1.0, "1", "decay", low=0.0)


@dataclass(frozen=True, kw_only=True)
class Gate(Component):
    """A gate."""

    section: ClassVar[str] = "gate"
    name: ClassVar[str] = "hill"
    threshold: float = number(0.5, "1", "threshold")


@dataclass(frozen=True, kw_only=True)
class Threshold(Component):
    """A homeostat."""

    section: ClassVar[str] = "homeostat"
    name: ClassVar[str] = "sliding_threshold"
    target: float = number(0.5, "1", "target")


@dataclass(frozen=True, kw_only=True)
class Drug(Component):
    """A drug."""

    section: ClassVar[str] = "drug"
    name: ClassVar[str] = "one_compartment_oral"
    clearance: float = number(10.0, "L/h", "clearance", low=0.0)
    effect: float = number(1.0, "1", "effect", low=0.0, high=1.0)


@dataclass(frozen=True, kw_only=True)
class Dose(Component):
    """A dose."""

    section: ClassVar[str] = "dose"
    name: ClassVar[str] = "repeated"
    withheld_by: ClassVar[tuple[str, ...]] = ("amount",)
    drug: str = reference("drug", "drug")
    amount: float = number(0.0, "mg", "amount", low=0.0)
    every: float = number(24.0, "h", "interval", low=0.1)
    during: str = reference("phase", "phase")


@dataclass(frozen=True, kw_only=True)
class Trials(Component):
    """A phase."""

    section: ClassVar[str] = "phase"
    name: ClassVar[str] = "trial"
    order: int = count(1, "place")
    trials: int = count(100, "number of trials")


@dataclass(frozen=True, kw_only=True)
class Bandit(Component):
    """A task."""

    section: ClassVar[str] = "task"
    name: ClassVar[str] = "cued_bandit"
    cues: str = reference("population", "cues")
    order: str = option("random", ("random", "fixed"), "order of cues")
    target: float = number(0.6, "1", "wanted output")


@dataclass(frozen=True, kw_only=True)
class Overflow(Component):
    """A readout."""

    section: ClassVar[str] = "outcome"
    name: ClassVar[str] = "overflow_index"
    during: str = window("practice", "when")
    margin: float = number(0.1, "1", "margin")


WORLD = Registry((Units, Wires, TwoSided, Oja, Gate, Threshold, Drug, Dose, Trials, Bandit, Overflow))


def q(value: float, unit: str = "1", **evidence: Any) -> Quantity:
    """Return a quantity as a file would give it."""
    return Quantity(float(value), unit, f"{value} {unit}", Evidence(**evidence) if evidence else None)


def table(path: str, component: type[Component], **fields: Any) -> Table:
    """Return the table at `path`."""
    section, _, name = path.partition(".")
    return Table(section, name, component, fields)


def tables() -> list[Table]:
    """Return two populations, a learned projection, a drug with its dose, a task and two phases."""
    return [
        table("population.cortex", Units, size=4),
        table("population.d1", Units, size=4),
        table("projection.cortex_d1", Wires, pre="cortex", post="d1", weight=q(0.5), bounds=(0.0, 1.0)),
        table("plasticity.cortex_d1", TwoSided, rate=q(0.01), gates=("m1",), homeostat="slow"),
        table("gate.m1", Gate),
        table("homeostat.slow", Threshold),
        table("drug.thp", Drug),
        table("dose.thp", Dose, drug="thp", amount=q(10.0, "mg"), every=q(8.0, "h"), during="practice"),
        table("phase.practice", Trials, order=1, trials=200),
        table("phase.rest", Trials, order=2, trials=100),
        table("task.reach", Bandit, cues="cortex"),
        table("outcome.overflow", Overflow, during="last 50 trials of practice"),
        table("course.overflow", Overflow, during="practice"),
    ]


def parameter_set(
    values: Mapping[str, Quantity] | None = None, conditions: Mapping[str, Mapping[str, Quantity]] | None = None
) -> ParameterSet:
    """Return a parameter set of `values`."""
    return ParameterSet("set-1", "1", "A set", b"", "", values or {}, {}, conditions or {}, {})


def arm(name: str = "base", **rest: Any) -> Arm:
    """Return an arm; keywords `set`, `without`, `condition`, `title`."""
    without = frozenset(rest.get("without", ()))
    title = rest.get("title", "")
    return Arm(name, title, rest.get("condition"), without, rest.get("set", {}), rest.get("compare_with"))


def axis(path: str, *values: Any, unit: str = "1", **rest: Any) -> Axis:
    """Return an axis with these values."""
    return Axis(path, values, unit, **rest)


def trait(name: str, on: str = "", distribution: str = "lognormal", mode: str = "multiply", **rest: Any) -> Trait:
    """Return a trait; keywords `effects` and `unit` are its own, all others numbers of the distribution."""
    effects, unit = tuple(rest.pop("effects", ())), rest.pop("unit", "1")
    settings = rest or {"median": 1.0, "cv": 0.3}
    return Trait(name, on, mode, distribution, settings, effects, unit)  # type: ignore[arg-type]


def scenario(
    arms: Sequence[Arm] = (),
    axes: Sequence[Axis] = (),
    *,
    changed: Iterable[Table] = (),
    subjects: int = 3,
    seed: int = 1,
    traits: Sequence[Trait] = (),
    correlation: Sequence[tuple[str, str, float]] = (),
    parameters: ParameterSet | None = None,
    studies: Sequence[Study] = (),
    **study: Any,
) -> Scenario:
    """Return a scenario of `tables` with the tables in `changed` put in their place; one study of all arms."""
    every = {t.path: t for t in tables()} | {t.path: t for t in changed}
    nested: dict[str, dict[str, Table]] = {section: {} for section in SECTIONS}
    for each in every.values():
        nested[each.section][each.name] = each
    arms = arms or [arm()]
    names = tuple(a.name for a in arms)
    studies = studies or [Study("main", "", names, subjects, tuple(axes), **study)]
    return Scenario(
        name="small",
        file="small.toml",
        text=b"",
        sha256="",
        title="Small",
        use=Use("", ""),
        parameters=parameters or parameter_set(),
        tables=nested,
        subjects=Subjects(subjects, seed, tuple(traits), tuple(correlation)),
        arms={a.name: a for a in arms},
        studies={s.name: s for s in studies},
        registry=WORLD,
    )


def without_tables(whole: Scenario, *paths: str) -> Scenario:
    """Return the scenario as if the file did not have these tables."""
    left = {s: {n: t for n, t in named.items() if t.path not in paths} for s, named in whole.tables.items()}
    return replace(whole, tables=left)


@dataclass(frozen=True)
class Run:
    """One run as laid out: where it stands, its numbers and its key."""

    values: Mapping[str, float]
    key: bytes
    identity: bytes


Place = tuple[str, str, int, int]


def laid_out(planned: Plan, size: int = 1000) -> dict[Place, Run]:
    """Return every run of a plan by (study, arm, point, subject)."""
    found: dict[Place, Run] = {}
    arms = {study.name: study.arms for study in planned.studies}
    for chunk in planned.chunks(lambda structure: size):
        batch = chunk.batch
        for row in range(len(batch)):
            place = chunk.study, arms[chunk.study][chunk.arms[row]], int(chunk.points[row]), int(batch.subjects[row])
            assert place not in found
            values = {p: v if isinstance(v, float) else float(v[row]) for p, v in batch.values.items()}
            found[place] = Run(values, batch.keys[row], batch.structure.identity)
    return found


def runs_of(whole: Scenario, **asked: Any) -> dict[Place, Run]:
    """Plan `whole` and return every run."""
    return laid_out(plan(whole, **asked))


def value_of(whole: Scenario, path: str, **asked: Any) -> NDArray[np.float64]:
    """Return one number of every run, ordered by arm name, point and subject."""
    runs = runs_of(whole, **asked)
    return np.array([runs[place].values[path] for place in sorted(runs)])


def field_of(planned: Plan, path: str) -> set[Any]:
    """Return the values that a structural field takes in the structures of a plan."""
    owner, _, field = path.rpartition(".")
    found = (t for structure in planned.structures() for t in structure.tables if f"{t.section}.{t.name}" == owner)
    return {declared.field(field) for declared in found}
