"""What readouts that know the covariance of the inputs ask of their task: that it has one, and eigenvectors in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.circuit.populations import size_of
from workbench.registry import registry
from workbench.tasks.second_moment import is_known

if TYPE_CHECKING:
    from workbench.arrays import Array

Fields = Mapping[str, Any]
Tables = Mapping[str, Mapping[str, Any]]
KINDS = ("gaussian", "ring", "patterns", "mixture")
"""Tasks that offer the eigenvectors and eigenvalues of their inputs' second moment."""
NARROWEST_GAP = 1.05
"""Neighbouring eigenvalues nearer than this factor leave their eigenvectors undetermined in practice."""
NOTHING = 1e-12
"""Eigenvalues below this share of the largest are rounding error of 0."""


def moment_fault(fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
    """Yield a task whose second moment is not known, and a projection from other inputs than it shows."""
    task, way = tables["task"][fields["task"]], tables["projection"][fields["projection"]]
    if task["kind"] not in KINDS:
        yield (
            "task",
            f"needs a task with a known covariance ({', '.join(KINDS)}), but {fields['task']} is {task['kind']}",
        )
    elif way["pre"] != task["inputs"]:
        yield "projection", f"comes from {way['pre']}, but {fields['task']} shows its inputs to {task['inputs']}"


def eigenvalue_faults(fields: Fields, component: int, tables: Tables) -> Iterable[tuple[str, str]]:
    """Yield an eigenvector that there is not, or that has no direction of its own."""
    inputs = size_of(tables, tables["task"][fields["task"]]["inputs"])
    if component > inputs:
        yield "component", f"there are only {inputs} eigenvectors, got {component}"
        return
    for pair in ((component - 1, component), (component, component + 1)):
        if fault := gap_fault(fields, pair, tables):
            yield "component", fault
            return


def gap_fault(fields: Fields, pair: tuple[int, int], tables: Tables) -> str:
    """Return that two neighbouring eigenvalues, counted from 1, are too near to each other; "" if they are not."""
    spectrum = _spectrum(tables["task"][fields["task"]], tables)
    if spectrum is None or pair[0] < 1 or pair[1] > len(spectrum):
        return ""
    large, small = (float(spectrum[k - 1]) for k in pair)
    if large > NARROWEST_GAP * small:
        return ""
    return (
        f"eigenvalues {large:.3g} and {small:.3g} are nearer than a factor {NARROWEST_GAP:g}: a mixture of their "
        "eigenvectors explains as much, so no rule can be held to one of them"
    )


def _spectrum(task: Fields, tables: Tables) -> Array | None:
    """Return the eigenvalues of the second moment, largest first; None where they are not known."""
    if task["kind"] == "mixture":
        return np.ones(size_of(tables, task["inputs"])) if task.get("whitened", True) else None
    if not is_known(task, tables):
        return None
    moment = registry().get("task", task["kind"]).covariance_of(task, tables)  # type: ignore[attr-defined]
    if moment is None:
        return None
    values: Array = np.linalg.eigvalsh(moment)[::-1]
    return np.where(values > NOTHING * values[0], values, 0.0)
