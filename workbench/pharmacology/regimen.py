"""What is given, how often and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.declaration import Component, number, numbers, option, reference, switch
from workbench.pharmacology.adjustments import enrol, enrolment_faults
from workbench.protocol.enrolment import WHO, response_share
from workbench.protocol.schedule import SAME, Recurrence, hours_of
from workbench.quantities import HOURS_PER_DAY

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


NEVER = 1e6
"""Hours, or mg a day: a limit that is never reached."""
AT_ONCE = "an infusion takes time; a dose given at once (a bolus) leaves {name} out"


@dataclass(frozen=True, kw_only=True)
class Repeated(Component):
    """Doses at fixed intervals in a phase, with or without titration, missed doses and an early end.

    Dose 1 falls `first` after the start of the phase. A dose that would fall on `until`, or on the end of the phase, is
    no longer given. Where a dose and an observation fall on one moment, the dose comes first. A dose is an instant, or
    an input at a constant rate over `duration`; inputs that last longer than the interval overlap. What is given late
    in a phase may be absorbed, and an input may go on, in the next one.

    With a titration step the daily total rises by that step until it reaches the full dose, ``amount * 24 h / every``.
    Visits change what is given: once (`only_if`), or again and again (an adjustment).
    At `steady_state` the phase begins as if it had been followed for long enough; what is left of other doses stays.
    """

    section: ClassVar[str] = "dose"
    name: ClassVar[str] = "repeated"
    still: ClassVar[str] = "doses are planned as their phase begins"
    revision: ClassVar[int] = 3
    withheld_by: ClassVar[tuple[str, ...]] = ("amount", "amount_per_weight")
    equation: ClassVar[str] = (
        "dose k = 1, 2 ... at t_k = first + (k - 1) every, while t_k < until and k <= count\n"
        "daily total = min(amount 24 h / every, start + step floor((t_k - first) / each))"
    )

    entry: ClassVar[str] = ""
    keeps_rate: ClassVar[bool] = False
    empties: ClassVar[bool] = False
    constant: ClassVar[bool] = False
    record: ClassVar[float] = 0.0

    drug: str = reference("drug", "what is given", acts=True)
    amount: Value = number(0.0, "mg", "amount of one dose", low=0.0, high=1e6, status="protocol")
    amount_per_weight: Value = number(
        0.0,
        "mg/kg",
        "amount of one dose for each kg of body weight, added to `amount`",
        low=0.0,
        high=1e4,
        status="protocol",
    )
    body_weight: Value = number(
        70.0,
        "kg",
        "body weight that `amount_per_weight` is for: that of the drug, wherever it is said",
        low=0.2,
        high=500.0,
        status="protocol",
    )
    every: Value = number(24.0, "h", "interval between doses", low=0.1, high=8760.0, status="protocol")
    during: str = reference("phase", "the phase in which it is given")
    first: Value = number(
        0.0, "h", "time of the first dose from the start of the phase", low=0.0, high=1e6, status="protocol"
    )
    until: Value = number(
        NEVER, "h", "time in the phase from which no more are given", low=0.0, high=NEVER, status="protocol",
        above="first", because="doses end before the first is given",
    )  # fmt: skip
    duration: Value = number(
        0.0,
        "h",
        "how long a dose flows in at a constant rate, whatever share of it is absorbed; 0 is at once",
        low=0.0,
        high=1e4,
        status="protocol",
        zero=AT_ONCE.format(name="duration"),
    )
    missed: tuple[float, ...] = numbers((), "1", "doses that are missed, by number from 1", low=1, high=1e6)
    steady_state: bool = switch(False, "whether the phase begins at the steady state of this regimen")
    titration_start: Value = number(0.0, "mg/day", "daily total on the first day", low=0.0, high=1e6, status="protocol")
    titration_step: Value = number(
        0.0, "mg/day", "rise of the daily total; 0 is no titration", low=0.0, high=1e6, status="protocol"
    )
    titration_each: Value = number(3.0, "day", "days between two rises", low=0.01, high=3650.0, status="protocol")
    titration_maximum: Value = number(
        NEVER, "mg/day", "daily total that titration may not exceed", low=0.0, high=NEVER, status="protocol"
    )
    count: Value = number(0.0, "1", "how many doses; 0 is to the end of the phase", low=0, high=1e6, status="protocol",
                          whole=True)  # fmt: skip
    only_if: str = option("anyone", WHO, "who goes on to them")
    decided_at: str | None = reference("assessment", "the visit that decides who goes on", None)
    compared_with: str | None = reference("assessment", "the visit that a response is measured against", None)
    share: float = response_share(fixed=True, added=True, only_with=("only_if", WHO[1:]))

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse titrations that never rise or rise too far, and doses that cannot be given or come too early."""
        yield from _titration_faults(fields)
        yield from _schedule_faults(fields, hours_of(fields, tables))
        yield from enrolment_faults(fields, tables)

    @classmethod
    def notes(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Note counted doses that come too late for the phase."""
        many, given = fields["count"], _given(fields, hours_of(fields, tables))
        if many and given is not None and 0.0 < given < many:
            yield "count", f"{given:g} of {many:g} doses are given: {fields['during']} ends before the others"

    def build(self, block: Assembly, name: str) -> None:
        """Wait for the visit that decides who goes on."""
        decided, compared = self.decided_at, self.compared_with
        if self.only_if != "anyone" and decided is not None and compared is not None and np.any(self.full):
            enrol(block, name, self.only_if, decided, compared, self.share)

    def trains(self, block: Assembly, name: str) -> tuple[Repeated, ...]:
        """Return what it comes down to in a block: itself."""
        return (self,)

    def planned(self) -> tuple[tuple[Repeated, ...]]:
        """Return what everybody is given: itself."""
        return ((self,),)

    @property
    def recurrence(self) -> Recurrence:
        """When doses are given."""
        return _recurrence(self.first, self.every, self.count, self.until)

    @property
    def full(self) -> Value:
        """Amount of a full dose in mg."""
        if not np.any(self.amount_per_weight):
            return self.amount  # whatever people weigh
        return self.amount + self.amount_per_weight * self.body_weight

    @property
    def rising(self) -> float:
        """Number of a dose from which on titration has reached the full dose in all runs."""
        if not np.any(self.titration_step):
            return 0.0
        # Runs without a titration divide by 0 here; the last line leaves them out.
        with np.errstate(all="ignore"):
            rises = np.ceil((self.full * HOURS_PER_DAY / self.every - self.titration_start) / self.titration_step)
            reached = rises * self.titration_each * HOURS_PER_DAY / self.every
        return float(np.max(np.where(np.asarray(self.titration_step) > 0.0, np.ceil(reached) + 1.0, 0.0)))

    def amount_of(self, index: Value) -> Value:
        """Return the amount of a dose in mg, by its number from 0; negative numbers are those of a steady state."""
        amount = self.full
        if np.any(self.titration_step):
            days = index * self.every / (HOURS_PER_DAY * self.titration_each)
            # A rise due at the moment of a dose counts for it, whatever the product of hours rounds to.
            total = self.titration_start + self.titration_step * np.floor(days + SAME)
            per_dose = np.where(np.asarray(self.titration_step) > 0.0, total * self.every / HOURS_PER_DAY, np.inf)
            amount = np.minimum(amount, per_dose)
        for missed in self.missed:
            amount = np.where(np.asarray(index) == missed - 1.0, 0.0, amount)
        return amount


def _recurrence(first: Value, every: Value, count: Value, until: Value) -> Recurrence:
    return Recurrence(first, every, np.where(np.asarray(count) == 0.0, np.inf, count), until)


def _titration_faults(fields: Fields) -> Iterator[tuple[str, str]]:
    start, step, most = (fields.get(f"titration_{name}") for name in ("start", "step", "maximum"))
    most = None if most == NEVER else most  # nobody set one
    if start and step == 0.0:
        yield "titration_step", "a titration that starts below the full dose needs a step above 0"
    if fields.get("steady_state") and step:
        yield "titration_step", "a regimen that begins at its steady state has no titration"
    amount, every, weighed = fields.get("amount"), fields.get("every"), fields.get("amount_per_weight")
    known = amount and every and weighed == 0.0
    full = amount * HOURS_PER_DAY / every if known else None  # type: ignore[operator]
    past = "titration past its maximum:"
    if most is not None and full is not None and full > most * (1.0 + SAME):
        yield "titration_maximum", f"{past} the full dose is {full:g} mg/day (at most {most:g} mg/day)"
    if not step:
        return
    reach = min(x for x in (most, full, NEVER) if x is not None)
    if start is not None and start > reach * (1.0 + SAME):
        yield "titration_start", f"{past} it starts at {start:g} mg/day (at most {reach:g} mg/day)"
    if most is not None and step > most * (1.0 + SAME):
        yield "titration_step", f"{past} one step is {step:g} mg/day (at most {most:g} mg/day)"


def _given(fields: Mapping[str, Any], hours: float | None) -> float | None:
    """Return how many doses come before the end of a phase of so many hours; None where a number is not known."""
    first, every, count, until = (fields[name] for name in ("first", "every", "count", "until"))
    if hours is None or None in (first, every, count, until):
        return None
    return float(_recurrence(first, every, count, until).number_in(hours))


def _schedule_faults(fields: Fields, hours: float | None) -> Iterator[tuple[str, str]]:
    first, many = fields.get("first"), _given(fields, hours)
    if many == 0.0 and hours is not None and first is not None and first >= hours:
        yield "first", f"{fields['during']} is over after {hours:g} h, before the first dose (at {first:g} h)"
        return
    every = fields.get("every")
    if fields.get("steady_state") and first is not None and every is not None and first >= every:
        message = "the dose before it would fall in the phase too"
        yield "first", f"must be below every ({every:g} h) at steady state, got {first:g} h: {message}"
    for position, missed in enumerate(fields.get("missed") or ()):
        if missed != int(missed):
            yield "missed", f"doses are numbered 1, 2, 3 ...; entry {position + 1} is {missed:g}"
        elif many and missed > many:
            yield "missed", f"there is no dose {missed:g} (only {many:g} are given by the end of {fields['during']})"


DAILY = HOURS_PER_DAY
"""Hours between two doses where no interval is given and none is needed."""


@dataclass(frozen=True)
class DoseTrain:
    """Doses of one amount, for each run.

    Attributes
    ----------
    during : str
        Their phase; `first` (h) counts from its start.
    full : Value
        Amount of each, mg.
    every, duration : Value
        Hours between two, and hours over which each flows in.
    count : Value
        How many there are at most; 0 for runs that get none.
    steady_state : bool
        Whether at `record` the body is in the state of doses like these given endlessly before, the first of them next.
    entry : str
        The compartment that they enter; "" where the drug's doses enter, after its lag and less what is not absorbed.
    keeps_rate : bool
        Whether bioavailability shortens an infusion (`duration` is that of a whole dose) and leaves its rate alone.
    empties : bool
        Whether at `record` the drug is emptied first, and what is flowing in or still to come in is called off.
    constant : bool
        Whether the steady state is that of an endless infusion of `full` mg/h, which ends at `record`; no doses follow.
    record : Value
        Hour of the phase at which it is emptied, or its steady state sets in; infinite for runs in which neither is.
    """

    during: str
    first: Value
    full: Value
    every: Value
    duration: Value
    count: Value
    steady_state: bool = False
    missed: tuple[float, ...] = ()
    rising: float = 0.0
    entry: str = ""
    keeps_rate: bool = False
    empties: bool = False
    constant: bool = False
    record: Value = 0.0

    def amount_of(self, index: Value) -> Value:
        """Return the amount of a dose in mg, by its number."""
        return self.full

    @property
    def recurrence(self) -> Recurrence:
        """When they are given."""
        return Recurrence(self.first, self.every, self.count)
