"""Of a hundred: how many simulated subjects fall into each class, in whole figures that add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.paired import snapped
from workbench.analysis.swings import pair_values

if TYPE_CHECKING:
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
    gain = snapped(values) * (-1.0 if better == "lower" else 1.0)
    relative = aim.smallest is None
    cut = RELATIVE if aim.smallest is None else aim.smallest
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
    for place in np.argsort(-(exact - whole), kind="stable")[: 100 - int(whole.sum())]:
        whole[place] += 1
    return tuple(int(n) for n in whole)
