"""Trials in pieces: what is drawn for all subjects at once, and what tasks show of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.solver.draws import Draws, draw_once
from workbench.solver.lanes import SubjectLanes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array


PIECE = 64
"""Steps drawn at once. A tuning number: draws do not depend on it."""


class NoiseChunks:
    """The subjects of a block, their noise and the patterns that tasks show them, a piece of trials at a time.

    Attributes
    ----------
    subjects : array (subjects,)
        The distinct subjects, in order; `subject_index` (runs,) says whose each run is, `first_run` (subjects,) which
        run is each one's first.
    lanes : SubjectLanes
        The stretches of runs that share what they are shown.
    """

    piece = PIECE

    def __init__(self, seed: int, subjects: NDArray[np.int64]) -> None:
        self.seed = seed
        self.subjects, self.first_run, self.subject_index = _distinct(subjects)
        self.lanes = SubjectLanes(self.subject_index)
        self.draws: list[Draws] = []
        self.draw_seconds = 0.0
        self._patterns: dict[str, Array] = {}
        self._hooks: list[tuple[bool, Callable[[int], None]]] = []

    def named_stream(self, stream: str) -> str:
        """Return the name of a stream by what its table gives in place of its own name."""
        return stream

    def normal(self, stream: str, size: int) -> Draws:
        """Open a stream of normals, `size` per subject and step."""
        return self._open(stream, "normal", size)

    def uniform(self, stream: str, size: int) -> Draws:
        """Open a stream of uniform numbers in [0, 1)."""
        return self._open(stream, "uniform", size)

    def _open(self, stream: str, kind: Any, size: int) -> Draws:
        draws = Draws(self.named_stream(stream), kind, size, self.piece, self.seed, self.subjects)
        self.draws.append(draws)
        return draws

    def draw_once(self, stream: str, *shape: int) -> Array:
        """Return normals drawn once per subject, ``(*shape, runs)``."""
        return draw_once(self.named_stream(stream), shape, self.seed, self.subjects)[..., self.subject_index]

    def pattern(self, population: str, size: int) -> Array:
        """Return the table ``(piece, size, subjects)`` of what a task shows."""
        if population not in self._patterns:
            self._patterns[population] = np.zeros((self.piece, size, len(self.subjects)))
        return self._patterns[population]

    def every_piece(self, hook: Callable[[int], None], *, late: bool = False) -> None:
        """Call `hook(steps)` at the start of each piece, after its draws; `late` ones after all others."""
        self._hooks.append((late, hook))

    def begin_piece(self, steps: int) -> None:
        """Draw and prepare the next `steps` trials."""
        started = time.perf_counter()
        for draws in self.draws:
            draws.fill(steps)
        self.draw_seconds += time.perf_counter() - started
        # Stable: within each kind the order of registration stands, on which what tasks show depends.
        for _, hook in sorted(self._hooks, key=lambda h: h[0]):
            hook(steps)


def _distinct(subjects: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct subjects in order of appearance, their first run, and each run's subject position."""
    found, first, inverse = np.unique(subjects, return_index=True, return_inverse=True)
    # np.unique sorts by number, but lanes need the subjects as they come in the block.
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return found[order], first[order], rank[inverse]
