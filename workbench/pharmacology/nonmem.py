"""Doses in the words of NONMEM: one record, or a table of records for one subject or for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.declaration import Component, count, dosing, number, reference
from workbench.component.moments import as_float
from workbench.errors import AssemblyError, shorten
from workbench.pharmacology.regimen import AT_ONCE, DAILY, DoseTrain
from workbench.protocol.dose_record import DoseRecord, nothing
from workbench.protocol.schedule import first_dose, hours_of, in_force, number_before

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class Nonmem(Component):
    """One dose record of NONMEM: `amt` at `time`, at once or at a `rate`, and `addl` more of them every `ii`.

    As in plain words, no dose is given at the end of the phase or later. Bioavailability leaves the rate of an infusion
    alone and shortens it (the `duration` of plain words stays, and its rate is less); visits that change the amount
    leave its length. With ss = 1 the drug is emptied
    at `time` and set to the steady state of the record; ss = 2 adds that state to what is there, as `steady_state` in
    plain words does. With amt = 0, a rate and ss = 1 the steady state is that of an endless infusion, which ends at
    `time`. evid = 3 empties the drug, evid = 4 does so before the dose.
    """

    section: ClassVar[str] = "dose"
    name: ClassVar[str] = "nonmem"
    still: ClassVar[str] = "doses are planned as their phase begins"
    revision: ClassVar[int] = 2
    withheld_by: ClassVar[tuple[str, ...]] = ("amt", "given")
    equation: ClassVar[str] = "dose k = 0 ... addl at time + k ii, over F amt / rate"

    drug: str = reference("drug", "what is given", acts=True)
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
    ss: int = count(0, "1: emptied, then the steady state of this record; 2: the steady state is added", low=0, high=2)
    cmt: int = count(0, "number of the compartment that it enters; 0 is the usual one", low=0, high=99)
    evid: int = count(1, "1: a dose; 3: the drug is emptied; 4: emptied, then the dose", low=1, high=4)
    given: Value = number(
        1.0, "1", "1; 0 where an arm is without the table", low=0.0, high=1.0, status="protocol", whole=True
    )
    during: str = reference("phase", "the phase in which it is given")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse further doses without an interval, and items that do not go together."""
        if fields.get("given") == 0.0:
            return
        hours, time = hours_of(fields, tables), fields.get("time")
        if hours is not None and time is not None and time >= hours:
            yield "time", f"{fields['during']} is over after {hours:g} h, before this record (at {time:g} h)"
        endless = fields.get("amt") == 0.0 and fields.get("rate") and fields.get("ss")
        for name in ("addl", "ss"):
            if fields.get(name) and fields.get("ii") == 0.0 and not endless:
                yield name, "needs an interval (ii) above 0"
        if endless and (fields.get("ii") or fields.get("addl")):
            yield "amt", "the steady state of an endless infusion (amt = 0 with a rate) has neither ii nor addl"
        yield from _cut_off("cmt", {str(fields["cmt"] or "")}, fields, tables)
        if fields.get("evid") == 2:
            yield "evid", "a record that gives no dose (2) has no use here; 1, 3 and 4 are supported"
        if fields.get("evid") == 3 and (fields.get("amt") or fields.get("rate") or fields.get("ss")):
            yield "evid", "3 empties the drug and gives no dose; 4 gives a dose after that"

    @classmethod
    def notes(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Note further doses that come too late for the phase."""
        hours, (time, ii, addl) = hours_of(fields, tables), (fields[name] for name in ("time", "ii", "addl"))
        if hours is not None and ii and addl and time is not None and time < hours:
            given = float(number_before(hours, time, ii))
            if given < addl + 1:
                yield "addl", f"{given:g} of {addl + 1} doses are given: {fields['during']} ends before the others"

    @property
    def first(self) -> Value:
        """Time of the first dose, h."""
        return self.time

    @property
    def full(self) -> Value:
        """Amount of one dose, mg."""
        return self.amt

    def trains(self, block: Assembly, name: str) -> tuple[DoseTrain, ...]:
        """Return the record as equal doses at equal intervals that enter a compartment of the drug."""
        return tuple(_entering(block, name, "cmt", self.drug, train) for train in self.planned()[0])

    def planned(self) -> tuple[tuple[DoseTrain, ...]]:
        """Return the record as equal doses at equal intervals, for everybody; their compartment is as written."""
        endless = self.rate is not None and bool(self.ss) and not np.any(self.ii)
        lasting = 0.0 if self.rate is None or endless else self.amt / self.rate
        # A single dose has no interval, but the closed forms divide by one.
        every = as_float(np.where(np.asarray(self.ii) > 0.0, self.ii, DAILY))
        gives = self.evid != 3 and not endless
        train = DoseTrain(
            self.during,
            self.time,
            self.rate * self.given if endless and self.rate is not None else self.amt,
            every,
            lasting,
            self.addl + 1.0 if gives else 0.0,
            steady_state=bool(self.ss),
            entry=str(self.cmt or ""),
            keeps_rate=self.rate is not None,
            empties=self.ss == 1 or self.evid in (3, 4),
            constant=endless,
            record=as_float(np.where(np.asarray(self.given) > 0.0, self.time, np.inf)),
        )
        return ((train,),)


@dataclass(frozen=True, kw_only=True)
class DosingTable(Component):
    """A table of dose records as NONMEM's users write it, in a CSV file beside the scenario or in the scenario itself.

    Columns TIME (h from the start of the phase) and AMT (mg), and if need be ID, RATE (mg/h; 0 is at once), TINF (h),
    II (h), ADDL, SS, EVID and CMT; a point is no value. `check` prints which columns were read and ignored; an
    item of NONMEM without support is refused. Bioavailability leaves RATE alone and shortens the infusion; the
    length in TINF stays. SS = 1 and EVID 3 and 4 empty the drug, whichever table filled it. With several IDs, each is
    one subject, in order of appearance; with one, all subjects are given the same.
    """

    section: ClassVar[str] = "dose"
    name: ClassVar[str] = "table"
    offers: ClassVar[frozenset[str]] = frozenset({"own amounts"})
    still: ClassVar[str] = "doses are planned as their phase begins"
    revision: ClassVar[int] = 2
    withheld_by: ClassVar[tuple[str, ...]] = ("amount_factor", "given")
    equation: ClassVar[str] = "each record: dose k = 0 ... ADDL at TIME + k II, over F AMT / RATE or over TINF"

    drug: str = reference("drug", "what is given", acts=True)
    table: tuple[DoseRecord, ...] = dosing("name of a CSV file beside the scenario, or its text")
    amount_factor: Value = number(
        1.0, "1", "factor on every amount; an infusion keeps its length", low=0.0, high=1e6, status="protocol"
    )
    given: Value = number(
        1.0, "1", "1; 0 where an arm is without the table", low=0.0, high=1.0, status="protocol", whole=True
    )
    during: str = reference("phase", "the phase in which it is given")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a table whose doses all come after the phase, or enter a compartment that nothing leaves."""
        hours, late = hours_of(fields, tables), _late(fields, tables)
        if late is not None and late[0] == late[1] > 0:
            yield "table", f"{fields['during']} is over after {hours:g} h, before any of these records"
        if fields.get("given") != 0.0:
            yield from _cut_off("table", {DoseRecord(*row).cmt for row in fields["table"]}, fields, tables)

    @classmethod
    def notes(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Note records that come too late for the phase."""
        hours, late = hours_of(fields, tables), _late(fields, tables)
        if late is not None and 0 < late[0] < late[1]:
            yield "table", f"{late[0]} of {late[1]} records are not given: {fields['during']} is over after {hours:g} h"
        if late is not None and hours is not None and late[0] < late[1]:
            given = [(record, many) for record, many in _in_force(fields) if many > 1.0 and record.time < hours]
            asked = sum(many for _, many in given)
            held = sum(min(many, float(number_before(hours, record.time, record.ii))) for record, many in given)
            if held < asked:
                yield (
                    "table",
                    f"{held:g} of {asked:g} doses of records with ADDL are given: {fields['during']} ends before",
                )

    @property
    def records(self) -> tuple[DoseRecord, ...]:
        """The records."""
        return tuple(DoseRecord(*row) for row in self.table)

    @property
    def first(self) -> float:
        """Time of the earliest dose of all subjects, h."""
        return first_dose(self.records)

    @property
    def full(self) -> Value:
        """The largest amount in the table, mg."""
        return max(record.amt for record in self.records) * self.amount_factor

    def trains(self, block: Assembly, name: str) -> tuple[DoseTrain, ...]:
        """Return the records of a block's subjects, the first of each, the second, and so on."""
        people = self.people
        if people > 1 and int(block.subjects.max()) >= people:
            reason = f"the table has {people} IDs, and there is a subject {int(block.subjects.max()) + 1}"
            raise AssemblyError(f"dose.{name}.table", reason)
        mine = block.subjects[block.subject_index] if people > 1 else None
        return tuple(_entering(block, name, "table", self.drug, train) for train in self._trains(mine))

    def planned(self) -> tuple[tuple[DoseTrain, ...], ...]:
        """Return the records of each person, or the one table for everybody; compartments are as written."""
        own: dict[float, list[DoseRecord]] = {}
        for record in self.records:
            own.setdefault(record.subject, []).append(record._replace(subject=0.0))
        return tuple(replace(self, table=tuple(rows))._trains(None) for rows in own.values())

    @property
    def people(self) -> int:
        """How many IDs the table has."""
        return int(max(record.subject for record in self.records)) + 1

    def _trains(self, mine: NDArray[Any] | None) -> tuple[DoseTrain, ...]:
        """Return the first record of every person, the second, and so on; those of one kind together.

        `mine` says for each run who of them it is, None where all runs are the one person.
        """
        records = self.records
        own = [in_force([record for record in records if record.subject == i]) for i in range(self.people)]
        found = []
        for place in range(max(map(len, own))):
            here = [o[place] if place < len(o) else None for o in own]
            for kind in sorted({_kind(row[0]) for row in here if row}):
                found.append(self._train([row if row and _kind(row[0]) == kind else None for row in here], mine))
        return tuple(found)

    def _train(self, rows: list[tuple[DoseRecord, float] | None], mine: NDArray[Any] | None) -> DoseTrain:
        """Return one record of each subject (or None), all of one kind, as a train for each run."""
        one = next(row[0] for row in rows if row)

        def spread(values: list[float]) -> Value:
            return values[0] if mine is None else np.array(values)[mine]

        full = [row or (nothing(0.0), 0.0) for row in rows]
        time, amt, rate, ii = (spread([float(getattr(r, n)) for r, _ in full]) for n in ("time", "amt", "rate", "ii"))
        lasting = spread([r.duration for r, _ in full])
        turn = spread([row[0].time if row else np.inf for row in rows])
        if one.rate > 0.0 and not one.constant:
            lasting = _tidy(amt / np.where(np.asarray(rate) > 0.0, rate, 1.0))
        return DoseTrain(
            self.during,
            time,
            (rate if one.constant else amt) * (self.amount_factor * self.given),
            as_float(np.where(np.asarray(ii) > 0.0, ii, DAILY)),
            as_float(lasting),
            spread([many for _, many in full]),
            steady_state=one.ss > 0.0,
            entry=one.cmt,
            keeps_rate=one.rate > 0.0,
            empties=one.empties,
            constant=one.constant,
            record=as_float(np.where(np.asarray(self.given) > 0.0, turn, np.inf)),
        )


def _late(fields: Mapping[str, Any], tables: Tables) -> tuple[int, int] | None:
    """Return how many of the records that do something lie past the end of the phase, and of how many."""
    hours = hours_of(fields, tables)
    if hours is None or not isinstance(fields.get("table"), tuple) or fields.get("given") == 0.0:
        return None
    acting = [r for r in (DoseRecord(*row) for row in fields["table"]) if r.amt or r.rate or r.evid in (3.0, 4.0)]
    return sum(record.time >= hours for record in acting), len(acting)


def _cut_off(field: str, cmts: Iterable[str], fields: Mapping[str, Any], tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield the compartments that doses enter and that have a flow of 0: there are none."""
    first = getattr(tables["drug"][fields["drug"]].component, "first_around", None)
    around = sorted(n for n, c in tables["compartment"].items() if c["drug"] == fields["drug"])
    for place, name in enumerate(around, first or 0):
        if first and tables["compartment"][name]["flow"] == 0.0 and {str(place), name.lower()} & {*cmts}:
            yield field, f"CMT {place}: compartment.{name} has a flow of 0, so it does not exist"


def _in_force(fields: Mapping[str, Any]) -> list[tuple[DoseRecord, float]]:
    """Return the records of all people with the number of their doses."""
    people: dict[float, list[DoseRecord]] = {}
    for row in fields["table"]:
        people.setdefault(row[0], []).append(DoseRecord(*row))
    return [one for own in people.values() for one in in_force(own)]


def _kind(record: DoseRecord) -> tuple[Any, ...]:
    """Return what all runs of a train share."""
    return record.ss > 0.0, record.empties, record.constant, record.rate > 0.0, record.cmt


def _entering(block: Assembly, name: str, field: str, drug: str, train: DoseTrain) -> DoseTrain:
    """Return doses with the compartment that CMT means in a drug's model, "" for the one that its doses enter.

    An endless infusion with a lag is refused: whether it ends at its record or after the lag, nobody has said.
    """
    taken = block.component("drug", drug)
    if train.entry:
        try:
            train = replace(train, entry=taken.numbered(train.entry))
        except KeyError as error:
            reason = f"CMT {shorten(train.entry)}: drug.{drug} has the compartments {error.args[0]}"
            raise AssemblyError(f"dose.{name}.{field}", reason) from None
    if train.constant and not train.entry and np.any(getattr(taken, "lag", 0.0)):
        path = f"dose.{name}.{'rate' if field == 'cmt' else field}"
        raise AssemblyError(path, f"an endless infusion (AMT 0 with RATE and SS) into drug.{drug}, which has a lag")
    return train


def _tidy(hours: Value) -> NDArray[np.float64]:
    """Return hours to 15 digits, as quantities are read, so that AMT / RATE gives back the duration it came from."""
    return np.asarray(np.vectorize(lambda hour: float(f"{hour:.15g}"), otypes=[np.float64])(hours))
