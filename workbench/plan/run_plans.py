"""Everything one command asks for, and the stretches of runs that the solver takes one after another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.errors import Problem
from workbench.plan.columns import Rows, column
from workbench.plan.groups import Group
from workbench.plan.points import Points
from workbench.plan.resolve import Layers
from workbench.plan.sources import Resolved, resolved
from workbench.plan.structures import sweeps_structure
from workbench.plan.traits import TraitNumbers, draw
from workbench.scenario.model import Scenario, Setting
from workbench.solver.batch import Batch, Structure

Indexes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class StudyPlan:
    """One study: arms x points x subjects.

    Attributes
    ----------
    points : sequence of mappings path -> value
        The place of a point in it is its ordinal.
    groups : tuple of Group
        Its runs by structure.
    """

    name: str
    title: str
    arms: tuple[str, ...]
    points: Points
    subjects: int
    record: bool
    outcomes: tuple[str, ...]
    groups: tuple[Group, ...] = field(repr=False)

    @property
    def paths(self) -> tuple[str, ...]:
        """The swept paths."""
        return self.points.paths

    @property
    def expected(self) -> int:
        """How many runs the study asks for; equal ones are computed once."""
        return len(self.arms) * len(self.points) * self.subjects


@dataclass(frozen=True, eq=False)
class BatchPlan:
    """Runs of one structure with the places they fill: row i is (study, arms[i], points[i], batch.subjects[i]).

    `arms` holds indexes into the study's arms, `points` ordinals. Rows with equal keys are the same run.
    """

    batch: Batch
    study: str
    arms: Indexes
    points: Indexes


@dataclass(frozen=True, eq=False)
class Plan:
    """What one command asks of one scenario; nothing is kept for each run.

    Attributes
    ----------
    settings : mapping path -> text
        As given on the command line.
    read : mapping path -> value
        The same, read: full paths, canonical units.
    trait_settings : mapping trait name -> numbers of its distribution
        Without references to parameters.
    notes : tuple of Problem
        What is accepted and yet worth telling, at its place: of the file, and of what arms and sweeps make of it.
    """

    scenario: Scenario
    seed: int
    settings: Mapping[str, str]
    studies: tuple[StudyPlan, ...]
    read: Mapping[str, Setting] = field(repr=False)
    trait_settings: Mapping[str, TraitNumbers] = field(repr=False)
    notes: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    def expected(self) -> int:
        """How many runs all studies ask for."""
        return sum(study.expected for study in self.studies)

    def structures(self) -> tuple[Structure, ...]:
        """Return the different structures, in order of their first run."""
        return tuple(dict.fromkeys(group.structure for study in self.studies for group in study.groups))

    def traits(self, subjects: range) -> dict[str, NDArray[np.float64]]:
        """Return the traits of `subjects`, by name, each of shape (len(subjects),) in the trait's unit."""
        return draw(self.scenario.subjects, self.trait_settings, self.seed, subjects)

    def resolved(self, arm: str, study: str | None = None, point: int = 0) -> dict[str, Resolved]:
        """Return every value of `arm` with its origin: outside any study, or at one point of `study`."""
        if study is None:
            layers = Layers(self.scenario, self.scenario.arms[arm], self.read, {}, Points(()))
            return resolved(layers, 0)
        planned = next(s for s in self.studies if s.name == study)
        asked, levels = self.scenario.studies[study], planned.points[point]
        axes = asked.axes_of(arm)
        fixed = {path: levels[path] for path in axes if sweeps_structure(self.scenario, path)}
        return resolved(Layers(self.scenario, self.scenario.arms[arm], self.read, axes, planned.points, fixed), point)

    def chunks(self, size_of: Callable[[Structure], int]) -> Iterator[BatchPlan]:
        """Yield all runs, grouped by structure and ordered by subject, at most `size_of(structure)` at a time.

        A chunk holds whole subjects where one fits, as many as the others: the solver moves a subject's runs as one
        stretch, and no chunk is much shorter than the rest.
        """
        for study, group, size, total in self._stretches(size_of):
            for start in range(0, total, size):
                yield self._chunk(study, group, np.arange(start, min(start + size, total)))

    def counts(self, size_of: Callable[[Structure], int]) -> Iterator[tuple[Structure, int, int]]:
        """Yield for each group of runs its structure, how many runs it has, and in how many `chunks`."""
        for _, group, size, total in self._stretches(size_of):
            yield group.structure, total, -(-total // size)

    def widest(
        self, size_of: Callable[[Structure], int], wanted: Callable[[Structure], bool] | None = None
    ) -> BatchPlan:
        """Return the first of the longest `chunks`, of those whose structure is `wanted`."""
        found = (stretch for stretch in self._stretches(size_of) if wanted is None or wanted(stretch[1].structure))
        study, group, size, total = max(found, key=lambda stretch: min(stretch[2:]))
        return self._chunk(study, group, np.arange(min(size, total)))

    def _stretches(self, size_of: Callable[[Structure], int]) -> Iterator[tuple[StudyPlan, Group, int, int]]:
        """Yield every group of runs with the length of its chunks and of all of it."""
        for study in self.studies:
            for group in study.groups:
                size, total = size_of(group.structure), group.runs_per_subject * study.subjects
                if (subjects := size // group.runs_per_subject) > 0:
                    # Whole subjects share their draws within a block; a subject cut in two would draw the same numbers
                    # twice.
                    chunks = -(-study.subjects // subjects)
                    size = -(-study.subjects // chunks) * group.runs_per_subject
                yield study, group, size, total

    def sample(self, wanted: Callable[[Structure], bool], least: int) -> BatchPlan | None:
        """Return runs of the largest `wanted` structure of the first study that has one, None if there is none.

        They are all runs of the first subjects: of as few as make `least` runs.
        """
        for study in self.studies:
            groups = [group for group in study.groups if wanted(group.structure)]
            if groups:
                group = max(groups, key=lambda group: group.runs_per_subject)
                subjects = min(-(-least // group.runs_per_subject), study.subjects)
                return self._chunk(study, group, np.arange(subjects * group.runs_per_subject))
        return None

    def _chunk(self, study: StudyPlan, group: Group, rows: Indexes) -> BatchPlan:
        subjects, arm_slice, arms, ordinals = group.place(rows)
        first = int(subjects[0])
        traits = self.traits(range(first, int(subjects[-1]) + 1))
        at = Rows(study.points, ordinals, subjects, {name: drawn[subjects - first] for name, drawn in traits.items()})
        values: dict[str, float | NDArray[np.float64]] = {}
        for path in group.paths:
            shared = self.constants.get(path)
            values[path] = column(group.forms(path), arm_slice, at) if shared is None else shared
        keys = run_keys(group.structure, values, self.seed, subjects)
        return BatchPlan(Batch(group.structure, self.seed, subjects, values, keys), study.name, arms, ordinals)

    @cached_property
    def constants(self) -> dict[str, float]:
        """The numbers that all runs of the plan share, by path."""
        found: dict[str, set[float | None]] = {}
        for study in self.studies:
            for group in study.groups:
                for path in group.paths:
                    found.setdefault(path, set()).update(form.constant for form in group.forms(path))
        only = {path: next(iter(kept)) for path, kept in found.items() if len(kept) == 1}
        return {path: number for path, number in only.items() if number is not None}


def run_keys(
    structure: Structure, values: Mapping[str, float | NDArray[np.float64]], seed: int, subjects: NDArray[np.int64]
) -> tuple[bytes, ...]:
    """Return the 32-byte key of each run.

    A key is the SHA-256 of the structure's identity, the numbers in the order of their sorted paths (little-endian
    doubles, negative zero as zero), the seed (16 bytes) and the subject (8 bytes). The structure's identity fixes
    which paths there are, so their names need not be hashed again.
    """
    table = np.empty((len(subjects), len(values)), dtype="<f8")
    for i, path in enumerate(sorted(values)):
        table[:, i] = values[path]
    # -0.0 and 0.0 are equal as numbers but differ in their bytes; adding 0 makes both 0.0.
    table += 0.0
    start = hashlib.sha256(structure.identity)
    content, width = table.tobytes(), table.shape[1] * 8
    keys = []
    for row, subject in enumerate(subjects.tolist()):
        # The structure's part of the hash is computed once and copied for each run.
        digest = start.copy()
        digest.update(content[row * width : (row + 1) * width])
        digest.update(seed.to_bytes(16, "little") + subject.to_bytes(8, "little"))
        keys.append(digest.digest())
    return tuple(keys)
