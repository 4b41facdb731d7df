"""Dopamine as the error of a prediction over time: a burst at what comes unexpected, a dip at what fails to come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.declaration import Component, number, reference

if TYPE_CHECKING:
    from workbench.arrays import Value
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class TemporalDifference(Component):
    """The difference between what a transition brings and what its state promised, for a linear value.

    The value is read off the weights that the rule learns, both times before they move. Firing cannot fall below zero:
    `floor` limits how deep a dip can be.
    """

    section: ClassVar[str] = "modulator"
    name: ClassVar[str] = "temporal_difference"
    equation: ClassVar[str] = (
        "delta = R + discount V(s') - V(s),  V = W x;  V after the end is 0\n"
        "burst = max(delta, 0);  dip = min(max(-delta, 0), floor)"
    )
    sources: ClassVar[tuple[str, ...]] = ("Sutton1988", "Schultz1997", "Potjans2011")

    task: str = reference("task", "a task of states: chain or conditioning")
    value: str = reference("projection", "the learned weights from states to value")
    discount: Value = number(0.98, "1", "what a step of delay leaves of a value", low=0.0, high=1.0)
    floor: Value = number(1e6, "1", "deepest dip that firing can show; the default is none", low=0.0, high=1e6)

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse a task without transitions, and a value that is not read off its states."""
        task, way = tables["task"][fields["task"]], tables["projection"][fields["value"]]
        if "states" not in task:
            yield "task", f"needs a task of states (chain, conditioning), but {fields['task']} is {task['kind']}"
            return
        if way["pre"] != task["states"] or way["wiring"] != "dense":
            yield (
                "value",
                f"needs dense weights from {task['states']}, whose value they are, but {fields['value']} is not",
            )
        rule = tables.get("plasticity", {}).get(fields["value"])
        trace = tables.get("eligibility", {}).get((rule or {}).get("trace") or "", {})
        own, marked = fields.get("discount"), trace.get("discount")
        if trace.get("kind") == "discounted" and None not in (own, marked) and own != marked:
            yield "discount", f"is {own:g}, but the mark {trace['name']} discounts by {marked:g}"

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve the error and its two signs."""
        for signal in ("error", "burst", "dip"):
            block.signal(f"modulator.{name}.{signal}")

    def build(self, block: Assembly, name: str) -> None:
        """Compare the values of both states under the same weights."""
        weight = block.read(f"projection.{self.value}.weight")[0]
        states = block.component("task", self.task).states
        here, there = block.read(f"population.{states}.activity"), block.read(f"task.{self.task}.next")
        reward = block.read(f"task.{self.task}.reward")
        error, burst, dip = (block.write(f"modulator.{name}.{signal}") for signal in ("error", "burst", "dip"))
        gained, discount, floor = block.scratch("gained", *here.shape[:-1]), self.discount, self.floor

        def compare(t: int) -> None:
            np.multiply(there, discount, out=gained)
            np.subtract(gained, here, out=gained)
            np.multiply(gained, weight, out=gained)
            np.add.reduce(gained, axis=0, out=error)
            np.add(error, reward, out=error)
            np.maximum(error, 0.0, out=burst)
            np.subtract(burst, error, out=dip)
            np.minimum(dip, floor, out=dip)

        block.step("outcome", compare, clock="trial")
