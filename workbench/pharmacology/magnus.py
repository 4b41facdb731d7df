"""Linear kinetics whose rates move: one step of ``dy/dt = G(t) y`` by a Magnus expansion of order 6.

Over a step the solution is the exponential of one matrix, made of G at three Gauss points and of commutators: exact
where G stands still, whatever the step. The terms of the expansion of order 4 alone give an estimate of the error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workbench.arrays import Array

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
    first, middle, last = generators
    length = step[:, None, None]
    level = length * middle
    slope = length * (np.sqrt(15.0) / 3.0) * (last - first)
    bend = length * (10.0 / 3.0) * (last - 2.0 * middle + first)
    turn = _commutator(level, slope)
    further = _commutator(level, 2.0 * bend + turn) / -60.0
    plainly = level + bend / 12.0
    sixth = plainly + _commutator(turn - 20.0 * level - bend, slope + further) / 240.0
    return sixth, sixth - (plainly - turn / 12.0)


def exponential(matrix: Array) -> Array:
    """Return the exponentials of matrices ``(runs, rows, rows)``; one does not depend on those beside it."""
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
