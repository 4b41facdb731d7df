"""The search of a refit: starts spread over the bounds, then bounded least squares, a batch of candidates at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.loss import Loss, Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

START_SHARE, MOST_STARTS = 0.25, 256
"""Share of the budget, and the largest number, of candidates that are spread over the bounds first."""
SEARCHES = 3
STEP = 1e-3
"""Step of a difference quotient, in widths of a parameter's range."""
UNIFORM = 12.0
"""Precision of a value that may lie anywhere in its range with equal chance, in widths of that range."""
IDENTIFIED = 0.5
"""A parameter is identified if the findings leave less than this share of what its range left open."""


@dataclass(frozen=True)
class Free:
    """A parameter that may move: its shipped value and its bounds in `unit`.

    `findings` are the targets that it was fitted to, as far as this scenario evaluates them.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Refit:
    """A parameter after the search.

    Attributes
    ----------
    left : float
        Standard deviation that the targets leave, as a share of that of the whole range: 1 says that they say nothing.
    at_bound : bool
        Whether the search ended at an end of the range.
    """

    free: Free
    value: float
    left: float
    at_bound: bool

    @property
    def identified(self) -> bool:
        """Whether the targets say where in its range the parameter lies."""
        return self.left < IDENTIFIED


class Search:
    """A search in the unit cube that the parameters' ranges span."""

    def __init__(self, loss: Loss, free: tuple[Free, ...], targets: tuple[Target, ...], budget: int) -> None:
        self.loss, self.free, self.targets, self.budget = loss, free, targets, budget
        self.low = np.array([one.low for one in free])
        self.width = np.array([one.high - one.low for one in free])
        self.shipped: Array = (np.array([one.value for one in free]) - self.low) / self.width
        self.spent = 0

    def scaled(self, unit: Array) -> Array:
        """Return points of the cube in the parameters' own units."""
        return np.asarray(self.low + unit * self.width)

    def at(self, unit: Array) -> Array:
        """Return the residuals of several candidates, as one batch."""
        self.spent += len(unit)
        return self.loss.residuals(self.scaled(unit), self.targets)

    def run(self, seed: int) -> Array:
        """Return the best point found within the budget; the shipped one if nothing is better."""
        from scipy.stats import qmc

        count = min(int(self.budget * START_SHARE), MOST_STARTS)
        spread = qmc.LatinHypercube(len(self.free), rng=seed).random(count)
        starts = np.concatenate([self.shipped[None], spread])
        sums = (self.at(starts) ** 2).sum(axis=1)
        order = [0, *(i for i in np.argsort(sums, kind="stable") if i)][:SEARCHES]
        ends = [(float(sums[0]), self.shipped)]
        step = len(self.free) + 1
        for left, start in zip(range(len(order), 0, -1), order, strict=True):
            allowed = (self.budget - step - self.spent) // (left * step)  # one Jacobian is kept for the end
            if allowed > 0:
                ends.append(self.descend(starts[start], allowed))
        return min(ends, key=lambda end: end[0])[1]

    def descend(self, start: Array, most: int) -> tuple[float, Array]:
        """Return (sum of squares, point) of a bounded least-squares search with `most` evaluations."""
        from scipy.optimize import least_squares

        known: dict[bytes, tuple[Array, Array]] = {}

        def both(x: Array) -> tuple[Array, Array]:
            # Value and Jacobian cost one batch together; SciPy asks for them one after the other.
            if x.tobytes() not in known:
                known[x.tobytes()] = self.linear(x)
            return known[x.tobytes()]

        inside = np.clip(start, 1e-9, 1 - 1e-9)
        found = least_squares(
            lambda x: both(x)[0], inside, lambda x: both(x)[1], bounds=(0.0, 1.0), max_nfev=max(most, 1), method="trf"
        )
        return float((found.fun**2).sum()), found.x

    def linear(self, x: Array) -> tuple[Array, Array]:
        """Return residuals and Jacobian at a point; steps lead into the cube."""
        steps = np.where(x + STEP <= 1.0, STEP, -STEP)
        found = self.at(np.concatenate([x[None], x + np.diag(steps)]))
        return found[0], ((found[1:] - found[0]) / steps[:, None]).T

    def jacobian(self, x: Array) -> Array:
        """Return the derivative of residuals by parameters in widths of their ranges."""
        return self.linear(x)[1]

    def refits(self, best: Array, jacobian: Array) -> Iterable[Refit]:
        """Yield each parameter with what the targets leave open of it."""
        # A value anywhere in its range with equal chance is the weakest statement; the targets can only add to it.
        left = np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian + UNIFORM * np.eye(len(best)))) * UNIFORM)
        for i, one in enumerate(self.free):
            edge = bool(min(best[i], 1 - best[i]) < 10 * STEP)
            yield Refit(one, float(self.scaled(best)[i]), float(left[i]), edge)
