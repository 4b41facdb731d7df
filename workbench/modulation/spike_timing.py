"""The order of two stimuli at the cortex: what comes first decides whether a pair potentiates or depresses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.declaration import Component, number

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class SpikeTiming(Component):
    """Timing of paired associative stimulation: a nerve shock and a magnetic pulse to the motor cortex.

    The shock's afferent volley reaches the cortex `volley_latency` after the shock. If it is there before (or with) the
    pulse the pair counts as a burst, otherwise as a dip; both fade with the gap between the two. One trial is one pair.
    Experiments tested a handful of intervals; how fast the two sides fade between them is assumed.
    """

    section: ClassVar[str] = "modulator"
    name: ClassVar[str] = "spike_timing"
    equation: ClassVar[str] = (
        "gap = interval - volley_latency\n"
        "burst = exp(-gap / tau_plus) for gap >= 0, else 0;  dip = exp(gap / tau_minus) for gap < 0, else 0"
    )
    sources: ClassVar[tuple[str, ...]] = ("Stefan2000", "Wolters2003", "Weise2006")

    interval: Value = number(
        25.0,
        "ms",
        "time from nerve shock to magnetic pulse",
        low=0.0,
        high=1e4,
        status="protocol",
        source="Stefan2000",
    )
    volley_latency: Value = number(20.0, "ms", "time from nerve shock to its volley at the cortex", low=1.0, high=100.0)
    tau_plus: Value = number(20.0, "ms", "how fast potentiation fades as the pulse comes later", low=0.1, high=1e4)
    tau_minus: Value = number(20.0, "ms", "how fast depression fades as the pulse comes earlier", low=0.1, high=1e4)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a protocol without trials: nothing would ever be paired."""
        if not tables.phases_on("trial"):
            yield "source", "one pair is one trial, but no phase is on the trial clock"

    @staticmethod
    def burst(interval: Value, latency: Value, tau: Value) -> Array:
        """Return the share of potentiation that a pair earns."""
        gap = np.asarray(interval - latency)
        return np.where(gap >= 0.0, np.exp(-np.maximum(gap, 0.0) / tau), 0.0)

    @staticmethod
    def dip(interval: Value, latency: Value, tau: Value) -> Array:
        """Return the share of depression that a pair earns."""
        gap = np.asarray(interval - latency)
        return np.where(gap < 0.0, np.exp(np.minimum(gap, 0.0) / tau), 0.0)

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve burst and dip."""
        block.signal(f"modulator.{name}.burst")
        block.signal(f"modulator.{name}.dip")

    def build(self, block: Assembly, name: str) -> None:
        """Give every trial the burst or dip of its pair."""
        burst, dip = block.write(f"modulator.{name}.burst"), block.write(f"modulator.{name}.dip")
        earned = block.derived(self.burst, self.interval, self.volley_latency, self.tau_plus)
        lost = block.derived(self.dip, self.interval, self.volley_latency, self.tau_minus)

        def pair(t: int) -> None:
            burst[...] = earned
            dip[...] = lost

        block.step("outcome", pair, clock="trial")
