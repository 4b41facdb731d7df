"""The points of a study: a grid, a zip or a space-filling design, counted before anything is laid out.

Points are never listed. A point is its ordinal, read as one digit for every group of axes that move
together; the last group runs fastest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from workbench.errors import Problem, ScenarioError
from workbench.scenario.model import Axis, Study

Ordinals = NDArray[np.int64]
MAX_POINTS = 1_000_000
FEW = 2.0**40
"""A range that holds more numbers keeps the points of any design apart."""


@dataclass(frozen=True, eq=False)
class AxisGroup:
    """Axes that move together: `levels` maps each path to its `size` values."""

    size: int
    levels: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, eq=False)
class Points(Sequence[Mapping[str, Any]]):
    """All points of one study, as a sequence of mappings path -> value; each is made when it is asked for."""

    groups: tuple[AxisGroup, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The swept paths, in the order of the file."""
        return tuple(path for group in self.groups for path in group.levels)

    def group_of(self, path: str) -> int:
        """Return the index of the group that moves `path`."""
        return next(i for i, group in enumerate(self.groups) if path in group.levels)

    def stride(self, group: int) -> int:
        """Return how many ordinals pass before `group` moves to its next level."""
        return math.prod(g.size for g in self.groups[group + 1 :])

    def digit(self, ordinals: Ordinals, group: int) -> Ordinals:
        """Return the level of `group` at each ordinal."""
        return ordinals // self.stride(group) % self.groups[group].size

    def __len__(self) -> int:
        return math.prod(group.size for group in self.groups)

    @overload
    def __getitem__(self, ordinal: int) -> Mapping[str, Any]: ...
    @overload
    def __getitem__(self, ordinal: slice) -> Sequence[Mapping[str, Any]]: ...
    def __getitem__(self, ordinal: int | slice) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
        if isinstance(ordinal, slice):
            return [self[i] for i in range(*ordinal.indices(len(self)))]
        at = range(len(self))[ordinal]
        levels = [at // self.stride(i) % group.size for i, group in enumerate(self.groups)]
        return {
            path: values[level]
            for group, level in zip(self.groups, levels, strict=True)
            for path, values in group.levels.items()
        }

    def slices(self, fixed: Sequence[int]) -> Iterator[PointSlice]:
        """Yield one slice for each combination of levels of the groups in `fixed`, in point order."""
        free = tuple(i for i in range(len(self.groups)) if i not in fixed)
        for levels in product(*(range(self.groups[i].size) for i in fixed)):
            offset = sum(level * self.stride(i) for level, i in zip(levels, fixed, strict=True))
            size = math.prod(self.groups[i].size for i in free)
            yield PointSlice(self, free, offset, size, dict(zip(fixed, levels, strict=True)))


@dataclass(frozen=True, eq=False)
class PointSlice:
    """The points at which some groups rest at given `levels` (group -> level); `free` groups run through theirs."""

    points: Points
    free: tuple[int, ...]
    offset: int
    size: int
    levels: Mapping[int, int]

    def __len__(self) -> int:
        return self.size

    def ordinals(self, index: Ordinals) -> Ordinals:
        """Return the point ordinals of the members at `index`; `index` counts from 0 in point order."""
        found = np.full(index.shape, self.offset, np.int64)
        rest = index
        for group in reversed(self.free):
            size = self.points.groups[group].size
            found += rest % size * self.points.stride(group)
            rest = rest // size
        return found


def points_of(study: Study, file: str = "", max_points: int = MAX_POINTS) -> Points:
    """Return the points of `study`; a study without axes has one, which sweeps nothing.

    Raises
    ------
    ScenarioError
        If zipped axes differ in length, an axis is empty, or there are more than `max_points` points. The count is
        arithmetic: nothing is allocated before.
    """
    key = f"study.{study.name}.sweep"
    grouped: dict[str, list[Axis]] = {}
    for axis in study.axes:
        label = "design" if study.design != "grid" else f"zip {axis.zip}" if axis.zip else f"path {axis.path}"
        grouped.setdefault(label, []).append(axis)
    sizes = [study.n if study.design != "grid" else _length(axes, file, key) for axes in grouped.values()]
    total = math.prod(sizes)
    # Counted before any point exists: a typo in `steps` must not exhaust the memory first.
    if not 0 < total <= max_points:
        raise _refusal(file, key, f"{_large(total)} points (1 to {max_points:,}; --max-points raises the limit)")
    if study.design != "grid" and study.axes:
        levels = _spread(study)
        if _are_few(study) and len(set(zip(*levels.values(), strict=True))) < study.n:
            raise _refusal(file, key, f"the ranges are too narrow for {study.n:,} different points")
        return Points((AxisGroup(study.n, levels),))
    groups = (
        AxisGroup(size, {axis.path: axis.values for axis in axes})
        for size, axes in zip(sizes, grouped.values(), strict=True)
    )
    return Points(tuple(groups))


def _length(axes: Sequence[Axis], file: str, key: str) -> int:
    lengths = {axis.path: len(axis.values) for axis in axes}
    if len(set(lengths.values())) > 1:
        counts_by_path = ", ".join(f"{path} has {n}" for path, n in lengths.items())
        raise _refusal(file, key, f"axes zipped as {axes[0].zip!r} need equally many values, but {counts_by_path}")
    return len(axes[0].values)


def _spread(study: Study) -> dict[str, tuple[float, ...]]:
    """Return `n` values for each axis of a Sobol or Latin hypercube design.

    The design is part of the question, not of chance: it does not depend on the scenario's seed. Columns belong to the
    axes in the order of the file, so that no name decides. The first points of a Sobol design stay when `n` grows; a
    Latin hypercube is laid anew.
    """
    axes = study.axes
    unit = _sobol(study.n, len(axes)) if study.design == "sobol" else _latin_hypercube(study.n, len(axes))
    return {axis.path: _between(axis, unit[:, i]) for i, axis in enumerate(axes)}


def _sobol(n: int, axes: int) -> NDArray[np.float64]:
    from scipy.stats import qmc  # half a second

    # A Sobol sequence is generated in powers of two and cut, so that the first n points stay the same when n grows.
    unit: NDArray[np.float64] = qmc.Sobol(axes, rng=0).random_base2(max(n - 1, 0).bit_length())[:n]
    return unit


def _latin_hypercube(n: int, axes: int) -> NDArray[np.float64]:
    """Return `n` points of which each axis has one in each of `n` cells, (n, axes).

    These are the numbers of ``scipy.stats.qmc.LatinHypercube(axes, rng=0)``, drawn in the same order by a generator
    spawned like its own; importing that takes longer than to plan a large scenario.
    """
    # Every draw in SciPy's order: points are part of a run's identity, so not one may differ.
    (rng,) = np.random.default_rng(0).spawn(1)
    within = rng.uniform(size=(n, axes))
    cells = np.tile(np.arange(1, n + 1), (axes, 1))
    for row in cells:
        rng.shuffle(row)
    return (cells.T - within) / n


def _are_few(study: Study) -> bool:
    """Whether the numbers between the ends of every axis are so few that points may fall together."""
    ends = [sorted(float(bound) for bound in axis.values) for axis in study.axes]
    return all((high - low) / max(np.spacing(low), np.spacing(high)) < FEW for low, high in ends)


def _between(axis: Axis, share: NDArray[np.float64]) -> tuple[float, ...]:
    low, high = (float(bound) for bound in axis.values)
    values = low * (high / low) ** share if axis.scale == "log" else low + (high - low) * share
    return tuple(values.tolist())


def _large(count: int) -> str:
    return f"{count:,}" if count < 10**12 else f"10^{len(str(count)) - 1}"


def _refusal(file: str, key: str, message: str) -> ScenarioError:
    return ScenarioError([Problem(file, 0, 0, key, message)])
