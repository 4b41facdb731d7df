"""Windows: stretches of time after a drug in which something is different."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.declaration import Component, number, signal
from workbench.modulation.window_opening import Opening
from workbench.pharmacology.transfers import chained

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


EQUAL = 1e-6
"""Relative difference of rise and decay below which the peak is that of equal ones."""


@dataclass(frozen=True, kw_only=True)
class TwoStage(Component):
    """A window that a drug's occupancy opens: it rises after the drug has gone, stays a while and closes.

    Links carry it onto any number of any circuit, a learning rate or a threshold. It moves no weight by itself
    (metaplasticity). `reference` is the drive of the dose that opens it to 1; a larger dose opens it wider, up to
    1 + `half`. On the trial clock it shows its mean over a dosing interval.
    """

    section: ClassVar[str] = "window"
    name: ClassVar[str] = "two_stage"
    drives: ClassVar[bool] = True
    revision: ClassVar[int] = 2
    equation: ClassVar[str] = (
        "dM1/dt = opened_by^power / reference - M1 / rise,  dM/dt = M1 / rise - M / decay\n"
        "window = (1 + half) m / (half + m),  m = M / (peak of M after one reference dose given at once)"
    )
    sources: ClassVar[tuple[str, ...]] = ("AbrahamBear1996",)

    opened_by: str = signal("the occupancy that opens it")
    rise: Value = number(6.0, "h", "time constant of its rise", low=1e-3, high=1e5)
    decay: Value = number(57.0, "h", "time constant of its decay", low=1e-3, high=1e5)
    power: Value = number(2.0, "1", "exponent of the occupancy", low=0.1, high=10.0)
    reference: Value = number(MISSING, "h", "integral of occupancy^power over the dose that opens it to 1",
                              low=1e-9, high=1e9)  # fmt: skip
    half: Value = number(
        0.5, "1", "level, relative to the reference, at which saturation has taken half", low=1e-3, high=1e6
    )

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse what no dose drives: a signal that is no occupancy, a drug in the bath, a drug that is never given."""
        section, _, name = fields["opened_by"].partition(".")
        if section != "occupancy":
            yield "opened_by", f"a window is opened by an occupancy, and {fields['opened_by']} is none"
            return
        drug = tables["occupancy"][name]["drug"]
        if tables["drug"][drug].offers("bath"):
            yield "opened_by", f"{drug} is in the bath, where its concentration never falls: the window would not close"
            return
        given, above = drug, [drug]
        while (parent := tables["drug"][given].get("parent")) and parent not in above:  # it comes with those doses
            given = parent
            above.append(given)
        if not any(dose["drug"] == given for dose in tables["dose"].values()):
            yield "opened_by", f"the window never opens: no dose gives {given}"

    def peak(self) -> Value:
        """Return the peak of the second stage after a unit entered the first."""
        rise, decay = np.asarray(self.rise), np.asarray(self.decay)
        ratio = decay / rise
        apart = np.where(np.abs(ratio - 1.0) > EQUAL, ratio - 1.0, 1.0)
        exponent = np.where(np.abs(ratio - 1.0) > EQUAL, np.log(ratio) / apart, 1.0)
        return np.exp(-exponent)

    def after_reference(self, hours: Value) -> Value:
        """Return the level `hours` after one reference dose given at once, by closed form."""
        rise, decay = 1.0 / self.rise, 1.0 / self.decay
        height = chained(hours, rise, decay) * rise / self.peak()
        return (1.0 + self.half) * height / (self.half + height)

    def build(self, block: Assembly, name: str) -> None:
        """Offer the window as a driven signal that follows the drug."""
        block.driven(self.opened_by)
        drug = block.component("occupancy", self.opened_by.partition(".")[2]).drug
        exposure: Any = next(
            e for e in block.exposures if getattr(e, "declared", None) is block.component("drug", drug)
        )
        block.exposures.append(Opening(block, name, self, exposure))
