"""What one arm of a scenario is made of: its question, and each table's equation, numbers and where they come from."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.component.registry import SECTIONS
from workbench.errors import UsageError, quoted
from workbench.scenario.model import Evidence
from workbench.text_tables import align_prose, fold

if TYPE_CHECKING:
    from workbench.component.declaration import Component
    from workbench.plan.sources import Resolved
    from workbench.scenario.model import Scenario


SILENT = Evidence(status="")
"""Where nothing is said of a value."""


@dataclass(frozen=True)
class Described:
    """One arm of a scenario, all layers applied.

    Attributes
    ----------
    values : mapping path -> Resolved
        Every value of the arm's acting tables.
    """

    scenario: Scenario
    arm: str
    values: dict[str, Resolved]

    @property
    def tables(self) -> dict[str, type[Component]]:
        """The acting tables and their components, in order."""
        found = {}
        for section, named in self.scenario.tables.items():
            key = SECTIONS[section].key
            for name in named:
                path = f"{section}.{name}"
                if f"{path}.{key}" in self.values:
                    found[path] = self.scenario.registry.get(section, str(self.values[f"{path}.{key}"].value))
        return found

    def fields(self, table: str, component: type[Component]) -> dict[str, Resolved]:
        """Return what a table says, without fields that are left out and those of stabilisers that it lacks."""
        declared = component.parameters()
        holds = declared["stabiliser"].choices if "stabiliser" in declared else ()
        mine = self.values[f"{table}.stabiliser"].value if holds else ""
        found = {}
        for name, parameter in declared.items():
            of = parameter.doc.partition(": ")[0].split(", ")  # "l2, deflation: the length of each unit's weights"
            value = self.values.get(f"{table}.{name}")  # None where what it acts with is not there
            if value is not None and (mine in of or not set(of) <= set(holds)):
                found[name] = value
        return {name: value for name, value in found.items() if value.value not in (None, ()) or value.traits}

    def equation(self, table: str, component: type[Component]) -> list[str]:
        """Return the lines of a table's equation, of stabilisers only its own."""
        own = self.values.get(f"{table}.stabiliser")
        return relevant(component.equation.splitlines(), [str(own.value)] if own else [])


def described_scenario(file: str, arm: str | None) -> Described:
    """Read `file` and resolve one arm, by default the first.

    Raises
    ------
    ScenarioError
        If the file is not a valid scenario.
    UsageError
        If it has no such arm.
    """
    from workbench.plan import plan
    from workbench.scenario import load_scenario

    scenario = load_scenario(Path(file))
    chosen = next(iter(scenario.arms)) if arm is None else arm
    if chosen not in scenario.arms:
        near = difflib.get_close_matches(chosen, scenario.arms, 1)
        hint = f"\nhint: did you mean {quoted(near[0])}?" if near else ""
        raise UsageError(f"no arm {quoted(chosen)} in {file} (arms: {', '.join(scenario.arms)}){hint}")
    return Described(scenario, chosen, plan(scenario).resolved(chosen))


def scenario_page(described: Described) -> str:
    """Return all of it as text."""
    scenario = described.scenario
    use = scenario.use
    arms = ", ".join(f"{name} ({arm.title})" if arm.title else name for name, arm in scenario.arms.items())
    head = [scenario.title, *([f"question: {use.question}"] if use.question else [])]
    document = scenario.document
    head += [f"base: {', '.join(document.bases)}"] if document and document.bases else []
    head += [f"{path}: {', '.join(names)}" for path, names in (document.made if document else {}).items()]
    head += [f"arms: {arms}", f"described: arm {described.arm}"]
    blocks = ["\n".join(part for line in head for part in fold(line, "  ", first=""))]
    for table, component in described.tables.items():
        section = SECTIONS[component.section]
        lines = [f"[{table}]  {section.key} = {component.name}", *fold(component.summary(), "  ")]
        lines += [p for line in described.equation(table, component) for p in fold(line, "      ", first="    ")]
        rows = [_row(name, value) for name, value in described.fields(table, component).items()]
        lines += align_prose(rows, "  ") if rows else []
        blocks.append("\n".join(line.rstrip() for line in lines))
    if use.limits:
        limits = [part for limit in use.limits for part in fold(limit, "    ", first="  - ")]
        blocks.append("\n".join(["limits:", *limits]))
    return "\n\n".join(blocks)


def _row(name: str, value: Resolved) -> tuple[str, str, str, str, str]:
    basis = _said(value) if isinstance(value.value, float) or value.traits else SILENT
    behind = f"{value.origin} ({value.parameter})" if value.parameter else value.origin
    return name, _written(value), ", ".join(part for part in (basis.status, basis.source) if part), behind, _note(value)


def _said(value: Resolved) -> Evidence:
    return value.evidence or SILENT


def _note(value: Resolved) -> str:
    spread = f"from subject to subject by {', '.join(value.traits)}" if value.traits else ""
    return "; ".join(part for part in (spread, _said(value).note) if part)


def _written(value: Resolved) -> str:
    given: Any = value.value
    if given is None:
        return ""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, tuple):
        return "[" + ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in given) + "]"
    text = f"{given:g}" if isinstance(given, float) else str(given)
    return text if value.unit in ("", "1") else f"{text} {value.unit}"


def scenario_object(described: Described) -> dict[str, Any]:
    """Return the same as data."""
    tables = [
        {
            "table": table,
            "component": component.name,
            "summary": component.summary(),
            "equation": described.equation(table, component),
            "sources": list(component.sources),
            "fields": [
                {
                    "name": name,
                    "value": value.value,
                    "unit": value.unit,
                    "status": _said(value).status,
                    "source": _said(value).source,
                    "note": _said(value).note,
                    "origin": value.origin,
                    "parameter": value.parameter,
                    "traits": list(value.traits),
                }
                for name, value in described.fields(table, component).items()
            ],
        }
        for table, component in described.tables.items()
    ]
    scenario, use = described.scenario, described.scenario.use
    return {
        "file": scenario.file,
        "title": scenario.title,
        "question": use.question,
        "bases": list(scenario.document.bases) if scenario.document else [],
        "limits": list(use.limits),
        "arms": {name: arm.title for name, arm in scenario.arms.items()},
        "arm": described.arm,
        "tables": tables,
    }


def relevant(lines: list[str], chosen: Collection[str]) -> list[str]:
    """Return the lines of an equation, of the stabilisers only those that are `chosen`."""
    if "stabiliser:" not in lines:
        return lines
    at = lines.index("stabiliser:")
    kept = [line for line in lines[at + 1 :] if line.strip().partition(":")[0] in chosen and "none:" not in line]
    return [*lines[:at], *kept]
