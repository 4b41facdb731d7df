"""The weights that a rule changes, in one of the three kernel families."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.circuit.delays import arriving
from workbench.component.arrays import clip, operand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Tables


@dataclass(frozen=True)
class Synapses:
    """One projection as its rule sees it.

    Attributes
    ----------
    weight : array (post, runs) or (post, pre, runs)
        What the rule changes in place: one-to-one weights, the row of the shown cue, or all dense weights.
    post, pre : array
        Activities ``(post, runs)`` and ``(pre, runs)``; `pre` is None for a shown cue, whose activity is 1.
    dense : bool
        Whether `weight` has a presynaptic axis.
    signal : str
        Name under which the rule records that it writes the weights.
    projection : str
        The projection's name.
    """

    weight: Array
    post: Array
    pre: Array | None
    dense: bool
    signal: str
    projection: str

    def coactivity(self, block: Assembly) -> Any:
        """Return a function that gives ``post x pre`` in the shape of the weights; no copy for a shown cue."""
        post, pre = self.post, self.pre
        if pre is None:
            return lambda: post
        out = block.empty(*self.weight.shape[:-1])
        if self.dense:
            return lambda: np.multiply(post[:, None], pre, out=out)
        return lambda: np.multiply(post, pre, out=out)


def without_ticks(fields: Mapping[str, Any], tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield why a rule that follows pairs of activities cannot run on the tick clock, if a phase does."""
    ticking = tables.phases_on("tick")
    if ticking:
        yield (
            "rule",
            (
                f"{fields['rule']} has one side, which compares activities; phase {ticking[0]} (tick clock) clamps "
                "activity and opens potentiation or depression, which needs a two_sided rule"
            ),
        )


def synapses_of(block: Assembly, name: str, postsynaptic: str | None, post_signal: str = "activity") -> Synapses:
    """Fetch the weights and activities of projection `name`; reads and writes are recorded.

    Parameters
    ----------
    postsynaptic : str or None
        Population whose activity stands for the postsynaptic side; by default the projection's own `post`.
    post_signal : str
        What of it: its activity, or the score of a policy.
    """
    projection = block.component("projection", name)
    post = block.read(f"population.{postsynaptic or projection.post}.{post_signal}")
    if block.is_cue(projection.pre) and "all pairs" in projection.offers:
        signal = f"projection.{name}.row"
        return Synapses(block.update(signal), post, None, False, signal, name)
    signal = f"projection.{name}.weight"
    pre = arriving(block, name)
    return Synapses(block.update(signal), post, pre, "all pairs" in projection.offers, signal, name)


def bound_and_store(block: Assembly, name: str, stage: str = "bounds") -> None:
    """Register the end of a weight's step: clip to the projection's bounds, write the shown row back.

    Parameters
    ----------
    stage : str
        The stage after which nothing moves the weight any more in this step.
    """
    projection = block.component("projection", name)
    bounds = None if projection.bounds is None else tuple(map(operand, projection.bounds))
    if block.is_cue(projection.pre) and "all pairs" in projection.offers:
        index = block.read(f"population.{projection.pre}.index")
        row = block.read(f"projection.{name}.row")
        weight = block.update(f"projection.{name}.weight")
        write_row = block.lanes.writer(index, weight, row)

        def store(t: int) -> None:
            if bounds is not None:
                clip(row, *bounds, out=row)
            write_row()

        block.step(stage, store)
    elif bounds is not None:
        weight = block.update(f"projection.{name}.weight")
        block.step(stage, lambda t: clip(weight, *bounds, out=weight))
