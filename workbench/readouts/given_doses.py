"""What was given in the end, where visits change doses and decide who goes on to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.declaration import option, reference
from workbench.pharmacology.adjustments import adjusted, exposure_of
from workbench.protocol.span import parse_span
from workbench.readouts.reading import Reading, Readout

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class OfDoses(Readout):
    """Base: the doses of one table up to a moment, those of that moment included; not those of a steady state."""

    dose: str = reference("dose", "the doses")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a moment of a phase whose clock has no hours of its own."""
        yield from super().check(fields, tables)
        words, phases = fields.get("window"), tables["phase"]
        named = parse_span(words).phase if words else ""
        clocks = {phases[named].component.clock} if named in phases else tables.clocks
        if clocks - {"tick"}:
            yield "window", "doses are counted at a moment of a tick-clock phase, such as 'end of PHASE'"

    def amounts(self, block: Assembly) -> Callable[[], tuple[Array, Array]]:
        """Return a function that gives hours and amounts (mg), each (doses, runs), of all doses; NaN from now on."""
        exposure = exposure_of(block, block.component("dose", self.dose).drug)

        def given() -> tuple[Array, Array]:
            now = exposure.phases[block.phase][0] + np.asarray(block.hours)
            rows = [np.full((2, block.runs), np.nan)]
            for doses in (found for found in exposure.body.doses if found.table == self.dose):
                many = np.broadcast_to(np.asarray(doses.given_by(now)), (block.runs,))
                for k in range(int(np.max(many))):
                    both = np.broadcast_arrays(doses.given(float(k)), doses.prescribed(float(k)), many)[:2]
                    rows.append(np.where(k < many, np.stack(both), np.nan))
            times, found = np.stack(rows, axis=1)
            return times, found

        return given


@dataclass(frozen=True, kw_only=True)
class DoseAmount(OfDoses):
    """Amount of the last dose at a moment, 0 if it was held or none was given yet, or the total of all doses."""

    name: ClassVar[str] = "dose_amount"
    unit: ClassVar[str] = "mg"
    meaning: ClassVar[str] = "amount given"
    equation: ClassVar[str] = "amount of the last dose at t_k <= t; sum of the amounts of all"

    take: str = option("last", ("last", "total"), "the last dose, or the total of all so far")

    def reading(self, block: Assembly) -> Reading:
        """Read the amounts."""
        given = self.amounts(block)

        def amount(sums: tuple[Array, ...], trials: int) -> Array:
            times, found = given()
            if self.take == "last":
                found = np.where(times == np.fmax.reduce(times, axis=0), found, np.nan)
            return np.asarray(np.nansum(found, axis=0))

        return Reading((), amount)


@dataclass(frozen=True, kw_only=True)
class DosesGiven(OfDoses):
    """How many doses a person was given up to a moment; one that was held, stopped or missed is none."""

    name: ClassVar[str] = "doses_given"
    meaning: ClassVar[str] = "doses given"
    equation: ClassVar[str] = "number of doses at t_k <= t with an amount above 0"

    def reading(self, block: Assembly) -> Reading:
        """Count the amounts."""
        given = self.amounts(block)
        return Reading((), lambda sums, trials: np.sum(given()[1] > 0.0, axis=0, dtype=np.float64))


@dataclass(frozen=True, kw_only=True)
class DosesStopped(OfDoses):
    """Whether a visit has ended the doses of a table for good; the mean over people is the share stopped."""

    name: ClassVar[str] = "doses_stopped"
    meaning: ClassVar[str] = "1 where a visit has ended the doses, else 0"
    equation: ClassVar[str] = "1 once a stop has met its condition"

    def reading(self, block: Assembly) -> Reading:
        """Copy who is stopped."""
        doses = adjusted(block, self.dose)
        return Reading((), lambda sums, trials: doses.ended.astype(np.float64))
