"""How far one comparison moves: over the thirds of a driver's range, and over every study that sweeps settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.aims import Aim
from workbench.analysis.parameter_uncertainty import designs

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.parameter_uncertainty import Plausible
    from workbench.analysis.selection import Selection

FEWEST = 9
"""Fewer parameter sets than this have no thirds worth a median."""


@dataclass(frozen=True)
class Swing:
    """The median difference with a number in the lowest and in the highest third of its range."""

    path: str
    rho: float
    low_third: float
    high_third: float


@dataclass(frozen=True)
class Movement:
    """The smallest and largest mean difference over the points of a study that sweeps settings."""

    study: str
    paths: tuple[str, ...]
    low: float
    high: float


def pair_points(selection: Selection, study: str, aim: Aim) -> pd.Series[float]:
    """Return the mean within-subject difference at every point of a study, by point; empty where it lacks an arm."""
    both = pair_values(selection, study, aim)
    found: pd.Series[float] = (both["value"] - both["base"]).groupby(level="point").mean()
    return found


def pair_values(selection: Selection, study: str, aim: Aim) -> pd.DataFrame:
    """Return `value` and `base` of every subject with both runs, by point and subject; empty if an arm is missing."""
    rows = selection.values(study, aim.outcome)
    rows = rows[rows.arm.isin(aim.pair)]
    table = rows.pivot(index=["point", "subject"], columns="arm", values="value")
    table = table.reindex(columns=[aim.arm, aim.against]).dropna().astype(float)
    return table.set_axis(["value", "base"], axis=1)


def swing(selection: Selection, found: Plausible, path: str, rho: float) -> Swing | None:
    """Return what a number's lowest and highest third make of what was spread over sets; None with too few sets."""
    import pandas as pd

    points = pd.Series(found.differences, index=found.sets)
    rows = selection.axes[(selection.axes.study == found.study) & (selection.axes.path == path)]
    level = rows.set_index("point")["number"].astype(float).reindex(points.index).dropna()
    if len(level) < FEWEST:
        return None
    values = points[level.index]
    low, high = (float(q) for q in np.quantile(level, [1 / 3, 2 / 3]))
    return Swing(path, rho, float(values[level <= low].median()), float(values[level >= high].median()))


def movements(selection: Selection, aim: Aim) -> list[Movement]:
    """Return, for every study on a grid that has both arms and the outcome, how far the comparison moves."""
    found = []
    spread = designs(selection)
    for study in (str(s) for s in selection.studies.index):
        paths = tuple(selection.paths(study))
        if not paths or study in spread:
            continue
        points = pair_points(selection, study, aim)
        if len(points) > 1:
            found.append(Movement(study, paths, float(points.min()), float(points.max())))
    return found
