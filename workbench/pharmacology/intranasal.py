"""What is sprayed into the nose: a part goes through its wall into plasma, the rest is swallowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING, ClassVar

from workbench.component.declaration import number
from workbench.pharmacology.compartments import MultiCompartment
from workbench.pharmacology.linear import LAG, added

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.pharmacology.linear import After, Amounts, Entries


@dataclass(frozen=True, kw_only=True)
class MultiCompartmentIntranasal(MultiCompartment):
    """A spray: the nose empties into plasma and into the gut, and the gut into plasma less a first-pass loss.

    What is lost on first pass is gone: metabolites that the liver makes of it are not modelled. A second spray may
    find the nose wet and lose more to the gut; give it a `nasal_share` of its own by way of an arm.
    """

    name: ClassVar[str] = "multi_compartment_intranasal"
    first_around: ClassVar[int] = 4
    equation: ClassVar[str] = (
        "dnose/dt = -kn nose,  dgut/dt = (1 - nasal_share) kn nose - ka gut\n"
        "dA1/dt = nasal_share kn nose + oral_share ka gut - (clearance / V) A1 + sum of flow (A / volume - A1 / V)\n"
        "absolute bioavailability = nasal_share + (1 - nasal_share) oral_share"
    )
    sources: ClassVar[tuple[str, ...]] = ("PerezRuixo2021", "Rowland2011")
    entry: ClassVar[str] = "nose"

    nasal_rate: Value = number(MISSING, "1/h", "rate at which the nose empties", low=1e-4, high=1e3)
    nasal_share: Value = number(MISSING, "1", "share of a dose that passes the wall of the nose", low=0.0, high=1.0)
    absorption: Value = number(MISSING, "1/h", "first-order absorption rate of what is swallowed", low=1e-4, high=1e3)
    oral_share: Value = number(
        MISSING, "1", "share of what is swallowed that survives the first pass", low=0.0, high=1.0
    )
    lag: Value = number(0.0, "h", "delay from a dose to the beginning of its absorption", low=0.0, high=1000.0,
                        still=LAG)  # fmt: skip

    @property
    def compartments(self) -> tuple[str, ...]:
        """Nose and gut before the others."""
        return ("nose", "gut", *super().compartments)

    def exchange(self) -> Entries:
        """Return absorption and what follows."""
        nose, gut = self.nasal_rate, self.absorption
        return {
            **super().exchange(),
            ("nose", "nose"): -nose,
            ("gut", "nose"): (1.0 - self.nasal_share) * nose,
            ("central", "nose"): self.nasal_share * nose,
            ("gut", "gut"): -gut,
            ("central", "gut"): self.oral_share * gut,
        }

    def rates(self) -> Mapping[str, Value]:
        """Return both rates of absorption and those of what follows."""
        return {**super().rates(), "nose": self.nasal_rate, "absorption": self.absorption}

    def reach(self, after: After, *, onto: str = "") -> Entries:
        """Return the transfers with nose and gut in front of those of the central compartment."""
        found = super().reach(after, onto=onto)
        ways: dict[str, list[tuple[Value, tuple[str, ...]]]] = {
            "gut": [(self.oral_share * self.absorption, ("absorption",))],
            "nose": [
                (self.nasal_share * self.nasal_rate, ("nose",)),
                (
                    (1.0 - self.nasal_share) * self.nasal_rate * self.oral_share * self.absorption,
                    ("nose", "absorption"),
                ),
            ],
        }
        for source, parts in ways.items():
            for rate, stages in parts:
                later = super().reach(lambda *own, s=stages: after(*own, *s), onto=onto)
                for (to, origin), share in later.items():
                    if origin == "central":
                        found[to, source] = found.get((to, source), 0.0) + rate * share
        if not onto:
            found["nose", "nose"], found["gut", "gut"] = after("nose"), after("absorption")
            found["gut", "nose"] = (1.0 - self.nasal_share) * self.nasal_rate * after("nose", "absorption")
        return found

    def reaching(self, amounts: Amounts) -> Value:
        """Return what of the amounts comes into plasma in the end."""
        swallowed = (1.0 - self.nasal_share) * amounts["nose"] + amounts["gut"]
        inside: Value = added([(row, amounts[row]) for row in super().compartments])
        return self.nasal_share * amounts["nose"] + self.oral_share * swallowed + inside
