"""From a dose to its effects: every outcome over one swept dose, and the dose that reaches half of the effect."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.maps import swept_axes
from workbench.quantities import HOURS_PER_DAY

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.selection import Selection
    from workbench.component.arrays import Array


LEVEL = "level"
"""Readout of signals between 0 and 1: half of their effect is 0.5 by definition, whatever doses were tried."""


@dataclass(frozen=True)
class Link:
    """One outcome along the dose in one arm: `values` is (subjects, doses), NaN where a run failed."""

    arm: str
    outcome: str
    doses: Array
    values: Array
    readout: str

    @property
    def absolute(self) -> bool:
        """Whether half of the effect is 0.5 by definition."""
        return self.readout == LEVEL

    @property
    def linear(self) -> bool:
        """Whether it only grows in proportion to the dose, so that half of it says nothing."""
        return self.readout == "concentration"

    @cached_property
    def half(self) -> Array:
        """The dose of each subject that reaches half of the effect, by linear interpolation; NaN where none does."""
        return np.array([_half(self.doses, row, self.absolute) for row in self.values])


@dataclass(frozen=True)
class Chain:
    """All links of a study that sweeps the amount of one dose; `unit` is that of a total a day."""

    study: str
    path: str
    unit: str
    links: tuple[Link, ...]

    @property
    def outcomes(self) -> list[str]:
        """Outcomes in the file's order."""
        return list(dict.fromkeys(link.outcome for link in self.links))


def chain_studies(selection: Selection) -> list[str]:
    """Return the studies that sweep nothing but the amount of one dose."""
    return [str(study) for study in selection.studies.index if _dose_path(selection, str(study))]


def _dose_path(selection: Selection, study: str) -> str:
    paths = selection.paths(study)
    only = paths[0] if len(paths) == 1 else ""
    return only if only.startswith("dose.") and only.endswith(".amount") else ""


def chain(selection: Selection, study: str) -> Chain:
    """Return every outcome of a dose sweep by arm, over the total a day (amount times doses a day)."""
    path = _dose_path(selection, study)
    (axis,) = swept_axes(selection, study)
    rows = selection.sql(
        "select arm, point, subject, outcome, value from outcomes where sweep = :sweep and study = :study", study=study
    )
    places = selection.axes[(selection.axes.study == study) & (selection.axes.path == path)]
    amount = dict(zip(places.point, places.number.astype(float), strict=True))
    links = []
    known = {name: selection.measure("outcome", name) for name in selection.outcomes_named()}
    for arm in [a for a in selection.arms.index if a in set(rows.arm)]:
        times = _doses_a_day(selection, str(arm), path)
        for outcome, measure in known.items():
            mine = rows[(rows.arm == arm) & (rows.outcome == outcome)]
            if mine.empty:  # a study may keep some outcomes only
                continue
            table = mine.pivot(index="subject", columns="point", values="value")
            table = table[sorted(table.columns, key=lambda point: amount[point])]
            doses = np.array([amount[point] * times for point in table.columns])
            links.append(Link(str(arm), outcome, doses, table.to_numpy(dtype=float), str(measure["readout"])))
    order = list(selection.scenario.get("outcome", {}))
    links.sort(key=lambda link: order.index(link.outcome) if link.outcome in order else len(order))
    return Chain(study, path, f"{axis.unit}/day", tuple(links))


def _doses_a_day(selection: Selection, arm: str, path: str) -> float:
    rows = selection.settings
    every = rows[(rows.arm == arm) & (rows.path == path.replace(".amount", ".every"))].number
    return HOURS_PER_DAY / float(every.iloc[0])


def half_effects(found: Chain) -> pd.DataFrame:
    """Return arm, outcome, n, never, and p10, p50, p90 over the subjects who reach half of the effect.

    Links without a dose that does so for anyone are left out.
    """
    import pandas as pd

    rows = []
    for link in found.links:
        if link.linear or np.isnan(link.half).all():
            continue
        reached = link.half[~np.isnan(link.half)]
        ends = np.percentile(reached, [10, 50, 90])
        rows.append((link.arm, link.outcome, len(link.half), len(link.half) - reached.size, *ends))
    return pd.DataFrame(rows, columns=["arm", "outcome", "n", "never", "p10", "p50", "p90"])


def _half(doses: Array, values: Array, absolute: bool) -> float:
    """Return the first dose at which `values` has gone half of its way; NaN if it has no way to go, or never does.

    The way is from the lowest dose to the value farthest from it, or to 1 (`absolute`: half is 0.5).
    """
    known = ~np.isnan(values)
    doses, values = doses[known], values[known]
    if len(values) < 2:
        return float("nan")
    change = values - values[0]
    goal = 0.5 - values[0] if absolute else change[np.argmax(np.abs(change))] / 2
    if goal == 0.0 or (absolute and goal < 0.0):
        return float("nan")
    done = change / goal
    reached = np.flatnonzero(done >= 1.0)
    if not reached.size:
        return float("nan")
    at = int(reached[0])
    share = (1.0 - done[at - 1]) / (done[at] - done[at - 1])
    return float(doses[at - 1] + share * (doses[at] - doses[at - 1]))
