"""Names in the code: one thing, one name; no class and no file of a name in two rooms, and verbs for what is done."""

from __future__ import annotations

import ast
from collections import defaultdict

from support.package_sources import PACKAGE, package_files, package_trees

ONCE_MORE = {
    "declaration.py",  # the old place of the contract warns, and leads to the new one
}
"""Files whose name is in two rooms, and why."""
INSTEAD = {
    "Adjusted": "DoseModifier", "Body": "DrugState", "Catalogue": "IdCache", "Courses": "TimeCourses",
    "Lanes": "SubjectLanes", "Lease": "WriterLock", "MarkArea": "TraceArea", "Pieces": "NoiseChunks",
    "Slab": "ArmSlice", "Transfers": "Propagator", "Window": "ProtocolSpan", "Wiring": "StructureView",
    "acting": "effective_ratio", "aligned": "align_table", "alike": "agree_within_rounding",
    "apart": "distinct_labels", "assayed": "cross_with_protocol", "blamed": "blame_package",
    "bring": "insert_missing", "conforming": "conforming_entries", "differing": "differing_settings",
    "entering": "select_entrants", "estimated": "estimate_work", "folded": "fold", "framed": "build_frame",
    "interject": "print_note_in_handler", "judged": "resolve_clashes", "left_at_home": "note_unused_people",
    "natural": "natural_order", "nudged": "nudge_numbers", "outlive": "solve_despite_deaths",
    "outside": "is_outside_phase", "picked": "select_runs", "put_line": "print_line", "read_whole": "read_merged",
    "remarkable": "collect_notes", "resumable": "explain_stop", "set_out": "align_prose",
    "snapped": "differences_without_rounding", "some": "any_nonzero", "strange": "foreign_objects",
    "strangers": "refuse_table_sizes", "talk": "print_note", "told": "format_error", "turned": "invert_verdict",
    "unescaped": "decode_text", "unsound": "find_faults", "weighed": "convert_to_mass",
}  # fmt: skip
"""Names that said too little, and what their successors are called."""
NOBODYS = {"blamed", "catalogue", "slab", "told", "unsound"}
"""Words that name nothing in this field: no variable, argument or method has such a name either."""


def test_no_class_has_the_name_of_another() -> None:
    homes = defaultdict(list)
    for file, tree in package_trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(f"{file.relative_to(PACKAGE)}:{node.lineno}")
    assert len(homes) > 500
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_no_file_has_the_name_of_one_in_another_room() -> None:
    homes = defaultdict(list)
    for file in package_files():
        if file.stem not in ("__init__", "__main__"):
            homes[file.name].append(file.relative_to(PACKAGE).as_posix())
    assert {name for name, found in homes.items() if len(found) > 1} <= ONCE_MORE


def test_functions_and_classes_say_what_they_do_and_are() -> None:
    found = [
        f"{file.relative_to(PACKAGE)}:{node.lineno}: {node.name}; rather {INSTEAD[node.name]}"
        for file, tree in package_trees().items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in INSTEAD
    ]
    assert not found, "\n".join(found)


def test_no_variable_has_a_name_that_says_nothing() -> None:
    found = [
        f"{file.relative_to(PACKAGE)}:{node.lineno}: {name}"
        for file, tree in package_trees().items()
        for node in ast.walk(tree)
        if (name := getattr(node, "id", getattr(node, "arg", getattr(node, "name", None)))) in NOBODYS
    ]
    assert not found, "\n".join(found)
