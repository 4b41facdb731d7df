"""A rule in an installed package: commands know it by its entry point, and worker processes too."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from commands import ROOT, SMALL, answer, process

import workbench

README = (ROOT / "README.md").read_text(encoding="utf-8")
MINE = SMALL.replace('rule = "hebb"\nstabiliser = "oja"', 'rule = "covariance"').replace(
    "rate = 0.002", "rate = 0.0002"
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder as pip leaves it: the README's own rule as a module, and the metadata of its package."""
    code = next(block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "components=" in block)
    place = tmp_path / "site"
    metadata = place / "mymodels-0.1.dist-info"
    metadata.mkdir(parents=True)
    (place / "mymodels.py").write_text(code.partition("\n\ntext = ")[0], encoding="utf-8")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mymodels\nVersion: 0.1\n", encoding="utf-8")
    points = "[workbench.components]\ncovariance = mymodels:Covariance\n"
    (metadata / "entry_points.txt").write_text(points, encoding="utf-8")
    return place


def test_an_installed_rule_is_described_and_swept_by_several_workers(site: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MINE, encoding="utf-8")
    installed = {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    told = process("describe", "covariance", cwd=tmp_path, **installed)
    assert told.returncode == 0 and "dW_ji = rate * (y_j - usual) x_i" in told.stdout
    done = process("sweep", "mine.toml", "--db", "mine.db", "--workers", "2", "--json", cwd=tmp_path, **installed)
    assert done.returncode == 0, done.stderr
    said = answer(done)
    assert (said["workers"], said["failed"], said["missing"]) == (2, 0, 0) and said["stored"] > 0
    kept = workbench.open_results(tmp_path / "mine.db").provenance()["key"]
    assert not kept.str.startswith("unpackaged").any()


def test_where_it_is_not_installed_the_scenario_names_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MINE, encoding="utf-8")
    done = process("check", "mine.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert (
        'plasticity.input_output.rule: unknown rule "covariance" (one of: bcm, cubic, hebb, rate_error, spike_balance, tag_and_capture, two_sided)'
        in done.stderr
    )
