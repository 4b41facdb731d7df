"""Where the shipped scenarios, parameter sets and bibliography lie: in the wheel, or beside the package in a clone."""

from __future__ import annotations

from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


@cache
def share() -> Path:
    """Return the folder that holds ``data/`` and ``scenarios/``."""
    packed = PACKAGE / "_share"
    return packed if packed.is_dir() else PACKAGE.parent
