"""Single runs of a whole shipped sweep, computed again from a plan of that run alone."""

from __future__ import annotations

from support.shipped_runs import Shipped

import workbench


def test_a_run_of_the_whole_sweep_is_replayed_bit_for_bit_from_a_plan_of_that_run_alone(shipped: Shipped) -> None:
    db = shipped.db("dystonia")
    runs = workbench.open_results(db).runs()
    for run in (*runs.groupby("study", observed=True)["run"].median().astype(int), int(runs["run"].max())):
        assert workbench.replay(db, run, record="declared").equal, run
