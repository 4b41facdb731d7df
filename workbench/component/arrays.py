"""Array types, and arithmetic whose bits do not depend on whether a value is one number or one for each run.

What a step does on every trial costs by the call as much as by the number: 0.3 us where NumPy finds arrays, 0.2 more
where it must make one of a float, 0.7 more where a Python function stands before the compiled one.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray


def power(base: Value, exponent: Value, out: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Return ``base ** exponent``.

    For a lone exponent of 2, 1/2 or -1 NumPy takes a product, a root or a quotient, which differ in the last
    bit from the power that it computes where exponents come as an array; a run would depend on whether its
    neighbours share its exponent. So the exponent is always spread out.
    """
    shape = np.broadcast_shapes(np.shape(base), np.shape(exponent))
    spread = np.broadcast_to(exponent, shape or (2,)).astype(np.float64)
    result: NDArray[np.float64] = np.power(base, spread, out=out)
    return result if shape else result[0]


Array = NDArray[np.float64]
"""Numbers, runs last."""
Value = float | Array
"""A parameter: one number for all runs, or one for each, ``(runs,)``."""


def operand(value: Value) -> Any:
    """Return a parameter as a step on every trial multiplies by it: a float as an array without axes.

    An array is returned itself, so that what moves it still does.
    """
    return np.array(value) if isinstance(value, float) else value


ZERO, ONE = operand(0.0), operand(1.0)
"""For steps on every trial."""


def _compiled(name: str, public: Any) -> Any:
    """Return what a public function of NumPy calls in the end; the function itself where NumPy has moved it."""
    try:
        return getattr(import_module("numpy._core._multiarray_umath"), name, public)
    except ImportError:  # private: a later NumPy owes it to nobody, and both give the same bits
        return public


clip: Any = _compiled("clip", np.clip)
einsum: Any = _compiled("c_einsum", np.einsum)
"""For steps on every trial."""


EXCHANGED = 3
"""Up to this many arrays are sorted by exchanges."""


def in_order(parts: Sequence[Any]) -> Sequence[Array]:
    """Return arrays sorted, run by run: a few by exchanges, which take a third of the time of a sort."""
    if len(parts) > EXCHANGED:
        return list(np.sort(np.stack(np.broadcast_arrays(*parts)), axis=0))
    found = [*parts]
    for last in range(1, len(found)):
        for i in range(last, 0, -1):
            found[i - 1], found[i] = np.minimum(found[i - 1], found[i]), np.maximum(found[i - 1], found[i])
    return found


def unordered(parts: Sequence[Any]) -> Any:
    """Return a sum that does not depend on the order of its terms, to the last bit."""
    if len(parts) < 3:
        return sum(parts)
    ordered = np.sort(np.stack(np.broadcast_arrays(*parts)), axis=0)
    found = np.add.reduce(ordered, axis=0)
    return float(found) if np.ndim(found) == 0 else found


def select_runs(value: Any, runs: NDArray[np.intp]) -> Any:
    """Return a number of some runs: a plain one as it is, an array by its last axis."""
    spread = isinstance(value, np.ndarray) and value.ndim and value.shape[-1] != 1
    return value[..., runs] if spread else value
