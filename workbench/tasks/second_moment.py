"""How many units a task may have of which a whole matrix is taken apart: the work grows with their cube."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from workbench.circuit.populations import size_of
from workbench.component.tables import Tables

MOST_INPUTS = 512
"""A refusal takes a second then; it may take two."""


def too_many_inputs(
    fields: Mapping[str, Any], tables: Tables, field: str = "inputs", most: int = MOST_INPUTS
) -> Iterable[tuple[str, str]]:
    """Yield that a task has more units in the population that `field` names than can be taken apart."""
    if (size := size_of(tables, fields[field])) > most:
        message = f"has {size:,} units, and a matrix of all pairs of them is taken apart: {most:,} at most"
        yield field, f"{fields[field]} {message}"


def is_known(task: Mapping[str, Any], tables: Tables) -> bool:
    """Return whether the second moment of what a task shows may be asked for."""
    return not any(too_many_inputs(task, tables))
