"""The share of receptors that a drug occupies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from workbench.component.declaration import Component, number, reference
from workbench.pharmacology.bath import idle_efficacy, refuse_bath

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from workbench.component.arrays import Value
    from workbench.component.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Langmuir(Component):
    """Occupancy of one receptor by one drug at equilibrium with total plasma concentration.

    `ec50` is an apparent value in total plasma (binding to protein and passage into the brain
    included), never an in-vitro affinity.
    """

    section: ClassVar[str] = "occupancy"
    name: ClassVar[str] = "langmuir"
    drives: ClassVar[bool] = True
    equation: ClassVar[str] = "Occ = C / (C + ec50)"
    sources: ClassVar[tuple[str, ...]] = ("Shinotoh1994",)

    drug: str = reference("drug", "the drug")
    ec50: Value = number(18.3, "ng/mL", "plasma concentration that occupies half the receptors", low=1e-6, high=1e9)
    efficacy: Value = number(
        0.0, "1", "share of the transmitter's full effect that it has itself; 0 only blocks", low=0.0, high=1.0
    )

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse a drug in the bath, and an effect at no receptor."""
        yield from refuse_bath(fields, tables)
        yield from idle_efficacy(fields, tables)

    @property
    def half(self) -> Value:
        """The concentration that occupies half."""
        return self.ec50

    @staticmethod
    def share(concentration: Value, ec50: Value) -> Value:
        """Return the occupied share."""
        return concentration / (concentration + ec50)

    def build(self, block: Assembly, name: str) -> None:
        """Offer the occupancy as a driven signal."""
        block.provide(f"occupancy.{name}", block.derived(self.share, block.driven(f"drug.{self.drug}"), self.ec50))
