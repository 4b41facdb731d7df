"""Any number of compartments around a central one: a drug's body as a list of flows and volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.arithmetic import power
from workbench.declaration import Component, gathered, number, reference
from workbench.pharmacology.disposition import Oral
from workbench.pharmacology.kinetics import REFERENCE_WEIGHT, Kinetics

if TYPE_CHECKING:
    from workbench.arrays import Array, Value
    from workbench.pharmacology.kinetics import After, Entries

NEWTON = 8
"""Steps; from the eigenproblem one is enough unless rates lie ten powers of ten apart."""


@dataclass(frozen=True, kw_only=True)
class Peripheral(Component):
    """A compartment that a drug reaches from the central one and comes back from (mammillary).

    Flow and volume grow with body weight as the drug's clearance and volume do. A flow of 0 is no compartment: bits
    are those of a model without it, so that conditions and arms may have different numbers of compartments.
    """

    section: ClassVar[str] = "compartment"
    name: ClassVar[str] = "peripheral"
    equation: ClassVar[str] = "dA/dt = flow (C - A / volume),  C = concentration in the central compartment"
    sources: ClassVar[tuple[str, ...]] = ("Rowland2011",)

    drug: str = reference("drug", "the drug, whose model takes any number of compartments")
    flow: Value = number(
        MISSING, "L/h", "flow to and from the central compartment at 70 kg; 0 is none", low=0.0, high=1e5
    )
    volume: Value = number(MISSING, "L", "volume at 70 kg", low=1e-3, high=1e6)

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse a drug whose model has its own compartments."""
        model = tables["drug"][fields["drug"]]["model"]
        if not model.startswith("multi_compartment"):
            yield (
                "drug",
                f"{fields['drug']} has the model {model}, which takes no [compartment.NAME] (multi_compartment_* do)",
            )


@dataclass(frozen=True, kw_only=True)
class MultiCompartment(Kinetics):
    """Disposition in a central compartment that exchanges with any number of others, each a table of its own.

    ``D K D^-1`` is symmetric with ``D = diag(1 / sqrt(volume))``, so that eigenvectors are orthonormal: no digits are
    lost where rates meet. `P_j` are the projections on them, by share of volume.
    """

    around: Mapping[str, Peripheral] = gathered("compartment", "drug")

    @property
    def compartments(self) -> tuple[str, ...]:
        """The central compartment and the others, by name."""
        return ("central", *self.between)

    @cached_property
    def between(self) -> dict[str, tuple[Value, Value]]:
        """Rates (1/h) from the central compartment and back, by compartment."""
        slowed = power(self.body_weight / REFERENCE_WEIGHT, self.clearance_exponent - self.volume_exponent)
        return {
            f"compartment.{name}": (other.flow / self.volume * slowed, other.flow / other.volume * slowed)
            for name, other in sorted(self.around.items())
        }

    def exchange(self) -> Entries:
        """Return elimination and exchange."""
        found: Entries = {("central", "central"): -(self.elimination + sum(out for out, _ in self.between.values()))}
        for place, (out, back) in self.between.items():
            found |= {(place, "central"): out, ("central", place): back, (place, place): -back}
        return found

    def rates(self) -> Mapping[str, Value]:
        """Return the rates of decay, the fastest first; one of an absent compartment repeats the fastest."""
        return {f"decay_{j}": rate for j, rate in enumerate(self.modes[0])}

    def reach(self, after: After, *, onto: str = "") -> Entries:
        """Return ``exp(-r_0 t) + sum over j of P_j (exp(-r_j t) - exp(-r_0 t))``: exactly what is there at t = 0."""
        places = ("central", *self.between)
        first = after("decay_0")
        later = [after("decay_0", f"decay_{j}") for j in range(1, len(places))]
        found: Entries = {}
        for to, row in zip(places, self.modes[1], strict=True):
            for source, weights in zip(places, row, strict=True):
                if not onto or to == onto:
                    share: Any = sum(weight * part for weight, part in zip(weights, later, strict=True))
                    found[to, source] = first + share if to == source else share
        return found

    @cached_property
    def modes(self) -> tuple[list[Value], list[list[list[Value]]]]:
        """Rates (1/h), the fastest first, and by row, column and later mode ``P_j (fastest - rate_j)``."""
        rates = [np.asarray(self.elimination), *(np.asarray(rate) for pair in self.between.values() for rate in pair)]
        shape = np.broadcast_shapes(*(rate.shape for rate in rates))
        spread = np.stack([np.broadcast_to(rate, shape).ravel() for rate in rates])
        size, runs = 1 + len(self.between), spread.shape[1]
        decay, weights = np.empty((size, runs)), np.zeros((size, size, size - 1, runs))
        present = spread[1::2] > 0.0
        for pattern in np.unique(present, axis=1).T:
            mine = np.flatnonzero(np.all(present == pattern[:, None], axis=0))
            here = np.array([0, *(np.flatnonzero(pattern) + 1)])
            own, shares = _modes(spread[0, mine], spread[1::2][pattern][:, mine], spread[2::2][pattern][:, mine])
            decay[:, mine] = own[0]
            decay[: len(here), mine] = own
            weights[np.ix_(here, here, np.arange(len(here) - 1), mine)] = shares
        if not shape:
            return decay[:, 0].tolist(), weights[..., 0].tolist()
        return list(decay), [[list(cell) for cell in row] for row in weights]


def _modes(leaving: Array, outs: Array, backs: Array) -> tuple[Array, Array]:
    """Return rates ``(modes, runs)`` and weights ``(to, from, modes - 1, runs)`` of one set of compartments.

    Parameters
    ----------
    leaving : array (runs,)
        Rate of elimination.
    outs, backs : array (compartments, runs)
        Rates from the central compartment and back, above 0.
    """
    size, runs = len(outs) + 1, len(leaving)
    matrix = np.zeros((runs, size, size))
    matrix[:, 0, 0] = leaving + sum(outs)
    for i in range(1, size):
        matrix[:, i, i] = backs[i - 1]
        matrix[:, 0, i] = matrix[:, i, 0] = -np.sqrt(outs[i - 1] * backs[i - 1])
    values, vectors = np.linalg.eigh(matrix)
    values, vectors = values[:, ::-1], vectors[:, :, ::-1]
    values[:, -1] = _slowest(values[:, -1], leaving, outs, backs)
    scale = np.sqrt(np.concatenate([np.ones((1, runs)), outs / backs])).T  # sqrt(volume / central volume)
    weights = np.empty((size, size, size - 1, runs))
    for j in range(1, size):
        apart = values[:, 0] - values[:, j]
        for to in range(size):
            for source in range(size):
                share = vectors[:, to, j] * vectors[:, source, j] * (scale[:, to] / scale[:, source])
                weights[to, source, j - 1] = share * apart
    return values.T, weights


def _slowest(rate: Array, leaving: Array, outs: Array, backs: Array) -> Array:
    """Return the slowest rate with all its digits; from the eigenproblem it has those of the fastest one.

    It lies below every rate back, where no term of ``s (1 + sum of out / (back - s)) = elimination`` is negative, and
    Newton's method at that equation finds it.
    """
    if not len(outs):
        return leaving
    edge = np.min(backs, axis=0)
    # `sum` adds row by row; how NumPy adds along an axis may depend on the number of runs.
    rate = np.clip(rate, 0.0, edge * (1.0 - 1e-9))
    for _ in range(NEWTON):
        apart = backs - rate
        excess = rate * (1.0 + sum(outs / apart)) - leaving
        better = rate - excess / (1.0 + sum(outs * backs / (apart * apart)))
        rate = np.where((better > 0.0) & (better < edge), better, rate)
    return rate


@dataclass(frozen=True, kw_only=True)
class MultiCompartmentIntravenous(MultiCompartment):
    """Straight into a central compartment that exchanges with any number of others, tables [compartment.NAME]."""

    name: ClassVar[str] = "multi_compartment_intravenous"
    equation: ClassVar[str] = (
        "dA1/dt = input - (clearance / V) A1 + sum over compartments of flow (A / volume - A1 / V)\n"
        "c(t) = amount / V sum over modes of P exp(-rate t), rates and P from a symmetric eigenproblem"
    )


@dataclass(frozen=True, kw_only=True)
class MultiCompartmentOral(Oral, MultiCompartment):
    """First-order absorption into a central compartment that exchanges with any number of others."""

    name: ClassVar[str] = "multi_compartment_oral"
    equation: ClassVar[str] = (
        "dgut/dt = -ka gut,  dA1/dt = ka gut - (clearance / V) A1 + sum of flow (A / volume - A1 / V)"
    )

    absorption: Value = number(MISSING, "1/h", "first-order absorption rate", low=1e-4, high=1e3)
    clearance: Value = number(MISSING, "L/h", "clearance at 70 kg", low=1e-4, high=1e5)
    volume: Value = number(MISSING, "L", "central volume at 70 kg", low=1e-3, high=1e6)
