"""Stretches of the protocol, each on one clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.declaration import Component, count, number


@dataclass(frozen=True, kw_only=True)
class TrialPhase(Component):
    """A number of trials; between two trials nothing happens but what drugs do.

    `trials_per_day` ties trials to days for the drugs. How many *effective* trials a day holds is an
    assumption that no experiment here fixes.
    """

    section: ClassVar[str] = "phase"
    name: ClassVar[str] = "trial"
    equation: ClassVar[str] = "trial k falls on day k / trials_per_day of the phase"

    order: int = count(1, "place in the protocol", high=10_000)
    trials: int = count(1000, "number of trials")
    trials_per_day: int = count(5, "effective trials a day", high=100_000)


@dataclass(frozen=True, kw_only=True)
class EventPhase(Component):
    """A length of real time with events in it; between events everything moves by closed form."""

    section: ClassVar[str] = "phase"
    name: ClassVar[str] = "event"
    equation: ClassVar[str] = "x(t + dt) = exact flow of the linear parts over dt"

    order: int = count(1, "place in the protocol", high=10_000)
    length: float = number(24.0, "h", "how long the phase lasts", low=1e-9, high=1e6, status="protocol", fixed=True)
