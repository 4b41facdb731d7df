"""One row a point, whatever was swept together or crossed."""

from __future__ import annotations

from pathlib import Path

from support.commands import SMALL, workbench

import workbench as api

ZIPPED = """
[study.pace]
record = false
subjects = 2
arms = ["slow"]
[study.pace.sweep]
"plasticity.input_output.rate" = { values = [0.001, 0.002, 0.004], zip = "pace" }
"phase.learning.trials" = { values = [400, 200, 100], zip = "pace" }
"plasticity.input_output.stabiliser" = { values = ["oja", "none"] }
"""


def test_a_zipped_and_crossed_sweep_has_one_row_a_point(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL + ZIPPED, encoding="utf-8")
    done = workbench("sweep", "small.toml", "--study", "pace", "--db", "a.db", "--workers", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    results = api.open_results(tmp_path / "a.db")
    long, wide = results.points(study="pace"), results.points(study="pace", wide=True)
    assert len(long) == 3 * 6 and len(wide) == 6 and list(wide.point) == list(range(6))
    pairs = zip(wide["plasticity.input_output.rate"], wide["phase.learning.trials"], strict=True)
    assert all(rate * trials == 0.4 for rate, trials in pairs)
    assert set(wide["plasticity.input_output.stabiliser"]) == {"oja", "none"}
    runs = results.runs(study="pace")
    assert len(runs.merge(wide, on=["sweep", "study", "point"])) == len(runs)
