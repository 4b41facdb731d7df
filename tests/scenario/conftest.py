"""Load the sound scenario, whole or with one thing broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.sound_scenario import PARAMETERS, SOUND

from workbench.errors import Problem, ScenarioError
from workbench.scenario import load_scenario
from workbench.scenario.model import Scenario


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the parameter set."""
    (tmp_path / "parameters").mkdir()
    (tmp_path / "parameters" / "small.toml").write_text(PARAMETERS)
    return tmp_path


@pytest.fixture
def load(folder: Path) -> Callable[..., Scenario]:
    """Load the sound scenario with some text replaced (old, new, old, new ...) and more at its end."""

    def loaded(*changes: str, more: str = "") -> Scenario:
        text = SOUND
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert old in text, f"the sound scenario has no {old!r}"
            text = text.replace(old, new, 1)
        file = folder / "small.toml"
        file.write_text(text + more, encoding="utf-8")
        return load_scenario(file)

    return loaded


@pytest.fixture
def problems(load: Callable[..., Scenario]) -> Callable[..., tuple[Problem, ...]]:
    """Return the problems of the sound scenario with some text replaced; fails if there are none."""

    def found(*changes: str, more: str = "") -> tuple[Problem, ...]:
        with pytest.raises(ScenarioError) as error:
            load(*changes, more=more)
        return error.value.problems

    return found


@pytest.fixture
def problem(problems: Callable[..., tuple[Problem, ...]]) -> Callable[..., Problem]:
    """Return the one problem of the sound scenario with some text replaced."""

    def found(*changes: str, more: str = "") -> Problem:
        (only,) = problems(*changes, more=more)
        return only

    return found
