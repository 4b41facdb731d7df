"""The JSON Schema of scenario files, for editors: completion, meaning and range of every key while typing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import combinations
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from workbench.component.constraints import rules_between
from workbench.component.declaration import Component, Parameter
from workbench.component.registry import SECTIONS, Registry, Section
from workbench.scenario.families import LISTS
from workbench.scenario.names import PATTERN
from workbench.scenario.reporting import CaveatShape, ContraryShape, ContrastShape, ReportShape, ResponseShape, UseShape
from workbench.scenario.shapes import (
    ArmShape,
    AxisShape,
    HeadShape,
    InteractionShape,
    Shape,
    StudyShape,
    SubjectsShape,
    TraitShape,
    component_shape,
)

DIALECT = "http://json-schema.org/draft-07/schema#"
"""Draft 7 is what TOML editors (Taplo, Even Better TOML) understand."""


def schema(registry: Registry) -> dict[str, Any]:
    """Return the JSON Schema of a scenario built from the components in `registry`."""
    shapes = {(section.name, c.name): _shape(section, c) for section, c in _menu(registry)}
    fixed: tuple[type[Shape], ...] = (
        HeadShape, UseShape, ContraryShape, ReportShape, ContrastShape, ResponseShape, CaveatShape,
        SubjectsShape, TraitShape, ArmShape, StudyShape, AxisShape, InteractionShape,
    )  # fmt: skip
    models: list[type[BaseModel]] = [*fixed, *dict.fromkeys(shapes.values())]
    references, whole = models_json_schema([(m, "validation") for m in models], ref_template="#/definitions/{model}")
    definitions = whole["$defs"]
    for section, component in _menu(registry):
        shape = shapes[section.name, component.name]
        _describe(definitions[_target(references[shape, "validation"])], section, component)
    named = {model: references[model, "validation"] for model in models}
    definitions["SubjectsShape"]["properties"]["trait"]["additionalProperties"] = named[TraitShape]
    definitions["StudyShape"]["properties"]["sweep"]["additionalProperties"] = named[AxisShape]
    definitions["ReportShape"]["properties"]["benefit"] = named[ContrastShape]
    for kind, shape in (("also", ContrastShape), ("cost", ContrastShape), ("caveat", CaveatShape)):
        definitions["ReportShape"]["properties"][kind]["additionalProperties"] = named[shape]
    definitions["ContrastShape"]["properties"]["response"] = named[ResponseShape]
    definitions["UseShape"]["properties"]["contrary"]["items"] = named[ContraryShape]
    head = definitions.pop("HeadShape")
    head["properties"] |= {"use": named[UseShape], "report": named[ReportShape], "subjects": named[SubjectsShape]}
    head["properties"] |= {
        section.name: _tables(section.doc, [named[shapes[s.name, c.name]] for s, c in _menu(registry) if s is section])
        for section in SECTIONS.values()
    }
    head["properties"]["arm"] = _tables("a named set of overrides", [named[ArmShape]])
    head["properties"]["study"] = _tables("what is crossed", [named[StudyShape]])
    head["properties"]["interaction"] = _tables("two treatments crossed", [named[InteractionShape]])
    for listing, key in LISTS.items():
        for target in {_target(named[shapes[s.name, c.name]]) for s, c in _menu(registry) if s.name == listing}:
            definitions[target]["properties"].setdefault(key, _list_of_entries(listing))
    components = {s: [_target(named[shape]) for (t, _), shape in shapes.items() if t == s] for s in SECTIONS}
    asked = {_target(named[shapes[s.name, c.name]]): _given_together(c) for s, c in _menu(registry)}
    needed = _needed(head, definitions, components, asked)
    whole = {"$schema": DIALECT, **head, **needed, "title": "Scenario", "definitions": definitions}
    return dict(_without_nulls(whole))


def _list_of_entries(section: str) -> dict[str, Any]:
    doc = f'one {section} for each entry, such as "day 1"'
    return {"type": "array", "items": {"type": "string"}, "minItems": 1, "description": doc}


def _needed(
    head: dict[str, Any],
    definitions: dict[str, dict[str, Any]],
    components: dict[str, list[str]],
    together: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """Take required keys out of every table, and require them only where no base may give them.

    `together` says for each component which fields replace each other or go together.
    """

    def asked(name: str) -> dict[str, Any]:
        return {"required": kept[name]}

    tables = [
        "UseShape",
        "SubjectsShape",
        "TraitShape",
        "InteractionShape",
        "ContrastShape",
        "ResponseShape",
        "CaveatShape",
    ]
    every = dict.fromkeys([*tables, *(name for names in components.values() for name in names)])
    kept = {name: definitions[name].pop("required", []) for name in every}
    contrast = {**asked("ContrastShape"), "properties": {"response": asked("ResponseShape")}}
    said = {
        "use": asked("UseShape"),
        "report": {
            "properties": {
                "benefit": contrast,
                **{group: {"additionalProperties": contrast} for group in ("also", "cost")},
                "caveat": {"additionalProperties": asked("CaveatShape")},
            }
        },
        "subjects": {
            **asked("SubjectsShape"),
            "properties": {"trait": {"additionalProperties": asked("TraitShape")}},
        },
        "interaction": {"additionalProperties": asked("InteractionShape")},
    }
    for section, names in components.items():
        key = SECTIONS[section].key
        choices = [
            {
                "properties": {key: definitions[name]["properties"][key]},
                **_with_list(section, kept[name]),
                **together[name],
            }
            for name in names
        ]
        said[section] = {"additionalProperties": {"anyOf": choices}}
    return {
        "required": [],
        "if": {"not": {"required": ["base"]}},
        "then": {"required": head["required"], "properties": said},
    }


def _with_list(section: str, required: list[str]) -> dict[str, Any]:
    """Return what a table must say; the entries of a list stand for its visit or moment."""
    given = [field for field in ("assessment", "window") if field in required]
    if section not in LISTS or not given:
        return {"required": required}
    rest = [field for field in required if field not in given]
    return {"anyOf": [{"required": required}, {"required": [*rest, LISTS[section]]}]}


def _given_together(component: type[Component]) -> dict[str, Any]:
    """Return what a table must give of fields of which one is needed, and of those that go together."""
    one = [{"anyOf": [{"required": [name]} for name in names]} for names in (*component.one_of, *component.any_of)]
    both = {name: [n for n in names if n != name] for names in component.together for name in names}
    return {**({"allOf": one} if one else {}), **({"dependencies": both} if both else {})}


def _given_apart(component: type[Component]) -> list[dict[str, Any]]:
    """Return which fields exclude each other, as far as none of them has a default that a file may repeat."""
    declared = component.parameters()
    pairs = [pair for names in (*component.one_of, *component.at_most_one_of) for pair in combinations(names, 2)]
    apart = [pair for pair in pairs if all(declared[name].default in (None, ()) for name in pair)]
    return [{"not": {"required": list(pair)}} for pair in apart]


def _menu(registry: Registry) -> Iterable[tuple[Section, type[Component]]]:
    for section in SECTIONS.values():
        for name in registry.names(section.name):
            yield section, registry.get(section.name, name)


def _shape(section: Section, component: type[Component]) -> type[Shape]:
    return component_shape(component, section.key)  # type: ignore[arg-type]  # mypy: no class is hashable


def _target(reference: Any) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _describe(definition: dict[str, Any], section: Section, component: type[Component]) -> None:
    """Name the component in the key that chooses it, show its equation, and allow nested groups of fields."""
    properties = definition["properties"]
    properties[section.key] = {"const": component.name, "description": component.summary()}
    if component.name != section.default:
        # Outcomes and courses share their readouts, so the key may be there already.
        definition["required"] = sorted({section.key, *definition.get("required", ())})
    definition["description"] = "\n".join((component.summary(), component.equation, *rules_between(component)))
    if apart := _given_apart(component):
        definition["allOf"] = apart
    for name, parameter in component.parameters().items():
        if parameter.kind == "number":
            properties[name]["oneOf"] = _number_forms(parameter, properties[name]["oneOf"])
        if not parameter.required and isinstance(parameter.default, (int, float, str)):
            properties[name]["default"] = _as_written(parameter)
    groups: dict[str, dict[str, Any]] = {}
    for name in component.parameters():
        group, _, inner = name.partition("_")
        if inner and group not in properties:
            groups.setdefault(group, {})[inner] = properties[name]
    for group, inside in groups.items():
        if len(inside) > 1:
            properties[group] = {"type": "object", "properties": inside, "additionalProperties": False}


def _number_forms(parameter: Parameter, forms: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return how a number may be written: bare and in its range, or quoted with a unit; a reference; with evidence."""
    if parameter.unit != "1":
        return [form for form in forms if form.get("type") != "number"]
    limits = {"minimum": parameter.low, "maximum": parameter.high}
    bare = {"type": "number", **{key: limit for key, limit in limits.items() if math.isfinite(limit)}}
    return [bare, *(form for form in forms if "$ref" in form)]


def _as_written(parameter: Parameter) -> Any:
    quoted = parameter.kind == "number" and parameter.unit != "1"
    return f"{parameter.default:g} {parameter.unit}" if quoted else parameter.default


def _tables(doc: str, choices: list[Any]) -> dict[str, Any]:
    inner = choices[0] if len(choices) == 1 else {"anyOf": choices}
    return {
        "type": "object",
        "description": doc,
        "additionalProperties": inner,
        "propertyNames": {"pattern": f"^{PATTERN}$"},
    }


def _without_nulls(node: Any) -> Any:
    """Return the schema without null: TOML has none, an optional key is left out."""
    if isinstance(node, list):
        return [_without_nulls(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _without_nulls(value) for key, value in node.items() if not (key == "default" and value is None)}
    choices = [choice for choice in kept.get("anyOf", ()) if choice != {"type": "null"}]
    if "anyOf" in kept and len(choices) == 1:
        del kept["anyOf"]
        return {**choices[0], **kept}
    return {**kept, "anyOf": choices} if "anyOf" in kept else kept
