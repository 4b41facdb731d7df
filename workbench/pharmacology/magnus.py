"""Linear kinetics whose rates move: one step of ``dy/dt = G(t) y`` by a Magnus expansion of order 6.

Over a step the solution is the exponential of one matrix, made of G at three Gauss points and of commutators: exact
where G stands still, whatever the step. The terms of the expansion of order 4 alone give an estimate of the error.

One quantity with an inflow and a loss, and the area under it, need no matrices: what may stand in G is four numbers,
``dy/dt = inflow - loss y`` and ``darea/dt = gain y + more``, and so are their commutators; the exponential is closed.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workbench.component.arrays import Array

NODES = np.array([0.5 - np.sqrt(15.0) / 10.0, 0.5, 0.5 + np.sqrt(15.0) / 10.0])
"""Where G is looked at, as shares of the step: Gauss-Legendre points."""
SMALL = 0.5
"""Norm up to which the exponential is summed as a series; a larger matrix is halved first and its result squared."""
TERMS = 14
"""Terms of that series: the next one is below ``0.5**15 / 15!``, less than a unit in the last place."""


def expansion(generators: Array, step: Array) -> tuple[Array, Array]:
    """Return the exponent of a step, and what it has beyond that of order 4.

    Parameters
    ----------
    generators : array (3, runs, rows, rows)
        G at the `NODES` of the step.
    step : array (runs,)
        Its length.
    """
    return _expanded(generators, step[:, None, None], _commutator)


def flow_expansion(generators: Array, step: Array) -> tuple[Array, Array]:
    """Return the same for one quantity and its area.

    Parameters
    ----------
    generators : array (3, 4, runs)
        Loss, inflow, gain and more, as the head of this module names them, at the `NODES` of the step.
    step : array (runs,)
        Its length.
    """
    return _expanded(generators, step, _flow_commutator)


def _expanded(generators: Array, length: Array, commutator: Callable[[Array, Array], Array]) -> tuple[Array, Array]:
    first, middle, last = generators
    # Value, slope and curvature at the middle of the step: the sixth-order Magnus expansion needs nothing else of
    # G(t).
    level = length * middle
    slope = length * (np.sqrt(15.0) / 3.0) * (last - first)
    bend = length * (10.0 / 3.0) * (last - 2.0 * middle + first)
    turn = commutator(level, slope)
    further = commutator(level, 2.0 * bend + turn) / -60.0
    plainly = level + bend / 12.0
    sixth = plainly + commutator(turn - 20.0 * level - bend, slope + further) / 240.0
    # The order-4 exponent falls out of the same commutators, so the error estimate is free.
    return sixth, sixth - (plainly - turn / 12.0)


def exponential(matrix: Array) -> Array:
    """Return the exponentials of matrices ``(runs, rows, rows)``; one does not depend on those beside it."""
    # Scaling and squaring for each matrix by its own norm: one run's result never depends on its neighbours.
    norm = np.max(np.sum(np.abs(matrix), axis=-2), axis=-1)
    halved = np.maximum(np.ceil(np.log2(np.maximum(norm, 1e-300) / SMALL)), 0.0).astype(int)
    scaled = np.ldexp(matrix, -halved[:, None, None])
    unit = np.broadcast_to(np.eye(matrix.shape[-1]), matrix.shape)
    found: Array = unit + scaled / TERMS
    for term in range(TERMS - 1, 0, -1):
        found = unit + np.matmul(scaled, found) / term
    for square in range(int(np.max(halved, initial=0))):
        found = np.where((square < halved)[:, None, None], np.matmul(found, found), found)
    return found


def applied(matrix: Array, rows: Array) -> Array:
    """Return the product of each matrix ``(runs, rows, rows)`` with its own vector ``(runs, rows)``."""
    found: Array = np.matmul(matrix, rows[..., None])[..., 0]
    return found


def _commutator(one: Array, other: Array) -> Array:
    found: Array = np.matmul(one, other) - np.matmul(other, one)
    return found


def flow_applied(exponent: Array, rows: Array) -> Array:
    """Return quantity and area ``(2, runs)`` after the exponential of an exponent ``(4, runs)``."""
    loss, inflow, gain, more = exponent
    # The inner where keeps the division defined in the branch that is not taken, which NumPy evaluates all the same.
    once = np.where(loss == 0.0, 1.0, -np.expm1(-loss) / np.where(loss == 0.0, 1.0, loss))
    twice = np.where(np.abs(loss) < SMALL, _series(loss), (1.0 - once) / np.where(loss == 0.0, 1.0, loss))
    quantity = rows[0] * np.exp(-loss) + inflow * once
    return np.stack([quantity, rows[1] + gain * (rows[0] * once + inflow * twice) + more])


def flow_change(exponent: Array, rows: Array) -> Array:
    """Return what an exponent ``(4, runs)`` adds to quantity and area, to first order."""
    loss, inflow, gain, more = exponent
    return np.stack([inflow - loss * rows[0], gain * rows[0] + more])


def _series(loss: Array) -> Array:
    """Return ``(1 - (1 - exp(-x)) / x) / x`` for small x, whose closed form has lost its digits."""
    found = np.full_like(loss, 1.0 / factorial(TERMS + 2))
    for term in range(TERMS - 1, -1, -1):
        found = 1.0 / factorial(term + 2) - loss * found
    return found


def _flow_commutator(one: Array, other: Array) -> Array:
    loss, inflow, gain, _ = one
    lost, flowed, gained, _ = other
    return np.stack(
        [
            np.zeros_like(loss),
            lost * inflow - loss * flowed,
            gained * loss - gain * lost,
            gain * flowed - gained * inflow,
        ]
    )
