"""A teacher: a linear map that a network of layers has to find, from samples drawn anew at every step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.circuit.layers import uniform_once
from workbench.component.declaration import Component, count, number, reference

if TYPE_CHECKING:
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class Teacher(Component):
    """Normal inputs in batches, and what a fixed linear map, drawn per subject, makes of them."""

    section: ClassVar[str] = "task"
    name: ClassVar[str] = "teacher"
    offers: ClassVar[frozenset[str]] = frozenset({"batches"})
    draws: ClassVar[bool] = True
    equation: ClassVar[str] = (
        "x ~ N(0, I);  target = T x with T_ji uniform in (-spread, spread);  e = target - output\n"
        "loss = sum e^2 / sum target^2 over the batch"
    )
    sources: ClassVar[tuple[str, ...]] = ("Lillicrap2016",)

    samples_to: str = reference(
        "population", "the layer that is shown the inputs", acts=True, requires="batches", shows="batch"
    )
    answers: str = reference("population", "the layer whose activity is compared with the target", requires="batches")
    samples: int = count(32, "samples of one step", high=4096)
    spread: float = number(1.0, "1", "largest entry of the map", low=1e-6, high=1e6, fixed=True)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a layer that judges itself, and two teachers."""
        if fields["samples_to"] == fields["answers"]:
            yield "answers", "the layer that is shown the inputs cannot be the one that answers"
        teachers = sorted(name for name, task in tables["task"].items() if task.offers("batches"))
        if fields["name"] != teachers[0]:
            yield "kind", f"there is a teacher already, task {teachers[0]}: all layers see one batch"

    def allocate(self, block: Assembly, name: str) -> None:
        """Draw the map; reserve targets, errors and the loss."""
        n, m = block.size(self.samples_to), block.size(self.answers)
        block.layer(f"task.{name}.map", m, n)[...] = self.spread * uniform_once(block, f"map:task.{name}", m, n)
        for signal in ("target", "error"):
            block.layer(f"task.{name}.{signal}", self.samples, m)
        block.signal(f"task.{name}.loss")

    def build(self, block: Assembly, name: str) -> None:
        """Show a batch, and compare at the outcome stage."""
        teaching = block.signals[f"task.{name}.map"]
        shown, target = block.write(f"population.{self.samples_to}.activity"), block.write(f"task.{name}.target")
        draws = block.normal(f"input:task.{name}", self.samples * shown.shape[2])
        turned = np.empty((block.piece, len(block.subjects), self.samples * shown.shape[2]))
        flat = shown.reshape(block.runs, -1)

        def turn(steps: int) -> None:
            np.copyto(turned[:steps], draws.table[:steps].transpose(0, 2, 1))

        def show(t: int) -> None:
            turned[t].take(block.subject_index, 0, flat, "clip")
            np.matmul(shown, teaching.transpose(0, 2, 1), out=target)

        block.every_piece(turn)
        block.step("event", show, clock="trial")
        self._judge(block, name)

    def _judge(self, block: Assembly, name: str) -> None:
        output, target = block.read(f"population.{self.answers}.activity"), block.read(f"task.{name}.target")
        error, loss = block.write(f"task.{name}.error"), block.write(f"task.{name}.loss")

        def compare(t: int) -> None:
            np.subtract(target, output, out=error)
            np.einsum("rbo,rbo->r", error, error, out=loss)
            np.divide(loss, np.einsum("rbo,rbo->r", target, target), out=loss)

        block.step("outcome", compare, clock="trial")
