"""The page on security names tests that exist, and nothing that is read can become code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.commands import ROOT
from support.package_sources import PACKAGE, package_trees

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")

RUNS = {"eval", "exec", "compile", "__import__"}
"""Built-in functions that make code of text."""
READS = {
    "pickle", "marshal", "shelve", "dill", "yaml", "zipfile", "tarfile", "shutil.unpack_archive", "xmlrpc", "socket",
    "ssl", "http", "urllib.request", "ftplib", "smtplib", "requests", "httpx", "ctypes", "os.system", "os.popen",
    "distributed",
}  # fmt: skip
"""Modules and functions that bring code to life, unpack, or reach for the network."""
NEEDED = {
    "workbench/execution/worker.py": {"pickle", "ctypes"},  # between a parent and its own worker, through pipes
    "workbench/execution/process.py": {"pickle"},
    "workbench/cli/lost_pages.py": {"ctypes"},  # the C library's own word for the end of a process
    "workbench/execution/dask_crew.py": {"distributed"},  # to the scheduler that somebody named
    "workbench/execution/dask_workers.py": {"distributed"},  # the same, for types alone
    "workbench/execution/local_cluster.py": {"distributed"},  # on this machine's own address
    "workbench/component/referents.py": {"pickle"},  # asks it for the name of a function's module
}


def used(tree: ast.AST) -> Iterator[str]:
    """Yield what a module imports, and the dotted names that it calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def found(tree: ast.Module) -> set[str]:
    names = set(used(tree))
    return {bad for bad in READS | RUNS if any(name == bad or name.startswith(f"{bad}.") for name in names)}


def test_nothing_that_is_read_can_become_code() -> None:
    there = {path.relative_to(PACKAGE.parent).as_posix(): found(tree) for path, tree in package_trees().items()}
    assert {path: names for path, names in there.items() if names} == NEEDED


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import pickle", {"pickle"}), ("from urllib.request import urlopen", {"urllib.request"}), ("eval('1')", {"eval"}),
        ("import os\nos.system('ls')", {"os.system"}), ("from shutil import unpack_archive", {"shutil.unpack_archive"}),
        ("import re\nre.compile('x')", set()), ("from urllib.parse import quote", set()), ("import http.client", {"http"}),
    ],
)  # fmt: skip
def test_it_would_be_noticed(code: str, names: set[str]) -> None:
    assert found(ast.parse(code)) == names


def test_every_threat_names_tests_that_exist() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10 and all(NAMED.search(row) for row in rows)
    missing = [f"{path}::{name}" for path, name in NAMED.findall(PAGE) if name not in functions(ROOT / path)]
    assert missing == []


def functions(file: Path) -> set[str]:
    if not file.is_file():
        return set()
    return {
        node.name for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)
    }
