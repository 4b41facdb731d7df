"""Learning from a scalar error: try a small change, and keep it if the error falls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.component.declaration import Component, number, option, reference
from workbench.plasticity.routed_error import step_faults

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class Perturbation(Component):
    """Outputs or weights are jittered, and the change of one scalar error says which jitter to keep.

    No unit receives an error of its own. The cost is in samples: the more is jittered at once, the less one number
    tells about each part. It judges one sample a step, of a linear layer that sees the inputs.
    """

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "perturbation"
    offers: ClassVar[frozenset[str]] = frozenset({"batches"})
    requires: ClassVar[Mapping[str, str]] = MappingProxyType({"projection": "batches"})
    equation: ClassVar[str] = (
        "E = |target - y|^2 / 2;  dE = E(jittered) - E\n"
        "node: y jittered by size xi, dW = -rate dE / size xi x^T;  weight: W by size Xi, dW = -rate dE / size Xi"
    )
    sources: ClassVar[tuple[str, ...]] = ("Werfel2005",)

    same_size: ClassVar[tuple[tuple[str, str, str], ...]] = (("task", "task.answers", "projection.post"),)

    task: str = reference("task", "the teacher that judges", requires="batches")
    of: str = option("node", ("node", "weight"), "what is jittered: outputs or weights")
    size: Value = number(1e-4, "1", "standard deviation of the jitter", low=1e-9, high=10.0)
    rate: Value = number(0.01, "1", "learning rate per step", low=0.0, high=10.0)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse layers that the teacher does not show, and steps beyond stability."""
        way, task = tables["projection"][fields["projection"]], tables["task"][fields["task"]]
        inputs, outputs = size_of(tables, way["pre"]), size_of(tables, way["post"])
        if way["pre"] != task["samples_to"]:
            yield "task", f"{way['pre']} is not the layer that {fields['task']} shows its inputs ({task['samples_to']})"
        if task["samples"] != 1:
            yield "task", f"a scalar error judges one sample per step, got {task['samples']}"
        yield from step_faults(fields, steepness(fields["of"], inputs, outputs))

    def build(self, block: Assembly, name: str) -> None:
        """Register trial, error and change in one step of the rule."""
        way = block.component("projection", name)
        x, y = block.read(f"population.{way.pre}.activity"), block.read(f"population.{way.post}.activity")
        target, weight = block.read(f"task.{self.task}.target"), block.update(f"projection.{name}.weight")
        shape = weight.shape[1:] if self.of == "weight" else y.shape[2:]
        draws = block.normal(f"jitter:projection.{name}", int(np.prod(shape)))
        size, rate = (np.reshape(value, (-1, 1, 1)) for value in (self.size, self.rate))
        jitter = np.empty((block.runs, int(np.prod(shape))))

        def learn(t: int) -> None:
            np.copyto(jitter, draws.table[t].take(block.subject_index, 1).T)
            if self.of == "weight":
                tried = jitter.reshape(-1, *shape)
                moved = np.matmul(x, tried.transpose(0, 2, 1))
            else:
                tried = moved = jitter.reshape(-1, 1, *shape)
            said = gain(target - y, size * moved) / size
            direction = tried if self.of == "weight" else np.matmul(tried.transpose(0, 2, 1), x)
            np.subtract(weight, rate * said * direction, out=weight)

        block.step("rule", learn, clock="trial")


def gain(error: Array, moved: Array) -> Array:
    """Return E(jittered) - E ``(runs, 1, 1)`` from errors and what the jitter moves, ``(runs, 1, outputs)``.

    Written as ``moved (moved / 2 - error)``: the difference of two nearly equal squares would lose its digits.
    """
    found: Array = np.add.reduce(moved * (0.5 * moved - error), axis=2, keepdims=True)
    return found


def steepness(of: str, inputs: int, outputs: int) -> float:
    """Return D: a small jitter at rate r multiplies the weights' squared error by 1 - 2 r + r^2 D, in the mean."""
    return (inputs + 2.0) * ((inputs * outputs if of == "weight" else outputs) + 2.0)
