"""Moments on a clock that runs in hours: when two moments count as one, and how hours are rounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from workbench.component.arrays import Value

TOGETHER = 1e-9
"""Hours within which two moments are one."""


def as_float(value: Any) -> Value:
    """Return a float where the value is one number."""
    return value if isinstance(value, float) or value.ndim else float(value)


def round_hours(hours: Any) -> Value:
    """Return hours rounded so that equal lengths compare equal."""
    return as_float(np.rint(hours * 1e11) / 1e11)


def any_nonzero(value: Any) -> bool:
    """Return whether any is true or not 0: `np.any` costs a single number more than all the arithmetic on it."""
    return bool(value) if isinstance(value, float | bool | np.bool_) else bool(value.any())
