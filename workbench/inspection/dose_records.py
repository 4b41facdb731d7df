"""The doses of one arm as dose records: what each subject is given, written down once more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.component.moments import TOGETHER
from workbench.errors import UsageError, quoted
from workbench.protocol.records import Record, nothing
from workbench.protocol.schedule import number_before, phase_hours

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.pharmacology.regimen import Repeated
    from workbench.pharmacology.trains import Train
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
) -> tuple[Record, ...]:
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
    found: dict[int, list[Record]] = {}
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
    trains: list[Repeated | Train]
    runs: int
    share: Value
    numbers: Mapping[str, str]

    def to(self, run: int) -> list[Record]:
        """Return what one run is given, in an order that NONMEM reads as the same.

        At one moment what empties the drug comes first, and once; then steady states, then doses.
        """
        emptied = [_own(t.record, run, self.runs) for t in self.trains if t.empties]
        records = [record for train in self.trains for record in self._records(train, run, emptied)]
        found: list[Record] = []
        for record in sorted(records, key=lambda r: (r.time, not r.empties, r.ss == 0.0)):
            again = any(before.empties and record.time - before.time <= TOGETHER for before in found)
            if record.empties and again:
                if record.evid == 3.0:
                    continue
                record = record._replace(evid=1.0, ss=2.0 if record.ss else 0.0)
            found.append(record)
        return found

    def _records(self, train: Repeated | Train, run: int, emptied: list[float]) -> Iterator[Record]:
        """Yield one run's doses of a train: one record where all are alike, else one for each.

        Doses that come after the drug was emptied have a record of their own: those of a record before are called off.
        """

        def own(value: Any) -> float:
            return _own(value, run, self.runs)

        first, every, lasting, full = own(train.first), own(train.every), own(train.duration), own(train.full)
        turn = own(train.record) if train.empties or train.steady_state else np.inf
        cmt = self.numbers.get(train.entry, "")
        settled, ss = train.steady_state and full > 0.0, float(2 - train.empties) if train.steady_state else 0.0
        if turn < self.length - TOGETHER and full == 0.0 and train.empties:
            yield Record(0.0, turn, 0.0, evid=3.0)
        if settled and train.constant and turn < self.length - TOGETHER:
            yield Record(0.0, turn, 0.0, full, ss=ss, cmt=cmt)
        many = int(own(train.recurrence.number_in(self.length)))
        if not many or full == 0.0:
            return
        if settled and first > turn:
            raise UsageError("a steady state whose first dose comes after the start of the phase has no dose record")
        share = 1.0 if train.keeps_rate or train.entry else own(self.share)
        evid = 4.0 if train.empties and not settled else 1.0
        alike = not train.rising and not train.missed
        starts = (
            sorted({0, *(int(min(number_before(time, first, every), many)) for time in emptied)})
            if alike
            else range(many)
        )
        for start, stop in pairwise((*starts, many)):
            amount = full if alike else own(train.amount_of(np.full(self.runs, float(start))))
            if settled and start == 0 and amount == 0.0:
                raise UsageError("a steady state whose first dose is left out has no dose record")
            if start == stop or amount == 0.0:
                continue
            further = stop - start - 1
            yield Record(
                0.0,
                first + start * every,
                amount,
                amount * (share or 1.0) / lasting if lasting > 0.0 else 0.0,
                every if further or (settled and start == 0) else 0.0,
                float(further),
                ss if settled and start == 0 else 0.0,
                evid if start == 0 else 1.0,
                cmt=cmt,
            )


def _own(value: Any, run: int, runs: int) -> float:
    return float(np.broadcast_to(value, (runs,))[run])


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
                f"arm {arm} gives doses of more than one {what} ({', '.join(sorted(names))}): choose by --{what}"
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
    """Refuse doses that visits decide upon: nobody knows them before."""
    decided = {adjustment.dose for _, adjustment in block.all("adjustment")}
    decided |= {name for name, dose in block.all("dose") if getattr(dose, "only_if", "anyone") != "anyone"}
    found = sorted(name for name, dose in block.all("dose") if name in decided and dose.drug in drugs)
    if found:
        raise UsageError(
            f"visits decide upon dose.{found[0]} in arm {arm}: there is no table of it before they are held"
        )
