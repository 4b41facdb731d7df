"""``workbench describe`` and ``workbench schema``: what can stand in a scenario."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable
from dataclasses import MISSING
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import AsJson
from workbench.cli.output import plain, print_object, put
from workbench.errors import UsageError
from workbench.registry import SECTIONS

if TYPE_CHECKING:
    from workbench.declaration import Component, Parameter


class Layout(StrEnum):
    """How the menu is printed."""

    text = "text"
    markdown = "markdown"


def describe(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A component, section, or section.component; all if not given."),
    ] = None,
    layout: Annotated[
        Layout, typer.Option("--format", help="Full text, or the menu as a Markdown table.")
    ] = Layout.text,
    as_json: AsJson = False,
) -> int:
    """Print what can stand in a scenario.

    Components with equation, fields, units, ranges, defaults and sources.
    """
    from workbench.registry import registry

    found = named(registry(), name)
    if as_json:
        print_object({"ok": True, "components": [described(c) for c in found]})
    elif layout is Layout.markdown:
        put(menu(found))
    else:
        put("\n\n".join(page(c) for c in found))
    return 0


def named(components: Iterable[type[Component]], name: str | None) -> list[type[Component]]:
    """Return the components that `name` means, in the order of the sections."""
    order = list(SECTIONS)
    known = sorted(components, key=lambda c: (order.index(c.section), c.name))
    found = [c for c in known if name in (None, c.name, c.section, f"{c.section}.{c.name}")]
    if not found:
        names = sorted({c.name for c in known} | {c.section for c in known})
        near = difflib.get_close_matches(str(name), names, 1)
        hint = f"\nhint: did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"no component {name!r} (known: {', '.join(names)}){hint}")
    return found


def page(component: type[Component]) -> str:
    """Return everything that is declared about a component, as text."""
    section = SECTIONS[component.section]
    lines = [
        f"{component.section}.{component.name}",
        f"  {component.summary()}",
        f'  in a scenario: [{component.section}.NAME] with {section.key} = "{component.name}"'
        + (" (the default)" if section.default == component.name else ""),
        "  equation:",
        *(f"    {line}" for line in component.equation.splitlines()),
    ]
    rows = [_row(p) for p in component.parameters().values()]
    if rows:
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines.append("  fields:")
        for row in rows:
            cells = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False))
            lines.append(f"    {cells}  {row[4]}")
    if component.sources:
        lines.append(f"  sources: {', '.join(component.sources)}")
    return "\n".join(line.rstrip() for line in lines)


def _row(parameter: Parameter) -> tuple[str, str, str, str, str]:
    value = "required" if parameter.required else f"default {default_text(parameter)}"
    measured = parameter.kind in ("number", "numbers", "interval") and parameter.default not in (None, MISSING)
    origin = f"{parameter.status}{f', {parameter.source}' if parameter.source else ''}" if measured else ""
    return parameter.name, allowed(parameter), value, origin, parameter.doc


def default_text(parameter: Parameter) -> str:
    """Return the default as a scenario would write it."""
    default = parameter.default
    if default is None or default == ():
        return "none"
    if isinstance(default, bool):
        return "true" if default else "false"
    if isinstance(default, tuple):
        return "[" + ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in default) + "]"
    text = f"{default:g}" if isinstance(default, float) else str(default)
    return text if parameter.unit == "1" else f"{text} {parameter.unit}"


def allowed(parameter: Parameter) -> str:
    """Return what a field may hold: kind, unit and range, or choices."""
    if parameter.choices:
        return " | ".join(parameter.choices)
    if parameter.kind in ("reference", "references"):
        return f"{'name' if parameter.kind == 'reference' else 'names'} of [{parameter.section}.*]"
    if parameter.kind not in ("number", "numbers", "interval", "count"):
        return parameter.kind
    unit = "" if parameter.unit == "1" else f" in {parameter.unit}"
    bounds = (parameter.low, parameter.high)
    if not any(map(math.isfinite, bounds)):
        return f"{parameter.kind}{unit}"
    low, high = (f"{b:g}" if math.isfinite(b) else "" for b in bounds)
    span = f"{low} to {high}" if low and high else f">= {low}" if low else f"<= {high}"
    return f"{parameter.kind}{unit}, {span}"


def described(component: type[Component]) -> dict[str, Any]:
    """Return the same as data."""
    fields = []
    for p in component.parameters().values():
        content = {key: value for key, value in vars(p).items() if key != "default"}
        content["required"] = p.required
        content["default"] = None if p.required else p.default
        fields.append(content)
    content = {
        "section": component.section,
        "name": component.name,
        "revision": component.revision,
        "summary": component.summary(),
        "equation": component.equation,
        "sources": list(component.sources),
        "fields": fields,
    }
    return {key: plain(value) for key, value in content.items()}


def menu(components: Iterable[type[Component]]) -> str:
    """Return the README's table of components."""
    lines = ["| table | key | value | what it is |", "| --- | --- | --- | --- |"]
    for c in components:
        lines.append(f"| `[{c.section}.NAME]` | `{SECTIONS[c.section].key}` | `{c.name}` | {c.summary().rstrip('.')} |")
    return "\n".join(lines)


def schema() -> int:
    """Print the JSON Schema of scenario files."""
    from workbench.registry import registry
    from workbench.scenario import schema as schema_of

    put(json.dumps(schema_of(registry()), indent=2, ensure_ascii=False, allow_nan=False))
    return 0


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(describe)
    app.command()(schema)
