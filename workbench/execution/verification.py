"""Verifying a result database: the file by itself, its sweeps beside their scenarios, and some runs computed again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from workbench.errors import UsageError
from workbench.execution.replanned import Replanned, replanned
from workbench.execution.tolerances import tolerance_for, tolerances
from workbench.store.damage import Check, Damage, placed, readable
from workbench.store.integrity import (
    ending,
    file_checks,
    largest,
    measured,
    places,
    places_outside,
    run_count,
    sample,
    snapshot,
    sweeps,
    was_filled,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.declaration import Component
    from workbench.plan import BatchPlan
    from workbench.solver.batch import Batch, BatchResult, Structure
    from workbench.store.integrity import Snapshot, StoredPlace


TRUSTED = 3
"""Of the first checks, how many must find nothing for the rows to be read as what they say: pages, tables and texts."""
SUSPECTS = 4096
"""Runs that are also computed again, of those whose entry in the audit no longer fits: one of them was changed."""
SAMPLE = 20
"""Runs that are computed again if nobody says how many."""


@dataclass(frozen=True)
class Verification:
    """What was looked at, and what was found.

    Attributes
    ----------
    checks : tuple of Check
        In the order in which they were done.
    digest : str
        Of all sweeps, or of the one that was asked for; "" where the file cannot be read for it.
    again, runs : int
        How many runs were computed again, and how many there are.
    """

    db: Path
    checks: tuple[Check, ...]
    digest: str
    again: int
    runs: int

    @property
    def well(self) -> bool:
        """Whether nothing was found."""
        return all(check.well for check in self.checks)


def verify(
    db: str | Path,
    *,
    sample_size: int | None = SAMPLE,
    sweep: int | None = None,
    digest: str = "",
    components: Iterable[type[Component]] = (),
) -> Verification:
    """Look through a result database and compute some of its runs again; writes nothing.

    Parameters
    ----------
    sample_size
        How many runs to compute again; all if None.
    sweep
        Plan and compute this sweep alone; the file is looked through whole.
    digest
        What the digest is to be, as a collaborator has sent it.
    components
        Component classes that are not installed, if a sweep used some.

    Raises
    ------
    StorageError
        If the file cannot be read as a database of ours.
    UsageError
        If there is no such sweep.
    """
    with snapshot(Path(db)) as seen:
        look = _Look(seen, sweep, tuple(components))
        checks, suspects = file_checks(seen)
        # On damaged pages every later finding would be a consequence of the damage.
        if all(check.well for check in checks[:TRUSTED]):
            checks += look.plans(sample_size, suspects)
            checks.append(look.digest(digest.strip().lower()))
        else:
            checks[0].notes.append("nothing was planned or computed again, and no digest: what is stored comes first")
        for check in checks:
            check.findings = list(placed(seen.ask, check.findings))
        return Verification(Path(db), tuple(checks), look.found_digest, look.again.computed, look.total)


@dataclass
class _Look:
    """One look at what a snapshot holds beside what its scenarios give."""

    seen: Snapshot
    sweep: int | None
    components: tuple[type[Component], ...]
    again: Again = field(default_factory=lambda: Again(Check("runs again")))
    total: int = 0
    found_digest: str = ""

    def plans(self, sample_size: int | None, suspects: set[int]) -> tuple[Check, Check, Check]:
        """Plan the sweeps, compare their places, and compute a sample of runs and some of the `suspects`."""
        plans, keys = Check("sweeps"), Check("keys")
        listed: list[int] = []
        readable(plans, lambda: self._chosen(listed, sample_size))
        if sample_size != 0:
            self.again.wanted |= set(sorted(suspects)[:SUSPECTS])
        planned: list[Replanned] = []
        for number in listed:
            readable(plans, lambda number=number: self._planned(number, planned, plans))  # type: ignore[misc]
        plans.looked = f"{len(planned)} of {len(listed)} planned again: arms, settings, points, traits, measures"
        same = 0
        for one in planned:
            compared = _Comparison(self.seen, one, keys, self.again)
            readable(keys, compared.findings)
            same += compared.same
        keys.looked = f"{same:,} places hold the run that their scenario asks for"
        self.again.close(sample_size, self.total)
        return plans, keys, self.again.check

    def _chosen(self, listed: list[int], sample_size: int | None) -> Iterable[Damage]:
        every = sweeps(self.seen.ask)
        if self.sweep is not None and self.sweep not in every:
            raise UsageError(f"{self.seen.path}: there is no sweep {self.sweep}")
        listed += every if self.sweep is None else [self.sweep]
        self.total = run_count(self.seen.ask)
        self.again.wanted = sample(self.seen.ask, listed, sample_size)
        return ()

    def _planned(self, sweep: int, planned: list[Replanned], check: Check) -> Iterator[Damage]:
        found = replanned(self.seen, sweep, self.components)
        if isinstance(found, str):
            check.notes.append(found)
            return
        if isinstance(found, Damage):
            yield found
            return
        planned.append(found)
        check.notes += [found.note] if found.note else []
        yield from found.findings()

    def digest(self, sent: str) -> Check:
        """Compute the digest, and compare it with one that was sent."""
        check = Check("digest")

        def look() -> Iterator[Damage]:
            check.looked = self.found_digest = self.seen.digest(self.sweep)
            if sent and sent != self.found_digest:
                yield Damage("", "digest", "it is not the one that was sent", sent, self.found_digest)

        return readable(check, look)


class _Comparison:
    """A sweep's places beside those of its plan; runs that were chosen are computed again on the way."""

    def __init__(self, seen: Snapshot, again: Replanned, check: Check, computed: Again) -> None:
        self._seen, self._again, self._check, self._computed = seen, again, check, computed
        self.same = self._missing = self._other = 0
        self._filled = was_filled(seen.ask, again.sweep)

    def findings(self) -> Iterator[Damage]:
        """Yield places that no plan asks for, and those whose run is another one."""
        from workbench.solver.run import width_for

        plan, sweep = self._again.plan, self._again.sweep

        def size(structure: Structure) -> int:
            return width_for(structure, plan.scenario.registry)

        for chunk in plan.chunks(size):
            yield from self._chunk(chunk)
        for study in plan.studies:
            arms, points = study.arms, len(study.points)
            for place in places_outside(self._seen.ask, sweep, study.name, arms, points, study.subjects):
                message = "its scenario asks for no run at this place"
                yield Damage("sweep_run", f"run {place.run}", message, **self._at(study.name, place))
        if self._missing:
            self._check.notes.append(f"sweep {sweep}: {self._missing:,} runs are not there yet")
        if self._other:
            many = f"{self._other:,} {'place asks' if self._other == 1 else 'places ask'} for another run here"
            self._check.notes.append(f"sweep {sweep}: {many}: {self._again.excused}")

    def _chunk(self, chunk: BatchPlan) -> Iterator[Damage]:
        plan, sweep, subjects = self._again.plan, self._again.sweep, chunk.batch.subjects
        arms = next(study.arms for study in plan.studies if study.name == chunk.study)
        stored = places(self._seen.ask, sweep, chunk.study, int(subjects[0]), int(subjects[-1]))
        there = {(place.arm, place.point, place.subject): place for place in stored}
        rows: list[int] = []
        for i, place in enumerate(zip(chunk.arms.tolist(), chunk.points.tolist(), subjects.tolist(), strict=True)):
            found = there.get((arms[place[0]], *place[1:]))
            if found is None and self._filled:
                at = {"study": chunk.study, "arm": arms[place[0]], "point": place[1], "subject": place[2]}
                yield Damage("sweep_run", "place", "its run is gone", sweep=sweep, **at)
            elif found is None:
                self._missing += 1
            elif found.key == chunk.batch.keys[i]:
                self.same += 1
                # Computed in passing, while the chunk is laid out: planning it once more would cost as much.
                rows += [i] if found.run in self._computed.wanted else []
            elif self._again.excused:
                self._other += 1
            else:
                message = "it is not the run that its scenario asks for at its place"
                values = found.key.hex(), chunk.batch.keys[i].hex()
                yield Damage("run", f"run {found.run}", message, *values, **self._at(chunk.study, found))
        if rows:
            listed = [there[arms[chunk.arms[i]], int(chunk.points[i]), int(subjects[i])] for i in rows]
            self._computed.compute(self._seen, self._again, chunk, np.array(rows, dtype=np.int64), listed)

    def _at(self, study: str, place: StoredPlace) -> dict[str, Any]:
        named = {"arm": place.arm, "point": place.point, "subject": place.subject, "run": place.run}
        return {"sweep": self._again.sweep, "study": study, **named}


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
        self, seen: Snapshot, again: Replanned, chunk: BatchPlan, rows: NDArray[np.int64], places: Sequence[StoredPlace]
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
    ) -> Iterator[Damage]:
        apart = _Apart(seen, again, batch) if again.apart else None
        for i, place in enumerate(places):
            at: dict[str, Any] = {"sweep": again.sweep, "study": study, "arm": place.arm, "run": place.run}
            at |= {"point": place.point, "subject": place.subject}
            stored, failure = ending(seen.ask, place.run), result.failures.get(i)
            now = ("failed", int(failure.step)) if failure else ("stored", int(result.steps))
            if (stored.status, stored.steps) != now:
                message = "computed again, it ends otherwise (status, steps)"
                yield Damage("run", f"run {place.run}", message, [stored.status, stored.steps], list(now), **at)
            why = (failure.reason, int(failure.step), failure.time) if failure else None
            if stored.failure != why:
                yield Damage(
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
                # By their bits first: equal results must be equal, and a tolerance is only asked for where another
                # machine computed them.
                if value.hex() != other.hex() and not self._agree(again, apart, place.arm, name, [value], [other]):
                    row = f"outcome {name!r} of run {place.run}"
                    yield Damage(
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
                    yield Damage("course", row, "computed again, it is another course", *first, outcome=name, **at)

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
        return self._measured.get(name, max(self._measured.values(), default=tolerance_for(0.0)))

    def _nudged(self) -> dict[str, float]:
        from workbench.execution.amplification import nudge_numbers
        from workbench.solver.run import solve

        plain = solve(self._batch, self._registry)
        moved: dict[str, float] = {}
        for seed in NUDGES:
            other = solve(nudge_numbers(self._batch, seed), self._registry)
            for name, values in plain.outcomes.items():
                apart = np.abs(values - other.outcomes[name])
                size = self._largest.get(name) or 1.0
                moved[name] = max(moved.get(name, 0.0), float(np.nanmax(apart, initial=0.0)) / size)
        return {name: tolerance_for(share) for name, share in moved.items()}


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
