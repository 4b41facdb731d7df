"""What a task shows a projection, as far as plain fields tell: its kind, mean, power and second moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.component.registry import registry
from workbench.tasks.patterns import matrix_of, probabilities_of
from workbench.tasks.second_moment import is_known

if TYPE_CHECKING:
    from workbench.component.arrays import Array

Tables = Mapping[str, Mapping[str, Any]]
CENTRED = ("gaussian", "ring", "mixture")
"""Tasks whose inputs have mean 0 by construction."""
NO_MEAN = 1e-9
"""Largest mean, as a share of the largest input, that is taken as 0."""


def has_trials(tables: Tables) -> bool:
    """Return whether some phase runs on the trial clock."""
    return any(phase["clock"] == "trial" for phase in tables["phase"].values())


def task_of(population: str | None, tables: Tables) -> Mapping[str, Any]:
    """Return the fields of the task that shows a population its inputs; empty where there is none."""
    return next((task for task in tables.get("task", {}).values() if task.get("inputs") == population), {})


def input_power(population: str | None, tables: Tables) -> float | None:
    """Return E|x|^2 of what a task with a ``power`` shows a population; None where that is not known."""
    found: float | None = _asked("power", population, tables)
    return found


def leading_eigenvalue(population: str | None, tables: Tables) -> float | None:
    """Return the largest eigenvalue of E[x x^T]; None where that is not known."""
    moment: Array | None = _asked("covariance_of", population, tables)
    return None if moment is None or not moment.size else float(np.linalg.eigvalsh(moment)[-1])


def centred(population: str | None, tables: Tables) -> bool:
    """Whether a task shows inputs that all have mean 0."""
    task = task_of(population, tables)
    if task.get("kind") != "patterns":
        return task.get("kind") in CENTRED
    patterns, shares = matrix_of(task, tables), probabilities_of(task, tables)
    if patterns is None or shares is None:
        return False
    return bool((np.abs(shares @ patterns) <= NO_MEAN * np.abs(patterns).max()).all())


def largest_pattern(population: str | None, tables: Tables) -> float | None:
    """Return the largest |x|^2 of the patterns that a population is shown; None without patterns."""
    task = task_of(population, tables)
    patterns = matrix_of(task, tables) if task.get("kind") == "patterns" else None
    return None if patterns is None else float((patterns**2).sum(axis=1).max())


def _asked(method: str, population: str | None, tables: Tables) -> Any:
    """Return what the task's component answers from plain fields; None where it has no such method."""
    task = task_of(population, tables)
    key = "task", task.get("kind", "")
    ask = getattr(registry().get(*key), method, None) if key in registry() else None
    return None if ask is None or not is_known(task, tables) else ask(task, tables)
