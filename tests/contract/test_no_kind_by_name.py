"""What a kind can do, its declaration says: no other file compares anything with the name of a kind."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from support.package_sources import PACKAGE, package_trees

from workbench.component.capabilities import CAPABILITIES, requirements
from workbench.component.registry import SECTIONS, registry

KEYS = {section.key for section in SECTIONS.values()}
ASKING = {"kind", "component", "name"}
"""Attributes that hold the name of a kind: of a plain table, of a table as the solver has it, of a component."""
HOMES: dict[str, set[Path]] = {}
for _component in registry():
    HOMES.setdefault(_component.name, set()).add(Path(inspect.getfile(_component)))


def strings(node: ast.AST, constants: dict[str, ast.expr]) -> Iterator[str]:
    """Yield every text of an expression, constants of its module followed by name."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value
        elif isinstance(part, ast.Name) and part.id in constants:
            yield from strings(constants[part.id], {})


def asks(node: ast.AST, names: set[str]) -> bool:
    """Whether an expression is, or holds, the kind that a table chooses; `names` are variables that hold one."""
    if isinstance(node, ast.Attribute) and node.attr == "clock":
        return False  # the clock that a phase declares: a word of the engine, which a new kind of phase may share
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        first = node.args[0] if node.args else None
        if node.func.attr == "clock":
            return False
        if node.func.attr == "get" and isinstance(first, ast.Constant) and first.value in KEYS:
            return True
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value in KEYS:
        return True
    if isinstance(node, ast.Attribute) and node.attr in ASKING:
        return True
    if isinstance(node, ast.Name) and node.id in names:
        return True
    return any(asks(part, names) for part in ast.iter_child_nodes(node))


def kinds_by_name(file: Path, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (line, kind) of each comparison, match or look-up of a kind by its name outside of its own file."""
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    for scope in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)):
        held = {
            target.id
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign | ast.NamedExpr) and asks(node.value, set())
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(scope):
            sides: list[ast.AST] = []
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
            elif isinstance(node, ast.Match):
                sides = [node.subject, *(case.pattern for case in node.cases)]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
                sides = [node.func.value, *node.args]  # NAMES.get(kind)
            elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                sides = [node.value, node.slice]  # NAMES[kind]
            for side in sides:
                others = [other for other in sides if other is not side]
                if asks(side, held):
                    for name in {name for other in others for name in strings(other, constants)}:
                        if name in HOMES and file not in HOMES[name]:
                            yield getattr(node, "lineno", 0), name


FIELD_KINDS = {"number", "table", "option", "count", "reference", "switch", "event"}
"""Names that a kind of table shares with what a field holds, with a node of the TOML syntax tree, or with a section."""


def test_no_file_asks_for_a_kind_by_its_name() -> None:
    found = [
        f"{file.relative_to(PACKAGE)}:{line}: {name}"
        for file, tree in package_trees().items()
        for line, name in kinds_by_name(file, tree)
        if name not in FIELD_KINDS
    ]
    assert not found, "\n".join(found)


def test_the_search_finds_each_way_to_ask() -> None:
    ways = (
        'def f(t):\n    return t["kind"] == "layer"\n',
        'def f(t):\n    return t.get("rule") not in (None, "routed_error")\n',
        'def f(t):\n    kind = t["kind"]\n    return kind != "softmax"\n',
        'KNOWN = ("gaussian", "ring")\ndef f(t):\n    return t["kind"] in KNOWN\n',
        'AT = {"poisson": 2}\ndef f(t):\n    return AT.get(t["kind"])\n',
        'AT = {"poisson": 2}\ndef f(t):\n    return AT[t.kind]\n',
        'def f(p):\n    return p.name == "dense"\n',
        'def f(t):\n    if (kind := t["kind"]) != "teacher":\n        return kind\n',
        'def f(t):\n    match t["kind"]:\n        case "chain":\n            return 1\n',
    )
    for text in ways:
        assert list(kinds_by_name(PACKAGE / "new.py", ast.parse(text))), text


def test_every_word_that_is_required_is_offered_and_explained() -> None:
    offered = {what for component in registry() for what in component.offers}
    required = {what for component in registry() for what in requirements(component).values()}
    assert required <= offered
    assert offered == set(CAPABILITIES)


def test_every_way_to_a_requirement_leads_along_declared_references() -> None:
    for component in registry():
        for way in requirements(component):
            here = {component}
            for step in way.split("."):
                sections = {
                    "projection" if step == "projection" and c.section == "plasticity" else
                    "plasticity" if step == "plasticity" else c.parameters()[step].section
                    for c in here if step in ("projection", "plasticity") or step in c.parameters()
                }  # fmt: skip
                assert sections, f"{component.__name__}: {way}"
                here = {c for c in registry() if c.section in sections}
