"""Ignorance of the parameters: how a comparison moves when everything assumed or fitted moves over its range.

Read from a study that spreads its points by design (Latin hypercube or Sobol). Each point is one plausible set of
parameters; a comparison's value there is the mean difference over the same few subjects in both arms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.selection import Selection

ENDS = (5, 95)
"""Percentiles over the parameter sets that are shown as the range."""


@dataclass(frozen=True)
class Plausible:
    """One comparison of one outcome over plausible parameter sets.

    `differences` (arm minus its baseline) has one value a point; `toward` is the share of points at which the arm does
    better, NaN for an outcome without direction. `drivers` are rows path, rho: Spearman's rank correlation between a
    swept number and the difference, the strongest first.
    """

    study: str
    outcome: str
    arm: str
    baseline: str
    differences: np.ndarray[tuple[int], np.dtype[np.float64]]
    toward: float
    drivers: pd.DataFrame

    @property
    def points(self) -> int:
        """Number of parameter sets."""
        return len(self.differences)

    @property
    def one_way(self) -> bool:
        """Whether the difference has one sign over all parameter sets (an outcome needs no better direction for it)."""
        return bool((self.differences > 0).all() or (self.differences < 0).all())

    @property
    def range(self) -> tuple[float, float]:
        """The 5th and 95th percentile of the difference."""
        low, high = np.percentile(self.differences, ENDS)
        return float(low), float(high)

    @property
    def notable(self) -> float:
        """The rank correlation that chance alone hardly gives: three standard errors for unrelated numbers."""
        return float(3.0 / np.sqrt(self.points - 1))

    @property
    def middle(self) -> float:
        """The median difference."""
        return float(np.median(self.differences))


def designs(selection: Selection) -> list[str]:
    """Return the studies that spread plausible parameters by design and have stored runs, in the file's order."""
    declared = selection.scenario.get("study", {})
    run = set(selection.progress[selection.progress.stored > 0].study)
    return [name for name, study in declared.items() if isinstance(study, dict) and study.get("design") and name in run]


def plausible(selection: Selection, study: str, outcome: str) -> list[Plausible]:
    """Return every comparison that `study` allows, arms in the file's order; points with a failed run are left out."""
    rows = selection.sql(
        "select arm, point, avg(value) as mean, count(*) as n from outcomes"
        " where sweep = :sweep and study = :study and outcome = :outcome group by arm, point",
        study=study,
        outcome=outcome,
    )
    means = rows.pivot(index="point", columns="arm", values="mean")
    counts = rows.pivot(index="point", columns="arm", values="n")
    better = selection.measure("outcome", outcome)["better"]
    swept = _swept(selection, study)
    found = []
    for arm, base in selection.arms.baseline.items():
        if arm not in means or base not in means:
            continue
        whole = (counts[arm] == counts[arm].max()) & (counts[base] == counts[base].max())
        difference = (means[arm] - means[base])[whole].dropna()
        if len(difference) < 2:
            continue
        gain = difference if better == "higher" else -difference
        toward = float((gain > 0).mean()) if better else float("nan")
        values = difference.to_numpy(dtype=np.float64)
        found.append(Plausible(study, outcome, str(arm), str(base), values, toward, _drivers(swept, difference)))
    return found


def _swept(selection: Selection, study: str) -> pd.DataFrame:
    """Return the numbers of each point: points down, paths across."""
    rows = selection.axes[(selection.axes.study == study) & selection.axes.number.notna()]
    return rows.pivot(index="point", columns="path", values="number").astype(float)


def _drivers(swept: pd.DataFrame, difference: pd.Series[float]) -> pd.DataFrame:
    """Return path and rank correlation with the difference, the strongest first."""
    import pandas as pd

    at = swept.loc[difference.index]
    ranks = difference.rank()
    rho = {path: float(at[path].rank().corr(ranks)) for path in at} if difference.nunique() > 1 else {}
    frame = pd.DataFrame({"path": list(rho), "rho": list(rho.values())}, columns=["path", "rho"]).dropna()
    order = frame["rho"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)
