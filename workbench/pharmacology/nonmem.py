"""Doses in the words of NONMEM: one record, or a table of records for one subject or for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.declaration import Component, count, dosing, number, reference
from workbench.errors import AssemblyError
from workbench.moments import plain
from workbench.pharmacology.regimen import AT_ONCE
from workbench.pharmacology.trains import DAILY, Train

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.arrays import Value
    from workbench.assembly import Assembly

Record = tuple[float, ...]
"""Subject's place in the table, time (h), amt (mg), rate (mg/h; 0 is at once), ii (h), addl, ss."""


@dataclass(frozen=True, kw_only=True)
class Nonmem(Component):
    """One dose record of NONMEM: `amt` at `time`, at once or at a `rate`, and `addl` more of them every `ii`.

    The same as plain words: amount = amt, duration = amt / rate, every = ii, count = addl + 1. As there, no dose is
    given at the end of the phase or later. With ss = 1 the phase begins at the steady state of the record, besides what
    is left of other doses (which NONMEM writes SS = 2; its SS = 1 would empty the body first).
    """

    section: ClassVar[str] = "dose"
    name: ClassVar[str] = "nonmem"
    withheld_by: ClassVar[tuple[str, ...]] = ("amt",)
    equation: ClassVar[str] = "dose k = 0 ... addl at time + k ii, over amt / rate"

    drug: str = reference("drug", "what is given")
    amt: Value = number(0.0, "mg", "amount of one dose", low=0.0, high=1e6, status="protocol")
    rate: Value | None = number(
        None,
        "mg/h",
        "rate at which it flows in; left out, it is given at once",
        low=1e-9,
        high=1e9,
        status="protocol",
        zero=AT_ONCE.format(name="rate"),
    )
    time: Value = number(0.0, "h", "time from the start of the phase", low=0.0, high=1e6, status="protocol")
    ii: Value = number(0.0, "h", "interval between doses; 0 for a single one", low=0.0, high=8760.0, status="protocol")
    addl: int = count(0, "how many more doses follow the first", low=0)
    ss: int = count(0, "1: the phase begins at the steady state of this record", low=0, high=1)
    during: str = reference("phase", "the phase in which it is given")

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse further doses without an interval, and a steady state that is not that of the phase's start."""
        for name in ("addl", "ss"):
            if fields.get(name) and fields.get("ii") == 0.0:
                yield name, "needs an interval (ii) above 0"
        if fields.get("ss") and fields.get("time"):
            yield "ss", f"the steady state is that at the start of the phase, and the dose is at {fields['time']:g} h"

    @property
    def first(self) -> Value:
        """Time of the first dose, h."""
        return self.time

    @property
    def full(self) -> Value:
        """Amount of one dose, mg."""
        return self.amt

    def trains(self, block: Assembly, name: str) -> tuple[Train, ...]:
        """Return the record as equal doses at equal intervals."""
        lasting = 0.0 if self.rate is None else self.amt / self.rate
        every = plain(np.where(np.asarray(self.ii) > 0.0, self.ii, DAILY))
        return (Train(self.during, self.time, self.amt, every, lasting, self.addl + 1.0, bool(self.ss)),)


@dataclass(frozen=True, kw_only=True)
class DosingTable(Component):
    """A table of dose records as NONMEM's users write it, in a CSV file beside the scenario or in the scenario itself.

    Columns TIME (h from the start of the phase) and AMT (mg), and if need be ID, RATE (mg/h; 0 is at once), II (h),
    ADDL, SS and EVID; a point is no value. Records that are no doses (EVID 0 or 2) and other columns are passed over.
    With several IDs, in order of appearance, each is one subject; with one, all subjects are given the same.
    """

    section: ClassVar[str] = "dose"
    name: ClassVar[str] = "table"
    withheld_by: ClassVar[tuple[str, ...]] = ("amount_factor",)
    equation: ClassVar[str] = "each record: dose k = 0 ... ADDL at TIME + k II, over AMT / RATE"

    drug: str = reference("drug", "what is given")
    table: tuple[Record, ...] = dosing("name of a CSV file beside the scenario, or its text")
    amount_factor: Value = number(1.0, "1", "factor on every amount", low=0.0, high=1e6, status="protocol")
    during: str = reference("phase", "the phase in which it is given")

    @property
    def first(self) -> float:
        """Time of the earliest dose of all subjects, h."""
        return min(record[1] for record in self.table)

    @property
    def full(self) -> Value:
        """The largest amount in the table, mg."""
        return max(record[2] for record in self.table) * self.amount_factor

    def trains(self, block: Assembly, name: str) -> tuple[Train, ...]:
        """Return the records: the first of every subject, the second, and so on; those of a steady state apart."""
        subjects = int(max(record[0] for record in self.table)) + 1
        if subjects == 1:
            return tuple(self._train(record, record[5] + 1.0, 1.0) for record in self.table)
        if int(block.subjects.max()) >= subjects:
            reason = f"the table has {subjects} IDs, and there is a subject {int(block.subjects.max()) + 1}"
            raise AssemblyError(f"dose.{name}.table", reason)
        mine = block.subjects[block.subject_index]
        own = [[record for record in self.table if record[0] == i] for i in range(subjects)]
        found = []
        for place in range(max(map(len, own))):
            for settled in (0.0, 1.0):
                here = [o[place] if place < len(o) and o[place][6] == settled else None for o in own]
                if any(here):
                    found.append(self._spread(here, mine, settled))
        return tuple(found)

    def _spread(self, records: list[Record | None], mine: NDArray[Any], settled: float) -> Train:
        """Return one record of each subject (or None) as a train for each run."""
        nothing = (0.0, 0.0, 0.0, 0.0, 0.0, -1.0, settled)
        rows = np.array([record or nothing for record in records]).T
        columns = [rows[:, mine][i] for i in range(7)]
        return self._train(tuple(columns), columns[5] + 1.0, np.where(columns[5] < 0.0, 0.0, 1.0), bool(settled))

    def _train(self, record: Record, doses: Value, given: Value, settled: bool | None = None) -> Train:
        _, time, amt, rate, ii, _, ss = record
        flows = np.asarray(rate) > 0.0
        lasting = np.where(flows, amt / np.where(flows, rate, 1.0), 0.0)
        every = np.where(np.asarray(ii) > 0.0, ii, DAILY)
        ready = bool(ss) if settled is None else settled
        amount = amt * given * self.amount_factor
        return Train(self.during, time, amount, plain(every), plain(_tidy(lasting)), doses, ready)


def _tidy(hours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return hours to 15 digits, as quantities are read, so that AMT / RATE gives back the duration it came from."""
    return np.asarray(np.vectorize(lambda hour: float(f"{hour:.15g}"), otypes=[np.float64])(hours))
