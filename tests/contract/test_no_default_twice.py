"""A default stands in the declaration alone: a check reads the field, which has its default where the file is silent."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from support.package_sources import PACKAGE, parsed

from workbench.component.registry import OWN, registry

ROOMS = [PACKAGE / room.partition(".")[2] for room in OWN] + [PACKAGE / room for room in ("component", "plan")]
FIELDS = {field for component in registry() for field in component.parameters()}


def typed_again(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (line, what) where ``x.get("FIELD", VALUE)`` types a default of a declared field."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "get":
            continue
        if len(node.args) != 2 or not isinstance(node.args[0], ast.Constant) or node.args[0].value not in FIELDS:
            continue
        given, name = node.args[1], str(node.args[0].value)
        defaults = {str(p.default) for c in registry() for p in c.parameters().values() if p.name == name}
        try:
            value = ast.literal_eval(given)
            same = value is not None and str(value) in defaults
        except ValueError:
            same = isinstance(given, ast.Name) and given.id.isupper()
        if same:
            yield node.lineno, ast.unparse(node)


def test_no_check_types_a_declared_default_again() -> None:
    found = [
        f"{file.relative_to(PACKAGE)}:{line}: {what}"
        for room in ROOMS
        for file in sorted(room.glob("*.py"))
        for line, what in typed_again(parsed(file))
    ]
    assert not found, "\n".join(found)


def test_the_search_finds_a_default_that_is_typed_again() -> None:
    assert list(typed_again(ast.parse('rate = fields.get("rate", 0.01)'))) == [(1, "fields.get('rate', 0.01)")]
    assert not list(typed_again(ast.parse('rate = fields.get("rate", None)')))
