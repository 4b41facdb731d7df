"""Things that happen at a time of an event-clock phase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workbench.component.declaration import Component, count, number, reference

if TYPE_CHECKING:
    from workbench.component.arrays import Value


@dataclass(frozen=True, kw_only=True)
class Activity(Component):
    """The circuit is active: sources show their values, synapses take their marks."""

    section: ClassVar[str] = "event"
    still: ClassVar[str] = "the protocol is laid out before it runs"
    name: ClassVar[str] = "activity"
    equation: ClassVar[str] = "at t_k = at + k every: u, y from the circuit; marks += H"

    phase: str = reference("phase", "the phase it belongs to", acts=True)
    at: Value = number(0.0, "s", "time of the first, from the start of the phase", low=0.0, high=1e9, status="protocol")
    every: Value = number(1.0, "s", "interval between repeats", low=1e-6, high=1e9, status="protocol")
    count: int = count(1, "how many", high=10_000)


@dataclass(frozen=True, kw_only=True)
class Reinforcement(Component):
    """The third factor comes: pulses fire and rules read the marks."""

    section: ClassVar[str] = "event"
    still: ClassVar[str] = "the protocol is laid out before it runs"
    name: ClassVar[str] = "reinforcement"
    equation: ClassVar[str] = "at t_k = at + k every: burst, dip; dW from marks"

    phase: str = reference("phase", "the phase it belongs to", acts=True)
    at: Value = number(1.0, "s", "time of the first, from the start of the phase", low=0.0, high=1e9, status="protocol")
    every: Value = number(1.0, "s", "interval between repeats", low=1e-6, high=1e9, status="protocol")
    count: int = count(1, "how many", high=10_000)
