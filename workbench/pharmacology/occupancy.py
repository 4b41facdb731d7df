"""A drug in the fluid around a slice: a clamped concentration, and what its affinity makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from workbench.component.declaration import Component, number, reference

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class BathDrug(Component):
    """A drug washed over a slice: its concentration is what the experimenter makes it, all the time.

    In nM, free: nothing binds it and nothing removes it. It meets receptors by its affinity.
    """

    section: ClassVar[str] = "drug"
    name: ClassVar[str] = "bath"
    offers: ClassVar[frozenset[str]] = frozenset({"bath"})
    drives: ClassVar[bool] = True
    equation: ClassVar[str] = "C = concentration"
    sources: ClassVar[tuple[str, ...]] = ("Maltese2014",)

    concentration: Value = number(0.0, "nM", "concentration in the fluid", low=0.0, high=1e9, status="protocol")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a dose, and a reading of plasma."""
        for name, dose in sorted(tables["dose"].items()):
            if dose["drug"] == fields["name"]:
                yield (
                    "model",
                    f"a drug in the bath has a fixed concentration and takes no dose, but dose.{name} gives one",
                )
        for section in ("outcome", "course"):
            for name, readout in sorted(tables[section].items()):
                if not readout.offers("bath") and readout.get("drug") == fields["name"]:
                    yield "model", f"{section}.{name} reads it in plasma, but a drug in the bath is not in plasma"

    def build(self, block: Assembly, name: str) -> None:
        """Offer the concentration as a driven signal."""
        block.provide(f"drug.{name}", self.concentration)


@dataclass(frozen=True, kw_only=True)
class Affinity(Component):
    """Occupancy of one receptor by a drug in the bath, from its affinity in vitro and without transmitter.

    Not for plasma: there binding to protein and the way into the brain come between concentration and receptor.
    """

    section: ClassVar[str] = "occupancy"
    name: ClassVar[str] = "affinity"
    drives: ClassVar[bool] = True
    equation: ClassVar[str] = "Occ = C / (C + ki)"
    sources: ClassVar[tuple[str, ...]] = ("Gaddum1957",)

    drug: str = reference("drug", "a drug in the bath")
    ki: Value = number(MISSING, "nM", "concentration that occupies half the receptors in vitro", low=1e-6, high=1e9)
    efficacy: Value = number(
        0.0,
        "1",
        "its intrinsic efficacy, as a share of the transmitter's full effect; 0 is a pure antagonist",
        low=0.0,
        high=1.0,
    )

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a drug in plasma, and an effect at no receptor."""
        yield from idle_efficacy(fields, tables)
        drug = tables["drug"][fields["drug"]]
        if not drug.offers("bath"):
            yield (
                "drug",
                (
                    f"{fields['drug']} is in plasma ({drug.kind}), and an affinity in vitro is not one in total "
                    'plasma: use form = "langmuir" with an ec50, or a drug with model = "bath"'
                ),
            )

    @property
    def half(self) -> Value:
        """The concentration that occupies half."""
        return self.ki

    @staticmethod
    def share(concentration: Value, ki: Value) -> Value:
        """Return the occupied share."""
        return concentration / (concentration + ki)

    def build(self, block: Assembly, name: str) -> None:
        """Offer the occupancy as a driven signal."""
        block.provide(f"occupancy.{name}", block.derived(self.share, block.driven(f"drug.{self.drug}"), self.ki))


def idle_efficacy(fields: Mapping[str, Any], tables: Tables) -> Iterable[tuple[str, str]]:
    """Yield why an intrinsic efficacy has no effect where no receptor takes this occupancy."""
    named = any(fields["name"] in (receptor.get("antagonists") or ()) for receptor in tables["receptor"].values())
    if fields["efficacy"] and not named:
        yield "efficacy", f"acts at no receptor: none lists {fields['name']} among its antagonists"


def refuse_bath(fields: Mapping[str, Any], tables: Tables) -> Iterable[tuple[str, str]]:
    """Yield why an occupancy by plasma concentration cannot have a drug in the bath, if it does."""
    if tables["drug"][fields["drug"]].offers("bath"):
        yield (
            "drug",
            (
                f"{fields['drug']} is in the bath (nM), but an ec50 is a concentration in total plasma (ng/mL): "
                'use form = "affinity" with a ki'
            ),
        )


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
        0.0,
        "1",
        "its intrinsic efficacy, as a share of the transmitter's full effect; 0 is a pure antagonist",
        low=0.0,
        high=1.0,
    )

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
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
