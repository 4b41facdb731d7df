"""Text to a frozen, checked scenario: grammar, positions, problems, parameter sets.

Names are imported when they are first used: code that only needs the frozen dataclasses of
`workbench.scenario.model` (a worker process, a reader of a database) does not pay for the parser.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.scenario.json_schema import schema as schema
    from workbench.scenario.load import load_scenario as load_scenario
    from workbench.scenario.load import parse_scenario as parse_scenario
    from workbench.scenario.text.writer import to_text as to_text

_HOMES = {"load_scenario": "load", "parse_scenario": "load", "schema": "json_schema", "to_text": "text.writer"}

__all__ = ["load_scenario", "parse_scenario", "schema", "to_text"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
