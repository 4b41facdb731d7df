"""Groups of units with one activity each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.arrays import ONE, ZERO, clip
from workbench.component.declaration import Component, count, number, option, reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from workbench.component.arrays import Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


def size_of(tables: Tables, population: str) -> int:
    """Return the number of units that plain `tables` give a population, following ``like``; 0 for a circle."""
    return tables.members(tables["population"][population]) or 0


def shown_fault(name: str, tables: Tables) -> Iterable[tuple[str, str]]:
    """Yield that several tasks show a population different things at once."""
    shown = {task["name"]: what for task, what in tables.showing(name)}
    tasks = sorted(shown)
    if len(tasks) > 1 and set(shown.values()) != {"one unit"}:  # tasks that share cues are told at the second one
        yield (
            "kind",
            f"tasks {' and '.join(tasks)} show {name} different inputs at once, but it has only one activity",
        )


@dataclass(frozen=True, kw_only=True)
class Source(Component):
    """Units whose activity comes from outside the circuit: a task's cues, or a constant.

    A task that names the population drives it. Without a task every unit stays at `value`.
    """

    section: ClassVar[str] = "population"
    name: ClassVar[str] = "source"
    offers: ClassVar[frozenset[str]] = frozenset({"shown"})
    takes_input: ClassVar[bool] = False
    equation: ClassVar[str] = "x = what the task shows; without a task, x = value"

    size: int = count(1, "number of units", high=4096)
    value: Value = number(1.0, "1", "activity of every unit when no task drives the population", low=0.0)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse several tasks at once."""
        yield from shown_fault(fields["name"], tables)

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve the activity, at its constant value until a task writes it."""
        block.signal(f"population.{name}.activity", self.size)[...] = self.value


@dataclass(frozen=True, kw_only=True)
class Rate(Component):
    """Units that sum their input, add noise and answer through a static activation.

    Noise is independent from unit to unit and trial to trial and has no memory.
    """

    section: ClassVar[str] = "population"
    name: ClassVar[str] = "rate"
    offers: ClassVar[frozenset[str]] = frozenset({"linear"})
    draws: ClassVar[bool] = True
    equation: ClassVar[str] = (
        "u = baseline + noise * N(0, 1) + sum over projections\n"
        "y = u (linear), max(u, 0) (relu), min(max(u, 0), 1) (clip)"
    )

    size: int = count(1, "number of units", high=4096)
    like: str | None = reference("population", "take the size of this population instead", None)
    at_most_one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("like", "size"),)
    baseline: Value = number(0.0, "1", "input without any projection")
    activation: str = option("linear", ("linear", "relu", "clip"), "how input becomes activity")
    noise: Value = number(0.0, "1", "standard deviation of the input noise, new on every trial", low=0.0)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse populations that take their size from each other."""
        if size_of(tables, fields["name"]) == 0:
            yield "like", "populations take their size from each other in a circle; one of them needs a size"

    @classmethod
    def offered(cls, fields: Mapping[str, Any]) -> frozenset[str]:
        """Return that the units are linear, where their activation is."""
        return cls.offers if fields["activation"] == "linear" else cls.offers - {"linear"}

    @property
    def quiet(self) -> bool:
        """Whether the unit has no input of its own."""
        return isinstance(self.baseline, float) and isinstance(self.noise, float) and self.baseline == self.noise == 0.0

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve input and activity; a linear unit's activity *is* its input."""
        drive = block.signal(f"population.{name}.input", block.size(name))
        if self.activation == "linear":
            block.alias(f"population.{name}.activity", drive)
        else:
            block.signal(f"population.{name}.activity", block.size(name))

    def build(self, block: Assembly, name: str) -> None:
        """Register input (noise and baseline first, projections add to it) and activation."""
        block.inputs.own(f"population.{name}.input", block.size(name), self.baseline, self.noise, quiet=self.quiet)
        if self.activation == "linear":
            return
        drive = block.read(f"population.{name}.input")
        activity = block.write(f"population.{name}.activity")
        if self.activation == "relu":
            block.step("activity", lambda t: np.maximum(drive, ZERO, out=activity))
        else:
            block.step("activity", lambda t: clip(drive, ZERO, ONE, out=activity))
