"""A rule in an installed package: commands know it by its entry point, and worker processes too."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest
from support.commands import ROOT, SMALL, answer, process
from support.commands import workbench as workbench_command

import workbench
from workbench.analysis.selection import select
from workbench.component.registry import registry
from workbench.report.content import Page

PAGE = (ROOT / "docs" / "guide" / "extend.md").read_text(encoding="utf-8")
MINE = SMALL.replace('rule = "hebb"\nstabiliser = "oja"', 'rule = "covariance"').replace(
    "rate = 0.002", "rate = 0.0002"
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder as pip leaves it: the guide's own rule as a module, and the metadata of its package."""
    code = next(block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "components=" in block)
    place = tmp_path / "site"
    metadata = place / "mymodels-0.1.dist-info"
    metadata.mkdir(parents=True)
    (place / "mymodels.py").write_text(code.partition("\n\ntext = ")[0], encoding="utf-8")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mymodels\nVersion: 0.1\n", encoding="utf-8")
    project = tomllib.loads(re.findall(r"```toml pyproject.toml\n(\[project\]\n.*?)```", PAGE, re.DOTALL)[0])["project"]
    listed = project["entry-points"]["workbench.components"]
    points = "".join(["[workbench.components]\n", *(f"{name} = {value}\n" for name, value in listed.items())])
    (metadata / "entry_points.txt").write_text(points, encoding="utf-8")
    return place


def edit(site: Path, old: str, new: str) -> None:
    """Change the package's module where it is installed."""
    module = site / "mymodels.py"
    text = module.read_text(encoding="utf-8")
    assert old in text
    module.write_text(text.replace(old, new), encoding="utf-8")


def test_an_installed_rule_is_described_and_swept_by_several_workers(site: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MINE, encoding="utf-8")
    installed = {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    told = process("describe", "covariance", cwd=tmp_path, **installed)
    assert told.returncode == 0 and "dW_ji = rate * (y_j - usual) x_i" in told.stdout
    done = process("sweep", "mine.toml", "--db", "mine.db", "--workers", "2", "--json", cwd=tmp_path, **installed)
    assert done.returncode == 0, done.stderr
    said = answer(done)
    assert (said["workers"], said["failed"], said["missing"]) == (2, 0, 0) and said["stored"] > 0
    kept = workbench.open_results(tmp_path / "mine.db").provenance().set_index("key")["value"]
    assert not kept.index.str.startswith("unpackaged").any()
    assert kept["offered.plasticity.covariance"].startswith("mymodels 0.1, source sha256 ")


def test_the_schema_for_editors_and_the_checks_know_its_fields(site: Path, tmp_path: Path) -> None:
    installed = {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    printed = process("schema", cwd=tmp_path, **installed)
    assert '"covariance"' in printed.stdout and '"usual"' in printed.stdout
    slips = MINE.replace("rate = 0.0002", "rate = 11.0\nusul = 0.1")
    (tmp_path / "slips.toml").write_text(slips, encoding="utf-8")
    done = process("check", "slips.toml", cwd=tmp_path, **installed)
    line = slips.splitlines().index("rate = 11.0") + 1
    assert done.returncode == 2
    assert f"slips.toml:{line}:8: plasticity.input_output.rate: 11.0 is out of range" in done.stderr
    assert f"slips.toml:{line + 1}:1: plasticity.input_output.usul: unknown key" in done.stderr
    assert 'did you mean "usual"?' in done.stderr


def test_where_it_is_not_installed_the_scenario_names_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MINE, encoding="utf-8")
    done = process("check", "mine.toml", cwd=tmp_path)
    assert done.returncode == 2
    known = ", ".join(registry().names("plasticity"))
    assert f'plasticity.input_output.rule: unknown rule "covariance" (one of: {known})' in done.stderr
    assert "entry points workbench.components) is known once that package is installed" in done.stderr


def test_an_edited_rule_is_computed_anew_and_replay_says_what_has_changed(site: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MINE, encoding="utf-8")
    installed = {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}

    def swept() -> tuple[int, int]:
        said = answer(
            process("sweep", "mine.toml", "--db", "mine.db", "--workers", "1", "--json", cwd=tmp_path, **installed)
        )
        return said["stored"], said["reused"]

    first = swept()
    assert first[0] > 0 and swept() == (0, 30)
    edit(site, "change[:, None]", "2.0 * change[:, None]")
    replayed = process("replay", "mine.db", "--run", "1", cwd=tmp_path, **installed)
    assert replayed.returncode == 5 and "DIFFERENT" not in replayed.stdout
    assert "plasticity 'covariance' has changed since the runs were stored" in replayed.stderr
    assert "(mymodels 0.1 then, mymodels 0.1 now)" in replayed.stderr
    assert swept() == first


def test_a_rule_that_fails_while_solving_is_named_with_its_package(site: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MINE, encoding="utf-8")
    installed = {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    edit(site, "change[:, None]", "chnage[:, None]")
    for workers in ("1", "2"):
        done = process("sweep", "mine.toml", "--db", "mine.db", "--workers", workers, cwd=tmp_path, **installed)
        last = done.stderr.splitlines()[-1]
        assert done.returncode == 3 and "bug of ours" not in done.stderr
        assert last.startswith("error: plasticity 'covariance' of the package mymodels 0.1 failed: NameError: ")
        assert "mymodels.py, line " in last


def test_a_broken_package_stops_only_what_needs_it(site: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MINE, encoding="utf-8")
    (tmp_path / "oja.toml").write_text(SMALL, encoding="utf-8")
    installed = {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    edit(site, "import workbench\n", "import workbench\nimport no_such_module\n")
    fault = "mymodels 0.1: entry point covariance: ModuleNotFoundError: No module named 'no_such_module'"
    checked = process("check", "oja.toml", cwd=tmp_path, **installed)
    assert checked.returncode == 0
    assert checked.stderr.splitlines() == [f"warning: {fault}; its component is left out"]
    refused = process("check", "mine.toml", cwd=tmp_path, **installed)
    assert refused.returncode == 2
    assert 'rule "covariance" is offered by mymodels 0.1, which is broken: ModuleNotFoundError' in refused.stderr
    listed = process("doctor", cwd=tmp_path, **installed)
    assert listed.returncode == 3 and f"broken: {fault}" in " ".join(listed.stdout.split())


def test_without_its_package_the_page_and_the_commands_say_whose_the_rule_was(site: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MINE, encoding="utf-8")
    installed = {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    process("sweep", "mine.toml", "--db", "mine.db", "--workers", "1", cwd=tmp_path, **installed)
    told = 'plasticity.input_output.rule: rule "covariance" belongs to mymodels 0.1, which is not installed'
    assert told in workbench_command("sweep", "mine.toml", "--db", "mine.db", cwd=tmp_path).stderr
    assert told in workbench_command("replay", "mine.db", "--run", "1", cwd=tmp_path).stderr
    page = workbench.build_report(tmp_path / "mine.db", tmp_path / "mine.html").read_text(encoding="utf-8")
    assert (
        "Not installed where this page was made: plasticity “covariance” of mymodels 0.1 (used as input output)."
        in page
    )
    tables = {table.name: table for table in Page(select(tmp_path / "mine.db")).method_tables}
    assert ("input output", "covariance (not installed: mymodels 0.1)") in [
        r[:2] for r in tables["model_plasticity"].rows
    ]
    assert tables["equations"].rows[-1][0].startswith("Not installed here: plasticity “covariance” of mymodels 0.1")
