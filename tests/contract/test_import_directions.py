"""Who may import whom: packages lie above each other, imports run down, and no modules import each other in a ring."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from support.package_sources import PACKAGE, package_files, parsed

LAYERS = (
    ("errors",),
    ("quantities", "files", "terms"),
    ("text_tables",),
    ("component",),
    ("circuit",),
    ("tasks", "protocol"),
    ("pharmacology", "plasticity"),
    ("modulation", "readouts"),
    ("scenario", "solver"),
    ("plan",),
    ("store",),
    ("analysis",),
    ("execution",),
    ("findings", "inspection"),
    ("calibration",),
    ("report",),
    ("cli",),
)
"""From the lowest to the highest; packages of one layer do not import each other."""
HIGH = {package: place for place, layer in enumerate(LAYERS) for package in layer}


def _modules() -> dict[str, Path]:
    found = {}
    for path in package_files():
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()


def _imported(path: Path) -> Iterator[str]:
    """Yield each module that a file imports, inside functions and for types too."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                full = f"{node.module}.{name.name}"
                yield full if full in MODULES else node.module


@cache
def _uses() -> dict[str, set[str]]:
    """Return the modules of the package that each of them imports."""
    return {name: {one for one in _imported(path) if one in MODULES} - {name} for name, path in MODULES.items()}


def _package(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_every_package_has_a_layer() -> None:
    found = {_package(name) for name in MODULES} - {"", "__main__", "declaration"}
    assert found == set(HIGH)


def test_imports_run_down() -> None:
    up = []
    for name, used in _uses().items():
        for other in used:
            above, below = _package(name), _package(other)
            if above in HIGH and below in HIGH and above != below:
                up += [f"{name} imports {other}"] if HIGH[above] <= HIGH[below] else []
    assert not up, "\n".join(up)


def test_no_modules_import_each_other_in_a_ring() -> None:
    packages = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    order: list[str] = []
    seen: dict[str, int] = {}
    rings: list[str] = []

    def visit(name: str, trail: tuple[str, ...]) -> None:
        seen[name] = 1
        for other in sorted(_uses()[name] - packages):
            if seen.get(other) == 1:
                rings.append(" -> ".join((*trail[trail.index(other) :], other)))
            elif other not in seen:
                visit(other, (*trail, other))
        seen[name] = 2
        order.append(name)

    sys.setrecursionlimit(max(sys.getrecursionlimit(), 10 * len(MODULES)))
    for name in sorted(set(MODULES) - packages):
        if name not in seen:
            visit(name, (name,))
    assert not rings, "\n".join(rings)
