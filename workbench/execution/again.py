"""Stored runs, computed again and compared bit for bit, or as far as machines agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from workbench.execution.tolerances import allowed, tolerances
from workbench.store.damage import Check, Finding
from workbench.store.verify import ending, largest, measured

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.design import Chunk
    from workbench.execution.replanned import Replanned
    from workbench.solver.batch import Batch, BatchResult
    from workbench.store.verify import Snapshot, StoredPlace

NUDGES = (1, 2)
"""Which numbers go up and which down by a unit in their last place, where a tolerance is not stated and is measured."""


class Again:
    """Computes runs again, a block at a time.

    Attributes
    ----------
    wanted : set of int
        Ids of the runs that are still to be computed.
    computed : int
        Runs that were.
    """

    def __init__(self, check: Check) -> None:
        self.check = check
        self.wanted: set[int] = set()
        self.computed = self._values = 0
        self._within: dict[str, tuple[int, float]] = {}

    def compute(
        self, seen: Snapshot, again: Replanned, chunk: Chunk, rows: NDArray[np.int64], places: Sequence[StoredPlace]
    ) -> None:
        """Compute rows of a chunk, which fill `places`, and compare them with what is stored."""
        from workbench.solver.run import solve

        batch, registry = chunk.batch.take(rows), again.plan.scenario.registry
        result = solve(batch, registry)
        self.wanted.difference_update(place.run for place in places)
        self.computed += len(places)
        self.check.add(self._compared(seen, again, chunk.study, batch, result, places))

    def _compared(
        self,
        seen: Snapshot,
        again: Replanned,
        study: str,
        batch: Batch,
        result: BatchResult,
        places: Sequence[StoredPlace],
    ) -> Iterator[Finding]:
        apart = _Apart(seen, again, batch) if again.apart else None
        for i, place in enumerate(places):
            at: dict[str, Any] = {"sweep": again.sweep, "study": study, "arm": place.arm, "run": place.run}
            at |= {"point": place.point, "subject": place.subject}
            stored, failure = ending(seen.ask, place.run), result.failures.get(i)
            now = ("failed", int(failure.step)) if failure else ("stored", int(result.steps))
            if (stored.status, stored.steps) != now:
                message = "computed again, it ends otherwise (status, steps)"
                yield Finding("run", f"run {place.run}", message, [stored.status, stored.steps], list(now), **at)
            why = (failure.reason, int(failure.step), failure.time) if failure else None
            if stored.failure != why:
                yield Finding(
                    "failure", f"run {place.run}", "computed again, it fails otherwise", stored.failure, why, **at
                )
            if failure:
                continue
            outcomes, courses = measured(seen.ask, place.run, again.sweep, study)
            for name, value in outcomes.items():
                self._values += 1
                if name not in result.outcomes:
                    continue
                other = float(result.outcomes[name][i])
                if value.hex() != other.hex() and not self._agree(again, apart, place.arm, name, [value], [other]):
                    row = f"outcome {name!r} of run {place.run}"
                    yield Finding(
                        "outcome", row, "computed again, it is another number", value, other, outcome=name, **at
                    )
            for name, text in courses.items():
                self._values += 1
                series = np.ascontiguousarray(result.courses[name][:, i]) if name in result.courses else None
                if series is None:
                    continue
                other_text = orjson.dumps(series, option=orjson.OPT_SERIALIZE_NUMPY).decode()
                if text != other_text and not self._agree(
                    again, apart, place.arm, name, _numbers(text), series.tolist()
                ):
                    row = f"course {name!r} of run {place.run}"
                    first = _first_difference(_numbers(text), series.tolist())
                    yield Finding("course", row, "computed again, it is another course", *first, outcome=name, **at)

    def _agree(
        self,
        again: Replanned,
        apart: _Apart | None,
        arm: str,
        name: str,
        stored: Sequence[float],
        here: Sequence[float],
    ) -> bool:
        """Return whether numbers of other digits agree as far as other libraries or processors let them."""
        if apart is None or len(stored) != len(here):
            return False
        share = apart.share(name, stored, here)
        tolerance = apart.tolerance(arm, name)
        if share > tolerance:
            return False
        count, widest = self._within.get(again.apart, (0, 0.0))
        self._within[again.apart] = count + 1, max(widest, tolerance)
        return True

    def close(self, asked: int | None, total: int) -> None:
        """Say what was done."""
        chosen = "all" if asked is None else f"{self.computed:,}"
        self.check.looked = f"{chosen} of {total:,} runs, {self._values:,} outcomes and courses"
        if not self._within:
            self.check.looked += ", bit for bit"
        for words, (count, widest) in self._within.items():
            said = f"{count:,} {'value has' if count == 1 else 'values have'} other digits"
            self.check.notes.append(f"{said}, within {widest:.0e} of the largest value of their kind: {words}")
        if self.wanted:
            self.check.notes.append(f"{len(self.wanted):,} runs that were chosen could not be computed again")


class _Apart:
    """How far a sweep's values may lie from those that are computed with other libraries or on another processor."""

    def __init__(self, seen: Snapshot, again: Replanned, batch: Batch) -> None:
        self._stated = tolerances().get(again.plan.scenario.name)
        self._largest = largest(seen.ask, again.sweep)
        self._batch, self._registry = batch, again.plan.scenario.registry
        self._measured: Mapping[str, float] | None = None

    def share(self, name: str, stored: Sequence[float], here: Sequence[float]) -> float:
        """Return the largest difference as a share of the outcome's largest value, or of the course's own."""
        size = self._largest.get(name) or max(map(abs, stored), default=0.0) or 1.0
        return max((abs(a - b) for a, b in zip(stored, here, strict=True)), default=0.0) / size

    def tolerance(self, arm: str, name: str) -> float:
        """Return what is stated of a shipped scenario; of another, what a nudge of every number gives."""
        if self._stated is not None:
            return self._stated.of(arm, name) if name in self._largest else self._stated.widest
        if self._measured is None:
            self._measured = self._nudged()
        return self._measured.get(name, max(self._measured.values(), default=allowed(0.0)))

    def _nudged(self) -> dict[str, float]:
        from workbench.execution.amplification import nudged
        from workbench.solver.run import solve

        plain = solve(self._batch, self._registry)
        moved: dict[str, float] = {}
        for seed in NUDGES:
            other = solve(nudged(self._batch, seed), self._registry)
            for name, values in plain.outcomes.items():
                apart = np.abs(values - other.outcomes[name])
                size = self._largest.get(name) or 1.0
                moved[name] = max(moved.get(name, 0.0), float(np.nanmax(apart, initial=0.0)) / size)
        return {name: allowed(share) for name, share in moved.items()}


def _numbers(text: str) -> list[float]:
    try:
        found = orjson.loads(text)
    except ValueError:
        return []
    return [float(v) for v in found if isinstance(v, int | float)] if isinstance(found, list) else []


def _first_difference(stored: Sequence[float], here: Sequence[float]) -> tuple[Any, Any]:
    """Return the first two numbers that differ, or how many numbers there are."""
    for a, b in zip(stored, here, strict=False):
        if a.hex() != b.hex():
            return a, b
    return f"{len(stored)} numbers", f"{len(here)} numbers"
