"""Steps of a flow: on a grid of their own, by the classical method of Runge and Kutta."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from workbench.component.arrays import operand
from workbench.component.tables import Fields, Tables
from workbench.plasticity.shown import leading_eigenvalue

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly


Advance = Callable[[float, float], object]
"""Moves the weights from one moment of the phase to a later one, in trials since its beginning."""


def on_grid(block: Assembly, step: Callable[[float], None]) -> Advance:
    """Return an advance in steps of the phase's own length; only its end may cut one short.

    Nothing is read within a step: the recorder has refused that.
    """

    def advance(begin: float, stop: float) -> None:
        size, now = float(block.component("phase", block.phase).step), begin
        while now < stop:
            span = min(size, stop - now)
            step(span)
            now += span

    return advance


TWO = operand(2.0)


def runge_kutta(
    drift: Callable[[tuple[Array, ...]], tuple[Array, ...]], state: tuple[Array, ...], span: float
) -> tuple[Array, ...]:
    """Return the state after one classical Runge-Kutta step: the error of a whole phase falls as the 4th power.

    ``x + span / 6 (k1 + 2 k2 + 2 k3 + k4)``; `drift` returns new arrays, which are used up.
    """
    half, whole, sixth = operand(0.5 * span), operand(span), operand(span / 6.0)

    def moved(slope: tuple[Array, ...], length: Array) -> tuple[Array, ...]:
        # Not in place: in which order sums run over the result depends on its layout, which is to be that of the state.
        return tuple(x + np.multiply(length, k) for x, k in zip(state, slope, strict=True))

    k1 = drift(state)
    k2 = drift(moved(k1, half))
    k3 = drift(moved(k2, half))
    k4 = drift(moved(k3, whole))
    for x, a, b, c, d in zip(state, k1, k2, k3, k4, strict=True):
        for k in (b, c):
            np.add(a, np.multiply(TWO, k, out=k), out=a)
        np.add(a, d, out=a)
        np.multiply(sixth, a, out=a)
        np.add(x, a, out=a)
    return k1


RUNGE_KUTTA = 2.78
"""Largest step, over the time constant of what decays fastest, at which classical Runge-Kutta steps do not grow."""
FASTEST = {"oja": 2.0, "sanger": 2.0, "subspace": 2.0}
"""Fastest decay at the fixed point, over ``rate lambda_1``: the length falls twice as fast as the weights grow."""


def flow_steps(tables: Tables, *, solved: bool) -> Iterator[tuple[str, float]]:
    """Yield (name, step in trials) of the phases of the flow clock that go in steps; `solved` ones need none."""
    for name in tables.phases_on("flow"):
        phase = tables["phase"][name]
        if not (solved and phase["solution"] == "exact"):
            yield name, float(min(phase["step"], phase["trials"]))


def flow_faults(fields: Fields, stabiliser: str, exact: tuple[str, ...], tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield a step of the averaged linear rule beyond its stability."""
    declared = tables["projection"][fields["projection"]]
    rate, largest = fields["rate"], leading_eigenvalue(declared.get("pre"), tables)
    if not rate or not largest or stabiliser == "sum_subtractive":
        return
    for name, step in flow_steps(tables, solved=stabiliser in exact):
        pace = step * rate * largest * FASTEST.get(stabiliser, 1.0)
        if pace >= RUNGE_KUTTA:
            yield "rate", too_long(name, step, RUNGE_KUTTA / (pace / step), "weights with the largest eigenvalue")


def too_long(phase: str, step: float, limit: float, what: str) -> str:
    """Return the message that the steps of a phase are too long for `what`, with the longest that would do."""
    return (
        f"phase {phase} goes in steps of {step:g} trials, too long for {what} ({RUNGE_KUTTA:g} time constants): "
        f"Runge-Kutta steps become inaccurate (here use steps below {limit:.3g} trials, or a smaller rate)"
    )
