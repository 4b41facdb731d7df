"""Spike trains without memory, in small steps of real time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.declaration import Component, number, reference

if TYPE_CHECKING:
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables

LONGEST = 0.5
"""Milliseconds: in longer steps two spikes of one unit, and their order, are lost too often."""


@dataclass(frozen=True, kw_only=True)
class Poisson(Component):
    """Independent Poisson spike trains: each trial is one step of time, an activity of 1 is a spike."""

    section: ClassVar[str] = "task"
    name: ClassVar[str] = "poisson"
    offers: ClassVar[frozenset[str]] = frozenset({"spikes"})
    draws: ClassVar[bool] = True
    equation: ClassVar[str] = "x_i = 1 with probability 1 - exp(-rate * step), else 0"
    sources: ClassVar[tuple[str, ...]] = ("Vogels2011",)

    inputs: str = reference(
        "population", "the source population that spikes", acts=True, requires="shown", shows="pattern"
    )
    rate: float = number(10.0, "Hz", "rate of each unit", low=0.0, high=1000.0, fixed=True)
    step: float = number(0.5, "ms", "time a trial stands for", low=1e-3, high=100.0, status="protocol", fixed=True)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse steps in which spikes get lost."""
        if fields["step"] > LONGEST:
            yield "step", f"must be at most {LONGEST:g} ms: in longer steps the order of spikes is lost"

    @property
    def seconds(self) -> float:
        """The step in seconds."""
        return self.step / 1000.0

    def build(self, block: Assembly, name: str) -> None:
        """Turn each piece's uniform draws into spikes, per subject."""
        n = block.size(self.inputs)
        draws, shown = block.uniform(f"spikes:task.{name}", n), block.pattern(self.inputs, n)
        chance = -np.expm1(-self.rate * self.seconds)

        def spike(steps: int) -> None:
            shown[:steps] = draws.table[:steps] < chance

        block.every_piece(spike)
        block.gather_pattern(self.inputs)
