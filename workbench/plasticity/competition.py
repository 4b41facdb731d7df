"""Competition of units for the weight of an input: a fixed sum over units, held by subtraction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.circuit.populations import size_of
from workbench.plasticity.simplex import project, sum_faults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workbench.arrays import Array, Value
    from workbench.assembly import Assembly

EQUATION = "W_j <- clip(W_j - mu, w_min, w_max), mu such that the sum over units is total"


def compete(block: Assembly, signal: str, weight: Array, total: Value, bounds: tuple[float, float]) -> None:
    """Register that the sum of `weight` over its units is brought back to `total` after the rule.

    Subtraction, because division keeps ratios and so lets nobody lose. One-to-one weights and the row of a shown
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


def competition_faults(
    fields: Mapping[str, Any], projection: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """Yield why units cannot compete for a sum: no bounds, one unit, a sum out of reach, or no discrete step."""
    if fields.get("competition", "none") == "none":
        return
    total, bounds = fields.get("total", 1.0), projection.get("bounds")
    units = size_of(tables, projection["post"])
    ticking = sorted(name for name, phase in tables["phase"].items() if phase["clock"] == "tick")
    if not bounds:
        yield "competition", "subtractive needs bounds = [low, high] on the projection"
    if units < 2:
        yield "competition", f"{projection['post']} has one unit: there is nobody to compete with"
    elif bounds:
        yield from sum_faults(units, total, bounds)
    if ticking:
        yield "competition", f"subtracts after each step, and phase {ticking[0]} (tick clock) moves weights by its flow"
