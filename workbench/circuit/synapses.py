"""Some synapses of a block: which they are, and what holds for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.arrays import Array

Pairs = tuple["NDArray[np.intp]", "NDArray[np.intp]"]
"""Synapses of a block by their cues and their runs, ``(synapses,)`` each."""
Shares = Callable[["Array", "Array", "Pairs | None"], "Array"]
"""Weights to the share of each channel, written into the second array; the third says which synapses these are."""


def picked(value: Any, runs: NDArray[np.intp]) -> Any:
    """Return a number of some runs: a plain one as it is, an array by its last axis."""
    return value[..., runs] if isinstance(value, np.ndarray) and value.shape[-1:] != (1,) else value
