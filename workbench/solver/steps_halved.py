"""How far results move when every step is halved: the part of the calculation error that is not chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workbench.solver.batch import Batch, BatchResult, Declared, Structure


@dataclass(frozen=True)
class StepError:
    """What halving the step changed in one outcome, over the sample's runs that finished both ways.

    Attributes
    ----------
    mean, largest : float
        Mean change, with its sign, and the largest one of any run, in the outcome's unit.
    """

    outcome: str
    runs: int
    mean: float
    largest: float


def is_stepped(structure: Structure) -> bool:
    """Whether any phase takes steps; trial maps and event clocks are exact and take none."""
    return any(map(_steps, structure.tables))


def halved(batch: Batch) -> Batch:
    """Return the same runs with every step halved."""
    tables = tuple(_half(table) if _steps(table) else table for table in batch.structure.tables)
    return replace(batch, structure=replace(batch.structure, tables=tables))


def step_errors(coarse: BatchResult, fine: BatchResult) -> Iterator[StepError]:
    """Yield what differs between two solutions of the same runs, outcome by outcome, by name."""
    for name, values in sorted(coarse.outcomes.items()):
        change = fine.outcomes[name] - values
        change = change[np.isfinite(change)]
        if len(change):
            yield StepError(name, len(change), float(change.mean()), float(change[np.argmax(np.abs(change))]))


def _steps(table: Declared) -> bool:
    # a phase whose step is a time; that of a flow is a whole number of trials, on whose grid its readings lie
    return table.section == "phase" and any(name == "step" and isinstance(x, float) for name, x in table.fields)


def _half(table: Declared) -> Declared:
    return replace(table, fields=tuple((name, 0.5 * x if name == "step" else x) for name, x in table.fields))
