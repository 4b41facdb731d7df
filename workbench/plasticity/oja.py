"""Oja's rule: Hebbian growth held in check by a decay gated by squared output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.declaration import Component, number, reference
from workbench.plasticity.synapses import bound_and_store, synapses_of, without_ticks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from workbench.arrays import Array, Value
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Oja(Component):
    """Hebbian growth held in check by a decay gated by squared output.

    A linear unit's weights settle on the leading eigenvector of the input correlation, with norm
    ``1 / sqrt(decay)``. It says nothing about units that saturate.
    """

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "oja"
    equation: ClassVar[str] = "dW_ji = rate * (y_j x_i - decay * y_j^2 W_ji)"
    sources: ClassVar[tuple[str, ...]] = ("Oja1982",)

    rate: Value = number(
        0.002, "1", "learning rate per trial; rate * E|x|^2 must stay well below 1", low=0.0, high=10.0
    )
    decay: Value = number(1.0, "1", "strength of forgetting", low=0.0, high=1e3, source="Oja1982")
    postsynaptic: str | None = reference(
        "population", "population whose activity is y; default: the projection's post", None
    )

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse the tick clock."""
        return without_ticks(fields, tables)

    def drift(self, post: Array, pre: Array, weight: Array) -> Array:
        """Return the change per trial, ``(post, pre, runs)``."""
        post = post[:, None]
        change: Array = self.rate * (post * pre - self.decay * post**2 * weight)
        return change

    def build(self, block: Assembly, name: str) -> None:
        """Register the in-place, regrouped form of `drift`."""
        synapses = synapses_of(block, name, self.postsynaptic)
        coactivity, weight = synapses.coactivity(block), synapses.weight
        change, forgotten = (block.scratch(slot, *weight.shape[:-1]) for slot in ("change", "forgotten"))
        post, rate, decay = synapses.post, self.rate, self.decay
        squared = block.scratch("squared", len(post))
        per_weight = squared[:, None] if synapses.dense else squared

        def learn(t: int) -> None:
            np.multiply(post, post, out=squared)
            np.multiply(squared, decay, out=squared)
            np.multiply(weight, per_weight, out=forgotten)
            np.subtract(coactivity(), forgotten, out=change)
            np.multiply(change, rate, out=change)
            np.add(weight, change, out=weight)

        block.step("rule", learn, clock="trial")
        bound_and_store(block, name)
