"""Single synapses: their weight, the spread of their changes, and their share of what was learned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.declaration import count, option, reference
from workbench.readouts.reading import AmongOthers, OneSynapse, Reading, Readout

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class SynapseWeight(OneSynapse):
    """Weight of one synapse, at the end of a window or in the mean over its trials."""

    name: ClassVar[str] = "synapse_weight"
    meaning: ClassVar[str] = "weight of one synapse"
    equation: ClassVar[str] = "W_ji at the end, or its mean over the trials of the window"

    take: str = option("end", ("end", "mean"), "the weight at the end of the window, or its mean over the trials")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a mean over trials where there are none."""
        yield from super().check(fields, tables)
        other = tables.phases_off("trial")
        if fields.get("take") == "mean" and other:
            yield "take", f'a mean is taken over trials, and phase {other[0]} is not on clock = "trial"'

    def reading(self, block: Assembly) -> Reading:
        """Copy the weight, or add it up."""
        weight = self.synapse(block)
        if self.take == "end":
            return Reading((), lambda sums, trials: weight.copy())
        name = f"readout.{self.projection}.{self.unit_number}.{self.input_number}.weight"
        if name not in block.signals:
            kept = block.write_new(name)
            block.step("readout", lambda t: np.copyto(kept, weight), clock="trial")
        return Reading((name,), lambda sums, trials: sums[0] / trials)


@dataclass(frozen=True, kw_only=True)
class UpdateVariance(OneSynapse):
    """Variance from trial to trial of the change of one synapse, over a window."""

    name: ClassVar[str] = "update_variance"
    meaning: ClassVar[str] = "variance of one synapse's change from trial to trial"
    better: ClassVar[str] = "lower"
    equation: ClassVar[str] = "mean of dW^2 - (mean of dW)^2 over the trials of the window"
    sources: ClassVar[tuple[str, ...]] = ("Williams1992",)

    def reading(self, block: Assembly) -> Reading:
        """Sum each trial's change and its square."""
        weight = self.synapse(block)
        at = f"readout.{self.projection}.{self.unit_number}.{self.input_number}"
        names = f"{at}.change", f"{at}.square"
        if names[0] not in block.signals:
            change, square = (block.write_new(name) for name in names)
            before = weight.copy()

            def compare(t: int) -> None:
                np.subtract(weight, before, out=change)
                np.multiply(change, change, out=square)
                np.copyto(before, weight)

            block.step("readout", compare, clock="trial")

        def variance(sums: tuple[Array, ...], trials: int) -> Array:
            return sums[1] / trials - (sums[0] / trials) ** 2

        return Reading(names, variance)


@dataclass(frozen=True, kw_only=True)
class SynapseContrast(AmongOthers):
    """How far one synapse stands out from the mean of its unit's other synapses."""

    name: ClassVar[str] = "synapse_contrast"
    meaning: ClassVar[str] = "weight of one synapse less the mean of its unit's others"
    equation: ClassVar[str] = "W_ji - mean_(k != i) W_jk"

    def reading(self, block: Assembly) -> Reading:
        """Compare the synapse with the rest of its row."""
        row, at = self.row(block), self.input_number - 1

        def contrast(sums: tuple[Array, ...], trials: int) -> Array:
            others = (np.add.reduce(row, axis=0) - row[at]) / (len(row) - 1)
            found: Array = row[at] - others
            return found

        return Reading((), contrast)


@dataclass(frozen=True, kw_only=True)
class CreditShare(AmongOthers):
    """Share that one synapse has of all that a unit's synapses learned, by size of change."""

    name: ClassVar[str] = "credit_share"
    meaning: ClassVar[str] = "share of one synapse in all that its unit learned"
    equation: ClassVar[str] = "|W_ji - W_ji(0)| / sum_i |W_ji - W_ji(0)|"
    sources: ClassVar[tuple[str, ...]] = ("Izhikevich2007",)

    def reading(self, block: Assembly) -> Reading:
        """Compare the unit's weights with their start."""
        row = self.row(block)
        start, at = row.copy(), self.input_number - 1

        def share(sums: tuple[Array, ...], trials: int) -> Array:
            learned = np.abs(row - start)
            found: Array = learned[at] / np.add.reduce(learned, axis=0)
            return found

        return Reading((), share)


@dataclass(frozen=True, kw_only=True)
class LateWeight(Readout):
    """Late weight of one synapse: what was captured, or there from the start."""

    name: ClassVar[str] = "late_weight"
    requires: ClassVar[Mapping[str, str]] = MappingProxyType({"projection.plasticity": "late weight"})
    meaning: ClassVar[str] = "late (captured) weight of one synapse"
    equation: ClassVar[str] = "L_cj"
    sources: ClassVar[tuple[str, ...]] = ("FreyMorris1997",)

    projection: str = reference("projection", "a projection whose rule keeps a late weight")
    channel: int = count(1, "the channel, from 1", high=64, not_above="projection.post")
    cue: int = count(1, "the cue, from 1", high=4096, not_above="projection.pre")

    def reading(self, block: Assembly) -> Reading:
        """Copy the late part."""
        late = block.previous(f"plasticity.{self.projection}.late")[self.channel - 1, self.cue - 1]
        return Reading((), lambda sums, trials: late.copy())


@dataclass(frozen=True, kw_only=True)
class TraceArea(Readout):
    """Area under an eligibility trace: how wide the window is in which a third factor still finds it."""

    name: ClassVar[str] = "mark_area"
    unit: ClassVar[str] = "s"
    meaning: ClassVar[str] = "area under an eligibility trace, the width of its window"
    equation: ClassVar[str] = "integral of e(d) over all delays"

    mark: str = reference("eligibility", "the eligibility trace", requires="duration")

    def reading(self, block: Assembly) -> Reading:
        """Take the area; it never moves."""
        area = block.derived(block.component("eligibility", self.mark).total)
        return Reading((), lambda sums, trials: np.array(np.broadcast_to(np.asarray(area), (block.runs,))))
