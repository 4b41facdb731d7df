"""Random draws for a block: per subject and stream, a piece of steps at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from workbench.solver.streams import generators

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array


Kind = Literal["normal", "uniform"]


class Draws:
    """One stream for all subjects of a block.

    Each subject's row is drawn contiguously, then all rows are turned at once: scattering column by column costs
    five times as much. The generators are made once per phase, because making one costs as much as 700 draws.

    Attributes
    ----------
    table : array (piece, size, subjects)
        The draws of the current piece of steps.
    """

    def __init__(self, stream: str, kind: Kind, size: int, piece: int, seed: int, subjects: NDArray[np.int64]) -> None:
        self.stream, self.kind, self.size = stream, kind, size
        self.seed, self.subjects = seed, subjects
        self.table: Array = np.empty((piece, size, len(subjects)))
        # A generator fills contiguous memory only, while steps read (size, subjects): hence a second table, and a
        # transposing copy.
        self._rows: Array = np.empty((len(subjects), piece * size))
        self._generators: list[np.random.Generator] = []

    def begin(self, phase: str) -> None:
        """Start the phase's own part of the stream."""
        # One generator for each subject and stream, so that a draw depends neither on which other subjects are in the
        # block nor on which components draw before.
        self._generators = generators(self.seed, self.subjects, self.stream, phase)

    def fill(self, steps: int) -> None:
        """Draw the next `steps` steps into `table`."""
        rows = self._rows[:, : steps * self.size]
        for row, source in zip(rows, self._generators, strict=True):
            if self.kind == "normal":
                source.standard_normal(out=row)
            else:
                source.random(out=row)
        # Each subject's numbers come out step by step, so a longer piece or phase leaves the earlier ones as they were.
        turned = rows.reshape(len(rows), steps, self.size).transpose(1, 2, 0)
        np.copyto(self.table[:steps], turned)


def draw_once(stream: str, shape: tuple[int, ...], seed: int, subjects: NDArray[np.int64]) -> Array:
    """Return one array of normals per subject, ``(*shape, subjects)``, from a stream outside the phases."""
    drawn = [source.standard_normal(shape) for source in generators(seed, subjects, stream)]
    return np.ascontiguousarray(np.moveaxis(np.stack(drawn), 0, -1))
