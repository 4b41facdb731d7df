"""A data frame of points in, a data frame of outcomes out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.execution.simulate import simulate_columns

if TYPE_CHECKING:
    import pandas as pd

    from workbench.scenario.model import Scenario


def simulate(scenario: Scenario | str | Path, points: pd.DataFrame | None = None, **options: Any) -> pd.DataFrame:
    """Simulate every arm of `scenario` at every row of `points`, in memory.

    Parameters
    ----------
    points
        One column for each path (``"plasticity.cortex_d1.balance"``), one row for each point; None is the scenario
        as it stands.
    options
        `arms`, `subjects`, `seed`, `settings`, `components`, `workers` as for `run_sweep`; `workers` is 1 unless given.

    Returns
    -------
    DataFrame
        One row per run: arm, point, subject, the swept values, one column per outcome (NaN where the run failed), and
        the reason of a failure.
    """
    import pandas as pd

    columns = None if points is None else {str(path): points[path].to_list() for path in points.columns}
    return pd.DataFrame(simulate_columns(scenario, columns, **options))
