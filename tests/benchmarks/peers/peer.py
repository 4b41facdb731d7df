"""One program that computes the same numbers, and what is told of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SAME = 1e-9
"""Largest relative difference at which two programs count as computing the same in float64."""


Run = Callable[[], tuple[Array, float]]
"""One call of a program: the outcome ``(runs,)`` and the seconds that count."""


class Missing(Exception):
    """What a peer needs and this machine lacks."""


def clocked(function: Callable[[], Array]) -> Run:
    """Return a call of which all seconds count."""

    def run() -> tuple[Array, float]:
        started = time.perf_counter()
        found = function()
        return found, time.perf_counter() - started

    return run


@dataclass(frozen=True)
class Peer:
    """A program beside ours.

    Attributes
    ----------
    prepare : callable
        Makes what is run: compiles, or loads. Raises `Missing` where it cannot be had.
    steps : int
        Run-steps that one call computes; a slow peer may be given fewer runs.
    same : float
        Largest relative difference from the reference that counts as the same; infinite for float32, whose difference
        is told instead.
    """

    name: str
    prepare: Callable[[], Run]
    steps: int
    same: float = SAME


@dataclass(frozen=True)
class Timing:
    """What was measured of one peer: `first` seconds to the first result, `rate` in run-steps a second after it."""

    name: str
    difference: float
    first: float
    rate: float
    missing: str = ""


def compare(peers: Sequence[Peer], expected: Array, *, rounds: int = 3) -> list[Timing]:
    """Compare each peer with `expected` (runs,), then time all of them in turn.

    A peer that is given fewer runs is compared with the first of them. The rounds go through all peers before any of
    them runs again, so that a machine that slows down slows them all.

    Raises
    ------
    AssertionError
        If a peer computes something else: no time is taken of it.
    """
    ready: list[tuple[Peer, Run, float, float]] = []
    absent: list[Timing] = []
    for peer in peers:
        started = time.perf_counter()
        try:
            run = peer.prepare()
            found, _ = run()
        except Missing as missing:
            absent.append(Timing(peer.name, np.nan, np.nan, np.nan, str(missing)))
            continue
        first = time.perf_counter() - started
        wanted = expected[: len(found)]
        difference = float(np.max(np.abs(found - wanted) / np.maximum(np.abs(wanted), 1e-12)))
        assert difference <= peer.same, f"{peer.name} differs from the reference by {difference:.1e}"
        ready.append((peer, run, difference, first))
    best = [np.inf] * len(ready)
    for _ in range(rounds):
        for i, (_, run, _, _) in enumerate(ready):
            best[i] = min(best[i], run()[1])
    told = [
        Timing(peer.name, difference, first, peer.steps / seconds)
        for (peer, _, difference, first), seconds in zip(ready, best, strict=True)
    ]
    return told + absent
