"""How much of what is wrong a treatment takes away: the share of the excess over the arm that nothing is wrong with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.analysis.aims import Aim
    from workbench.analysis.selection import Selection


@dataclass(frozen=True)
class Excess:
    """What is removed of the excess of one arm over `reference`, the arm that it is itself compared with.

    `share` is that of the shipped set (1: all of it, 0: nothing, above 1: beyond the reference), of the means `mean`
    of the treated arm, the untreated one and the reference; `shares` those over sets of parameters that leave an
    excess, `none` how many leave none.
    """

    reference: str
    means: tuple[float, float, float]
    share: float
    shares: NDArray[np.float64]
    none: int


def excess(selection: Selection, study: str, sets: str, aim: Aim) -> Excess | None:
    """Return what `aim` removes of the excess; None where its other arm has no reference that does better.

    `study` holds the compared arms, `sets` the study over parameter sets ("" if there is none).
    """
    reference = str(selection.arms.baseline.get(aim.against, "") or "")
    better = str(selection.measure("outcome", aim.outcome)["better"])
    if not reference or not better or reference == aim.arm:
        return None
    arms = (aim.arm, aim.against, reference)
    own = _means(selection, study, aim.outcome, arms)
    sign = 1.0 if better == "lower" else -1.0
    if own.shape[0] == 0 or sign * (own[0, 1] - own[0, 2]) <= 0.0:
        return None
    treated, untreated, whole = (float(v) for v in own[0])
    over = _means(selection, sets, aim.outcome, arms) if sets else np.empty((0, 3))
    wrong = sign * (over[:, 1] - over[:, 2])
    some = wrong > 0.0
    shares = sign * (over[some, 1] - over[some, 0]) / wrong[some]
    share = (untreated - treated) / (untreated - whole)
    return Excess(reference, (treated, untreated, whole), share, shares, int((~some).sum()))


def _means(selection: Selection, study: str, outcome: str, arms: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the mean of each arm at every point at which all of them have finished runs: (points, arms)."""
    rows = selection.values(study, outcome)
    table = rows[rows.arm.isin(arms)].pivot(index=["point", "subject"], columns="arm", values="value")
    table = table.reindex(columns=list(arms)).dropna().astype(float)
    return np.asarray(table.groupby(level="point").mean(), dtype=np.float64).reshape(-1, len(arms))
