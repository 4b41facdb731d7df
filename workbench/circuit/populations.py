"""Groups of units with one activity each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.declaration import Component, count, number, option

if TYPE_CHECKING:
    from workbench.declaration import Value
    from workbench.solver.block import Block


@dataclass(frozen=True, kw_only=True)
class Source(Component):
    """Units whose activity comes from outside the circuit: a task's cues, or a constant.

    A task that names the population drives it. Without a task every unit stays at `value`.
    """

    section: ClassVar[str] = "population"
    name: ClassVar[str] = "source"
    equation: ClassVar[str] = "x = what the task shows; without a task, x = value"

    size: int = count(1, "number of units", high=4096)
    value: Value = number(1.0, "1", "activity of every unit when no task drives the population", low=0.0)

    def allocate(self, block: Block, name: str) -> None:
        """Reserve the activity, at its constant value until a task writes it."""
        block.signal(f"population.{name}.activity", self.size)[...] = self.value


@dataclass(frozen=True, kw_only=True)
class Rate(Component):
    """Units that sum their input, add noise and answer through a static activation.

    Noise is independent from unit to unit and trial to trial and has no memory.
    """

    section: ClassVar[str] = "population"
    name: ClassVar[str] = "rate"
    equation: ClassVar[str] = (
        "u = baseline + noise * N(0, 1) + sum over projections\n"
        "y = u (linear), max(u, 0) (relu), min(max(u, 0), 1) (clip)"
    )

    size: int = count(1, "number of units", high=4096)
    baseline: Value = number(0.0, "1", "input without any projection")
    activation: str = option("linear", ("linear", "relu", "clip"), "how input becomes activity")
    noise: Value = number(0.0, "1", "standard deviation of the input noise, new on every trial", low=0.0)

    @property
    def quiet(self) -> bool:
        """Whether the unit has no input of its own."""
        return isinstance(self.baseline, float) and isinstance(self.noise, float) and self.baseline == self.noise == 0.0

    def allocate(self, block: Block, name: str) -> None:
        """Reserve input and activity; a linear unit's activity *is* its input."""
        drive = block.signal(f"population.{name}.input", self.size)
        if self.activation == "linear":
            block.alias(f"population.{name}.activity", drive)
        else:
            block.signal(f"population.{name}.activity", self.size)

    def build(self, block: Block, name: str) -> None:
        """Register input (noise and baseline first, projections add to it) and activation."""
        block.inputs.own(f"population.{name}.input", self.size, self.baseline, self.noise, quiet=self.quiet)
        if self.activation == "linear":
            return
        drive = block.read(f"population.{name}.input")
        activity = block.write(f"population.{name}.activity")
        if self.activation == "relu":
            block.step("activity", lambda t: np.maximum(drive, 0.0, out=activity))
        else:
            block.step("activity", lambda t: drive.clip(0.0, 1.0, out=activity))
