"""The two-sided rule's update of a trial or an event, in place and regrouped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from workbench.arrays import Array, Value
    from workbench.assembly import Assembly
    from workbench.plasticity.two_sided import TwoSided


def kernel(rule: TwoSided, block: Assembly, weight: Array, back: Value, bounds: tuple[float, float] | None) -> Any:
    """Return the in-place update from gains A and B: ``W (1 - g - B - A) + A w_max + B w_min + g rest``.

    Regrouped so that each array is touched as rarely as possible; A and B are used up. Tested against `drift`.
    """
    shape = weight.shape[:-1]
    if rule.depotentiation_from == "above" and not (isinstance(back, float) and back == 0.0):
        return _from_above(rule, block, weight, back, kernel(rule, block, weight, 0.0, bounds))
    returns = not (isinstance(back, float) and back == 0.0)
    home = block.spread(block.derived(np.multiply, back, rule.rest), *shape)
    kept = block.spread(block.derived(lambda g: 1.0 - g, back), *shape)
    low, high = bounds if bounds is not None else (0.0, 1.0)
    lowest = block.scratch("lowest", *shape) if low != 0.0 else None

    def soft(a: Array, b: Array) -> None:
        if lowest is not None:
            np.multiply(b, low, out=lowest)
        np.subtract(kept, b, out=b)
        np.subtract(b, a, out=b)
        np.multiply(weight, b, out=weight)
        if high != 1.0:
            np.multiply(a, high, out=a)
        np.add(weight, a, out=weight)
        if lowest is not None:
            np.add(weight, lowest, out=weight)
        if returns:
            np.add(weight, home, out=weight)

    def hard(a: Array, b: Array) -> None:
        np.multiply(weight, kept, out=weight)
        np.subtract(a, b, out=a)
        np.add(weight, a, out=weight)
        if returns:
            np.add(weight, home, out=weight)

    return soft if rule.stabiliser == "soft_bounds" else hard


def _from_above(rule: TwoSided, block: Assembly, weight: Array, back: Value, plain: Any) -> Any:
    """Return `plain` with a depotentiation of its own: ``W - g max(W - rest, 0)``, on the old weight."""
    excess = block.scratch("excess", *weight.shape[:-1])
    rest = rule.rest

    def update(a: Array, b: Array) -> None:
        np.subtract(weight, rest, out=excess)
        np.maximum(excess, 0.0, out=excess)
        np.multiply(excess, back, out=excess)
        plain(a, b)
        np.subtract(weight, excess, out=weight)

    return update
