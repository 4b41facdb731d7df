"""The array types of the numerical rooms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""Numbers, runs last."""
Value = float | Array
"""A parameter: one number for all runs, or one for each, ``(runs,)``."""
