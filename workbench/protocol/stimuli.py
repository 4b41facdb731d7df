"""Electrical stimulation of a slice, and the fluid that decides which eligibility trace it leaves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.declaration import Component, count, number, reference
from workbench.protocol.schedule import train_spans
from workbench.quantities import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables

ALMOST = 1e-9
"""Relative slack where lengths written in different units are compared."""


@dataclass(frozen=True, kw_only=True)
class ArtificialCsf(Component):
    """Artificial cerebrospinal fluid: magnesium decides whether NMDA receptors open and stimulation potentiates.

    At high rates a stimulus leaves a trace for potentiation where NMDA receptors open, for depression where
    magnesium blocks them. The switch is sharp; experiments have been published only for its two ends.
    """

    section: ClassVar[str] = "bath"
    name: ClassVar[str] = "artificial_csf"
    drives: ClassVar[bool] = True
    equation: ClassVar[str] = "open = 1 where magnesium < nmda_threshold, else 0"
    sources: ClassVar[tuple[str, ...]] = ("Maltese2018",)

    magnesium: Value = number(
        1.3, "mM", "magnesium in the fluid", low=0.0, high=100.0, status="protocol", source="Maltese2018"
    )
    nmda_threshold: Value = number(0.5, "mM", "magnesium below which NMDA receptors open", low=0.0, high=100.0)

    @staticmethod
    def open(magnesium: Value, threshold: Value) -> Value:
        """Return 1 where NMDA receptors open, else 0."""
        return np.where(np.asarray(magnesium) < threshold, 1.0, 0.0)

    def build(self, block: Assembly, name: str) -> None:
        """Offer the opening as a driven signal."""
        block.provide(f"bath.{name}", block.derived(self.open, self.magnesium, self.nmda_threshold))


@dataclass(frozen=True, kw_only=True)
class Train(Component):
    """Trains of stimuli to one projection, strong enough to make pre- and postsynaptic side fire.

    Above `low_rate` every second of stimulation leaves one unit of trace: for potentiation where NMDA receptors open,
    for depression where they do not. Up to `low_rate` it leaves none, but lets depotentiation happen.
    """

    section: ClassVar[str] = "stimulus"
    name: ClassVar[str] = "train"
    equation: ClassVar[str] = (
        "train k lasts from t_k = at + k (length + gap) to t_k + length\n"
        "phi_ltp = open, phi_ltd = 1 - open per second where rate > low_rate;  else both 0 and depotentiation acts"
    )
    sources: ClassVar[tuple[str, ...]] = ("Maltese2018", "Martella2009")

    phase: str = reference("phase", "the tick-clock phase it belongs to")
    projection: str = reference("projection", "the synapses it stimulates", acts=True)
    bath: str = reference("bath", "the fluid around the slice")
    at: float = number(0.0, "s", "start of the first train, from the start of the phase",
                       low=0.0, high=1e9, status="protocol", fixed=True)  # fmt: skip
    rate: float = number(100.0, "Hz", "stimuli a second within a train",
                         low=1e-3, high=1e4, status="protocol", source="Maltese2018", fixed=True)  # fmt: skip
    length: float = number(3.0, "s", "how long one train lasts",
                           low=1e-3, high=1e9, status="protocol", source="Maltese2018", fixed=True)  # fmt: skip
    trains: int = count(1, "how many trains", high=10_000)
    gap: float = number(20.0, "s", "from the end of one train to the start of the next",
                        low=0.0, high=1e9, status="protocol", source="Maltese2018", fixed=True)  # fmt: skip
    low_rate: float = number(5.0, "Hz", "highest rate that leaves no trace and allows depotentiation",
                             low=0.0, high=1e4, fixed=True)  # fmt: skip

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse another clock, a projection that does not learn, and trains beyond the phase or overlapping others."""
        phase = tables["phase"][fields["phase"]]
        if phase.component.clock != "tick":
            clock = f"{fields['phase']} runs on the {phase['clock']} clock"
            yield "phase", f'a stimulus needs a phase with clock = "tick", but {clock}'
            return
        if fields["projection"] not in tables["plasticity"]:
            yield "projection", f"no rule learns {fields['projection']}, so stimulating it would have no effect"
        spans = _spans(fields)
        length = phase["length"] * SECONDS_PER_HOUR
        if spans[-1][1] > length * (1.0 + ALMOST):
            yield "at", f"the last train ends after {spans[-1][1]:g} s, but phase {fields['phase']} lasts {length:g} s"
        for name, other in sorted(tables["stimulus"].items()):
            same = all(other[key] == fields[key] for key in ("phase", "projection"))
            if name < fields["name"] and same and _overlap(spans, _spans(other)):
                yield "at", f"overlaps stimulus {name}: trains to the same projection must not overlap"

    def spans(self) -> list[tuple[float, float]]:
        """Return start and stop of every train, in seconds of the phase."""
        return _spans(vars(self))

    @property
    def low(self) -> bool:
        """Whether this is low-frequency stimulation."""
        return self.rate <= self.low_rate

    def build(self, block: Assembly, name: str) -> None:
        """Make sure that the projection's rule answers to stimulation."""
        block.stimulate(self.projection)


def _spans(fields: Mapping[str, Any]) -> list[tuple[float, float]]:
    return train_spans(fields["at"], fields["length"], fields["gap"], fields["trains"])


def _overlap(spans: list[tuple[float, float]], others: list[tuple[float, float]]) -> bool:
    ordered = sorted((*spans, *others))
    return any(after[0] < before[1] * (1.0 - ALMOST) for before, after in pairwise(ordered))
