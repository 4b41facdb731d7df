"""A comparison over two swept settings: the mean within-subject difference in every cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.maps import Grid, grids
from workbench.analysis.swings import pair_points

if TYPE_CHECKING:
    from workbench.analysis.aims import Aim
    from workbench.analysis.selection import Selection


def pair_grid(selection: Selection, study: str, aim: Aim) -> Grid | None:
    """Return the mean difference over the two axes of a study; None where it lacks an arm of the comparison."""
    if len(pair_points(selection, study, aim)) == 0:
        return None
    by_arm = {grid.arm: grid for grid in grids(selection, study, aim.outcome)}
    if not {aim.arm, aim.against} <= set(by_arm):
        return None
    mine, theirs = by_arm[aim.arm], by_arm[aim.against]
    whole = (mine.n == theirs.n) & (mine.failed == 0) & (theirs.failed == 0)
    mean = np.where(whole, mine.mean - theirs.mean, np.nan)
    failed = mine.failed + theirs.failed
    return Grid(mine.arm, aim.outcome, mine.unit, mine.x, mine.y, mean, np.minimum(mine.n, theirs.n), failed, mine.own)
