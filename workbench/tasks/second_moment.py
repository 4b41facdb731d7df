"""How many units a task may have of which a whole matrix is taken apart: the work grows with their cube."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.circuit.populations import size_of
from workbench.component.tables import Tables

if TYPE_CHECKING:
    from workbench.component.arrays import Array

MOST_INPUTS = 512
"""A refusal takes a second then; it may take two."""


def too_many_inputs(
    fields: Mapping[str, Any], tables: Tables, field: str = "inputs", most: int = MOST_INPUTS
) -> Iterable[tuple[str, str]]:
    """Yield that a task has more units in the population that `field` names than can be taken apart."""
    if (size := size_of(tables, fields[field])) > most:
        message = f"has {size:,} units, and a matrix of all pairs of them is taken apart: {most:,} at most"
        yield field, f"{fields[field]} {message}"


def is_known(task: Mapping[str, Any], tables: Tables) -> bool:
    """Return whether the second moment of what a task shows may be asked for."""
    return not any(too_many_inputs(task, tables))


def eigenvalues(moment: Array) -> Array:
    """Return the eigenvalues of a second moment, smallest first, read-only."""
    return _eigenvalues(len(moment), moment.tobytes())


@lru_cache(maxsize=4)  # every arm asks for each rule and readout, most of them of the same moment
def _eigenvalues(n: int, moment: bytes) -> Array:
    found = np.asarray(np.linalg.eigvalsh(np.frombuffer(moment, dtype=np.float64).reshape(n, n)), dtype=np.float64)
    found.setflags(write=False)
    return found
