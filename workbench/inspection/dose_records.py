"""The doses of one arm as dose records: what each subject is given, written down once more."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.component.moments import TOGETHER
from workbench.errors import UsageError, quoted
from workbench.protocol.dose_record import DoseRecord, nothing
from workbench.protocol.schedule import number_before, phase_hours

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.protocol.schedule import DoseSeries
    from workbench.scenario.model import Scenario
    from workbench.solver.block import Block

SUBJECTS_AT_ONCE = 1024


def dose_records(
    scenario: Scenario,
    arm: str,
    *,
    drug: str | None = None,
    phase: str | None = None,
    subjects: int | None = None,
    settings: Mapping[str, str] | None = None,
) -> tuple[DoseRecord, ...]:
    """Return what an arm gives: one subject's records where all are given the same, else those of each.

    Parameters
    ----------
    drug, phase : str, optional
        Needed where the arm gives several drugs, or in several phases; times count from the start of the phase.
    subjects : int, optional
        How many; as many as the file has by default.

    Raises
    ------
    UsageError
        If the arm gives nothing, or more than one table can hold.
    """
    from workbench.plan import plan
    from workbench.scenario.model import Study
    from workbench.solver.block import Block

    study = Study("doses", "", (arm,), scenario.subjects.count)
    if arm not in scenario.arms:
        raise UsageError(f"no arm {quoted(arm)} in this scenario (there are: {', '.join(scenario.arms)})")
    alone = replace(scenario, studies=MappingProxyType({study.name: study}))
    found: dict[int, list[DoseRecord]] = {}
    for chunk in plan(alone, settings=settings, subjects=subjects).chunks(lambda structure: SUBJECTS_AT_ONCE):
        block = Block(chunk.batch, scenario.registry)
        given = _chosen(block, arm, drug, phase)
        for run, subject in enumerate(chunk.batch.subjects.tolist()):
            found[subject] = given.to(run) if given else []
    if not any(found.values()):
        raise UsageError(f"arm {arm} gives no dose{f' of {drug}' if drug else ''}")
    if len({tuple(records) for records in found.values()}) == 1:
        return tuple(found[0])
    each = {subject: records or [nothing(0.0)] for subject, records in found.items()}
    return tuple(record._replace(subject=float(subject)) for subject, records in each.items() for record in records)


@dataclass(frozen=True)
class _Given:
    """What an arm gives of one drug in one phase.

    Attributes
    ----------
    length : float
        Hours of the phase.
    share : Value
        What of a dose is absorbed where doses usually enter.
    numbers : mapping compartment -> str
        Their numbers, where any dose enters another compartment than the usual one; else none is written.
    """

    length: float
    trains: list[DoseSeries]
    runs: int
    share: Value
    numbers: Mapping[str, str]

    def to(self, run: int) -> list[DoseRecord]:
        """Return what one run is given, in an order that NONMEM reads as the same.

        At one moment what empties the drug comes first, and once; then steady states, then doses.
        """
        people = [_Person(doses, run, self.runs, self.length, self.share, self.numbers) for doses in self.trains]
        emptied = [one.turn for one in people if one.doses.empties]
        records = [record for one in people for record in (*one.turned(), *one.given(emptied))]
        found: list[DoseRecord] = []
        for record in sorted(records, key=lambda r: (r.time, not r.empties, r.ss == 0.0)):
            again = any(before.empties and record.time - before.time <= TOGETHER for before in found)
            if record.empties and again:
                if record.evid == 3.0:
                    continue
                record = record._replace(evid=1.0, ss=2.0 if record.ss else 0.0)
            found.append(record)
        return found


@dataclass(frozen=True)
class _Person:
    """The doses of one regimen as one person gets them."""

    doses: DoseSeries
    run: int
    runs: int
    length: float
    usual_share: Value
    numbers: Mapping[str, str]

    def own(self, value: Any) -> float:
        """Return a number of this person."""
        return float(np.broadcast_to(value, (self.runs,))[self.run])

    @property
    def turn(self) -> float:
        """When the drug is emptied, or a steady state sets in; never, where nothing of the kind is said."""
        return self.own(self.doses.record) if self.doses.empties or self.doses.steady_state else math.inf

    @property
    def full(self) -> float:
        """Amount of a full dose, mg."""
        return self.own(self.doses.full)

    @property
    def settled(self) -> bool:
        """Whether a steady state sets in."""
        return self.doses.steady_state and self.full > 0.0

    @property
    def ss(self) -> float:
        """NONMEM's code for it: 1 where the drug is emptied first, else 2."""
        return float(2 - self.doses.empties) if self.settled else 0.0

    @property
    def cmt(self) -> str:
        """The number of the compartment, where it has to be written."""
        return self.numbers.get(self.doses.entry, "")

    def turned(self) -> Iterator[DoseRecord]:
        """Yield what happens in the phase without a dose: the drug is emptied, or an endless infusion ends."""
        if self.turn < self.length - TOGETHER:
            if self.full == 0.0 and self.doses.empties:
                yield DoseRecord(0.0, self.turn, 0.0, evid=3.0)
            elif self.settled and self.doses.constant:
                yield DoseRecord(0.0, self.turn, 0.0, self.full, ss=self.ss, cmt=self.cmt)

    def given(self, emptied: Sequence[float]) -> Iterator[DoseRecord]:
        """Yield the doses: one record where all are alike, else one for each."""
        many = int(self.own(self.doses.recurrence.number_in(self.length)))
        if not many or self.full == 0.0:
            return
        if self.settled and self.own(self.doses.first) > self.turn:
            raise UsageError("a steady state whose first dose comes after the start of the phase has no dose record")
        for start, stop in pairwise((*self._starts(many, emptied), many)):
            amount = self.own(self.doses.amount_of(np.full(self.runs, float(start))))
            if self.settled and start == 0 and amount == 0.0:
                raise UsageError("a steady state whose first dose is left out has no dose record")
            if start != stop and amount > 0.0:
                yield self._record(start, stop, amount)

    def _starts(self, many: int, emptied: Sequence[float]) -> Sequence[int]:
        """Return the numbers, from 0, with which a record begins.

        Doses that come after the drug was emptied have a record of their own: those of a record before are called off.
        """
        if self.doses.rising or self.doses.missed:
            return range(many)
        first, every = self.own(self.doses.first), self.own(self.doses.every)
        return sorted({0, *(int(min(number_before(time, first, every), many)) for time in emptied)})

    def _record(self, start: int, stop: int, amount: float) -> DoseRecord:
        """Return the record of the equal doses from number `start` to before `stop`."""
        further, opens, doses = stop - start - 1, start == 0, self.doses
        share = 1.0 if doses.keeps_rate or doses.entry else self.own(self.usual_share)
        lasting = self.own(doses.duration)
        return DoseRecord(
            0.0,
            self.own(doses.recurrence.at(float(start))),
            amount,
            amount * (share or 1.0) / lasting if lasting > 0.0 else 0.0,
            self.own(doses.every) if further or (self.settled and opens) else 0.0,
            float(further),
            self.ss if opens else 0.0,
            4.0 if opens and doses.empties and not self.settled else 1.0,
            cmt=self.cmt,
        )


def _chosen(block: Block, arm: str, drug: str | None, phase: str | None) -> _Given | None:
    """Return all doses of one drug in one phase, or None if there are none."""
    given = [
        (dose.drug, train)
        for name, dose in block.all("dose")
        for train in dose.trains(block, name)
        if (np.any(train.full) or train.empties) and drug in (None, dose.drug) and phase in (None, train.during)
    ]
    for what, names in (("drug", {name for name, _ in given}), ("phase", {train.during for _, train in given})):
        if len(names) > 1:
            raise UsageError(
                f"arm {arm} gives doses of more than one {what} ({', '.join(sorted(names))}): choose one with --{what}"
            )
    _refuse_decided(block, arm, {name for name, _ in given})
    trains = [train for _, train in given]
    if not trains:
        return None
    during = trains[0].during
    taken = block.component("drug", given[0][0])
    share = getattr(taken, "bioavailability", 1.0)
    if np.any(getattr(taken, "bioavailability_occasion_cv", 0.0)):
        share = share * taken.on_occasion(given[0][0], during, block.draw_once)[1]
    places = {} if not any(t.entry for t in trains) else {p: str(i) for i, p in enumerate(taken.compartments, 1)}
    numbers = {**places, **({"": places[taken.entry]} if places else {})}
    length = phase_hours(block.component("phase", during)) or 0.0
    return _Given(length, trains, block.runs, share, numbers)


def _refuse_decided(block: Block, arm: str, drugs: set[str]) -> None:
    """Refuse doses that visits decide: they are not known before the run."""
    decided = {adjustment.dose for _, adjustment in block.all("adjustment")}
    decided |= {name for name, dose in block.all("dose") if getattr(dose, "only_if", "anyone") != "anyone"}
    found = sorted(name for name, dose in block.all("dose") if name in decided and dose.drug in drugs)
    if found:
        raise UsageError(f"visits decide on dose.{found[0]} in arm {arm}: its records are not known before the visits")
