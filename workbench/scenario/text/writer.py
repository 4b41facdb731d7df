"""A scenario as canonical TOML text: the same content, in one order and one spelling.

Text, scenario, text is a fixed point: what is written here reads back as the same scenario and is written the same
again. Arms are written out with what they extend; axes with every value.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from workbench.component.declaration import Parameter
from workbench.component.registry import SECTIONS
from workbench.scenario.dosing import written
from workbench.scenario.model import (
    Arm,
    Axis,
    DoseRange,
    Effect,
    Evidence,
    Interaction,
    Quantity,
    Ref,
    Report,
    Scenario,
    Study,
    Table,
    Trait,
)
from workbench.scenario.paths import Paths

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def to_text(scenario: Scenario) -> str:
    """Return the scenario as TOML text in canonical form."""
    tables = (table for section in SECTIONS for table in scenario.tables.get(section, {}).values())
    blocks = [
        _head(scenario),
        _use(scenario),
        *_report(scenario.report),
        *_subjects(scenario),
        *(_table(table) for table in tables),
        *(block for arm in scenario.arms.values() for block in _arm(arm, scenario)),
        *(block for study in scenario.studies.values() for block in _study(study, scenario)),
        *(_interaction(interaction) for interaction in scenario.interactions.values()),
    ]
    return "\n".join("\n".join(block) + "\n" for block in blocks)


def _head(scenario: Scenario) -> list[str]:
    lines = ["schema = 1", _line("title", scenario.title)]
    if scenario.parameters.name:
        lines.append(_line("parameters", scenario.parameters.name))
    return lines + ([_line("summary", scenario.summary)] if scenario.summary else [])


def _use(scenario: Scenario) -> list[str]:
    use = scenario.use
    lines = ["[use]", _line("context", use.context), _line("not_for", use.not_for)]
    lines += [_line("question", use.question)] if use.question else []
    lines += [_line("limits", use.limits)] if use.limits else []
    for one in use.contrary:
        lines += ["[[use.contrary]]", _line("text", one.text), _line("source", one.source)]
    return lines


def _report(report: Report) -> Iterator[list[str]]:
    words = ("population", "author", "contact", "influence", "consequence")
    lines = [_line(name, getattr(report, name)) for name in words if getattr(report, name)]
    if lines:
        yield ["[report]", *lines]
    contrasts = {"benefit": report.benefit} if report.benefit else {}
    beside = {f"also.{n}": c for n, c in report.also.items()} | {f"cost.{n}": c for n, c in report.cost.items()}
    for name, contrast in {**contrasts, **beside}.items():
        yield [f"[report.{name}]", *_fields(contrast, without="response")]
        if contrast.response is not None:
            yield [f"[report.{name}.response]", *_fields(contrast.response)]
    for name, caveat in report.caveat.items():
        yield [f"[report.caveat.{name}]", *_fields(caveat)]
    if report.glossary:
        yield ["[report.glossary]", *(_line(term, meaning) for term, meaning in report.glossary.items())]


def _fields(one: Any, without: str = "") -> list[str]:
    """Return the fields of a frozen record that say something, a line each."""
    found = ((f.name, getattr(one, f.name)) for f in dataclasses.fields(one) if f.name != without)
    return [_line(name, value) for name, value in found if value not in ("", None)]


def _subjects(scenario: Scenario) -> Iterator[list[str]]:
    subjects = scenario.subjects
    yield ["[subjects]", _line("count", subjects.count), _line("seed", subjects.seed)]
    for trait in subjects.traits:
        yield [f"[subjects.trait.{trait.name}]", *_trait(trait)]
        if trait.effects:
            yield [f"[subjects.trait.{trait.name}.effects]", *(_effect(effect, trait.unit) for effect in trait.effects)]
    if subjects.correlation:
        pairs = [f"{_text(f'{first}.{second}')} = {_value(value)}" for first, second, value in subjects.correlation]
        yield ["[subjects.correlation]", *pairs]


def _trait(trait: Trait) -> list[str]:
    lines = [_line("on", trait.on)] if trait.on else []
    lines += [_line("mode", trait.mode)] if trait.mode != "multiply" else []
    lines.append(_line("distribution", trait.distribution))
    lines += [_line("stream", trait.stream)] if trait.stream else []
    return lines + [_line(name, value) for name, value in trait.settings.items()]


def _effect(effect: Effect, unit: str) -> str:
    reference, exponent = _number(effect.reference, unit), _value(effect.exponent)
    return f"{_text(effect.path)} = {{ reference = {reference}, exponent = {exponent} }}"


def _table(table: Table) -> list[str]:
    lines = [f"[{table.path}]"]
    lines += [_line("title", table.title)] if table.title else []
    lines.append(_line(SECTIONS[table.section].key, table.component.name))
    lines += [_line("stream", table.stream)] if table.stream else []
    lines += [_line("substance", table.substance)] if table.substance else []
    lines += _plausible(table.plausible) if table.plausible else []
    declared = table.component.parameters()
    return lines + [_line(n, table.fields[n], p) for n, p in declared.items() if n in table.fields]


def _plausible(known: DoseRange) -> list[str]:
    spans = (("single", known.single), ("daily", known.daily))
    ends = [f"{name} = [{_number(s.low, s.unit)}, {_number(s.high, s.unit)}]" for name, s in spans if s]
    said = [*ends, _line("source", known.source), *([_line("note", known.note)] if known.note else [])]
    return [f"plausible = {{ {', '.join(said)} }}"]


def _arm(arm: Arm, scenario: Scenario) -> Iterator[list[str]]:
    lines = [f"[arm.{arm.name}]"]
    lines += [_line("title", arm.title)] if arm.title else []
    lines += [_line("short", arm.short)] if arm.short else []
    lines += [_line("condition", arm.condition)] if arm.condition is not None else []
    lines += [_line("without", tuple(sorted(arm.without)))] if arm.without else []
    lines += [_line("compare_with", arm.compare_with)] if arm.compare_with is not None else []
    yield lines
    if arm.set:
        paths = Paths(scenario.tables, scenario.parameters, registry=scenario.registry)
        settings = ((path, value, paths.find(path).parameter) for path, value in arm.set.items())
        yield [f"[arm.{arm.name}.set]", *(f"{_text(path)} = {_value(value, p)}" for path, value, p in settings)]


def _study(study: Study, scenario: Scenario) -> Iterator[list[str]]:
    lines = [f"[study.{study.name}]"]
    lines += [_line("title", study.title)] if study.title else []
    lines += [_line("arms", study.arms), _line("subjects", study.subjects), _line("record", study.record)]
    lines += [_line("outcomes", study.outcomes)] if study.outcomes else []
    lines += [_line("design", study.design), _line("n", study.n)] if study.design != "grid" else []
    yield lines
    if study.axes:
        paths = Paths(scenario.tables, scenario.parameters, registry=scenario.registry)
        spread = study.design != "grid"
        axes = [f"{_text(a.path)} = {_axis(a, paths.find(a.path).parameter, spread=spread)}" for a in study.axes]
        yield [f"[study.{study.name}.sweep]", *axes]


def _interaction(interaction: Interaction) -> list[str]:
    lines = [f"[interaction.{interaction.name}]"]
    lines += [_line("title", interaction.title)] if interaction.title else []
    return [*lines, _line("arms", interaction.arms)]


def _axis(axis: Axis, parameter: Parameter, *, spread: bool) -> str:
    """Return an axis as an inline table: its two ends in a design, else every value."""
    numeric = parameter.kind == "number"
    values = [_number(value, axis.unit) if numeric else _value(value, parameter) for value in axis.values]
    parts = [f"from = {values[0]}", f"to = {values[1]}"] if spread else [f"values = [{', '.join(values)}]"]
    parts += ['scale = "log"'] if axis.scale == "log" else []
    parts += ["relative = true"] if axis.relative else []
    parts += [f"zip = {_text(axis.zip)}"] if axis.zip else []
    parts += [f"arms = [{', '.join(_text(arm) for arm in axis.arms)}]"] if axis.arms else []
    return f"{{ {', '.join(parts)} }}"


def _line(key: str, value: Any, parameter: Parameter | None = None) -> str:
    return f"{key if _BARE.fullmatch(key) else _text(key)} = {_value(value, parameter)}"


def _value(value: Any, parameter: Parameter | None = None) -> str:
    """Return a setting as TOML; plain numbers of a field with a unit are written with it."""
    match value:
        case tuple() if parameter is not None and parameter.kind == "dosing":
            return _text(written(value))
        case bool():
            return "true" if value else "false"
        case Ref():
            return f"{{ ref = {_text(value.name)} }}"
        case Quantity(evidence=None):
            return _quantity(value)
        case Quantity(evidence=Evidence() as evidence):
            return f"{{ {', '.join([f'value = {_quantity(value)}', *_evidence(evidence, value.unit)])} }}"
        case tuple():
            return f"[{', '.join(_value(entry, parameter) for entry in value)}]"
        case float():
            return _number(value, parameter.unit if parameter else "1")
        case int():
            return str(value)
        case _:
            return _text(str(value))


def _quantity(value: Quantity) -> str:
    return value.text if value.unit == "1" else _text(" ".join(value.text.split()))


def _evidence(evidence: Evidence, unit: str) -> Iterator[str]:
    if evidence.low is not None and evidence.high is not None:
        yield f"range = [{_number(evidence.low, unit)}, {_number(evidence.high, unit)}]"
    yield f"status = {_text(evidence.status)}"
    if evidence.source:
        yield f"source = {_text(evidence.source)}"
    if evidence.fitted_to:
        yield f"fitted_to = {_value(evidence.fitted_to)}"
    if evidence.note:
        yield f"note = {_text(evidence.note)}"


def _number(value: float, unit: str) -> str:
    """Return a number that reads back as the same float: bare, or quoted with its unit."""
    text = repr(float(value))
    return text if unit == "1" else _text(f"{text} {unit}")


def _text(value: str) -> str:
    return '"' + "".join(_ESCAPES.get(c) or (c if c.isprintable() else _escape(c)) for c in value) + '"'


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
