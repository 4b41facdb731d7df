"""Names in the code: one thing, one name; no class and no file of a name in two rooms, and verbs for what is done."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOM = Path(__file__).resolve().parents[2] / "workbench"
MODULES = {file: ast.parse(file.read_text(encoding="utf-8")) for file in sorted(ROOM.rglob("*.py"))}

ONCE_MORE = {
    "declaration.py",  # the old place of the contract warns, and leads to the new one
}
"""Files whose name is in two rooms, and why."""
INSTEAD = {
    "Adjusted": "DoseModifier", "Body": "DrugState", "Catalogue": "IdCache",
    "Lanes": "SubjectLanes", "Lease": "WriterLock", "Pieces": "NoiseChunks", "Slab": "ArmSlice",
    "Transfers": "Propagator", "Wiring": "StructureView",
    "blamed": "blame_package", "judged": "resolve_clashes", "some": "any_nonzero", "told": "format_error",
    "unsound": "find_faults",
}  # fmt: skip
"""Names that said too little, and what their successors are called."""


def test_no_class_has_the_name_of_another() -> None:
    homes = defaultdict(list)
    for file, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(f"{file.relative_to(ROOM)}:{node.lineno}")
    assert len(homes) > 500
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_no_file_has_the_name_of_one_in_another_room() -> None:
    homes = defaultdict(list)
    for file in MODULES:
        if file.stem not in ("__init__", "__main__"):
            homes[file.name].append(file.relative_to(ROOM).as_posix())
    assert {name for name, found in homes.items() if len(found) > 1} <= ONCE_MORE


def test_functions_and_classes_say_what_they_do_and_are() -> None:
    found = [
        f"{file.relative_to(ROOM)}:{node.lineno}: {node.name}; rather {INSTEAD[node.name]}"
        for file, tree in MODULES.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in INSTEAD
    ]
    assert not found, "\n".join(found)
