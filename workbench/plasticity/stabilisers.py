"""What holds the weights of a driven rule: decays, sums, norms, bounds and the scaling of a mean rate.

A drive is ``rate f x`` with one factor f per postsynaptic unit. A stabiliser is either part of the same step (a decay,
soft bounds), or follows it (what fixes a sum, a norm or a rate). Each in-place form here has a plain twin in `drift`.

A fixed sum makes one input win only where it is held by subtraction. Held by division the weights settle as graded as
under Oja's rule, along the same eigenvector (Miller and MacKay 1994). The difference shows with positively correlated
inputs alone: with uncorrelated ones even Oja's rule picks one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.component.arrays import ONE, ZERO, clip, einsum, operand
from workbench.component.declaration import BOUNDS, NOT_NEGATIVE, Component, number, option, reference
from workbench.plasticity.synapses import bound_and_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables
    from workbench.plasticity.synapses import Synapses


Apply = Callable[[], object]
"""Adds ``f x`` (f already times rate) to the weights, and takes off what the stabiliser takes."""

EQUATIONS: Mapping[str, str] = {
    "none": "nothing but the projection's bounds",
    "oja": "dW_j -= rate * decay * f_j y_j W_j",
    "sanger": "dW_j -= rate * decay * f_j sum_(k <= j) y_k W_k",
    "subspace": "dW_j -= rate * decay * f_j sum_k y_k W_k",
    "sum_subtractive": "W_j <- clip(W_j - mu_j, low, high), mu_j such that sum_i W_ji = total",
    "sum_divisive": "W_j <- W_j total / sum_i W_ji",
    "l2": "W_j <- W_j norm / |W_j|",
    "deflation": "W_j <- what is left of W_j without W_1 .. W_(j-1), then as l2",
    "soft_bounds": "dW = (high - W) max(d, 0) - (W - low) max(-d, 0) with d = rate f x",
    "scaling": "W_j <- W_j target / (y_j + (target - y_j) exp(-target / scaling_time)), y_j not below 0",
}
"""Every stabiliser by name."""

WHOLE = ("sanger", "subspace", "sum_subtractive", "sum_divisive", "l2", "deflation")
"""Those that need all weights of a unit at once: a dense projection whose inputs are not shown one at a time."""

EQUATION = "stabiliser:\n" + "\n".join(f"  {name}: {text}" for name, text in EQUATIONS.items())


@dataclass(frozen=True, kw_only=True)
class Stabilised(Component):
    """Base of rules that any stabiliser may hold: the numbers of all of them, and whose activity y is."""

    section: ClassVar[str] = "plasticity"

    rate: Value = number(0.01, "1", "learning rate per trial", low=0.0, high=10.0)
    postsynaptic: str | None = reference(
        "population", "population whose activity is y; default: the projection's post", None,
        same_size_as="projection.post", because="each synapse needs an activity of its own",
    )  # fmt: skip
    stabiliser: str = option(
        "none",
        tuple(EQUATIONS),
        "what holds the weights",
        refused={"hard_bounds": 'is stabiliser = "none" here, with bounds = [low, high] on the projection'},
        needs_bounds={"soft_bounds": BOUNDS, "sum_subtractive": BOUNDS, "sum_divisive": NOT_NEGATIVE},
    )
    decay: Value = number(
        1.0, "1", "oja, sanger, subspace: strength of forgetting", low=1e-9, high=1e3, source="Oja1982",
        only_with=("stabiliser", ("oja", "sanger", "subspace")),
    )  # fmt: skip
    total: Value = number(1.0, "1", "sum_subtractive, sum_divisive: the sum of each unit's weights", low=1e-9,
                          only_with=("stabiliser", ("sum_subtractive", "sum_divisive")))  # fmt: skip
    norm: Value = number(1.0, "1", "l2, deflation: the length of each unit's weights", low=1e-9,
                         only_with=("stabiliser", ("l2", "deflation")))  # fmt: skip
    target: Value = number(5.0, "1", "target activity (scaling)", low=1e-9, high=1e6)
    scaling_time: Value = number(100.0, "trial", "scaling: time constant at unit activity", low=1e-6, high=1e9,
                                 only_with=("stabiliser", ("scaling",)))  # fmt: skip


def drift(name: str, d: Array, factor: Array, post: Array, weight: Array, rate: Any, decay: Any = 1.0) -> Array:
    """Return the change of one trial as the equations read, before what follows the step.

    Parameters
    ----------
    d : array (post, pre, runs)
        The drive ``rate f x``.
    factor, post : array (post, runs)
        f and y.
    weight : array (post, pre, runs)
    """
    # Kept as the equations read, for tests and for reading; the steps below are regrouped to touch each array once.
    strength = rate * decay * factor[:, None]
    if name == "oja":
        return np.asarray(d - strength * post[:, None] * weight)
    if name == "subspace":
        return np.asarray(d - strength * np.add.reduce(post[:, None] * weight, axis=0))
    if name == "sanger":
        return np.asarray(d - strength * np.add.accumulate(post[:, None] * weight, axis=0))
    return d


def step_form(rule: Stabilised, block: Assembly, synapses: Synapses, f: Array) -> Apply:
    """Return the in-place step of drive and stabiliser.

    Parameters
    ----------
    f : array (post, runs)
        Where the postsynaptic factor times the rate is written before each step.
    """
    weight, pre, post = synapses.weight, synapses.pre, synapses.post
    change = block.scratch("change", *weight.shape[:-1])
    axis = (slice(None), None) if synapses.dense else slice(None)
    column = f[axis]

    def outer() -> Array:
        return f if pre is None else np.multiply(column, pre, out=change)

    match rule.stabiliser:
        case "oja":
            kept, decay = block.scratch("kept", len(post)), operand(rule.decay)
            share = kept[axis]

            def forget() -> None:
                """Regrouped: ``W (1 - decay f y) + f x``."""
                np.multiply(f, post, out=kept)
                np.multiply(kept, decay, out=kept)
                # W (1 - decay f y) + f x needs two passes over the weights, the largest arrays of all; as written it
                # would need four.
                np.subtract(ONE, kept, out=kept)
                np.multiply(weight, share, out=weight)
                np.add(weight, outer(), out=weight)

            return forget
        case "sanger" | "subspace":
            return _explained(rule, block, synapses, f, ordered=rule.stabiliser == "sanger")
        case "soft_bounds":
            return _soft(block, synapses, block.component("projection", synapses.projection).bounds, outer)
        case _:
            return lambda: np.add(weight, outer(), out=weight)


def _explained(rule: Stabilised, block: Assembly, synapses: Synapses, f: Array, *, ordered: bool) -> Apply:
    """Return ``W_j += f_j (x - decay sum_k y_k W_k)``; `ordered` sums up to j, from the same y and old weights."""
    weight, post, decay = synapses.weight, synapses.post, operand(rule.decay)
    pre: Any = synapses.pre
    left, part = block.scratch("left", weight.shape[1]), block.scratch("part", weight.shape[1])
    pull = block.scratch("pull", len(post))

    def each() -> None:
        np.multiply(post, decay, out=pull)
        # Sanger's rule for unit j subtracts what units 0 to j explain, all from the weights before the step: `left`
        # carries that on, and row j may then be overwritten.
        np.copyto(left, pre)
        for j, row in enumerate(weight):
            np.multiply(row, pull[j], out=part)
            np.subtract(left, part, out=left)
            np.multiply(left, f[j], out=part)
            np.add(row, part, out=row)

    def together() -> None:
        np.multiply(post, decay, out=pull)
        einsum("jr,jir->ir", pull, weight, out=part)
        np.subtract(pre, part, out=left)
        for j, row in enumerate(weight):
            np.multiply(left, f[j], out=part)
            np.add(row, part, out=row)

    return each if ordered else together


def _soft(block: Assembly, synapses: Synapses, bounds: Any, outer: Callable[[], Array]) -> Apply:
    """Return ``W += (high - W) max(d, 0) - (W - low) max(-d, 0)``, regrouped as ``W (1 - |d|) + ...``."""
    weight, (low, high) = synapses.weight, map(operand, bounds)
    lifted = bool(low != 0.0)
    up, down = (block.scratch(slot, *weight.shape[:-1]) for slot in ("up", "down"))

    def soften() -> None:
        d = outer()
        # d = up - down with both not negative, so |d| is their sum: no branch for runs of different sign.
        np.maximum(d, ZERO, out=up)
        np.subtract(up, d, out=down)
        np.add(up, down, out=d)
        np.subtract(ONE, d, out=d)
        np.multiply(weight, d, out=weight)
        np.multiply(up, high, out=up)
        np.add(weight, up, out=weight)
        if lifted:
            np.multiply(down, low, out=down)
            np.add(weight, down, out=weight)

    return soften


def follow(rule: Stabilised, block: Assembly, name: str, synapses: Synapses) -> None:
    """Register what follows the step: what fixes a sum, a norm or a rate, and then the bounds."""
    bounds, weight = block.component("projection", name).bounds, synapses.weight
    normalise = holding(rule, block, weight, bounds)
    if normalise is None:
        if rule.stabiliser == "scaling":
            _scale(rule, block, name, synapses)
        bound_and_store(block, name, stage="scaling" if rule.stabiliser == "scaling" else "bounds")
        return

    # The subtractive projection keeps bounds and sum at once; clipping after it would lose the sum.
    edges = None if bounds is None or rule.stabiliser == "sum_subtractive" else tuple(map(operand, bounds))

    def hold(t: int) -> None:
        """Clip before, so that only weights within bounds share a sum or a norm, and after, which may shorten them."""
        if edges is not None:
            # Before as well as after: a weight beyond its bound would take a share of the sum that it cannot keep,
            # and dividing may push others out.
            clip(weight, *edges, out=weight)
        normalise()
        if edges is not None:
            clip(weight, *edges, out=weight)

    block.update(synapses.signal)
    block.step("bounds", hold, clock="trial")


def holding(rule: Stabilised, block: Assembly, weight: Array, bounds: Any) -> Callable[[], object] | None:
    """Return the function that brings weights back to their sum or norm; None for other stabilisers."""
    size, factor = block.empty(len(weight)), block.scratch("factor", len(weight))
    factors: tuple[Array, ...]
    match rule.stabiliser:
        case "sum_subtractive":
            low, high = bounds
            total = rule.total
            return lambda: project(weight, total, low, high)
        case "sum_divisive":
            goal, measure, factors = operand(rule.total), "jir->jr", (weight,)
        case "l2" | "deflation":
            goal, measure, factors = operand(rule.norm), "jir,jir->jr", (weight, weight)
        case _:
            return None

    def divide() -> None:
        einsum(measure, *factors, out=size)
        if len(factors) > 1:
            np.sqrt(size, out=size)
        np.divide(goal, size, out=factor)
        np.multiply(weight, factor[:, None], out=weight)

    if rule.stabiliser != "deflation":
        return divide
    part, along = block.scratch("part", weight.shape[1]), block.scratch("along")

    def deflate() -> None:
        """Take the directions of earlier rows off each row (modified Gram-Schmidt), then fix the norms."""
        for j, row in enumerate(weight):
            for before in weight[:j]:
                # Modified, not classical: the row as it is now, so that rounding brings no earlier direction back.
                # Rows before this one are already at right angles to each other, but not of length 1: hence the
                # division by their own square.
                einsum("ir,ir->r", row, before, out=along)
                np.divide(along, einsum("ir,ir->r", before, before), out=along)
                np.multiply(before, along, out=part)
                np.subtract(row, part, out=row)
        divide()

    return deflate


def _scale(rule: Stabilised, block: Assembly, name: str, synapses: Synapses) -> None:
    """Register the exact logistic step of ``dW = W (target - y) / scaling_time`` over one trial."""
    weight, post, target = synapses.weight, synapses.post, operand(rule.target)
    lasting = operand(block.derived(lambda rate, time: np.exp(-rate / time), rule.target, rule.scaling_time))
    rate, factor = block.scratch("rate", len(post)), block.scratch("factor", len(post))
    axis = (slice(None), None) if synapses.dense else slice(None)

    def scale(t: int) -> None:
        # A negative rate would make the logistic solution blow up within one step; rates below 0 count as silence.
        np.maximum(post, ZERO, out=rate)
        np.subtract(target, rate, out=factor)
        np.multiply(factor, lasting, out=factor)
        np.add(factor, rate, out=factor)
        np.divide(target, factor, out=factor)
        np.multiply(weight, factor[axis], out=weight)

    block.read(f"population.{rule.postsynaptic or block.component('projection', name).post}.activity")
    block.update(synapses.signal)
    block.step("scaling", scale, clock="trial")


BISECTIONS = 40
"""They only find which weights are free; the shift itself is then exact."""


def project(weight: Array, total: Value, low: float, high: float) -> None:
    """Move each row in place to the nearest point with ``sum_i W_ji = total`` and ``low <= W_ji <= high``.

    The projection is ``clip(W_j - mu_j, low, high)`` (Miller and MacKay's subtractive constraint, with saturation):
    subtracting the mean and clipping afterwards would lose the sum once a weight saturates.

    Parameters
    ----------
    weight : array (post, pre, runs)
    total : float or array (runs,)
    """
    # At these shifts all weights of a row lie at the upper and at the lower bound, so the sum is between.
    least, most = weight.min(axis=1) - high, weight.max(axis=1) - low
    middle, held, shifted = np.empty_like(least), np.empty_like(least), np.empty_like(weight)
    above, below = np.empty(least.shape, dtype=bool), np.empty(least.shape, dtype=bool)
    half, edges, goal, shift = operand(0.5), (operand(low), operand(high)), operand(total), middle[:, None]
    for _ in range(BISECTIONS):
        np.add(least, most, out=middle)
        np.multiply(half, middle, out=middle)
        clip(np.subtract(weight, shift, out=shifted), *edges, out=shifted)
        # The sum falls with the shift, without jumps, so bisection cannot fail; Newton's method would stall where all
        # weights are at a bound.
        np.greater(np.add.reduce(shifted, axis=1, out=held), goal, out=above)
        np.logical_not(above, out=below)
        np.copyto(least, middle, where=above)
        np.copyto(most, middle, where=below)
    shifted = weight - 0.5 * (least + most)[:, None]
    free = (shifted > low) & (shifted < high)
    # Bisection alone would leave an error of its last interval in the sum; one linear equation removes it.
    count = np.add.reduce(free, axis=1)
    fixed = np.add.reduce(np.where(free, 0.0, shifted.clip(low, high)), axis=1)
    loose = np.add.reduce(np.where(free, weight, 0.0), axis=1)
    # With the free weights known the shift solves a linear equation; a row at its bounds has nothing left to solve.
    mu = np.where(count > 0, (loose + fixed - total) / np.maximum(count, 1), 0.5 * (least + most))
    np.clip(np.where(free, weight - mu[:, None], shifted), low, high, out=weight)


def sum_faults(count: int, total: float | None, bounds: tuple[float, float]) -> Iterator[tuple[str, str]]:
    """Yield that `count` weights within `bounds` have no such sum; `total` is None where runs differ in it."""
    low, high = bounds
    if total is not None and not count * low <= total <= count * high:
        yield "total", f"{count} weights between {low:g} and {high:g} cannot sum to {total:g}"


COMPETITION = "W_j <- clip(W_j - mu, w_min, w_max), mu such that the sum over units is total"


def compete(block: Assembly, signal: str, weight: Array, total: Value, bounds: tuple[float, float]) -> None:
    """Register that the sum of `weight` over its units is brought back to `total` after the rule.

    Subtraction, because division keeps ratios, so no weight would lose. One-to-one weights and the row of a shown
    cue have one sum; dense weights have one for each input.

    Parameters
    ----------
    signal : str
        Name of the weights.
    weight : array (post, runs) or (post, pre, runs)
    total : float or array (runs,)
    """
    inputs = weight[None] if weight.ndim == 2 else np.swapaxes(weight, 0, 1)
    block.update(signal)
    block.step("bounds", lambda t: project(inputs, total, *bounds))


def competition_faults(fields: Fields, projection: Mapping[str, Any], tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield why units cannot compete for a sum: no bounds, one unit, a sum out of reach, or no discrete step."""
    if fields["competition"] == "none":
        return
    total, bounds = fields["total"], projection.get("bounds")
    units = size_of(tables, projection["post"])
    ticking = tables.phases_on("tick")
    if units < 2:
        yield "competition", f"{projection['post']} has one unit, which has nothing to compete with"
    elif bounds:
        yield from sum_faults(units, total, bounds)
    if ticking:
        yield "competition", f"subtracts after each step, but on the tick clock (phase {ticking[0]}) weights flow"
