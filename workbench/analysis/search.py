"""The search of a refit: starts spread over the bounds, then bounded least squares, a batch of candidates at a time.

Measured on a therapy scenario with 17 parameters and 100 subjects, 400 candidates: MEASURED
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.free import Free

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.analysis.candidates import Candidates

    Array = NDArray[np.float64]

POPULATION, LEAST_POPULATION, SHARE = 3, 16, 0.6
"""Candidates of a generation for each parameter, and at least; the share of the budget for all generations."""
DESCENTS = 3
SOLVED = 1e-9
"""A loss below this is not worth another step."""
CLOSE = 0.01
"""A descent ends when a step gains, or moves, less than this share of its difference step."""
WIDE, NARROW = 0.05, 1e-3
"""Steps of a difference quotient, in widths of a parameter's range: over the wide one the share of people who respond
changes by more than one of them; the narrow one ends a search where nothing is counted."""
UNIFORM = 12.0
"""Precision of a value that may lie anywhere in its range with equal chance, in widths of that range."""
IDENTIFIED = 0.5
"""A parameter is identified if the findings leave less than this share of what its range left open."""
AT_BOUND = 0.01
ROUNDING = 1e-12
LOUD = 0.4
"""A parameter is named in a direction if its part is at least this share of the largest part."""


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


@dataclass(frozen=True)
class Direction:
    """A combination of parameters that moves together.

    Attributes
    ----------
    parts : tuple of (name, part)
        In widths of the ranges, the largest first and positive; parts much smaller than it are left out.
    left : float
        Standard deviation that the targets leave along it, as a share of that of the ranges.
    """

    parts: tuple[tuple[str, float], ...]
    left: float

    @property
    def words(self) -> str:
        """Say which parameters make up for each other."""
        names = [name for name, _ in self.parts]
        if len(names) == 1:
            return f"{names[0]} alone"
        moves = ", ".join(f"{name} {'up' if part > 0 else 'down'}" for name, part in self.parts)
        return f"{', '.join(names[:-1])} and {names[-1]} trade off ({moves})"


class _Spent(Exception):
    """The budget is used up."""


class Search:
    """A search in the unit cube that the parameters' ranges span.

    The path of a search with a larger budget begins like that of a smaller one, so that stored candidates serve both.
    """

    def __init__(self, candidates: Candidates, free: tuple[Free, ...], budget: int) -> None:
        self.candidates, self.free, self.budget = candidates, free, budget
        self.low = np.array([one.low for one in free])
        self.width = np.array([one.high - one.low for one in free])
        self.shipped: Array = (np.array([one.value for one in free]) - self.low) / self.width
        self._best: tuple[float, Array] = (np.inf, self.shipped)

    def scaled(self, unit: Array) -> Array:
        """Return points of the cube in the parameters' own units."""
        return np.asarray(self.low + unit * self.width)

    def at(self, unit: Array, search: str, step: int) -> Array:
        """Return the residuals of several candidates, as one batch; remember the best of them all."""
        found = self.candidates.residuals(self.scaled(unit), search, step)
        sums = (found**2).sum(axis=1)
        first = int(sums.argmin())
        if sums[first] < self._best[0]:
            self._best = float(sums[first]), unit[first]
        return found

    def run(self, seed: int) -> Array:
        """Return the best point found within the budget; the shipped one if nothing is better."""
        self.evolve(seed)
        for number, (start, step) in enumerate([(None, WIDE), (self.shipped, WIDE), (None, NARROW)][:DESCENTS], 1):
            if self._best[0] > SOLVED:
                self.descend(self._best[1] if start is None else start, step, f"descent {number}")
        return self._best[1]

    @property
    def left(self) -> int:
        """Candidates that may still be asked for, less those that the end needs."""
        return self.budget - self.candidates.spent - len(self.free)

    def evolve(self, seed: int) -> None:
        """Spread a population over the cube, the shipped values among it, and let it evolve for a share of the budget.

        A generation is a batch. Neither the population nor a generation depends on how many may follow.
        """
        from scipy.optimize import differential_evolution
        from scipy.stats import qmc

        size = max(LEAST_POPULATION, POPULATION * len(self.free))
        generations = int(self.budget * SHARE) // size - 1
        if generations < 0:
            size, generations = max(min(self.budget // 4, self.left), 1), 0
        starts = np.concatenate([self.shipped[None], qmc.LatinHypercube(len(self.free), rng=seed).random(size - 1)])
        batch = iter(range(generations + 2))
        if generations < 1:
            self.at(starts, "generation", next(batch))
            return
        differential_evolution(
            lambda x: (self.at(x.T, "generation", next(batch)) ** 2).sum(axis=1),
            [(0.0, 1.0)] * len(self.free),
            init=starts,
            maxiter=generations,
            vectorized=True,
            updating="deferred",
            polish=False,
            tol=0.0,
            rng=seed,
        )

    def descend(self, start: Array, step: float, name: str) -> None:
        """Search by bounded least squares from `start`, while the budget lasts."""
        from scipy.optimize import least_squares

        batch, least = count(), step * CLOSE

        def value(x: Array) -> Array:
            if self.left < 1:
                raise _Spent
            return np.asarray(self.at(x[None], name, next(batch))[0])

        def slope(x: Array) -> Array:
            if self.left < len(x):
                raise _Spent
            return self.jacobian(x, step, name, next(batch))

        inside = np.clip(start, 1e-9, 1 - 1e-9)
        with suppress(_Spent):
            least_squares(value, inside, slope, bounds=(0.0, 1.0), method="trf", xtol=least, ftol=least, gtol=1e-9)

    def jacobian(self, x: Array, step: float = WIDE, name: str = "end", batch: int = 0) -> Array:
        """Return the derivative of residuals by parameters in widths of their ranges; steps lead into the cube."""
        steps = np.where(x + step <= 1.0, step, -step)
        found = self.at(np.concatenate([x[None], x + np.diag(steps)]), name, batch)
        return np.asarray(((found[1:] - found[0]) / steps[:, None]).T)

    def refits(self, values: Array, jacobian: Array) -> Iterable[Refit]:
        """Yield each parameter with what the targets leave open of it."""
        # A value anywhere in its range with equal chance is the weakest statement; the targets can only add to it.
        left = np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian + UNIFORM * np.eye(len(values)))) * UNIFORM)
        inside = (values - self.low) / self.width
        for i, one in enumerate(self.free):
            edge = bool(min(inside[i], 1 - inside[i]) < AT_BOUND)
            yield Refit(one, float(values[i]), float(left[i]), edge)


def directions(names: Sequence[str], jacobian: Array) -> tuple[tuple[float, ...], tuple[Direction, ...]]:
    """Return the eigenvalues of J'J, falling, and the directions that the targets leave open, the most open first.

    What no target answers to stands first, alone: where several eigenvalues are 0 no mixture says more than another.
    """
    square = jacobian.T @ jacobian
    seen = np.flatnonzero(np.diag(square) > ROUNDING)
    found = [Direction(((name, 1.0),), 1.0) for i, name in enumerate(names) if i not in seen]
    values, vectors = np.linalg.eigh(square[np.ix_(seen, seen)])
    values = np.maximum(values, 0.0)  # below 0 by rounding only
    for value, vector in zip(values, vectors.T, strict=True):
        left = float(np.sqrt(UNIFORM / (value + UNIFORM)))
        if left < IDENTIFIED:
            break
        order = np.argsort(-np.abs(vector), kind="stable")
        parts = vector / vector[order[0]]
        loud = (i for i in order if abs(parts[i]) >= LOUD)
        found.append(Direction(tuple((names[seen[i]], float(parts[i])) for i in loud), left))
    every = [*values[::-1].tolist(), *[0.0] * (len(names) - len(seen))]
    return tuple(every), tuple(found)
