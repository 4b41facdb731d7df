"""The README says what the programme does: its commands run, its menu is the registry's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from commands import ROOT, workbench

import workbench as api
from workbench.cli.describe import menu, named
from workbench.declaration import registry

README = (ROOT / "README.md").read_text(encoding="utf-8")
SUBJECTS = 2
"""The shipped sweep in small: every arm, point and outcome, few subjects."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands() -> list[list[str]]:
    lines = [line.partition(" #")[0] for block in blocks("sh") for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("workbench ")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder after the first command of the README, with few subjects."""
    place = tmp_path_factory.mktemp("readme")
    assert workbench("init", ".", cwd=place).returncode == 0
    done = workbench("sweep", "scenarios/dystonia.toml", "--subjects", str(SUBJECTS), cwd=place)
    assert done.returncode == 0, done.stderr
    return place


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_of_the_readme_runs(folder: Path, command: list[str]) -> None:
    done = workbench(*command, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_python_of_the_readme_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (code,) = (block for block in blocks("python") if "import workbench" in block)
    small = code.replace(
        'run_sweep("scenarios/dystonia.toml")', f'run_sweep("scenarios/dystonia.toml", subjects={SUBJECTS})'
    )
    names: dict[str, object] = {}
    exec(compile(small, "README.md", "exec"), names)  # noqa: S102 - the README is what is tested
    assert isinstance(result := names["result"], api.execution.sweep.SweepResult)  # type: ignore[attr-defined]
    assert (result.stored, result.missing) == (0, 0)
    assert len(names["frame"]) == 20  # type: ignore[arg-type]


def test_a_run_of_the_whole_sweep_is_replayed_bit_for_bit_from_a_plan_of_that_run_alone(folder: Path) -> None:
    db = folder / "data" / "results" / "dystonia.db"
    runs = api.open_results(db).runs()
    for run in (*runs.groupby("study", observed=True)["run"].median().astype(int), int(runs["run"].max())):
        assert api.replay(db, run, record="declared").equal, run


def test_the_menu_is_that_of_the_registry() -> None:
    table = README.partition("<!-- menu")[2].partition("-->\n")[2].partition("<!-- end of menu")[0].strip()
    assert table == menu(named(registry(), None)), "run: workbench describe --format markdown"


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
