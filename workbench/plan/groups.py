"""The runs of a study, grouped by structure and ordered by subject, laid out by arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.component.declaration import Parameter
from workbench.plan.columns import Form
from workbench.plan.points import Points, PointSlice
from workbench.plan.resolve import Layers
from workbench.plan.structures import structure_of, sweeps_structure, tables_of
from workbench.scenario.model import Arm, Scenario, Setting, Study
from workbench.solver.batch import RECORDINGS, Structure

Indexes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ArmSlice:
    """One arm at fixed structural `levels`: its points, its numeric fields, and how each number comes about."""

    arm: int
    points: PointSlice
    levels: Mapping[str, object]
    fields: Mapping[str, Parameter]
    forms: Mapping[str, Form]


@dataclass(frozen=True, eq=False)
class Group:
    """All runs of one structure in one study; a subject passes through every arm slice before the next subject."""

    structure: Structure
    arm_slices: tuple[ArmSlice, ...]

    @cached_property
    def starts(self) -> Indexes:
        """Where each arm slice starts among the runs of one subject; the last entry is their number."""
        return np.cumsum([0, *(len(arm_slice.points) for arm_slice in self.arm_slices)])

    @property
    def runs_per_subject(self) -> int:
        """Runs of one subject: arms x points of this structure."""
        return int(self.starts[-1])

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The numeric paths, sorted."""
        return tuple(sorted(self.arm_slices[0].forms))

    @cached_property
    def _arms(self) -> Indexes:
        return np.array([arm_slice.arm for arm_slice in self.arm_slices])

    def forms(self, path: str) -> list[Form]:
        """Return the form of `path` in each arm_slice."""
        return [arm_slice.forms[path] for arm_slice in self.arm_slices]

    def place(self, rows: Indexes) -> tuple[Indexes, Indexes, Indexes, Indexes]:
        """Return subject, arm_slice, arm and point ordinal of each run; `rows` counts all runs of the group."""
        # Runs are numbered by arithmetic and never listed: a plan of a hundred million runs takes no memory.
        subject, within = np.divmod(rows, self.runs_per_subject)
        arm_slice = np.searchsorted(self.starts, within, side="right") - 1
        ordinal = np.empty(len(rows), np.int64)
        for i in np.unique(arm_slice).tolist():
            mask = arm_slice == i
            ordinal[mask] = self.arm_slices[i].points.ordinals(within[mask] - self.starts[i])
        return subject, arm_slice, self._arms[arm_slice], ordinal


def groups_of(
    scenario: Scenario, study: Study, arms: Sequence[Arm], settings: Mapping[str, Setting], points: Points
) -> tuple[Group, ...]:
    """Return the groups of a study, in order of their first run.

    Raises
    ------
    ScenarioError
        If a required field has no value at some structural level.
    """
    structural = {axis.path for axis in study.axes if sweeps_structure(scenario, axis.path)}
    fixed = sorted({points.group_of(path) for path in structural})
    found: dict[Structure, list[ArmSlice]] = {}
    for index, arm in enumerate(arms):
        axes = study.axes_of(arm.name)
        for part in points.slices(fixed):
            levels = {path: points.groups[points.group_of(path)].levels[path] for path in structural}
            chosen = {path: values[part.levels[points.group_of(path)]] for path, values in levels.items()}
            layers = Layers(scenario, arm, settings, axes, points, {p: v for p, v in chosen.items() if p in axes})
            structure = structure_of(layers, study.outcomes, study.record)
            arm_slice = ArmSlice(index, part, chosen, *_numbers(layers))
            # Arms that differ only in numbers share one structure and run side by side in one block.
            found.setdefault(structure, []).append(arm_slice)
    return tuple(Group(structure, tuple(arm_slices)) for structure, arm_slices in found.items())


def _numbers(layers: Layers) -> tuple[dict[str, Parameter], dict[str, Form]]:
    """Return declaration and form of every number that acts, by path; an optional number left out has none."""
    fields: dict[str, Parameter] = {}
    forms: dict[str, Form] = {}
    for table in (table for table in tables_of(layers) if table.section not in RECORDINGS):
        for parameter in layers.component(table).parameters().values():
            form = None if parameter.structural else layers.form(table, parameter)
            if form is not None:
                path = f"{table.path}.{parameter.name}"
                fields[path], forms[path] = parameter, form
    return fields, forms
