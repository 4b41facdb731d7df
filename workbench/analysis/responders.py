"""Who responds: shares of a hundred, counts as in a trial, and people better than under their own baseline arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.paired import differences_without_rounding
from workbench.analysis.sensitivity import pair_values

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from workbench.analysis.aims import Aim
    from workbench.analysis.selection import Selection


RELATIVE = 0.25
"""Where the scenario names no smallest difference, a change of a quarter is told apart from a smaller one."""
CLASSES = ("clearly better", "better by less", "the same", "worse by less", "clearly worse")


@dataclass(frozen=True)
class Shares:
    """Counts of subjects by class and the same of a hundred; `cut` is the size that makes a change a clear one."""

    aim: Aim
    n: int
    counts: tuple[int, ...]
    of_hundred: tuple[int, ...]
    cut: float
    relative: bool


def shares(selection: Selection, study: str, aim: Aim) -> Shares | None:
    """Return how many subjects do better, the same or worse in an arm than in the other; None without pairs."""
    both = pair_values(selection, study, aim)
    better = selection.measure("outcome", aim.outcome)["better"]
    values = both[both.index.get_level_values("point") == 0].to_numpy(dtype=np.float64)
    if not len(values) or not better:
        return None
    gain = differences_without_rounding(values) * (-1.0 if better == "lower" else 1.0)
    relative = aim.least is None
    cut = RELATIVE if aim.least is None else aim.least
    limit = cut * np.abs(values[:, 1]) if relative else np.full(len(values), cut)
    near = 1e-9 * np.maximum(limit, 1.0)  # a change of exactly the cut counts, whatever binary makes of it
    much = limit > 0
    classes = (
        (gain >= limit - near) & much & (gain > 0),
        (gain > 0) & ~((gain >= limit - near) & much),
        gain == 0,
        (gain < 0) & ~((-gain >= limit - near) & much),
        (-gain >= limit - near) & much & (gain < 0),
    )
    counts = tuple(int(c.sum()) for c in classes)
    return Shares(aim, len(values), counts, of_hundred(counts), cut, relative)


def of_hundred(counts: tuple[int, ...]) -> tuple[int, ...]:
    """Return whole shares of a hundred that add up, by largest remainder; earlier classes win ties.

    >>> of_hundred((1, 1, 1))
    (34, 33, 33)
    """
    total = sum(counts)
    if not total:
        return tuple(0 for _ in counts)
    exact: NDArray[np.float64] = np.array(counts) * 100.0 / total
    whole = np.floor(exact).astype(int)
    # Largest remainders: rounding each share by itself may give 99 or 101 people.
    for place in np.argsort(-(exact - whole), kind="stable")[: 100 - int(whole.sum())]:
        whole[place] += 1
    return tuple(int(n) for n in whole)


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
    better = str(selection.measure("outcome", aim.outcome)["better"])
    if aim.response is None or aim.response.before not in selection.outcomes_named() or not better:
        return None
    before, by = aim.response.before, float(aim.response.by)
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


THRESHOLDS = (15, 20, 25, 30, 35, 40, 45, 50)


def responders(
    selection: Selection, study: str, outcome: str, thresholds: tuple[int, ...] = THRESHOLDS
) -> pd.DataFrame:
    """Return arm, baseline, threshold (%), n, responders and share, one row per arm with a baseline and threshold.

    Better is lower or higher as the outcome declares; an outcome without direction gives no row. A relative change
    needs a positive baseline: other subjects are counted in `left_out` instead of `n`, as are those with a failed run.
    """
    import pandas as pd

    columns = ["arm", "baseline", "threshold", "n", "responders", "share", "left_out"]
    better = selection.measure("outcome", outcome)["better"]
    values = selection.values(study, outcome)
    values = values[values.point == 0]
    table = pd.DataFrame({arm: group.set_index("subject")["value"] for arm, group in values.groupby("arm")})
    rows = []
    for arm, base in selection.arms.baseline.items() if better else ():
        if base and base in table and arm in table:
            both = table[[arm, base]].dropna()
            both = both[both[base] > 0]
            change = (both[arm] / both[base] - 1).to_numpy() * (-100 if better == "lower" else 100)
            for least in thresholds:
                # A drop of exactly X % must count although 1 - 0.85 is not 0.15 in binary.
                hits = int(np.sum(change >= least - 1e-9))
                share = hits / len(change) if len(change) else None
                rows.append((arm, base, least, len(change), hits, share, len(table) - len(change)))
    return pd.DataFrame(rows, columns=columns).astype({"share": "Float64"})
