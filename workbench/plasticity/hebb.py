"""Hebb's rule: what is active together grows together."""

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
class Hebb(Component):
    """Growth by coincidence, held in check by nothing but the bounds of the projection.

    Without bounds the weights grow exponentially along the leading eigenvector of the input correlation,
    at ``rate * lambda_1`` per trial in the mean.
    """

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "hebb"
    equation: ClassVar[str] = "dW_ji = rate * y_j x_i"
    sources: ClassVar[tuple[str, ...]] = ("Hebb1949",)

    rate: Value = number(0.01, "1", "learning rate per trial", low=0.0, high=10.0)
    postsynaptic: str | None = reference(
        "population", "population whose activity is y; default: the projection's post", None
    )

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse the tick clock."""
        return without_ticks(fields, tables)

    def drift(self, post: Array, pre: Array) -> Array:
        """Return the change per trial, ``(post, pre, runs)``, from ``(post, runs)`` and ``(pre, runs)``."""
        change: Array = self.rate * post[:, None] * pre
        return change

    def build(self, block: Assembly, name: str) -> None:
        """Register the in-place form of `drift`."""
        synapses = synapses_of(block, name, self.postsynaptic)
        coactivity, weight = synapses.coactivity(block), synapses.weight
        change, rate = block.scratch("change", *weight.shape[:-1]), self.rate

        def learn(t: int) -> None:
            np.multiply(coactivity(), rate, out=change)
            np.add(weight, change, out=weight)

        block.step("rule", learn, clock="trial")
        bound_and_store(block, name)
