"""The ends of a sweep: at which levels of its axes a slab's numbers are tried against the rules of the components."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import product

from workbench.plan.columns import Swept
from workbench.plan.groups import Slab
from workbench.plan.points import Points

Corner = Mapping[str, int]
"""Swept path -> the level at which it stands; a path that is not in it is not known."""
MOST = 16
"""Corners at which all axes stand at an end: four axes have as many. Of more axes only each by itself is tried."""


def corners(slab: Slab) -> Iterator[Corner]:
    """Yield the ends of each axis by itself, then of those that move together, then of all at once.

    What is wrong with one axis by itself then shows first, and names no other.
    """
    ends: dict[int, dict[str, list[int]]] = {}
    for part in (part for form in slab.forms.values() for part in (form.base, *form.factors)):
        if isinstance(part, Swept):
            found = {int(part.levels.argmin()), int(part.levels.argmax())}
            ends.setdefault(part.group, {})[part.path] = _standing(slab, part.group) or sorted(found)
    together: list[list[Corner]] = []
    for paths in ends.values():
        yield from ({path: level} for path, levels in paths.items() for level in levels)
        moved = [dict.fromkeys(paths, level) for level in sorted({i for levels in paths.values() for i in levels})]
        together.append(list(moved))
        if len(paths) > 1:
            yield from moved
    if len(together) > 1 and math.prod(map(len, together)) <= MOST:
        for each in product(*together):
            yield {path: level for corner in each for path, level in corner.items()}


def _standing(slab: Slab, group: int) -> list[int]:
    """Return the one level at which a group stands that moves something structural too."""
    return [slab.points.levels[group]] if group in slab.points.levels else []


def in_words(points: Points, axes: Mapping[str, tuple[str, bool]], corner: Corner) -> str:
    """Return where a corner lies: ``plasticity.w.total = 5``.

    `axes` maps each path of the study to its unit, and to whether the axis is relative.
    """
    words = []
    for path, (unit, relative) in axes.items():
        if path not in corner:
            continue
        number = f"{points.groups[points.group_of(path)].levels[path][corner[path]]:g}"
        words.append(f"{number} times {path}" if relative else f"{path} = {number} {unit}".removesuffix(" 1"))
    return ", ".join(words)
