"""The package's own files, parsed once a process for all tests that read code."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import workbench

PACKAGE = Path(workbench.__file__).resolve().parent


@cache
def parsed(file: Path) -> ast.Module:
    """Return the tree of a file."""
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def package_files() -> tuple[Path, ...]:
    """Return all modules of the package."""
    return tuple(sorted(PACKAGE.rglob("*.py")))


def package_trees() -> dict[Path, ast.Module]:
    """Return the tree of each."""
    return {file: parsed(file) for file in package_files()}
