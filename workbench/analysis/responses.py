"""Who has responded, counted as a trial counts: in each arm, each person against their own earlier outcome there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.aims import Aim
    from workbench.analysis.selection import Selection


@dataclass(frozen=True)
class Responses:
    """How many of the `n` people in each of two arms responded: better than `before` by the share `by`."""

    aim: Aim
    before: str
    by: float
    arms: tuple[str, str]
    n: tuple[int, int]
    responded: tuple[int, int]

    @property
    def shares(self) -> tuple[float, float]:
        """The share of responders in each arm."""
        first, second = (k / n for k, n in zip(self.responded, self.n, strict=True))
        return first, second


def responses(selection: Selection, study: str, aim: Aim) -> Responses | None:
    """Return who responded in the two arms of `aim`; None where it does not say what a response is, or nobody ran.

    Everybody with both outcomes counts, those who cannot respond included; nobody is compared with another arm.
    """
    before, by = str(aim.response.get("before", "")), float(aim.response.get("by", 0.0))
    better = str(selection.measure("outcome", aim.outcome)["better"])
    if not before or before not in selection.outcomes_named() or not better:
        return None
    counts = []
    for arm in aim.pair:
        start, end = (_values(selection, study, outcome, arm) for outcome in (before, aim.outcome))
        both = start.index.intersection(end.index)
        first, last = start[both].to_numpy(dtype=np.float64), end[both].to_numpy(dtype=np.float64)
        change = (first - last) if better == "lower" else (last - first)
        # A change of exactly the share counts, whatever binary makes of it.
        counts.append((len(both), int((change >= by * np.abs(first) * (1.0 - 1e-9)).sum())))
    (n, k), (m, other) = counts
    return Responses(aim, before, by, aim.pair, (n, m), (k, other)) if n and m else None


def _values(selection: Selection, study: str, outcome: str, arm: str) -> pd.Series[float]:
    rows = selection.values(study, outcome)
    return rows[(rows.arm == arm) & (rows.point == 0)].set_index("subject")["value"]
