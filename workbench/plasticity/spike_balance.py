"""Inhibitory plasticity by spikes: near-coincidence strengthens, every inhibitory spike weakens a little."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.arrays import operand
from workbench.component.declaration import NOT_NEGATIVE, Component, number
from workbench.component.tables import Fields, Tables
from workbench.plasticity.shown import task_of
from workbench.plasticity.synapses import bound_and_store, synapses_of

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.component.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class SpikeBalance(Component):
    """Inhibitory synapses that bring the rate of a spiking unit to a target.

    In each step traces decay, are read, change the weights, and only then grow by the step's own spikes. The target is
    exact where pre- and postsynaptic spikes are uncorrelated; inhibition itself correlates them.
    """

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "spike_balance"
    equation: ClassVar[str] = (
        "at a presynaptic spike dW = rate (post trace - alpha), at a postsynaptic one dW = rate (pre trace)\n"
        "alpha = 2 target trace_time;  traces decay with trace_time and grow by 1 with each spike"
    )
    sources: ClassVar[tuple[str, ...]] = ("Vogels2011",)
    needs_bounds: ClassVar[str] = NOT_NEGATIVE

    rate: Value = number(0.003, "1", "change of weight per unit of trace", low=0.0, high=10.0)
    target: Value = number(5.0, "Hz", "rate at which both sides balance", low=0.0, high=1e3)
    trace_time: Value = number(
        20.0, "ms", "time constant of both traces", low=0.1, high=1e4, status="measured", source="Vogels2011"
    )

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse sides that do not spike, and excitation."""
        way = tables["projection"][fields["projection"]]
        shown = task_of(way["pre"], tables)
        if shown is None or not shown.offers("spikes"):
            yield "rule", f"needs presynaptic spikes: a poisson task that shows {way['pre']}"
        elif not tables.offers("population", way["post"], "spikes"):
            yield "rule", f"needs postsynaptic spikes: {way['post']} must be of kind escape_rate"
        elif way.get("sign") != "inhibitory" or not way.offers("all pairs"):
            yield "rule", f"balances through dense inhibition, which {fields['projection']} is not"

    def build(self, block: Assembly, name: str) -> None:
        """Register one step: decay, read, update, then the step's own spikes."""
        synapses = synapses_of(block, name, None)
        weight, post = synapses.weight, synapses.post
        pre: Any = synapses.pre
        before = block.state(f"plasticity.{name}.pre_trace", weight.shape[1])
        after = block.state(f"plasticity.{name}.post_trace", weight.shape[0])
        shown = next(n for n, t in block.all("task") if t.inputs == block.component("projection", name).pre)
        seconds = block.component("task", shown).seconds
        lasting = operand(block.derived(lambda tau: np.exp(-1000.0 * seconds / tau), self.trace_time))
        alpha = operand(block.derived(lambda target, tau: 2.0 * target * tau / 1000.0, self.target, self.trace_time))
        change, part = (block.scratch(slot, *weight.shape[:-1]) for slot in ("change", "part"))
        above, rate = block.scratch("above", len(post)), operand(self.rate)

        def learn(t: int) -> None:
            np.multiply(before, lasting, out=before)
            np.multiply(after, lasting, out=after)
            np.subtract(after, alpha, out=above)
            np.multiply(pre, above[:, None], out=change)
            np.multiply(post[:, None], before, out=part)
            np.add(change, part, out=change)
            np.multiply(change, rate, out=change)
            np.add(weight, change, out=weight)
            np.add(before, pre, out=before)
            np.add(after, post, out=after)

        block.step("rule", learn, clock="trial")
        bound_and_store(block, name)
