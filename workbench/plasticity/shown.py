"""What a task shows a projection, derived from plain fields: kind, mean, power and second moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.tasks.patterns import matrix_of, probabilities_of
from workbench.tasks.second_moment import eigenvalues, is_known

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.tables import Fields, Tables

NO_MEAN = 1e-9
"""Largest mean, as a share of the largest input, that is taken as 0."""


def has_trials(tables: Tables) -> bool:
    """Return whether some phase runs on the trial clock."""
    return "trial" in tables.clocks


def task_of(population: str | None, tables: Tables) -> Fields | None:
    """Return the task that shows a population its inputs; None where there is none."""
    return tables.shown(population, "pattern")


def input_power(population: str | None, tables: Tables) -> float | None:
    """Return E|x|^2 of what a task with a ``power`` shows a population; None where that is not known."""
    found: float | None = _asked("power", population, tables)
    return found


def leading_eigenvalue(population: str | None, tables: Tables) -> float | None:
    """Return the largest eigenvalue of E[x x^T]; None where that is not known."""
    moment: Array | None = _asked("covariance_of", population, tables)
    return None if moment is None or not moment.size else float(eigenvalues(moment)[-1])


def centred(population: str | None, tables: Tables) -> bool:
    """Whether a task shows inputs that all have mean 0."""
    task = task_of(population, tables)
    if task is None or not task.offers("patterns"):
        return task is not None and task.offers("centred")
    patterns, shares = matrix_of(task, tables), probabilities_of(task, tables)
    if patterns is None or shares is None:
        return False
    return bool((np.abs(shares @ patterns) <= NO_MEAN * np.abs(patterns).max()).all())


def largest_pattern(population: str | None, tables: Tables) -> float | None:
    """Return the largest |x|^2 of the patterns that a population is shown; None without patterns."""
    task = task_of(population, tables)
    patterns = matrix_of(task, tables) if task is not None and task.offers("patterns") else None
    return None if patterns is None else float((patterns**2).sum(axis=1).max())


def _asked(method: str, population: str | None, tables: Tables) -> Any:
    """Return what the task's component answers from plain fields; None where it has no such method."""
    task = task_of(population, tables)
    ask = getattr(task.component, method, None) if task is not None else None
    return None if task is None or ask is None or not is_known(task, tables) else ask(task, tables)
