"""What driven rules share: one postsynaptic factor times the input, and a stabiliser that any of them may name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.plasticity.mean_field import MeanField
from workbench.plasticity.stabilisers import WHOLE, Stabilised, drift, follow, step_form
from workbench.plasticity.synapses import postsynaptic_fault, synapses_of, without_ticks
from workbench.registry import registry

if TYPE_CHECKING:
    from workbench.arrays import Array
    from workbench.assembly import Assembly
    from workbench.plasticity.stepping import Advance

Tables = Mapping[str, Mapping[str, Any]]
UNSTABLE = 0.1
"""Largest rate * decay * E|x|^2: at 1 a decay would take away more than there is; noise asks for a tenth of that."""


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
        yield from _needs_fault(fields["projection"], stabiliser, tables)
        yield from _length_fault(fields, stabiliser, tables)
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

        def advance(t: int) -> None:
            solution = block.component("phase", block.phase).solution
            ways["exact" if solution == "exact" and "exact" in ways else "stepped"](*block.span)

        block.step("rule", advance, clock="flow")


def _needs_fault(projection: str, stabiliser: str, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield what a stabiliser needs of its projection and does not find."""
    declared = tables["projection"].get(projection, {})
    cues = {task.get("cues") for task in tables.get("task", {}).values()}
    if stabiliser in WHOLE and (declared.get("wiring", "dense") != "dense" or declared.get("pre") in cues):
        yield "stabiliser", f"{stabiliser} needs all weights of a unit: a dense projection, not shown cue by cue"
    bounds = declared.get("bounds")
    if stabiliser in ("soft_bounds", "sum_subtractive") and not bounds:
        yield "stabiliser", f"{stabiliser} needs bounds = [low, high] on the projection"
    elif stabiliser == "sum_divisive" and not (bounds and bounds[0] >= 0.0):
        yield "stabiliser", "sum_divisive divides by the sum: it needs bounds = [low, high] with low at least 0"
    if stabiliser in ("sanger", "deflation") and declared.get("pre") in tables["population"]:
        inputs, outputs = (size_of(tables, declared[end]) for end in ("pre", "post"))
        if outputs > inputs:
            yield "stabiliser", f"{inputs} inputs have no more than {inputs} directions, got {outputs} outputs"


def _length_fault(fields: Mapping[str, Any], stabiliser: str, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield a total that bounds cannot hold, and a rate beyond the stability of a decay on the trial clock."""
    declared = tables["projection"].get(fields["projection"], {})
    bounds, total = declared.get("bounds"), fields.get("total", 1.0)
    if stabiliser == "sum_subtractive" and bounds and total is not None and declared.get("pre") in tables["population"]:
        n = size_of(tables, declared["pre"])
        if not n * bounds[0] <= total <= n * bounds[1]:
            yield "total", f"{n} weights between {bounds[0]:g} and {bounds[1]:g} cannot sum to {total:g}"
    rate, decay = fields.get("rate", 0.01), fields.get("decay", 1.0)
    power = input_power(declared.get("pre"), tables)
    trials = any(phase["clock"] == "trial" for phase in tables["phase"].values())
    if stabiliser in ("oja", "sanger", "subspace") and trials and None not in (rate, decay, power):
        step = rate * decay * power
        if step >= UNSTABLE:
            yield (
                "rate",
                (
                    f"rate * decay * E|x|^2 = {step:.3g} must stay below {UNSTABLE:g}: a longer step overshoots "
                    f"(here rate below {UNSTABLE / (decay * power):.3g})"
                ),
            )


def task_of(population: str | None, tables: Tables) -> Mapping[str, Any]:
    """Return the fields of the task that shows a population its inputs; empty where there is none."""
    return next((task for task in tables.get("task", {}).values() if task.get("inputs") == population), {})


def input_power(population: str | None, tables: Tables) -> float | None:
    """Return E|x|^2 of what a task with a ``power`` shows a population; None where that is not known."""
    task = task_of(population, tables)
    key = "task", task.get("kind", "")
    power = getattr(registry().get(*key), "power", None) if key in registry() else None
    found: float | None = None if power is None else power(task, tables)
    return found
