"""Compartments as chance has them, the same numbers on every processor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def drawn_systems(seed: int, systems: int) -> list[tuple[Array, Array, Array]]:
    """Return rates of elimination, out and back ``(runs,)``: drugs, extremes, and rates back that meet or nearly do.

    Powers of two and products alone, which every processor rounds alike.
    """
    rng, found = np.random.default_rng(seed), []
    for i in range(systems):
        size, reach = int(rng.integers(1, 6)), 14 if i % 2 else 2  # half of them span 28 powers of two
        clearance, volume, *drawn = np.ldexp(
            rng.uniform(1.0, 2.0, 2 + 2 * size), rng.integers(-reach, reach, 2 + 2 * size)
        )
        flows, volumes = np.array(drawn[:size]), np.array(drawn[size:])
        alike = int(rng.integers(1, size + 1))
        flows[:alike], volumes[:alike] = flows[0], volumes[0]
        if i % 3 == 1:
            volumes[0] = np.nextafter(volumes[0], np.inf)
        found.append((np.array([clearance / volume]), flows[:, None] / volume, (flows / volumes)[:, None]))
    return found
