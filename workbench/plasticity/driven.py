"""What driven rules share: one postsynaptic factor times the input, and a stabiliser that any of them may name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.component.arrays import operand
from workbench.component.tables import Fields, Tables
from workbench.plasticity.mean_field import MeanField
from workbench.plasticity.shown import centred, has_trials, input_power
from workbench.plasticity.stabilisers import WHOLE, Stabilised, drift, follow, step_form, sum_faults
from workbench.plasticity.synapses import synapses_of, without_ticks

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
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
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse pairs of drive and stabiliser that make no sense, and steps too long."""
        stabiliser = fields["stabiliser"]
        yield from without_ticks(fields, tables)
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
        rate, scaled = operand(self.rate), block.scratch("scaled", len(synapses.post))
        factor, apply = self.factor(block, name, synapses.post), step_form(self, block, synapses, scaled)

        def learn(t: int) -> None:
            np.multiply(factor(), rate, out=scaled)
            apply()

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
               for n, phase in block.all("phase") if phase.clock == "flow"}  # fmt: skip
        block.gridded |= {n for n, solution in way.items() if solution == "stepped"}

        def advance(t: int) -> None:
            ways[way[block.phase]](*block.span)

        block.step("rule", advance, clock="flow")


UNSTABLE = 0.1
"""Largest rate * decay * E|x|^2: at 1 a decay would remove more than there is; with noise a tenth of that is needed."""


def needs_faults(fields: Fields, stabiliser: str, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield what a stabiliser needs of its projection and the projection lacks."""
    declared = tables["projection"][fields["projection"]]
    cue = tables.shown(declared["pre"], "one unit") is not None
    if stabiliser in WHOLE and (cue or not declared.offers("all pairs")):
        yield "stabiliser", f"{stabiliser} needs all weights of a unit: a dense projection, not shown cue by cue"
    bounds = declared.get("bounds")
    if stabiliser == "sum_divisive" and _starts_at_zero(declared):
        yield "stabiliser", "sum_divisive divides by the sum, but all weights start at 0"
    if stabiliser in ("sanger", "subspace", "deflation") and declared.get("pre") in tables["population"]:
        inputs, outputs = (size_of(tables, declared[end]) for end in ("pre", "post"))
        if outputs > inputs:
            yield "stabiliser", f"{inputs} inputs have no more than {inputs} directions, got {outputs} outputs"
        elif stabiliser == "deflation" and outputs > 1 and bounds and not bounds[0] < 0.0 < bounds[1]:
            yield "stabiliser", "deflation makes units orthogonal, so weights need bounds on both sides of 0"
    if stabiliser == "scaling" and has_trials(tables):
        yield from _scaling_faults(fields, declared, tables)


def _starts_at_zero(declared: Fields) -> bool:
    weights = declared.get("weights") or (declared.get("weight"),)
    return declared.get("spread") == 0.0 and all(weight == 0.0 for weight in weights)


def _scaling_faults(fields: Fields, declared: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield why there is no mean rate that weights could be scaled to."""
    post = fields.get("postsynaptic") or declared.get("post")
    if declared.get("sign") == "inhibitory":
        yield (
            "stabiliser",
            (
                f"scaling strengthens weights while the rate is below its target, but {fields['projection']} is "
                "inhibitory: there that lowers the rate further"
            ),
        )
    elif tables.offers("population", post, "linear") and centred(declared.get("pre"), tables):
        yield (
            "stabiliser",
            f"scaling holds a mean rate, which is always 0 for linear units ({post}) with inputs of mean 0",
        )


def reach_faults(fields: Fields, stabiliser: str, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield a sum or a length that weights within their bounds cannot have."""
    declared = tables["projection"][fields["projection"]]
    bounds, total, norm = declared.get("bounds"), fields["total"], fields["norm"]
    if not bounds or declared.get("pre") not in tables["population"]:
        return
    n, (low, high) = size_of(tables, declared["pre"]), bounds
    if stabiliser in ("sum_subtractive", "sum_divisive"):
        yield from sum_faults(n, total, bounds)
    if stabiliser in ("l2", "deflation") and norm is not None:
        shortest = sqrt(n) * max(low, -high, 0.0)
        longest = sqrt(n) * max(high, -low)
        if not shortest <= norm <= longest:
            yield (
                "norm",
                (
                    f"{n} weights between {low:g} and {high:g} have a length between {shortest:.4g} and {longest:.4g}, "
                    f"never {norm:g}"
                ),
            )


def decay_faults(fields: Fields, stabiliser: str, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield a rate beyond the stability of a decay on the trial clock."""
    declared = tables["projection"][fields["projection"]]
    rate, decay = fields["rate"], fields["decay"]
    power = input_power(declared.get("pre"), tables)
    if stabiliser in ("oja", "sanger", "subspace") and has_trials(tables) and None not in (rate, decay, power):
        step = rate * decay * power
        if step >= UNSTABLE:
            yield (
                "rate",
                (
                    f"rate * decay * E|x|^2 = {step:.3g} must stay below {UNSTABLE:g}: a longer step overshoots "
                    f"(here rate below {UNSTABLE / (decay * power):.3g})"
                ),
            )
