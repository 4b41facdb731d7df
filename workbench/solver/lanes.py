"""How the runs of a block lie by subject, and reading and writing by what a subject is shown.

All runs of a subject see the same cue and the same noise. Where every subject has one stretch of the same
length, those stretches are moved as wholes (three times faster); in any other block each run is a
stretch of its own. Only copying differs, so the bits are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array

Move = Callable[[], object]
WORTHWHILE = 8
"""Shorter stretches are moved run by run: handling each costs more than copying it."""


class SubjectLanes:
    """Stretches of runs that share what they are shown.

    Attributes
    ----------
    count, length : int
        ``count * length`` is the number of runs.
    subjects : array (count,)
        Position of each lane's subject.
    """

    def __init__(self, subject_index: NDArray[np.int64]) -> None:
        runs = len(subject_index)
        edges = np.flatnonzero(np.diff(subject_index)) + 1
        lengths = np.diff(np.concatenate([[0], edges, [runs]]))
        # A subject that comes twice would own two stretches: then runs are moved one by one.
        # Equal stretches can be viewed as an array (subjects, runs of each), and one copy serves all.
        regular = bool(np.all(lengths == lengths[0])) and len(lengths) == subject_index.max() + 1
        self.length = int(lengths[0]) if regular and lengths[0] >= WORTHWHILE else 1
        self.count = runs // self.length
        self.subjects = np.ascontiguousarray(subject_index[:: self.length])
        self._in_order = bool(np.array_equal(self.subjects, np.arange(self.count)))

    def fold(self, array: Any) -> Any:
        """Return a view ``(..., count, length)`` of an array ``(..., runs)``; the array itself for lanes of one run."""
        return array if self.length == 1 else array.reshape(*array.shape[:-1], self.count, self.length)

    def by_lane(self, table: Any) -> Any:
        """Return ``(..., count)`` from a table ``(..., subjects)``; the table itself where they are the same."""
        return table if self._in_order else table.take(self.subjects, -1)

    def spreader(self, out: Array) -> Callable[[Array], None]:
        """Return a function that spreads a table ``(units, subjects)`` over the runs of `out` ``(units, runs)``."""
        if self.length == 1 and self._in_order:
            return lambda table: np.copyto(out, table)
        if self.length == 1:
            subjects = self.subjects
            return lambda table: table.take(subjects, 1, out, "clip")  # type: ignore[return-value]
        folded = self.fold(out)
        return lambda table: np.copyto(folded, table[:, :, None])

    def reader(self, index: NDArray[np.int64], source: Array, out: Array) -> Move:
        """Return a function that copies what `index` shows of `source` into `out`.

        Parameters
        ----------
        index : array (count,)
            ``unit * count + lane`` of the unit shown in each lane; read anew at each call.
        source : array (units, runs) or (post, units, runs)
        out : array (runs,) or (post, runs)
        """
        flat, axis, into = self._cells(source, joined=True), source.ndim - 2, self._cells(out)
        return lambda: flat.take(index, axis, into, "clip")  # "clip" writes straight into `out`

    def writer(self, index: NDArray[np.int64], target: Array, values: Array) -> Move:
        """Return a function that copies `values` to where `index` points in `target` (shapes as in `reader`)."""
        cells, given = self._cells(target, joined=True), self._cells(values)
        if target.ndim == 2:
            return lambda: cells.__setitem__(index, given)
        flat, place = cells.reshape(-1), np.empty(given.shape, dtype=np.int64)
        # Flat places, one index for rows and cells together; what `index` holds changes from call to call.
        first = np.arange(len(cells), dtype=np.int64)[:, None] * cells.shape[1]

        def write() -> None:
            np.add(first, index, out=place)
            flat[place] = given

        return write

    def _cells(self, array: Any, *, joined: bool = False) -> Any:
        """Return a view in which each lane is one cell that is copied whole; `joined` runs units and lanes together."""
        *lead, units, _ = array.shape if array.ndim > 1 else (1, array.shape[0])
        cells = array
        if self.length > 1:
            # One opaque cell for a lane: NumPy then copies it in one go, and no bit of a number is interpreted.
            cells = array.reshape(*lead, units, self.count, self.length).view(f"V{8 * self.length}")[..., 0]
        if joined:
            return cells.reshape(*lead, units * self.count)
        return cells.reshape(*array.shape[:-1], self.count)
