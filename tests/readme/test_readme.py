"""The README says what the programme does: its commands run, its menu is the registry's."""

from __future__ import annotations

import inspect
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from recipes import SECTION
from support.commands import ROOT, answer, workbench
from support.shipped_runs import SCENARIOS, Shipped

import workbench as api
from workbench.cli.describe import menu, named
from workbench.component.registry import registry

README = SECTION.sub("", (ROOT / "README.md").read_text(encoding="utf-8"))
"""All but the recipes, which have tests of their own."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands() -> list[list[str]]:
    lines = [line.partition(" #")[0] for block in blocks("sh") for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("workbench ")]


@pytest.fixture(scope="module")
def folder(shipped: Shipped, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder after the first command of the README; what else its commands would sweep is stored there too."""
    beneath = [name for name in SCENARIOS if name.startswith("rules/")]
    return shipped.copy("dystonia", "dystonia_slice", *beneath, to=tmp_path_factory.mktemp("readme"))


@pytest.mark.parametrize("setting", re.findall(r"`--set (\S+)`", README))
def test_every_setting_that_the_readme_suggests_is_taken(folder: Path, setting: str) -> None:
    done = workbench("sweep", "scenarios/dystonia.toml", "--dry-run", "--set", setting, cwd=folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_of_the_readme_runs(folder: Path, command: list[str]) -> None:
    done = workbench(*command, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def run_as_written(code: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, Any]:
    """Run a block of the README in a module of its own, and return its names."""
    monkeypatch.chdir(folder)
    module = ModuleType("readme")
    monkeypatch.setitem(sys.modules, "readme", module)
    exec(compile(code, "README.md", "exec"), vars(module))  # noqa: S102 - the README is what is tested
    return vars(module)


def test_the_python_of_the_readme_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = (block for block in blocks("python") if "components=" not in block)
    names = run_as_written(code, monkeypatch, folder)
    result = names["result"]
    assert (result.stored, result.missing) == (0, 0) and result.reused == result.expected
    assert names["scenario"].title in names["page"].read_text(encoding="utf-8")
    assert len(names["results"].runs()) == result.expected
    assert set(names["effects"]["study"]) == {"arms"}
    assert len(names["frame"]) == 20
    assert names["again"].equal


def test_the_rule_of_ones_own_runs_and_marks_its_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = (block for block in blocks("python") if "components=" in block)
    result = run_as_written(code, monkeypatch, folder)["result"]
    assert (result.failed, result.missing) == (0, 0) and result.stored > 0
    assert "unpackaged plasticity.covariance" in set(api.open_results(result.db).provenance()["key"])
    hebb = workbench("sweep", "scenarios/rules/hebb.toml", "--json", cwd=folder)
    plain, mine = (api.open_results(folder / db).outcomes() for db in (answer(hebb)["db"], result.db))
    assert np.allclose(plain["value"], mine["value"], rtol=1e-9), "with its usual activity at 0 it is Hebb's rule"


@pytest.mark.parametrize("name", [name for name in api.__all__ if not name.startswith("_")])
def test_every_function_of_the_package_is_in_the_readme_and_says_what_it_does(name: str) -> None:
    function = getattr(api, name)
    assert f"workbench.{name}(" in README
    assert inspect.getdoc(function) and name in dir(api)
    assert function.__module__.startswith("workbench.")


def test_a_run_of_the_whole_sweep_is_replayed_bit_for_bit_from_a_plan_of_that_run_alone(folder: Path) -> None:
    db = folder / "data" / "results" / "dystonia.db"
    runs = api.open_results(db).runs()
    for run in (*runs.groupby("study", observed=True)["run"].median().astype(int), int(runs["run"].max())):
        assert api.replay(db, run, record="declared").equal, run


def test_the_menu_is_that_of_the_registry() -> None:
    table = README.partition("<!-- menu")[2].partition("-->\n")[2].partition("<!-- end of menu")[0].strip()
    assert table == menu(named(registry(), None)), "run: workbench describe --format markdown"


def test_every_shipped_scenario_is_in_the_readme() -> None:
    missing = {f"{name}.toml" for name in SCENARIOS if f"{name}.toml" not in README}
    assert missing == set()


def test_every_command_is_in_the_readme() -> None:
    from workbench.cli.main import app

    names = {command.callback.__name__ for command in app.registered_commands if command.callback}
    assert {name for name in names if f"workbench {name}" not in README} == set()


def test_the_first_screen_has_two_lines_that_set_themselves_up() -> None:
    first, second, *_ = blocks("sh")
    for line in (first, second):
        assert len(line.splitlines()) == 1
        assert line.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert README.index(second) < 2500
