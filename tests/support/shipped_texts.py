"""What shipped scenarios say, with all that they take from their bases."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from workbench.component.registry import registry
from workbench.findings.parser import Draft, read_drafts
from workbench.scenario.base import read_merged
from workbench.scenario.shipped_files import data_folder, scenarios_folder


@cache
def whole_text(file: Path) -> str:
    """Return the text of a scenario with its base, and a table for each that a list stands for."""
    return read_merged(file, registry()).text


def shipped_text(name: str) -> str:
    """Return that of a shipped scenario, such as ``rules/oja``."""
    return whole_text(scenarios_folder() / f"{name}.toml")


def shipped_content(name: str) -> dict[str, Any]:
    """Return it as plain tables."""
    return tomllib.loads(shipped_text(name))


@cache
def shipped_drafts() -> tuple[Draft, ...]:
    """Return the shipped findings as they are written."""
    return tuple(read_drafts(data_folder() / "findings"))
