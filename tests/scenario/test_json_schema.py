"""The JSON Schema covers everything that can be written, and nothing that cannot."""

from __future__ import annotations

import json
from functools import cache

from workbench.component.registry import SECTIONS, registry
from workbench.scenario import schema
from workbench.scenario.shipped_files import scenarios_folder


@cache
def described():
    return schema(registry())


def resolved(node):
    return described()["definitions"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def test_every_section_lists_every_component():
    for section in SECTIONS.values():
        tables = described()["properties"][section.name]["additionalProperties"]
        choices = [resolved(choice) for choice in tables.get("anyOf", [tables])]
        offered = [choice["properties"][section.key]["const"] for choice in choices]
        assert offered == list(registry().names(section.name))


def test_every_field_of_every_component_is_described():
    for component in registry():
        found = described()["definitions"][f"{component.section}_{component.name}"]
        for name, parameter in component.parameters().items():
            assert parameter.doc in found["properties"][name]["description"]
        assert "required" not in found, "a base may say it"
        assert found["additionalProperties"] is False


def test_what_a_component_needs_is_asked_for_where_no_base_may_say_it():
    assert described()["if"] == {"not": {"required": ["base"]}} and described()["required"] == []
    assert described()["then"]["required"] == ["schema", "title", "use"]
    for component in registry():
        key = SECTIONS[component.section].key
        tables = described()["then"]["properties"][component.section]["additionalProperties"]
        choices = tables.get("anyOf", [tables])
        (mine,) = (choice for choice in choices if choice["properties"][key]["const"] == component.name)
        whole, *listed = mine.get("anyOf", [mine])
        needed = {name for name, parameter in component.parameters().items() if parameter.required}
        assert set(whole["required"]) - {key} == needed
        for other in listed:
            assert set(whole["required"]) - set(other["required"]) <= {"window", "assessment"}
            assert "at" in other["required"]


def test_nested_group_is_offered():
    dose = described()["definitions"]["dose_repeated"]
    assert set(dose["properties"]["titration"]["properties"]) == {"start", "step", "each", "maximum"}


def test_a_number_with_a_unit_is_written_in_quotes():
    amount = described()["definitions"]["dose_repeated"]["properties"]["amount"]
    assert "number" not in [form.get("type") for form in amount["oneOf"]]


def test_every_reference_leads_somewhere_and_nothing_is_null():
    text = json.dumps(described(), allow_nan=False)
    assert '"null"' not in text

    def references(node):
        if isinstance(node, dict):
            yield from [node["$ref"]] if "$ref" in node else []
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    assert all(name.rpartition("/")[2] in described()["definitions"] for name in references(described()))


def test_shipped_schema_is_the_current_one():
    shipped = json.loads((scenarios_folder() / "scenario.schema.json").read_text(encoding="utf-8"))
    assert shipped == json.loads(json.dumps(described())), "run: workbench schema > scenarios/scenario.schema.json"
