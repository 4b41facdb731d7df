"""The first sentence of the page follows what the files say may be: a wider assumed range makes a wider sentence."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from workbench import run_sweep
from workbench.analysis.selection import select
from workbench.report.ground import Ground
from workbench.report.statements.opening import assumed_ranges, finding
from workbench.scenario.shipped_files import data_folder, scenarios_folder

ASSUMED = 'value = 0.08\nrange = [0.04, 0.12]\nstatus = "assumed"'


def said(folder: Path, written: str) -> tuple[str, str]:
    """Return finding and range of dystonia in a folder where that assumption reads `written`; few sets and patients."""
    folder.mkdir()
    shutil.copy(data_folder() / "references.bib", folder)
    text = (data_folder() / "parameters" / "dystonia-1.toml").read_text(encoding="utf-8")
    assert text.count(ASSUMED) == 1
    (folder / "dystonia-1.toml").write_text(text.replace(ASSUMED, written), encoding="utf-8")
    scenario = (scenarios_folder() / "dystonia.toml").read_text(encoding="utf-8")
    swept = re.compile(r"\[study\.(balance_by_tone|task_structure|shared_row)\].*?(?=\n\[study\.[a-z_]+\]\n|\Z)", re.S)
    scenario = swept.sub("", scenario).replace("n = 120", "n = 16")
    shared = '[population.context]\ntitle = "What all cues share"\nkind = "source"\n'  # read in the task's study alone
    scenario = scenario.replace(shared, "")
    (folder / "dystonia.toml").write_text(scenario, encoding="utf-8")
    done = run_sweep(
        folder / "dystonia.toml", folder / "a.db", arms=["healthy", "dyt1", "dyt1_thp30"], subjects=2, workers=0
    )
    ground = Ground(select(done.db))
    return finding(ground)[0], assumed_ranges(ground)


def test_widening_an_assumed_range_changes_the_sentence(tmp_path: Path) -> None:
    narrow = said(tmp_path / "a", ASSUMED)
    wide = said(tmp_path / "b", ASSUMED.replace("[0.04, 0.12]", "[0.005, 0.5]"))
    assert "over 16 sets of parameters" in narrow[1]
    assert narrow[1] != wide[1] and narrow[0] == wide[0]  # the shipped set itself is the same
