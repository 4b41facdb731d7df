"""A two-sided rule under clamped activity: the form that stimulation on the tick clock drives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workbench.arrays import Array, Value
    from workbench.assembly import Assembly
    from workbench.plasticity.two_sided import TwoSided

FREE = (0.0, 1.0)


def relaxed(
    weight: Array, up: Value, down: Value, back: Value, rest: Value, seconds: float, bounds: tuple[float, float] | None
) -> Array:
    """Return the weight after `seconds` at constant rates, by the exact flow of the linear equation.

    Parameters
    ----------
    up, down, back : float or array (runs,)
        P, D and g in 1/s; `back` is 0 where the weight does not return.
    bounds : pair or None
        Of soft bounds. None is the hard-bounds form, in which P and D move the weight whatever it is.
    """
    if bounds is None:
        pull, loss = up - down + back * rest, back * np.ones_like(weight)
    else:
        low, high = bounds
        pull, loss = up * high + down * low + back * rest, (up + down + back) * np.ones_like(weight)
    moving = loss != 0.0
    lasting = np.where(moving, -np.expm1(-loss * seconds) / np.where(moving, loss, 1.0), seconds)
    moved: Array = weight + (pull - loss * weight) * lasting
    return moved


def build_ticks(rule: TwoSided, block: Assembly, name: str) -> None:
    """Register the step of the tick clock: each side's mark averaged over the step, then the exact flow.

    Activity and third factor are clamped at 1, so every weight of the projection moves alike: dense and one-to-one
    weights take the same form. Where depotentiation acts from above only, it is on while the weight lies above rest.
    """
    projection = block.component("projection", name)
    weight = block.update(f"projection.{name}.weight")
    stimulated = block.stimulated(name)
    ltp, ltd, back = rule.gains(block, None)
    above = block.derived(lambda threshold: np.maximum(1.0 - threshold, 0.0), rule.ltp_threshold)
    up = block.derived(lambda gain, pace, share: gain * pace * share, ltp, rule.pace, above)
    down = block.derived(lambda gain, pace: gain * pace, ltd, rule.pace)
    returning = block.derived(lambda gain, pace: gain * pace, back, rule.pace)
    marks = [
        stimulated.area(side, block.component("eligibility", trace) if trace is not None else None)
        for side, trace in (("ltp", rule.ltp_trace), ("ltd", rule.ltd_trace))
    ]
    rest, only_above = rule.rest, rule.depotentiation_from == "above"
    soft = (projection.bounds or FREE) if rule.stabiliser == "soft_bounds" else None

    def learn(t: int) -> None:
        seconds = stimulated.seconds
        area_up, area_down = (area() for area in marks)
        back = returning * stimulated.low
        if only_above:
            back = np.where(weight > rest, back, 0.0)
        weight[...] = relaxed(weight, up * area_up / seconds, down * area_down / seconds, back, rest, seconds, soft)
        if projection.bounds is not None:
            weight.clip(*projection.bounds, out=weight)

    block.step("rule", learn, clock="tick")
