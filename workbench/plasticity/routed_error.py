"""Deep credit: an error at the output, sent back to the layers below by one of three ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.layers import uniform_once
from workbench.circuit.populations import size_of
from workbench.component.declaration import Component, number, option, reference

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


def steepness(inputs: int, samples: int) -> float:
    """Return D: a step at rate r multiplies the squared error of one layer's weights by 1 - 2 r + r^2 D, in the mean.

    For white inputs and a mean over `samples`; with one sample it is inputs + 2. Where there are layers above or below,
    it is that of the layer by itself, with inputs of power 1 and weights of 1 above.
    """
    return (inputs + 1.0 + samples) / samples


def step_faults(fields: Fields, steep: float) -> Iterable[tuple[str, str]]:
    """Yield a step beyond stability, where the squared error of the weights grows in the mean."""
    rate = fields.get("rate")
    if rate is not None and rate >= 2.0 / steep:
        yield "rate", f"is beyond stability: from {2.0 / steep:.4g} on errors grow from step to step, got {rate:g}"


@dataclass(frozen=True, kw_only=True)
class RoutedError(Component):
    """Weights follow the error of the units above, times the activity below, in the mean over a batch.

    The last layer sees the task's error. A layer below it sees the error above, sent back through the weights above
    (`transpose`: backpropagation, which needs every synapse's weight in two places), through fixed random weights
    (feedback alignment), or not at all.
    """

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "routed_error"
    offers: ClassVar[frozenset[str]] = frozenset({"batches", "routed error"})
    requires: ClassVar[Mapping[str, str]] = MappingProxyType({"projection": "batches"})
    equation: ClassVar[str] = (
        "dW = rate mean over samples of d x^T;  d = e f' at the last layer, else (B d_above) f'\n"
        "B = W_above^T (transpose), uniform in (-feedback_spread, feedback_spread) (fixed), or 0 (zero)"
    )
    sources: ClassVar[tuple[str, ...]] = ("Lillicrap2016", "Rumelhart1986")

    task: str = reference("task", "the teacher whose error it follows", requires="batches")
    above: str | None = reference("projection", "the weights above; none for the last layer", None, requires="batches")
    feedback: str = option("fixed", ("transpose", "fixed", "zero"), "the way back, where there are weights above")
    feedback_spread: Value = number(0.5, "1", "largest fixed feedback weight", low=0.0, high=1e3)
    rate: Value = number(0.008, "1", "learning rate per step", low=0.0, high=10.0)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse layers that do not follow each other."""
        way = tables["projection"][fields["projection"]]
        task = tables["task"][fields["task"]]
        above = fields.get("above")
        yield from step_faults(fields, steepness(size_of(tables, way["pre"]), task["samples"]))
        if above is None:
            if way["post"] != task["answers"]:
                yield "above", f"is missing: {way['post']} is not the layer that is judged ({task['answers']})"
            return
        upper = tables["projection"][above]
        if upper["pre"] != way["post"]:
            yield "above", f"{above} starts at {upper['pre']}, but {fields['projection']} ends at {way['post']}"
        elif not tables.offers("plasticity", above, "routed error"):
            yield "above", f'{above} has no error to send back: it needs rule = "routed_error"'

    @staticmethod
    def drift(rate: Value, error: Array, below: Array) -> Array:
        """Return the change of a step, ``(runs, post, pre)``, from errors and activities ``(runs, samples, units)``."""
        change: Array = np.einsum("rbj,rbi->rji", error, below) * (np.reshape(rate, (-1, 1, 1)) / error.shape[1])
        return change

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve the error of the layer above the weights; draw the fixed way back."""
        way = block.component("projection", name)
        post = block.size(way.post)
        samples = block.component("task", self.task).samples
        block.layer(f"plasticity.{name}.error", samples, post)
        if self.above is not None:
            upper = block.size(block.component("projection", self.above).post)
            back = block.layer(f"plasticity.{name}.feedback", upper, post)
            if self.feedback == "fixed":
                drawn = uniform_once(block, f"feedback:projection.{name}", upper, post)
                back[...] = np.reshape(self.feedback_spread, (-1, 1, 1)) * drawn

    def build(self, block: Assembly, name: str) -> None:
        """Register the way back of the error, then the change of the weights."""
        way = block.component("projection", name)
        layer = block.component("population", way.post)
        self._send_back(block, name, layer, way.post)
        error, below = block.read(f"plasticity.{name}.error"), block.read(f"population.{way.pre}.activity")
        weight = block.update(f"projection.{name}.weight")
        change = np.empty_like(weight)
        pace = np.reshape(self.rate, (-1, 1, 1)) / error.shape[1]

        def learn(t: int) -> None:
            np.matmul(error.transpose(0, 2, 1), below, out=change)
            np.multiply(change, pace, out=change)
            np.add(weight, change, out=weight)

        block.step("rule", learn, clock="trial")

    def _send_back(self, block: Assembly, name: str, layer: Any, post: str) -> None:
        activity = block.read(f"population.{post}.activity")
        if self.above is None:
            source, back = block.read(f"task.{self.task}.error"), None
        else:
            source = block.read(f"plasticity.{self.above}.error")
            through = "projection" if self.feedback == "transpose" else "plasticity"
            kind = "weight" if self.feedback == "transpose" else "feedback"
            back = block.read(f"{through}.{self.above if through == 'projection' else name}.{kind}")
        error = block.write(f"plasticity.{name}.error")

        def send(t: int) -> None:
            if back is None:
                np.copyto(error, source)
            else:
                np.matmul(source, back, out=error)
            slope = layer.slope(activity)
            if slope is not None:
                np.multiply(error, slope, out=error)

        block.step("outcome", send, clock="trial")
