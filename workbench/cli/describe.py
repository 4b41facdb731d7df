"""``workbench describe`` and ``workbench schema``: what can stand in a scenario."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import MISSING
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import AsJson
from workbench.cli.output import as_json, escape_controls, print_object, print_text, write_exactly
from workbench.component.registry import SECTIONS, Registry
from workbench.errors import UsageError, quoted
from workbench.text_tables import align_prose, fold

if TYPE_CHECKING:
    from workbench.component.declaration import Component, Parameter


class Layout(StrEnum):
    """How the menu is printed."""

    text = "text"
    markdown = "markdown"


def describe(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="A component, section, section.component, a scenario or its file, a parameter set, a number of one, a "
            "drug or any other table of a scenario; all components if not given.",
        ),
    ] = None,
    arm: Annotated[
        str | None, typer.Option("--arm", help="Of a scenario file: which arm; the first if not given.")
    ] = None,
    layout: Annotated[
        Layout, typer.Option("--format", help="Full text, or the menu as a Markdown table.")
    ] = Layout.text,
    as_json: AsJson = False,
) -> int:
    """Print what can stand in a scenario, or what stands in one.

    Components with equation, fields, units, ranges, defaults and sources; of a scenario file its question, and for one
    arm the equations, numbers and where they come from.
    """
    from workbench.component.registry import registry

    if name is not None and name.endswith(".toml"):
        from workbench.inspection.description import described_scenario, scenario_object, scenario_page

        one = described_scenario(name, arm)
        if as_json:
            print_object({"ok": True, **scenario_object(one)})
        else:
            print_text(scenario_page(one))
        return 0
    if arm is not None:
        raise UsageError("--arm belongs to a scenario file (workbench describe scenarios/dystonia.toml --arm dyt1)")
    from workbench.inspection.lookup import block, lookup

    others = [] if name is None else lookup(name)
    found = named(registry(), name, bool(others))
    if as_json:
        listed = {"found": [vars(one) for one in others]} if others else {}
        print_object({"ok": True, "components": [described(c) for c in found], **listed})
    elif layout is Layout.markdown:
        print_text(menu(found))
    else:
        hint = _choice_hint(str(name), registry()) if others else ""
        print_text("\n\n".join([*(page(c) for c in found), *(block(one) for one in others), *([hint] if hint else [])]))
    return 0


def named(components: Iterable[type[Component]], name: str | None, otherwise: bool = False) -> list[type[Component]]:
    """Return the components that `name` means, in the order of the sections; none where it means something else."""
    order = list(SECTIONS)
    known = sorted(components, key=lambda c: (order.index(c.section), c.name))
    found = [c for c in known if name in (None, c.name, c.section, f"{c.section}.{c.name}")]
    if not found and otherwise:
        return []
    if not found and isinstance(components, Registry) and (why := components.why_absent("", str(name))):
        raise UsageError(f"{quoted(name)} {why}")
    if not found:
        if hint := _choice_hint(str(name), known):
            raise UsageError(f"no component {quoted(name)}; 'workbench describe' prints all\nhint: {hint}")
        from workbench.inspection.lookup import refusal

        raise refusal(str(name), (*sorted({c.name for c in known} | {c.section for c in known}),))
    return found


def _choice_hint(name: str, components: Iterable[type[Component]]) -> str:
    """Return where `name` is a choice of some field: a stabiliser may be looked up like a component."""
    where = [f"{c.section}.{c.name}" for c in components for p in c.parameters().values() if name in (p.choices or ())]
    if not where:
        return ""
    first = min(where)
    rest = f" and of {len(where) - 1} more" if len(where) > 1 else ""
    return f"{quoted(name)} is a choice of a field of {first}{rest}: see 'workbench describe {first}'"


def page(component: type[Component]) -> str:
    """Return everything that is declared about a component, as text."""
    section = SECTIONS[component.section]
    said = f'in a scenario: [{component.section}.NAME] with {section.key} = "{component.name}"'
    lines = [
        f"{component.section}.{component.name}",
        *fold(component.summary(), "  "),
        *fold(said + (" (the default)" if section.default == component.name else ""), "    ", first="  "),
        "  equation:",
        *(part for line in component.equation.splitlines() for part in fold(line, "      ", first="    ")),
    ]
    rows = [_row(p) for p in component.parameters().values()]
    if rows:
        lines += ["  fields:", *align_prose(rows, "    ")]
    lines += _abilities(component)
    if component.sources:
        lines += fold(f"sources: {', '.join(component.sources)}", "    ", first="  ")
    return "\n".join(line.rstrip() for line in lines)


def _abilities(component: type[Component]) -> Iterator[str]:
    """Yield what a component offers, what it requires of others and of its fields, and on which clocks it works."""
    from workbench.component.capabilities import requirements
    from workbench.component.constraints import rules_between

    said = {
        "offers": ", ".join(map(_explained, sorted(component.offers))),
        "requires": ", ".join(f"of {way}: {_explained(what)}" for way, what in requirements(component).items()),
        "works on clocks": ", ".join(component.clocks),
        "shows": ", ".join(f"{p.name}: {p.shows}" for p in component.parameters().values() if p.shows),
        "rules": "; ".join(rules_between(component)),
    }
    for word, text in said.items():
        if text:
            yield from fold(f"{word}: {text}", "    ", first="  ")


def _explained(what: str) -> str:
    from workbench.component.capabilities import CAPABILITIES

    meaning = CAPABILITIES.get(what)
    return f"{what} ({meaning})" if meaning and meaning != what else what


def _row(parameter: Parameter) -> tuple[str, str, str, str, str]:
    from workbench.component.constraints import rules_of

    value = "required" if parameter.required else f"default {default_text(parameter)}"
    measured = parameter.kind in ("number", "numbers", "interval") and parameter.default not in (None, MISSING)
    origin = f"{parameter.status}{f', {parameter.source}' if parameter.source else ''}" if measured else ""
    return parameter.name, allowed(parameter), value, origin, "; ".join((parameter.doc, *rules_of(parameter)))


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
    from workbench.component.capabilities import requirements
    from workbench.component.constraints import rules_between

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
        "offers": sorted(component.offers),
        "requires": dict(requirements(component)),
        "clocks": list(component.clocks),
        "rules": list(rules_between(component)),
        "fields": fields,
    }
    return {key: as_json(value) for key, value in content.items()}


def menu(components: Iterable[type[Component]]) -> str:
    """Return the README's table of components."""
    lines = ["| table | key | value | what it is |", "| --- | --- | --- | --- |"]
    for c in components:
        lines.append(f"| `[{c.section}.NAME]` | `{SECTIONS[c.section].key}` | `{c.name}` | {c.summary().rstrip('.')} |")
    return "\n".join(lines)


def schema(as_json: AsJson = False) -> int:
    """Print the JSON Schema of scenario files.

    With --json it is the field json_schema of one object, as other commands answer.
    """
    from workbench.component.registry import registry
    from workbench.scenario import schema as schema_of

    found = schema_of(registry())
    if as_json:
        print_object({"ok": True, "json_schema": found})
    else:
        write_exactly(escape_controls(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)))
    return 0


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(describe)
    app.command()(schema)
