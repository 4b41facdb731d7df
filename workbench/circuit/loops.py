"""Loops of linear units, seen as one linear map from trial to trial: does activity die down or grow without end?

A loop exists where activity comes back to its population by projections of which at least one has a delay. With
``y(t) = sum over d of A_d y(t - d)`` for the units of a loop, A_0 for what is passed on within the trial, activity dies
down if and only if all eigenvalues of the companion matrix of ``(1 - A_0)^-1 A_d`` lie within the unit circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from workbench.circuit.populations import size_of

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.tables import Fields, Tables

LARGEST = 600
"""Units, or units times trials where delays differ, up to which eigenvalues are looked for: a third of a second."""
MARGIN = 1e-9
"""How near to 1 counts as 1: eigenvalues are known to about this much."""


def growth_faults(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield why the loop through a projection with a delay cannot go on: its activity grows from trial to trial.

    Said once for a loop, at its first such projection by name. A loop with a rule, with units that are not linear, with
    weights that differ between runs or of more than `LARGEST` units is not judged.
    """
    if not fields["delay"]:
        return
    around = loop_through(fields["name"], tables)
    late = [name for name in around if tables["projection"][name].get("delay")]
    if not around or fields["name"] != min(late):
        return
    maps = linear_maps(around, tables)
    radius = None if maps is None else spectral_radius(maps)
    if radius is not None and radius >= 1.0 - MARGIN:
        grows = "grows" if radius > 1.0 + MARGIN else "never dies down"
        yield (
            "delay",
            f"activity in the loop {spelled(around, tables)} {grows}: its spectral radius is {radius:.4g}, and linear"
            ' units need less than 1; weaken a weight, or bound the units (activation = "clip")',
        )


def loop_through(name: str, tables: Tables) -> list[str]:
    """Return the projections that lie on some loop with projection `name`, by name; none where it is on no loop."""
    ways = {n: (way["pre"], way["post"]) for n, way in tables["projection"].items() if "pre" in way}
    start, end = ways[name]
    ahead = _reached(end, ways.values())
    if start not in ahead:
        return []
    behind = _reached(start, [(post, pre) for pre, post in ways.values()])
    within = ahead & behind
    return sorted(n for n, (pre, post) in ways.items() if pre in within and post in within)


def _reached(start: str, ways: Iterable[tuple[str, str]]) -> set[str]:
    """Return the populations to which ways lead from `start`, itself among them."""
    onward: dict[str, list[str]] = {}
    for pre, post in ways:
        onward.setdefault(pre, []).append(post)
    found, ahead = {start}, [start]
    while ahead:
        further = set(onward.get(ahead.pop(), ())) - found
        found |= further
        ahead += further
    return found


def spelled(around: Iterable[str], tables: Tables) -> str:
    """Return the populations of a loop in words, from the first by name along it."""
    ways = [(tables["projection"][name]["pre"], tables["projection"][name]["post"]) for name in around]
    here = min(pre for pre, _ in ways)
    path = [here]
    while len(path) == 1 or here != path[0]:
        onward = sorted(post for pre, post in ways if pre == here)
        here = next((post for post in onward if post not in path), path[0])
        path.append(here)
    return " -> ".join(path)


def linear_maps(around: Iterable[str], tables: Tables) -> dict[int, Array] | None:
    """Return the matrices ``(1 - A_0)^-1 A_d`` of a loop by delay, or None where they are not known."""
    ways = {name: tables["projection"][name] for name in around}
    names = sorted({way["pre"] for way in ways.values()})
    moved = {link["onto"] for link in tables["link"].values()}
    known = all(tables.offers("population", name, "linear") for name in names) and not any(
        name in tables["plasticity"] or f"projection.{name}.weight" in moved for name in ways
    )
    if not known:
        return None
    units = {name: size_of(tables, name) for name in names}
    ends = np.cumsum(list(units.values()))
    if ends[-1] > LARGEST:
        return None
    rows = {name: slice(end - units[name], end) for name, end in zip(names, ends, strict=True)}
    maps = {0: np.zeros((ends[-1], ends[-1]))}
    lateral: dict[str, Array] = {}
    for way in ways.values():
        pre, post, wiring = way["pre"], way["post"], cast("Any", way.component)
        matrix = wiring.matrix(way, units[post], units[pre]) if hasattr(wiring, "matrix") else None
        if matrix is None:
            return None
        if wiring.lateral:
            lateral[post] = matrix
        else:
            maps.setdefault(way["delay"], np.zeros_like(maps[0]))[rows[post], rows[pre]] += matrix
    for post, matrix in lateral.items():  # it acts on the summed input, from wherever that comes
        for whole in maps.values():
            whole[rows[post]] = matrix @ whole[rows[post]]
    within = np.linalg.inv(np.eye(ends[-1]) - maps.pop(0))
    return {delay: np.asarray(within @ matrix, dtype=np.float64) for delay, matrix in maps.items()}


def spectral_radius(maps: Mapping[int, Array]) -> float | None:
    """Return the largest eigenvalue of ``y(t) = sum over d of maps[d] y(t - d)`` by size, None where it is too large.

    With one delay d for all, an eigenvalue of the map is the d-th power of one from trial to trial.
    """
    if len(maps) == 1:
        ((delay, matrix),) = maps.items()
        return float(np.max(np.abs(np.linalg.eigvals(matrix))) ** (1.0 / delay))
    longest, units = max(maps), len(next(iter(maps.values())))
    if units * longest > LARGEST:
        return None
    companion = np.eye(units * longest, k=-units)
    for delay, matrix in maps.items():
        companion[:units, (delay - 1) * units : delay * units] = matrix
    return float(np.max(np.abs(np.linalg.eigvals(companion))))
