"""The doses of one arm as dose records: what each subject is given, written down once more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import UsageError
from workbench.quantities import convert

if TYPE_CHECKING:
    from workbench.pharmacology.regimen import Repeated
    from workbench.pharmacology.trains import Train
    from workbench.scenario.dosing import Record
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
    from workbench.design import plan
    from workbench.scenario.dosing import nothing
    from workbench.scenario.model import Study
    from workbench.solver.block import Block

    study = Study("doses", "", (arm,), subjects or scenario.subjects.count)
    if arm not in scenario.arms:
        raise UsageError(f"no arm {arm!r} in this scenario (there are: {', '.join(scenario.arms)})")
    alone = replace(scenario, studies=MappingProxyType({study.name: study}))
    found: dict[int, list[Record]] = {}
    for chunk in plan(alone, settings=settings).chunks(lambda structure: SUBJECTS_AT_ONCE):
        block = Block(chunk.batch, scenario.registry)
        length, trains = _chosen(block, arm, drug, phase)
        for run, subject in enumerate(chunk.batch.subjects.tolist()):
            records = (record for train in trains for record in _records(train, length, run, block.runs))
            found[subject] = sorted(records, key=lambda record: record[1])
    if not any(found.values()):
        raise UsageError(f"arm {arm} gives no dose{f' of {drug}' if drug else ''}")
    if len({tuple(records) for records in found.values()}) == 1:
        return tuple(found[0])
    each = {subject: records or [nothing(0.0)] for subject, records in found.items()}
    return tuple((float(subject), *record[1:]) for subject, records in each.items() for record in records)


def _chosen(block: Block, arm: str, drug: str | None, phase: str | None) -> tuple[float, list[Repeated | Train]]:
    """Return the length of the phase (h) and all doses in it, of one drug in one phase."""
    given = [
        (dose.drug, train)
        for name, dose in block.all("dose")
        for train in dose.trains(block, name)
        if np.any(train.full) and drug in (None, dose.drug) and phase in (None, train.during)
    ]
    for what, names in (("drug", {name for name, _ in given}), ("phase", {train.during for _, train in given})):
        if len(names) > 1:
            raise UsageError(
                f"arm {arm} gives doses of more than one {what} ({', '.join(sorted(names))}): choose by --{what}"
            )
    _refuse_decided(block, arm, {name for name, _ in given})
    trains = [train for _, train in given]
    if not trains:
        return 0.0, []
    component = block.component("phase", trains[0].during)
    if hasattr(component, "trials"):
        return component.trials * 24.0 / component.trials_per_day, trains
    return float(convert(component.length, type(component).parameters()["length"].unit, "h")), trains


def _refuse_decided(block: Block, arm: str, drugs: set[str]) -> None:
    """Refuse doses that visits decide upon: nobody knows them before."""
    decided = {adjustment.dose for _, adjustment in block.all("adjustment")}
    decided |= {name for name, dose in block.all("dose") if getattr(dose, "only_if", "anyone") != "anyone"}
    found = sorted(name for name, dose in block.all("dose") if name in decided and dose.drug in drugs)
    if found:
        raise UsageError(
            f"visits decide upon dose.{found[0]} in arm {arm}: there is no table of it before they are held"
        )


def _records(train: Repeated | Train, length: float, run: int, runs: int) -> Iterator[Record]:
    """Yield one run's doses of a train: one record where all are alike, else one for each."""

    def own(value: Any) -> float:
        return float(np.broadcast_to(value, (runs,))[run])

    first, every, lasting = own(train.first), own(train.every), own(train.duration)
    many = int(own(train.number_in(length)))
    settled = float(train.steady_state)
    if settled and first > 0.0:
        raise UsageError("a steady state whose first dose comes after the start of the phase has no dose record")
    if many and not train.rising and not train.missed and own(train.full) > 0.0:
        interval = every if many > 1 or settled else 0.0
        yield 0.0, first, own(train.full), _rate(own(train.full), lasting), interval, many - 1.0, settled
        return
    for index in range(many):
        amount = own(train.amount_of(np.full(runs, float(index))))
        if amount > 0.0:
            yield 0.0, first + index * every, amount, _rate(amount, lasting), 0.0, 0.0, 0.0


def _rate(amount: float, lasting: float) -> float:
    return amount / lasting if lasting > 0.0 else 0.0
