"""What the body makes of a drug: one more stage behind the parent's elimination."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from workbench.component.declaration import named, number, reference
from workbench.pharmacology.kinetics import Kinetics

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.tables import Fields, Tables
    from workbench.pharmacology.linear import After, Amounts, Entries, LinearKinetics


@dataclass(frozen=True, kw_only=True)
class Metabolite(Kinetics):
    """A metabolite in one compartment, formed from what the parent drug's clearance removes.

    It follows the parent's own amounts, so it takes the parent's doses, lag and occasions and none of its own. What the
    gut or the first pass makes of a swallowed dose is not modelled. A parent may be a metabolite itself.
    """

    fed_by: ClassVar[str] = ""
    name: ClassVar[str] = "metabolite"
    equation: ClassVar[str] = (
        "dM/dt = formed mass_ratio (clearance / V of the parent) A1 of the parent - (clearance / volume) M"
    )

    parent: str = reference("drug", "the drug that it is formed from")
    formed: Value = number(MISSING, "1", "share of the parent's clearance that forms it", low=0.0, high=1.0)
    mass_ratio: Value = number(1.0, "1", "molar mass of the metabolite over that of the parent", low=1e-3, high=1e3)
    source_drug: Kinetics = named("parent")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a parent that is no drug in plasma, a circle of parents, and a dose."""
        seen, parent = [fields["name"]], fields["parent"]
        while parent is not None:
            if parent in seen:
                yield "parent", f"{' -> '.join((*seen, parent))}: a metabolite cannot be formed from itself"
                return
            seen.append(parent)
            above = tables["drug"][parent]
            if above.offers("bath"):
                yield "parent", f"{parent} is in the bath, where nothing is eliminated"
                return
            parent = above.get("parent")
        for name, dose in sorted(tables["dose"].items()):
            if dose["drug"] == fields["name"]:
                yield "model", f"a metabolite takes no dose of its own, but dose.{name} gives one (give {seen[-1]})"

    @property
    def compartments(self) -> tuple[str, ...]:
        """The parent's compartments and its own."""
        return (*(f"{self.parent}.{row}" for row in self.source_drug.compartments), "central")

    @property
    def entry(self) -> str:  # type: ignore[override]
        """Where the parent's doses enter."""
        return f"{self.parent}.{self.source_drug.entry}"

    @property
    def lag(self) -> Value:
        """The parent's lag."""
        found: Value = getattr(self.source_drug, "lag", 0.0)
        return found

    @property
    def bioavailability(self) -> Value:
        """The parent's bioavailability."""
        found: Value = getattr(self.source_drug, "bioavailability", 1.0)
        return found

    @property
    def formation(self) -> Value:
        """Rate (1/h) at which a mg of the parent in plasma becomes mg of the metabolite."""
        return self.formed * self.mass_ratio * self.source_drug.elimination

    def place(self, compartment: str) -> str:
        """Return the row of the parent that a dose enters."""
        return f"{self.parent}.{self.source_drug.place(compartment)}"

    def taken_as(self, name: str) -> str:
        """Return the drug whose doses it comes from."""
        return self.source_drug.taken_as(self.parent)

    def on_occasion(self, name: str, phase: str, draw: Callable[[str, int], Array]) -> tuple[LinearKinetics, Value]:
        """Return what the parent is on this occasion, and the metabolite with its own clearance."""
        parent, share = self.source_drug.on_occasion(self.parent, phase, draw)
        own, _ = super().on_occasion(name, phase, draw)
        if parent is self.source_drug and own is self:
            return self, share
        return replace(own, source_drug=parent), share  # type: ignore[call-arg]

    def exchange(self) -> Entries:
        """Return the parent's exchange, formation and elimination."""
        found = {
            (f"{self.parent}.{to}", f"{self.parent}.{at}"): r for (to, at), r in self.source_drug.exchange().items()
        }
        return {
            **found,
            ("central", f"{self.parent}.central"): self.formation,
            ("central", "central"): -self.elimination,
        }

    def rates(self) -> Mapping[str, Value]:
        """Return the parent's rates and that of its own elimination."""
        return {
            **{f"{self.parent}.{name}": rate for name, rate in self.source_drug.rates().items()},
            "elimination": self.elimination,
        }

    def reach(self, after: After, *, onto: str = "") -> Entries:
        """Return the parent's transfers, and those with formation behind them."""

        def above(*stages: str) -> Value:
            return after(*(f"{self.parent}.{stage}" for stage in stages))

        def formed(*stages: str) -> Value:
            return after(*(f"{self.parent}.{stage}" for stage in stages), "elimination")

        found: Entries = {}
        if not onto:
            parts = self.source_drug.reach(above)
            found = {(f"{self.parent}.{to}", f"{self.parent}.{at}"): share for (to, at), share in parts.items()}
        for (to, at), share in self.source_drug.reach(formed, onto="central").items():
            if to == "central":
                found["central", f"{self.parent}.{at}"] = self.formation * share
        found["central", "central"] = after("elimination")
        return found

    def reaching(self, amounts: Amounts) -> Value:
        """Return what of the amounts is ever in plasma as the metabolite."""
        mine = {row: amounts[f"{self.parent}.{row}"] for row in self.source_drug.compartments}
        return amounts["central"] + self.formed * self.mass_ratio * self.source_drug.reaching(mine)
