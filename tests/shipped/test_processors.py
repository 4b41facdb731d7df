"""Shipped results on other processors: as near to each other as is stated, and said where they are not."""

from __future__ import annotations

import json
import platform
import tomllib
from pathlib import Path

import pytest
from support import tolerances as tool
from support.commands import SMALL, workbench
from support.processors import here
from support.shipped_texts import whole_text

from workbench.analysis.selection import select
from workbench.execution import tolerances
from workbench.execution.amplification import differences
from workbench.execution.tolerances import AMPLIFIES, Amplified, Rounding
from workbench.report.content import Page
from workbench.report.page import render
from workbench.scenario.shipped_files import scenarios_folder

STATED = tolerances.tolerances()


def test_every_shipped_scenario_states_what_was_measured_and_what_follows() -> None:
    files = {file.stem: file for file in scenarios_folder().rglob("*.toml")}
    assert set(STATED) == set(files)
    for name, stated in STATED.items():
        assert stated.measured <= AMPLIFIES and stated.tolerance == pytest.approx(tool.tolerance_for(stated.measured))
        declared = tomllib.loads(whole_text(files[name]))
        for one in stated.amplified:
            assert one.measured > AMPLIFIES and one.tolerance == pytest.approx(tool.tolerance_for(one.measured))
            assert one.arm in declared["arm"] and one.outcome in declared["outcome"], one


@pytest.mark.slow
def test_three_processors_agree_within_what_is_stated(tmp_path: Path) -> None:
    """The shortest arms of every scenario, and some thousand steps of what is long; the whole is measured by hand."""
    known = here()
    if len(known) < 3:
        pytest.skip(f"three processors cannot be played on a {platform.machine()} that has {[k.name for k in known]}")
    played = [known[0], *known[-2:]] if len(known) < 4 else [known[0], known[1], known[-1]]
    names = sorted(tool.names())
    found = [tool.elsewhere(one, names, tmp_path, "quick") for one in played]
    for one in played:
        kernels, simd = json.loads((tmp_path / f"ran-{one.name}-0.json").read_text(encoding="utf-8"))
        assert kernels and set(kernels) <= set(one.kernels) and not set(one.off) & set(simd.split())
    for name in names:
        stated = STATED[Path(name).name]
        for other in found[1:]:
            for (arm, outcome), share in differences(found[0][name], other[name]).items():
                assert share <= stated.of(arm, outcome), (name, arm, outcome, share)


def test_what_amplifies_rounding_is_said_where_it_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small.toml").write_text(SMALL, encoding="utf-8")
    assert workbench("sweep", "small.toml", "--db", "small.db", "--workers", "1", cwd=tmp_path).returncode == 0
    selection = select(tmp_path / "small.db")

    def said(*amplified: Amplified) -> tuple[str, str]:
        stated = {"small": Rounding("small", 2e-15, 1e-12, amplified)}
        monkeypatch.setattr(tolerances, "tolerances", lambda: stated)
        compared = workbench("compare", "small.db", cwd=tmp_path)
        assert compared.returncode == 0
        return " ".join(compared.stdout.split()), " ".join(render(Page(select(tmp_path / "small.db"))).split())

    compared, page = said()
    assert "rounding" not in compared and "amplifies" not in page and "same on every processor to 1e-12" in page
    compared, page = said(Amplified("fast", "norm", 3e-4, 1e-2))
    (line,) = tolerances.between_processors(selection)
    assert "fast" in line and "3e-04" in line and line in compared and line in page
    assert tolerances.between_processors(selection, ["mean"]) == []
    compared, _ = said(Amplified("gone", "norm", 3e-4, 1e-2))
    assert "rounding" not in compared
