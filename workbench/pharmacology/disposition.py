"""One or two compartments with rates of their own, and first-order absorption in front of any disposition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.arrays import power
from workbench.component.declaration import number
from workbench.pharmacology.kinetics import Kinetics
from workbench.pharmacology.linear import DRAWN, LAG, REFERENCE_WEIGHT

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.component.tables import Fields, Tables
    from workbench.pharmacology.linear import After, Entries


@dataclass(frozen=True, kw_only=True)
class Oral(Kinetics):
    """First-order absorption from the gut; `disposition` is what follows."""

    entry: ClassVar[str] = "gut"

    absorption: Value = number(
        2.07, "1/h", "first-order absorption rate", low=1e-4, high=1e3, status="measured", source="He1995"
    )
    clearance: Value = number(
        16.0, "L/h", "apparent oral clearance CL/F at 70 kg", low=1e-4, high=1e5, status="fitted", source="He1995"
    )
    volume: Value = number(
        502.0, "L", "apparent central volume V/F at 70 kg", low=1e-3, high=1e6, status="fitted", source="He1995"
    )
    lag: Value = number(0.0, "h", "delay from a dose to the beginning of its absorption", low=0.0, high=1000.0,
                        still=LAG)  # fmt: skip
    bioavailability: Value = number(
        1.0, "1", "share of a dose that is absorbed; 1 with an apparent clearance CL/F", low=0.0, high=1.0
    )
    bioavailability_occasion_cv: Value = number(
        0.0, "1", "coefficient of variation of bioavailability from phase to phase within a subject",
        low=0.0, high=10.0, still=DRAWN,
    )  # fmt: skip

    @classmethod
    def revision_of(cls, fields: Mapping[str, Any], constant: Callable[[str], float | None]) -> int:
        """Return one more where bioavailability varies: its odds do, so that no one absorbs more than is given."""
        return cls.revision + (constant("bioavailability_occasion_cv") != 0.0)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse variation of a full share: a share of 1 can only fall."""
        if fields.get("bioavailability_occasion_cv") and fields.get("bioavailability") == 1.0:
            yield (
                "bioavailability_occasion_cv",
                "a share of 1 cannot vary about 1: give the share that is absorbed (bioavailability below 1), or, "
                "with an apparent clearance CL/F, let that vary (clearance_occasion_cv)",
            )

    @property
    def compartments(self) -> tuple[str, ...]:
        """The gut before the others."""
        return ("gut", *super().compartments)

    def exchange(self) -> Entries:
        """Return absorption and what follows."""
        return {**super().exchange(), ("gut", "gut"): -self.absorption, ("central", "gut"): self.absorption}

    def rates(self) -> Mapping[str, Value]:
        """Return the rate of absorption and those of what follows."""
        return {**super().rates(), "absorption": self.absorption}

    def reach(self, after: After, *, onto: str = "") -> Entries:
        """Return the transfers with the gut in front of those of the central compartment."""
        found = super().reach(after, onto=onto)
        later = super().reach(lambda *stages: after(*stages, "absorption"), onto=onto)
        found |= {(to, "gut"): self.absorption * share for (to, source), share in later.items() if source == "central"}
        return found if onto else {**found, ("gut", "gut"): after("absorption")}


@dataclass(frozen=True, kw_only=True)
class OneCompartment(Kinetics):
    """Disposition in one compartment."""

    @property
    def compartments(self) -> tuple[str, ...]:
        """The only one."""
        return ("central",)

    def exchange(self) -> Entries:
        """Return the rate of elimination."""
        return {("central", "central"): -self.elimination}

    def rates(self) -> Mapping[str, Value]:
        """Return the rate of elimination."""
        return {"elimination": self.elimination}

    def reach(self, after: After, *, onto: str = "") -> Entries:
        """Return what is left."""
        return {("central", "central"): after("elimination")}


@dataclass(frozen=True, kw_only=True)
class TwoCompartment(Kinetics):
    """Disposition in a central compartment that exchanges with a peripheral one."""

    k12: Value = number(MISSING, "1/h", "rate from central to peripheral at 70 kg", low=1e-6, high=1e3)
    k21: Value = number(MISSING, "1/h", "rate from peripheral to central at 70 kg", low=1e-6, high=1e3)

    @property
    def compartments(self) -> tuple[str, ...]:
        """The central one and the other."""
        return ("central", "peripheral")

    @cached_property
    def between(self) -> tuple[Value, Value, Value]:
        """Return k10, k12 and k21 at the body weight: flows grow with it as clearance does, volumes as volumes."""
        slowed = power(self.body_weight / REFERENCE_WEIGHT, self.clearance_exponent - self.volume_exponent)
        return self.elimination, self.k12 * slowed, self.k21 * slowed

    def exchange(self) -> Entries:
        """Return elimination and exchange."""
        k10, k12, k21 = self.between
        return {
            ("central", "central"): -(k10 + k12),
            ("central", "peripheral"): k21,
            ("peripheral", "central"): k12,
            ("peripheral", "peripheral"): -k21,
        }

    def rates(self) -> Mapping[str, Value]:
        """Return the fast and the slow rate: the roots of ``s^2 - (k10 + k12 + k21) s + k10 k21``."""
        fast, slow = self.roots
        return {"fast": fast, "slow": slow}

    @cached_property
    def roots(self) -> tuple[Value, Value]:
        """The fast and the slow rate."""
        k10, k12, k21 = self.between
        total = k10 + k12 + k21
        root = np.sqrt((k10 + k12 - k21) * (k10 + k12 - k21) + 4.0 * k12 * k21)
        return 0.5 * (total + root), 2.0 * k21 * k10 / (total + root)

    def reach(self, after: After, *, onto: str = "") -> Entries:
        """Return the transfers; the slow rate lies below k21 and below k10 + k12, so that no term is negative."""
        k10, k12, k21 = self.between
        slow = self.roots[1]
        first, second = after("fast"), after("fast", "slow")
        found = {
            ("central", "central"): first + (k21 - slow) * second,
            ("central", "peripheral"): k21 * second,
        }
        if onto != "central":
            found["peripheral", "central"] = k12 * second
            found["peripheral", "peripheral"] = first + (k10 + k12 - slow) * second
        return found


@dataclass(frozen=True, kw_only=True)
class OneCompartmentIntravenous(OneCompartment):
    """Straight into one compartment, as a bolus or, with a `duration` of the dose, as an infusion."""

    name: ClassVar[str] = "one_compartment_intravenous"
    equation: ClassVar[str] = "c(t) = amount / V exp(-ke t),  ke = clearance / V"


@dataclass(frozen=True, kw_only=True)
class TwoCompartmentIntravenous(TwoCompartment):
    """Straight into a central compartment that exchanges with a peripheral one."""

    name: ClassVar[str] = "two_compartment_intravenous"
    equation: ClassVar[str] = (
        "c(t) = amount / V ((alpha - k21) exp(-alpha t) + (k21 - beta) exp(-beta t)) / (alpha - beta)\n"
        "alpha + beta = k10 + k12 + k21,  alpha beta = k10 k21,  k10 = clearance / V"
    )


@dataclass(frozen=True, kw_only=True)
class OneCompartmentOral(Oral, OneCompartment):
    """First-order absorption into one compartment."""

    name: ClassVar[str] = "one_compartment_oral"
    equation: ClassVar[str] = "c(t) = amount ka / (V (ka - ke)) (exp(-ke t) - exp(-ka t)),  ke = clearance / V"
    sources: ClassVar[tuple[str, ...]] = ("Burke1985", "Rowland2011", "Sheiner1979")


@dataclass(frozen=True, kw_only=True)
class TwoCompartmentOral(Oral, TwoCompartment):
    """First-order absorption into a central compartment that exchanges with a peripheral one."""

    name: ClassVar[str] = "two_compartment_oral"
    equation: ClassVar[str] = (
        "c(t) = amount ka / V sum over l in {alpha, beta, ka} of (k21 - l) / prod_(m != l) (m - l) exp(-l t)\n"
        "alpha + beta = k10 + k12 + k21,  alpha beta = k10 k21,  k10 = clearance / V"
    )
    sources: ClassVar[tuple[str, ...]] = ("He1995", "Rowland2011", "Sheiner1979")

    k12: Value = number(
        0.0328, "1/h", "rate from central to peripheral", low=1e-6, high=1e3, status="fitted", source="He1995"
    )
    k21: Value = number(
        0.0867, "1/h", "rate from peripheral to central", low=1e-6, high=1e3, status="fitted", source="He1995"
    )
