"""Stretches of the protocol, each on one clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workbench.component.declaration import Component, count, number, option, reference
from workbench.component.moments import TOGETHER
from workbench.protocol.schedule import events_of
from workbench.quantities import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.component.tables import Fields, Tables


class Ordered(Component):
    """Base of phases: each has a place of its own in the protocol."""

    draws: ClassVar[bool] = True  # what others draw in it

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse two phases in one place: their order would be ambiguous."""
        order = fields["order"]
        first = _ORDERS.of(tables["phase"])[order]
        if fields["name"] != first:
            yield "order", f"phases {first} and {fields['name']} are both at place {order}; number them 1, 2, 3 ..."


class _Orders:
    """The first phase by name at each place of a protocol; cached, because every phase of the protocol asks for it."""

    def __init__(self) -> None:
        self._phases: Mapping[str, Fields] = {}
        self._first: dict[int, str] = {}

    def of(self, phases: Mapping[str, Fields]) -> dict[int, str]:
        """Return the names by place."""
        if self._phases is not phases:
            self._phases, self._first = phases, {}
            for name in sorted(phases):
                self._first.setdefault(phases[name]["order"], name)
        return self._first


_ORDERS = _Orders()


@dataclass(frozen=True, kw_only=True)
class TrialPhase(Ordered):
    """A number of trials; between two trials nothing happens but what drugs do.

    `trials_per_day` ties trials to days for the drugs. How many *effective* trials a day holds is an
    assumption that no experiment here fixes.
    """

    section: ClassVar[str] = "phase"
    name: ClassVar[str] = "trial"
    clock: ClassVar[str] = "trial"
    equation: ClassVar[str] = "trial k falls on day k / trials_per_day of the phase"

    order: int = count(1, "place in the protocol", high=10_000)
    trials: int = count(1000, "number of trials")
    trials_per_day: float = number(5.0, "trial/day", "effective trials a day", low=1e-3, high=1e5, fixed=True)


@dataclass(frozen=True, kw_only=True)
class EventPhase(Ordered):
    """A length of real time with events in it; between events everything moves by closed form."""

    section: ClassVar[str] = "phase"
    name: ClassVar[str] = "event"
    clock: ClassVar[str] = "event"
    equation: ClassVar[str] = "x(t + dt) = exact flow of the linear parts over dt"

    order: int = count(1, "place in the protocol", high=10_000)
    length: float = number(24.0, "h", "how long the phase lasts", low=1e-9, high=1e6, status="protocol", fixed=True)


@dataclass(frozen=True, kw_only=True)
class FlowPhase(Ordered):
    """Learning averaged over its inputs: the mean field of the rules, without noise and without drugs.

    Time counts in trials, as rates do. Where a rule has an exact solution the weights follow it, whatever the length of
    time; otherwise they go in classical Runge-Kutta steps of fourth order (projected Euler steps, of first, where a
    sum is held by subtraction). Nothing is summed trial by trial here: readouts look at the weights.
    """

    section: ClassVar[str] = "phase"
    name: ClassVar[str] = "flow"
    clock: ClassVar[str] = "flow"
    equation: ClassVar[str] = "dW/dt = E[dW of a trial]"

    order: int = count(1, "place in the protocol", high=10_000)
    trials: int = count(1000, "how many trials' worth of learning")
    trials_per_day: float = number(
        5.0, "trial/day", "trials a day, for windows in days", low=1e-3, high=1e5, fixed=True
    )
    step: int = count(1, "trials of one step, where no exact solution is used")
    solution: str = option("exact", ("exact", "stepped"), "exact where it is known, or in steps throughout")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse rules without a mean field, and doses."""
        yield from super().check(fields, tables)
        for name, rule in sorted(tables["plasticity"].items()):
            if not getattr(rule.component, "mean_field", False):
                yield "clock", f"{rule.kind} (plasticity.{name}) has no mean field; use the trial clock"
        if tables.get("dose"):
            yield "clock", f"a mean field has no time of day, so no dose can be given ({', '.join(tables['dose'])})"


@dataclass(frozen=True, kw_only=True)
class Event(Component):
    """Base of what happens at moments of an event-clock phase, once or again and again."""

    section: ClassVar[str] = "event"
    still: ClassVar[str] = "the protocol is laid out before it runs"

    phase: str = reference("phase", "the phase it belongs to", acts=True)
    at: Value = number(0.0, "s", "time of the first, from the start of the phase", low=0.0, high=1e9, status="protocol")
    every: Value = number(1.0, "s", "interval between repeats", low=1e-6, high=1e9, status="protocol")
    count: int = count(1, "how many", high=10_000)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse an event that happens when its phase is over."""
        hours, length = events_of(fields, tables), tables.field("phase", fields["phase"], "length")
        if hours is not None and length is not None and hours[-1] > length + TOGETHER:
            last, lasts = (f"{value * SECONDS_PER_HOUR:g} s" for value in (hours[-1], length))
            place = "at" if hours[0] > length + TOGETHER else "count"
            yield place, f"the last is at {last}, after the end of phase {fields['phase']} ({lasts})"


@dataclass(frozen=True, kw_only=True)
class Activity(Event):
    """The circuit is active: sources show their values, synapses take up eligibility traces."""

    name: ClassVar[str] = "activity"
    equation: ClassVar[str] = "at t_k = at + k every: u, y from the circuit; traces += H"


@dataclass(frozen=True, kw_only=True)
class Reinforcement(Event):
    """The third factor comes: pulses fire and rules read the eligibility traces."""

    name: ClassVar[str] = "reinforcement"
    equation: ClassVar[str] = "at t_k = at + k every: burst, dip; dW from traces"

    at: Value = number(1.0, "s", "time of the first, from the start of the phase", low=0.0, high=1e9, status="protocol")


MOST_STEPS = 10_000_000
"""Steps of one phase: more would be a typo, and hours of computing."""


@dataclass(frozen=True, kw_only=True)
class TickPhase(Ordered):
    """A length of real time in equal steps: a slice under stimulation, or weeks of life with sessions and visits.

    Between two edges of stimuli stimulation is constant. Each such stretch is cut into equal steps, none longer than
    `step`: eligibility traces advance by closed form, the weight by an exponential update with the exact means of both
    sides, exact while one side acts alone and of second order otherwise. Over a step drugs, and what they drive, have
    the level of its middle. Recording inside a step does not change the result.
    """

    section: ClassVar[str] = "phase"
    name: ClassVar[str] = "tick"
    clock: ClassVar[str] = "tick"
    revision: ClassVar[int] = 2
    equation: ClassVar[str] = (
        "W(t + dt) = W_inf + (W - W_inf) exp(-B dt);  W_inf = A / B\n"
        "A = P w_max + D w_min + g rest,  B = P + D + g, each the mean over the step (soft bounds)"
    )

    order: int = count(1, "place in the protocol", high=10_000)
    length: float = number(1.0, "h", "how long the phase lasts", low=1e-9, high=1e6, status="protocol", fixed=True)
    step: float = number(1.0, "s", "longest step", low=1e-6, high=1e6, fixed=True)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse two phases in one place, and a step so short that the phase would take hours to compute."""
        yield from super().check(fields, tables)
        if fields["length"] * SECONDS_PER_HOUR > MOST_STEPS * fields["step"]:
            yield "step", f"cuts the phase into more than {MOST_STEPS:,} steps"
