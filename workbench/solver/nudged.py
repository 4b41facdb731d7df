"""The same runs with every number moved by a unit in its last place: what moves much more amplifies rounding.

Processors round products, exponentials and logarithms differently in the last place, which is as if the numbers of a
scenario were other ones by that much. Most outcomes move as little; one that settles by which of two ways a run falls,
or that grows apart exponentially, moves by more the longer it runs, and has other digits on every processor.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.solver.batch import Batch

WHEN = frozenset({"phase", "event", "stimulus", "dose", "session", "assessment"})
"""Sections whose numbers say when something happens: what falls on one moment must stay there."""


def nudged(batch: Batch, seed: int) -> Batch:
    """Return the same runs with each number up or down by a unit in its last place; which way is drawn by `seed`.

    A number that all runs share moves alike in all. Zeros stay: they say that something is absent.
    """
    moved: dict[str, float | NDArray[np.float64]] = {}
    for path, value in batch.values.items():
        if path.partition(".")[0] in WHEN:
            moved[path] = value
            continue
        rng = np.random.default_rng([seed, crc32(path.encode())])
        shape = np.shape(value)
        ways = np.where(rng.random(shape) < 0.5, -np.inf, np.inf)
        found = np.where(np.asarray(value) == 0.0, value, np.nextafter(value, ways))
        moved[path] = found if shape else float(found)
    return replace(batch, values=moved)
