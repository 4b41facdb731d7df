"""When things of a protocol happen: the only place that knows the hours of doses, sessions, visits and phases.

The engine asks with numbers for each run; checks, findings and pages ask with the plain tables of a scenario or of a
stored arm, in which a number that differs between runs is None. Both get the same moments from `Recurrence`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from workbench.component.declaration import Component
from workbench.component.field_path import field_path
from workbench.component.moments import TOGETHER, round_hours
from workbench.component.registry import SECTIONS, registry
from workbench.protocol.dose_record import DoseRecord
from workbench.quantities import HOURS_PER_DAY, SECONDS_PER_HOUR, convert

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly

SAME = 1e-9
"""Two moments closer than this share of an interval are one."""

Fields = Mapping[str, Any]
Tables = Mapping[str, Mapping[str, Fields]]


def number_before(stop: Value, first: Value, every: Value) -> Value:
    """Return how many of the moments ``first + k every`` come before `stop`; one at `stop` does not."""
    found: Value = np.maximum(np.ceil((stop - first) / every - SAME), 0.0)
    return found


def number_until(time: Value, first: Value, every: Value) -> Value:
    """Return how many of the moments ``first + k every`` come up to `time`, one at `time` included."""
    found: Value = np.maximum(np.floor((time - first) / every + SAME) + 1.0, 0.0)
    return found


@dataclass(frozen=True)
class Recurrence:
    """Moments at equal intervals, ``first + k every`` with k = 0, 1 ..., in hours of their phase.

    Attributes
    ----------
    count : Value
        How many there are at most; infinite for as many as fit.
    until : Value
        The moment from which there are none.
    """

    first: Value
    every: Value
    count: Value = np.inf
    until: Value = np.inf

    def at(self, index: Value) -> Value:
        """Return the moment of a number, from 0."""
        return self.first + index * self.every

    def number_in(self, length: Value) -> Value:
        """Return how many a phase of `length` hours holds; one that would fall on its end does not happen."""
        return np.minimum(number_before(np.minimum(self.until, length), self.first, self.every), self.count)


class DoseSeries(Protocol):
    """What a regimen comes down to: doses at equal intervals, all of one amount in the end."""

    @property
    def during(self) -> str:
        """The phase in which they are given."""

    @property
    def recurrence(self) -> Recurrence:
        """When they are given."""

    @property
    def first(self) -> Value:
        """Hour of the phase of the first."""

    @property
    def full(self) -> Value:
        """Amount of a full dose, mg; of an endless infusion its rate, mg/h."""

    @property
    def every(self) -> Value:
        """Hours between two doses."""

    @property
    def duration(self) -> Value:
        """Hours over which each flows in; 0 is at once."""

    @property
    def missed(self) -> tuple[float, ...]:
        """The missed doses, by number from 1."""

    @property
    def rising(self) -> float:
        """The number from which all doses are equal."""

    @property
    def steady_state(self) -> bool:
        """Whether the phase, or the record, begins at their steady state."""

    @property
    def entry(self) -> str:
        """The compartment that they enter; "" is the usual one."""

    @property
    def keeps_rate(self) -> bool:
        """Whether bioavailability shortens an infusion and leaves its rate alone."""

    @property
    def empties(self) -> bool:
        """Whether the drug is emptied at `record`."""

    @property
    def constant(self) -> bool:
        """Whether they stand for an endless infusion of the past, which ends at `record`."""

    @property
    def record(self) -> Value:
        """Hour of the phase at which the drug is emptied, or a steady state sets in."""

    def amount_of(self, index: Value) -> Value:
        """Return the amount of a dose in mg, by its number from 0."""


# -- phases -----------------------------------------------------------------------------------------------------------


def trial_hours(trials: float, per_day: float) -> float:
    """Return the hour of a phase at which so many trials of it are over, with `per_day` of them a day."""
    return trials * HOURS_PER_DAY / per_day


def phase_hours(phase: Component | Fields) -> float | None:
    """Return how long a phase lasts, in hours; None where that is not known, or where it has no time of day.

    Parameters
    ----------
    phase : Component or mapping
        The component, or the plain fields of its table.
    """
    declared = phase if isinstance(phase, Mapping) else {name: getattr(phase, name) for name in phase.parameters()}
    if "trials" in declared:
        trials, per_day = declared["trials"], declared.get("trials_per_day")
        return trial_hours(trials, per_day) if trials and per_day else None
    length = declared.get("length")
    if length is None or isinstance(phase, Mapping):
        return length
    return float(convert(length, phase.parameters()["length"].unit, "h"))


def placed(phases: Iterable[tuple[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return begin and length of every phase (name, component) in hours of the protocol, in their order."""
    found: dict[str, tuple[float, float]] = {}
    begin = 0.0
    for name, phase in sorted(phases, key=lambda p: (p[1].order, p[0])):
        length = float(phase_hours(phase) or 0.0)
        found[name] = (begin, length)
        # Rounded at each phase: otherwise the sums of a long protocol miss moments that should be equal.
        begin = float(round_hours(begin + length))
    return found


def phase_of(fields: Fields) -> str:
    """Return the phase that a dose, session or assessment belongs to."""
    found: str = fields["during"] if "during" in fields else fields["phase"]
    return found


def hours_of(fields: Fields, tables: Tables) -> float | None:
    """Return how long the phase of a dose, session or assessment lasts, in hours; None where it is not known."""
    return phase_hours(tables.get("phase", {}).get(phase_of(fields), {}))


def step_edge(hours: float, phase: Fields) -> float:
    """Return the first edge of a step at or after `hours` of a tick-clock phase that nothing stimulates."""
    length, longest = phase["length"], phase["step"] / SECONDS_PER_HOUR
    # Less a tolerance, so that a length of whole steps but for rounding gets no step more.
    step = length / max(1, math.ceil(length / longest - TOGETHER))
    return float(min(math.ceil(hours / step - TOGETHER) * step, length))


# -- what times count from --------------------------------------------------------------------------------------------


def origin(block: Assembly, path: str | None) -> Value:
    """Return the hour of its phase at which a table's first dose, session or visit falls; 0 for no table."""
    if path is None:
        return 0.0
    section, name, _ = field_path(path)
    table = block.component(section, name)
    own: Value = table.earliest() if section == "assessment" else table.first
    return own + origin(block, getattr(table, "after", None))


def known_origin(fields: Fields, tables: Tables, seen: tuple[str, ...] = ()) -> float | None:
    """Return the hour of the phase that a table's times count from; None where runs differ in it."""
    path = fields.get("after")
    if path is None:
        return 0.0
    if path in seen:
        return None
    section, name, _ = field_path(path)
    before = tables[section][name]
    first, begin = earliest(before), known_origin(before, tables, (*seen, path))
    return None if first is None or begin is None else begin + first


def known_start(fields: Fields, tables: Tables) -> float | None:
    """Return the hour of the phase of a table's first dose, session or visit; None where runs differ in it."""
    first, begin = earliest(fields), known_origin(fields, tables)
    return None if first is None or begin is None else begin + first


def earliest(fields: Fields) -> float | None:
    """Return the time of a table's first dose, session or visit from what it counts from; None if runs differ in it."""
    if fields.get("at"):
        return float(min(fields["at"]))
    if isinstance(fields.get("table"), tuple):
        return first_dose(DoseRecord(*row) for row in fields["table"])
    first: float | None = fields.get("first", fields.get("time"))
    return first


def first_dose(records: Iterable[DoseRecord]) -> float:
    """Return the hour of the earliest dose of all people of a table; 0 where none is given."""
    return min((record.time for record in records if record.evid in (1.0, 4.0)), default=0.0)


def in_force(records: Sequence[DoseRecord]) -> list[tuple[DoseRecord, float]]:
    """Return what one person's records come down to: each with the number of its doses.

    A record that empties the drug calls off the further doses of those before it; what an
    earlier record gives at that very moment has no effect, so that record is left out.
    """
    found: list[tuple[DoseRecord, float]] = []
    emptied = math.inf
    # From the end: what calls off a dose always comes after it.
    for record in reversed(records):
        left = emptied - TOGETHER - record.time
        if left > 0.0 and record.evid != 0.0:
            many = 0.0 if record.evid == 3.0 or record.constant else record.addl + 1.0
            if many > 1.0 and math.isfinite(left):
                many = min(many, float(number_before(emptied, record.time, record.ii)))
            found.append((record, many))
        if record.empties:
            emptied = record.time
    return found[::-1]


# -- doses, sessions, visits ------------------------------------------------------------------------------------------


def planned(fields: Fields) -> tuple[tuple[DoseSeries, ...], ...] | None:
    """Return what the table of a dose comes down to, for each person; one entry where all are given the same.

    A number that differs between runs is NaN. None where the regimen is not an installed one.
    """
    key, known = ("dose", str(fields.get(SECTIONS["dose"].key))), registry()
    regimen: Any = known.get(*key) if key in known else None
    if not hasattr(regimen, "planned"):
        return None
    own = {name: fields[name] for name in regimen.parameters() if name in fields}
    for name, declared in regimen.parameters().items():
        if declared.kind == "number" and declared.default is not None and own.get(name) is None:
            # NaN runs through all arithmetic and so marks every result that depends on it.
            own[name] = math.nan
    found: tuple[tuple[DoseSeries, ...], ...] = regimen(**own).planned()
    return found


def doses_in(doses: DoseSeries, length: float) -> int | None:
    """Return how many doses of one person a phase of `length` hours holds; None where it is not known.

    An endless infusion of the past counts as one, where it ends.
    """
    if doses.constant:
        return int(float(doses.record) < length)
    many = float(doses.recurrence.number_in(length))
    return int(many) if math.isfinite(many) else None


def doses_of(doses: DoseSeries, length: float) -> tuple[Array, Array] | None:
    """Return hours and amounts (mg) of one person's doses in a phase, without those of amount 0."""
    many = doses_in(doses, length)
    if many is None:
        return None
    numbers = np.arange(many, dtype=np.float64)
    hours = np.broadcast_to(doses.record if doses.constant else doses.recurrence.at(numbers), numbers.shape)
    amounts = np.broadcast_to(doses.amount_of(numbers), numbers.shape)
    given = amounts != 0.0
    return hours[given], amounts[given]


def _first_given(fields: Fields, tables: Tables) -> list[tuple[DoseSeries, Array, Array]] | None:
    """Return the doses, hours and amounts of the first person of a table who is given anything.

    None where runs differ in when doses fall, or the phase has no end.
    """
    people, length = planned(fields), hours_of(fields, tables)
    if people is None or length is None:
        return None
    for person in people:
        found = [(doses, doses_of(doses, length)) for doses in person]
        if any(given is None for _, given in found):
            return None
        one = [(doses, *given) for doses, given in found if given is not None and len(given[0])]
        if one:
            return one
    return []


def doses_given(fields: Fields, tables: Tables) -> tuple[tuple[float, float], ...] | None:
    """Return hour of the phase and amount (mg) of every dose of a table, without those of amount 0.

    Of a table for several people, those of the first who is given anything. An amount that runs differ in is NaN. None
    where runs differ in when doses fall, or the phase has no end.
    """
    found = _first_given(fields, tables)
    if found is None:
        return None
    return tuple(sorted(dose for _, *both in found for dose in zip(*(one.tolist() for one in both), strict=True)))


def dosed_stretches(fields: Fields, tables: Tables) -> tuple[tuple[float, float], ...] | None:
    """Return the stretches of the phase (h) over which doses follow each other, each dose to the next that was due.

    A single dose is a stretch of no length. People, and None, as in `doses_given`.
    """
    found, length = _first_given(fields, tables), hours_of(fields, tables)
    if found is None or length is None:
        return None
    stretches: list[tuple[float, float]] = []
    for doses, hours, _ in found:
        every = float(doses.every) if doses_in(doses, length) != 1 else 0.0
        breaks = np.flatnonzero(np.diff(hours) > every * (1.0 + SAME))
        starts, stops = hours[[0, *(breaks + 1)]], np.minimum(hours[[*breaks, -1]] + every, length)
        stretches += zip(starts.tolist(), stops.tolist(), strict=True)
    return _merged(sorted(stretches))


def _merged(stretches: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    found = [*stretches[:1]]
    for start, stop in stretches[1:]:
        if start <= found[-1][1] + TOGETHER:
            found[-1] = found[-1][0], max(found[-1][1], stop)
        else:
            found.append((start, stop))
    return tuple(found)


def last_dose(fields: Fields, tables: Tables) -> float | None:
    """Return the hour of the phase of a table's last dose, whatever its amount; None where it is not known."""
    people, length = planned(fields), hours_of(fields, tables)
    if people is None or length is None:
        return None
    last: list[float] = []
    for doses in (doses for person in people for doses in person):
        many = doses_in(doses, length)
        if many is None:
            return None
        while many and float(many) in doses.missed:
            many -= 1
        if many:
            last.append(float(doses.recurrence.at(many - 1.0)))
    return max(last, default=None)


def session_recurrence(fields: Fields, tables: Tables) -> Recurrence | None:
    """Return when the sessions of a table are held; None where runs differ in it."""
    start, every, count = known_start(fields, tables), fields["every"], fields["count"]
    return None if None in (start, every, count) else Recurrence(start, every, count)  # type: ignore[arg-type]


def sessions_held(fields: Fields, tables: Tables) -> tuple[float, ...] | None:
    """Return the hours of the phase at which sessions begin; None where runs differ in them."""
    if fields["trials"] == 0.0:
        return ()
    held, length = session_recurrence(fields, tables), hours_of(fields, tables)
    if held is None or length is None:
        return None
    return tuple(float(held.at(k)) for k in range(int(held.number_in(length))))


def event_hours(at: Value, every: Value, count: int) -> list[Value]:
    """Return the hours of the phase at which an event happens; `at` and `every` are in seconds, as events say them."""
    repeats = Recurrence(at, every)
    return [repeats.at(k) / SECONDS_PER_HOUR for k in range(count)]


def events_of(fields: Fields, tables: Tables) -> tuple[float, ...] | None:
    """Return the hours of the phase at which an event happens; None where runs differ in them."""
    at, every = fields["at"], 0.0 if fields["count"] == 1 else fields["every"]
    if at is None or every is None:
        return None
    return tuple(float(hours) for hours in event_hours(at, every, fields["count"]))


def train_spans(at: float, length: float, gap: float, trains: int) -> list[tuple[float, float]]:
    """Return start and stop of every train of a stimulus, in seconds of the phase."""
    repeats = Recurrence(at, length + gap)
    return [(float(repeats.at(k)), float(repeats.at(k) + length)) for k in range(trains)]


def visits_in(fields: Fields) -> int:
    """Return how many visits an assessment has."""
    return len(fields["at"]) or int(fields["count"])


def visit_times(at: tuple[float, ...], first: Value, every: Value, count: int) -> list[Value]:
    """Return the times of an assessment's visits from what they count from: those listed, or at equal intervals."""
    intervals = Recurrence(first, every)
    return list(at) or [intervals.at(k) for k in range(count)]


def visits_of(fields: Fields, tables: Tables) -> tuple[float, ...] | None:
    """Return the hours of the phase of an assessment's visits; None where runs differ in them."""
    begin = known_origin(fields, tables)
    listed, first, every = fields["at"], fields["first"], fields["every"]
    every = 0.0 if every is None and fields["count"] == 1 else every
    if begin is None or (not listed and None in (first, every)):
        return None
    return tuple(begin + float(time) for time in visit_times(listed, first, every, fields["count"]))
