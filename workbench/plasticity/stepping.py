"""Steps of a flow: on a grid of their own, by the classical method of Runge and Kutta."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.arrays import Array
    from workbench.assembly import Assembly

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


def runge_kutta(
    drift: Callable[[tuple[Array, ...]], tuple[Array, ...]], state: tuple[Array, ...], span: float
) -> tuple[Array, ...]:
    """Return the state after one classical Runge-Kutta step: the error of a whole phase falls as the 4th power."""

    def moved(slope: tuple[Array, ...], part: float) -> tuple[Array, ...]:
        return tuple(x + part * span * k for x, k in zip(state, slope, strict=True))

    k1 = drift(state)
    k2 = drift(moved(k1, 0.5))
    k3 = drift(moved(k2, 0.5))
    k4 = drift(moved(k3, 1.0))
    return tuple(
        x + span / 6.0 * (a + 2.0 * b + 2.0 * c + d) for x, a, b, c, d in zip(state, k1, k2, k3, k4, strict=True)
    )
