"""What the stored scenario text itself declares: use, limits, relative axes, and where a parameter is used."""

from __future__ import annotations

from typing import Any


def relative_axes(scenario: dict[str, Any], study: str) -> frozenset[str]:
    """Return the paths of a study whose values are factors on the arm's own value."""
    sweep = scenario.get("study", {}).get(study, {}).get("sweep", {})
    return frozenset(path for path, axis in sweep.items() if isinstance(axis, dict) and axis.get("relative") is True)


def fields_using(scenario: dict[str, Any], parameter: str) -> list[str]:
    """Return the paths ``section.name.field`` that take their number from a parameter of the set."""
    found = []
    for section, tables in scenario.items():
        for name, table in tables.items() if isinstance(tables, dict) else ():
            for field, value in table.items() if isinstance(table, dict) else ():
                if isinstance(value, dict) and value.get("ref") == parameter:
                    found.append(f"{section}.{name}.{field}")
    return found


def own_number(scenario: dict[str, Any], settings: dict[str, float | str], path: str) -> float | str | None:
    """Return an arm's setting at a path; for ``parameter.x`` that of a field which takes its number from x."""
    if path in settings:
        return settings[path]
    prefix, _, name = path.partition(".")
    users = fields_using(scenario, name) if prefix == "parameter" else []
    return next((settings[user] for user in users if user in settings), None)
