"""Potentiation above a threshold of drive, depression below it: drawn, or both in the mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.declaration import Component, number, option, reference

if TYPE_CHECKING:
    from workbench.arrays import Array, Value
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class ThresholdCrossing(Component):
    """Each unit's noisy drive against a threshold: above it potentiation happens, else depression.

    One burst or dip per unit, not one for all. In the mean both sides act on every trial with their probability, so
    that a weight settles exactly where they balance. A link may move the threshold, as a drug does.
    """

    section: ClassVar[str] = "modulator"
    name: ClassVar[str] = "threshold_crossing"
    draws: ClassVar[bool] = True
    equation: ClassVar[str] = (
        "drawn: burst_k = 1 if y_k + noise N(0, 1) > threshold, else 0;  dip_k = 1 - burst_k\n"
        "mean: burst_k = Q((threshold - y_k) / noise), the tail of the normal distribution;  dip_k = 1 - burst_k"
    )
    sources: ClassVar[tuple[str, ...]] = ("Shen2008", "Fremaux2016")

    population: str = reference("population", "population whose activity is the mean drive of each unit")
    threshold: Value = number(0.15, "1", "drive above which potentiation happens", low=-1e3, high=1e3)
    noise: Value = number(0.12, "1", "standard deviation of the drive from trial to trial", low=1e-9, high=1e3)
    take: str = option("drawn", ("drawn", "mean"), "events drawn, or both sides with their probability")

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse clocks without trials."""
        other = sorted(name for name, phase in tables["phase"].items() if phase["clock"] != "trial")
        if other:
            yield "source", f'a crossing is judged on a trial, and phase {other[0]} is not on clock = "trial"'

    @staticmethod
    def tail(drive: Value, threshold: Value, noise: Value) -> Value:
        """Return the probability that drive and noise exceed the threshold."""
        from scipy.special import ndtr

        found: Array = ndtr((drive - threshold) / noise)
        return found

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve one burst and one dip per unit."""
        for signal in ("burst", "dip"):
            block.signal(f"modulator.{name}.{signal}", block.size(self.population))

    def build(self, block: Assembly, name: str) -> None:
        """Judge the drive at the outcome stage."""
        n = block.size(self.population)
        drive = block.read(f"population.{self.population}.activity")
        burst, dip = block.write(f"modulator.{name}.burst"), block.write(f"modulator.{name}.dip")
        threshold, noise = self.threshold, self.noise
        draws = block.normal(f"noise:modulator.{name}", n) if self.take == "drawn" else None
        spread = block.lanes.spreader(burst)

        def judge(t: int) -> None:
            if draws is None:
                burst[...] = self.tail(drive, threshold, noise)
            else:
                spread(draws.table[t])
                np.multiply(burst, noise, out=burst)
                np.add(burst, drive, out=burst)
                np.greater(burst, threshold, out=burst, casting="unsafe")
            np.subtract(1.0, burst, out=dip)

        block.step("outcome", judge, clock="trial")
