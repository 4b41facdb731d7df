"""Studies that sweep settings: curves along one axis, grids over two, with each arm's own setting as a point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.protocol import arm_settings
from workbench.analysis.selection import own_number, relative_axes
from workbench.analysis.sensitivity import pair_points

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from workbench.analysis.aims import Aim
    from workbench.analysis.selection import Selection


@dataclass(frozen=True)
class SweptAxis:
    """One swept path: its values in order, numeric or words.

    `relative` levels are factors on the arm's own value; `together` names other paths that move along with this one.
    """

    path: str
    unit: str
    levels: tuple[float | str, ...]
    relative: bool
    together: tuple[str, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers, so that an axis can be drawn to scale."""
        return all(isinstance(v, float) for v in self.levels)

    @property
    def logarithmic(self) -> bool:
        """Whether the values are spaced by equal factors."""
        if not self.numeric or len(self.levels) < 3:
            return False
        levels = np.array(self.levels, dtype=np.float64)
        if (levels <= 0).any():
            return False
        return bool(np.allclose(np.diff(np.log(levels)), np.log(levels[1] / levels[0]), rtol=1e-6))


@dataclass(frozen=True)
class Grid:
    """Means of one outcome in one arm over two axes: `mean` and `n` are (len(y), len(x)); NaN where no run finished.

    `own` is the arm's own setting on each axis, None where it has none or it is not a number.
    """

    arm: str
    outcome: str
    unit: str
    x: SweptAxis
    y: SweptAxis
    mean: NDArray[np.float64]
    n: NDArray[np.int64]
    failed: NDArray[np.int64]
    own: tuple[float | str | None, float | str | None]


def swept_axes(selection: Selection, study: str) -> list[SweptAxis]:
    """Return the axes of a study in the order of their paths; paths that always move together are one axis."""
    found: list[SweptAxis] = []
    rows = selection.axes[selection.axes.study == study]
    relative = relative_axes(selection.scenario, study)
    for path, together in _group_linked_paths(rows).items():
        group = rows[rows.path == path]
        levels: tuple[float | str, ...]
        if group.number.notna().all():
            levels = tuple(sorted({float(v) for v in group.number}))
        else:
            levels = tuple(dict.fromkeys(str(v) for v in group.text))
        unit = "" if path in relative else str(group.unit.iloc[0] or "")
        found.append(SweptAxis(path, unit, levels, path in relative, together))
    return found


def _group_linked_paths(rows: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Return the first path of each group of paths that take their levels in step, with the others."""
    steps: dict[tuple[int, ...], list[str]] = {}
    for path, group in rows.groupby("path", sort=True):
        levels = group.number.astype(object).where(group.number.notna(), group.text)
        seen: dict[object, int] = {}
        steps.setdefault(tuple(seen.setdefault(level, len(seen)) for level in levels), []).append(str(path))
    return {paths[0]: tuple(paths[1:]) for paths in steps.values()}


def own_setting(selection: Selection, arm: str, axis: SweptAxis) -> float | str | None:
    """Return where the arm itself stands on an axis: 1 on a relative one, None if it has no such number."""
    return 1.0 if axis.relative else own_number(selection.scenario, arm_settings(selection, arm), axis.path)


def cell_means(selection: Selection, study: str) -> pd.DataFrame:
    """Return arm, point, outcome, n, mean and se (standard error of the mean) of every cell.

    The database aggregates, so that a large sweep is never read row by row.
    `se` is missing where a cell has one run only.
    """
    return selection.kept(("cells", study), lambda: _cell_means(selection, study))


def _cell_means(selection: Selection, study: str) -> pd.DataFrame:
    rows = selection.sql(
        "select arm, point, outcome, count(*) as n, avg(value) as mean, avg(value * value) as square from outcomes"
        " where sweep = :sweep and study = :study group by arm, point, outcome order by arm, point, outcome",
        study=study,
    )
    variance = np.maximum(rows["square"] - rows["mean"] ** 2, 0.0) / (rows["n"] - 1).where(rows["n"] > 1)
    return rows.drop(columns="square").assign(se=np.sqrt(variance).astype("Float64"))


def failed_cells(selection: Selection, study: str) -> pd.DataFrame:
    """Return arm, point and the number of failed runs of every cell that has any."""
    return selection.sql(
        "select arm, point, count(*) as failed from runs where sweep = :sweep and study = :study and status = 'failed'"
        " group by arm, point",
        study=study,
    )


def grids(selection: Selection, study: str, outcome: str) -> list[Grid]:
    """Return one grid per arm of a study with two axes, in the file's order of arms.

    Raises
    ------
    UsageError
        If the outcome is not in the sweep.
    """
    unit = str(selection.measure("outcome", outcome)["unit"])
    x, y = swept_axes(selection, study)
    column, row = _places(selection, study, x), _places(selection, study, y)
    cells = cell_means(selection, study)
    cells = cells[cells.outcome == outcome]
    failures = failed_cells(selection, study)
    found = []
    for arm in [a for a in selection.arms.index if a in set(cells.arm) | set(failures.arm)]:
        mean = np.full((len(y.levels), len(x.levels)), np.nan)
        n, failed = np.zeros(mean.shape, dtype=np.int64), np.zeros(mean.shape, dtype=np.int64)
        mine = cells[cells.arm == arm]
        at = [row[p] for p in mine.point], [column[p] for p in mine.point]
        mean[at], n[at] = mine["mean"], mine["n"]
        lost = failures[failures.arm == arm]
        failed[[row[p] for p in lost.point], [column[p] for p in lost.point]] = lost["failed"]
        own = own_setting(selection, str(arm), x), own_setting(selection, str(arm), y)
        found.append(Grid(str(arm), outcome, unit, x, y, mean, n, failed, own))
    return found


def _places(selection: Selection, study: str, axis: SweptAxis) -> dict[int, int]:
    """Return the place on an axis of each point."""
    order = {value: i for i, value in enumerate(axis.levels)}
    rows = selection.axes[(selection.axes.study == study) & (selection.axes.path == axis.path)]
    values = rows.number if axis.numeric else rows.text
    return {int(point): order[value] for point, value in zip(rows.point, values, strict=True)}


def curves(selection: Selection, study: str) -> pd.DataFrame:
    """Return arm, outcome, place on the axis, value, n, mean and se of a study with one axis."""
    import pandas as pd

    axis = swept_axes(selection, study)[0]
    places = _places(selection, study, axis)
    cells = cell_means(selection, study)
    cells = cells[cells.point.isin(list(places))]
    cells = cells.assign(place=cells.point.map(places), value=[axis.levels[places[p]] for p in cells.point])
    order = {arm: i for i, arm in enumerate(selection.arms.index)}
    cells = cells.assign(order=cells.arm.map(order)).sort_values(["outcome", "order", "place"]).reset_index(drop=True)
    return pd.DataFrame(cells[["arm", "outcome", "place", "value", "n", "mean", "se"]])


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
