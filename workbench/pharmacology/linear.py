"""Linear kinetics: compartments that exchange, take up and eliminate in proportion to what they hold.

A model says how its compartments reach each other: once as rates (`exchange`) and once as exact transfers over any
length (`reach`), chains of first-order stages. Nothing is stepped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.arrays import power, unordered
from workbench.component.declaration import Component, count, number
from workbench.quantities import parse_integer

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value

Entries = dict[tuple[str, str], "Value"]
"""(to, from) -> coefficient, by name of the compartment."""
Amounts = dict[str, "Value"]
"""By compartment: mg in the body, ng/mL at the effect site, ng h/mL in areas."""
After = Callable[..., "Value"]
"""The chain of the named rates: `chained` at the length in question."""

NG_PER_ML = 1000.0
"""ng/mL in one mg/L."""
LAG = "doses, and when they come in, are planned as their phase begins"
"""Why a lag stands still."""
DRAWN = "what differs from phase to phase is drawn as the phase begins"
"""Why a variation between phases stands still."""
REFERENCE_WEIGHT = 70.0
"""Body weight (kg) to which clearance and volume refer."""


def added(parts: Sequence[tuple[str, Any]]) -> Any:
    """Return the sum of what comes from each row, in their order.

    What comes from compartments with names of their own is added up first: two of them in a sum that has no order, more
    of them from the smallest to the largest in each run, so that their names decide nothing.
    """
    named = [part for source, part in parts if source.startswith("compartment.")]
    if len(named) > 1:
        parts = [(source, part) for source, part in parts if not source.startswith("compartment.")]
        parts = [*parts, ("", unordered(named))]
    found = parts[0][1]
    for _, part in parts[1:]:
        found = found + part
    return found


def varied(share: Value, cv: Value, score: Value) -> Value:
    """Return the factor of a share whose odds vary: ``share * factor`` lies between 0 and 1 for any normal `score`.

    The odds are lognormal about those of `share`, with a coefficient of variation of ``cv / (1 - share)``: to first
    order that of the share is `cv`, and its median is `share`.
    """
    rest = 1.0 - np.asarray(share)
    # A share of 1 has no odds to vary; 1 stands in to avoid a division by 0.
    spread = np.sqrt(np.log1p(np.square(cv / np.where(rest > 0.0, rest, 1.0))))
    odds = np.exp(np.where(rest > 0.0, spread, 0.0) * score)
    found: Value = odds / (rest + share * odds)
    return found


@dataclass(frozen=True, kw_only=True)
class LinearKinetics(Component):
    """The numbers that all linear models share; a model adds its compartments and how they reach each other."""

    section: ClassVar[str] = "drug"
    offers: ClassVar[frozenset[str]] = frozenset({"plasma"})
    drives: ClassVar[bool] = True
    draws: ClassVar[bool] = True
    fed_by: ClassVar[str] = "dose"
    revision: ClassVar[int] = 3
    sources: ClassVar[tuple[str, ...]] = ("Rowland2011", "Sheiner1979")
    entry: ClassVar[str] = "central"

    clearance: Value = number(MISSING, "L/h", "clearance at 70 kg", low=1e-4, high=1e5)
    volume: Value = number(MISSING, "L", "central volume at 70 kg", low=1e-3, high=1e6)
    effect: Value = number(
        1.0, "1", "share of the concentration that acts; 0 for a subject who never responds", low=0.0, high=1.0
    )
    equilibration: Value = number(
        0.0, "h", "half-time in which the effect site follows plasma; 0 is at once", low=0.0, high=1e4
    )
    body_weight: Value = number(
        70.0, "kg", "body weight, shared with its doses; 70 kg leaves clearance and volume as given", low=0.2, high=500
    )
    clearance_exponent: Value = number(
        0.75, "1", "exponent of body weight / 70 kg in clearances", low=-3.0, high=3.0, source="Anderson2008"
    )
    volume_exponent: Value = number(
        1.0, "1", "exponent of body weight / 70 kg in volumes", low=-3.0, high=3.0, source="Anderson2008"
    )
    molar_mass: Value | None = number(
        None, "g/mol", "turns what is given in molar units into mass; it changes nothing else", low=1.0, high=1e6,
        still="it turns molar units into mass as the file is read",
    )  # fmt: skip
    clearance_occasion_cv: Value = number(
        0.0, "1", "coefficient of variation of clearance from phase to phase within a subject", low=0.0, high=10.0,
        still=DRAWN,
    )  # fmt: skip
    resolution: int = count(24, "hours over which the trial clock averages the concentration", high=8760)

    @property
    def compartments(self) -> tuple[str, ...]:
        """Where the drug may be, the entry of doses among them."""
        raise NotImplementedError

    def exchange(self) -> Entries:
        """Return the rates (1/h) at which amounts pass; the diagonal holds what leaves."""
        raise NotImplementedError

    def rates(self) -> Mapping[str, Value]:
        """Return the rates of all stages by the names that `reach` uses."""
        raise NotImplementedError

    def reach(self, after: After, *, onto: str = "") -> Entries:
        """Return the share of an amount in one compartment that is in another later; `onto` asks for one row only."""
        raise NotImplementedError

    @cached_property
    def elimination(self) -> Value:
        """Rate of elimination from the central compartment, 1/h."""
        return self.cleared() / self.distributed()

    def cleared(self) -> Value:
        """Return clearance at the body weight, L/h."""
        return self.clearance * power(self.body_weight / REFERENCE_WEIGHT, self.clearance_exponent)

    def distributed(self) -> Value:
        """Return the central volume at the body weight, L."""
        return self.volume * power(self.body_weight / REFERENCE_WEIGHT, self.volume_exponent)

    def scale(self) -> Value:
        """Return the plasma concentration (ng/mL) of 1 mg in the central compartment."""
        return NG_PER_ML / self.distributed()

    def reaching(self, amounts: Amounts) -> Value:
        """Return what of the amounts (mg, by compartment) comes into plasma in the end."""
        found: Value = added([(row, amounts[row]) for row in self.compartments])
        return found

    def place(self, compartment: str) -> str:
        """Return the row that a dose into a compartment enters; "" is where doses usually do."""
        return compartment or self.entry

    def numbered(self, cmt: str) -> str:
        """Return the compartment of a number from 1, or of a name, "" for the one that doses usually enter.

        Raises
        ------
        KeyError
            If there is none; it names those that exist.
        """
        places = {i: place for i, place in enumerate(self.compartments, 1) if self.holds(place)}
        names = {place.rpartition(".")[2].lower(): place for place in places.values()} | {"cent": "central"}
        names |= {"depot": self.entry} if self.entry != "central" else {}
        number = parse_integer(cmt)
        found = names.get(cmt.lower()) if number is None else places.get(number)
        if found is None:
            raise KeyError(", ".join(f"{i} {place.rpartition('.')[2]}" for i, place in places.items()))
        return "" if found == self.entry else found

    def holds(self, compartment: str) -> bool:
        """Whether every run has the compartment."""
        return True

    def taken_as(self, name: str) -> str:
        """Return the drug whose doses it comes from: itself, unless the body makes it of another."""
        return name

    def on_occasion(self, name: str, phase: str, draw: Callable[[str, int], Array]) -> tuple[LinearKinetics, Value]:
        """Return what it is in a phase, and that phase's factor of bioavailability: drawn once per subject and phase.

        `draw` gives normals by stream and number.
        """
        spreads = self.clearance_occasion_cv, getattr(self, "bioavailability_occasion_cv", 0.0)
        if not any(np.any(spread) for spread in spreads):
            return self, 1.0
        scores = draw(f"occasion:drug.{name}:{phase}", 2)
        clearance = np.exp(np.sqrt(np.log1p(np.square(spreads[0]))) * scores[0])
        share = varied(getattr(self, "bioavailability", 1.0), spreads[1], scores[1])
        return replace(self, clearance=self.clearance * clearance), share
