"""What driven rules share: one postsynaptic factor times the input, and a stabiliser that any of them may name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.plasticity.driven_faults import decay_faults, needs_faults, reach_faults
from workbench.plasticity.mean_field import MeanField
from workbench.plasticity.shown import Tables
from workbench.plasticity.stabilisers import Stabilised, drift, follow, step_form
from workbench.plasticity.synapses import postsynaptic_fault, synapses_of, without_ticks

if TYPE_CHECKING:
    from workbench.arrays import Array
    from workbench.assembly import Assembly
    from workbench.plasticity.stepping import Advance


@dataclass(frozen=True, kw_only=True)
class Driven(Stabilised):
    """Base of rules ``rate f x`` minus a stabiliser; a subclass says what f is.

    Attributes
    ----------
    mean_field : MeanField, optional
        What is known of the rule on the flow clock, which it then answers by `flow`.
    unsuited : mapping stabiliser -> why
        The pairs that make no sense for this drive.
    """

    mean_field: ClassVar[MeanField | None] = None
    unsuited: ClassVar[Mapping[str, str]] = MappingProxyType({})

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse pairs of drive and stabiliser that make no sense, and steps too long."""
        stabiliser = fields.get("stabiliser", "none")
        yield from without_ticks(fields, tables)
        yield from postsynaptic_fault(fields, tables)
        if stabiliser in cls.unsuited:
            yield "stabiliser", f"{cls.name} with {stabiliser}: {cls.unsuited[stabiliser]}"
        else:
            for faults in (needs_faults, reach_faults, decay_faults):
                yield from faults(fields, stabiliser, tables)
        if cls.mean_field is not None:
            yield from cls.mean_field.faults(cls.name, fields, tables)

    def factor(self, block: Assembly, name: str, post: Array) -> Callable[[], Array]:
        """Return a function that gives f, ``(post, runs)``, from this trial's activity."""
        raise NotImplementedError

    def drift(self, factor: Array, post: Array, pre: Array, weight: Array) -> Array:
        """Return the change of one trial, ``(post, pre, runs)``, as the equations read.

        Parameters
        ----------
        factor, post : array (post, runs)
            f and y.
        pre : array (pre, runs)
        weight : array (post, pre, runs)
        """
        d = self.rate * factor[:, None] * pre
        return drift(self.stabiliser, d, factor, post, weight, self.rate, self.decay)

    def build(self, block: Assembly, name: str) -> None:
        """Register the in-place form of `drift` and what follows it; on the flow clock the mean field."""
        synapses = synapses_of(block, name, self.postsynaptic)
        rate, scaled = self.rate, block.scratch("scaled", len(synapses.post))
        factor, apply = self.factor(block, name, synapses.post), step_form(self, block, synapses)

        def learn(t: int) -> None:
            np.multiply(factor(), rate, out=scaled)
            apply(scaled)

        block.step("rule", learn, clock="trial")
        follow(self, block, name, synapses)
        if "flow" in block.clocks:
            self._build_flow(block, name)

    def flow(self, block: Assembly, name: str, task: str) -> Mapping[str, Advance]:
        """Return how the weights go on the flow clock: "stepped", and "exact" where there is a closed form."""
        raise NotImplementedError

    def _build_flow(self, block: Assembly, name: str) -> None:
        """Register the step of the flow clock; `block.span` is the interval, in trials of the phase."""
        block.signal(f"projection.{name}.bound_time")
        pre = block.component("projection", name).pre
        task = next(t for t, shown in block.all("task") if getattr(shown, "inputs", None) == pre)
        ways = self.flow(block, name, task)
        way = {n: "exact" if "exact" in ways and phase.solution == "exact" else "stepped"
               for n, phase in block.all("phase") if phase.name == "flow"}  # fmt: skip
        block.gridded |= {n for n, solution in way.items() if solution == "stepped"}

        def advance(t: int) -> None:
            ways[way[block.phase]](*block.span)

        block.step("rule", advance, clock="flow")
