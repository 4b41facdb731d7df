"""Ignorance of the parameters: how a comparison moves when everything assumed or fitted moves over its range.

Read from a study that spreads its points by design (Latin hypercube or Sobol). Each point is one plausible set of
parameters; a comparison's value there is the mean difference over the same few subjects in both arms.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.terms import ENOUGH_SETS, FEWEST_PEOPLE

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.selection import Selection

ENDS = (5, 95)
"""Percentiles over the parameter sets that are shown as the range."""


@dataclass(frozen=True)
class Plausible:
    """One comparison of one outcome over plausible parameter sets.

    `differences` (arm minus its baseline; of an `interaction` the term itself) has one value a set, `sets` their
    points in the study; `people` is how many subjects each set was run with, `rate` whether each of them is only 0
    or 1; `better` the direction that is better, "" where there is none. `drivers` are rows path, rho: Spearman's rank
    correlation between a swept number and the difference, the strongest first.
    """

    study: str
    outcome: str
    arm: str
    baseline: str
    differences: np.ndarray[tuple[int], np.dtype[np.float64]]
    sets: np.ndarray[tuple[int], np.dtype[np.int64]]
    people: int
    rate: bool
    better: str
    drivers: pd.DataFrame
    interaction: str = ""

    @property
    def points(self) -> int:
        """Number of parameter sets."""
        return len(self.differences)

    @property
    def gains(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """The differences with their sign turned where lower is better."""
        return -self.differences if self.better == "lower" else self.differences

    @property
    def toward(self) -> float:
        """The share of sets in which the arm does better, by sign alone; NaN for an outcome without direction."""
        return float((self.gains > 0).mean()) if self.better else float("nan")

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

    def clearly(self, smallest: float) -> tuple[int, int, int]:
        """Return in how many sets the arm is better, and worse, by at least `smallest`, and in how many neither."""
        near = smallest * (1.0 - 1e-9)
        better, worse = int((self.gains >= near).sum()), int((self.gains <= -near).sum())
        return better, worse, self.points - better - worse

    def without(self, own: float | None = None) -> str:
        """Say why this has no range to be printed; "" where it has one. `own` is the shipped set's own figure."""
        if self.rate and self.people < FEWEST_PEOPLE:
            return f"no range: a rate needs {FEWEST_PEOPLE} people a set, here are {self.people}"
        low, high = self.range
        if own is not None and not low <= own <= high and self.points < ENOUGH_SETS:
            return f"no range: the shipped set lies outside the middle of the {self.points} sets"
        return ""

    def among(self, sets: Collection[int]) -> Plausible:
        """Return the same over some of the sets."""
        kept = np.isin(self.sets, list(sets))
        return replace(self, differences=self.differences[kept], sets=self.sets[kept])


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
    rate = _rate(selection, study, outcome)
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
        found.append(
            Plausible(
                study, outcome, str(arm), str(base), difference.to_numpy(dtype=np.float64),
                difference.index.to_numpy(dtype=np.int64), int(counts[arm].max()), rate, str(better),
                _drivers(swept, difference),
            )
        )  # fmt: skip
    return found


def plausible_interaction(
    selection: Selection, study: str, name: str, outcome: str, arms: tuple[str, ...]
) -> Plausible | None:
    """Return a declared interaction over the sets of `study`; None where the study lacks one of the four arms."""
    rows = selection.values(study, outcome)
    table = rows[rows.arm.isin(arms)].pivot(index=["point", "subject"], columns="arm", values="value").dropna()
    if not set(arms) <= set(table.columns) or table.empty:
        return None
    both, first, second, neither = (table[arm].astype(float) for arm in arms)
    terms = ((both - first) - (second - neither)).groupby(level="point")
    whole = terms.size() == terms.size().max()
    difference = terms.mean()[whole]
    if len(difference) < 2:
        return None
    return Plausible(
        study, outcome, arms[0], "", np.asarray(difference, dtype=np.float64),
        difference.index.to_numpy(dtype=np.int64), int(terms.size().max()), _rate(selection, study, outcome),
        str(selection.measure("outcome", outcome)["better"]), _drivers(_swept(selection, study), difference), name,
    )  # fmt: skip


def _rate(selection: Selection, study: str, outcome: str) -> bool:
    """Return whether the outcome is yes or no in every subject, so that its mean is a rate."""
    return bool(selection.values(study, outcome)["value"].isin([0.0, 1.0]).all())


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
