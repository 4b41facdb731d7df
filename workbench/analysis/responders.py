"""The share of simulated subjects whose outcome is at least X % better than under their own baseline arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.selection import Selection

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
